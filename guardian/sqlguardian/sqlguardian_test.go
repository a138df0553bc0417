package sqlguardian_test

import (
	"context"
	"database/sql"
	"log"
	"strings"
	"testing"

	"github.com/auth0kit/auth0kit/guardian"
	"github.com/auth0kit/auth0kit/guardian/sqlguardian"
)

// Databases are opened in internal/testing/integration: no test here may import a driver.

func TestNew(t *testing.T) {
	t.Parallel()
	if _, err := sqlguardian.New(nil, sqlguardian.Config{}); err == nil {
		t.Error("a store without a database was made")
	}
	for _, table := range []string{"Factors", "a;drop", "a.b.c", "1a", strings.Repeat("a", 42), `"a"`} {
		if _, err := sqlguardian.New(new(sql.DB), sqlguardian.Config{Table: table}); err == nil {
			t.Errorf("the table %q was accepted", table)
		}
	}
	s, err := sqlguardian.New(new(sql.DB), sqlguardian.Config{Table: "mfa.factors"})
	if err != nil {
		t.Fatal(err)
	}
	schema := s.Schema()
	if len(schema) != 2 || !strings.Contains(schema[0], "TABLE IF NOT EXISTS mfa.factors") ||
		!strings.Contains(schema[1], "INDEX IF NOT EXISTS factors_by_end ON mfa.factors") {
		t.Errorf("schema %q", schema)
	}
}

// It needs a driver and a database, so it is compiled only.
func ExampleNew() {
	ctx := context.Background()
	db, err := sql.Open("sqlite3", "file:factors.db?_pragma=busy_timeout(10000)&_pragma=journal_mode(WAL)")
	if err != nil {
		log.Fatal(err)
	}
	defer db.Close()
	store, err := sqlguardian.New(db, sqlguardian.Config{})
	if err != nil {
		log.Fatal(err)
	}
	if err := store.CreateSchema(ctx); err != nil {
		log.Fatal(err)
	}
	keys := [][]byte{[]byte("32 random bytes from your vault.")}
	factors, err := guardian.New(nil, guardian.Config{Store: store, Keys: keys, Issuer: "Example"})
	if err != nil {
		log.Fatal(err)
	}
	_, err = factors.Verify(ctx, guardian.Request{UserID: "auth0|42", Factor: guardian.LocalTOTP, Code: "123456"})
	log.Println(err)
}
