package integration

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"testing"
	"time"

	sdk "github.com/auth0/go-auth0/management"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/oauth2"

	"github.com/auth0kit/auth0kit/internal/testing/node"
	"github.com/auth0kit/auth0kit/management/auth0test"
	"github.com/auth0kit/auth0kit/management/resource"
)

// crowd is a tenant that has three of everything that clients page through.
type crowd struct {
	*auth0test.Tenant
	token string
	ids   map[string]string // The first of each kind, by its path.
}

func newCrowd(t *testing.T) crowd {
	t.Helper()
	tenant := auth0test.NewTenant(auth0test.Options{RulesAndHooks: true, IgnoredSettings: []string{"*"}, JobTime: -time.Second})
	c := crowd{Tenant: tenant, ids: make(map[string]string)}
	m := tenant.Machine()
	res, err := tenant.HTTPClient().PostForm(tenant.Issuer()+"oauth/token", url.Values{
		"grant_type": {"client_credentials"}, "client_id": {m.ID}, "client_secret": {m.Secret}, "audience": {tenant.Issuer() + "api/v2/"},
	})
	require.NoError(t, err)
	defer res.Body.Close()
	var answer struct {
		Token string `json:"access_token"`
	}
	require.NoError(t, json.NewDecoder(res.Body).Decode(&answer))
	c.token = answer.Token
	for i := range 3 {
		c.fill(t, fmt.Sprint("n", i))
	}
	return c
}

// send writes; the id of the first answer at a path is remembered.
func (c crowd) send(t *testing.T, method, path, body string) map[string]any {
	t.Helper()
	req, err := http.NewRequest(method, c.Issuer()+"api/v2"+path, bytes.NewBufferString(body))
	require.NoError(t, err)
	req.Header = http.Header{"Authorization": {"Bearer " + c.token}, "Content-Type": {"application/json"}}
	res, err := c.HTTPClient().Do(req)
	require.NoError(t, err)
	defer res.Body.Close()
	raw, err := io.ReadAll(res.Body)
	require.NoError(t, err)
	require.Less(t, res.StatusCode, 300, "%s %s: %s", method, path, raw)
	m := map[string]any{}
	_ = json.Unmarshal(raw, &m) // Some answer nothing.
	for _, key := range []string{"id", "client_id"} {
		if id, is := m[key].(string); is && c.ids[path] == "" {
			c.ids[path] = id
		}
	}
	return m
}

// fill adds one of each kind.
func (c crowd) fill(t *testing.T, n string) {
	t.Helper()
	post := func(path, body string) string {
		id, _ := c.send(t, "POST", path, body)["id"].(string)
		return id
	}
	user := c.AddUser(resource.User{Email: n + "@example.com", Username: n}, "Correct-Horse-9")
	if c.ids["user"] == "" {
		c.ids["user"] = user
	}
	client := c.send(t, "POST", "/clients", `{"name":"`+n+`","app_type":"regular_web","initiate_login_uri":"https://example.com"}`)["client_id"].(string)
	api := "https://" + n
	post("/resource-servers", `{"identifier":"`+api+`","scopes":[{"value":"read:`+n+`"}]}`)
	grant := post("/client-grants", `{"client_id":"`+client+`","audience":"`+api+`","scope":[],"organization_usage":"allow"}`)
	role := post("/roles", `{"name":"`+n+`"}`)
	con := post("/connections", `{"name":"`+n+`","strategy":"auth0"}`)
	post("/organizations", `{"name":"`+n+`"}`)
	org, first := "/organizations/"+c.ids["/organizations"], c.ids["/roles"]
	post(org+"/members", `{"members":["`+user+`"]}`)
	post(org+"/members/"+url.PathEscape(c.ids["user"])+"/roles", `{"roles":["`+role+`"]}`)
	post(org+"/enabled_connections", `{"connection_id":"`+con+`"}`)
	post(org+"/client-grants", `{"grant_id":"`+grant+`"}`)
	post(org+"/discovery-domains", `{"domain":"`+n+`.example.com"}`)
	post(org+"/invitations", `{"client_id":"`+client+`","inviter":{"name":"a"},"invitee":{"email":"a@example.com"}}`)
	c.send(t, "PATCH", "/connections/"+c.ids["/connections"]+"/clients", `[{"client_id":"`+client+`","status":true}]`)
	c.send(t, "PATCH", "/connections/"+con+"/clients", `[{"client_id":"`+c.ids["/clients"]+`","status":true}]`)
	post("/roles/"+first+"/users", `{"users":["`+user+`"]}`)
	post("/roles/"+first+"/permissions", `{"permissions":[{"resource_server_identifier":"`+api+`","permission_name":"read:`+n+`"}]}`)
	post("/users/"+url.PathEscape(c.ids["user"])+"/roles", `{"roles":["`+role+`"]}`)
	post("/users/"+url.PathEscape(c.ids["user"])+"/authentication-methods", `{"type":"email","name":"`+n+`","email":"`+n+`@example.com"}`)
	c.AddSession(auth0test.Session{UserID: c.ids["user"]})
	c.AddRefreshToken(auth0test.RefreshToken{UserID: c.ids["user"], ClientID: client, Audience: api, Scope: "openid offline_access"})
	c.documents(t, n)
}

