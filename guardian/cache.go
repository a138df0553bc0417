package guardian

import (
	"context"
	"time"

	"github.com/auth0kit/auth0kit/internal/lru"
	"github.com/auth0kit/auth0kit/internal/once"
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
// readers of one user wait for one request. Drop is called after every change: a
// read that is under way then is not kept.
type methodCache = *lru.Cache[string, *once.Call[methodList]]

type methodList struct {
	at      time.Time // When they were asked for.
	methods []resource.AuthenticationMethod
}

func newMethodCache() methodCache { return lru.New[string, *once.Call[methodList]](maxCached) }

// methods returns the authentication methods of a user, at most maxAge old.
func (s *Service) methods(ctx context.Context, userID string, maxAge time.Duration) ([]resource.AuthenticationMethod, error) {
	young := func(last once.Outcome[methodList]) bool {
		age := s.now().Sub(last.Value.at)
		return last.Err == nil && age >= 0 && age < maxAge
	}
	entry := s.cache.GetOr(userID, func() *once.Call[methodList] { return new(once.Call[methodList]) })
	list, err := entry.Do(ctx, young, func(ctx context.Context) (methodList, error) {
		at := s.now()
		methods, err := s.dir.AuthenticationMethods(ctx, userID)
		return methodList{at, methods}, err
	})
	return list.methods, wrapped("list methods", err)
}
