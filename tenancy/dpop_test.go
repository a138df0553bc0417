package tenancy_test

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/auth0kit/auth0kit/internal/jose"
	"github.com/auth0kit/auth0kit/internal/jose/josetest"
	"github.com/auth0kit/auth0kit/tenancy"
)

// holder is a client with a key that its tokens are bound to.
type holder struct {
	key   *ecdsa.PrivateKey
	token string
}

func newHolder(t testing.TB, i *josetest.Issuer) holder {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	jkt, err := jose.Thumbprint(&key.PublicKey)
	require.NoError(t, err)
	return holder{key, changed(i, map[string]any{"cnf": map[string]any{"jkt": jkt}})}
}

// proof is one of ours for GET /invoices.
func (h holder) proof(t testing.TB, nonce string) string {
	t.Helper()
	proof, err := jose.NewProof(h.key, jose.ProofRequest{Method: "GET", URL: "https://api.example.com/invoices", AccessToken: h.token, Nonce: nonce}, time.Now())
	require.NoError(t, err)
	return proof
}

// forged is a proof with another header and other claims, under h's key.
func (h holder) forged(header, claims map[string]any) string {
	point, err := h.key.PublicKey.Bytes()
	if err != nil {
		panic(err)
	}
	sum := sha256.Sum256([]byte(h.token))
	hd := map[string]any{"typ": "dpop+jwt", "alg": "ES256", "jwk": map[string]any{
		"kty": "EC", "crv": "P-256", "x": josetest.Base64(point[1:33]), "y": josetest.Base64(point[33:])}}
	cl := map[string]any{"jti": rand.Text(), "htm": "GET", "htu": "https://api.example.com/invoices", "iat": time.Now().Unix(), "ath": josetest.Base64(sum[:])}
	for name, value := range header {
		hd = josetest.With(hd, name, value)
	}
	for name, value := range claims {
		cl = josetest.With(cl, name, value)
	}
	return josetest.Sign(h.key, hd, cl)
}

// prove asks for GET /invoices with an Authorization and proofs.
func prove(h http.Handler, authorization string, proofs ...string) *http.Response {
	r := httptest.NewRequest(http.MethodGet, "http://10.0.0.1/invoices?page=2", nil)
	r.Header.Set("Authorization", authorization)
	r.Header["Dpop"] = proofs
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w.Result()
}

func dpopRoutes(t testing.TB, i *josetest.Issuer, cfg tenancy.GuardConfig) http.Handler {
	t.Helper()
	if cfg.DPoP == tenancy.DPoPDisabled {
		cfg.DPoP = tenancy.DPoPAllowed
	}
	if cfg.Replay == nil {
		cfg.Replay = tenancy.NewMemory()
	}
	return extractor(t, i, tenancy.FromToken, cfg).authenticated()(reached)
}

func TestDPoP(t *testing.T) {
	t.Parallel()
	i := josetest.NewIssuer()
	h, c := dpopRoutes(t, i, tenancy.GuardConfig{}), newHolder(t, i)
	wantStatus(t, prove(h, "DPoP "+c.token, c.proof(t, "")), 200)
	wantStatus(t, prove(h, "dpop  "+c.token, c.forged(nil, nil)), 200)
	wantStatus(t, ask(h, token(i, "", nil)), 200)
	wantStatus(t, ask(h, c.token), 401, `error="invalid_token"`, "confirmation") // stolen
	wantStatus(t, prove(h, "DPoP "+token(i, "", nil), c.proof(t, "")), 401, `error="invalid_token"`, "not_bound")
	resp := prove(h, "Basic x")
	wantStatus(t, resp, 401)
	challenges := resp.Header.Values("WWW-Authenticate")
	require.Len(t, challenges, 2)
	assert.True(t, strings.HasPrefix(challenges[0], "Bearer ") && strings.HasPrefix(challenges[1], "DPoP "), challenges)
	assert.Contains(t, challenges[1], `algs="ES256 RS256 PS256"`)

	required := dpopRoutes(t, i, tenancy.GuardConfig{DPoP: tenancy.DPoPRequired})
	wantStatus(t, prove(required, "DPoP "+c.token, c.proof(t, "")), 200)
	resp = ask(required, token(i, "", nil))
	wantStatus(t, resp, 401, "DPoP ", `error="invalid_token"`)
	require.Len(t, resp.Header.Values("WWW-Authenticate"), 1)

	disabled := extractor(t, i, tenancy.FromToken, tenancy.GuardConfig{}).authenticated()(reached)
	wantStatus(t, prove(disabled, "DPoP "+c.token, c.proof(t, "")), 401, "Bearer ")
	wantStatus(t, ask(disabled, c.token), 401, "confirmation")
}

