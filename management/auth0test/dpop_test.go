package auth0test_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/auth0kit/auth0kit/internal/jose"
	"github.com/auth0kit/auth0kit/management/auth0test"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// prover sends requests with proofs of one key.
type prover struct {
	s   scene
	key *ecdsa.PrivateKey
	jkt string
}

func newProver(t *testing.T, s scene) prover {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	jkt, err := jose.Thumbprint(&key.PublicKey)
	require.NoError(t, err)
	return prover{s, key, jkt}
}

func (p prover) proof(t *testing.T, r jose.ProofRequest) string {
	t.Helper()
	proof, err := jose.NewProof(p.key, r, p.s.Now())
	require.NoError(t, err)
	return proof
}

// token asks the token endpoint, with a proof.
func (p prover) token(t *testing.T, nonce string, pairs ...string) (int, object, string) {
	t.Helper()
	return p.send(t, p.proof(t, jose.ProofRequest{Method: "POST", URL: home + "oauth/token", Nonce: nonce}), pairs...)
}

func (p prover) send(t *testing.T, proof string, pairs ...string) (int, object, string) {
	t.Helper()
	r, err := http.NewRequest("POST", home+"oauth/token", strings.NewReader(values(pairs...).Encode()))
	require.NoError(t, err)
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	r.Header.Set("DPoP", proof)
	res, err := p.s.HTTPClient().Do(r)
	require.NoError(t, err)
	status, body := answer(t, res)
	return status, body, res.Header.Get("DPoP-Nonce")
}

func (p prover) machine() []string {
	return []string{"grant_type", "client_credentials", "client_id", p.s.app.ID, "client_secret", p.s.app.Secret, "audience", ordersAPI}
}

// TestSenderConstraining is Auth0's table in "Configure Sender Constraining".
func TestSenderConstraining(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		client bool   // Requires it.
		api    string // none, allowed, required.
		proof  bool
		want   string // "", Bearer or DPoP.
	}{
		{false, "none", false, "Bearer"}, {false, "allowed", false, "Bearer"}, {false, "required", false, ""},
		{false, "none", true, "Bearer"}, {false, "allowed", true, "DPoP"}, {false, "required", true, "DPoP"},
		{true, "none", false, ""}, {true, "allowed", false, ""}, {true, "required", false, ""},
		{true, "none", true, ""}, {true, "allowed", true, "DPoP"}, {true, "required", true, "DPoP"},
	} {
		s := newScene(auth0test.Options{})
		s.AddGrant(s.app.ID, ordersAPI, "read:orders")
		g := newAPI(t, s.Tenant)
		if c.client {
			g.want("PATCH", "/clients/"+s.app.ID, `{"require_proof_of_possession":true}`, 200, "")
		}
		if c.api != "none" {
			required := map[string]string{"allowed": "false", "required": "true"}[c.api]
			g.want("PATCH", "/resource-servers/"+strings.ReplaceAll(ordersAPI, "/", "%2F"), `{"proof_of_possession":{"mechanism":"dpop","required":`+required+`}}`, 200, "")
		}
		p := newProver(t, s)
		status, body := exchange(t, s.Tenant, p.machine()...)
		if c.proof {
			status, body, _ = p.token(t, "", p.machine()...)
		}
		if c.want == "" {
			wantError(t, status, body, 400, "invalid_request", "Proof of possession is required")
			continue
		}
		require.Equal(t, 200, status, "%+v: %v", c, body)
		assert.Equal(t, c.want, body["token_type"], "%+v", c)
		cnf, bound := claims(t, s.Tenant, text(t, body, "access_token"))["cnf"]
		assert.Equal(t, c.want == "DPoP", bound, "%+v", c)
		if bound {
			assert.Equal(t, object{"jkt": p.jkt}, cnf)
		}
	}
}

