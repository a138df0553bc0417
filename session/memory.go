package session

import (
	"cmp"
	"context"
	"slices"
	"sync"
	"time"

	"github.com/auth0kit/auth0kit/session/driver"
)

const memoryShards = 256

// Memory is a Store in this process, and Replay, Outbox and Sweeper too. It is
// fit for production in a program of one process; with the process all sessions
// end, and what Auth0 was still to be told is lost. [Manager.Run] sweeps it.
type Memory struct {
	shards [memoryShards]memoryShard
	marks  memoryMarks
	replay memoryReplay
	outbox memoryOutbox
}

// memoryShard has all sessions of the users of a few tags, so that what concerns
// one user happens under one lock.
type memoryShard struct {
	mu     sync.Mutex
	byHash map[[32]byte]*memoryEntry
	byUser memoryIndex // in order of creation
	bySID  memoryIndex
}

// memoryIndex has the live entries of a user or of a session at Auth0.
type memoryIndex map[string][]*memoryEntry

// memoryEntry is a record, or what is left of one when revoked is set. Old keys
// are entries of their own in byHash, which point to the one that replaced them.
type memoryEntry struct {
	rec        driver.Record
	epoch      int64
	revoked    bool
	superseded bool         // by a new login; else
	endedAt    time.Time    // when that was
	next       *memoryEntry // this key was replaced by that one
	until      time.Time    // and works until then
}

// NewMemory returns an empty store.
func NewMemory() *Memory {
	m := &Memory{}
	for i := range m.shards {
		m.shards[i].byHash = make(map[[32]byte]*memoryEntry)
		m.shards[i].byUser, m.shards[i].bySID = memoryIndex{}, memoryIndex{}
	}
	m.marks.bySubject = make(map[string]memoryMark)
	m.replay.seen = make(map[string]time.Time)
	m.outbox.jobs = make(map[string]driver.Job)
	return m
}

func (m *Memory) lock(k driver.Key) *memoryShard {
	return m.lockShard(int(k.Tag()))
}

func (m *Memory) lockShard(n int) *memoryShard {
	s := &m.shards[n%memoryShards]
	s.mu.Lock()
	return s
}

// Create implements Store.
func (m *Memory) Create(_ context.Context, r driver.Record, l driver.Limit) ([]driver.Ended, error) {
	s := m.lock(r.Key)
	defer s.mu.Unlock()
	epoch, refused := m.marks.check(&r, l.Bound)
	if refused {
		return nil, driver.ErrRevoked
	}
	live := s.byUser.live(r.UserID, l.Now, epoch)
	if l.Policy == driver.Reject && len(live) >= l.Max {
		return nil, driver.ErrLimit
	}
	if l.Policy == driver.EvictIdle {
		slices.SortStableFunc(live, func(a, b *memoryEntry) int { return a.rec.LastSeen.Compare(b.rec.LastSeen) })
	}
	var evicted []driver.Ended
	for _, e := range live[:max(0, len(live)-l.Max+1)] {
		evicted = append(evicted, s.end(e, l.Now))
	}
	e := &memoryEntry{rec: r, epoch: epoch}
	s.byHash[r.Key.Hash] = e
	s.byUser.swap(r.UserID, nil, e)
	s.bySID.swap(r.SID, nil, e)
	return evicted, nil
}

// Load implements Store.
func (m *Memory) Load(_ context.Context, k driver.Key, t driver.Touch) (driver.Record, error) {
	s := m.lock(k)
	defer s.mu.Unlock()
	e, err := s.find(k, t.Now, m.marks.current())
	switch {
	case e == nil:
		return driver.Record{}, err
	case err == driver.ErrRevoked:
		return driver.Record{ID: e.rec.ID, UserID: e.rec.UserID}, err
	case err == driver.ErrReplaced:
		return driver.Record{ID: e.rec.ID, UserID: e.rec.UserID, RotatedAt: e.stopped()}, err
	case err != nil:
		return e.rec, err
	}
	if e.rec.LastSeen.Before(t.IfBefore) {
		e.rec.LastSeen, e.rec.IdleAt = t.Now, t.IdleAt
	}
	return e.rec, nil
}

