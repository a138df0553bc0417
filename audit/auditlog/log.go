package auditlog

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"golang.org/x/mod/sumdb/note"

	"github.com/auth0kit/auth0kit/audit"
	"github.com/auth0kit/auth0kit/audit/auditlog/driver"
	"github.com/auth0kit/auth0kit/internal/lru"
	"github.com/auth0kit/auth0kit/internal/seal"
)

// Config holds a Log's optional settings. The zero value uses the defaults.
type Config struct {
	// Retired are the verifier keys of former signers of this log. A log whose
	// signer was replaced opens only with the old signer's key in this list.
	Retired []string
	// Detections are run over the sealed events by the process that seals. Each
	// finding is recorded as an event. A rule that comes later begins where the others
	// are.
	Detections []Detection
	// Sinks get the events as well.
	Sinks []Sink
	// Kinds are what organizations may stream to, by name: see package sink. Defaults to
	// none.
	Kinds map[string]Kind
	// GiveUp is for how long a Durable sink may fail until it is disabled, which is
	// recorded as "audit.sink_disable". Defaults to 7 days.
	GiveUp time.Duration
	// Spool is a directory on a local disk that takes the events of Record while the store
	// does not answer, or takes longer than 5 seconds: see the package's documentation.
	// Defaults to none: Record fails.
	Spool string
	// SpoolBytes bounds the spool of this process. Defaults to 64 MiB.
	SpoolBytes int64
	// Now defaults to time.Now.
	Now func() time.Time
}

// Log is one audit log. It implements audit.Recorder and is safe for concurrent
// use.
type Log struct {
	store    driver.Store
	cfg      Config
	signer   *signer
	known    note.Verifiers
	ring     *seal.Ring
	subjects *subjects
	commits  committer[driver.Event]
	spool    *spool // Nil for none.

	recountCells int

	mu    sync.Mutex
	index []byte // Of the identity; nil until the log was opened.

	clock sync.Mutex
	last  time.Time
}

// New returns the log in a store. It does no I/O: whether the store belongs to
// this log is asked at the first use.
func New(store driver.Store, s Seal, cfg Config) (*Log, error) {
	if store == nil {
		return nil, errors.New("auditlog: store is nil")
	}
	signer, err := newSigner(s)
	if err != nil {
		return nil, err
	}
	name, known, err := verifiersOf(append([]string{signer.key}, cfg.Retired...)...)
	if err != nil || name != s.Name {
		return nil, errors.Join(errors.New("auditlog: Config.Retired must have verifier keys of this log's name"), err)
	}
	ring, err := seal.New("auth0kit/audit", s.Keys)
	if err != nil {
		return nil, fmt.Errorf("auditlog: Seal.Keys: %w", err)
	}
	if err := errors.Join(checkDetections(cfg.Detections), checkSinks(cfg.Sinks)); err != nil {
		return nil, err
	}
	if cfg.GiveUp < 0 {
		return nil, errors.New("auditlog: Config.GiveUp must not be negative")
	}
	if cfg.GiveUp == 0 {
		cfg.GiveUp = 7 * 24 * time.Hour
	}
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	spool, err := newSpool(cfg.Spool, cfg.SpoolBytes, cfg.Sinks, s.Name, s.Keys)
	if err != nil {
		return nil, err
	}
	l := &Log{
		spool: spool, recountCells: recountCells,
		store: store, cfg: cfg, signer: signer, known: known, ring: ring,
		subjects: &subjects{store: store, ring: ring, cache: lru.New[audit.Ref, cached](maxKeys)},
	}
	l.commits.write = func(ctx context.Context, rows []driver.Event) error { return l.append(ctx, rows) }
	l.subjects.creates.write = l.subjects.create
	return l, nil
}

// VerifierKey returns the public key that auditors need to verify the log.
func (l *Log) VerifierKey() string { return l.signer.key }

const kindLog = "log" // "identity"

// identity is the record that says whose log a store has.
type identity struct {
	Name   string `json:"name"`
	Signer string `json:"signer"`
	Index  []byte `json:"index"` // The key that finds subjects, wrapped.
}

