package auth0test

import (
	"net/http"
	"slices"
	"time"
)

const (
	mfaTokenLifetime = 10 * time.Minute // Of an mfa_token.
	oobLifetime      = 5 * time.Minute  // Of a code that was sent.
	acrMFA           = "http://schemas.openid.net/pape/policies/2007/06/multi-factor"
)

// mfaScopes are the scopes of the API under which users manage their factors.
var mfaScopes = []string{"enroll", "read:authenticators", "remove:authenticators"}

// mfaReasons is what may make a second factor due, beside the tenant's policy.
type mfaReasons struct {
	action  bool // An Action asked for it.
	acr     bool // The request did, by acr_values.
	refresh bool // It is an exchange of a refresh token.
	passed  bool // The session has one already.
}

// needsMFA reports whether a second factor is due: when an Action or acr_values
// ask for it, under the policy all-applications, and of users who are enrolled,
// once in a session. Enrolment alone does not interrupt the exchange of refresh
// tokens. The caller holds the mutex.
func (t *Tenant) needsMFA(userID string, why mfaReasons) bool {
	s := &t.authState.factors
	switch {
	case why.action || why.acr:
		return s.anyEnabled()
	case slices.Contains(s.policies, "all-applications"):
		return s.anyEnabled()
	case why.refresh || why.passed:
		return false
	}
	return s.enrolled(userID)
}

// mfaTransaction is a login at the token endpoint that waits for its second
// factor.
type mfaTransaction struct {
	token   string
	login   *directLogin
	expires time.Time
}

// startMFA answers mfa_required with the token to go on with.
func (t *Tenant) startMFA(l *directLogin, now time.Time) *oauthError {
	x := &mfaTransaction{token: "Fe26.2**" + randomID(160), login: l, expires: now.Add(mfaTokenLifetime)}
	t.authState.mfa[x.token] = x
	t.timeline.at(x.expires.Add(time.Hour), func(time.Time) { delete(t.authState.mfa, x.token) })
	t.log("mfar", l.issuance.logFields(l.from))
	e := oauthFail(http.StatusForbidden, "mfa_required", "Multifactor authentication required")
	e.extra = map[string]any{"mfa_token": x.token, "mfa_requirements": t.mfaRequirements(l.user.id)}
	return e
}

// mfaRequirements names the factors to be challenged for, or else to enrol.
func (t *Tenant) mfaRequirements(userID string) map[string]any {
	s := &t.authState.factors
	types := map[string]string{"otp": "otp", "push-notification": "push-notification", "sms": "phone", "email": "email", "recovery-code": "recovery-code"}
	list := func(has func(factor string) bool) []any {
		out := []any{}
		for _, f := range factorNames {
			if types[f] != "" && has(f) {
				out = append(out, map[string]any{"type": types[f]})
			}
		}
		return out
	}
	if !s.enrolled(userID) {
		return map[string]any{"enroll": list(func(f string) bool { return s.enabled[f] && f != "recovery-code" })}
	}
	usable := s.usable(userID)
	return map[string]any{"challenge": list(func(f string) bool {
		return slices.ContainsFunc(usable, func(e *enrolment) bool { return e.factor() == f })
	})}
}

// mfaLogin returns the login that an mfa_token stands for. The caller holds the
// mutex.
func (t *Tenant) mfaLogin(token, clientID string, now time.Time) (*mfaTransaction, *oauthError) {
	x := t.authState.mfa[token]
	switch {
	case x == nil || clientID != "" && x.login.app.id != clientID:
		return nil, oauthFail(http.StatusUnauthorized, "invalid_grant", "Malformed mfa_token")
	case !now.Before(x.expires):
		return nil, oauthFail(http.StatusUnauthorized, "expired_token", "mfa_token is expired")
	}
	return x, nil
}

// A secondLimit bounds how often something may be tried: burst at once, then one
// more in every refill.
type secondLimit struct {
	name   string
	burst  float64
	refill time.Duration
}

