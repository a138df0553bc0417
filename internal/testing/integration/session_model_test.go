package integration

import (
	"database/sql"
	"testing"

	"pgregory.net/rapid"

	"github.com/auth0kit/auth0kit/session/sessiontest"
)

func TestSessionModelSQLite(t *testing.T) {
	t.Parallel()
	db := openSQLite(t)
	db.SetMaxOpenConns(1) // for the pragma
	mustExec(t, db, "PRAGMA synchronous = OFF")
	testSessionModel(t, db)
}

func TestSessionModelPostgres(t *testing.T) {
	t.Parallel()
	db := openPostgres(t)
	db.SetMaxOpenConns(1)
	mustExec(t, db, "SET synchronous_commit = off")
	testSessionModel(t, db)
}

func testSessionModel(t *testing.T, db *sql.DB) {
	store := openSQLSession(t, db, "model")
	rapid.Check(t, func(rt *rapid.T) {
		for _, table := range []string{"model", "model_old", "model_user", "model_sid"} {
			mustExec(t, db, "DELETE FROM "+table)
		}
		mustExec(t, db, "UPDATE model_state SET epoch = 0, revoked_at = 0")
		pick := func(label string, n int) int { return rapid.IntRange(0, n-1).Draw(rt, label) }
		sessiontest.Model(rt, pick, sessiontest.Harness{Store: store}, 25)
	})
}
