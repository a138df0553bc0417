package auth0test

import (
	"crypto"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/base64"
	"net/http"
	"slices"
	"strings"
	"time"
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
func (q *authRequest) readAssertion() *assertion {
	parts := strings.Split(q.get("client_assertion"), ".")
	if len(parts) != 3 || q.get("client_assertion_type") != assertionType {
		return nil
	}
	var header struct{ Alg string }
	var a assertion
	if decodeSegment(parts[0], &header) != nil || decodeSegment(parts[1], &a) != nil {
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
func (t *Tenant) checkAssertion(app *app, q *authRequest) *oauthError {
	refused := oauthFail(http.StatusUnauthorized, "invalid_client", "Client assertion is not valid")
	a := q.readAssertion()
	now := t.lock()
	defer t.mu.Unlock()
	if a == nil || a.alg != "RS256" || a.Iss != app.id || a.Sub != app.id || a.Jti == "" || !a.isFor(q.issuer) {
		return refused
	}
	exp := time.Unix(int64(a.Exp), 0)
	if !now.Before(exp) || exp.Sub(now) > assertionLife || t.authState.assertions[app.id+" "+a.Jti] {
		return refused
	}
	digest := sha256.Sum256([]byte(a.signed))
	verifies := func(k *clientKey) bool {
		return k.public != nil && rsa.VerifyPKCS1v15(k.public, crypto.SHA256, digest[:], a.signature) == nil
	}
	c := t.clients.get(app.id)
	if c == nil || !slices.ContainsFunc(c.keys.all(), verifies) {
		return refused
	}
	key := app.id + " " + a.Jti
	t.authState.assertions[key] = true
	t.timeline.at(exp, func(time.Time) { delete(t.authState.assertions, key) })
	return nil
}

func (a *assertion) isFor(issuer string) bool {
	return hasAudience(a.Aud, issuer) || hasAudience(a.Aud, issuer+"oauth/token")
}