// Auth0's limits of second factors, for each user; oob exchanges for each mfa_token.
var (
	limitOTP      = secondLimit{"otp", 10, 6 * time.Minute} // Wrong codes.
	limitRecovery = secondLimit{"recovery", 10, 6 * time.Minute}
	limitPush     = secondLimit{"push", 5, 12 * time.Second}
	limitSMS      = secondLimit{"sms", 10, time.Hour}
	limitEmail    = secondLimit{"email", 20, time.Minute}
	limitOOB      = secondLimit{"oob", 12, 5 * time.Second}
)

// left reports whether there is room, and after how long there will be.
func (t *Tenant) left(l secondLimit, whose string, now time.Time) (ok bool, wait time.Duration) {
	b := t.limit(l, whose, now)
	if b.left >= 1 {
		return true, 0
	}
	return false, time.Duration((1 - b.left) * float64(l.refill))
}

// spend takes one.
func (t *Tenant) spend(l secondLimit, whose string, now time.Time) { t.limit(l, whose, now).left-- }

func (t *Tenant) limit(l secondLimit, whose string, now time.Time) *attackBucket {
	key := l.name + " " + whose
	b := t.authState.limits[key]
	if b == nil {
		b = &attackBucket{left: l.burst, at: now}
		t.authState.limits[key] = b
	}
	b.left = min(l.burst, b.left+float64(now.Sub(b.at))/float64(l.refill))
	b.at = now
	return b
}

// tooManyCodes answers a user who guesses.
func (t *Tenant) tooManyCodes(l secondLimit, userID string, f logFields, now time.Time) *oauthError {
	ok, wait := t.left(l, userID, now)
	if ok {
		return nil
	}
	code := "gd_otp_rate_limit_exceed"
	if l == limitRecovery {
		code = "gd_recovery_rate_limit_exceed"
	}
	t.log(code, f)
	e := oauthFail(http.StatusTooManyRequests, "too_many_attempts", "Too many failed codes. Wait for some minutes before retrying.")
	e.retryAfter, e.logged = wait, true
	return e
}

// provesOTP checks a code of any authenticator app of the user, also of one that
// is not confirmed yet, which it confirms. It returns nil on success.
func (t *Tenant) provesOTP(userID, code string, f logFields, now time.Time) *oauthError {
	if bad := t.tooManyCodes(limitOTP, userID, f, now); bad != nil {
		return bad
	}
	s := &t.authState.factors
	apps := 0
	for _, e := range s.byUser[userID] {
		if e.kind != "totp" || !s.enabled["otp"] {
			continue
		}
		apps++
		if step, ok := checkTOTP(e.secret, code, e.lastStep, now); ok {
			e.lastStep = step
			t.proved(e, f, now)
			return nil
		}
	}
	if apps == 0 {
		return oauthFail(http.StatusUnauthorized, "unsupported_challenge_type",
			"User is not enrolled. You can use /mfa/associate endpoint to enroll the first authenticator.")
	}
	t.spend(limitOTP, userID, now)
	t.log("gd_auth_failed", f)
	return invalidGrant("Invalid otp_code.")
}

// proved notes that a factor was used, for the first time perhaps.
func (t *Tenant) proved(e *enrolment, f logFields, now time.Time) {
	if !e.confirmed {
		t.log("gd_enrollment_complete", f)
	}
	e.confirm(now)
	f.Details = map[string]any{"authenticator": map[string]any{"id": e.id, "type": e.kind}}
	t.log("gd_auth_succeed", f)
}

// provesRecovery checks and replaces the recovery code of a user; it returns the
// new one.
func (t *Tenant) provesRecovery(userID, code string, f logFields, now time.Time) (fresh string, bad *oauthError) {
	if bad := t.tooManyCodes(limitRecovery, userID, f, now); bad != nil {
		return "", bad
	}
	s := &t.authState.factors
	e := s.recovery(userID)
	if e == nil || !s.enabled["recovery-code"] {
		return "", oauthFail(http.StatusForbidden, "unsupported_challenge_type", "User does not have a recovery-code.")
	}
	if code != e.secret {
		t.spend(limitRecovery, userID, now)
		t.log("gd_recovery_failed", f)
		return "", invalidGrant("MFA Authorization rejected.")
	}
	e.secret, e.lastAuth = newRecoveryCode(), now
	t.log("gd_recovery_succeed", f)
	return e.secret, nil
}