// documents adds one of each kind that refers to nothing, and an Action.
func (c crowd) documents(t *testing.T, n string) {
	t.Helper()
	for path, body := range map[string]string{
		"/flows": `{"name":"%s"}`, "/forms": `{"name":"%s"}`, "/rules": `{"name":"%s","script":"x"}`, "/self-service-profiles": `{"name":"%s"}`,
		"/flows/vault/connections": `{"name":"%s","app_id":"HTTP","setup":{"type":"BEARER","token":"t"}}`,
		"/hooks":                   `{"name":"%s","script":"x","triggerId":"credentials-exchange"}`,
		"/custom-domains":          `{"domain":"%s.example.com","type":"auth0_managed_certs"}`,
		"/token-exchange-profiles": `{"name":"%s-x","subject_token_type":"urn:example:%[1]s","action_id":"a","type":"custom_authentication"}`,
		"/user-attribute-profiles": `{"name":"%s","user_attributes":{"email":{"description":"d","label":"l","profile_required":true,"auth0_mapping":"email"}}}`,
		"/event-streams":           `{"name":"%s","subscriptions":[{"event_type":"user.created"}],"destination":{"type":"webhook","configuration":{"webhook_endpoint":"https://example.com","webhook_authorization":{"method":"bearer","token":"t"}}}}`,
		"/network-acls":            `{"description":"%s","active":true,"priority":1,"rule":{"action":{"block":true},"match":{"geo_country_codes":["US"]},"scope":"management"}}`,
		"/keys/encryption":         `{"type":"tenant-encryption-key"}`,
		"/actions/modules":         `{"name":"%s","code":"x","publish":true}`,
	} {
		if bytes.Contains([]byte(body), []byte("%")) {
			body = fmt.Sprintf(body, n)
		}
		c.send(t, "POST", path, body)
	}
	c.send(t, "PATCH", "/prompts/login/screen/"+map[string]string{"n0": "login", "n1": "login-id", "n2": "login-password"}[n]+"/rendering", `{"rendering_mode":"standard"}`)
	action := c.send(t, "POST", "/actions/actions", `{"name":"`+n+`","code":"","supported_triggers":[{"id":"post-login"}]}`)["id"].(string)
	c.send(t, "POST", "/actions/actions/"+action+"/deploy", "")
	c.send(t, "POST", "/actions/actions/"+c.ids["/actions/actions"]+"/deploy", "")
	var bindings []map[string]any
	for _, name := range []string{"n0", "n1", "n2"} {
		bindings = append(bindings, map[string]any{"ref": map[string]any{"type": "action_name", "value": name}})
		if name == n {
			break
		}
	}
	raw, err := json.Marshal(map[string]any{"bindings": bindings})
	require.NoError(t, err)
	c.send(t, "PATCH", "/actions/triggers/post-login/bindings", string(raw))
}

type pager interface{ HasNext() bool }

// listing turns a list of go-auth0 into one whose pages are alike.
func listing[L pager](list func(context.Context, ...sdk.RequestOption) (L, error)) func(context.Context, ...sdk.RequestOption) (pager, error) {
	return func(ctx context.Context, opts ...sdk.RequestOption) (pager, error) { return list(ctx, opts...) }
}

func of[L pager](list func(context.Context, string, ...sdk.RequestOption) (L, error), id string) func(context.Context, ...sdk.RequestOption) (pager, error) {
	return func(ctx context.Context, opts ...sdk.RequestOption) (pager, error) { return list(ctx, id, opts...) }
}

