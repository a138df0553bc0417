package integration

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/stretchr/testify/require"

	"github.com/auth0kit/auth0kit/audit"
	"github.com/auth0kit/auth0kit/audit/auditlog"
	"github.com/auth0kit/auth0kit/audit/auditlog/audittest"
	"github.com/auth0kit/auth0kit/audit/auditlog/driver"
	"github.com/auth0kit/auth0kit/audit/pgaudit"
	"github.com/auth0kit/auth0kit/audit/sqlaudit"
	"github.com/auth0kit/auth0kit/internal/testing/backends"
)

func TestAuditStore(t *testing.T) {
	t.Parallel()
	onEach(t, func(t *testing.T, p product) {
		audittest.Run(t, func(t *testing.T) audittest.Harness {
			db := p.open(t)
			return audittest.Harness{
				Store: openSQLAudit(t, db, p, ""), Again: openSQLAudit(t, db, p, ""), Sibling: openSQLAudit(t, db, p, "sibling"),
				Tamper: sqlTamper{db, "auth0kit_audit", p.dialect != sqlaudit.MariaDB}.tamper(),
			}
		})
	})
}

func openSQLAudit(t testing.TB, db *sql.DB, p product, table string) *sqlaudit.Store {
	t.Helper()
	s, err := sqlaudit.New(db, p.dialect, sqlaudit.Config{Table: table})
	require.NoError(t, err)
	require.NoError(t, s.CreateSchema(t.Context()))
	return s
}

// sqlTamper changes the tables of a store by hand.
type sqlTamper struct {
	db       *sql.DB
	table    string
	numbered bool // $1 instead of a question mark
}

func (s sqlTamper) exec(query string, args ...any) error {
	for i := range args {
		if s.numbered {
			query = strings.Replace(query, "?", fmt.Sprintf("$%d", i+1), 1)
		}
	}
	_, err := s.db.Exec(strings.ReplaceAll(query, "{t}", s.table), args...)
	return err
}

