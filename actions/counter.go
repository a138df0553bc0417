package actions

import (
	"context"
	"errors"
	"sync"

	"github.com/auth0kit/auth0kit/internal/lru"
)

// Counter counts the logins of users. actions/sqlactions counts in a database. Ids of
// users are unique in one tenant: each has a Counter of its own.
type Counter interface {
	// Count counts an event and returns how many of the user's were counted, this one
	// included. An event that was counted before is not counted again, and gets the
	// number that it got then. Of concurrent calls no two events of a user get the
	// same number.
	Count(ctx context.Context, userID, eventID string) (int, error)
	// Counted counts nothing. It returns the number that the event got or, if it was
	// not counted or eventID is empty, how many of the user's were.
	Counted(ctx context.Context, userID, eventID string) (int, error)
}

// The segments, by how many logins were counted.
const (
	segmentPower  = "power"  // More than 100.
	segmentActive = "active" // More than 10.
	segmentCasual = "casual"
)

// Segment counts interactive logins and puts the user's segment into a claim of
// both tokens: "power" after more than 100 logins, "active" after more than 10, or
// else "casual". Other flows are not counted and carry the claim. It is Optional: a
// login does not fail because it was not counted.
func Segment(claim string, counter Counter) Step {
	s := Step{Name: "segment", Optional: true, ownOnly: true, Claims: []string{claim}, triggers: []Trigger{PostLogin}}
	if counter == nil {
		s.err = errors.New("actions: Segment: the Counter is nil")
	}
	s.Run = func(ctx context.Context, e *Event, c *Commands) error {
		if e.User.ID == "" {
			return errors.New("actions: Segment: the event has no user")
		}
		count := counter.Counted
		if e.Interactive() && !e.DryRun {
			count = counter.Count
		}
		n, err := count(ctx, e.User.ID, e.ID)
		if err != nil {
			return err
		}
		segment := segmentCasual
		switch {
		case n > 100:
			segment = segmentPower
		case n > 10:
			segment = segmentActive
		}
		return setClaim(e, c, claim, segment)
	}
	return s
}

// Bounds of a MemoryCounter.
const (
	memoryUsers  = 1 << 20
	memoryEvents = 1 << 17
)

// MemoryCounter is a Counter in memory: per process, and lost with it. It keeps the
// million users that logged in last and the numbers of the last 131,072 events. It is
// safe for concurrent use.
type MemoryCounter struct {
	mu     sync.Mutex
	users  *lru.Cache[string, int]
	events *lru.Cache[[2]string, int]
}

// NewMemoryCounter returns an empty MemoryCounter.
func NewMemoryCounter() *MemoryCounter {
	return &MemoryCounter{users: lru.New[string, int](memoryUsers), events: lru.New[[2]string, int](memoryEvents)}
}

// Count implements Counter.
func (m *MemoryCounter) Count(_ context.Context, userID, eventID string) (int, error) {
	if userID == "" || eventID == "" {
		return 0, errors.New("actions: Count: userID or eventID is empty")
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if n, known := m.events.Get([2]string{userID, eventID}); known {
		return n, nil
	}
	n, _ := m.users.Get(userID)
	n++
	m.users.Put(userID, n)
	m.events.Put([2]string{userID, eventID}, n)
	return n, nil
}

// Counted implements Counter.
func (m *MemoryCounter) Counted(_ context.Context, userID, eventID string) (int, error) {
	if userID == "" {
		return 0, errors.New("actions: Counted: userID is empty")
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if n, known := m.events.Get([2]string{userID, eventID}); known {
		return n, nil
	}
	n, _ := m.users.Get(userID)
	return n, nil
}

// Forget removes what is known of a user.
func (m *MemoryCounter) Forget(_ context.Context, userID string) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.users.Drop(userID)
	m.events.DropIf(func(k [2]string) bool { return k[0] == userID })
	return nil
}
