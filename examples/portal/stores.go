package main

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	_ "github.com/jackc/pgx/v5/stdlib"
	_ "github.com/ncruces/go-sqlite3/driver"
	_ "github.com/ncruces/go-sqlite3/embed"
	"github.com/redis/rueidis"

	"github.com/auth0kit/auth0kit/actions/sqlactions"
	"github.com/auth0kit/auth0kit/anomaly"
	"github.com/auth0kit/auth0kit/anomaly/redisanomaly"
	"github.com/auth0kit/auth0kit/audit/sqlaudit"
	"github.com/auth0kit/auth0kit/guardian/sqlguardian"
	"github.com/auth0kit/auth0kit/risk"
	"github.com/auth0kit/auth0kit/risk/redisrisk"
	"github.com/auth0kit/auth0kit/session"
	"github.com/auth0kit/auth0kit/session/driver"
	"github.com/auth0kit/auth0kit/session/redissession"
	"github.com/auth0kit/auth0kit/tenancy"
	"github.com/auth0kit/auth0kit/tenancy/delegation"
	"github.com/auth0kit/auth0kit/tenancy/delegation/pgdelegation"
	"github.com/auth0kit/auth0kit/tenancy/redistenancy"
)

// stores is where everything is kept.
type stores struct {
	// What is asked at each request: in memory, or in Redis.
	sessions interface {
		driver.Store
		driver.Outbox
	}
	cuts     tenancy.CutoffStore
	profiles anomaly.Store
	counters risk.Counters
	waiting  risk.Decisions // nil: this process alone knows of challenges

	// What must last: in SQLite, or in Postgres.
	events  *sqlaudit.Store
	factors *sqlguardian.Store
	logins  *sqlactions.Store
	books   *sql.DB
	locker  delegation.Locker // nil: one process

	folder  string // of the SQLite files, which go with it
	closers []func()
}

func (s *stores) close() {
	for i := len(s.closers) - 1; i >= 0; i-- {
		s.closers[i]()
	}
}

// openStores opens what the two URLs name, and memory and SQLite without them.
func openStores(ctx context.Context, redisURL, databaseURL string, key []byte) (*stores, error) {
	s := &stores{}
	var err error
	if s.folder, err = os.MkdirTemp("", "portal"); err != nil {
		return nil, err
	}
	s.closers = append(s.closers, func() { _ = os.RemoveAll(s.folder) })
	err = s.openRedis(redisURL)
	if err == nil {
		err = s.openSQL(ctx, databaseURL, key)
	}
	if err != nil {
		s.close()
		return nil, err
	}
	return s, nil
}

func (s *stores) openRedis(url string) error {
	if url == "" {
		s.sessions, s.cuts, s.profiles, s.counters = session.NewMemory(), tenancy.NewMemory(), anomaly.NewMemory(0), risk.NewMemoryCounters(0)
		return nil
	}
	options, err := rueidis.ParseURL(url)
	if err != nil {
		return errors.New("REDIS_URL cannot be read; give one such as redis://localhost:6379")
	}
	client, err := rueidis.NewClient(options)
	if err != nil {
		return fmt.Errorf("REDIS_URL: %w", err)
	}
	s.closers = append(s.closers, client.Close)
	var errs [5]error
	s.sessions, errs[0] = redissession.New(client, redissession.Config{Prefix: "portal"})
	s.cuts, errs[1] = redistenancy.New(client, redistenancy.Config{Prefix: "portal:tenancy"})
	s.profiles, errs[2] = redisanomaly.New(client, redisanomaly.Config{Prefix: "portal:anomaly"})
	s.counters, errs[3] = redisrisk.New(client, redisrisk.Config{Prefix: "portal:risk"})
	s.waiting, errs[4] = redisrisk.NewDecisions(client, redisrisk.Config{Prefix: "portal:risk"})
	return errors.Join(errs[:]...)
}

func (s *stores) openSQL(ctx context.Context, url string, key []byte) (err error) {
	// SQLite has one writer for each file, and the log must not wait for the others.
	log, dialect := (*sql.DB)(nil), sqlaudit.SQLite
	if url == "" {
		if s.books, err = s.sqlite("portal.db"); err == nil {
			log, err = s.sqlite("audit.db")
		}
	} else {
		dialect = sqlaudit.Postgres
		s.books, err = s.postgres(url, 20)
		log = s.books
	}
	if err != nil {
		return err
	}
	var errs [3]error
	s.events, errs[0] = sqlaudit.New(log, dialect, sqlaudit.Config{})
	s.factors, errs[1] = sqlguardian.New(s.books, dialect, sqlguardian.Config{})
	s.logins, errs[2] = sqlactions.New(s.books, dialect, [][]byte{key}, sqlactions.Config{})
	if err := errors.Join(errs[:]...); err != nil {
		return err
	}
	for _, schema := range []func(context.Context) error{s.events.CreateSchema, s.factors.CreateSchema, s.logins.CreateSchema, s.createBooks} {
		if err := schema(ctx); err != nil {
			return fmt.Errorf("DATABASE_URL: %w", err)
		}
	}
	return nil
}

func (s *stores) sqlite(name string) (*sql.DB, error) {
	db, err := sql.Open("sqlite3", "file:"+filepath.Join(s.folder, name)+"?_pragma=busy_timeout(10000)&_pragma=journal_mode(WAL)&_pragma=synchronous(NORMAL)&_txlock=immediate")
	if err != nil {
		return nil, err
	}
	s.closers = append(s.closers, func() { _ = db.Close() })
	return db, nil
}

func (s *stores) postgres(url string, connections int) (*sql.DB, error) {
	if !strings.HasPrefix(url, "postgres://") && !strings.HasPrefix(url, "postgresql://") {
		return nil, errors.New("DATABASE_URL cannot be read; give one such as postgres://localhost:5432/portal")
	}
	db, err := sql.Open("pgx", url)
	if err != nil {
		return nil, errors.New("DATABASE_URL cannot be read; give one such as postgres://localhost:5432/portal")
	}
	db.SetMaxOpenConns(connections)
	db.SetMaxIdleConns(connections)
	s.closers = append(s.closers, func() { _ = db.Close() })
	if s.locker == nil { // with connections of its own: see pgdelegation
		locks, err := sql.Open("pgx", url)
		if err != nil {
			return nil, err
		}
		s.closers = append(s.closers, func() { _ = locks.Close() })
		s.locker, err = pgdelegation.NewLocker(locks)
		if err != nil {
			return nil, err
		}
	}
	return db, nil
}