// A loop as go-auth0's examples have it ends for every list, by number and by
// cursor.
func TestHasNextEnds(t *testing.T) {
	t.Parallel()
	c := newCrowd(t)
	ctx := context.WithValue(t.Context(), oauth2.HTTPClient, c.HTTPClient())
	m := c.Machine()
	api, err := sdk.New(auth0test.DefaultDomain, sdk.WithClientCredentials(ctx, m.ID, m.Secret), sdk.WithClient(c.HTTPClient()), sdk.WithNoRetries())
	require.NoError(t, err)
	org, user, role := c.ids["/organizations"], c.ids["user"], c.ids["/roles"]
	members := func(ctx context.Context, opts ...sdk.RequestOption) (pager, error) {
		return api.Organization.MemberRoles(ctx, org, user, opts...)
	}
	type list = func(context.Context, ...sdk.RequestOption) (pager, error)
	for name, list := range map[string]list{
		"actions": listing(api.Action.List), "versions": of(api.Action.Versions, c.ids["/actions/actions"]), "bindings": of(api.Action.Bindings, "post-login"),
		"clients": listing(api.Client.List), "clients by cursor": listing(api.Client.ListWithCheckpointPagination),
		"client grants": listing(api.ClientGrant.List), "organizations of a grant": of(api.ClientGrant.Organizations, c.ids["/client-grants"]),
		"grants of an organization": of(api.Organization.ClientGrants, org), "connections": listing(api.Connection.List),
		"clients of a connection": of(api.Connection.ReadEnabledClients, c.ids["/connections"]),
		"connections of a client": of(api.Client.ReadEnabledConnections, c.ids["/clients"]),
		"custom domains":          listing(api.CustomDomain.ListWithPagination), "device credentials": listing(api.DeviceCredentials.List),
		"encryption keys": listing(api.EncryptionKey.List), "event streams": listing(api.EventStream.List), "flows": listing(api.Flow.List),
		"vault connections": listing(api.Flow.Vault.GetConnectionList), "forms": listing(api.Form.List), "grants": listing(api.Grant.List),
		"hooks": listing(api.Hook.List), "member roles": members, "invitations": of(api.Organization.Invitations, org),
		"enabled connections": of(api.Organization.Connections, org), "members": of(api.Organization.Members, org),
		"organizations": listing(api.Organization.List), "discovery domains": of(api.Organization.DiscoveryDomains, org),
		"renderings": listing(api.Prompt.ListRendering), "refresh tokens": of(api.User.ListRefreshTokens, user),
		"APIs": listing(api.ResourceServer.List), "roles": listing(api.Role.List), "roles of a user": of(api.User.Roles, user),
		"permissions": of(api.Role.Permissions, role), "permissions of a user": of(api.User.Permissions, user), "rules": listing(api.Rule.List),
		"self-service profiles": listing(api.SelfServiceProfile.List), "token exchange profiles": listing(api.TokenExchangeProfile.List),
		"users": listing(api.User.List), "users of a role": of(api.Role.Users, role), "methods": of(api.User.ListAuthenticationMethods, user),
		"sessions": of(api.User.ListUserSessions, user), "attribute profiles": listing(api.UserAttributeProfile.List),
		"organizations of a user": of(api.User.Organizations, user),
	} {
		t.Run(name, func(t *testing.T) {
			page, rows := 0, 0
			for ; page < 20; page++ {
				l, err := list(t.Context(), sdk.PerPage(1), sdk.Page(page))
				require.NoError(t, err)
				rows += size(t, l)
				if !l.HasNext() {
					break
				}
			}
			assert.Less(t, page, 20, "the loop goes on")
			from := ""
			for page = 0; page < 20; page++ {
				opts := []sdk.RequestOption{sdk.Take(1)}
				if from != "" {
					opts = append(opts, sdk.From(from))
				}
				l, err := list(t.Context(), opts...)
				require.NoError(t, err)
				from = next(t, l)
				if from == "" {
					break
				}
			}
			assert.Less(t, page, 20, "the loop by cursor goes on")
			assert.NotZero(t, rows)
		})
	}
}

// size counts the rows of a page; next is its cursor.
func size(t *testing.T, page pager) (n int) {
	t.Helper()
	for _, v := range fields(t, page) {
		if list, is := v.([]any); is {
			n += len(list)
		}
	}
	return n
}

func next(t *testing.T, page pager) string {
	t.Helper()
	s, _ := fields(t, page)["next"].(string)
	return s
}

func fields(t *testing.T, page pager) map[string]any {
	t.Helper()
	raw, err := json.Marshal(page)
	require.NoError(t, err)
	var m map[string]any
	require.NoError(t, json.Unmarshal(raw, &m))
	return m
}

