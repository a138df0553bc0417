package main

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"database/sql"
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"strings"

	_ "github.com/go-sql-driver/mysql"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	_ "github.com/ncruces/go-sqlite3/driver"
	_ "github.com/ncruces/go-sqlite3/embed"

	"github.com/auth0kit/auth0kit/audit/auditlog/driver"
	"github.com/auth0kit/auth0kit/audit/pgaudit"
	"github.com/auth0kit/auth0kit/audit/sqlaudit"
	"github.com/auth0kit/auth0kit/internal/auditsql"
)

type product struct {
	name string
	open func(ctx context.Context) (*place, error)
}

var products = []product{{"SQLite", openSQLite}, {"Postgres", openPostgres}, {"MariaDB", openMariaDB}}

// place is a new database with the tables of a log.
type place struct {
	store driver.Store
	db    *sql.DB
	pool  *pgxpool.Pool // Of Postgres, whose events are copied.
	lock  string
	close func()
}

func name() string { return "bench_" + strings.ToLower(rand.Text()[:12]) }

func openSQLite(ctx context.Context) (*place, error) {
	dir, err := os.MkdirTemp("", "auditbench")
	if err != nil {
		return nil, err
	}
	dsn := "file:" + filepath.Join(dir, "audit.db") + "?_pragma=busy_timeout(60000)&_pragma=journal_mode(WAL)&_pragma=synchronous(FULL)&_txlock=immediate"
	db, err := sql.Open("sqlite3", dsn)
	if err != nil {
		return nil, err
	}
	return tables(ctx, &place{db: db, close: func() { db.Close(); os.RemoveAll(dir) }}, sqlaudit.SQLite)
}

func openMariaDB(ctx context.Context) (*place, error) {
	u, err := url.Parse(orDefault(os.Getenv("AUTH0KIT_TEST_MYSQL"), "mysql://root@127.0.0.1:3306/test"))
	if err != nil {
		return nil, err
	}
	server, own := u.User.String()+"@tcp("+u.Host+")/", name()
	admin, err := sql.Open("mysql", server)
	if err != nil {
		return nil, err
	}
	if _, err := admin.ExecContext(ctx, "CREATE DATABASE "+own); err != nil {
		return nil, err
	}
	db, err := sql.Open("mysql", server+own+"?interpolateParams=true&tx_isolation='READ-COMMITTED'")
	if err != nil {
		return nil, err
	}
	db.SetMaxIdleConns(16)
	return tables(ctx, &place{db: db, lock: " FOR UPDATE", close: func() {
		db.Close()
		_, _ = admin.Exec("DROP DATABASE " + own) // the next run has another name
		admin.Close()
	}}, sqlaudit.MariaDB)
}

func openPostgres(ctx context.Context) (*place, error) {
	config, err := pgxpool.ParseConfig(orDefault(os.Getenv("AUTH0KIT_TEST_POSTGRES"), "postgres://postgres@127.0.0.1:5432/test?sslmode=disable"))
	if err != nil {
		return nil, err
	}
	own := name()
	config.ConnConfig.RuntimeParams["search_path"] = own
	config.MaxConns = 16
	pool, err := pgxpool.NewWithConfig(ctx, config)
	if err != nil {
		return nil, err
	}
	if _, err := pool.Exec(ctx, "CREATE SCHEMA "+own); err != nil {
		return nil, err
	}
	store, err := pgaudit.New(pool, pgaudit.Config{})
	if err == nil {
		err = store.CreateSchema(ctx)
	}
	if err == nil { // which creates the partition
		e := events(1)
		h := sha256.Sum256(append([]byte{0}, e[0].Leaf...))
		err = store.Append(ctx, driver.Batch{Events: e, Hashes: h[:]})
	}
	if err == nil {
		_, err = pool.Exec(ctx, chainTable)
	}
	return &place{store: store, pool: pool, close: func() {
		_, _ = pool.Exec(context.Background(), "DROP SCHEMA "+own+" CASCADE") // the next run has another name
		pool.Close()
	}}, err
}

func orDefault(s, def string) string {
	if s == "" {
		return def
	}
	return s
}

const chainTable = "CREATE TABLE chain (one INTEGER PRIMARY KEY, hash VARCHAR(64) NOT NULL)"

func tables(ctx context.Context, p *place, dialect sqlaudit.Dialect) (*place, error) {
	store, err := sqlaudit.New(p.db, dialect, sqlaudit.Config{})
	if err != nil {
		return nil, err
	}
	p.store = store
	_, err = p.db.ExecContext(ctx, chainTable)
	return p, errors.Join(err, store.CreateSchema(ctx))
}

