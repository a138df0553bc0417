package management_test

import (
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/auth0kit/auth0kit/management"
	"github.com/auth0kit/auth0kit/management/auth0test"
	"github.com/auth0kit/auth0kit/management/resource"
)

// Each switch that the packages rely on is switched off at a tenant, and the
// sentence says which one it was.
func TestCheckSettings(t *testing.T) {
	t.Parallel()
	tenant := auth0test.NewTenant(auth0test.Options{})
	const audience, back = "https://api.example.com", "https://app.example.com/logout"
	tenant.AddAPI(audience, "read:x")
	tenant.SetFactor("otp", true)
	app := tenant.AddClient(auth0test.Application{Name: "App", BackChannelLogoutURL: back})
	c := clientOf(t, tenant, nil)
	change := func(path, body string) {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodPatch, c.API().URI(strings.Split(path, " ")...), strings.NewReader(body))
		require.NoError(t, err)
		req.Header.Set("Content-Type", "application/json")
		resp, err := c.HTTPClient().Do(req)
		require.NoError(t, err)
		answer, _ := io.ReadAll(resp.Body)
		require.Equal(t, 200, resp.StatusCode, string(answer))
	}
	con, err := c.Connection(t.Context(), connection)
	require.NoError(t, err)
	needs := []management.Need{
		management.NeedGrantType(app.ID, "authorization_code"), management.NeedGrantType(app.ID, "refresh_token"),
		management.NeedGrantType(app.ID, "http://auth0.com/oauth/grant-type/mfa-otp"),
		management.NeedBackChannelLogout(app.ID, back), management.NeedRBAC(audience), management.NeedFactor("otp"),
		management.NeedConnectionOption(connection, "import_mode", false),
	}
	require.NoError(t, c.CheckSettings(t.Context(), needs...))
	require.ErrorIs(t, c.CheckSettings(t.Context(), management.Need{}), management.ErrInvalid)
	for _, tc := range []struct {
		off  func()
		want []string // The sentences so far.
	}{
		{func() { change("clients "+app.ID, `{"grant_types":["client_credentials"]}`) },
			[]string{`"authorization_code" of the application ` + app.ID, `"refresh_token"`, `mfa-otp"`, "Grant Types"}},
		{func() { change("clients "+app.ID, `{"oidc_logout":{"backchannel_logout_urls":[]}}`) }, []string{"enter the back-channel logout URL"}},
		{func() { change("resource-servers "+audience, `{"enforce_policies":false}`) }, []string{`"Enable RBAC"`}},
		{func() { tenant.SetFactor("otp", false) }, []string{`switch on the factor "otp", under Security > Multi-factor Auth`}},
		{func() { change("connections "+con.ID, `{"options":{"import_mode":true}}`) }, []string{`set the option "import_mode" of the connection ` + connection + " to false"}},
	} {
		for _, sentence := range tc.want {
			assert.NotContains(t, errorText(c.CheckSettings(t.Context(), needs...)), sentence)
		}
		tc.off()
		err := c.CheckSettings(t.Context(), needs...)
		require.ErrorIs(t, err, management.ErrSettings)
		for _, sentence := range tc.want {
			assert.Contains(t, err.Error(), sentence)
		}
	}
	require.ErrorIs(t, c.CheckSettings(t.Context(), management.NeedGrantType("gone", "x")), management.ErrSettings)
}

func errorText(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}

func TestOrganizationsAndRoles(t *testing.T) {
	t.Parallel()
	tenant := auth0test.NewTenant(auth0test.Options{})
	c, ctx := clientOf(t, tenant, nil), t.Context()
	made, err := c.CreateOrganization(ctx, resource.Organization{Name: "acme", DisplayName: "Acme", Metadata: map[string]string{"plan": "pro"}})
	require.NoError(t, err)
	_, err = c.CreateOrganization(ctx, resource.Organization{Name: "acme"})
	require.ErrorIs(t, err, management.ErrConflict)
	_, err = c.CreateOrganization(ctx, resource.Organization{})
	require.ErrorIs(t, err, management.ErrInvalid)
	for o, err := range c.Organizations(ctx) {
		require.NoError(t, err)
		require.Equal(t, *made, o)
	}
	userID := tenant.AddUser(resource.User{Email: "ada@example.com"}, "a long passw0rd!")
	require.NoError(t, c.AddMembers(ctx, made.ID, userID))
	orgs, err := c.UserOrganizations(ctx, userID)
	require.NoError(t, err)
	require.Len(t, orgs, 1)
	require.Equal(t, made.ID, orgs[0].ID)
	roleID := tenant.AddRole("Admin", "")
	roles, err := c.Roles(ctx)
	require.NoError(t, err)
	require.Equal(t, []resource.Role{{ID: roleID, Name: "Admin"}}, roles)
	require.NoError(t, c.AssignRoles(ctx, userID, roleID))
	require.ErrorIs(t, c.AssignRoles(ctx, userID, ""), management.ErrInvalid)
	for u, err := range c.RoleUsers(ctx, roleID) {
		require.NoError(t, err)
		require.Equal(t, userID, u.ID)
	}
}

func TestConfigFromEnv(t *testing.T) {
	t.Setenv("AUTH0_DOMAIN", "tenant.eu.auth0.com")
	t.Setenv("AUTH0_CLIENT_ID", "client")
	t.Setenv("AUTH0_CLIENT_SECRET", "secret")
	cfg, err := management.ConfigFromEnv()
	require.NoError(t, err)
	require.Equal(t, "client", cfg.ClientID)
	for _, name := range []string{"AUTH0_DOMAIN", "AUTH0_CLIENT_ID", "AUTH0_CLIENT_SECRET"} {
		t.Setenv(name, "")
		_, err := management.ConfigFromEnv()
		require.ErrorContains(t, err, name)
		t.Setenv(name, "tenant.eu.auth0.com")
	}
}
