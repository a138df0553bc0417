package auth0test_test

import (
	"testing"
	"time"

	sdk "github.com/auth0/go-auth0/management"

	"github.com/auth0kit/auth0kit/management/auth0test"
)

func TestBlacklist(t *testing.T) {
	t.Parallel()
	tenant := auth0test.NewTenant(auth0test.Options{})
	api, g := sdkClient(t, tenant, auth0test.DefaultDomain, tenant.HTTPClient()), newAPI(t, tenant)
	g.want("POST", "/blacklists/tokens", `{"aud":"x"}`, 400, "jti")
	other := tenant.AddClient(auth0test.Application{Scopes: []string{"read:users"}})
	signed := func(jti string) string {
		return tenant.Sign(nil, object{"iss": tenant.Issuer(), "aud": tenant.Issuer() + "api/v2/", "sub": other.ID + "@clients", "azp": other.ID,
			"scope": "read:users", "jti": jti, "exp": time.Now().Add(time.Hour).Unix()})
	}
	const jti = "stolen"
	stolen := signed(jti)
	if status, body, _ := ask(t, tenant, "Bearer "+stolen, "GET", "/api/v2/users", ""); status != 200 {
		t.Fatalf("before: %d %s", status, body)
	}
	for range 2 {
		if err := api.Blacklist.Create(t.Context(), &sdk.BlacklistToken{Audience: other.ID, JTI: jti}); err != nil {
			t.Fatal(err)
		}
	}
	if list, err := api.Blacklist.List(t.Context(), sdk.Parameter("aud", other.ID)); err != nil || len(list) != 1 || list[0].JTI != jti {
		t.Errorf("the list is %v, %v", list, err)
	}
	g.want("GET", "/blacklists/tokens?aud=nobody", "", 200, `[]`)
	if status, body, _ := ask(t, tenant, "Bearer "+stolen, "GET", "/api/v2/users", ""); status != 401 {
		t.Errorf("a token on the blacklist: %d %s", status, body)
	}
	if status, body, _ := ask(t, tenant, "Bearer "+signed("other"), "GET", "/api/v2/users", ""); status != 200 {
		t.Errorf("another token of the client: %d %s", status, body)
	}
	if status, _, _ := ask(t, tenant, "Bearer "+signed("other"), "GET", "/api/v2/blacklists/tokens", ""); status != 403 {
		t.Errorf("without the scope: %d", status)
	}
}
