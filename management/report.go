package management

import (
	"context"
	"errors"
	"net/http"
	"strconv"
	"sync"
	"time"

	"github.com/auth0kit/auth0kit/management/resource"
)

// Call is what Config.OnCall learns of one call.
type Call struct {
	Op       string        // As in *Error: "create user"; "GET users/*" for those through API and HTTPClient.
	Requests int           // Sent for it.
	Limited  int           // Of those, answered 429.
	Waited   time.Duration // For the rate limit.
	Doubt    bool          // Err is ErrOutcomeUnknown.
	Err      error         // Nil: it succeeded.
}

// report tells the hook of a call that has ended, and the log of a doubt.
func (t *transport) report(ctx context.Context, op string, o *outcome, err error) {
	call := Call{Op: op, Requests: o.requests, Limited: o.limited, Waited: o.waited, Err: err, Doubt: errors.Is(err, resource.ErrOutcomeUnknown)}
	if call.Doubt && t.said.first("doubt "+op, time.Minute) {
		t.log.WarnContext(ctx, "auth0: the outcome of a write is not known", "op", op)
	}
	if t.onCall != nil {
		t.onCall(ctx, call)
	}
}

// sayAnswer logs what an answer says for the first time.
func (t *transport) sayAnswer(s *series, a *answer) {
	if a.err != nil {
		return
	}
	ctx := s.req.Context()
	size, err := strconv.Atoi(a.resp.Header.Get("X-RateLimit-Limit"))
	if err == nil && size > 0 && t.said.first("size "+strconv.Itoa(size), 24*time.Hour) {
		t.log.InfoContext(ctx, "auth0: learned a rate limit", "route", s.route, "size", size, "ours", max(1, int(t.budget*float64(size))))
	}
	if a.status() == http.StatusTooManyRequests && !a.jobSlots() {
		s.out.limited++
		if t.said.first("empty "+s.route, time.Minute) {
			t.log.WarnContext(ctx, "auth0: the bucket of the rate limit is empty", "route", s.route)
		}
	}
}

func (t *transport) sayWait(s *series, waited time.Duration) {
	s.waited += waited
	s.out.waited += waited
	if waited > 0 && t.said.first("wait "+s.route, time.Minute) {
		t.log.InfoContext(s.req.Context(), "auth0: waits for the rate limit", "route", s.route, "waited", waited)
	}
}

// seldom keeps a log line from coming again too soon.
type seldom struct {
	mu   sync.Mutex
	last map[string]time.Time
}

// maxSaid bounds what is remembered; beyond it nothing new is said.
const maxSaid = 1024

func (s *seldom) first(key string, every time.Duration) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := time.Now()
	if at, said := s.last[key]; said && now.Sub(at) < every || !said && len(s.last) >= maxSaid {
		return false
	}
	s.last[key] = now
	return true
}
