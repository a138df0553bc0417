package auth0test

import (
	"crypto/rand"
	"errors"
	"fmt"
	"math/big"
	"net/http"
	"time"
)

// answerState is what a person said to a push notification.
type answerState uint8

const (
	unanswered answerState = iota
	approved
	denied
)

// oobChallenge is a challenge of the user by another channel: a code that was
// sent, or a push notification that waits for its answer.
type oobChallenge struct {
	oobCode   string
	userID    string
	factor    *enrolment
	code      string // What was sent; empty for a push.
	answer    answerState
	expires   time.Time
	enrolment bool // It confirms a new factor.
}

// ErrAnswered is why Approve and Deny fail: the push notification was answered
// before or its time is over, or the message is none.
var ErrAnswered = errors.New("auth0test: the message waits for no answer")

// pending is a push notification that can be answered.
type pending struct {
	t      *Tenant
	state  *answerState
	expiry time.Time
}

// Approve answers a push notification as the person would who accepts it.
func (m Message) Approve() error { return m.push.say(approved) }

// Deny answers a push notification as the person would who rejects it.
func (m Message) Deny() error { return m.push.say(denied) }

func (p *pending) say(s answerState) error {
	if p == nil {
		return ErrAnswered
	}
	now := p.t.lock()
	defer p.t.mu.Unlock()
	if *p.state != unanswered || !now.Before(p.expiry) {
		return ErrAnswered
	}
	*p.state = s
	return nil
}

// newCode returns six digits.
func newCode() string {
	n, err := rand.Int(rand.Reader, big.NewInt(1_000_000))
	if err != nil {
		panic(err) // The system has no randomness.
	}
	return fmt.Sprintf("%06d", n)
}

// challengeOOB sends a code or a push to a factor of the user. The caller holds
// the mutex.
func (t *Tenant) challengeOOB(e *enrolment, f logFields, now time.Time) (*oobChallenge, *oauthError) {
	limit := map[string]secondLimit{"sms": limitSMS, "voice": limitSMS, "email": limitEmail, "push": limitPush}[e.kind]
	if ok, wait := t.left(limit, e.userID, now); !ok {
		bad := oauthFail(http.StatusTooManyRequests, "too_many_attempts", "You have exceeded the maximum number of messages. Wait before trying again.")
		bad.retryAfter = wait
		return nil, bad
	}
	t.spend(limit, e.userID, now)
	c := &oobChallenge{oobCode: "Fe26.2**" + randomID(160), userID: e.userID, factor: e, expires: now.Add(oobLifetime), enrolment: !e.confirmed}
	t.authState.oob[c.oobCode] = c
	t.timeline.at(c.expires, func(time.Time) { delete(t.authState.oob, c.oobCode) })
	m := Message{Time: now, Channel: e.kind, To: e.address(), Kind: "mfa_oob_code", UserID: e.userID}
	switch e.kind {
	case "push":
		m.Kind, m.To, m.push = "push", e.userID, &pending{t, &c.answer, c.expires}
	case "voice":
		m.Channel = "sms"
		fallthrough
	default:
		c.code = newCode()
		m.Code = c.code
	}
	t.post(m)
	t.log(map[string]string{"sms": "gd_send_sms", "voice": "gd_send_voice", "email": "gd_send_email", "push": "gd_send_pn"}[e.kind], f)
	return c, nil
}

// provesOOB checks the answer to a challenge: the code that was sent, or that the
// push was accepted. Success spends it.
func (t *Tenant) provesOOB(c *oobChallenge, code string, f logFields, now time.Time) *oauthError {
	if c.code == "" {
		switch c.answer {
		case unanswered:
			return oauthFail(http.StatusBadRequest, "authorization_pending", "Authorization pending: please repeat the request in a few seconds.")
		case denied:
			delete(t.authState.oob, c.oobCode)
			t.log("gd_auth_rejected", f)
			return oauthFail(http.StatusBadRequest, "access_denied", "MFA Authorization rejected.")
		}
	} else {
		if bad := t.tooManyCodes(limitOTP, c.userID, f, now); bad != nil {
			return bad
		}
		if code != c.code {
			t.spend(limitOTP, c.userID, now)
			t.log("gd_auth_failed", f)
			return invalidGrant("Invalid binding_code.")
		}
	}
	delete(t.authState.oob, c.oobCode)
	t.proved(c.factor, f, now)
	return nil
}
