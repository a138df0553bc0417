// Package sqlactions keeps what package actions counts and remembers in SQLite,
// Postgres, MariaDB or MySQL, through database/sql:
//
//	store, err := sqlactions.New(db, sqlactions.Postgres, keys, sqlactions.Config{})
//	…
//	err = store.CreateSchema(ctx) // or run the statements of Schema in a migration
//	…
//	live, err := actions.New(actions.PostLogin, actions.Segment("https://example.com/segment", store))
//	handler, err := actions.Handler(keys, actions.HandlerConfig{History: store, Seen: store}, live)
//
// The program imports the database driver. SQLite needs WAL mode and a busy
// timeout. Any number of processes can share the tables; call Sweep in one of them,
// once an hour for instance.
//
// Events and results are sealed under keys: a copy of the database reveals ids of
// users, how many logins they had, and when.
package sqlactions

import (
	"cmp"
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"iter"
	"time"

	"github.com/auth0kit/auth0kit/actions"
	"github.com/auth0kit/auth0kit/internal/seal"
	"github.com/auth0kit/auth0kit/internal/sqlstore"
)

// Dialect names the database product, independent of the driver.
type Dialect = sqlstore.Dialect

// The dialects. Use MariaDB for MySQL too: MariaDB 10.3 or later and MySQL 8.0 or
// later, with InnoDB and strict mode, the default of both.
const (
	SQLite   = sqlstore.SQLite
	Postgres = sqlstore.Postgres
	MariaDB  = sqlstore.MariaDB
)

// Config holds a Store's optional settings. The zero value uses the defaults.
type Config struct {
	// Table begins the names of the tables: at most 41 lower-case letters, digits and
	// _. A schema may precede it, and must exist. Defaults to "auth0kit_actions".
	Table string
	// Keep is how long events, results and the numbers of counted events are kept.
	// Defaults to 30 days.
	Keep time.Duration
}

// Store is an actions.Counter, an actions.History and an actions.SeenStore. It is
// safe for concurrent use, also by several processes. The caller closes the database.
type Store struct {
	db   *sqlstore.Store
	ring *seal.Ring
	keep time.Duration

	count, raise, total, event, number  sqlstore.Statement
	counted                             sqlstore.Statement
	record, page, ofUser                sqlstore.Statement
	see, seeAgain                       sqlstore.Statement
	forgetUser, forgetEvents, forgetLog sqlstore.Statement
}

var (
	_ actions.Counter   = (*Store)(nil)
	_ actions.History   = (*Store)(nil)
	_ actions.SeenStore = (*Store)(nil)
)

// Times are in milliseconds since 1970.
const schema = `
TABLE {t}_users (user_id {key} NOT NULL PRIMARY KEY, logins BIGINT NOT NULL);
TABLE {t}_events (
	id {key} NOT NULL PRIMARY KEY, user_id {key} NOT NULL, login BIGINT NOT NULL, counted_at BIGINT NOT NULL,
	INDEX _by_user (user_id),
	INDEX _by_time (counted_at)
);
TABLE {t}_history (
	id {key} NOT NULL PRIMARY KEY, user_id {key} NOT NULL, happened_at BIGINT NOT NULL, data {blob} NOT NULL,
	INDEX _of_user (user_id),
	INDEX _of_time (happened_at, id)
);
TABLE {t}_seen (id {key} NOT NULL PRIMARY KEY, until BIGINT NOT NULL)`

