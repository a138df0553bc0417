package auditsql

import (
	"cmp"
	"context"
	"database/sql"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/auth0kit/auth0kit/audit"
	"github.com/auth0kit/auth0kit/audit/auditlog/driver"
	"github.com/auth0kit/auth0kit/internal/sqlstore"
)

// Columns are the columns of the table of events.
var Columns = []string{
	"block", "position", "id", "at", "type", "action", "reason", "outcome", "actor", "on_behalf_of", "target",
	"organization", "correlation", "logged_at", "leaf",
}

const chunk = 64 // Rows of one INSERT.

// columns are a row's columns, and selected those with its place in the log.
const (
	columns = `e.id, e.at, e.type, e.action, e.reason, e.outcome, e.actor, e.on_behalf_of, e.target,
	e.organization, e.correlation, e.logged_at, e.leaf, e.block, e.position, `
	selected = columns + "COALESCE(s.at_index, -1)"
)

// placed is where the sealed table says that the row's block is.
const placed = ` LEFT JOIN {t}_sealed s ON s.block = e.block AND e.position < s.events `

// Append implements driver.Events.
func (s *Store) Append(ctx context.Context, b driver.Batch) error {
	return Append(ctx, s, b, s.db.Tx, func(ctx context.Context, c sqlstore.Conn, block int64, b driver.Batch) error {
		if err := s.insertEvents(ctx, c, block, b.Events); err != nil {
			return err
		}
		pending := s.db.SQL(`INSERT INTO {t}_pending (block, events, since, hashes) VALUES ($1, $2, $3, $4)`)
		_, err := c.Exec(ctx, pending, block, len(b.Events), b.Events[0].LoggedAt.UnixMicro(), b.Hashes)
		return err
	})
}

// Append does what Append of a store does, with a way of its own to run a
// transaction and to insert the events with their pending row.
func Append(ctx context.Context, s *Store, b driver.Batch, tx func(context.Context, func(sqlstore.Conn) error) error,
	insert func(ctx context.Context, c sqlstore.Conn, block int64, b driver.Batch) error,
) error {
	if len(b.Events) > driver.MaxBatch || len(b.Hashes) != 32*len(b.Events) {
		return fmt.Errorf("%s: a batch has %d events and %d bytes of hashes; %d events are allowed, with 32 bytes each",
			s.pkg, len(b.Events), len(b.Hashes), driver.MaxBatch)
	}
	if repeats(b.Events) {
		return driver.ErrExists
	}
	for range 10 { // a number that another block has
		err := tx(ctx, func(c sqlstore.Conn) error {
			if err := s.write(ctx, c, b.Writes); err != nil || len(b.Events) == 0 {
				return err
			}
			return insert(ctx, c, driver.NewBlock(), b)
		})
		if !sqlstore.IsDuplicate(err) {
			return err
		}
		stored, err := s.Find(ctx, IDs(b.Events))
		if err != nil {
			return err
		}
		if len(stored) > 0 {
			return driver.ErrExists
		}
	}
	return fmt.Errorf("%s: no free block number", s.pkg)
}

func repeats(events []driver.Event) bool {
	seen := make(map[string]bool, len(events))
	for _, e := range events {
		if seen[e.ID] {
			return true
		}
		seen[e.ID] = true
	}
	return false
}

// IDs returns the ids of events.
func IDs(events []driver.Event) []string {
	ids := make([]string, len(events))
	for i, e := range events {
		ids[i] = e.ID
	}
	return ids
}

func (s *Store) insertEvents(ctx context.Context, c sqlstore.Conn, block int64, events []driver.Event) error {
	for first := 0; first < len(events); first += chunk {
		part := events[first:min(first+chunk, len(events))]
		var args []any
		for i, e := range part {
			args = append(args, Values(block, first+i, e)...)
		}
		if _, err := c.Exec(ctx, s.insert(len(part)), args...); err != nil {
			return err
		}
	}
	return nil
}

// insert returns the statement for n rows.
func (s *Store) insert(n int) sqlstore.Statement {
	if st, ok := s.inserts.Load(n); ok {
		return st.(sqlstore.Statement)
	}
	rows := make([]string, n)
	for i := range rows {
		rows[i] = "(" + sqlstore.Params(1+i*len(Columns), len(Columns)) + ")"
	}
	st := s.db.SQL("INSERT INTO {t}_events (" + strings.Join(Columns, ", ") + ") VALUES " + strings.Join(rows, ", "))
	s.inserts.Store(n, st)
	return st
}

