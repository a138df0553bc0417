package sqlaudit_test

import (
	"context"
	"database/sql"
	"encoding/base64"
	"fmt"
	"log"
	"os"
	"strings"

	"github.com/auth0kit/auth0kit/audit"
	"github.com/auth0kit/auth0kit/audit/auditlog"
	"github.com/auth0kit/auth0kit/audit/sqlaudit"
)

// It needs a driver and a database, so it is compiled only.
func ExampleNew() {
	ctx := context.Background()
	db, err := sql.Open("sqlite3", "file:audit.db?_pragma=busy_timeout(10000)&_pragma=journal_mode(WAL)&_txlock=immediate")
	if err != nil {
		log.Fatal(err)
	}
	defer db.Close()
	store, err := sqlaudit.New(db, sqlaudit.SQLite, sqlaudit.Config{})
	if err != nil {
		log.Fatal(err)
	}
	if err := store.CreateSchema(ctx); err != nil {
		log.Fatal(err)
	}
	wrap, err := base64.StdEncoding.DecodeString(os.Getenv("AUDIT_WRAP"))
	if err != nil {
		log.Fatal(err)
	}
	seal, err := auditlog.ParseSeal(os.Getenv("AUDIT_KEY"), wrap)
	if err != nil {
		log.Fatal(err)
	}
	events, err := auditlog.New(store, seal, auditlog.Config{})
	if err != nil {
		log.Fatal(err)
	}
	go func() { log.Println(events.Run(ctx)) }() // seals
	err = audit.Record(ctx, events, audit.Event{Type: "service", Action: "service.start", Outcome: audit.Success})
	log.Println(err)
}

func ExampleStore_Schema() {
	store, err := sqlaudit.New(new(sql.DB), sqlaudit.Postgres, sqlaudit.Config{Table: "compliance.audit"})
	if err != nil {
		log.Fatal(err)
	}
	for _, statement := range store.Schema() {
		first, _, _ := strings.Cut(statement, "\n")
		fmt.Println(first)
	}
	// Output:
	// CREATE TABLE IF NOT EXISTS compliance.audit_events (
	// CREATE INDEX IF NOT EXISTS audit_events_by_time ON compliance.audit_events (at, id)
	// CREATE INDEX IF NOT EXISTS audit_events_by_type ON compliance.audit_events (type, at, id)
	// CREATE INDEX IF NOT EXISTS audit_events_by_actor ON compliance.audit_events (actor, at)
	// CREATE INDEX IF NOT EXISTS audit_events_by_on_behalf_of ON compliance.audit_events (on_behalf_of, at) WHERE on_behalf_of <> ''
	// CREATE INDEX IF NOT EXISTS audit_events_by_target ON compliance.audit_events (target, at)
	// CREATE INDEX IF NOT EXISTS audit_events_by_organization ON compliance.audit_events (organization, at, id) WHERE organization <> ''
	// CREATE INDEX IF NOT EXISTS audit_events_by_correlation ON compliance.audit_events (correlation) WHERE correlation <> ''
	// CREATE TABLE IF NOT EXISTS compliance.audit_pending (
	// CREATE TABLE IF NOT EXISTS compliance.audit_sealed (
	// CREATE TABLE IF NOT EXISTS compliance.audit_state (
	// CREATE TABLE IF NOT EXISTS compliance.audit_lease (
}
