package tenancy_test

import (
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/auth0kit/auth0kit/internal/jose/josetest"
	"github.com/auth0kit/auth0kit/tenancy"
)

func TestTenantContextHasTheClaims(t *testing.T) {
	t.Parallel()
	i := josetest.NewIssuer()
	x := extractor(t, i, tenancy.FromToken, tenancy.GuardConfig{})
	c := claims(i)
	c["sid"], c["auth_time"], c["amr"] = "sid_1", 1700000000, []string{"pwd", "mfa"}
	c["act"] = map[string]any{"sub": "agt_1", "SUB": "agt_2", "act": map[string]any{"sub": "spa"}}
	tenant := mustExtract(t, x, i.Token(josetest.Header("rs"), c))
	at, amr := tenant.AuthTime, tenant.AMR
	if tenant.TenantID != orgID || tenant.TenantName != "acme" || tenant.UserID != "auth0|1" || tenant.SessionID != "sid_1" || !slices.Equal(tenant.Actors, []string{"agt_1", "spa"}) {
		t.Errorf("got %+v", tenant)
	}
	if !at.Equal(time.Unix(1700000000, 0)) || !slices.Equal(amr, []string{"pwd", "mfa"}) || !slices.Equal(tenant.Scopes, []string{"openid", "profile"}) {
		t.Errorf("got %s, %q, %q", at, amr, tenant.Scopes)
	}
	if tenant.ExpiresAt.Unix() != c["exp"] {
		t.Errorf("got %s", tenant.ExpiresAt)
	}
}

func TestKinds(t *testing.T) {
	t.Parallel()
	i := josetest.NewIssuer()
	x := extractor(t, i, tenancy.FromToken, tenancy.GuardConfig{})
	for name, c := range map[string]struct {
		sub     string
		profile any
		gty     any
		want    tenancy.Kind
	}{
		"user":                           {"auth0|1", nil, nil, tenancy.User},
		"user by profile":                {"auth0|1", "user", nil, tenancy.User},
		"user by password":               {"auth0|1", nil, "password", tenancy.User},
		"custom database user as client": {"auth0|me@clients", nil, nil, tenancy.User},
		"user by a grant of clients":     {"auth0|1", nil, []string{"client-credentials", "urn:ietf:params:oauth:grant-type:token-exchange"}, tenancy.User},
		"custom database user as agent":  {"agt_|1", nil, nil, tenancy.User},
		"client by sub":                  {"abc@clients", nil, nil, tenancy.Client},
		"client by grant":                {"abc", nil, "client-credentials", tenancy.Client},
		"client by one of its grants":    {"abc", nil, []string{"x", "client-credentials"}, tenancy.Client},
		"client by profile":              {"abc", "service", nil, tenancy.Client},
		"agent by sub":                   {"agt_1a2b3c", nil, nil, tenancy.Agent},
		"agent by profile":               {"my-agent", "ai_agent", nil, tenancy.Agent},
		"agent by profiles":              {"my-agent", "service ai_agent", "client-credentials", tenancy.Agent},
		"unknown":                        {"something", nil, nil, tenancy.User},
	} {
		claims := josetest.With(josetest.With(josetest.With(claims(i), "sub", c.sub), "sub_profile", c.profile), "gty", c.gty)
		claims["scope"] = "purge:invoices"
		tenant := mustExtract(t, x, i.Token(josetest.Header("rs"), claims))
		if tenant.Kind != c.want {
			t.Errorf("%s is a %s, want %s", name, tenant.Kind, c.want)
		}
		err := tenant.Check(t.Context(), orgID, tenancy.AllOf("purge:invoices"))
		if counts := err == nil; counts != (c.want != tenancy.User) {
			t.Errorf("%s: its scope counts: %t", name, counts)
		}
	}
}

func TestMalformedActorAndGrant(t *testing.T) {
	t.Parallel()
	i := josetest.NewIssuer()
	v := verifier(t, i, tenancy.VerifierConfig{})
	for name, value := range map[string]any{"act": map[string]any{"SUB": "x"}, "gty": 7, "sid": 7, "amr": "mfa", "auth_time": "now", "org_name": 1, "sub_profile": []string{"user"}} {
		_, err := v.Verify(t.Context(), token(i, name, value))
		wantToken(t, err, "claims")
	}
	_, err := v.Verify(t.Context(), token(i, "act", "agt_1"))
	wantToken(t, err, "claims")
}

func TestTokenClaims(t *testing.T) {
	t.Parallel()
	i := josetest.NewIssuer()
	c := claims(i)
	c["https://example.com/plan"] = map[string]any{"name": "pro", "seats": 3}
	got, err := verifier(t, i, tenancy.VerifierConfig{}).Verify(t.Context(), i.Token(josetest.Header("rs"), c))
	require.NoError(t, err)
	var plan struct{ Name string }
	if err := got.Claim("https://example.com/plan", &plan); err != nil || plan.Name != "pro" {
		t.Errorf("got %+v, %v", plan, err)
	}
	if err := got.Claim("https://example.com/Plan", &plan); !errors.Is(err, tenancy.ErrNoClaim) {
		t.Errorf("got %v, want ErrNoClaim", err)
	}
	if got.Issuer != i.ID || got.Subject != "auth0|1" || got.ExpiresAt.Unix() != c["exp"] {
		t.Errorf("got %+v", got)
	}
}
