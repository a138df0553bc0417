package authapi

import (
	"net/http"
	"strings"
	"time"

	"github.com/auth0kit/auth0kit/internal/jose"
	"github.com/auth0kit/auth0kit/management/auth0test/internal/state"
	"github.com/auth0kit/auth0kit/management/auth0test/internal/store"
)

const (
	useNonce      = "use_dpop_nonce"
	nonceLifetime = 5 * time.Minute
)

// proofs are those that were used, and the nonces that new ones may carry, until
// when. The tenant's mutex guards them.
type proofs struct {
	used   map[string]bool // By key and jti.
	nonces map[string]time.Time
}

func proofsOf(t *state.Tenant) *proofs {
	return state.Part(t, func() *proofs { return &proofs{map[string]bool{}, map[string]time.Time{}} })
}

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
	if expires, known := proofsOf(t).nonces[proof.Nonce]; known && now.Before(expires) {
		return proof.Thumbprint, nil
	}
	nonce := store.RandomID(32)
	proofsOf(t).nonces[nonce] = now.Add(nonceLifetime)
	t.Timeline.At(now.Add(nonceLifetime), func(time.Time) { delete(proofsOf(t).nonces, nonce) })
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
	if proofsOf(t).used[key] {
		return nil, refused
	}
	proofsOf(t).used[key] = true
	t.Timeline.At(now.Add(2*nonceLifetime), func(time.Time) { delete(proofsOf(t).used, key) })
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
