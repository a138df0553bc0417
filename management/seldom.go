package management

import (
	"sync"
	"time"
)

// seldom keeps a log line from coming again too soon.
type seldom struct {
	mu   sync.Mutex
	last map[string]time.Time
}

// maxSaid bounds what is remembered; beyond it everything may be said once more.
const maxSaid = 1024

func (s *seldom) first(key string, every time.Duration) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := time.Now()
	if at, said := s.last[key]; said && now.Sub(at) < every {
		return false
	} else if !said && len(s.last) >= maxSaid {
		clear(s.last)
	}
	s.last[key] = now
	return true
}
