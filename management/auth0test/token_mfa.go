package auth0test

import (
	"net/http"
	"slices"
	"strconv"
	"time"
)

// mfaExchange finishes a login that waits for its second factor: prove checks
// the factor under the mutex.
func (t *Tenant) mfaExchange(q *tokenRequest, prove func(x *mfaTransaction, f logFields, now time.Time) (recovery string, bad *oauthError)) (*tokenSet, *oauthError) {
	now := t.lock()
	defer t.mu.Unlock()
	x, bad := t.mfaLogin(q.get("mfa_token"), q.app.id, now)
	if bad != nil {
		if x = t.enrolLogin(q); x == nil {
			return nil, bad
		}
	}
	f := x.login.issuance.logFields(q.origin)
	recovery, bad := prove(x, f, now)
	if bad != nil {
		return nil, bad
	}
	delete(t.authState.mfa, x.token)
	l := x.login
	if l.user = t.userView(l.user.id); l.user == nil || l.user.blocked {
		return nil, oauthFail(http.StatusForbidden, "unauthorized", "user is blocked")
	}
	l.grant = q.grant
	set, bad := t.completeDirect(l, now)
	if bad == nil {
		set.Recovery = recovery
	}
	return set, bad
}

// enrolLogin is what an access token of the MFA API stands for in place of an
// mfa_token: a user confirms another factor with it.
func (t *Tenant) enrolLogin(q *tokenRequest) *mfaTransaction {
	c := t.mfaAccess(q.get("mfa_token"), q.issuer, "enroll")
	if c == nil {
		return nil
	}
	u := t.userView(c.userID)
	if u == nil {
		return nil
	}
	l := &directLogin{from: q.origin, connection: u.connection, protocol: "oauth2-password"}
	l.app, l.user, l.issuer, l.scopes = q.app, u, q.issuer, c.scopes
	l.api = t.apiView(q.issuer+"mfa/", q.issuer)
	return &mfaTransaction{login: l}
}

// exchangeOTP takes a code of an authenticator app.
func (t *Tenant) exchangeOTP(q *tokenRequest) (*tokenSet, *oauthError) {
	if bad := q.need("mfa_token", "otp"); bad != nil {
		return nil, bad
	}
	return t.mfaExchange(q, func(x *mfaTransaction, f logFields, now time.Time) (string, *oauthError) {
		return "", t.provesOTP(x.login.user.id, q.get("otp"), f, now)
	})
}

// exchangeRecoveryCode takes the recovery code, which it replaces.
func (t *Tenant) exchangeRecoveryCode(q *tokenRequest) (*tokenSet, *oauthError) {
	if bad := q.need("mfa_token", "recovery_code"); bad != nil {
		return nil, bad
	}
	return t.mfaExchange(q, func(x *mfaTransaction, f logFields, now time.Time) (string, *oauthError) {
		return t.provesRecovery(x.login.user.id, q.get("recovery_code"), f, now)
	})
}

// exchangeOOB takes the answer to a challenge by another channel; of a push, it
// is asked for again and again, twelve times a minute at most.
func (t *Tenant) exchangeOOB(q *tokenRequest) (*tokenSet, *oauthError) {
	if bad := q.need("mfa_token", "oob_code"); bad != nil {
		return nil, bad
	}
	return t.mfaExchange(q, func(x *mfaTransaction, f logFields, now time.Time) (string, *oauthError) {
		c := t.authState.oob[q.get("oob_code")]
		if c == nil || c.userID != x.login.user.id {
			return "", invalidGrant("Malformed oob_code")
		}
		if bad := t.tooFast(q.get("mfa_token"), now); bad != nil {
			return "", bad
		}
		if c.code != "" && q.get("binding_code") == "" {
			return "", missingParameter("binding_code")
		}
		return "", t.provesOOB(c, q.get("binding_code"), f, now)
	})
}

// tooFast answers a client that asks more often than limitOOB.
func (t *Tenant) tooFast(mfaToken string, now time.Time) *oauthError {
	ok, wait := t.left(limitOOB, mfaToken, now)
	if ok {
		t.spend(limitOOB, mfaToken, now)
		return nil
	}
	return slowDown(wait)
}

func slowDown(wait time.Duration) *oauthError {
	n := max(1, int((wait+time.Second-1)/time.Second))
	e := oauthFail(http.StatusBadRequest, "slow_down", "You are polling faster than allowed. Try again in "+strconv.Itoa(n)+" seconds.")
	e.retryAfter = time.Duration(n) * time.Second
	return e
}

// mfaCaller is who uses the MFA API: a login that waits for a second factor, or
// a user with an access token for it.
type mfaCaller struct {
	userID string
	login  *mfaTransaction // Nil with an access token.
	scopes []string
}

// mfaAccess reads an access token of the MFA API; nil when it is not one with
// that scope.
func (t *Tenant) mfaAccess(token, issuer, scope string) *mfaCaller {
	claims, err := t.verify(token)
	if err != nil || !hasAudience(claims["aud"], issuer+"mfa/") {
		return nil
	}
	b := newBearer(claims)
	if !slices.Contains(b.scopes, scope) {
		return nil
	}
	return &mfaCaller{userID: b.subject, scopes: b.scopes}
}

// mfaCaller returns who calls. The caller holds the mutex.
func (t *Tenant) mfaCaller(r *http.Request, scope string, now time.Time) (*mfaCaller, *oauthError) {
	token := bearerToken(r)
	if token == "" {
		return nil, unauthorizedClient()
	}
	if c := t.mfaAccess(token, issuerOf(r), scope); c != nil {
		return c, nil
	}
	x, bad := t.mfaLogin(token, "", now)
	if bad != nil {
		return nil, bad
	}
	return &mfaCaller{userID: x.login.user.id, login: x}, nil
}