func (s sqlTamper) tamper() *audittest.Tamper {
	return &audittest.Tamper{
		Set: func(id, column string, value any) error {
			if at, ok := value.(time.Time); ok {
				value = at.UnixMicro()
			}
			return s.exec("UPDATE {t}_events SET "+column+" = ? WHERE id = ?", value, []byte(id))
		},
		Delete: func(id string) error { return s.exec("DELETE FROM {t}_events WHERE id = ?", []byte(id)) },
		Insert: func(e driver.Event) error {
			return s.exec(`INSERT INTO {t}_events (block, position, id, at, type, action, reason, outcome, actor, on_behalf_of, target,
				organization, correlation, logged_at, leaf) VALUES (?, 0, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
				driver.NewBlock(), []byte(e.ID), e.At.UnixMicro(), e.Type, e.Action, e.Reason, int(e.Outcome), e.Actor, e.OnBehalfOf, e.Target,
				e.Organization, e.Correlation, e.LoggedAt.UnixMicro(), e.Leaf)
		},
		Swap: func(id, other string) error {
			place := func(id string) (block, index int64, err error) {
				query := strings.ReplaceAll("SELECT s.block, s.at_index FROM {t}_sealed s JOIN {t}_events e ON e.block = s.block WHERE e.id = ?", "{t}", s.table)
				if s.numbered {
					query = strings.Replace(query, "?", "$1", 1)
				}
				err = s.db.QueryRow(query, []byte(id)).Scan(&block, &index)
				return block, index, err
			}
			block, index, err1 := place(id)
			block2, index2, err2 := place(other)
			const move = "UPDATE {t}_sealed SET at_index = ? WHERE block = ?"
			return errors.Join(err1, err2, s.exec(move, int64(-1), block), s.exec(move, index, block2), s.exec(move, index2, block))
		},
		Cut: func(from uint64) error {
			err := s.exec("DELETE FROM {t}_events WHERE block IN (SELECT block FROM {t}_sealed WHERE at_index >= ?)", int64(from))
			if err != nil {
				return err
			}
			return s.exec("DELETE FROM {t}_sealed WHERE at_index >= ?", int64(from))
		},
	}
}

func TestAuditStorePgx(t *testing.T) {
	t.Parallel()
	audittest.Run(t, func(t *testing.T) audittest.Harness {
		pool, db := openPool(t)
		return audittest.Harness{
			Store: openPgAudit(t, pool, ""), Again: openPgAudit(t, pool, ""), Sibling: openPgAudit(t, pool, "sibling"),
			Tamper: pgTamper(db),
		}
	})
}

// openPool returns a pool, and the same database for database/sql.
func openPool(t testing.TB) (*pgxpool.Pool, *sql.DB) {
	t.Helper()
	db := openPostgres(t)
	config, err := pgxpool.ParseConfig(backends.Postgres(t))
	require.NoError(t, err)
	var schema string
	require.NoError(t, db.QueryRow("SELECT current_schema()").Scan(&schema))
	config.ConnConfig.RuntimeParams["search_path"] = schema
	config.MaxConns = 8
	pool, err := pgxpool.NewWithConfig(t.Context(), config)
	require.NoError(t, err)
	t.Cleanup(pool.Close)
	return pool, db
}

func openPgAudit(t testing.TB, pool *pgxpool.Pool, table string) *pgaudit.Store {
	t.Helper()
	s, err := pgaudit.New(pool, pgaudit.Config{Table: table})
	require.NoError(t, err)
	require.NoError(t, s.CreateSchema(t.Context()))
	return s
}

// pgTamper knows that ids are found through a table of their own.
func pgTamper(db *sql.DB) *audittest.Tamper {
	s := sqlTamper{db, "auth0kit_audit", true}
	tamper := s.tamper()
	set := tamper.Set
	tamper.Set = func(id, column string, value any) error {
		if err := set(id, column, value); err != nil || column != "at" {
			return err
		}
		return s.exec("UPDATE {t}_ids SET at = ? WHERE id = ?", value.(time.Time).UnixMicro(), []byte(id))
	}
	return tamper
}

// shortLease is a store whose leases end early, and whose first sealing waits until
// another process has sealed: a sequencer that was stopped for longer than its lease.
type shortLease struct {
	driver.Store
	stall func(ctx context.Context)
}

const shortTTL = 300 * time.Millisecond

func (s shortLease) Acquire(ctx context.Context, holder string, _ time.Duration) (driver.Lease, error) {
	return s.Store.Acquire(ctx, holder, shortTTL)
}

func (s shortLease) Seal(ctx context.Context, l driver.Lease, _ time.Duration, sealing driver.Sealing) error {
	s.stall(ctx)
	return s.Store.Seal(ctx, l, shortTTL, sealing)
}

// A sequencer that stalls in the middle of a step, on real databases: another one takes
// over, what the first had in its hands is refused, and nothing forks.
func TestAuditStalledSequencer(t *testing.T) {
	t.Parallel()
	open := map[string]func(t *testing.T) (a, b driver.Store){"pgaudit": func(t *testing.T) (a, b driver.Store) {
		pool, _ := openPool(t)
		return openPgAudit(t, pool, ""), openPgAudit(t, pool, "")
	}}
	for _, p := range products {
		open[p.name] = func(t *testing.T) (a, b driver.Store) {
			db := p.open(t)
			return openSQLAudit(t, db, p, ""), openSQLAudit(t, db, p, "")
		}
	}
	for name, stores := range open {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			first, second := stores(t)
			stalled(t, first, second)
		})
	}
}

func stalled(t *testing.T, first, second driver.Store) {
	key, _, err := auditlog.GenerateKey("example.com/audit")
	require.NoError(t, err)
	place := auditPlace{key: key}
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	other, err := place.log(shortLease{second, func(context.Context) {}})
	require.NoError(t, err)
	record := func(l *auditlog.Log, ids ...string) {
		for _, id := range ids {
			require.NoError(t, audit.Record(ctx, l, audit.Event{ID: id, Type: "crash", Action: "crash.record"}))
		}
	}
	stalls, over := make(chan bool, 1), make(chan bool)
	slow, err := place.log(shortLease{first, func(ctx context.Context) {
		select {
		case stalls <- true: // the first time
			select {
			case <-over:
			case <-ctx.Done():
			}
		default:
		}
	}})
	require.NoError(t, err)
	record(slow, "e1", "e2", "e3")
	go slow.Run(ctx)
	wait(t, "the first sequencer stalls", func() bool { return len(stalls) == 1 })
	record(other, "e4", "e5")
	go other.Run(ctx)
	wait(t, "the second has sealed all", func() bool {
		s, err := other.Status(ctx)
		return err == nil && s.Size == 5
	})
	kept, err := other.Checkpoint(ctx)
	require.NoError(t, err)
	close(over) // the first goes on with what it had
	record(slow, "e6")
	wait(t, "what comes later is sealed", func() bool {
		s, err := other.Status(ctx)
		return err == nil && s.Size == 6
	})
	verifyAll(t, other, second, map[string]bool{"e1": true, "e2": true, "e3": true, "e4": true, "e5": true, "e6": true}, [][]byte{kept})
}
