// Package pgaudit keeps an audit log in Postgres through pgx: it copies events
// instead of inserting them, has a partition for each month, and removes a month
// by dropping its partition.
//
//	store, err := pgaudit.New(pool, pgaudit.Config{})
//	…
//	err = store.CreateSchema(ctx) // or run the statements of Schema in a migration
//	…
//	events, err := auditlog.New(store, seal, auditlog.Config{})
//
// A month's partition is created when its first event arrives, so the program's
// role needs the privilege to create tables in the schema. It needs Postgres 12 or
// later. Events whose time lies in a month whose partition was dropped get a new
// partition.
package pgaudit

import (
	"cmp"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/jackc/pgx/v5/stdlib"

	"github.com/auth0kit/auth0kit/audit/auditlog/driver"
	"github.com/auth0kit/auth0kit/internal/auditsql"
	"github.com/auth0kit/auth0kit/internal/sqlstore"
)

// Config holds a Store's optional settings. The zero value uses the defaults.
type Config struct {
	// Table is how the names of the tables begin: at most 41 lower-case letters,
	// digits and _. A schema may stand in front, and must be there. Defaults to
	// "auth0kit_audit".
	Table string
}

// Store implements driver.Store. It is safe for concurrent use, also by several
// processes. The caller closes the pool.
type Store struct {
	*store
	db    *sql.DB
	table string

	mu     sync.Mutex
	months map[time.Time]bool // Whose partition is there, as far as this process knows.
}

type store = auditsql.Store

var _ driver.Store = (*Store)(nil)

// events has the ids in a table of their own: a partitioned table cannot keep them
// unique.
const events = `
TABLE {t}_events (
	block BIGINT NOT NULL,
	position INTEGER NOT NULL,
	id {bytes} NOT NULL,
	at BIGINT NOT NULL,
	type {key} NOT NULL,
	action {key} NOT NULL,
	reason {key} NOT NULL,
	outcome INTEGER NOT NULL,
	actor {key} NOT NULL,
	on_behalf_of {key} NOT NULL,
	target {key} NOT NULL,
	organization {key} NOT NULL,
	correlation {key} NOT NULL,
	logged_at BIGINT NOT NULL,
	leaf {blob} NOT NULL,
	PRIMARY KEY (block, position, at),
	INDEX _events_by_time (at, id),
	INDEX _events_by_type (type, at, id),
	INDEX _events_by_actor (actor, at),
	INDEX _events_by_on_behalf_of (on_behalf_of, at) WHERE on_behalf_of <> '',
	INDEX _events_by_target (target, at),
	INDEX _events_by_organization (organization, at, id) WHERE organization <> '',
	INDEX _events_by_correlation (correlation) WHERE correlation <> ''
) PARTITION BY RANGE (at);
TABLE {t}_ids (
	id {bytes} NOT NULL PRIMARY KEY,
	at BIGINT NOT NULL,
	block BIGINT NOT NULL,
	position INTEGER NOT NULL
)`

const byID = "{t}_ids i JOIN {t}_events e ON e.block = i.block AND e.position = i.position AND e.at = i.at"

// New returns a Store. It does no I/O: create the tables with CreateSchema.
func New(pool *pgxpool.Pool, cfg Config) (*Store, error) {
	if pool == nil {
		return nil, errors.New("pgaudit: pool is nil; make one with pgxpool.New")
	}
	db := stdlib.OpenDBFromPool(pool) // which keeps no connection of its own
	table := cmp.Or(cfg.Table, "auth0kit_audit")
	bare := table[strings.IndexByte(table, '.')+1:]
	// A month's ids lie together, so BRIN finds them at next to no cost.
	brin := ";\nCREATE INDEX IF NOT EXISTS " + bare + "_ids_by_time ON {t}_ids USING brin (at)"
	s, err := auditsql.New("pgaudit", db, sqlstore.Postgres, table, events+brin, byID)
	if err != nil {
		return nil, err
	}
	return &Store{store: s, db: db, table: table, months: make(map[time.Time]bool)}, nil
}

// Schema returns the statements that create the tables, for a migration tool. They
// do nothing where the tables are there already. Partitions are created later.
func (s *Store) Schema() []string { return auditsql.DB(s.store).Schema() }

// CreateSchema runs the statements of Schema. Any number of processes may call it
// at every start.
func (s *Store) CreateSchema(ctx context.Context) error {
	return auditsql.DB(s.store).CreateSchema(ctx)
}

// Append implements driver.Events.
func (s *Store) Append(ctx context.Context, b driver.Batch) error {
	for attempt := 0; ; attempt++ {
		if err := s.createMonths(ctx, b.Events); err != nil {
			return err
		}
		err := s.append(ctx, b)
		if e, ok := errors.AsType[*pgconn.PgError](err); ok && e.Code == "23514" && attempt < 3 {
			s.forgetMonths() // another process dropped a partition
			continue
		}
		return err
	}
}

func (s *Store) append(ctx context.Context, b driver.Batch) error {
	conn, err := s.db.Conn(ctx)
	if err != nil {
		return fmt.Errorf("pgaudit: %w", err)
	}
	defer conn.Close()
	tx := func(ctx context.Context, f func(sqlstore.Conn) error) error {
		return auditsql.DB(s.store).TxOn(ctx, conn, f)
	}
	insert := func(ctx context.Context, c sqlstore.Conn, block int64, b driver.Batch) error {
		if err := s.insertIDs(ctx, c, block, b); err != nil {
			return err
		}
		return conn.Raw(func(raw any) error { return s.copy(ctx, raw.(*stdlib.Conn).Conn(), block, b.Events) })
	}
	return auditsql.Append(ctx, s.store, b, tx, insert)
}

// insertIDs inserts the ids and the pending row in one statement: sealing costs a writer no
// further round trip.
func (s *Store) insertIDs(ctx context.Context, c sqlstore.Conn, block int64, b driver.Batch) error {
	ids, at, positions := make([][]byte, len(b.Events)), make([]int64, len(b.Events)), make([]int32, len(b.Events))
	for i, e := range b.Events {
		ids[i], at[i], positions[i] = []byte(e.ID), e.At.UnixMicro(), int32(i)
	}
	insert := auditsql.DB(s.store).SQL(`WITH waits AS (INSERT INTO {t}_pending (block, events, since, hashes) VALUES ($1, $5, $6, $7))
		INSERT INTO {t}_ids (id, at, block, position)
		SELECT id, at, $1, position FROM unnest($2::bytea[], $3::bigint[], $4::integer[]) AS u (id, at, position) ORDER BY id`)
	_, err := c.Exec(ctx, insert, block, ids, at, positions, len(b.Events), b.Events[0].LoggedAt.UnixMicro(), b.Hashes)
	return err
}

func (s *Store) copy(ctx context.Context, conn *pgx.Conn, block int64, events []driver.Event) error {
	rows := pgx.CopyFromSlice(len(events), func(i int) ([]any, error) { return auditsql.Values(block, i, events[i]), nil })
	if _, err := conn.CopyFrom(ctx, identifier(s.table+"_events"), auditsql.Columns, rows); err != nil {
		return fmt.Errorf("pgaudit: copying events: %w", err)
	}
	return nil
}
