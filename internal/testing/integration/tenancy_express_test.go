//go:build unix

package integration

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"maps"
	"net/http"
	"net/http/httptest"
	"slices"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/auth0kit/auth0kit/internal/jose"
	"github.com/auth0kit/auth0kit/internal/testing/node"
	"github.com/auth0kit/auth0kit/management/auth0test"
	"github.com/auth0kit/auth0kit/tenancy"
)

// expressAPI answers each request of its input with the status of
// express-oauth2-jwt-bearer.
const expressAPI = `
import express from "express";
import http from "node:http";
import { auth } from "express-oauth2-jwt-bearer";
const [issuer, audience, requests] = process.argv.slice(2);
const app = express();
app.use(auth({ issuerBaseURL: issuer, audience, tokenSigningAlg: "RS256", dpop: { enabled: true, required: false } }));
app.get("/invoices", (_, res) => res.sendStatus(200));
app.use((err, _req, res, _next) => res.sendStatus(err.status || 500));
const server = app.listen(0, "127.0.0.1", async () => {
  const statuses = {};
  for (const [name, r] of Object.entries(JSON.parse(requests))) {
    const headers = { host: "api.example.com" };
    if (r.authorization) headers.authorization = r.authorization;
    if (r.dpop) headers.dpop = r.dpop;
    statuses[name] = await new Promise((resolve, reject) => {
      http.get({ host: "127.0.0.1", port: server.address().port, path: "/invoices", headers }, (res) => { res.resume(); resolve(res.statusCode); }).on("error", reject);
    });
  }
  console.log(JSON.stringify(statuses));
  server.close();
  process.exit(0);
});`

type expressRequest struct {
	Authorization string `json:"authorization,omitempty"`
	DPoP          string `json:"dpop,omitempty"`
}

// proofWith is a proof for the token, with other claims.
func proofWith(t *testing.T, key *ecdsa.PrivateKey, token string, changes map[string]any) string {
	t.Helper()
	proof, err := jose.NewProof(key, jose.ProofRequest{Method: "GET", URL: "http://api.example.com/invoices", AccessToken: token}, time.Now())
	require.NoError(t, err)
	parsed, _, err := jwt.NewParser().ParseUnverified(proof, jwt.MapClaims{})
	require.NoError(t, err)
	claims := parsed.Claims.(jwt.MapClaims)
	maps.Copy(claims, changes)
	changed := jwt.NewWithClaims(jwt.SigningMethodES256, claims)
	changed.Header = parsed.Header
	signed, err := changed.SignedString(key)
	require.NoError(t, err)
	return signed
}

