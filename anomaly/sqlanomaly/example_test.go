package sqlanomaly_test

import (
	"context"
	"database/sql"
	"fmt"
	"log"

	"github.com/auth0kit/auth0kit/anomaly"
	"github.com/auth0kit/auth0kit/anomaly/sqlanomaly"
)

// It needs a driver and a database, so it is compiled only.
var keys = [][]byte{[]byte("0123456789abcdef0123456789abcdef")} // 32 random bytes, out of a secret store

func ExampleNew() {
	ctx := context.Background()
	db, err := sql.Open("sqlite3", "file:profiles.db?_pragma=busy_timeout(10000)&_pragma=journal_mode(WAL)")
	if err != nil {
		log.Fatal(err)
	}
	defer db.Close()
	store, err := sqlanomaly.New(db, sqlanomaly.SQLite, sqlanomaly.Config{})
	if err != nil {
		log.Fatal(err)
	}
	if err := store.CreateSchema(ctx); err != nil {
		log.Fatal(err)
	}
	detector, err := anomaly.New(store, keys, anomaly.Config{})
	if err != nil {
		log.Fatal(err)
	}
	log.Println(detector.Run(ctx))
}

func ExampleStore_Schema() {
	store, err := sqlanomaly.New(new(sql.DB), sqlanomaly.MariaDB, sqlanomaly.Config{Table: "login_profiles"})
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, statement := range store.Schema() {
		fmt.Println(statement + ";")
	}
	// Output:
	// CREATE TABLE IF NOT EXISTS login_profiles (
	// 	id VARBINARY(512) NOT NULL PRIMARY KEY,
	// 	version BIGINT NOT NULL,
	// 	saved_at BIGINT NOT NULL,
	// 	profile LONGBLOB NOT NULL
	// ) ENGINE=InnoDB;
}
