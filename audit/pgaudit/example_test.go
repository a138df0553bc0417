package pgaudit_test

import (
	"context"
	"encoding/base64"
	"fmt"
	"log"
	"os"
	"strings"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/auth0kit/auth0kit/audit"
	"github.com/auth0kit/auth0kit/audit/auditlog"
	"github.com/auth0kit/auth0kit/audit/pgaudit"
)

// It needs a database, so it is compiled only.
func ExampleNew() {
	ctx := context.Background()
	pool, err := pgxpool.New(ctx, os.Getenv("DATABASE_URL"))
	if err != nil {
		log.Fatal(err)
	}
	defer pool.Close()
	store, err := pgaudit.New(pool, pgaudit.Config{})
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
	pool, err := pgxpool.New(context.Background(), "postgres://localhost/test") // connects at the first use
	if err != nil {
		log.Fatal(err)
	}
	defer pool.Close()
	store, err := pgaudit.New(pool, pgaudit.Config{Table: "compliance.audit"})
	if err != nil {
		log.Fatal(err)
	}
	for _, statement := range store.Schema() {
		if last := statement[strings.LastIndexByte(statement, '\n')+1:]; len(last) > 1 {
			fmt.Println(last)
		}
	}
	_, err = pgaudit.New(nil, pgaudit.Config{})
	fmt.Println(err)
	// Output:
	// ) PARTITION BY RANGE (at)
	// CREATE INDEX IF NOT EXISTS audit_events_by_time ON compliance.audit_events (at, id)
	// CREATE INDEX IF NOT EXISTS audit_events_by_type ON compliance.audit_events (type, at, id)
	// CREATE INDEX IF NOT EXISTS audit_events_by_actor ON compliance.audit_events (actor, at)
	// CREATE INDEX IF NOT EXISTS audit_events_by_on_behalf_of ON compliance.audit_events (on_behalf_of, at) WHERE on_behalf_of <> ''
	// CREATE INDEX IF NOT EXISTS audit_events_by_target ON compliance.audit_events (target, at)
	// CREATE INDEX IF NOT EXISTS audit_events_by_organization ON compliance.audit_events (organization, at, id) WHERE organization <> ''
	// CREATE INDEX IF NOT EXISTS audit_events_by_correlation ON compliance.audit_events (correlation) WHERE correlation <> ''
	// CREATE INDEX IF NOT EXISTS audit_ids_by_time ON compliance.audit_ids USING brin (at)
	// pgaudit: pool is nil; make one with pgxpool.New
}
