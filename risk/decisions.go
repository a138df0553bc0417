package risk

import (
	"context"
	"hash/maphash"
	"slices"
	"sync"
	"time"
)

// MaxRecords is how many records of a user Decisions keep.
const MaxRecords = 50

// Record is what Decisions keep of one decision. Sealed is opaque.
type Record struct {
	ID        string
	At, Until time.Time // In milliseconds.
	Sealed    []byte
	Outcome   string // Empty until Take.
}

// Decisions keeps records of decisions. All policy is in the Engine; a store moves
// bytes and takes each record once. Implementations are safe for concurrent use;
// package risktest has a suite for them.
type Decisions interface {
	// Put adds a record with a new ID. Of each user it keeps at least the MaxRecords
	// newest by At; it may drop older ones, and all after some weeks.
	Put(ctx context.Context, userID string, r Record) error
	// Take notes the outcome of a record and returns what was sealed, once. It
	// returns ErrNoDecision, and changes nothing, when the record is not there, is
	// another user's, has an outcome, or when now is not before its Until.
	Take(ctx context.Context, userID, id, outcome string, now time.Time) ([]byte, error)
	// List returns the records of a user, the newest first, at most MaxRecords.
	List(ctx context.Context, userID string) ([]Record, error)
	// Delete removes all records of a user. What is not there is no error.
	Delete(ctx context.Context, userID string) error
}

// MemoryDecisions implements Decisions in this process. Use it in a service of one
// process whose open challenges may be lost at a restart. It holds the records of a
// bounded number of users; after as many new ones those without a new record since
// are dropped.
type MemoryDecisions struct {
	seed   maphash.Seed
	limit  int // per shard and generation
	shards [16]decisionShard
}

type decisionShard struct {
	mu          sync.Mutex
	young, aged map[string][]Record // the newest first
}

var _ Decisions = (*MemoryDecisions)(nil)

// NewMemoryDecisions returns a MemoryDecisions for about maxUsers users. Zero or
// less means 20,000.
func NewMemoryDecisions(maxUsers int) *MemoryDecisions {
	if maxUsers <= 0 {
		maxUsers = 20_000
	}
	m := &MemoryDecisions{seed: maphash.MakeSeed(), limit: max(1, maxUsers/32)}
	for i := range m.shards {
		m.shards[i].young = make(map[string][]Record)
	}
	return m
}

// with calls f with the records of a user and keeps what it returns.
func (m *MemoryDecisions) with(ctx context.Context, userID string, f func([]Record) []Record) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	s := &m.shards[maphash.String(m.seed, userID)%uint64(len(m.shards))]
	s.mu.Lock()
	defer s.mu.Unlock()
	records, young := s.young[userID]
	if !young {
		records = s.aged[userID]
	}
	switch after := f(records); {
	case len(after) == 0:
		delete(s.young, userID)
		delete(s.aged, userID)
	case young || len(s.young) < m.limit:
		s.young[userID] = after
	default:
		s.aged, s.young = s.young, map[string][]Record{userID: after}
	}
	return nil
}

// Put implements Decisions.
func (m *MemoryDecisions) Put(ctx context.Context, userID string, r Record) error {
	return m.with(ctx, userID, func(records []Record) []Record {
		r.Sealed = slices.Clone(r.Sealed)
		at, _ := slices.BinarySearchFunc(records, r.At, func(old Record, at time.Time) int { return at.Compare(old.At) })
		records = slices.Insert(slices.Clone(records), at, r)
		return records[:min(len(records), MaxRecords)]
	})
}

// Take implements Decisions.
func (m *MemoryDecisions) Take(ctx context.Context, userID, id, outcome string, now time.Time) (sealed []byte, err error) {
	err = m.with(ctx, userID, func(records []Record) []Record {
		at := slices.IndexFunc(records, func(r Record) bool { return r.ID == id && r.Outcome == "" && now.Before(r.Until) })
		if at < 0 {
			return records
		}
		records = slices.Clone(records)
		records[at].Outcome = outcome
		sealed = slices.Clone(records[at].Sealed)
		return records
	})
	if err == nil && sealed == nil {
		err = ErrNoDecision
	}
	return sealed, err
}

// List implements Decisions.
func (m *MemoryDecisions) List(ctx context.Context, userID string) (out []Record, err error) {
	err = m.with(ctx, userID, func(records []Record) []Record {
		out = slices.Clone(records)
		return records
	})
	return out, err
}

// Delete implements Decisions.
func (m *MemoryDecisions) Delete(ctx context.Context, userID string) error {
	return m.with(ctx, userID, func([]Record) []Record { return nil })
}
