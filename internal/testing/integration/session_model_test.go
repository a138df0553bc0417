package integration

import (
	"testing"

	"pgregory.net/rapid"

	"github.com/auth0kit/auth0kit/internal/sqlstore"
	"github.com/auth0kit/auth0kit/session/sessiontest"
)

func TestSessionModel(t *testing.T) {
	t.Parallel()
	fast := map[sqlstore.Dialect]string{ // nothing here is to survive a crash
		sqlstore.SQLite:   "PRAGMA synchronous = OFF",
		sqlstore.Postgres: "SET synchronous_commit = off",
		sqlstore.MariaDB:  "DO 0",
	}
	onEach(t, func(t *testing.T, p product) {
		db := p.open(t)
		db.SetMaxOpenConns(1) // for the setting
		mustExec(t, db, fast[p.dialect])
		store := openSQLSession(t, db, p.dialect, "model")
		rapid.Check(t, func(rt *rapid.T) {
			for _, table := range []string{"model", "model_old", "model_user", "model_sid"} {
				mustExec(t, db, "DELETE FROM "+table)
			}
			mustExec(t, db, "UPDATE model_state SET epoch = 0, revoked_at = 0")
			pick := func(label string, n int) int { return rapid.IntRange(0, n-1).Draw(rt, label) }
			sessiontest.Model(rt, pick, sessiontest.Harness{Store: store}, 25)
		})
	})
}
