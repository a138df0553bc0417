package tenancy_test

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/auth0kit/auth0kit/internal/jose/josetest"
	"github.com/auth0kit/auth0kit/tenancy"
	"github.com/golang-jwt/jwt/v5"
)

// FuzzTokens signs any header and payload with the issuer's key, or takes the
// text as a token when it is one. What is accepted, golang-jwt with all its
// options must accept, and read the same organization, subject and permissions
// from.
func FuzzTokens(f *testing.F) {
	i := josetest.NewIssuer()
	header := `{"alg":"ES256","typ":"JWT","kid":"es"}`
	raw, err := json.Marshal(claims(i))
	if err != nil {
		f.Fatal(err)
	}
	payload := string(raw)
	f.Add(header, payload)
	f.Add(`{"alg":"ES256","typ":"at+jwt","kid":"es"}`, payload)
	f.Add(header, strings.Replace(payload, `{`, `{"ORG_ID":"org_victim",`, 1))
	f.Add(header, strings.Replace(payload, `"sub":`, `"\u0073ub":"x","sub":`, 1))
	f.Add(header, strings.Replace(payload, `"exp":`, `"nbf":1e3,"act":{"sub":"agt_1"},"exp":`, 1))
	f.Add(`{"alg":"none","typ":"JWT","kid":"es"}`, payload)
	f.Add(`{"alg":"ES256","typ":"JWT","kid":"es","crit":["b64"],"b64":false}`, payload)
	f.Add("", josetest.Sign(josetest.EC(), header, payload))
	v := verifier(f, i, tenancy.VerifierConfig{Algorithms: []string{"ES256"}, CacheSize: -1})
	x := routesOf(f, v, tenancy.FromToken, tenancy.GuardConfig{})
	reference := jwt.NewParser(jwt.WithValidMethods([]string{"ES256"}), jwt.WithIssuer(i.ID), jwt.WithAudience(audience),
		jwt.WithExpirationRequired(), jwt.WithIssuedAt(), jwt.WithStrictDecoding(), jwt.WithLeeway(30*time.Second))
	key := func(*jwt.Token) (any, error) { return &josetest.EC().PublicKey, nil }
	f.Fuzz(func(t *testing.T, header, payload string) {
		token := payload
		if header != "" {
			token = josetest.Sign(josetest.EC(), header, payload)
		}
		tenant, err := x.extract(t.Context(), token)
		if err != nil {
			return
		}
		theirs, err := reference.Parse(token, key)
		if err != nil {
			t.Fatalf("golang-jwt refuses what is accepted here, %s: %v", token, err)
		}
		m := theirs.Claims.(jwt.MapClaims)
		if m["org_id"] != tenant.TenantID || m["sub"] != tenant.UserID {
			t.Fatalf("%q of %q here, %q of %q there", tenant.UserID, tenant.TenantID, m["sub"], m["org_id"])
		}
		permissions, _ := m["permissions"].([]any)
		for n, p := range permissions {
			if n >= len(tenant.Permissions) || tenant.Permissions[n] != p {
				t.Fatalf("permissions are %q here and %q there", tenant.Permissions, permissions)
			}
		}
		if len(permissions) != len(tenant.Permissions) {
			t.Fatalf("permissions are %q here and %q there", tenant.Permissions, permissions)
		}
	})
}

func FuzzObserve(f *testing.F) {
	f.Add([]byte(`{"type":"organization.member.role.deleted","data":{"object":{"organization":{"id":"org_acme"},"user":{"user_id":"auth0|1"}}}}`))
	f.Add([]byte(`{"event":{"event":{"type":"group.deleted"}}}`))
	i, d := josetest.NewIssuer(), newDirectory()
	x := extractor(f, i, tenancy.FromToken, tenancy.GuardConfig{Directory: d})
	good := token(i, "exp", time.Now().Add(100*time.Hour).Unix())
	f.Fuzz(func(t *testing.T, body []byte) {
		_ = x.Observe(t.Context(), body) // whatever it is, members keep what they have
		if got := mustExtract(t, x, good).Permissions; len(got) != 3 {
			t.Fatalf("after %q: %q", body, got)
		}
	})
}
