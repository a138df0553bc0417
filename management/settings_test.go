package management_test

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/auth0kit/auth0kit/management"
	"github.com/auth0kit/auth0kit/management/auth0test"
	"github.com/auth0kit/auth0kit/management/resource"
)

// Each switch that the packages and the quickstart rely on is switched off alone at
// a tenant, and one sentence says which it was.
func TestCheckSettings(t *testing.T) {
	t.Parallel()
	const (
		audience, callback, base = "https://api.example.com", "https://app.example.com/auth/callback", "https://app.example.com"
		back                     = base + "/auth/backchannel-logout"
		mfa                      = "http://auth0.com/oauth/grant-type/mfa-"
	)
	type world struct {
		*auth0test.Tenant
		c               *management.Client
		app, connection string
		change          func(path, body string)
	}
	type row struct {
		need func(w world) management.Need
		off  func(w world)
		want string
	}
	grant := func(name string) row {
		return row{
			func(w world) management.Need { return management.NeedGrantType(w.app, name) },
			func(w world) {
				w.change("clients "+w.app, `{"grant_types":["implicit"]}`)
			},
			`switch on the grant type "` + name + `" of the application APP, under Applications > Advanced Settings > Grant Types`,
		}
	}
	factor := func(name string) row {
		return row{
			func(world) management.Need { return management.NeedFactor(name) },
			func(w world) { w.SetFactor(name, false) },
			`switch on the factor "` + name + `", under Security > Multi-factor Auth`,
		}
	}
	option := func(name string, is bool) row {
		return row{
			func(world) management.Need { return management.NeedConnectionOption(connection, name, is) },
			func(w world) {
				w.change("connections "+w.connection, fmt.Sprintf(`{"options":{%q:%t}}`, name, !is))
			},
			fmt.Sprintf("set the option %q of the connection %s to %t, under Authentication > Database", name, connection, is),
		}
	}
	offline := row{
		func(world) management.Need { return management.NeedOfflineAccess(audience) },
		func(w world) { w.change("resource-servers "+audience, `{"allow_offline_access":false}`) },
		`switch on "Allow Offline Access" of the API ` + audience + ", under Applications > APIs > Settings",
	}
	rbac := func(body string) row {
		return row{
			func(world) management.Need { return management.NeedRBAC(audience) },
			func(w world) { w.change("resource-servers "+audience, body) },
			`switch on "Enable RBAC" and "Add Permissions in the Access Token" of the API ` + audience + ", under Applications > APIs > Settings",
		}
	}
	for of, rows := range map[string][]row{
		"guardian": {
			grant(mfa + "otp"), grant(mfa + "oob"), grant(mfa + "recovery-code"), grant("urn:openid:params:grant-type:ciba"),
			factor("otp"), factor("sms"), factor("push-notification"), factor("email"), factor("webauthn-roaming"), factor("webauthn-platform"), factor("recovery-code"),
		},
		"session/login": {
			grant("authorization_code"), grant("refresh_token"), offline,
			{
				func(w world) management.Need { return management.NeedCallback(w.app, callback) },
				func(w world) { w.change("clients "+w.app, `{"callbacks":["https://other.example.com"]}`) },
				"add " + callback + " to the Allowed Callback URLs of the application APP, under Applications > Settings",
			},
			{
				func(w world) management.Need { return management.NeedLogoutURL(w.app, base) },
				func(w world) { w.change("clients "+w.app, `{"allowed_logout_urls":[]}`) },
				"add " + base + " to the Allowed Logout URLs of the application APP, under Applications > Settings",
			},
			{
				func(w world) management.Need { return management.NeedBackChannelLogout(w.app, back) },
				func(w world) { w.change("clients "+w.app, `{"oidc_logout":{"backchannel_logout_urls":[]}}`) },
				"enter " + back + " as a back-channel logout URL of the application APP, under Applications > Settings > OpenID Connect Back-Channel Logout",
			},
		},
		"tenancy":   {rbac(`{"enforce_policies":false}`), rbac(`{"token_dialect":"access_token"}`)},
		"migration": {option("import_mode", false), option("requires_username", true)},
		"quickstart": {
			grant("client_credentials"), grant("http://auth0.com/oauth/grant-type/password-realm"),
			{
				func(w world) management.Need { return management.NeedConnection(connection, w.app) },
				func(w world) {
					w.change("connections "+w.connection+" clients", fmt.Sprintf(`[{"client_id":%q,"status":false}]`, w.app))
				},
				"switch on the connection " + connection + " for the application APP, under Applications > Connections",
			},
		},
	} {
		for i, r := range rows {
			t.Run(fmt.Sprint(of, i), func(t *testing.T) {
				t.Parallel()
				w := world{Tenant: auth0test.NewTenant(auth0test.Options{})}
				w.AddAPI(audience, "read:x")
				w.c = clientOf(t, w.Tenant, nil)
				w.app = w.AddClient(auth0test.Application{Name: "App", CallbackURL: callback, LogoutURL: base, BackChannelLogoutURL: back}).ID
				w.change = func(path, body string) {
					t.Helper()
					req, err := http.NewRequestWithContext(t.Context(), http.MethodPatch, w.c.API().URI(strings.Split(path, " ")...), strings.NewReader(body))
					require.NoError(t, err)
					req.Header.Set("Content-Type", "application/json")
					resp, err := w.c.HTTPClient().Do(req)
					require.NoError(t, err)
					answer, _ := io.ReadAll(resp.Body)
					require.Less(t, resp.StatusCode, 300, string(answer))
				}
				con, err := w.c.Connection(t.Context(), connection)
				require.NoError(t, err)
				w.connection = con.ID
				w.change("resource-servers "+audience, `{"allow_offline_access":true,"enforce_policies":true,"token_dialect":"access_token_authz"}`)
				for _, name := range []string{"otp", "sms", "push-notification", "email", "webauthn-roaming", "webauthn-platform", "recovery-code"} {
					w.SetFactor(name, true)
				}
				require.NoError(t, w.c.CheckSettings(t.Context(), r.need(w)))
				r.off(w)
				err = w.c.CheckSettings(t.Context(), r.need(w))
				require.ErrorIs(t, err, management.ErrSettings)
				assert.Contains(t, err.Error(), strings.ReplaceAll(r.want, "APP", w.app))
				assert.NotContains(t, err.Error(), ";")
			})
		}
	}
	c := clientOf(t, auth0test.NewTenant(auth0test.Options{}), nil)
	require.NoError(t, c.CheckSettings(t.Context()))
	require.ErrorIs(t, c.CheckSettings(t.Context(), management.Need{}), management.ErrInvalid)
	err := c.CheckSettings(t.Context(), management.NeedGrantType("gone", "x"), management.NeedConnection("gone", "x"), management.NeedOfflineAccess("gone"))
	require.ErrorIs(t, err, management.ErrSettings)
	assert.Equal(t, 2, strings.Count(err.Error(), ";"), "all that is missing at once")
}

