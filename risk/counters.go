package risk

import (
	"context"
	"hash/maphash"
	"math"
	"slices"
	"sync"
	"time"

	"github.com/axiomhq/hyperloglog"
)

// MemoryCounters implements Counters in this process. Several processes that share
// logins each see only a part of them; use package redisrisk there. It holds a
// bounded number of keys; after as many new keys, those that were not counted
// since are dropped.
type MemoryCounters struct {
	seed   maphash.Seed
	limit  int // per shard and generation
	shards [16]counterShard
}

type counterShard struct {
	mu          sync.Mutex
	young, aged map[string]*window
}

// window is a bucket and the one before it, each as long as the window.
type window struct {
	bucket       int64
	now, before  int
	here, former members
}

// NewMemoryCounters returns counters for about maxKeys keys at most, of some 200
// bytes to 2 KB each. Zero or less means 200,000.
func NewMemoryCounters(maxKeys int) *MemoryCounters {
	if maxKeys <= 0 {
		maxKeys = 200_000
	}
	c := &MemoryCounters{seed: maphash.MakeSeed(), limit: max(1, maxKeys/32)}
	for i := range c.shards {
		c.shards[i].young = make(map[string]*window)
	}
	return c
}

// Add implements Counters.
func (c *MemoryCounters) Add(ctx context.Context, items []Count) ([]Tally, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	out := make([]Tally, len(items))
	for i, item := range items {
		if err := item.Validate(); err != nil {
			return nil, err
		}
		s := &c.shards[maphash.String(c.seed, item.Key)%uint64(len(c.shards))]
		out[i] = s.add(item, c.limit)
	}
	return out, nil
}

func (s *counterShard) add(item Count, limit int) Tally {
	s.mu.Lock()
	defer s.mu.Unlock()
	w := s.find(item.Key, item.Member != "", limit)
	if w == nil {
		return Tally{}
	}
	if item.Member == "" {
		copied := *w // Reading moves no window: it may be of a later time.
		w = &copied
	}
	return w.add(item)
}

// find moves what is counted into the young generation; reading moves nothing.
func (s *counterShard) find(key string, write bool, limit int) *window {
	w, young := s.young[key]
	if young {
		return w
	}
	w = s.aged[key]
	if !write {
		return w
	}
	if w == nil {
		w = new(window)
	}
	if len(s.young) >= limit {
		s.aged, s.young = s.young, make(map[string]*window)
	}
	s.young[key] = w
	return w
}

func (w *window) add(item Count) Tally {
	bucket, passed := item.Bucket()
	switch {
	case bucket == w.bucket+1:
		w.before, w.former = w.now, w.here
		w.bucket, w.now, w.here = bucket, 0, members{}
	case bucket > w.bucket:
		*w = window{bucket: bucket}
	case bucket < w.bucket:
		passed = 0 // A login that comes late counts as the oldest of this bucket.
	}
	if item.Member != "" {
		w.now++
		w.here.insert(maphash.String(memberSeed, item.Member))
	}
	return item.Blend(w.now, w.before, w.here.count(), w.former.count(), passed)
}

// members counts distinct hashes: exactly while there are few, which is nearly
// always, then by a sketch of 1 KB that is good to 3%.
type members struct {
	few    []uint64
	sketch *hyperloglog.Sketch
}

const exactMembers = 24

var memberSeed = maphash.MakeSeed()

func (m *members) insert(hash uint64) {
	switch {
	case m.sketch != nil:
		m.sketch.InsertHash(hash)
	case slices.Contains(m.few, hash):
	case len(m.few) < exactMembers:
		m.few = append(m.few, hash)
	default:
		m.promote()
		m.sketch.InsertHash(hash)
	}
}

func (m *members) promote() {
	s, err := hyperloglog.NewSketch(10, false)
	if err != nil {
		panic(err) // The precision is a constant.
	}
	for _, hash := range m.few {
		s.InsertHash(hash)
	}
	m.few, m.sketch = nil, s
}

func (m *members) count() int {
	if m.sketch != nil {
		return int(m.sketch.Estimate())
	}
	return len(m.few)
}

type errCount string

func (e errCount) Error() string { return "risk: Count." + string(e) }

// Validate returns what is wrong with an item. Implementations of Counters call
// it.
func (c Count) Validate() error {
	switch {
	case c.Key == "" || len(c.Key) > 512:
		return errCount("Key must have 1 to 512 bytes")
	case c.Window < time.Second:
		return errCount("Window must be at least a second")
	case c.At.IsZero() || c.At.Unix() < 0:
		return errCount("At must be set, and not before 1970")
	}
	return nil
}

// Bucket returns the number of the bucket that At falls into, each as long as
// Window, and the share of it that has passed. It is for implementations of
// Counters.
func (c Count) Bucket() (number int64, passed float64) {
	window := c.Window.Milliseconds()
	at := c.At.UnixMilli()
	return at / window, float64(at%window) / float64(window)
}

// Blend estimates the sliding window from its two buckets, for implementations of
// Counters: the previous one counts by the share that the window still covers, and
// members are the larger of the two counts.
func (c Count) Blend(now, before, membersNow, membersBefore int, passed float64) Tally {
	left := 1 - passed
	return Tally{
		Events:  now + int(math.Round(float64(before)*left)),
		Members: max(membersNow, int(math.Round(float64(membersBefore)*left))),
	}
}