// Replace implements Store.
func (m *Memory) Replace(_ context.Context, k driver.Key, r driver.Record, g driver.Grace) error {
	s := m.lock(k)
	defer s.mu.Unlock()
	e, err := s.find(k, g.Now, m.marks.current())
	if err != nil {
		return err
	}
	if e.rec.Key != k || e.rec.Version != r.Version-1 {
		return driver.ErrConflict
	}
	if r.Key == k {
		e.rec = r
		return nil
	}
	next := &memoryEntry{rec: r, epoch: e.epoch}
	s.byHash[r.Key.Hash] = next
	s.byUser.swap(r.UserID, e, next)
	s.bySID.swap(r.SID, e, next)
	e.next, e.until = next, later(g.Until, g.Now)
	e.strip()
	return nil
}

// Delete implements Store. The indexes change under the lock under which records
// do, and nothing takes an entry away, so what they do not find is not there.
func (m *Memory) Delete(_ context.Context, sel driver.Selector) ([]driver.Ended, error) {
	if err := sel.Check(); err != nil {
		return nil, err
	}
	switch sel.Form {
	case driver.SelectKey:
		return m.deleteKey(sel), nil
	case driver.SelectSuperseded:
		return m.supersede(sel)
	case driver.SelectOne:
		return m.deleteOf(sel, func(r *driver.Record) bool { return r.ID == sel.ID }), nil
	case driver.SelectOthers:
		return m.deleteOf(sel, func(r *driver.Record) bool { return r.ID != sel.ID }), nil
	case driver.SelectUser:
		m.marks.set(userMark(sel.UserID), sel)
		return m.deleteOf(sel, func(*driver.Record) bool { return true }), nil
	case driver.SelectSID:
		m.marks.set(sidMark(sel.SID), sel)
		return m.deleteSID(sel), nil
	}
	m.marks.everyone(sel.Now)
	return nil, nil
}

func (m *Memory) deleteKey(sel driver.Selector) []driver.Ended {
	s := m.lock(sel.Key)
	defer s.mu.Unlock()
	e := s.byHash[sel.Key.Hash]
	if e == nil {
		return nil
	}
	if e = e.last(); e.gone(sel.Now, m.marks.current()) != nil {
		return e.before(sel)
	}
	return []driver.Ended{s.end(e, sel.Now)}
}

// supersede leaves a key that was replaced, by nothing.
func (m *Memory) supersede(sel driver.Selector) ([]driver.Ended, error) {
	s := m.lock(sel.Key)
	defer s.mu.Unlock()
	e, err := s.find(sel.Key, sel.Now, m.marks.current())
	if e != nil && (e.rec.Key != sel.Key || err == driver.ErrReplaced) {
		return nil, driver.ErrReplaced
	}
	if err != nil {
		return nil, nil
	}
	ended := s.end(e, time.Time{})
	e.next, e.until = &memoryEntry{superseded: true, revoked: true, rec: e.rec}, sel.Now
	return []driver.Ended{ended}, nil
}

func (m *Memory) deleteOf(sel driver.Selector, match func(*driver.Record) bool) []driver.Ended {
	s := m.lock(driver.KeyOf(sel.UserID, ""))
	defer s.mu.Unlock()
	var ended []driver.Ended
	if !sel.Since.IsZero() && sel.Form != driver.SelectUser {
		for _, e := range s.byHash {
			if e.rec.UserID == sel.UserID && match(&e.rec) {
				ended = append(ended, e.before(sel)...)
			}
		}
	}
	for _, e := range s.byUser.live(sel.UserID, sel.Now, m.marks.current()) {
		if match(&e.rec) {
			ended = append(ended, s.end(e, sel.Now))
		}
	}
	return ended
}

// before is what sel.Since asks for, if e is such a one.
func (e *memoryEntry) before(sel driver.Selector) []driver.Ended {
	if sel.Since.IsZero() || e.endedAt.IsZero() || e.endedAt.Before(sel.Since) {
		return nil
	}
	return []driver.Ended{{ID: e.rec.ID, UserID: e.rec.UserID, SID: e.rec.SID, Before: true}}
}

func (m *Memory) deleteSID(sel driver.Selector) []driver.Ended {
	var ended []driver.Ended
	for i := range m.shards {
		s := m.lockShard(i)
		for _, e := range s.bySID.live(sel.SID, sel.Now, m.marks.current()) {
			ended = append(ended, s.end(e, sel.Now))
		}
		s.mu.Unlock()
	}
	return ended
}

// Forget implements driver.Store.
func (m *Memory) Forget(_ context.Context, userID string) error {
	s := m.lock(driver.KeyOf(userID, ""))
	defer s.mu.Unlock()
	for hash, e := range s.byHash {
		if e.rec.UserID == userID {
			s.drop(e)
			delete(s.byHash, hash)
		}
	}
	m.marks.remove(userMark(userID))
	return nil
}

