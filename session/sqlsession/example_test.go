package sqlsession_test

import (
	"context"
	"database/sql"
	"log"

	"github.com/auth0kit/auth0kit/session"
	"github.com/auth0kit/auth0kit/session/sqlsession"
)

// It needs a driver and a database, so it is compiled only.
func ExampleNew() {
	ctx := context.Background()
	db, err := sql.Open("sqlite3", "file:sessions.db?_pragma=busy_timeout(10000)&_pragma=journal_mode(WAL)")
	if err != nil {
		log.Fatal(err)
	}
	defer db.Close()
	store, err := sqlsession.New(db, sqlsession.SQLite, sqlsession.Config{})
	if err != nil {
		log.Fatal(err)
	}
	if err := store.CreateSchema(ctx); err != nil {
		log.Fatal(err)
	}
	sessions, err := session.New(store, session.Config{})
	if err != nil {
		log.Fatal(err)
	}
	token, _, err := sessions.Create(ctx, session.Login{UserID: "auth0|42"})
	if err != nil {
		log.Fatal(err)
	}
	log.Println("signed in with", token)
}
