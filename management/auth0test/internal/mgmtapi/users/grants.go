package users

import (
	"cmp"
	"crypto/sha1"
	"encoding/hex"
	"slices"
	"strings"

	"github.com/auth0kit/auth0kit/management/auth0test/internal/mgmtapi"
	"github.com/auth0kit/auth0kit/management/auth0test/internal/state"
	"github.com/auth0kit/auth0kit/management/auth0test/internal/store"
)

// userGrant is what a user let an application do at an API: the tenant asks
// nobody, and takes the refresh tokens for it.
type userGrant struct {
	id, userID, clientID, audience string
	scopes                         []string
}

// deviceCredential is a public key of a device.
type deviceCredential struct {
	id  string
	doc map[string]any
}

// deviceStore holds the device credentials of all users.
type deviceStore struct{ store.Table[deviceCredential] }

func devicesOf(t *state.Tenant) *deviceStore { return state.Part(t, state.Zero[deviceStore]) }

func UserGrantRoutes() []mgmtapi.Route {
	return []mgmtapi.Route{
		{Method: "GET", Pattern: "/grants", Handle: listUserGrants},
		{Method: "DELETE", Pattern: "/grants", Handle: deleteUserGrants},
		{Method: "DELETE", Pattern: "/grants/{id}", Handle: deleteUserGrant},
		{Method: "GET", Pattern: "/device-credentials", Handle: listDeviceCredentials},
		{Method: "POST", Pattern: "/device-credentials", Handle: createDeviceCredential},
		{Method: "DELETE", Pattern: "/device-credentials/{id}", Handle: deleteDeviceCredential},
	}
}

func grantID(r *state.RefreshToken) string {
	sum := sha1.Sum([]byte(r.UserID + "\n" + r.ClientID + "\n" + r.Audience))
	return hex.EncodeToString(sum[:12])
}

func userGrants(t *state.Tenant) []*userGrant {
	var all store.Table[userGrant]
	for _, r := range t.Auth.Refresh.All() {
		g := all.Get(grantID(r))
		if g == nil {
			g = &userGrant{id: grantID(r), userID: r.UserID, clientID: r.ClientID, audience: r.Audience, scopes: []string{}}
			all.Put(g.id, g)
		}
		g.scopes = store.Union(g.scopes, strings.Fields(r.Scope))
	}
	return all.All()
}

func listUserGrants(c *mgmtapi.Call) *mgmtapi.Reply {
	user, client, audience := c.Query.Get("user_id"), c.Query.Get("client_id"), c.Query.Get("audience")
	rows := slices.DeleteFunc(userGrants(c.T), func(g *userGrant) bool {
		return user != "" && g.userID != user || client != "" && g.clientID != client || audience != "" && g.audience != audience
	})
	return mgmtapi.List(c, mgmtapi.Envelope[*userGrant]{Key: "grants"}, rows, func(g *userGrant) any {
		return map[string]any{"id": g.id, "clientID": g.clientID, "user_id": g.userID, "audience": g.audience, "scope": g.scopes}
	})
}

func deleteUserGrants(c *mgmtapi.Call) *mgmtapi.Reply {
	c.RevokeAll(c.T.Auth.Refresh.Of(c.Query.Get("user_id")))
	return mgmtapi.NoContent()
}

func deleteUserGrant(c *mgmtapi.Call) *mgmtapi.Reply {
	c.RevokeAll(slices.DeleteFunc(c.T.Auth.Refresh.All(), func(r *state.RefreshToken) bool { return grantID(r) != c.Path("id") }))
	return mgmtapi.NoContent()
}

func credentialID(r *state.RefreshToken) string { return "dcr_" + strings.TrimPrefix(r.ID, "rt_") }

// listDeviceCredentials lists public keys and, as Auth0 does, refresh tokens.
func listDeviceCredentials(c *mgmtapi.Call) *mgmtapi.Reply {
	var rows []map[string]any
	for _, d := range devicesOf(c.T).All() {
		rows = append(rows, d.view())
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
		for _, k := range []string{"user_id", "client_id", "type"} {
			if want := c.Query.Get(k); want != "" && m[k] != want {
				return true
			}
		}
		return false
	})
	return mgmtapi.List(c, mgmtapi.Envelope[map[string]any]{Key: "device_credentials"}, rows, func(m map[string]any) any { return c.Fields(m) })
}

func (d *deviceCredential) view() map[string]any {
	m := store.Clone(d.doc)
	delete(m, "value")
	m["id"] = d.id
	return m
}

// createDeviceCredential is for a user's own token.
func createDeviceCredential(c *mgmtapi.Call) *mgmtapi.Reply {
	d := &deviceCredential{id: store.NewID("dcr"), doc: c.Body}
	d.doc["user_id"] = c.Token.Subject
	if devicesOf(c.T).Find(func(o *deviceCredential) bool {
		return o.doc["device_id"] == d.doc["device_id"] && o.doc["user_id"] == d.doc["user_id"] && o.doc["client_id"] == d.doc["client_id"]
	}) != nil {
		return mgmtapi.Conflict("A public key already exists for the device.", "")
	}
	devicesOf(c.T).Put(d.id, d)
	return mgmtapi.Created(map[string]any{"id": d.id})
}

func deleteDeviceCredential(c *mgmtapi.Call) *mgmtapi.Reply {
	id := c.Path("id")
	devicesOf(c.T).Delete(id)
	c.RevokeAll(slices.DeleteFunc(c.T.Auth.Refresh.All(), func(r *state.RefreshToken) bool { return credentialID(r) != id }))
	return mgmtapi.NoContent()
}