// New returns a Store. keys seal the history, each of 32 bytes: the first seals, all
// open. It does no I/O: create the tables with CreateSchema.
func New(db *sql.DB, dialect Dialect, keys [][]byte, cfg Config) (*Store, error) {
	s, err := sqlstore.New("sqlactions", db, dialect, cmp.Or(cfg.Table, "auth0kit_actions"), schema)
	if err != nil {
		return nil, err
	}
	if cfg.Keep < 0 {
		return nil, errors.New("sqlactions: Config.Keep is negative")
	}
	ring, err := seal.New("auth0kit/actions", keys)
	if err != nil {
		return nil, fmt.Errorf("sqlactions: %w", err)
	}
	return &Store{
		db: s, ring: ring, keep: cmp.Or(cfg.Keep, 30*24*time.Hour),
		count:  s.SQL(`INSERT INTO {t}_users (user_id, logins) VALUES ($1, 0) {ignore user_id}`),
		raise:  s.SQL(`UPDATE {t}_users SET logins = logins + 1 WHERE user_id = $1`),
		total:  s.SQL(`SELECT logins FROM {t}_users WHERE user_id = $1`),
		event:  s.SQL(`INSERT INTO {t}_events (id, user_id, login, counted_at) VALUES ($1, $2, $3, $4)`),
		number: s.SQL(`SELECT login FROM {t}_events WHERE id = $1 AND user_id = $2`),

		counted: s.SQL(`SELECT id, login, counted_at FROM {t}_events WHERE user_id = $1 ORDER BY login`),

		record: s.SQL(`INSERT INTO {t}_history (id, user_id, happened_at, data) VALUES ($1, $2, $3, $4) {ignore id}`),
		page: s.SQL(`SELECT id, user_id, happened_at, data FROM {t}_history
			WHERE happened_at < $1 AND (happened_at > $2 OR happened_at = $2 AND id > $3) ORDER BY happened_at, id LIMIT 200`),
		ofUser: s.SQL(`SELECT id, user_id, happened_at, data FROM {t}_history WHERE user_id = $1 ORDER BY happened_at, id`),

		see:      s.SQL(`INSERT INTO {t}_seen (id, until) VALUES ($1, $2) {ignore id}`),
		seeAgain: s.SQL(`UPDATE {t}_seen SET until = $2 WHERE id = $1 AND until <= $3`),

		forgetUser:   s.SQL(`DELETE FROM {t}_users WHERE user_id = $1`),
		forgetEvents: s.SQL(`DELETE FROM {t}_events WHERE user_id = $1`),
		forgetLog:    s.SQL(`DELETE FROM {t}_history WHERE user_id = $1`),
	}, nil
}

// Schema returns the statements that create the tables, for a migration tool. They
// do nothing if the tables exist.
func (s *Store) Schema() []string { return s.db.Schema() }

// CreateSchema runs the statements of Schema. Any number of processes may call it
// at every start.
func (s *Store) CreateSchema(ctx context.Context) error { return s.db.CreateSchema(ctx) }

// Count implements actions.Counter. The user's row is locked until the event has its
// number, so that no other gets the same.
func (s *Store) Count(ctx context.Context, userID, eventID string) (n int, err error) {
	if userID == "" || eventID == "" {
		return 0, errors.New("sqlactions: Count: userID or eventID is empty")
	}
	err = s.db.Tx(ctx, func(tx sqlstore.Conn) error {
		if err := s.lock(ctx, tx, userID); err != nil {
			return err
		}
		known, err := sqlstore.One(ctx, tx, sqlstore.Column[int], s.number, eventID, userID)
		if err == nil {
			n = known
			return errKnown
		}
		if !errors.Is(err, sql.ErrNoRows) {
			return err
		}
		if n, err = sqlstore.One(ctx, tx, sqlstore.Column[int], s.total, userID); err != nil {
			return err
		}
		_, err = tx.Exec(ctx, s.event, eventID, userID, n, time.Now().UnixMilli())
		return err
	})
	if errors.Is(err, errKnown) {
		return n, nil
	}
	return n, err
}

// lock raises a user's count, which locks their row. It inserts the row only where
// there is none: in MariaDB two that try in vain both lock it for reading, and then
// wait for each other.
func (s *Store) lock(ctx context.Context, tx sqlstore.Conn, userID string) error {
	n, err := tx.Exec(ctx, s.raise, userID)
	if err != nil || n > 0 {
		return err
	}
	if _, err := tx.Exec(ctx, s.count, userID); err != nil {
		return err
	}
	_, err = tx.Exec(ctx, s.raise, userID)
	return err
}

// errKnown rolls the counting of an event back that has a number.
var errKnown = errors.New("sqlactions: counted before")

// Counted implements actions.Counter.
func (s *Store) Counted(ctx context.Context, userID, eventID string) (int, error) {
	if userID == "" {
		return 0, errors.New("sqlactions: Counted: userID is empty")
	}
	n, err := sqlstore.One(ctx, s.db.Conn, sqlstore.Column[int], s.number, eventID, userID)
	if errors.Is(err, sql.ErrNoRows) {
		n, err = sqlstore.One(ctx, s.db.Conn, sqlstore.Column[int], s.total, userID)
	}
	if errors.Is(err, sql.ErrNoRows) {
		return 0, nil
	}
	return n, err
}

// Seen implements actions.SeenStore.
func (s *Store) Seen(ctx context.Context, id string, now, until time.Time) error {
	n, err := s.db.Exec(ctx, s.see, id, until.UnixMilli())
	if err == nil && n == 0 { // It is known; perhaps of a time that is over.
		n, err = s.db.Exec(ctx, s.seeAgain, id, until.UnixMilli(), now.UnixMilli())
	}
	if err == nil && n == 0 {
		return errors.New("sqlactions: this request was answered before")
	}
	return err
}