func TestBadProofsGetNoToken(t *testing.T) {
	t.Parallel()
	s := newScene(auth0test.Options{})
	s.AddGrant(s.app.ID, ordersAPI, "read:orders")
	p := newProver(t, s)
	good := p.proof(t, jose.ProofRequest{Method: "POST", URL: home + "oauth/token"})
	status, body, _ := p.send(t, good, p.machine()...)
	require.Equal(t, 200, status, body)
	for name, proof := range map[string]string{
		"used before":     good,
		"not a proof":     "x",
		"another URL":     p.proof(t, jose.ProofRequest{Method: "POST", URL: home + "userinfo"}),
		"another method":  p.proof(t, jose.ProofRequest{Method: "GET", URL: home + "oauth/token"}),
		"with some token": p.proof(t, jose.ProofRequest{Method: "POST", URL: home + "oauth/token", AccessToken: "x"}),
	} {
		status, body, _ := p.send(t, proof, p.machine()...)
		assert.Equal(t, 400, status, name)
		assert.Equal(t, "invalid_dpop_proof", body["error"], name)
	}
	old := p.proof(t, jose.ProofRequest{Method: "POST", URL: home + "oauth/token"})
	s.Advance(6 * time.Minute)
	status, body, _ = p.send(t, old, p.machine()...)
	assert.Equal(t, "invalid_dpop_proof", body["error"], "%d: of an earlier time", status)
}

// TestPublicApplicationsProveFreshly: by a nonce, and their refresh tokens are
// bound to the key.
func TestPublicApplicationsProveFreshly(t *testing.T) {
	t.Parallel()
	s := newScene(auth0test.Options{})
	g := newAPI(t, s.Tenant)
	s.app = s.AddClient(auth0test.Application{Name: "SPA", CallbackURL: callback, Public: true})
	g.want("PATCH", "/resource-servers/"+strings.ReplaceAll(ordersAPI, "/", "%2F"), `{"proof_of_possession":{"mechanism":"dpop","required":true,"required_for":"public_clients"}}`, 200, "")
	p := newProver(t, s)
	const verifier = "0123456789012345678901234567890123456789012"
	code := s.code(t, s.browser(), "audience", ordersAPI, "scope", "openid offline_access", "code_challenge", challengeOf(verifier), "code_challenge_method", "S256", "dpop_jkt", p.jkt)
	form := []string{"grant_type", "authorization_code", "client_id", s.app.ID, "redirect_uri", callback, "code", code, "code_verifier", verifier}
	status, body, nonce := p.token(t, "", form...)
	wantError(t, status, body, 400, "use_dpop_nonce", "Authorization server requires nonce in DPoP proof")
	require.NotEmpty(t, nonce)
	other := newProver(t, s)
	status, body, _ = other.token(t, nonce, form...)
	assert.Equal(t, "invalid_grant", body["error"], "%d: the code belongs to another key", status)
	status, body, _ = p.token(t, nonce, form...)
	require.Equal(t, 200, status, body)
	require.Equal(t, "DPoP", body["token_type"])

	refresh := []string{"grant_type", "refresh_token", "client_id", s.app.ID, "refresh_token", text(t, body, "refresh_token")}
	status, body, _ = other.token(t, nonce, refresh...)
	assert.Equal(t, "invalid_dpop_proof", body["error"], "%d: the token belongs to another key", status)
	status, body, _ = p.token(t, nonce, refresh...)
	require.Equal(t, 200, status, body)

	access := text(t, body, "access_token")
	userInfo := func(scheme, proof string) int {
		r, err := http.NewRequest("GET", home+"userinfo", nil)
		require.NoError(t, err)
		r.Header.Set("Authorization", scheme+" "+access)
		if proof != "" {
			r.Header.Set("DPoP", proof)
		}
		res, err := s.HTTPClient().Do(r)
		require.NoError(t, err)
		res.Body.Close()
		return res.StatusCode
	}
	right := jose.ProofRequest{Method: "GET", URL: home + "userinfo", AccessToken: access}
	assert.Equal(t, 401, userInfo("Bearer", ""), "a bound token alone")
	assert.Equal(t, 401, userInfo("Bearer", p.proof(t, right)), "under the wrong scheme")
	assert.Equal(t, 401, userInfo("DPoP", ""), "without a proof")
	assert.Equal(t, 401, userInfo("DPoP", other.proof(t, right)), "with a proof of another key")
	assert.Equal(t, 200, userInfo("DPoP", p.proof(t, right)))
}

// challengeOf is the S256 challenge of a verifier (RFC 7636, section 4.2).
func challengeOf(verifier string) string {
	sum := sha256.Sum256([]byte(verifier))
	return base64.RawURLEncoding.EncodeToString(sum[:])
}
