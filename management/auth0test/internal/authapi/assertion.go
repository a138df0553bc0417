package authapi

import (
	"encoding/base64"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/auth0kit/auth0kit/management/auth0test/internal/keys"
	"github.com/auth0kit/auth0kit/management/auth0test/internal/state"
	"github.com/auth0kit/auth0kit/management/auth0test/internal/store"
)

const (
	assertionType = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
	assertionLife = 5 * time.Minute // The longest that Auth0 accepts.
)

// assertion is a JWT by which an application authenticates itself (RFC 7523,
// section 2.2), taken apart but not verified.
type assertion struct {
	Iss, Sub, Jti string
	Aud           any
	Exp           float64

	alg, signed string
	signature   []byte
}

// readAssertion takes the client_assertion of a request apart, nil when there is
// none that could be one.
func (q *Request) readAssertion() *assertion {
	parts := strings.Split(q.Get("client_assertion"), ".")
	if len(parts) != 3 || q.Get("client_assertion_type") != assertionType {
		return nil
	}
	var header struct{ Alg string }
	var a assertion
	if keys.DecodeSegment(parts[0], &header) != nil || keys.DecodeSegment(parts[1], &a) != nil {
		return nil
	}
	sig, err := base64.RawURLEncoding.DecodeString(parts[2])
	if err != nil {
		return nil
	}
	a.alg, a.signed, a.signature = header.Alg, parts[0]+"."+parts[1], sig
	return &a
}

// checkAssertion checks an assertion against the credentials of its application.
// Each works once.
func checkAssertion(t *state.Tenant, app *state.App, q *Request) *OAuthError {
	refused := OAuthFail(http.StatusUnauthorized, "invalid_client", "Client assertion is not valid")
	a := q.readAssertion()
	now := t.Lock()
	defer t.Unlock()
	if a == nil || a.alg != "RS256" || a.Iss != app.ID || a.Sub != app.ID || a.Jti == "" || !a.isFor(q.Issuer) {
		return refused
	}
	exp := time.Unix(int64(a.Exp), 0)
	if !now.Before(exp) || exp.Sub(now) > assertionLife || flowsOf(t).assertions[app.ID+" "+a.Jti] {
		return refused
	}
	verifies := func(k *state.ClientKey) bool {
		expires, err := time.Parse(time.RFC3339, store.Document(k.Doc).Text("expires_at"))
		return k.Public != nil && (err != nil || now.Before(expires)) && keys.Verifies(k.Public, a.alg, a.signed, a.signature)
	}
	c := t.Clients.Get(app.ID)
	if c == nil || !slices.ContainsFunc(c.Keys.All(), verifies) {
		return refused
	}
	key := app.ID + " " + a.Jti
	flowsOf(t).assertions[key] = true
	t.Timeline.At(exp, func(time.Time) { delete(flowsOf(t).assertions, key) })
	return nil
}

func (a *assertion) isFor(issuer string) bool {
	return keys.HasAudience(a.Aud, issuer) || keys.HasAudience(a.Aud, issuer+"oauth/token")
}
