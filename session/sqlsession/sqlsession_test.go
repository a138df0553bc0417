package sqlsession_test

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"strings"
	"testing"

	"github.com/auth0kit/auth0kit/session/sqlsession"
)

// noDatabase is a connector to nothing. What needs a database is tested in
// internal/testing/integration, so that no driver is required by this package.
type noDatabase struct{}

var errNoDatabase = errors.New("no database")

func (noDatabase) Connect(context.Context) (driver.Conn, error) { return nil, errNoDatabase }
func (noDatabase) Driver() driver.Driver                        { return nil }

func TestNew(t *testing.T) {
	t.Parallel()
	db := sql.OpenDB(noDatabase{})
	for _, table := range []string{"x;y", `a"b`, "a.b.c", "Upper", "1a", strings.Repeat("x", 42)} {
		if _, err := sqlsession.New(db, sqlsession.Config{Table: table}); err == nil {
			t.Errorf("the table %q is accepted", table)
		}
	}
	if _, err := sqlsession.New(nil, sqlsession.Config{}); err == nil {
		t.Error("no database is accepted")
	}
	s, err := sqlsession.New(db, sqlsession.Config{Table: "auth.session"})
	if err != nil {
		t.Fatal(err)
	}
	if err := s.CreateSchema(t.Context()); !errors.Is(err, errNoDatabase) {
		t.Errorf("CreateSchema = %v", err)
	}
	for _, statement := range s.Schema() {
		if strings.Contains(statement, "{t}") || strings.Contains(statement, ";") || !strings.Contains(statement, "auth.session") {
			t.Errorf("statement: %s", statement)
		}
		if strings.Contains(statement, "CREATE INDEX") && strings.Contains(statement, "EXISTS auth.") {
			t.Errorf("an index has a schema: %s", statement)
		}
	}
}
