package guardian

import (
	"context"
	"sync"
	"time"

	"github.com/auth0kit/auth0kit/management/resource"
)

const (
	// methodsAge is how long the methods of a user are remembered: Auth0 lets
	// them be read five times a minute per user, twice on the free plan.
	methodsAge = time.Minute
	freshAge   = 15 * time.Second // for the decision whether a factor is the first

	maxCached = 10_000
)

// methodCache remembers the authentication methods of users at Auth0. Concurrent
// readers of one user wait for one request.
type methodCache struct {
	mu      sync.Mutex
	entries map[string]*cached
}

type cached struct {
	turn    chan struct{} // Held by who reads or writes the rest.
	at      time.Time     // Zero: nothing is known.
	methods []resource.AuthenticationMethod
}

func newMethodCache() methodCache { return methodCache{entries: make(map[string]*cached)} }

func (c *methodCache) entry(userID string) *cached {
	c.mu.Lock()
	defer c.mu.Unlock()
	e := c.entries[userID]
	if e == nil {
		for len(c.entries) >= maxCached {
			for any := range c.entries {
				delete(c.entries, any)
				break
			}
		}
		e = &cached{turn: make(chan struct{}, 1)}
		c.entries[userID] = e
	}
	return e
}

// forget is called after every change: a read that is under way then is not kept.
func (c *methodCache) forget(userID string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	delete(c.entries, userID)
}

// methods returns the authentication methods of a user, at most maxAge old.
func (s *Service) methods(ctx context.Context, userID string, maxAge time.Duration) ([]resource.AuthenticationMethod, error) {
	e := s.cache.entry(userID)
	select {
	case e.turn <- struct{}{}:
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	defer func() { <-e.turn }()
	now := s.now()
	if age := now.Sub(e.at); !e.at.IsZero() && age >= 0 && age < maxAge {
		return e.methods, nil
	}
	methods, err := s.dir.AuthenticationMethods(ctx, userID)
	if err != nil {
		return nil, wrapped("list methods", err)
	}
	e.at, e.methods = now, methods
	return methods, nil
}