// List implements Store.
func (m *Memory) List(_ context.Context, userID string, now time.Time) ([]driver.Record, error) {
	s := m.lock(driver.KeyOf(userID, ""))
	defer s.mu.Unlock()
	live := s.byUser.live(userID, now, m.marks.current())
	records := make([]driver.Record, len(live))
	for i, e := range live {
		records[i] = e.rec
		records[i].Payload = nil
	}
	slices.SortStableFunc(records, func(a, b driver.Record) int {
		return cmp.Or(a.CreatedAt.Compare(b.CreatedAt), cmp.Compare(a.ID, b.ID))
	})
	return records, nil
}

// Sweep implements Sweeper. It holds one shard at a time.
func (m *Memory) Sweep(ctx context.Context, now time.Time) (int, error) {
	n := 0
	for i := range m.shards {
		if err := ctx.Err(); err != nil {
			return n, err
		}
		s := m.lockShard(i)
		n += s.sweep(now, m.marks.current())
		s.mu.Unlock()
	}
	m.marks.sweep(now)
	m.replay.sweep(now)
	return n, nil
}

// find follows replaced keys to the live entry, or says why there is none; the
// entry with ErrRevoked may have lost all but its ids.
func (s *memoryShard) find(k driver.Key, now time.Time, epoch int64) (*memoryEntry, error) {
	e := s.byHash[k.Hash]
	if e == nil {
		return nil, driver.ErrNone
	}
	to := e.last()
	err := to.gone(now, epoch)
	if e.next != nil && !now.Before(e.stopped()) && (to.superseded || err != driver.ErrRevoked) {
		return e, driver.ErrReplaced
	}
	return to, err
}

// last is what a replaced key leads to, or e itself.
func (e *memoryEntry) last() *memoryEntry {
	for e.next != nil {
		e = e.next
	}
	return e
}

// stopped is when a replaced key stopped working: with the first of those that led
// from it to the session.
func (e *memoryEntry) stopped() time.Time {
	at := e.until
	for ; e.next != nil; e = e.next {
		at = earlier(at, e.until)
	}
	return at
}

// gone returns why an entry that nothing has replaced is not live.
func (e *memoryEntry) gone(now time.Time, epoch int64) error {
	switch {
	case e.revoked || e.epoch != epoch:
		return driver.ErrRevoked
	case e.rec.Expired(now):
		return driver.ErrExpired
	}
	return nil
}

// live is the live entries of one key in order of creation, in a slice of its own.
func (x memoryIndex) live(key string, now time.Time, epoch int64) []*memoryEntry {
	return slices.DeleteFunc(slices.Clone(x[key]), func(e *memoryEntry) bool {
		return e.epoch != epoch || e.rec.Expired(now)
	})
}

// swap puts b in the place of a: adds it without an a, and removes a without a b.
func (x memoryIndex) swap(key string, a, b *memoryEntry) {
	entries := x[key]
	i := slices.Index(entries, a)
	switch {
	case key == "" || a != nil && i < 0:
	case a == nil:
		x[key] = append(entries, b)
	case b != nil:
		entries[i] = b
	case len(entries) == 1:
		delete(x, key)
	default:
		x[key] = slices.Delete(entries, i, i+1)
	}
}

// end makes e what is left of a revoked session.
func (s *memoryShard) end(e *memoryEntry, at time.Time) driver.Ended {
	ended := e.rec.Ended()
	s.drop(e)
	e.revoked, e.endedAt = true, at
	e.strip()
	return ended
}

func (e *memoryEntry) strip() {
	e.rec = driver.Record{
		Key: e.rec.Key, ID: e.rec.ID, UserID: e.rec.UserID, SID: e.rec.SID,
		IdleAt: e.rec.IdleAt, ExpiresAt: e.rec.ExpiresAt,
	}
}

func (s *memoryShard) drop(e *memoryEntry) {
	s.byUser.swap(e.rec.UserID, e, nil)
	s.bySID.swap(e.rec.SID, e, nil)
}

func (s *memoryShard) sweep(now time.Time, epoch int64) int {
	n := 0
	for hash, e := range s.byHash {
		inGrace := e.next != nil && now.Before(e.until)
		if inGrace || !e.last().rec.Expired(now) && e.epoch == epoch {
			continue
		}
		s.drop(e)
		delete(s.byHash, hash)
		n++
	}
	return n
}