// The proof, ath and jkt of RFC 9449 section 7.1: its access token is opaque, so the
// signature of the token is not the RFC's, but the proof is.
func TestDPoPProofOfTheRFC(t *testing.T) {
	t.Parallel()
	const (
		accessToken = "Kz~8mXK1EalYznwH-LC-1fBAo.4Ljp~zsPE_NeO.gxU"
		proof       = "eyJ0eXAiOiJkcG9wK2p3dCIsImFsZyI6IkVTMjU2IiwiandrIjp7Imt0eSI6IkVDIiwieCI6Imw4dEZyaHgtMzR0VjNoUklDUkRZOXpDa0RscEJoRjQyVVFVZldWQVdCRnMiLCJ5IjoiOVZFNGpmX09rX282NHpiVFRsY3VOSmFqSG10NnY5VERWclUwQ2R2R1JEQSIsImNydiI6IlAtMjU2In19.eyJqdGkiOiJlMWozVl9iS2ljOC1MQUVCIiwiaHRtIjoiR0VUIiwiaHR1IjoiaHR0cHM6Ly9yZXNvdXJjZS5leGFtcGxlLm9yZy9wcm90ZWN0ZWRyZXNvdXJjZSIsImlhdCI6MTU2MjI2MjYxOCwiYXRoIjoiZlVIeU8ycjJaM0RaNTNFc05yV0JiMHhXWG9hTnk1OUlpS0NBcWtzbVFFbyJ9.2oW9RP35yRqzhrtNP86L-Ey71EOptxRimPPToA1plemAgR6pxHF8y6-yqyVnmcw6Fy1dqd-jfxSYoMxhAJpLjA"
	)
	policy := jose.ProofPolicy{Now: func() time.Time { return time.Unix(1562262618, 0) }}
	got, err := policy.Check(proof, jose.ProofRequest{Method: "GET", URL: "https://resource.example.org/protectedresource", AccessToken: accessToken})
	require.NoError(t, err)
	assert.Equal(t, "0ZcOCORZNYy-DWpqq30jZyJGHTN0d2HglBV3uiguA4I", got.Thumbprint)
}