// nodePages loops over getNextPage of every list that node-auth0 has and the
// tenant too, and prints how many rows and pages each had.
const nodePages = `
import { ManagementClient } from "auth0";
const [, , base, token, ids] = process.argv;
const id = JSON.parse(ids);
const m = new ManagementClient({ domain: "tenant.auth0.test", token,
	fetch: (u, o) => fetch(String(u instanceof Request ? u.url : u).replace("https://tenant.auth0.test", base), o) });
const u = id["user"], org = id["/organizations"], role = id["/roles"], con = id["/connections"], client = id["/clients"];
const lists = {
	"actions": p => m.actions.list(p), "versions": p => m.actions.versions.list(id["/actions/actions"], p), "bindings": p => m.actions.triggers.bindings.list("post-login", p),
	"modules": p => m.actions.modules.list(p), "module versions": p => m.actions.modules.versions.list(id["/actions/modules"], p),
	"clients": p => m.clients.list(p), "client connections": p => m.clients.connections.get(client, p), "client grants": p => m.clientGrants.list(p),
	"grant organizations": p => m.clientGrants.organizations.list(id["/client-grants"], p), "connections": p => m.connections.list(p),
	"connection clients": p => m.connections.clients.get(con, p), "device credentials": p => m.deviceCredentials.list(p), "event streams": p => m.eventStreams.list(p),
	"flows": p => m.flows.list(p), "vault": p => m.flows.vault.connections.list(p), "forms": p => m.forms.list(p), "hooks": p => m.hooks.list(p),
	"encryption keys": p => m.keys.encryption.list(p), "network acls": p => m.networkAcls.list(p), "organizations": p => m.organizations.list(p),
	"org grants": p => m.organizations.clientGrants.list(org, p), "org connections": p => m.organizations.connections.list(org, p),
	"discovery domains": p => m.organizations.discoveryDomains.list(org, p), "enabled connections": p => m.organizations.enabledConnections.list(org, p),
	"invitations": p => m.organizations.invitations.list(org, p), "members": p => m.organizations.members.list(org, p), "member roles": p => m.organizations.members.roles.list(org, u, p),
	"renderings": p => m.prompts.rendering.list(p), "APIs": p => m.resourceServers.list(p), "roles": p => m.roles.list(p),
	"role permissions": p => m.roles.permissions.list(role, p), "role users": p => m.roles.users.list(role, p), "rules": p => m.rules.list(p),
	"self-service profiles": p => m.selfServiceProfiles.list(p), "token exchange profiles": p => m.tokenExchangeProfiles.list(p),
	"attribute profiles": p => m.userAttributeProfiles.list(p), "user grants": p => m.userGrants.list(p), "users": p => m.users.list(p),
	"methods": p => m.users.authenticationMethods.list(u, p), "user organizations": p => m.users.organizations.list(u, p),
	"user permissions": p => m.users.permissions.list(u, p), "refresh tokens": p => m.users.refreshToken.list(u, p), "user roles": p => m.users.roles.list(u, p),
	"sessions": p => m.users.sessions.list(u, p),
};
const out = {};
for (const [name, list] of Object.entries(lists)) {
	try {
		let page = await list({ per_page: 1, take: 1 }), rows = page.data.length, pages = 1;
		for (; page.hasNextPage() && pages < 30; pages++) { page = await page.getNextPage(); rows += page.data.length; }
		out[name] = { rows, pages };
	} catch (e) { out[name] = { error: String(e.message ?? e).slice(0, 200) }; }
}
console.log(JSON.stringify(out));
`

func TestGetNextPageEnds(t *testing.T) {
	t.Parallel()
	c := newCrowd(t)
	server := c.StartHTTP()
	t.Cleanup(server.Close)
	c.token = ""
	ids, err := json.Marshal(c.ids)
	require.NoError(t, err)
	m := c.Machine()
	res, err := http.PostForm(server.URL+"/oauth/token", url.Values{
		"grant_type": {"client_credentials"}, "client_id": {m.ID}, "client_secret": {m.Secret}, "audience": {server.URL + "/api/v2/"},
	})
	require.NoError(t, err)
	defer res.Body.Close()
	var answer struct {
		Token string `json:"access_token"`
	}
	require.NoError(t, json.NewDecoder(res.Body).Decode(&answer))
	var lists map[string]struct {
		Rows, Pages int
		Error       string
	}
	require.NoError(t, json.Unmarshal([]byte(node.Run(t, nodePages, server.URL, answer.Token, string(ids))), &lists))
	assert.Len(t, lists, 44)
	for name, l := range lists {
		assert.Empty(t, l.Error, name)
		assert.Less(t, l.Pages, 30, name)
		assert.NotZero(t, l.Rows, name)
	}
}
