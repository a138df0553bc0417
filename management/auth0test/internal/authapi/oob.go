package authapi

import (
	"crypto/rand"
	"fmt"
	"math/big"
	"net/http"
	"time"

	"github.com/auth0kit/auth0kit/management/auth0test/internal/state"
	"github.com/auth0kit/auth0kit/management/auth0test/internal/store"
)

// OOBChallenge is a challenge of the user by another channel: a code that was
// sent, or a push notification that waits for its answer.
type OOBChallenge struct {
	oobCode    string
	userID     string
	Factor     *state.Enrollment
	code       string // What was sent; empty for a push.
	Answer     state.AnswerState
	Expires    time.Time
	enrollment bool // It confirms a new factor.
}

// newCode returns six digits.
func newCode() string {
	n, err := rand.Int(rand.Reader, big.NewInt(1_000_000))
	if err != nil {
		panic(err) // The system has no randomness.
	}
	return fmt.Sprintf("%06d", n)
}

// ChallengeOOB sends a code or a push to a factor of the user. The caller holds
// the mutex.
func ChallengeOOB(t *state.Tenant, e *state.Enrollment, f state.LogFields, now time.Time) (*OOBChallenge, *OAuthError) {
	limit := map[string]secondLimit{"sms": limitSMS, "voice": limitSMS, "email": limitEmail, "push": limitPush}[e.Kind]
	if ok, wait := left(t, limit, e.UserID, now); !ok {
		bad := OAuthFail(http.StatusTooManyRequests, "too_many_attempts", "You have exceeded the maximum number of messages. Wait before trying again.")
		bad.retryAfter = wait
		return nil, bad
	}
	spend(t, limit, e.UserID, now)
	c := &OOBChallenge{oobCode: "Fe26.2**" + store.RandomID(160), userID: e.UserID, Factor: e, Expires: now.Add(state.OOBLifetime), enrollment: !e.Confirmed}
	flowsOf(t).oob[c.oobCode] = c
	t.Timeline.At(c.Expires, func(time.Time) { delete(flowsOf(t).oob, c.oobCode) })
	m := state.Message{Time: now, Channel: e.Kind, To: e.Address(), Kind: "mfa_oob_code", UserID: e.UserID}
	switch e.Kind {
	case "push":
		m.Kind, m.To, m.Push = "push", e.UserID, &state.Pending{T: t, State: &c.Answer, Expiry: c.Expires}
	case "voice":
		m.Channel = "sms"
		fallthrough
	default:
		c.code = newCode()
		m.Code = c.code
	}
	t.Post(m)
	t.Log(map[string]string{"sms": "gd_send_sms", "voice": "gd_send_voice", "email": "gd_send_email", "push": "gd_send_pn"}[e.Kind], f)
	return c, nil
}

// ProvesOOB checks the answer to a challenge: the code that was sent, or that the
// push was accepted. Success spends it.
func ProvesOOB(t *state.Tenant, c *OOBChallenge, code string, f state.LogFields, now time.Time) *OAuthError {
	if c.code == "" {
		switch c.Answer {
		case state.Unanswered:
			return OAuthFail(http.StatusBadRequest, "authorization_pending", "Authorization pending: please repeat the request in a few seconds.")
		case state.Denied:
			delete(flowsOf(t).oob, c.oobCode)
			t.Log("gd_auth_rejected", f)
			return OAuthFail(http.StatusBadRequest, "access_denied", "MFA Authorization rejected.")
		}
	} else {
		if bad := tooManyCodes(t, limitOTP, c.userID, f, now); bad != nil {
			return bad
		}
		if code != c.code {
			spend(t, limitOTP, c.userID, now)
			t.Log("gd_auth_failed", f)
			return invalidGrant("Invalid binding_code.")
		}
	}
	delete(flowsOf(t).oob, c.oobCode)
	Proved(t, c.Factor, f, now)
	return nil
}
