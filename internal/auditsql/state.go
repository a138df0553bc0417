package auditsql

import (
	"context"
	"database/sql"
	"slices"

	"github.com/auth0kit/auth0kit/audit/auditlog/driver"
	"github.com/auth0kit/auth0kit/internal/sqlstore"
)

// write makes the writes of a transaction. Each one that is conditional reads how
// many rows it changed.
func (s *Store) write(ctx context.Context, c sqlstore.Conn, writes []driver.Write) error {
	for _, w := range writes {
		var n int64
		var err error
		switch {
		case w.Value == nil:
			n, err = s.remove(ctx, c, w)
		case w.Version == 0:
			n, err = s.create(ctx, c, w)
		case w.Version == driver.Any:
			n, err = s.replace(ctx, c, w)
		default:
			n, err = c.Exec(ctx, s.db.SQL(`UPDATE {t}_state SET value = $3, version = version + 1 WHERE kind = $1 AND name = $2 AND version = $4`),
				w.Kind, []byte(w.Key), w.Value, w.Version)
		}
		if err != nil {
			return err
		}
		if n == 0 {
			return driver.ErrConflict
		}
	}
	return nil
}

func (s *Store) create(ctx context.Context, c sqlstore.Conn, w driver.Write) (int64, error) {
	return c.Exec(ctx, s.db.SQL(`INSERT INTO {t}_state (kind, name, version, value) VALUES ($1, $2, 1, $3) {ignore kind, name}`),
		w.Kind, []byte(w.Key), w.Value)
}

// replace updates or creates, and updates again when another was first.
func (s *Store) replace(ctx context.Context, c sqlstore.Conn, w driver.Write) (int64, error) {
	update := func() (int64, error) {
		return c.Exec(ctx, s.db.SQL(`UPDATE {t}_state SET value = $3, version = version + 1 WHERE kind = $1 AND name = $2`),
			w.Kind, []byte(w.Key), w.Value)
	}
	n, err := update()
	if n > 0 || err != nil {
		return n, err
	}
	if n, err = s.create(ctx, c, w); n > 0 || err != nil {
		return n, err
	}
	return update()
}

// remove returns 1 also for a record that is not there, where that is allowed.
func (s *Store) remove(ctx context.Context, c sqlstore.Conn, w driver.Write) (int64, error) {
	n, err := c.Exec(ctx, s.db.SQL(`DELETE FROM {t}_state WHERE kind = $1 AND name = $2 AND (version = $3 OR $4 = 1)`),
		w.Kind, []byte(w.Key), w.Version, asInt(w.Version == driver.Any))
	if err != nil || w.Version > 0 {
		return n, err
	}
	if w.Version == driver.Any {
		return 1, nil
	}
	there, err := sqlstore.Query(ctx, c, scanRecord, s.db.SQL(`SELECT name, version, value FROM {t}_state WHERE kind = $1 AND name = $2`), w.Kind, []byte(w.Key))
	return int64(1 - len(there)), err
}

func asInt(b bool) int {
	if b {
		return 1
	}
	return 0
}

func scanRecord(rows *sql.Rows) (r driver.Record, err error) {
	var name []byte
	err = rows.Scan(&name, &r.Version, &r.Value)
	r.Key = string(name)
	return r, err
}

// Get implements driver.State.
func (s *Store) Get(ctx context.Context, kind string, keys ...string) ([]driver.Record, error) {
	var found []driver.Record
	for part := range slices.Chunk(keys, 500) {
		args := []any{kind}
		for _, key := range part {
			args = append(args, []byte(key))
		}
		st := s.db.SQL("SELECT name, version, value FROM {t}_state WHERE kind = $1 AND name IN (" + sqlstore.Params(2, len(part)) + ")")
		records, err := sqlstore.Query(ctx, s.db.Conn, scanRecord, st, args...)
		if err != nil {
			return nil, err
		}
		found = append(found, records...)
	}
	return found, nil
}

// List implements driver.State.
func (s *Store) List(ctx context.Context, kind, after string, last bool, limit int) ([]driver.Record, error) {
	condition, order := "name > $2", "name"
	if last {
		condition, order = "name < $2", "name DESC"
		if after == "" {
			condition = "name > $2" // all: no name is empty
		}
	}
	st := s.db.SQL("SELECT name, version, value FROM {t}_state WHERE kind = $1 AND " + condition + " ORDER BY " + order + " LIMIT $3")
	return sqlstore.Query(ctx, s.db.Conn, scanRecord, st, kind, []byte(after), limit)
}