// open makes or checks the identity once, and returns the key that finds
// subjects.
func (l *Log) open(ctx context.Context) ([]byte, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for attempt := 0; l.index == nil; attempt++ {
		index, err := l.identify(ctx)
		if errors.Is(err, driver.ErrConflict) && attempt < 10 {
			continue // another process was first
		}
		if err != nil {
			return nil, err
		}
		l.index = index
	}
	return l.index, nil
}

func (l *Log) identify(ctx context.Context) ([]byte, error) {
	records, err := l.store.Get(ctx, kindLog, "identity")
	if err != nil {
		return nil, fmt.Errorf("auditlog: opening the log: %w", err)
	}
	if len(records) == 0 {
		index := make([]byte, 32)
		rand.Read(index)
		id := identity{Name: l.signer.Name(), Signer: l.signer.key, Index: l.ring.Seal(index, []byte(kindLog))}
		return index, l.putIdentity(ctx, id, 0)
	}
	var id identity
	if err := json.Unmarshal(records[0].Value, &id); err != nil {
		return nil, fmt.Errorf("auditlog: the log's identity is not readable: %w", err)
	}
	if id.Name != l.signer.Name() || id.Signer != l.signer.key && !slices.Contains(l.cfg.Retired, id.Signer) {
		return nil, ErrOtherLog
	}
	index, err := l.ring.Open(id.Index, []byte(kindLog))
	if err != nil {
		return nil, fmt.Errorf("auditlog: Seal.Keys are not those of this log: %w", err)
	}
	if id.Signer != l.signer.key {
		id.Signer = l.signer.key
		return index, l.putIdentity(ctx, id, records[0].Version)
	}
	return index, nil
}

func (l *Log) putIdentity(ctx context.Context, id identity, version int64) error {
	value, err := json.Marshal(id)
	if err != nil {
		return err
	}
	err = l.store.Append(ctx, driver.Batch{Writes: []driver.Write{{Kind: kindLog, Key: "identity", Value: value, Version: version}}})
	if err != nil {
		return fmt.Errorf("auditlog: opening the log: %w", err)
	}
	return nil
}

// Record implements audit.Recorder: it returns nil when e is stored durably, or is in
// the spool, and every Required sink has it.
// Events need an ID and a Time, which audit.Record sets; an ID that is in the log
// already is not recorded again. An event that is not valid is refused. With any
// other error e may or may not be stored: record it again, under the same ID.
// Concurrent calls share transactions.
func (l *Log) Record(ctx context.Context, e audit.Event) error {
	if err := l.stamp(ctx, &e); err != nil {
		return err
	}
	if l.spool.holding() {
		if err := l.spool.put(ctx, e, nil); !errors.Is(err, errSpoolDrained) {
			return err
		}
	}
	row, err := l.storeNow(ctx, e)
	if err == nil {
		return l.require(ctx, row)
	}
	if !l.spool.takes(ctx, err) {
		return err
	}
	return l.spool.put(ctx, e, err)
}

// storeNow stores one event. A store that hangs has some seconds where there is a spool.
func (l *Log) storeNow(ctx context.Context, e audit.Event) (driver.Event, error) {
	if l.spool != nil {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, spoolAfter)
		defer cancel()
	}
	rows, err := l.encode(ctx, e)
	if err != nil {
		return driver.Event{}, err
	}
	return rows[0], l.commits.do(ctx, rows[0])
}

// prepare validates and seals an event.
func (l *Log) prepare(ctx context.Context, e audit.Event) (driver.Event, error) {
	if err := l.stamp(ctx, &e); err != nil {
		return driver.Event{}, err
	}
	rows, err := l.encode(ctx, e)
	if err != nil {
		return driver.Event{}, err
	}
	return rows[0], nil
}

// stamp validates an event and sets its times.
func (l *Log) stamp(ctx context.Context, e *audit.Event) (err error) {
	if err := check(e); err != nil {
		return err
	}
	e.Time = e.Time.UTC().Truncate(time.Microsecond)
	e.LoggedAt, err = l.loggedAt(ctx)
	return err
}

