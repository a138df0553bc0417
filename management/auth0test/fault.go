package auth0test

import (
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/auth0kit/auth0kit/management/auth0test/internal/web"
)

// Fault says what goes wrong with a request. Without a Status and a cut the
// request is answered as usual, after Latency.
type Fault struct {
	Status     int           // Answered instead; nothing is done.
	Latency    time.Duration // Waited first; the caller's context ends it.
	RetryAfter time.Duration // A Retry-After header, in whole seconds. Status defaults to 429 then.
	SlowBody   time.Duration // A pause in the middle of the answer's body.
	CutBefore  bool          // The connection is cut; nothing was done.
	CutAfter   bool          // The request is carried out, then the connection is cut without an answer.
	Times      int           // How many requests it meets. Zero meets all until it is removed.
}

type faults struct {
	mu     sync.Mutex
	active []*activeFault
}

type activeFault struct {
	Fault
	method   string
	segments []string
	left     int
}

// Fault makes requests of a route fail: "POST /api/v2/users", or with wildcards
// as in Auth0's reference, "PATCH /api/v2/users/{id}". The path is compared as
// it stands in the request, escaped. Of several faults for a request the oldest
// that is not used up takes it. Remove ends the fault early.
//
// It panics for a route without a method and a path: that is a mistake in a test.
func (t *Tenant) Fault(route string, f Fault) (remove func()) {
	method, path, found := strings.Cut(route, " ")
	if !found || !strings.HasPrefix(path, "/") {
		panic("auth0test: Fault: the route " + route + ` is not of the form "POST /api/v2/users"`)
	}
	if f.RetryAfter > 0 && f.Status == 0 {
		f.Status = http.StatusTooManyRequests
	}
	a := &activeFault{Fault: f, method: method, segments: web.SplitPath(path), left: f.Times}
	t.faults.mu.Lock()
	t.faults.active = append(t.faults.active, a)
	t.faults.mu.Unlock()
	return func() { t.faults.remove(a) }
}

func (f *faults) remove(a *activeFault) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.active = slices.DeleteFunc(f.active, func(x *activeFault) bool { return x == a })
}

func (f *faults) reset() { f.mu.Lock(); f.active = nil; f.mu.Unlock() }

// take returns the fault that a request meets, and counts it.
func (f *faults) take(method, escaped string) *Fault {
	f.mu.Lock()
	defer f.mu.Unlock()
	if len(f.active) == 0 {
		return nil
	}
	segments := web.SplitPath(escaped)
	for _, a := range f.active {
		if a.method != method || !web.Matches(a.segments, segments) || a.Times > 0 && a.left == 0 {
			continue
		}
		a.left--
		return &a.Fault
	}
	return nil
}