func TestHostileProofs(t *testing.T) {
	t.Parallel()
	i := josetest.NewIssuer()
	c, other := newHolder(t, i), newHolder(t, i)
	now := time.Now().Unix()
	private := map[string]any{"kty": "EC", "crv": "P-256", "x": "x", "y": "y", "d": "secret"}
	header := func(name string, value any) string { return c.forged(map[string]any{name: value}, nil) }
	claim := func(name string, value any) string { return c.forged(nil, map[string]any{name: value}) }
	spent := c.proof(t, "")
	hostile := map[string][]string{
		"none":                    {},
		"empty":                   {""},
		"two":                     {c.proof(t, ""), c.proof(t, "")},
		"two in one":              {c.proof(t, "") + ", " + c.proof(t, "")},
		"not a JWS":               {"proof"},
		"too long":                {strings.Repeat("a", 20<<10)},
		"padded":                  {c.proof(t, "") + "="},
		"the access token":        {c.token},
		"of another key":          {other.proof(t, "")},
		"of another token":        {c.forged(nil, map[string]any{"ath": josetest.Base64(make([]byte, 32))})},
		"without ath":             {claim("ath", nil)},
		"of another method":       {claim("htm", "POST")},
		"of a method in case":     {claim("htm", "get")},
		"without method":          {claim("htm", nil)},
		"of another path":         {claim("htu", "https://api.example.com/orders")},
		"of another host":         {claim("htu", "https://evil.example.com/invoices")},
		"of another scheme":       {claim("htu", "http://api.example.com/invoices")},
		"of the inner address":    {claim("htu", "http://10.0.0.1/invoices")},
		"of a user in the URL":    {claim("htu", "https://api.example.com@evil.example.com/invoices")},
		"of a relative URL":       {claim("htu", "/invoices")},
		"without URL":             {claim("htu", nil)},
		"of a path in case":       {claim("htu", "https://api.example.com/Invoices")},
		"old":                     {claim("iat", now-600)},
		"of the future":           {claim("iat", now+120)},
		"without iat":             {claim("iat", nil)},
		"iat as text":             {claim("iat", "now")},
		"without jti":             {claim("jti", nil)},
		"jti as number":           {claim("jti", 7)},
		"a long jti":              {claim("jti", strings.Repeat("a", 257))},
		"alg none":                {header("alg", "none")},
		"alg HS256":               {header("alg", "HS256")},
		"alg of another key":      {header("alg", "RS256")},
		"typ JWT":                 {header("typ", "JWT")},
		"without typ":             {header("typ", nil)},
		"without a key":           {header("jwk", nil)},
		"with the private key":    {header("jwk", private)},
		"with a key by URL":       {header("jku", "https://evil.example.com/jwks.json")},
		"with crit":               {header("crit", []string{"b64"})},
		"bad signature":           {c.proof(t, "")[:80] + "A" + c.proof(t, "")[81:]},
		"signed by another":       {other.forged(nil, map[string]any{"ath": "x"})},
		"with a name in capitals": {claim("HTU", "https://api.example.com/invoices")},
	}
	require.GreaterOrEqual(t, len(hostile), 30)
	h := dpopRoutes(t, i, tenancy.GuardConfig{})
	for name, proofs := range hostile {
		resp := prove(h, "DPoP "+c.token, proofs...)
		assert.Equal(t, 401, resp.StatusCode, name)
		assert.Contains(t, resp.Header.Get("WWW-Authenticate"), `DPoP realm="https://api.example.com", error="invalid_dpop_proof"`, name)
		assert.Empty(t, resp.Header.Get("X-Caller"), name)
	}
	wantStatus(t, prove(h, "DPoP "+c.token, spent), 200)
	wantStatus(t, prove(h, "DPoP "+c.token, spent), 401, "used before")
	wantStatus(t, prove(h, "DPoP "+other.token, c.proof(t, "")), 401)
}

// A proof names what the client sees, whatever proxies make of it.
func TestDPoPBehindAProxy(t *testing.T) {
	t.Parallel()
	i := josetest.NewIssuer()
	c := newHolder(t, i)
	for public, htu := range map[string]string{
		"":                            "https://api.example.com/invoices",
		"https://example.com/api":     "https://example.com/api/invoices",
		"https://example.com/api/":    "https://example.com/api/invoices",
		"https://example.com:8443":    "https://example.com:8443/invoices",
		"https://EXAMPLE.com":         "https://example.com/invoices",
		"https://api.example.com:443": "https://api.example.com/invoices",
	} {
		h := dpopRoutes(t, i, tenancy.GuardConfig{PublicURL: public})
		wantStatus(t, prove(h, "DPoP "+c.token, c.forged(nil, map[string]any{"htu": htu})), 200)
		wantStatus(t, prove(h, "DPoP "+c.token, c.forged(nil, map[string]any{"htu": "https://evil.example.com/invoices"})), 401)
	}
}

