package state

import (
	"time"

	"github.com/auth0kit/auth0kit/management/auth0test/internal/store"
)

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