// Values returns an event's row, in the order of Columns.
func Values(block int64, position int, e driver.Event) []any {
	return []any{
		block, position, []byte(e.ID), e.At.UnixMicro(), e.Type, e.Action, e.Reason, int(e.Outcome), e.Actor,
		e.OnBehalfOf, e.Target, e.Organization, e.Correlation, e.LoggedAt.UnixMicro(), e.Leaf,
	}
}

func scan(rows *sql.Rows) (r driver.Row, err error) { return r, scanInto(rows, &r) }

// scanInto reads the selected columns and what follows them.
func scanInto(rows *sql.Rows, r *driver.Row, more ...any) error {
	var id []byte
	var at, loggedAt, index int64
	var outcome uint8
	err := rows.Scan(append([]any{&id, &at, &r.Type, &r.Action, &r.Reason, &outcome, &r.Actor, &r.OnBehalfOf, &r.Target,
		&r.Organization, &r.Correlation, &loggedAt, &r.Leaf, &r.Place.Block, &r.Place.Position, &index}, more...)...)
	r.ID, r.Outcome = string(id), audit.Outcome(outcome)
	r.At, r.LoggedAt = time.UnixMicro(at).UTC(), time.UnixMicro(loggedAt).UTC()
	if index >= 0 {
		r.Sealed, r.Index = true, uint64(index)+uint64(r.Place.Position)
	}
	return err
}

// Find implements driver.Events.
func (s *Store) Find(ctx context.Context, ids []string) ([]driver.Row, error) {
	var found []driver.Row
	for part := range slices.Chunk(ids, 500) {
		args := make([]any, len(part))
		for i, id := range part {
			args[i] = []byte(id)
		}
		st := s.db.SQL("SELECT " + selected + " FROM " + s.byID + placed + "WHERE e.id IN (" + sqlstore.Params(1, len(args)) + ")")
		rows, err := sqlstore.Query(ctx, s.db.Conn, scan, st, args...)
		if err != nil {
			return nil, err
		}
		found = append(found, rows...)
	}
	return found, nil
}

// Query implements driver.Events.
func (s *Store) Query(ctx context.Context, f driver.Filter, limit int) ([]driver.Row, error) {
	where, args := []string{"1 = 1"}, []any{limit}
	add := func(condition string, values ...any) {
		for i := len(values); i > 0; i-- {
			condition = strings.ReplaceAll(condition, fmt.Sprintf("?%d", i), fmt.Sprintf("$%d", len(args)+i))
		}
		where, args = append(where, condition), append(args, values...)
	}
	for column, value := range map[string]string{"type": f.Type, "action": f.Action} {
		if value != "" {
			add("e."+column+" = ?1", value)
		}
	}
	for column, value := range map[string]string{"organization": f.Organization, "correlation": f.Correlation} {
		if value != "" { // the second condition lets partial indexes serve
			add("(e."+column+" = ?1 AND e."+column+" <> '')", value)
		}
	}
	if f.Subject != "" {
		add("(e.actor = ?1 OR e.target = ?1 OR (e.on_behalf_of = ?1 AND e.on_behalf_of <> ''))", f.Subject)
	}
	if f.Outcome != nil {
		add("e.outcome = ?1", int(*f.Outcome))
	}
	if !f.From.IsZero() {
		add("e.at >= ?1", ceil(f.From))
	}
	if !f.To.IsZero() {
		add("e.at < ?1", ceil(f.To))
	}
	if !f.AfterAt.IsZero() {
		add("(e.at > ?1 OR (e.at = ?1 AND e.id > ?2)) AND e.at >= ?1", f.AfterAt.UnixMicro(), []byte(f.AfterID))
	}
	st := s.db.SQL("SELECT " + selected + " FROM {t}_events e" + placed + "WHERE " + strings.Join(where, " AND ") + " ORDER BY e.at, e.id LIMIT $1")
	return sqlstore.Query(ctx, s.db.Conn, scan, st, args...)
}

// ceil is a bound in microseconds: one in the middle of a microsecond is behind
// what was cut to it.
func ceil(t time.Time) int64 {
	return t.Add(time.Microsecond - 1).UnixMicro()
}

