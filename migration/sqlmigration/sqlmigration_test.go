package sqlmigration_test

import (
	"context"
	"database/sql"
	"fmt"
	"log"
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/auth0kit/auth0kit/migration/sqlmigration"
)

// Databases are opened in internal/testing/integration: no test here may import a
// driver.

func TestNew(t *testing.T) {
	t.Parallel()
	_, err := sqlmigration.New(nil, sqlmigration.SQLite, sqlmigration.Config{})
	assert.ErrorContains(t, err, "sqlmigration: db is nil")
	_, err = sqlmigration.New(new(sql.DB), 0, sqlmigration.Config{})
	assert.ErrorContains(t, err, "sqlmigration: dialect")
	_, err = sqlmigration.New(new(sql.DB), sqlmigration.SQLite, sqlmigration.Config{Table: "a;drop"})
	assert.ErrorContains(t, err, "sqlmigration: Config.Table")
}

// It needs a driver and a database, so it is compiled only.
func ExampleNew() {
	ctx := context.Background()
	db, err := sql.Open("sqlite3", "file:migration.db?_pragma=busy_timeout(10000)&_pragma=journal_mode(WAL)")
	if err != nil {
		log.Fatal(err)
	}
	defer db.Close()
	ledger, err := sqlmigration.New(db, sqlmigration.SQLite, sqlmigration.Config{})
	if err != nil {
		log.Fatal(err)
	}
	if err := ledger.CreateSchema(ctx); err != nil {
		log.Fatal(err)
	}
	for outcome, err := range ledger.Outcomes(ctx, "my-run") {
		log.Println(outcome.Key, outcome.State, err)
	}
}

func ExampleLedger_Schema() {
	ledger, err := sqlmigration.New(new(sql.DB), sqlmigration.Postgres, sqlmigration.Config{Table: "auth.migration"})
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(ledger.Schema()[0] + ";")
	// Output:
	// CREATE TABLE IF NOT EXISTS auth.migration_lease (
	// 	run TEXT NOT NULL PRIMARY KEY, holder TEXT NOT NULL, fence BIGINT NOT NULL, expires BIGINT NOT NULL, writes BIGINT NOT NULL
	// );
}
