package authapi

import (
	"crypto/rand"
	"fmt"
	"math/big"
	"net/http"
	"slices"
	"time"

	"github.com/auth0kit/auth0kit/management/auth0test/internal/keys"
	"github.com/auth0kit/auth0kit/management/auth0test/internal/state"
	"github.com/auth0kit/auth0kit/management/auth0test/internal/store"
)

// MFAReasons is what may make a second factor due, beside the tenant's policy.
type MFAReasons struct {
	Action  bool // An Action asked for it.
	Acr     bool // The request did, by acr_values.
	refresh bool // It is an exchange of a refresh token.
	Passed  bool // The session has one already.
}

// NeedsMFA reports whether a second factor is due: when an Action or acr_values
// ask for it, under the policy all-applications, and of users who are enrolled,
// once in a session. Enrollment alone does not interrupt the exchange of refresh
// tokens. The caller holds the mutex.
func NeedsMFA(t *state.Tenant, userID string, why MFAReasons) bool {
	s := &t.Auth.Factors
	switch {
	case why.Action || why.Acr:
		return s.AnyEnabled()
	case slices.Contains(s.Policies, "all-applications"):
		return s.AnyEnabled()
	case why.refresh || why.Passed:
		return false
	}
	return s.Enrolled(userID)
}

// mfaTransaction is a login at the token endpoint that waits for its second
// factor.
type mfaTransaction struct {
	token   string
	login   *directLogin
	expires time.Time
}

// startMFA answers mfa_required with the token to go on with.
func startMFA(t *state.Tenant, l *directLogin, now time.Time) *OAuthError {
	x := &mfaTransaction{token: "Fe26.2**" + store.RandomID(160), login: l, expires: now.Add(state.MFATokenLifetime)}
	state.Keep(t, x.token, x, x.expires.Add(time.Hour))
	t.Log("mfar", l.Issuance.LogFields(l.from))
	e := OAuthFail(http.StatusForbidden, "mfa_required", "Multifactor authentication required")
	e.extra = map[string]any{"mfa_token": x.token, "mfa_requirements": mfaRequirements(t, l.User.ID)}
	return e
}

// mfaRequirements names the factors to be challenged for, or else to enroll.
func mfaRequirements(t *state.Tenant, userID string) map[string]any {
	s := &t.Auth.Factors
	types := map[string]string{"otp": "otp", "push-notification": "push-notification", "sms": "phone", "email": "email", "recovery-code": "recovery-code"}
	list := func(has func(factor string) bool) []any {
		out := []any{}
		for _, f := range state.FactorNames {
			if types[f] != "" && has(f) {
				out = append(out, map[string]any{"type": types[f]})
			}
		}
		return out
	}
	if !s.Enrolled(userID) {
		return map[string]any{"enroll": list(func(f string) bool { return s.Enabled[f] && f != "recovery-code" })}
	}
	usable := s.Usable(userID)
	return map[string]any{"challenge": list(func(f string) bool {
		return slices.ContainsFunc(usable, func(e *state.Enrollment) bool { return e.Factor() == f })
	})}
}

// mfaLogin returns the login that an mfa_token stands for. The caller holds the
// mutex.
func mfaLogin(t *state.Tenant, token, clientID string, now time.Time) (*mfaTransaction, *OAuthError) {
	x := state.Kept[*mfaTransaction](t)[token]
	switch {
	case x == nil || clientID != "" && x.login.App.ID != clientID:
		return nil, OAuthFail(http.StatusUnauthorized, "invalid_grant", "Malformed mfa_token")
	case !now.Before(x.expires):
		return nil, OAuthFail(http.StatusUnauthorized, "expired_token", "mfa_token is expired")
	}
	return x, nil
}

// A secondLimit bounds how often a second factor may be tried.
type secondLimit struct {
	name string
	state.Limit
}

// Auth0's limits of second factors, for each user; oob exchanges for each mfa_token.
var (
	limitOTP      = secondLimit{"otp", state.Limit{Burst: 10, Refill: 6 * time.Minute}} // Wrong codes.
	limitRecovery = secondLimit{"recovery", state.Limit{Burst: 10, Refill: 6 * time.Minute}}
	limitPush     = secondLimit{"push", state.Limit{Burst: 5, Refill: 12 * time.Second}}
	limitSMS      = secondLimit{"sms", state.Limit{Burst: 10, Refill: time.Hour}}
	limitEmail    = secondLimit{"email", state.Limit{Burst: 20, Refill: time.Minute}}
	limitOOB      = secondLimit{"oob", state.Limit{Burst: 12, Refill: 5 * time.Second}}
)

