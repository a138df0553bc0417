package integration

import (
	"encoding/base64"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"

	sdk "github.com/auth0/go-auth0/management"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/auth0kit/auth0kit/internal/jose"
	"github.com/auth0kit/auth0kit/session/login"
)

// boundAPI takes tokens with a proof of their key alone, each with a nonce.
type boundAPI struct {
	mu     sync.Mutex
	keys   []string // thumbprints of proofs that were taken
	wrong  []string
	bodies []string
}

func (a *boundAPI) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	a.mu.Lock()
	defer a.mu.Unlock()
	body, _ := io.ReadAll(r.Body)
	token, bound := strings.CutPrefix(r.Header.Get("Authorization"), "DPoP ")
	proof, err := jose.ProofPolicy{}.Check(r.Header.Get("DPoP"), jose.ProofRequest{Method: r.Method, URL: "http://" + r.Host + r.URL.Path, AccessToken: token})
	if !bound || err != nil || r.Header.Get("Cookie") != "" {
		a.wrong = append(a.wrong, r.Header.Get("Authorization"))
		w.WriteHeader(http.StatusForbidden)
		return
	}
	if proof.Nonce != "n1" {
		w.Header().Set("DPoP-Nonce", "n1")
		w.Header().Set("WWW-Authenticate", `DPoP error="use_dpop_nonce"`)
		w.WriteHeader(http.StatusUnauthorized)
		return
	}
	if jktOf(token) != proof.Thumbprint {
		a.wrong = append(a.wrong, "another key")
		w.WriteHeader(http.StatusForbidden)
		return
	}
	a.keys, a.bodies = append(a.keys, proof.Thumbprint), append(a.bodies, string(body))
}

func jktOf(token string) string {
	parts := strings.Split(token, ".")
	if len(parts) != 3 {
		return ""
	}
	text, _ := base64.RawURLEncoding.DecodeString(parts[1])
	var claims struct {
		CNF struct {
			JKT string `json:"jkt"`
		} `json:"cnf"`
	}
	_ = json.Unmarshal(text, &claims)
	return claims.CNF.JKT
}

// TestBoundTokens: with DPoP each session has a key of its own, which the transport
// proves, also after the tokens were renewed; bodies are sent again with a nonce.
func TestBoundTokens(t *testing.T) {
	t.Parallel()
	a := newLoginApp(t, login.Config{Audience: loginAudience, DPoP: true})
	bind := func(p *sdk.ResourceServerProofOfPossession, seconds int) {
		require.NoError(t, a.tenant.Management().API().ResourceServer.Update(t.Context(), loginAudience, &sdk.ResourceServer{
			ProofOfPossession: p, TokenLifetime: &seconds, TokenLifetimeForWeb: &seconds, AllowOfflineAccess: new(true),
		}))
	}
	res := a.signIn(t, a.browser(t), "/account")
	assert.Equal(t, http.StatusInternalServerError, res.StatusCode, "tokens that are not bound are no login")
	res.Body.Close()

	bind(&sdk.ResourceServerProofOfPossession{Mechanism: new("dpop"), Required: new(true)}, 3600)
	api := &boundAPI{}
	server := httptest.NewServer(api)
	t.Cleanup(server.Close)
	transport, err := a.auth.Transport(loginAudience, server.URL+"/v1", nil)
	require.NoError(t, err)
	a.mux.HandleFunc("GET /call", func(w http.ResponseWriter, r *http.Request) {
		a.web.Require(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			out, err := http.NewRequestWithContext(r.Context(), http.MethodPost, server.URL+"/v1/invoices?q=1", strings.NewReader("invoice"))
			require.NoError(t, err)
			res, err := (&http.Client{Transport: transport}).Do(out)
			if !assert.NoError(t, err) {
				return
			}
			defer res.Body.Close()
			w.WriteHeader(res.StatusCode)
		})).ServeHTTP(w, r)
	})
	c, other := a.browser(t), a.browser(t)
	for _, person := range []*http.Client{c, other} {
		a.signIn(t, person, "/account").Body.Close()
		for range 2 {
			res := visit(t, person, a.server.URL+"/call")
			assert.Equal(t, http.StatusOK, res.StatusCode)
			res.Body.Close()
			expireAccess(t, a.sessions, person, a.server.URL)
		}
	}
	assert.Empty(t, api.wrong)
	require.Len(t, api.keys, 4)
	assert.Equal(t, api.keys[0], api.keys[1], "the session's key stays when its tokens are renewed")
	assert.NotEqual(t, api.keys[0], api.keys[2], "another session has another")
	assert.Equal(t, []string{"invoice", "invoice", "invoice", "invoice"}, api.bodies)
	res = visit(t, c, a.server.URL+"/token")
	assert.Contains(t, body(t, res), "use Transport")
}
