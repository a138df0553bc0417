package tenancy

import (
	"context"
	"sync"
	"time"

	"github.com/auth0kit/auth0kit/internal/lru"
	"github.com/auth0kit/auth0kit/internal/once"
	"github.com/auth0kit/auth0kit/management/resource"
)

const (
	perPage = 100
	// listLag is by how much the list of members may lag behind a change.
	listLag = 30 * time.Second
)

// member is a key as a struct: joined strings can collide. With one id alone it
// stands for all of that user or organization.
type member struct{ orgID, userID string }

// listings reads whole organizations in place of their members one by one, when
// several are missing.
type listings struct {
	dir  Directory
	ttl  time.Duration
	orgs *lru.Cache[string, *listing]
}

// listing is the list of one organization.
type listing struct {
	mu     sync.Mutex
	since  time.Time
	misses int // Members that were not known, since then.

	call once.Call[list]
}

type list struct {
	roles map[string][]resource.Role // By user id, of those whose roles are known.
	pages int
	whole bool
	asOf  time.Time
}

// missed counts one more member who is not known, and returns how many there were
// in this TTL, and since settled.
func (l *listings) missed(orgID string, settled time.Time) (*listing, int) {
	o := l.orgs.GetOr(orgID, func() *listing { return &listing{call: once.Call[list]{Detach: loadTimeout}} })
	o.mu.Lock()
	defer o.mu.Unlock()
	if time.Since(o.since) >= l.ttl || o.since.Before(settled) {
		o.since, o.misses = time.Now(), 0
	}
	o.misses++
	return o, o.misses
}

// find returns the roles of a member by the list, which is read if it pays: at most
// one page for each member who was missing, and a list that was too short again
// when twice as many are, or when it is older than settled.
func (l *listings) find(ctx context.Context, o *listing, misses int, m member, settled time.Time) (roles []resource.Role, asOf time.Time, ok bool) {
	serves := func(last once.Outcome[list]) bool {
		if last.Err != nil {
			return time.Since(last.At) < retryAfter(last.Err)
		}
		return time.Since(last.Value.asOf) < l.ttl && !last.Value.asOf.Before(settled) && (last.Value.whole || misses < 2*last.Value.pages)
	}
	ctx, cancel := context.WithTimeout(ctx, loadTimeout/2) // and the other half for the member alone
	defer cancel()
	got, err := o.call.Do(ctx, serves, func(ctx context.Context) (list, error) { return l.read(ctx, m.orgID, misses) })
	if err != nil {
		return nil, time.Time{}, false // the member alone is asked for
	}
	roles, ok = got.roles[m.userID]
	return roles, got.asOf, ok
}

func (l *listings) read(ctx context.Context, orgID string, pages int) (list, error) {
	got := list{roles: make(map[string][]resource.Role), pages: pages, whole: true, asOf: time.Now()}
	n := 0
	for m, err := range l.dir.Members(ctx, orgID) {
		if err != nil {
			return list{}, err
		}
		if m.Roles != nil {
			got.roles[m.UserID] = m.Roles
		}
		if n++; n == pages*perPage {
			got.whole = false
			break
		}
	}
	return got, nil
}
