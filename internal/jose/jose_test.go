package jose_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/auth0kit/auth0kit/internal/jose"
	"github.com/auth0kit/auth0kit/internal/jose/josetest"
)

const (
	issuerID = "https://tenant.example.com/"
	audience = "https://api.example.com"
)

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

func keySet(t testing.TB, i *josetest.Issuer, cfg jose.KeySetConfig) *jose.KeySet {
	t.Helper()
	cfg.HTTPClient = &http.Client{Transport: i}
	keys, err := jose.NewKeySet(i.ID+".well-known/jwks.json", cfg)
	if err != nil {
		t.Fatal(err)
	}
	return keys
}

func verifier(t testing.TB, i *josetest.Issuer, algorithms ...string) *jose.Verifier {
	t.Helper()
	return verifierOf(t, i, func(p *jose.Policy) { p.Algorithms = algorithms })
}

func verifierOf(t testing.TB, i *josetest.Issuer, change func(*jose.Policy)) *jose.Verifier {
	t.Helper()
	p := jose.Policy{
		Issuers:  []jose.Issuer{{ID: i.ID, Keys: keySet(t, i, jose.KeySetConfig{})}},
		Audience: audience,
		Types:    []string{"at+jwt", "JWT"},
	}
	change(&p)
	v, err := jose.NewVerifier(p)
	if err != nil {
		t.Fatal(err)
	}
	return v
}

func claims() map[string]any { return (&josetest.Issuer{ID: issuerID}).Claims(audience) }

// signed is a good token but for its key, RSA(n) under the id.
func signed(kid string, n int) string {
	return josetest.Sign(josetest.RSA(n), josetest.Header(kid), claims())
}

func good() string { return signed("rs", 0) }

// invented is a token with a key that nobody has: its signature is never looked at.
func invented(parts ...any) string {
	return josetest.Segment(josetest.Header(fmt.Sprint(parts...))) + "." + josetest.Segment(claims()) + ".AAAA"
}

func verify(t *testing.T, v *jose.Verifier, token string) error {
	t.Helper()
	_, err := v.Verify(t.Context(), token)
	return err
}

func wantGood(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatalf("a good token is refused: %v", err)
	}
}

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

func wantFetches(t *testing.T, i *josetest.Issuer, want int64) {
	t.Helper()
	if got := i.Fetches.Load(); got != want {
		t.Fatalf("%d fetches, want %d", got, want)
	}
}

// text is the JSON of claims or a header.
func text(m map[string]any) string { return string(must(json.Marshal(m))) }
