package sqlactions_test

import (
	"context"
	"database/sql"
	"fmt"
	"log"
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/auth0kit/auth0kit/actions"
	"github.com/auth0kit/auth0kit/actions/sqlactions"
)

// It needs a driver and a database, so it is compiled only.
func ExampleNew() {
	ctx := context.Background()
	db, err := sql.Open("sqlite3", "file:logins.db?_pragma=busy_timeout(10000)&_pragma=journal_mode(WAL)")
	if err != nil {
		log.Fatal(err)
	}
	defer db.Close()
	keys := [][]byte{[]byte("an example key of 32 bytes......")}
	store, err := sqlactions.New(db, sqlactions.SQLite, keys, sqlactions.Config{})
	if err != nil {
		log.Fatal(err)
	}
	if err := store.CreateSchema(ctx); err != nil {
		log.Fatal(err)
	}
	live, err := actions.New(actions.PostLogin, actions.Segment("https://example.com/segment", store))
	if err != nil {
		log.Fatal(err)
	}
	handler, err := actions.Handler(keys, actions.HandlerConfig{History: store, Seen: store}, live)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(handler)
}

func TestNew(t *testing.T) {
	t.Parallel()
	key := []byte("an example key of 32 bytes......")
	_, err := sqlactions.New(nil, sqlactions.SQLite, [][]byte{key}, sqlactions.Config{})
	assert.ErrorContains(t, err, "db")
	_, err = sqlactions.New(new(sql.DB), sqlactions.SQLite, nil, sqlactions.Config{})
	assert.ErrorContains(t, err, "key")
	_, err = sqlactions.New(new(sql.DB), sqlactions.SQLite, [][]byte{key}, sqlactions.Config{Keep: -1})
	assert.ErrorContains(t, err, "Keep")
}
