package authapi

import (
	"encoding/base64"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/auth0kit/auth0kit/internal/jose"
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
	if !now.Before(exp) || exp.Sub(now) > assertionLife || bool(state.Kept[usedAssertion](t)[app.ID+" "+a.Jti]) {
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
	state.Keep(t, app.ID+" "+a.Jti, usedAssertion(true), exp)
	return nil
}

func (a *assertion) isFor(issuer string) bool {
	return keys.HasAudience(a.Aud, issuer) || keys.HasAudience(a.Aud, issuer+"oauth/token")
}

const (
	useNonce      = "use_dpop_nonce"
	nonceLifetime = 5 * time.Minute
)

// What is kept by client and jti, by key and jti, and by its value.
type (
	usedAssertion bool
	usedProof     bool
	freshNonce    bool
)

// proveKey checks the DPoP proof of a token request (RFC 9449, section 5) and
// returns the thumbprint of its key, "" without a proof. Each proof works once,
// and those of public applications carry a nonce of the tenant (Auth0's
// documentation, Demonstrating Proof-of-Possession).
func proveKey(t *state.Tenant, q *Request, app *state.App) (string, *OAuthError) {
	proof, bad := checkProof(t, q.r, q.Issuer+"oauth/token", "")
	if proof == nil || bad != nil {
		return "", bad
	}
	now := t.Lock()
	defer t.Unlock()
	if !app.Public() {
		return proof.Thumbprint, nil
	}
	if state.Kept[freshNonce](t)[proof.Nonce] {
		return proof.Thumbprint, nil
	}
	nonce := store.RandomID(32)
	state.Keep(t, nonce, freshNonce(true), now.Add(nonceLifetime))
	bad = OAuthFail(http.StatusBadRequest, useNonce, "Authorization server requires nonce in DPoP proof")
	bad.nonce = nonce
	return "", bad
}

// checkProof checks the proof of a request for a URL, nil when it has none.
func checkProof(t *state.Tenant, r *http.Request, url, token string) (*jose.Proof, *OAuthError) {
	sent := r.Header.Values("DPoP")
	if len(sent) == 0 {
		return nil, nil
	}
	refused := OAuthFail(http.StatusBadRequest, "invalid_dpop_proof", "Invalid DPoP proof")
	if len(sent) > 1 {
		return nil, refused
	}
	proof, err := jose.ProofPolicy{Now: t.Now}.Check(sent[0], jose.ProofRequest{Method: r.Method, URL: url, AccessToken: token})
	if err != nil {
		return nil, refused
	}
	now := t.Lock()
	defer t.Unlock()
	key := proof.Thumbprint + " " + proof.ID
	if state.Kept[usedProof](t)[key] {
		return nil, refused
	}
	state.Keep(t, key, usedProof(true), now.Add(2*nonceLifetime))
	return proof, nil
}

// presented returns the access token of a request and the key that came with it:
// "" under the scheme Bearer.
func presented(t *state.Tenant, r *http.Request, url string) (token, jkt string) {
	scheme, token, _ := strings.Cut(r.Header.Get("Authorization"), " ")
	if !strings.EqualFold(scheme, "DPoP") {
		return bearerToken(r), ""
	}
	token = strings.TrimSpace(token)
	proof, bad := checkProof(t, r, url, token)
	if bad != nil || proof == nil {
		return "", ""
	}
	return token, proof.Thumbprint
}
