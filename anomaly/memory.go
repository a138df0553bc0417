package anomaly

import (
	"context"
	"hash/maphash"
	"math/rand/v2"
	"sync"
)

// Memory is a Store in this process. Use it in a service of one process that may
// lose what it learned at a restart. It holds a bounded number of profiles and
// drops those that were not used again (by second chance; a new profile has none
// yet, so that a flood of new users does not displace the old ones). A profile
// takes at most some 900 bytes with a user id of 30 bytes. Memory is safe for
// concurrent use.
type Memory struct {
	seed   maphash.Seed
	shards [64]shard
}

type shard struct {
	mu    sync.Mutex
	limit int
	index map[Key]int32
	slots []slot
	hand  int
	free  []int32
	fixed slot // what must not be dropped: the sketch
}

type slot struct {
	key     Key
	blob    []byte
	version uint64
	used    bool
}

// NewMemory returns a Memory for at most maxUsers profiles, rounded up to a
// multiple of 64. Zero or less means 1,000,000.
func NewMemory(maxUsers int) *Memory {
	if maxUsers <= 0 {
		maxUsers = 1_000_000
	}
	m := &Memory{seed: maphash.MakeSeed()}
	for i := range m.shards {
		s := &m.shards[i]
		s.limit = (maxUsers + len(m.shards) - 1) / len(m.shards)
		s.index = make(map[Key]int32)
	}
	return m
}

func (m *Memory) shard(key Key) *shard {
	return &m.shards[maphash.String(m.seed, string(key))%uint64(len(m.shards))]
}

// Load implements Store.
func (m *Memory) Load(ctx context.Context, key Key, dst []byte) ([]byte, uint64, error) {
	if err := ctx.Err(); err != nil {
		return dst, 0, err
	}
	s := m.shard(key)
	s.mu.Lock()
	defer s.mu.Unlock()
	if key == "" {
		found := s.fixed
		return append(dst, found.blob...), found.version, nil
	}
	i, ok := s.index[key]
	if !ok {
		return dst, 0, nil
	}
	found := &s.slots[i]
	found.used = true
	return append(dst, found.blob...), found.version, nil
}

// Save implements Store.
func (m *Memory) Save(ctx context.Context, key Key, blob []byte, version uint64) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	s := m.shard(key)
	s.mu.Lock()
	defer s.mu.Unlock()
	if key == "" {
		return s.saveFixed(blob, version)
	}
	i, ok := s.index[key]
	switch {
	case !ok && version != 0, ok && s.slots[i].version != version:
		return ErrConflict
	case !ok:
		i = s.place(key)
	}
	target := &s.slots[i]
	target.set(blob)
	if !ok {
		version = rand.Uint64() >> 2 // A save from before Forget must not find its version.
	}
	target.version, target.used = version+1, ok
	return nil
}

func (s *shard) saveFixed(blob []byte, version uint64) error {
	found := &s.fixed
	if found.version != version {
		return ErrConflict
	}
	found.set(blob)
	if version == 0 {
		version = rand.Uint64() >> 2
	}
	found.version = version + 1
	return nil
}

// set writes into the old bytes where they suffice: a profile that is saved
// after each login then makes no garbage.
func (e *slot) set(blob []byte) {
	if cap(e.blob) < len(blob) {
		e.blob = make([]byte, len(blob))
	}
	e.blob = e.blob[:len(blob)]
	copy(e.blob, blob)
}

// place finds a slot for a new key: a free one, a new one, or that of the first
// profile behind the hand which was not used since the hand passed it.
func (s *shard) place(key Key) int32 {
	var i int32
	switch {
	case len(s.free) > 0:
		i = s.free[len(s.free)-1]
		s.free = s.free[:len(s.free)-1]
	case len(s.slots) < s.limit:
		i = int32(len(s.slots))
		s.slots = append(s.slots, slot{})
	default:
		i = s.evict()
	}
	s.slots[i].key = key
	s.index[key] = i
	return i
}

func (s *shard) evict() int32 {
	for {
		i := s.hand
		s.hand = (s.hand + 1) % len(s.slots)
		if victim := &s.slots[i]; victim.used {
			victim.used = false
		} else {
			delete(s.index, victim.key)
			return int32(i)
		}
	}
}

// Forget implements Store.
func (m *Memory) Forget(ctx context.Context, userID string) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	key := Key(userID)
	s := m.shard(key)
	s.mu.Lock()
	defer s.mu.Unlock()
	if key == "" {
		s.fixed = slot{}
	}
	if i, ok := s.index[key]; ok {
		delete(s.index, key)
		s.slots[i] = slot{}
		s.free = append(s.free, i)
	}
	return nil
}

// Len returns the number of profiles.
func (m *Memory) Len() int {
	n := 0
	for i := range m.shards {
		s := &m.shards[i]
		s.mu.Lock()
		n += len(s.index)
		s.mu.Unlock()
	}
	return n
}
