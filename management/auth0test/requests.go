package auth0test

import (
	"net/http"
	"slices"
	"sync"
	"time"

	"github.com/auth0kit/auth0kit/management/auth0test/internal/overview"
)

// keptRequests is how many requests Requests remembers.
const keptRequests = 10_000

// Request holds a request that the tenant received.
type Request struct {
	Time     time.Time // The tenant's.
	Method   string
	Host     string
	Path     string // Escaped, as it was sent.
	Query    string // As it was sent.
	Status   int    // Zero while it runs and when the connection was cut.
	ClientID string // Whose token called the Management API.
}

type requestLog struct {
	mu   sync.Mutex
	list []*Request
}

func (l *requestLog) begin(now time.Time, r *http.Request) *Request {
	e := &Request{Time: now, Method: r.Method, Host: r.Host, Path: r.URL.EscapedPath(), Query: r.URL.RawQuery}
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.list) >= 2*keptRequests {
		l.list = slices.Clone(l.list[keptRequests:])
	}
	l.list = append(l.list, e)
	return e
}

func (l *requestLog) end(e *Request, status int, client string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	e.Status, e.ClientID = status, client
}

func (l *requestLog) reset() { l.mu.Lock(); l.list = nil; l.mu.Unlock() }

// answered are the requests that were answered, for the overview.
func (l *requestLog) answered() (out []overview.Request) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, r := range l.list {
		if r.Status != 0 {
			out = append(out, overview.Request{Time: r.Time, Method: r.Method, Path: r.Path, Status: r.Status})
		}
	}
	return out
}

// Requests returns the last 10,000 requests, oldest first.
func (t *Tenant) Requests() []Request {
	t.requests.mu.Lock()
	defer t.requests.mu.Unlock()
	out := make([]Request, 0, len(t.requests.list))
	for _, r := range t.requests.list[max(0, len(t.requests.list)-keptRequests):] {
		out = append(out, *r)
	}
	return out
}
