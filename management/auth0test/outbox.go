package auth0test

import (
	"errors"
	"time"

	"github.com/auth0kit/auth0kit/management/auth0test/internal/state"
)

// Message holds what the tenant would have sent to a person.
type Message struct {
	Time    time.Time // The tenant's.
	Channel string    // "email", "sms" or "push".
	To      string    // The address or number; the user's id for a push.
	Kind    string    // Auth0's template: "verify_email", "reset_email", "user_invitation", "mfa_oob_code", …
	URL     string    // The link, when there is one.
	Code    string    // The one-time code, when there is one.
	UserID  string    // Empty for an invitation.
	Text    string    // What a push notification asks: the binding message.

	push *state.Pending // Set where an answer is waited for: see Approve and Deny.
}

// ErrAnswered is why Approve and Deny fail: the push notification was answered
// before or its time is over, or the message is none.
var ErrAnswered = errors.New("auth0test: the message waits for no answer")

// Approve answers a push notification as a person does who accepts it.
func (m Message) Approve() error { return m.say(state.Approved) }

// Deny answers a push notification as a person does who rejects it.
func (m Message) Deny() error { return m.say(state.Denied) }

func (m Message) say(answer state.AnswerState) error {
	if !m.push.Say(answer) {
		return ErrAnswered
	}
	return nil
}

// Outbox returns every mail, text message and push notification so far, oldest
// first.
func (t *Tenant) Outbox() []Message {
	all := t.s.Messages()
	out := make([]Message, len(all))
	for i, m := range all {
		out[i] = Message{m.Time, m.Channel, m.To, m.Kind, m.URL, m.Code, m.UserID, m.Text, m.Push}
	}
	return out
}