// Sealed implements driver.Events. It looks for the blocks first: with both tables in
// one statement Postgres sorts the whole log, as long as it knows nothing of its size.
func (s *Store) Sealed(ctx context.Context, from uint64, limit int) ([]driver.Row, error) {
	blocks := s.db.SQL(`SELECT at_index, block, events FROM {t}_sealed
		WHERE at_index >= COALESCE((SELECT MAX(at_index) FROM {t}_sealed WHERE at_index <= $1), 0) ORDER BY at_index LIMIT $2`)
	const most = 500
	var out []driver.Row
	for len(out) < limit {
		placed, err := sqlstore.Query(ctx, s.db.Conn, func(rows *sql.Rows) (p driver.Placed, err error) {
			return p, rows.Scan(&p.First, &p.Block, &p.Count)
		}, blocks, int64(from), most)
		if err != nil {
			return nil, err
		}
		end, last := from, len(placed) < most
		for i, p := range placed {
			if end = p.First + uint64(p.Count); end >= from+uint64(limit-len(out)) {
				placed, last = placed[:i+1], false
				break
			}
		}
		rows, err := s.sealedIn(ctx, placed, from)
		if err != nil {
			return nil, err
		}
		if out = append(out, rows...); last || end <= from {
			break
		}
		from = end
	}
	return out[:min(limit, len(out))], nil
}

// sealedIn returns the events of some blocks from an index on, in order.
func (s *Store) sealedIn(ctx context.Context, placed []driver.Placed, from uint64) ([]driver.Row, error) {
	if len(placed) == 0 {
		return nil, nil
	}
	at, blocks := make(map[int64]driver.Placed, len(placed)), make([]any, len(placed))
	for i, p := range placed {
		at[p.Block], blocks[i] = p, p.Block
	}
	st := s.db.SQL("SELECT " + columns + "-1 FROM {t}_events e WHERE e.block IN (" + sqlstore.Params(1, len(blocks)) + ")")
	rows, err := sqlstore.Query(ctx, s.db.Conn, scan, st, blocks...)
	if err != nil {
		return nil, err
	}
	in := rows[:0]
	for _, r := range rows {
		p := at[r.Place.Block]
		if r.Sealed, r.Index = true, p.First+uint64(r.Place.Position); r.Place.Position < p.Count && r.Index >= from {
			in = append(in, r)
		}
	}
	slices.SortStableFunc(in, func(a, b driver.Row) int { return cmp.Compare(a.Index, b.Index) })
	return in, nil
}

// Unsealed implements driver.Events.
func (s *Store) Unsealed(ctx context.Context, after driver.Place, limit int) ([]driver.Row, error) {
	if after == (driver.Place{}) {
		after.Position = -1
	}
	st := s.db.SQL("SELECT " + selected + `, SUBSTR(p.hashes, e.position * 32 + 1, 32) FROM {t}_events e` + placed +
		`LEFT JOIN {t}_pending p ON p.block = e.block AND e.position < p.events
		WHERE s.block IS NULL AND (e.block > $1 OR (e.block = $1 AND e.position > $2)) ORDER BY e.block, e.position LIMIT $3`)
	return sqlstore.Query(ctx, s.db.Conn, func(rows *sql.Rows) (r driver.Row, err error) {
		return r, scanInto(rows, &r, &r.Hash)
	}, st, after.Block, after.Position, limit)
}

// Span implements driver.Retention.
func (s *Store) Span(ctx context.Context, from, to time.Time) (sealed []driver.Range, unsealed int, err error) {
	st := s.db.SQL(`SELECT COALESCE(s.at_index + e.position, -1) AS i FROM {t}_events e` + placed + `WHERE e.at >= $1 AND e.at < $2 ORDER BY i`)
	indexes, err := sqlstore.Query(ctx, s.db.Conn, sqlstore.Column[int64], st, ceil(from), ceil(to))
	for _, i := range indexes {
		if i < 0 {
			unsealed++
			continue
		}
		if n := len(sealed); n > 0 && sealed[n-1].To == uint64(i) {
			sealed[n-1].To++
			continue
		}
		sealed = append(sealed, driver.Range{From: uint64(i), To: uint64(i) + 1})
	}
	return sealed, unsealed, err
}

// Drop implements driver.Retention.
func (s *Store) Drop(ctx context.Context, from, to time.Time, below uint64) error {
	st := s.db.SQL(`DELETE FROM {t}_events WHERE at >= $1 AND at < $2 AND EXISTS (SELECT 1 FROM {t}_sealed s
		WHERE s.block = {t}_events.block AND {t}_events.position < s.events AND s.at_index + {t}_events.position < $3)`)
	_, err := s.db.Exec(ctx, st, ceil(from), ceil(to), int64(below))
	return err
}