// Keep implements actions.History. An event is kept once.
func (s *Store) Keep(ctx context.Context, r actions.Recorded) error {
	if r.Event.ID == "" {
		return errors.New("sqlactions: Keep: Event.ID is empty")
	}
	text, err := json.Marshal(r)
	if err != nil {
		return errors.New("sqlactions: Keep: the event has no form in JSON")
	}
	at := r.Event.Time.UnixMilli()
	_, err = s.db.Exec(ctx, s.record, r.Event.ID, r.Event.User.ID, at, s.ring.Seal(text, place(r.Event.ID, r.Event.User.ID, at)))
	return err
}

// place is what a sealed row is bound to: moved to another user or time, it does not
// open.
func place(id, userID string, at int64) []byte { return fmt.Appendf(nil, "%q %q %d", id, userID, at) }

// row is a row of the history.
type row struct {
	id, userID string
	at         int64
	data       []byte
}

func scan(rows *sql.Rows) (r row, err error) { return r, rows.Scan(&r.id, &r.userID, &r.at, &r.data) }

func (s *Store) open(r row) (out actions.Recorded, err error) {
	text, err := s.ring.Open(r.data, place(r.id, r.userID, r.at))
	if err != nil {
		return out, fmt.Errorf("sqlactions: event %s: %w", r.id, err)
	}
	if json.Unmarshal(text, &out) != nil {
		return out, fmt.Errorf("sqlactions: event %s is of another version", r.id)
	}
	return out, nil
}

// Recorded implements actions.History. A row that does not open ends it.
func (s *Store) Recorded(ctx context.Context, from, to time.Time) iter.Seq2[actions.Recorded, error] {
	return func(yield func(actions.Recorded, error) bool) {
		for at, id := from.UnixMilli(), ""; ; {
			rows, err := sqlstore.Query(ctx, s.db.Conn, scan, s.page, to.UnixMilli(), at, id)
			if err != nil {
				yield(actions.Recorded{}, err)
				return
			}
			for _, r := range rows {
				rec, err := s.open(r)
				if !yield(rec, err) || err != nil {
					return
				}
				at, id = r.at, r.id
			}
			if len(rows) == 0 {
				return
			}
		}
	}
}

// numbered is a counted event.
type numbered struct {
	ID    string
	Login int
	At    time.Time
}

func scanNumbered(rows *sql.Rows) (n numbered, err error) {
	var at int64
	err = rows.Scan(&n.ID, &n.Login, &at)
	n.At = time.UnixMilli(at).UTC()
	return n, err
}

// Export writes what is known of a user as JSON: the number of logins, which events
// were counted and when, and the events of the history with their results.
func (s *Store) Export(ctx context.Context, userID string, w io.Writer) error {
	n, err := s.Counted(ctx, userID, "")
	if err != nil {
		return err
	}
	counted, err := sqlstore.Query(ctx, s.db.Conn, scanNumbered, s.counted, userID)
	if err != nil {
		return err
	}
	rows, err := sqlstore.Query(ctx, s.db.Conn, scan, s.ofUser, userID)
	if err != nil {
		return err
	}
	out := struct {
		Logins  int
		Counted []numbered
		Events  []actions.Recorded
	}{n, append([]numbered{}, counted...), []actions.Recorded{}}
	for _, r := range rows {
		rec, err := s.open(r)
		if err != nil {
			return err
		}
		out.Events = append(out.Events, rec)
	}
	return json.NewEncoder(w).Encode(out)
}

// Forget removes what is known of a user. It can be repeated.
func (s *Store) Forget(ctx context.Context, userID string) error {
	if userID == "" {
		return errors.New("sqlactions: Forget: userID is empty")
	}
	return s.db.Tx(ctx, func(tx sqlstore.Conn) error {
		for _, statement := range []sqlstore.Statement{s.forgetUser, s.forgetEvents, s.forgetLog} {
			if _, err := tx.Exec(ctx, statement, userID); err != nil {
				return err
			}
		}
		return nil
	})
}

// Sweep removes events and numbers that are older than Config.Keep, and requests
// that would be refused for their age. It returns how many rows it removed. The
// numbers of logins stay.
func (s *Store) Sweep(ctx context.Context, now time.Time) (int, error) {
	total := 0
	for _, of := range []struct {
		table, key, where string
		at                time.Time
	}{
		{"{t}_history", "id", "happened_at <= $1", now.Add(-s.keep)},
		{"{t}_events", "id", "counted_at <= $1", now.Add(-s.keep)},
		{"{t}_seen", "id", "until <= $1", now.Add(-time.Hour)}, // Other processes have clocks that are behind.
	} {
		n, err := s.db.Sweep(ctx, of.table, of.key, of.where, of.at.UnixMilli())
		total += n
		if err != nil {
			return total, err
		}
	}
	return total, nil
}