// A proof names what the request line does, whatever handlers around take from it.
func TestDPoPBehindStripPrefix(t *testing.T) {
	t.Parallel()
	i := josetest.NewIssuer()
	c := newHolder(t, i)
	h := http.StripPrefix("/invo", dpopRoutes(t, i, tenancy.GuardConfig{}))
	wantStatus(t, prove(h, "DPoP "+c.token, c.proof(t, "")), 200)
	wantStatus(t, prove(h, "DPoP "+c.token, c.forged(nil, map[string]any{"htu": "https://api.example.com/ices"})), 401)
}

func TestNonces(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		i := josetest.NewIssuer()
		old, key := make([]byte, 32), make([]byte, 32)
		_, _ = rand.Read(old)
		_, _ = rand.Read(key)
		h, c := dpopRoutes(t, i, tenancy.GuardConfig{NonceKeys: [][]byte{key, old}}), newHolder(t, i)
		c.token = changed(i, map[string]any{"exp": time.Now().Add(time.Hour).Unix(), "cnf": map[string]any{"jkt": must(jose.Thumbprint(&c.key.PublicKey))}})
		resp := prove(h, "DPoP "+c.token, c.proof(t, ""))
		wantStatus(t, resp, 401, `error="use_dpop_nonce"`)
		nonce := resp.Header.Get("DPoP-Nonce")
		require.NotEmpty(t, nonce)
		resp = prove(h, "DPoP "+c.token, c.proof(t, nonce))
		wantStatus(t, resp, 200)
		assert.Empty(t, resp.Header.Get("DPoP-Nonce"))
		before := prove(dpopRoutes(t, i, tenancy.GuardConfig{NonceKeys: [][]byte{old}}), "DPoP "+c.token, c.proof(t, "")).Header.Get("DPoP-Nonce")
		wantStatus(t, prove(h, "DPoP "+c.token, c.proof(t, before)), 200) // of the key before
		time.Sleep(3 * time.Minute)
		resp = prove(h, "DPoP "+c.token, c.proof(t, nonce))
		wantStatus(t, resp, 200)
		next := resp.Header.Get("DPoP-Nonce")
		require.NotEmpty(t, next)
		time.Sleep(3 * time.Minute)
		wantStatus(t, prove(h, "DPoP "+c.token, c.proof(t, nonce)), 401, `error="use_dpop_nonce"`)
		wantStatus(t, prove(h, "DPoP "+c.token, c.proof(t, next)), 200)
		for _, bad := range []string{"x", next + "A", strings.Repeat("A", len(next))} {
			wantStatus(t, prove(h, "DPoP "+c.token, c.proof(t, bad)), 401, `error="use_dpop_nonce"`)
		}
	})
}

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

type awayReplay struct{}

func (awayReplay) Spend(context.Context, string, time.Time) error { return errors.New("away") }

func TestReplayStoreIsAway(t *testing.T) {
	t.Parallel()
	i := josetest.NewIssuer()
	c := newHolder(t, i)
	wantStatus(t, prove(dpopRoutes(t, i, tenancy.GuardConfig{Replay: awayReplay{}}), "DPoP "+c.token, c.proof(t, "")), 503)
}

// hangingReplay answers when ctx ends.
type hangingReplay struct{}

func (hangingReplay) Spend(ctx context.Context, _ string, _ time.Time) error {
	<-ctx.Done()
	return ctx.Err()
}

// A store that hangs holds no request for as long as its client waits.
func TestReplayStoreHangs(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		i := josetest.NewIssuer()
		c, began := newHolder(t, i), time.Now()
		wantStatus(t, prove(dpopRoutes(t, i, tenancy.GuardConfig{Replay: hangingReplay{}}), "DPoP "+c.token, c.proof(t, "")), 503)
		assert.LessOrEqual(t, time.Since(began), 2*time.Second)
	})
}