// Nobody is sent to a switch of something that does not exist, and who lacks a
// scope reads which.
func TestCheckSettingsOfWhatIsNotThere(t *testing.T) {
	t.Parallel()
	tenant := auth0test.NewTenant(auth0test.Options{})
	c := clientOf(t, tenant, nil)
	narrow := clientOf(t, tenant, func(cfg *management.Config) {
		app := tenant.AddClient(auth0test.Application{Name: "narrow"})
		tenant.AddGrant(app.ID, "https://"+auth0test.DefaultDomain+"/api/v2/", "read:users")
		cfg.ClientID, cfg.ClientSecret = app.ID, app.Secret
	})
	for _, r := range []struct {
		need        management.Need
		want, scope string
	}{
		{management.NeedGrantType("gone", "x"), "there is no application gone", "read:clients"},
		{management.NeedCallback("gone", "https://x"), "there is no application gone", "read:clients"},
		{management.NeedRBAC("https://nope"), "there is no API https://nope", "read:resource_servers"},
		{management.NeedOfflineAccess("https://nope"), "there is no API https://nope", "read:resource_servers"},
		{management.NeedFactor("nonsense"), `there is no factor "nonsense"`, "read:guardian_factors"},
		{management.NeedConnection("gone", "x"), "there is no connection gone", "read:connections"},
		{management.NeedConnectionOption("gone", "x", false), "there is no connection gone", "read:connections"},
	} {
		err := c.CheckSettings(t.Context(), r.need)
		require.ErrorIs(t, err, management.ErrSettings)
		require.ErrorContains(t, err, r.want)
		require.NotContains(t, err.Error(), "under ")
		err = narrow.CheckSettings(t.Context(), r.need)
		require.ErrorIs(t, err, management.ErrForbidden)
		require.ErrorContains(t, err, r.scope)
	}
}

// What Check and CheckSettings find out by asking for something that may be missing
// is no failed call, and a call that goes at once has not waited. The time is real:
// in a bubble no time passes at all.
func TestChecksAreNoFailures(t *testing.T) {
	t.Parallel()
	var log bytes.Buffer
	var calls []management.Call
	c := clientOf(t, auth0test.NewTenant(auth0test.Options{}), func(cfg *management.Config) {
		cfg.Logger = slog.New(slog.NewTextHandler(&log, nil))
		cfg.OnCall = func(_ context.Context, call management.Call) { calls = append(calls, call) }
	})
	require.NoError(t, c.Check(t.Context()))
	require.ErrorIs(t, c.CheckSettings(t.Context(), management.NeedRBAC("https://nope")), management.ErrSettings)
	require.Len(t, calls, 3) // the token too
	for _, call := range calls {
		require.NoError(t, call.Err, call.Op)
		require.Zero(t, call.Waited, call.Op)
	}
	require.NotContains(t, log.String(), "waits")
	_, err := c.User(t.Context(), "auth0|gone")
	require.Error(t, err)
	require.ErrorIs(t, calls[3].Err, management.ErrNotFound)
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
	names := []string{"AUTH0_DOMAIN", "AUTH0_CLIENT_ID", "AUTH0_CLIENT_SECRET"}
	for _, name := range names {
		t.Setenv(name, "")
		_, err := management.ConfigFromEnv()
		require.ErrorContains(t, err, name)
		t.Setenv(name, "tenant.eu.auth0.com")
	}
	for _, name := range names {
		t.Setenv(name, "")
	}
	_, err = management.ConfigFromEnv()
	require.ErrorContains(t, err, "AUTH0_DOMAIN, AUTH0_CLIENT_ID, AUTH0_CLIENT_SECRET")
}
