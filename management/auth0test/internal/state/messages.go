package state

import (
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/auth0kit/auth0kit/management/auth0test/internal/store"
)

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

	Push *Pending // Set where an answer is waited for: see Say.
}

// AnswerState is what a person said to a push notification.
type AnswerState uint8

// The answers.
const (
	Unanswered AnswerState = iota
	Approved
	Denied
)

// Pending is a push notification that can be answered.
type Pending struct {
	T      *Tenant
	State  *AnswerState
	Expiry time.Time
}

// Say answers, unless the notification was answered before or its time is over.
func (p *Pending) Say(s AnswerState) (said bool) {
	if p == nil {
		return false
	}
	now := p.T.Lock()
	defer p.T.Unlock()
	if *p.State != Unanswered || !now.Before(p.Expiry) {
		return false
	}
	*p.State = s
	return true
}

type outbox struct {
	mu   sync.Mutex
	list []Message
}

// Post puts a message into the outbox, unless it is mail that the tenant refuses
// to send. The caller holds the mutex.
func (t *Tenant) Post(m Message) (sent bool) {
	if m.Channel == "email" && t.refusesMail(m.To) {
		t.Log("fn", LogFields{
			Description: "To: " + m.To, UserID: m.UserID, UserName: m.To,
			Details: map[string]any{"email_type": m.Kind, "error": "the domain is blacklisted", "to": m.To},
		})
		return false
	}
	if m.Time.IsZero() {
		m.Time = t.Now()
	}
	t.outbox.mu.Lock()
	defer t.outbox.mu.Unlock()
	t.outbox.list = append(t.outbox.list, m)
	return true
}

// Messages returns all messages so far, oldest first.
func (t *Tenant) Messages() []Message {
	t.Lock() // What is due may send something.
	t.Unlock()
	t.outbox.mu.Lock()
	defer t.outbox.mu.Unlock()
	return slices.Clone(t.outbox.list)
}

func (t *Tenant) refusesMail(to string) bool {
	_, domain, _ := strings.Cut(to, "@")
	return slices.ContainsFunc(t.Options.RefusedMail, func(d string) bool { return strings.EqualFold(d, domain) })
}

// Ticket is a link that a user gets: to set a password, to verify an address,
// to enroll a factor.
type Ticket struct {
	ID, Kind  string // "password_change", "email_verification", …
	UserID    string
	ClientID  string
	ResultURL string
	ExpiresAt time.Time
	Set       map[string]any // What the request said besides.
}

// TicketLife is how long a ticket lives that does not say.
const TicketLife = 5 * 24 * time.Hour

// SendVerification mails a link that verifies the user's address, and tells
// whether the mail left.
func (t *Tenant) SendVerification(u *User, issuer string, now time.Time) bool {
	tk := t.NewTicket("email_verification", u.ID, now.Add(5*24*time.Hour))
	return t.Post(Message{Time: now, Channel: "email", To: u.Email, Kind: "verify_email", UserID: u.ID, URL: tk.URL(issuer)})
}

// NewTicket keeps a ticket.
func (t *Tenant) NewTicket(kind, userID string, until time.Time) *Ticket {
	tk := &Ticket{ID: store.RandomID(32), Kind: kind, UserID: userID, ExpiresAt: until}
	t.Tickets[tk.ID] = tk
	return tk
}

func (k *Ticket) URL(issuer string) string {
	page := "reset-password"
	if k.Kind == "email_verification" {
		page = "email-verification"
	}
	return issuer + "u/" + page + "?ticket=" + k.ID + "#"
}

// TicketEnrollment is the kind of tickets that enroll a factor. Their set may name
// one, as the Management API does, in factor.
const TicketEnrollment = "mfa_enrollment"
