package session

import (
	"cmp"
	"context"
	"slices"
	"sync"
	"time"

	"github.com/auth0kit/auth0kit/session/driver"
)

// memoryMarks is what refuses logins that were under way during a revocation.
type memoryMarks struct {
	mu         sync.RWMutex
	epoch      int64 // sessions of another one are dead
	everyoneAt time.Time
	bySubject  map[string]memoryMark
}

type memoryMark struct{ at, until time.Time }

func userMark(id string) string { return "user\x00" + id }
func sidMark(sid string) string { return "sid\x00" + sid }

// check returns the epoch for r, and whether a mark refuses r. Its caller holds
// the lock of r's shard: a revocation sets the mark first and takes that lock
// afterwards, so it either is seen here or sees r.
func (m *memoryMarks) check(r *driver.Record, bound time.Time) (epoch int64, refused bool) {
	m.mu.RLock()
	defer m.mu.RUnlock()
	newest := later(m.everyoneAt, m.bySubject[userMark(r.UserID)].at)
	if r.SID != "" {
		newest = later(newest, m.bySubject[sidMark(r.SID)].at)
	}
	return m.epoch, bound.Before(newest)
}

func (m *memoryMarks) current() int64 {
	m.mu.RLock()
	defer m.mu.RUnlock()
	return m.epoch
}

func (m *memoryMarks) set(subject string, s driver.Selector) {
	m.mu.Lock()
	defer m.mu.Unlock()
	before := m.bySubject[subject]
	m.bySubject[subject] = memoryMark{at: later(before.at, s.Now), until: later(before.until, s.MarkUntil)}
}

func (m *memoryMarks) remove(subject string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	delete(m.bySubject, subject)
}

func (m *memoryMarks) everyone(now time.Time) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.epoch++
	m.everyoneAt = later(m.everyoneAt, now)
}

func (m *memoryMarks) sweep(now time.Time) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for subject, mark := range m.bySubject {
		if !now.Before(mark.until) {
			delete(m.bySubject, subject)
		}
	}
}

type memoryReplay struct {
	mu   sync.Mutex
	seen map[string]time.Time
}

// Seen implements Replay, for this process.
func (m *Memory) Seen(_ context.Context, id string, now, until time.Time) error {
	r := &m.replay
	r.mu.Lock()
	defer r.mu.Unlock()
	if now.Before(r.seen[id]) {
		return driver.ErrReplayed
	}
	r.seen[id] = until
	return nil
}

// Used implements Replay.
func (m *Memory) Used(_ context.Context, id string, now time.Time) error {
	m.replay.mu.Lock()
	defer m.replay.mu.Unlock()
	if now.Before(m.replay.seen[id]) {
		return driver.ErrReplayed
	}
	return nil
}

func (r *memoryReplay) sweep(now time.Time) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for id, until := range r.seen {
		if !now.Before(until) {
			delete(r.seen, id)
		}
	}
}

type memoryOutbox struct {
	mu   sync.Mutex
	jobs map[string]driver.Job
}

// Enqueue implements Outbox, for this process.
func (m *Memory) Enqueue(_ context.Context, j driver.Job) error {
	m.outbox.mu.Lock()
	defer m.outbox.mu.Unlock()
	m.outbox.jobs[j.ID] = j
	return nil
}

// Take implements Outbox.
func (m *Memory) Take(_ context.Context, now, lease time.Time, n int) ([]driver.Job, error) {
	o := &m.outbox
	o.mu.Lock()
	defer o.mu.Unlock()
	var due []driver.Job
	for _, j := range o.jobs {
		if !now.Before(j.Due) {
			due = append(due, j)
		}
	}
	slices.SortFunc(due, func(a, b driver.Job) int { return cmp.Or(a.Due.Compare(b.Due), cmp.Compare(a.ID, b.ID)) })
	due = due[:min(n, len(due))]
	for i := range due {
		due[i].Attempts++
		due[i].Due = lease
		o.jobs[due[i].ID] = due[i]
	}
	return due, nil
}

// Retry implements Outbox.
func (m *Memory) Retry(_ context.Context, id string, due time.Time) error {
	m.outbox.mu.Lock()
	defer m.outbox.mu.Unlock()
	if j, ok := m.outbox.jobs[id]; ok {
		j.Due = due
		m.outbox.jobs[id] = j
	}
	return nil
}

// Done implements Outbox.
func (m *Memory) Done(_ context.Context, id string) error {
	m.outbox.mu.Lock()
	defer m.outbox.mu.Unlock()
	delete(m.outbox.jobs, id)
	return nil
}
