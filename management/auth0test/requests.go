package auth0test

import (
	"net/http"
	"slices"
	"strconv"
	"sync"
	"time"
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
func (l *requestLog) answered() (rows [][]string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, r := range slices.Backward(l.list) {
		if r.Status != 0 {
			rows = append(rows, []string{r.Time.Format("15:04:05"), r.Method, r.Path, strconv.Itoa(r.Status)})
		}
	}
	return rows
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
