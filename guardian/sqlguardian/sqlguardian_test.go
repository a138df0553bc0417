package sqlguardian_test

import (
	"context"
	"database/sql"
	"log"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/auth0kit/auth0kit/guardian"
	"github.com/auth0kit/auth0kit/guardian/sqlguardian"
)

// Databases are opened in internal/testing/integration: no test here may import a
// driver.

func TestNew(t *testing.T) {
	t.Parallel()
	_, err := sqlguardian.New(nil, sqlguardian.SQLite, sqlguardian.Config{})
	assert.ErrorContains(t, err, "sqlguardian: db is nil")
	_, err = sqlguardian.New(new(sql.DB), 0, sqlguardian.Config{})
	assert.ErrorContains(t, err, "sqlguardian: dialect")
	_, err = sqlguardian.New(new(sql.DB), sqlguardian.SQLite, sqlguardian.Config{Table: "a;drop"})
	assert.ErrorContains(t, err, "sqlguardian: Config.Table")
	s, err := sqlguardian.New(new(sql.DB), sqlguardian.Postgres, sqlguardian.Config{Table: "mfa.factors"})
	require.NoError(t, err)
	schema := s.Schema()
	require.Len(t, schema, 2)
	assert.Contains(t, schema[0], "TABLE IF NOT EXISTS mfa.factors")
	assert.Contains(t, schema[1], "INDEX IF NOT EXISTS factors_by_end ON mfa.factors (kept_until) WHERE kept_until > 0")
}

// It needs a driver and a database, so it is compiled only.
func ExampleNew() {
	ctx := context.Background()
	db, err := sql.Open("sqlite3", "file:factors.db?_pragma=busy_timeout(10000)&_pragma=journal_mode(WAL)")
	if err != nil {
		log.Fatal(err)
	}
	defer db.Close()
	store, err := sqlguardian.New(db, sqlguardian.SQLite, sqlguardian.Config{})
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
