package tenancy_test

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/auth0kit/auth0kit/internal/jose/josetest"
	"github.com/auth0kit/auth0kit/tenancy"
)

const (
	audience = "https://api.example.com"
	orgID    = "org_acme"
)

// claims are those of a user of orgID who may read and write invoices.
func claims(i *josetest.Issuer) map[string]any {
	c := i.Claims(audience)
	c["org_id"], c["org_name"] = orgID, "acme"
	c["permissions"] = []string{"read:invoices", "write:invoices"}
	return c
}

// token is a good one with one claim changed; no name changes nothing.
func token(i *josetest.Issuer, name string, value any) string {
	c := claims(i)
	if name != "" {
		c = josetest.With(c, name, value)
	}
	return i.Token(josetest.Header("rs"), c)
}

func verifier(t testing.TB, i *josetest.Issuer, cfg tenancy.VerifierConfig) *tenancy.Verifier {
	t.Helper()
	cfg.HTTPClient = &http.Client{Transport: i}
	v, err := tenancy.NewVerifier(i.ID, audience, cfg)
	if err != nil {
		t.Fatal(err)
	}
	return v
}

// routes is a Guard with one Locator for all its routes.
type routes struct {
	*tenancy.Guard
	where tenancy.Locator
}

func (r routes) require(first tenancy.Requirement, more ...tenancy.Requirement) func(http.Handler) http.Handler {
	return r.Require(r.where, first, more...)
}

func (r routes) authenticated() func(http.Handler) http.Handler {
	return r.require(tenancy.Authenticated())
}

func (r routes) optional() func(http.Handler) http.Handler { return r.Optional(r.where) }

// extract admits a caller to their own organization.
func (r routes) extract(ctx context.Context, token string) (*tenancy.TenantContext, error) {
	ctx, err := r.AdmitCall(ctx, tenancy.Call{Token: token, Where: func(ctx context.Context) (tenancy.Org, error) {
		t, _ := tenancy.FromContext(ctx)
		return tenancy.Org{ID: t.TenantID}, nil
	}}, tenancy.Authenticated())
	if err != nil {
		return nil, err
	}
	t, _ := tenancy.FromContext(ctx)
	return t, nil
}

// extractor has the application of josetest's claims as its own.
func extractor(t testing.TB, i *josetest.Issuer, where tenancy.Locator, cfg tenancy.GuardConfig) routes {
	t.Helper()
	return routesOf(t, verifier(t, i, tenancy.VerifierConfig{}), where, cfg)
}

func routesOf(t testing.TB, v *tenancy.Verifier, where tenancy.Locator, cfg tenancy.GuardConfig) routes {
	t.Helper()
	if cfg.FirstParty == nil {
		cfg.FirstParty = []string{"client"}
	}
	if cfg.Logger == nil {
		cfg.Logger = slog.New(slog.DiscardHandler)
	}
	g, err := tenancy.NewGuard(v, cfg)
	if err != nil {
		t.Fatal(err)
	}
	return routes{g, where}
}

// reached is the handler behind the middleware: it names its caller.
var reached = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
	who := "nobody"
	if t, ok := tenancy.FromContext(r.Context()); ok {
		who = t.UserID + " of " + t.TenantID
	}
	w.Header().Set("X-Caller", who)
})

// ask sends the tokens as bearer tokens, each in a header of its own.
func ask(h http.Handler, tokens ...string) *http.Response {
	r := httptest.NewRequest(http.MethodGet, "/", nil)
	for _, token := range tokens {
		r.Header.Add("Authorization", "Bearer "+token)
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w.Result()
}

func wantStatus(t *testing.T, resp *http.Response, status int, challenge ...string) {
	t.Helper()
	got := resp.Header.Get("WWW-Authenticate")
	if resp.StatusCode != status {
		t.Fatalf("got %d (%s), want %d", resp.StatusCode, got, status)
	}
	for _, part := range challenge {
		if !strings.Contains(got, part) {
			t.Errorf("WWW-Authenticate is %q, want it to have %q", got, part)
		}
	}
	if status != http.StatusOK && resp.Header.Get("X-Caller") != "" {
		t.Error("the handler was reached")
	}
	if status >= 400 {
		var body map[string]string
		if err := json.NewDecoder(resp.Body).Decode(&body); err != nil || body["error"] == "" {
			t.Errorf("the body is %v (%v), want an error in JSON", body, err)
		}
	}
}

func wantToken(t *testing.T, err error, reason string) {
	t.Helper()
	e, ok := errors.AsType[*tenancy.TokenError](err)
	if !ok || e.Reason != reason || !errors.Is(err, tenancy.ErrInvalidToken) {
		t.Fatalf("got %v, want a TokenError with reason %q", err, reason)
	}
}

func mustExtract(t *testing.T, x routes, token string) *tenancy.TenantContext {
	t.Helper()
	tenant, err := x.extract(context.WithoutCancel(t.Context()), token)
	if err != nil {
		t.Fatal(err)
	}
	return tenant
}