// appendPlain writes the rows of the store's Append, and nothing else.
func appendPlain(ctx context.Context, p *place, events []driver.Event) error {
	if p.pool != nil {
		return pgx.BeginFunc(ctx, p.pool, func(tx pgx.Tx) error { return p.copy(ctx, tx, events) })
	}
	return p.tx(ctx, func(tx *sql.Conn) error { return p.insert(ctx, tx, events) })
}

// appendChained hashes each event with the one before, under a lock.
func appendChained(ctx context.Context, p *place, events []driver.Event) error {
	if p.pool != nil {
		return pgx.BeginFunc(ctx, p.pool, func(tx pgx.Tx) error {
			var last string
			if _, err := tx.Exec(ctx, "INSERT INTO chain VALUES (1, '') ON CONFLICT DO NOTHING"); err != nil {
				return err
			}
			if err := tx.QueryRow(ctx, "SELECT hash FROM chain WHERE one = 1 FOR UPDATE").Scan(&last); err != nil {
				return err
			}
			if err := p.copy(ctx, tx, events); err != nil {
				return err
			}
			_, err := tx.Exec(ctx, "UPDATE chain SET hash = $1 WHERE one = 1", chain(last, events))
			return err
		})
	}
	return p.tx(ctx, func(tx *sql.Conn) error {
		var last string
		err := tx.QueryRowContext(ctx, "SELECT hash FROM chain WHERE one = 1"+p.lock).Scan(&last)
		if errors.Is(err, sql.ErrNoRows) {
			_, err = tx.ExecContext(ctx, "INSERT INTO chain VALUES (1, '')")
		}
		if err != nil {
			return err
		}
		if err := p.insert(ctx, tx, events); err != nil {
			return err
		}
		_, err = tx.ExecContext(ctx, "UPDATE chain SET hash = ? WHERE one = 1", chain(last, events))
		return err
	})
}

func chain(last string, events []driver.Event) string {
	for _, e := range events {
		last = fmt.Sprintf("%x", sha256.Sum256(append([]byte(last), e.Leaf...)))
	}
	return last
}

func (p *place) copy(ctx context.Context, tx pgx.Tx, events []driver.Event) error {
	block := driver.NewBlock()
	ids, at, positions := make([][]byte, len(events)), make([]int64, len(events)), make([]int32, len(events))
	for i, e := range events {
		ids[i], at[i], positions[i] = []byte(e.ID), e.At.UnixMicro(), int32(i)
	}
	_, err := tx.Exec(ctx, `INSERT INTO auth0kit_audit_ids (id, at, block, position)
		SELECT id, at, $1, position FROM unnest($2::bytea[], $3::bigint[], $4::integer[]) AS u (id, at, position) ORDER BY id`, block, ids, at, positions)
	if err != nil {
		return err
	}
	rows := pgx.CopyFromSlice(len(events), func(i int) ([]any, error) { return auditsql.Values(block, i, events[i]), nil })
	_, err = tx.CopyFrom(ctx, pgx.Identifier{"auth0kit_audit_events"}, auditsql.Columns, rows)
	return err
}

// tx begins as the store does, SQLite with its lock, and runs a transaction again
// that MariaDB ended because of a deadlock, or because another has begun the chain.
func (p *place) tx(ctx context.Context, f func(*sql.Conn) error) error {
	for {
		err := p.once(ctx, f)
		if err == nil || !strings.Contains(err.Error(), "Error 1213") && !strings.Contains(err.Error(), "Error 1062") {
			return err
		}
	}
}

func (p *place) once(ctx context.Context, f func(*sql.Conn) error) error {
	conn, err := p.db.Conn(ctx)
	if err != nil {
		return err
	}
	defer conn.Close()
	begin := "BEGIN IMMEDIATE"
	if p.lock != "" {
		begin = "BEGIN"
	}
	if _, err := conn.ExecContext(ctx, begin); err != nil {
		return err
	}
	if err := f(conn); err != nil {
		_, _ = conn.ExecContext(ctx, "ROLLBACK") // the run has failed
		return err
	}
	_, err = conn.ExecContext(ctx, "COMMIT")
	return err
}

func (p *place) insert(ctx context.Context, tx *sql.Conn, events []driver.Event) error {
	block := driver.NewBlock()
	for first := 0; first < len(events); first += 64 {
		part := events[first:min(first+64, len(events))]
		var args []any
		for i, e := range part {
			args = append(args, auditsql.Values(block, first+i, e)...)
		}
		one := "(" + strings.TrimSuffix(strings.Repeat("?, ", len(auditsql.Columns)), ", ") + ")"
		query := "INSERT INTO auth0kit_audit_events (" + strings.Join(auditsql.Columns, ", ") + ") VALUES " +
			strings.TrimSuffix(strings.Repeat(one+", ", len(part)), ", ")
		if _, err := tx.ExecContext(ctx, query, args...); err != nil {
			return err
		}
	}
	return nil
}