// express-oauth2-jwt-bearer, Auth0's own for Node, and a Guard agree about tokens and
// proofs; where a Guard is stricter is said.
func TestTenancyAgreesWithExpress(t *testing.T) {
	t.Parallel()
	c := newCompany(auth0test.Options{})
	server := c.StartHTTP()
	t.Cleanup(server.Close)
	base := claimsOf(t, c.AccessToken(c.ada, c.acme, invoicesAPI))
	with := func(changes map[string]any) map[string]any {
		claims := maps.Clone(base)
		maps.Copy(claims, changes)
		maps.DeleteFunc(claims, func(_ string, v any) bool { return v == nil })
		return claims
	}
	sign := func(changes map[string]any) string { return c.Sign(nil, with(changes)) }
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	other, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	jkt, err := jose.Thumbprint(&key.PublicKey)
	require.NoError(t, err)
	good, bound, now := sign(nil), sign(map[string]any{"cnf": map[string]any{"jkt": jkt}}), time.Now().Unix()
	ath := sha256.Sum256([]byte(good))
	proof := func(changes map[string]any) expressRequest {
		return expressRequest{"DPoP " + bound, proofWith(t, key, bound, changes)}
	}
	requests := map[string]expressRequest{
		"good":                    {"Bearer " + good, ""},
		"no token":                {},
		"not a token":             {"Bearer opaque", ""},
		"another scheme":          {"Basic x", ""},
		"expired":                 {"Bearer " + sign(map[string]any{"exp": now - 600}), ""},
		"no exp":                  {"Bearer " + sign(map[string]any{"exp": nil}), ""},
		"another audience":        {"Bearer " + sign(map[string]any{"aud": "https://other.example.com"}), ""},
		"another issuer":          {"Bearer " + sign(map[string]any{"iss": "https://evil.example.com/"}), ""},
		"none":                    {"Bearer " + c.Sign(map[string]any{"alg": "none"}, base), ""},
		"HS256 by the public key": {"Bearer " + c.Sign(map[string]any{"alg": "HS256"}, base), ""},
		"changed":                 {"Bearer " + good[:len(good)-8] + "AAAAAAAA", ""},
		"two tokens":              {"Bearer " + good + " " + good, ""},
		"bound":                   proof(nil),
		"bound, as bearer":        {"Bearer " + bound, ""},
		"bound, no proof":         {"DPoP " + bound, ""},
		"not bound":               {"DPoP " + good, proofWith(t, key, good, nil)},
		"proof of another key":    {"DPoP " + bound, proofWith(t, other, bound, nil)},
		"proof of another token":  proof(map[string]any{"ath": base64.RawURLEncoding.EncodeToString(ath[:])}),
		"proof of another method": proof(map[string]any{"htm": "POST"}),
		"proof of another path":   proof(map[string]any{"htu": "http://api.example.com/orders"}),
		"proof of another host":   proof(map[string]any{"htu": "http://evil.example.com/invoices"}),
		"old proof":               proof(map[string]any{"iat": now - 3600}),
		"proof of the future":     proof(map[string]any{"iat": now + 3600}),
		"proof without jti":       proof(map[string]any{"jti": ""}),
		"proof without iat":       proof(map[string]any{"iat": "now"}),
		"ID token of the API":     {"Bearer " + sign(map[string]any{"nonce": "n"}), ""},
		"bound by TLS":            {"Bearer " + sign(map[string]any{"cnf": map[string]any{"x5t#S256": "x"}}), ""},
		"a claim in another case": {"Bearer " + sign(map[string]any{"ORG_ID": "org_victim"}), ""},
		"permissions as a string": {"Bearer " + sign(map[string]any{"permissions": "read:invoices"}), ""},
		"without organization":    {"Bearer " + sign(map[string]any{"org_id": nil}), ""},
		"without subject":         {"Bearer " + sign(map[string]any{"sub": nil}), ""},
		"logout token's type":     {"Bearer " + c.Sign(map[string]any{"typ": "logout+jwt"}, base), ""},
	}
	// Stricter here: other kinds of tokens, ambiguous claims, and what an API with
	// organizations needs.
	stricter := []string{"ID token of the API", "bound by TLS", "a claim in another case", "permissions as a string", "without organization", "without subject", "logout token's type"}

	raw, err := json.Marshal(requests)
	require.NoError(t, err)
	var theirs map[string]int
	require.NoError(t, json.Unmarshal([]byte(node.Run(t, expressAPI, c.Issuer(), invoicesAPI, string(raw))), &theirs))

	v, err := tenancy.NewVerifier(c.Issuer(), invoicesAPI, tenancy.VerifierConfig{HTTPClient: c.HTTPClient()})
	require.NoError(t, err)
	g, err := tenancy.NewGuard(v, tenancy.GuardConfig{PublicURL: "http://api.example.com", DPoP: tenancy.DPoPAllowed, Replay: tenancy.NewMemory()})
	require.NoError(t, err)
	h := g.Require(tenancy.FromToken, tenancy.Authenticated())(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	for name, r := range requests {
		q := httptest.NewRequest(http.MethodGet, "/invoices", nil)
		if r.Authorization != "" {
			q.Header.Set("Authorization", r.Authorization)
		}
		if r.DPoP != "" {
			q.Header.Set("DPoP", r.DPoP)
		}
		w := httptest.NewRecorder()
		h.ServeHTTP(w, q)
		ours, passes := w.Code == 200, theirs[name] == 200
		if slices.Contains(stricter, name) {
			assert.False(t, ours, name)
			continue
		}
		assert.Equal(t, passes, ours, "%s: %d in Node, %d here", name, theirs[name], w.Code)
	}
	assert.Equal(t, 200, theirs["good"])
	assert.Equal(t, 200, theirs["bound"])
}
