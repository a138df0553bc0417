package integration

import (
	"database/sql"
	"fmt"
	"testing"

	"pgregory.net/rapid"

	"github.com/auth0kit/auth0kit/session/sessiontest"
)

func TestSessionModelSQLite(t *testing.T) {
	t.Parallel()
	testSessionModel(t, openSQLite(t))
}

func TestSessionModelPostgres(t *testing.T) {
	t.Parallel()
	testSessionModel(t, openPostgres(t))
}

// testSessionModel gives every run tables of its own.
func testSessionModel(t *testing.T, db *sql.DB) {
	n := 0
	rapid.Check(t, func(rt *rapid.T) {
		n++
		pick := func(label string, n int) int { return rapid.IntRange(0, n-1).Draw(rt, label) }
		store := openSQLSession(t, db, fmt.Sprintf("run%d", n))
		sessiontest.Model(rt, pick, sessiontest.Harness{Store: store}, 40)
	})
}
