package auth0test

import (
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"
)

// keptRequests is how many requests Requests remembers.
const keptRequests = 10_000

// Request is a request that the tenant got.
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

func (l *requestLog) end(e *Request, w *statusWriter) {
	l.mu.Lock()
	defer l.mu.Unlock()
	e.Status, e.ClientID = w.status, w.client
}

// Message is what the tenant would have sent to a person.
type Message struct {
	Time    time.Time // The tenant's.
	Channel string    // "email", "sms" or "push".
	To      string    // The address or number; the user's id for a push.
	Kind    string    // Auth0's template: "verify_email", "reset_email", "user_invitation", "mfa_oob_code", …
	URL     string    // The link, when there is one.
	Code    string    // The one-time code, when there is one.
	UserID  string    // Empty for an invitation.
	Text    string    // What a push notification asks: the binding message.

	push *pending // Set where an answer is waited for: see Approve and Deny.
}

type outbox struct {
	mu   sync.Mutex
	list []Message
}

// Outbox returns every mail, text message and push notification so far, oldest
// first.
func (t *Tenant) Outbox() []Message {
	t.lock() // What is due may send something.
	t.mu.Unlock()
	t.outbox.mu.Lock()
	defer t.outbox.mu.Unlock()
	return slices.Clone(t.outbox.list)
}

// post puts a message into the outbox, unless it is mail that the tenant refuses
// to send. The caller holds the mutex.
func (t *Tenant) post(m Message) (sent bool) {
	if m.Channel == "email" && t.refusesMail(m.To) {
		t.log("fn", logFields{
			Description: "To: " + m.To, UserID: m.UserID, UserName: m.To,
			Details: map[string]any{"email_type": m.Kind, "error": "the domain is blacklisted", "to": m.To},
		})
		return false
	}
	if m.Time.IsZero() {
		m.Time = t.now()
	}
	t.outbox.mu.Lock()
	defer t.outbox.mu.Unlock()
	t.outbox.list = append(t.outbox.list, m)
	return true
}

func (t *Tenant) refusesMail(to string) bool {
	_, domain, _ := strings.Cut(to, "@")
	return slices.ContainsFunc(t.opts.RefusedMail, func(d string) bool { return strings.EqualFold(d, domain) })
}
