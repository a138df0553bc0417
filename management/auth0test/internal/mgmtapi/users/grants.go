package users

import (
	"cmp"
	"slices"
	"strings"

	"github.com/auth0kit/auth0kit/management/auth0test/internal/mgmtapi"
	"github.com/auth0kit/auth0kit/management/auth0test/internal/state"
	"github.com/auth0kit/auth0kit/management/auth0test/internal/store"
)

// devicesOf are the public keys of the devices of all users.
func devicesOf(t *state.Tenant) *store.Table[*mgmtapi.Doc] {
	return mgmtapi.DocumentsAt(t, "/device-credentials")
}

func UserGrantRoutes() []mgmtapi.Route {
	return []mgmtapi.Route{
		{Method: "GET", Pattern: "/grants", Handle: mgmtapi.Listing(mgmtapi.Any, mgmtapi.Envelope[*state.Consent]{Key: "grants"}, askedGrants, viewConsent)},
		{Method: "DELETE", Pattern: "/grants", Handle: mgmtapi.Doing(mgmtapi.Any, func(c *mgmtapi.Call, t *state.Tenant) { t.Withdraw(asked(c)) })},
		{Method: "DELETE", Pattern: "/grants/{id}", Handle: mgmtapi.Doing(mgmtapi.Any, func(c *mgmtapi.Call, t *state.Tenant) {
			t.Withdraw(func(g *state.Consent) bool { return g.ID == c.Path("id") })
		})},
		{Method: "GET", Pattern: "/device-credentials", Handle: listDeviceCredentials},
		{Method: "POST", Pattern: "/device-credentials", Handle: createDeviceCredential},
		{Method: "DELETE", Pattern: "/device-credentials/{id}", Handle: deleteDeviceCredential},
	}
}

// asked reports whether a consent is one that the query is about.
func asked(c *mgmtapi.Call) func(*state.Consent) bool {
	return func(g *state.Consent) bool {
		return c.Asks("user_id", g.UserID) && c.Asks("client_id", g.ClientID) && c.Asks("audience", audienceOf(c, g))
	}
}

// audienceOf is /userinfo where the application asked for no API.
func audienceOf(c *mgmtapi.Call, g *state.Consent) string {
	return cmp.Or(g.Audience, c.Issuer()+"userinfo")
}

func askedGrants(c *mgmtapi.Call, t *state.Tenant) []*state.Consent {
	is := asked(c)
	return slices.DeleteFunc(t.AllConsents(), func(g *state.Consent) bool { return !is(g) })
}

func viewConsent(c *mgmtapi.Call, g *state.Consent) map[string]any {
	return map[string]any{"id": g.ID, "clientID": g.ClientID, "user_id": g.UserID, "audience": audienceOf(c, g), "scope": g.Scopes}
}

func credentialID(r *state.RefreshToken) string { return "dcr_" + strings.TrimPrefix(r.ID, "rt_") }

// listDeviceCredentials lists public keys and, as Auth0 does, refresh tokens.
func listDeviceCredentials(c *mgmtapi.Call) *mgmtapi.Reply {
	var rows []map[string]any
	for _, d := range devicesOf(c.T).All() {
		m := store.MergedCopy(d.Doc, map[string]any{"id": d.ID})
		delete(m, "value")
		rows = append(rows, m)
	}
	for _, r := range c.T.Auth.Refresh.All() {
		kind := "refresh_token"
		if r.Rotating {
			kind = "rotating_refresh_token"
		}
		rows = append(rows, map[string]any{
			"id": credentialID(r), "type": kind, "user_id": r.UserID, "client_id": r.ClientID,
			"device_name": cmp.Or(r.Device.InitialUserAgent, "unknown"),
		})
	}
	rows = slices.DeleteFunc(rows, func(m map[string]any) bool {
		is := func(name string) bool { return c.Asks(name, store.Document(m).Text(name)) }
		return !is("user_id") || !is("client_id") || !is("type")
	})
	return mgmtapi.List(c, mgmtapi.Envelope[map[string]any]{Key: "device_credentials"}, rows, func(m map[string]any) any { return c.Fields(m) })
}

// createDeviceCredential is for a user's own token.
func createDeviceCredential(c *mgmtapi.Call) *mgmtapi.Reply {
	d := &mgmtapi.Doc{ID: store.NewID("dcr"), Doc: c.Body}
	d.Doc["user_id"] = c.Token.Subject
	if devicesOf(c.T).Find(func(o *mgmtapi.Doc) bool {
		return o.Doc["device_id"] == d.Doc["device_id"] && o.Doc["user_id"] == d.Doc["user_id"] && o.Doc["client_id"] == d.Doc["client_id"]
	}) != nil {
		return mgmtapi.Conflict("A public key already exists for the device.", "")
	}
	devicesOf(c.T).Put(d.ID, d)
	return mgmtapi.Created(map[string]any{"id": d.ID})
}

func deleteDeviceCredential(c *mgmtapi.Call) *mgmtapi.Reply {
	id := c.Path("id")
	devicesOf(c.T).Delete(id)
	c.RevokeAll(slices.DeleteFunc(c.T.Auth.Refresh.All(), func(r *state.RefreshToken) bool { return credentialID(r) != id }))
	return mgmtapi.NoContent()
}
