package integration

import (
	"encoding/json"
	"net/http"
	"net/url"
	"slices"
	"testing"

	"github.com/auth0kit/auth0kit/management/auth0test"
	"github.com/auth0kit/auth0kit/tenancy"
)

// clientToken gets a token by client credentials, in an organization.
func (c *company) clientToken(t *testing.T, app auth0test.Application, orgID string) string {
	t.Helper()
	resp, err := c.HTTPClient().PostForm(c.Issuer()+"oauth/token", url.Values{
		"grant_type": {"client_credentials"}, "client_id": {app.ID}, "client_secret": {app.Secret},
		"audience": {invoicesAPI}, "organization": {orgID},
	})
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	var body struct {
		Token string `json:"access_token"`
	}
	if err := json.NewDecoder(resp.Body).Decode(&body); err != nil || resp.StatusCode != http.StatusOK {
		t.Fatalf("the token endpoint answers %d (%v)", resp.StatusCode, err)
	}
	return body.Token
}

// An application is no member: its scopes are its permissions, and its roles are
// not asked for.
func TestTenancyClientOfAnOrganization(t *testing.T) {
	t.Parallel()
	c := newCompany(auth0test.Options{})
	app := c.AddClient(auth0test.Application{Grants: []string{"client_credentials"}})
	c.AddGrant(app.ID, invoicesAPI, "read:invoices")
	x := c.extractor(t, tenancy.GuardConfig{Directory: c.Management()})
	tenant, err := x.extract(t.Context(), c.clientToken(t, app, c.acme))
	if err != nil {
		t.Fatal(err)
	}
	if tenant.Kind != tenancy.Client || tenant.TenantID != c.acme {
		t.Errorf("got %+v", tenant)
	}
	if err := tenant.Check(t.Context(), c.acme, tenancy.AllOf("read:invoices")); err != nil {
		t.Error(err)
	}
	for _, err := range []error{tenant.Check(t.Context(), c.acme, tenancy.AllOf("write:invoices")), tenant.Check(t.Context(), c.globex, tenancy.AllOf("read:invoices"))} {
		if err == nil {
			t.Error("the client may do more than its grant says")
		}
	}
	if n := c.asked("/roles") + c.asked("/effective-roles"); n != 0 {
		t.Errorf("%d reads of member roles, want none", n)
	}
}

// APIs with the profile of RFC 9068 issue at+jwt.
func TestTenancyProfileOfRFC9068(t *testing.T) {
	t.Parallel()
	c := newCompany(auth0test.Options{})
	api := c.Management().API()
	req, err := api.NewRequest(t.Context(), http.MethodPatch, api.URI("resource-servers", invoicesAPI), map[string]any{"token_dialect": "rfc9068_profile_authz"})
	if err != nil {
		t.Fatal(err)
	}
	resp, err := api.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	if err := resp.Body.Close(); err != nil || resp.StatusCode != http.StatusOK {
		t.Fatalf("got %d (%v)", resp.StatusCode, err)
	}
	x := c.extractor(t, tenancy.GuardConfig{})
	if got := permissionsOf(t, x, c.AccessToken(c.ada, c.acme, invoicesAPI)); !slices.Equal(got, []string{"read:invoices", "write:invoices"}) {
		t.Errorf("got %q", got)
	}
}