// The first of joined guards knows the scheme; the one of the token takes none of it.
func TestDPoPOfAJoinedGuard(t *testing.T) {
	t.Parallel()
	eu, us := josetest.NewIssuer(), josetest.NewIssuer()
	us.ID = "https://us.example.com/"
	a := extractor(t, eu, tenancy.FromToken, tenancy.GuardConfig{DPoP: tenancy.DPoPAllowed, Replay: tenancy.NewMemory()})
	b := extractor(t, us, tenancy.FromToken, tenancy.GuardConfig{})
	joined, err := tenancy.Join(a.Guard, b.Guard)
	require.NoError(t, err)
	h := joined.Require(tenancy.FromToken, tenancy.Authenticated())(reached)
	for issuer, status := range map[*josetest.Issuer]int{eu: 200, us: 401} {
		c := newHolder(t, issuer)
		wantStatus(t, prove(h, "DPoP "+c.token, c.proof(t, "")), status)
	}
}

func TestMetadata(t *testing.T) {
	t.Parallel()
	i := josetest.NewIssuer()
	for public, pattern := range map[string]string{
		"":                         "GET /.well-known/oauth-protected-resource",
		"https://example.com/api":  "GET /.well-known/oauth-protected-resource/api",
		"https://example.com/":     "GET /.well-known/oauth-protected-resource",
		"https://example.com/a/b/": "GET /.well-known/oauth-protected-resource/a/b/",
	} {
		x := extractor(t, i, tenancy.FromToken, tenancy.GuardConfig{
			PublicURL: public, Name: "Invoices", Scopes: []string{"read:invoices"}, DPoP: tenancy.DPoPRequired, Replay: tenancy.NewMemory(),
		})
		got, h := x.Metadata()
		assert.Equal(t, pattern, got)
		w := httptest.NewRecorder()
		h.ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/", nil))
		var m map[string]any
		require.NoError(t, json.Unmarshal(w.Body.Bytes(), &m))
		resource := public
		if public == "" {
			resource = audience
		}
		assert.Equal(t, map[string]any{
			"resource": resource, "authorization_servers": []any{i.ID}, "scopes_supported": []any{"read:invoices"},
			"bearer_methods_supported": []any{"header"}, "resource_name": "Invoices",
			"dpop_signing_alg_values_supported": []any{"ES256", "RS256", "PS256"}, "dpop_bound_access_tokens_required": true,
		}, m)
	}
	v, err := tenancy.NewVerifier(i.ID, "invoices-api", tenancy.VerifierConfig{})
	require.NoError(t, err)
	x := routesOf(t, v, tenancy.FromToken, tenancy.GuardConfig{})
	pattern, h := x.Metadata()
	assert.Equal(t, "GET /.well-known/oauth-protected-resource", pattern)
	w := httptest.NewRecorder()
	h.ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/", nil))
	assert.Equal(t, 404, w.Code)
	resp := ask(x.authenticated()(reached))
	assert.Equal(t, `Bearer realm="invoices-api"`, resp.Header.Get("WWW-Authenticate"))
	_, err = tenancy.NewGuard(v, tenancy.GuardConfig{DPoP: tenancy.DPoPAllowed, Replay: tenancy.NewMemory()})
	require.ErrorContains(t, err, "PublicURL")
}

// Whatever is sent as a proof, nobody gets in with it.
func FuzzProofs(f *testing.F) {
	i := josetest.NewIssuer()
	h, c := dpopRoutes(f, i, tenancy.GuardConfig{}), newHolder(f, i)
	c.token = changed(i, map[string]any{"exp": time.Now().Add(100 * time.Hour).Unix(), "cnf": map[string]any{"jkt": must(jose.Thumbprint(&c.key.PublicKey))}})
	other := newHolder(f, i)
	f.Add(other.proof(f, ""))
	f.Add(other.forged(map[string]any{"typ": "DPOP+JWT"}, nil))
	f.Add("a.b.c")
	f.Fuzz(func(t *testing.T, proof string) {
		if resp := prove(h, "DPoP "+c.token, proof); resp.StatusCode != 401 {
			t.Errorf("%q: %d", proof, resp.StatusCode)
		}
	})
}