// secondFactors is what is left of the limits, by their names and whose they are.
func secondFactors() *state.Buckets { return &state.Buckets{} }

// left reports whether there is room, and after how long there will be.
func left(t *state.Tenant, l secondLimit, whose string, now time.Time) (ok bool, wait time.Duration) {
	n := *state.Part(t, secondFactors).Left(l.name+" "+whose, l.Limit, now)
	return n >= 1, max(0, time.Duration((1-n)*float64(l.Refill)))
}

// spend takes one.
func spend(t *state.Tenant, l secondLimit, whose string, now time.Time) {
	*state.Part(t, secondFactors).Left(l.name+" "+whose, l.Limit, now)--
}

// tooManyCodes answers a user who guesses.
func tooManyCodes(t *state.Tenant, l secondLimit, userID string, f state.LogFields, now time.Time) *OAuthError {
	ok, wait := left(t, l, userID, now)
	if ok {
		return nil
	}
	code := "gd_otp_rate_limit_exceed"
	if l == limitRecovery {
		code = "gd_recovery_rate_limit_exceed"
	}
	t.Log(code, f)
	e := OAuthFail(http.StatusTooManyRequests, "too_many_attempts", "Too many failed codes. Wait for some minutes before retrying.")
	e.retryAfter, e.Logged = wait, true
	return e
}

// ProvesOTP checks a code of any authenticator app of the user, also of one that
// is not confirmed yet, which it confirms. It returns nil on success.
func ProvesOTP(t *state.Tenant, userID, code string, f state.LogFields, now time.Time) *OAuthError {
	if bad := tooManyCodes(t, limitOTP, userID, f, now); bad != nil {
		return bad
	}
	s := &t.Auth.Factors
	apps := 0
	for _, e := range s.ByUser[userID] {
		if e.Kind != "totp" || !s.Enabled["otp"] {
			continue
		}
		apps++
		if step, ok := keys.CheckTOTP(e.Secret, code, e.LastStep, now); ok {
			e.LastStep = step
			Proved(t, e, f, now)
			return nil
		}
	}
	if apps == 0 {
		return OAuthFail(http.StatusUnauthorized, "unsupported_challenge_type",
			"User is not enrolled. You can use /mfa/associate endpoint to enroll the first authenticator.")
	}
	spend(t, limitOTP, userID, now)
	t.Log("gd_auth_failed", f)
	return invalidGrant("Invalid otp_code.")
}

// Proved notes that a factor was used, for the first time perhaps.
func Proved(t *state.Tenant, e *state.Enrollment, f state.LogFields, now time.Time) {
	if !e.Confirmed {
		t.Log("gd_enrollment_complete", f)
	}
	e.Confirm(now)
	f.Details = map[string]any{"authenticator": map[string]any{"id": e.ID, "type": e.Kind}}
	t.Log("gd_auth_succeed", f)
}

// ProvesRecovery checks and replaces the recovery code of a user; it returns the
// new one.
func ProvesRecovery(t *state.Tenant, userID, code string, f state.LogFields, now time.Time) (fresh string, bad *OAuthError) {
	if bad := tooManyCodes(t, limitRecovery, userID, f, now); bad != nil {
		return "", bad
	}
	s := &t.Auth.Factors
	e := s.Recovery(userID)
	if e == nil || !s.Enabled["recovery-code"] {
		return "", OAuthFail(http.StatusForbidden, "unsupported_challenge_type", "User does not have a recovery-code.")
	}
	if code != e.Secret {
		spend(t, limitRecovery, userID, now)
		t.Log("gd_recovery_failed", f)
		return "", invalidGrant("MFA Authorization rejected.")
	}
	e.Secret, e.LastAuth = state.NewRecoveryCode(), now
	t.Log("gd_recovery_succeed", f)
	return e.Secret, nil
}

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
	state.Keep(t, c.oobCode, c, c.Expires)
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
			delete(state.Kept[*OOBChallenge](t), c.oobCode)
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
	delete(state.Kept[*OOBChallenge](t), c.oobCode)
	Proved(t, c.Factor, f, now)
	return nil
}
