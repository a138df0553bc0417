package pgaudit

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/auth0kit/auth0kit/audit/auditlog/driver"
	"github.com/auth0kit/auth0kit/internal/auditsql"
	"github.com/auth0kit/auth0kit/internal/sqlstore"
)

func identifier(table string) pgx.Identifier { return strings.Split(table, ".") }

func monthOf(t time.Time) time.Time {
	return time.Date(t.UTC().Year(), t.UTC().Month(), 1, 0, 0, 0, 0, time.UTC)
}

// partition is the name of a month's.
func partition(month time.Time) string { return "{t}_events_" + month.Format("2006_01") }

// createMonths creates the partitions that the events need and this process has
// not seen.
func (s *Store) createMonths(ctx context.Context, events []driver.Event) error {
	for _, e := range events {
		month := monthOf(e.At)
		if s.knows(month) {
			continue
		}
		if err := s.createMonth(ctx, month); err != nil {
			return err
		}
		s.learn(month)
	}
	return nil
}

// createMonth makes a table and attaches it: creating it as a partition would lock
// all readers and writers out for that moment.
func (s *Store) createMonth(ctx context.Context, month time.Time) error {
	db := auditsql.DB(s.store)
	return db.Tx(ctx, func(c sqlstore.Conn) error {
		if err := s.lock(ctx, c); err != nil {
			return err
		}
		there, err := s.exists(ctx, c, month)
		if err != nil || there {
			return err
		}
		create := db.SQL("CREATE TABLE " + partition(month) + " (LIKE {t}_events INCLUDING ALL)")
		if _, err := c.Exec(ctx, create); err != nil {
			return err
		}
		attach := fmt.Sprintf("ALTER TABLE {t}_events ATTACH PARTITION %s FOR VALUES FROM (%d) TO (%d)",
			partition(month), month.UnixMicro(), month.AddDate(0, 1, 0).UnixMicro())
		_, err = c.Exec(ctx, db.SQL(attach))
		return err
	})
}

// lock lets one transaction at a time change partitions.
func (s *Store) lock(ctx context.Context, c sqlstore.Conn) error {
	_, err := c.Exec(ctx, auditsql.DB(s.store).SQL(`SELECT pg_advisory_xact_lock(hashtextextended('{t}_events', 0))`))
	return err
}

func (s *Store) exists(ctx context.Context, c sqlstore.Conn, month time.Time) (bool, error) {
	db := auditsql.DB(s.store)
	return sqlstore.One(ctx, c, sqlstore.Column[bool], db.SQL(`SELECT to_regclass('`+partition(month)+`') IS NOT NULL`))
}

func (s *Store) knows(month time.Time) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.months[month]
}

func (s *Store) learn(month time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.months[month] = true
}

func (s *Store) forgetMonths() {
	s.mu.Lock()
	defer s.mu.Unlock()
	clear(s.months)
}

// Drop implements driver.Retention. A month of which everything may go is dropped
// as a partition; in another one rows are deleted.
func (s *Store) Drop(ctx context.Context, from, to time.Time, below uint64) error {
	db := auditsql.DB(s.store)
	err := db.Tx(ctx, func(c sqlstore.Conn) error {
		if err := s.lock(ctx, c); err != nil {
			return err
		}
		there, err := s.exists(ctx, c, from)
		if err != nil || !there {
			return err
		}
		// Nobody may add an event between looking and dropping.
		if _, err := c.Exec(ctx, db.SQL("LOCK TABLE "+partition(from)+" IN ACCESS EXCLUSIVE MODE")); err != nil {
			return err
		}
		stays, err := sqlstore.One(ctx, c, sqlstore.Column[bool], db.SQL(`SELECT EXISTS (SELECT 1 FROM `+partition(from)+` e
			LEFT JOIN {t}_sealed s ON s.block = e.block AND e.position < s.events WHERE s.block IS NULL OR s.at_index + e.position >= $1)`), int64(below))
		if err != nil {
			return err
		}
		if stays {
			return s.dropRows(ctx, c, from, to, below)
		}
		if _, err := c.Exec(ctx, db.SQL("DROP TABLE "+partition(from))); err != nil {
			return err
		}
		_, err = c.Exec(ctx, db.SQL(`DELETE FROM {t}_ids WHERE at >= $1 AND at < $2`), from.UnixMicro(), to.UnixMicro())
		return err
	})
	s.forgetMonths()
	return err
}

func (s *Store) dropRows(ctx context.Context, c sqlstore.Conn, from, to time.Time, below uint64) error {
	db := auditsql.DB(s.store)
	_, err := c.Exec(ctx, db.SQL(`WITH gone AS (DELETE FROM `+partition(from)+` e USING {t}_sealed s
		WHERE s.block = e.block AND e.position < s.events AND s.at_index + e.position < $3 RETURNING e.id)
		DELETE FROM {t}_ids i USING gone WHERE i.id = gone.id AND i.at >= $1 AND i.at < $2`), from.UnixMicro(), to.UnixMicro(), int64(below))
	return err
}
