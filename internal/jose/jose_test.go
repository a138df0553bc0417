package jose_test

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"encoding/base64"
	"encoding/json"
	"errors"
	"io"
	"maps"
	"math/big"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/auth0kit/auth0kit/internal/jose"
	"github.com/golang-jwt/jwt/v5"
)

const (
	issuerID = "https://tenant.example.com/"
	audience = "https://api.example.com"
)

// Keys are expensive; all tests share these.
var (
	rsaKeys = sync.OnceValue(func() [3]*rsa.PrivateKey {
		var keys [3]*rsa.PrivateKey
		for i := range keys {
			keys[i] = must(rsa.GenerateKey(rand.Reader, 2048))
		}
		return keys
	})
	ecKey = sync.OnceValue(func() *ecdsa.PrivateKey {
		return must(ecdsa.GenerateKey(elliptic.P256(), rand.Reader))
	})
)

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

// issuer is an http.RoundTripper that publishes keys, and signs with them.
type issuer struct {
	mu      sync.Mutex
	jwks    []map[string]any
	raw     []byte        // instead of jwks
	status  int           // 0: 200
	err     error         // of the transport
	latency time.Duration // of an answer
	fetches atomic.Int64
}

// newIssuer publishes "rs" (RS256, the first RSA key) and "es" (ES256).
func newIssuer() *issuer {
	i := &issuer{}
	i.publish(rsaJWK("rs", &rsaKeys()[0].PublicKey), ecJWK("es", &ecKey().PublicKey))
	return i
}

func (i *issuer) publish(keys ...map[string]any) {
	i.set(func() { i.jwks = keys })
}

func (i *issuer) set(change func()) {
	i.mu.Lock()
	defer i.mu.Unlock()
	change()
}

func (i *issuer) RoundTrip(r *http.Request) (*http.Response, error) {
	i.fetches.Add(1)
	i.mu.Lock()
	latency := i.latency
	i.mu.Unlock()
	select {
	case <-time.After(latency):
	case <-r.Context().Done():
		return nil, r.Context().Err()
	}
	i.mu.Lock()
	defer i.mu.Unlock()
	if i.err != nil {
		return nil, i.err
	}
	body := i.raw
	if body == nil {
		body = must(json.Marshal(map[string]any{"keys": i.jwks}))
	}
	status := i.status
	if status == 0 {
		status = http.StatusOK
	}
	return &http.Response{StatusCode: status, Body: io.NopCloser(strings.NewReader(string(body))), Request: r}, nil
}

func (i *issuer) keySet(t testing.TB, cfg jose.KeySetConfig) *jose.KeySet {
	t.Helper()
	cfg.HTTPClient = &http.Client{Transport: i}
	keys, err := jose.NewKeySet(issuerID+".well-known/jwks.json", cfg)
	if err != nil {
		t.Fatal(err)
	}
	return keys
}

func (i *issuer) verifier(t testing.TB, change ...func(*jose.Policy)) *jose.Verifier {
	t.Helper()
	p := jose.Policy{
		Issuers:  []jose.Issuer{{ID: issuerID, Keys: i.keySet(t, jose.KeySetConfig{})}},
		Audience: audience,
		Types:    []string{"at+jwt", "JWT"},
	}
	for _, c := range change {
		c(&p)
	}
	v, err := jose.NewVerifier(p)
	if err != nil {
		t.Fatal(err)
	}
	return v
}

func b64(b []byte) string { return base64.RawURLEncoding.EncodeToString(b) }

func rsaJWK(kid string, k *rsa.PublicKey) map[string]any {
	return map[string]any{
		"kty": "RSA", "use": "sig", "alg": "RS256", "kid": kid,
		"n": b64(k.N.Bytes()), "e": b64(big.NewInt(int64(k.E)).Bytes()),
	}
}

func ecJWK(kid string, k *ecdsa.PublicKey) map[string]any {
	point := must(k.Bytes())
	return map[string]any{
		"kty": "EC", "use": "sig", "alg": "ES256", "crv": "P-256", "kid": kid,
		"x": b64(point[1:33]), "y": b64(point[33:]),
	}
}

func with(m map[string]any, name string, value any) map[string]any {
	m = maps.Clone(m)
	m[name] = value
	if value == nil {
		delete(m, name)
	}
	return m
}

// claims are those of a good token now.
func claims() map[string]any {
	now := time.Now().Unix()
	return map[string]any{
		"iss": issuerID, "sub": "auth0|1", "aud": []string{audience, issuerID + "userinfo"},
		"iat": now, "exp": now + 3600, "scope": "openid",
	}
}

func header(kid string) map[string]any {
	return map[string]any{"alg": "RS256", "typ": "JWT", "kid": kid}
}

// sign signs header and claims with the key; texts are taken as they are.
func sign(key crypto.PrivateKey, header, claims any) string {
	text := func(v any) string {
		if s, ok := v.(string); ok {
			return b64([]byte(s))
		}
		return b64(must(json.Marshal(v)))
	}
	signed := text(header) + "." + text(claims)
	method := jwt.SigningMethod(jwt.SigningMethodRS256)
	if _, ok := key.(*ecdsa.PrivateKey); ok {
		method = jwt.SigningMethodES256
	}
	return signed + "." + b64(must(method.Sign(signed, key)))
}

func good() string { return sign(rsaKeys()[0], header("rs"), claims()) }

func wantReason(t *testing.T, err error, want jose.Reason) {
	t.Helper()
	e, ok := errors.AsType[*jose.Error](err)
	if !ok || e.Reason != want {
		t.Fatalf("got %v, want an Error with reason %q", err, want)
	}
	if !errors.Is(err, jose.ErrInvalid) || errors.Is(err, jose.ErrUnavailable) {
		t.Fatalf("%v must be ErrInvalid alone", err)
	}
}

func wantUnavailable(t *testing.T, err error) *jose.UnavailableError {
	t.Helper()
	e, ok := errors.AsType[*jose.UnavailableError](err)
	if !ok || e.RetryAfter <= 0 || errors.Is(err, jose.ErrInvalid) || !errors.Is(err, jose.ErrUnavailable) {
		t.Fatalf("got %v, want an UnavailableError with RetryAfter", err)
	}
	if strings.Contains(err.Error(), "example.com") {
		t.Fatalf("%q names a host", err)
	}
	return e
}
