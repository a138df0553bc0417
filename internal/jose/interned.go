package jose

import (
	"runtime"
	"sync"
	"weak"
)

// interned holds values that somebody uses by what makes two the same, so that
// all who ask for one get the same. Its zero value is ready.
type interned[K comparable, V any] struct {
	mu  sync.Mutex
	all map[K]weak.Pointer[V]
}

func (s *interned[K, V]) get(id K, fresh func() *V) *V {
	s.mu.Lock()
	defer s.mu.Unlock()
	if v := s.all[id].Value(); v != nil {
		return v
	}
	if s.all == nil {
		s.all = make(map[K]weak.Pointer[V])
	}
	v := fresh()
	s.all[id] = weak.Make(v)
	runtime.AddCleanup(v, s.drop, id)
	return v
}

func (s *interned[K, V]) drop(id K) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.all[id].Value() == nil {
		delete(s.all, id)
	}
}