// loggedAt returns the time. That the clock went back is an event before any other.
func (l *Log) loggedAt(ctx context.Context) (time.Time, error) {
	now, back := l.now()
	if back == 0 {
		return now, nil
	}
	err := audit.Record(ctx, l, audit.Event{
		Type: "audit", Action: "audit.clock_back", Outcome: audit.Success, Source: "auth0kit/auditlog", Metadata: map[string]string{"by": back.String()},
	})
	if err != nil { // the next event finds it again
		l.clock.Lock()
		if before := now.Add(back); before.After(l.last) {
			l.last = before
		}
		l.clock.Unlock()
	}
	return now, err
}

// check refuses an event that the log cannot keep.
func check(e *audit.Event) error {
	if e.ID == "" {
		return errors.New("audit: Event.ID must be set; audit.Record does it")
	}
	if y := e.Time.UTC().Year(); e.Time.IsZero() || y < 1970 || y > 9999 {
		return errors.New("audit: Event.Time must be set, between 1970 and 9999; audit.Record sets the present time")
	}
	return e.Validate()
}

// clockStep is by how much a clock must go back to be worth an event: goroutines
// read it in another order than they record.
const clockStep = time.Second

// now returns the time, and by how much the clock has gone back since the last one.
func (l *Log) now() (now time.Time, back time.Duration) {
	now = l.cfg.Now().UTC().Truncate(time.Microsecond)
	l.clock.Lock()
	defer l.clock.Unlock()
	if back = l.last.Sub(now); back < clockStep && !now.After(l.last) {
		return now, 0
	}
	l.last = now
	return now, max(back, 0)
}

func (l *Log) encode(ctx context.Context, events ...audit.Event) ([]driver.Event, error) {
	index, err := l.open(ctx)
	if err != nil {
		return nil, err
	}
	var refs []audit.Ref
	for i := range events {
		refs = append(refs, subjectsOf(&events[i])...)
	}
	keys, err := l.subjects.get(ctx, index, refs)
	if err != nil {
		return nil, err
	}
	rows := make([]driver.Event, len(events))
	for i, e := range events {
		if rows[i], err = encode(e, keys); err != nil {
			return nil, err
		}
	}
	return rows, nil
}

// append stores rows and makes the writes. Rows that are there already are left
// out, so that repeating a batch is harmless.
func (l *Log) append(ctx context.Context, rows []driver.Event, writes ...driver.Write) error {
	rows = withoutRepeated(rows)
	for attempt := 0; ; attempt++ {
		err := l.store.Append(ctx, driver.Batch{Events: rows, Hashes: hashesOf(rows), Writes: writes})
		if err == nil {
			return nil
		}
		if !errors.Is(err, driver.ErrExists) || attempt == 10 {
			return fmt.Errorf("auditlog: storing %d events: %w", len(rows), err)
		}
		if rows, err = l.withoutStored(ctx, rows); err != nil {
			return err
		}
		if len(rows)+len(writes) == 0 {
			return nil
		}
	}
}

func withoutRepeated(rows []driver.Event) []driver.Event {
	seen := make(map[string]bool, len(rows))
	kept := rows[:0:0]
	for _, r := range rows {
		if !seen[r.ID] {
			seen[r.ID] = true
			kept = append(kept, r)
		}
	}
	return kept
}

func (l *Log) withoutStored(ctx context.Context, rows []driver.Event) ([]driver.Event, error) {
	ids := make([]string, len(rows))
	for i, r := range rows {
		ids[i] = r.ID
	}
	stored, err := l.store.Find(ctx, ids)
	if err != nil {
		return nil, fmt.Errorf("auditlog: looking for repeated events: %w", err)
	}
	there := make(map[string]bool, len(stored))
	for _, s := range stored {
		there[s.ID] = true
	}
	return slices.DeleteFunc(slices.Clone(rows), func(r driver.Event) bool { return there[r.ID] }), nil
}

func hashesOf(rows []driver.Event) []byte {
	hashes := make([]byte, 0, len(rows)*hashSize)
	for _, r := range rows {
		hashes = append(hashes, hasher.HashLeaf(r.Leaf)...)
	}
	return hashes
}
