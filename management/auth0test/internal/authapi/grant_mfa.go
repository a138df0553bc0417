package authapi

import (
	"net/http"
	"slices"
	"strconv"
	"time"

	"github.com/auth0kit/auth0kit/management/auth0test/internal/keys"
	"github.com/auth0kit/auth0kit/management/auth0test/internal/state"
)

// A proof checks a second factor under the mutex; it may return a new recovery code.
type proof func(t *state.Tenant, q *tokenRequest, userID string, f state.LogFields, now time.Time) (recovery string, bad *OAuthError)

// exchange finishes a login that waits for its second factor.
func (prove proof) exchange(t *state.Tenant, q *tokenRequest) (*TokenSet, *OAuthError) {
	now := t.Lock()
	defer t.Unlock()
	x, bad := mfaLogin(t, q.Get("mfa_token"), q.app.ID, now)
	if bad != nil {
		if x = enrolLogin(t, q); x == nil {
			return nil, bad
		}
	}
	l := x.login
	recovery, bad := prove(t, q, l.User.ID, l.Issuance.LogFields(q.Origin), now)
	if bad != nil {
		return nil, bad
	}
	delete(state.Kept[*mfaTransaction](t), x.token)
	if bad := l.stillThere(t); bad != nil {
		return nil, bad
	}
	l.grant, l.Jkt = q.grant, q.jkt
	set, bad := completeDirect(t, l, now)
	if bad == nil {
		set.Recovery = recovery
	}
	return set, bad
}

// enrolLogin is what an access token of the MFA API stands for in place of an
// mfa_token: a user confirms another factor with it.
func enrolLogin(t *state.Tenant, q *tokenRequest) *mfaTransaction {
	c := mfaAccess(t, q.Get("mfa_token"), q.Issuer, "enroll")
	if c == nil {
		return nil
	}
	u := t.UserView(c.userID)
	if u == nil {
		return nil
	}
	l := &directLogin{from: q.Origin, connection: u.Connection(), protocol: "oauth2-password"}
	l.App, l.User, l.Issuer, l.Scopes = q.app, u, q.Issuer, c.scopes
	l.API = t.APIView(q.Issuer+"mfa/", q.Issuer)
	return &mfaTransaction{login: l}
}

// otp takes a code of an authenticator app.
func otp(t *state.Tenant, q *tokenRequest, userID string, f state.LogFields, now time.Time) (string, *OAuthError) {
	return "", ProvesOTP(t, userID, q.Get("otp"), f, now)
}

// recoveryCode takes the recovery code, which it replaces.
func recoveryCode(t *state.Tenant, q *tokenRequest, userID string, f state.LogFields, now time.Time) (string, *OAuthError) {
	return ProvesRecovery(t, userID, q.Get("recovery_code"), f, now)
}

// oob takes the answer to a challenge by another channel; of a push, it is asked for
// again and again, twelve times a minute at most.
func oob(t *state.Tenant, q *tokenRequest, userID string, f state.LogFields, now time.Time) (string, *OAuthError) {
	c := state.Kept[*OOBChallenge](t)[q.Get("oob_code")]
	if c == nil || c.userID != userID {
		return "", invalidGrant("Malformed oob_code")
	}
	if bad := tooFast(t, q.Get("mfa_token"), now); bad != nil {
		return "", bad
	}
	if c.code != "" && q.Get("binding_code") == "" {
		return "", MissingParameter("binding_code")
	}
	return "", ProvesOOB(t, c, q.Get("binding_code"), f, now)
}

// tooFast answers a client that asks more often than limitOOB.
func tooFast(t *state.Tenant, mfaToken string, now time.Time) *OAuthError {
	ok, wait := left(t, limitOOB, mfaToken, now)
	if ok {
		spend(t, limitOOB, mfaToken, now)
		return nil
	}
	return slowDown(wait)
}

func slowDown(wait time.Duration) *OAuthError {
	n := max(1, int((wait+time.Second-1)/time.Second))
	e := OAuthFail(http.StatusBadRequest, "slow_down", "You are polling faster than allowed. Try again in "+strconv.Itoa(n)+" seconds.")
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
func mfaAccess(t *state.Tenant, token, issuer, scope string) *mfaCaller {
	claims, err := t.Verify(token)
	if err != nil || !keys.HasAudience(claims["aud"], issuer+"mfa/") {
		return nil
	}
	b := keys.NewBearer(claims)
	if !slices.Contains(b.Scopes, scope) {
		return nil
	}
	return &mfaCaller{userID: b.Subject, scopes: b.Scopes}
}

// mfaCaller returns who calls. The caller holds the mutex.
func (q *Request) mfaCaller(t *state.Tenant, scope string, now time.Time) (*mfaCaller, *OAuthError) {
	token := bearerToken(q.r)
	if token == "" {
		return nil, unauthorizedClient()
	}
	if c := mfaAccess(t, token, q.Issuer, scope); c != nil {
		return c, nil
	}
	x, bad := mfaLogin(t, token, "", now)
	if bad != nil {
		return nil, bad
	}
	return &mfaCaller{userID: x.login.User.ID, login: x}, nil
}
