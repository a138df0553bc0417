package auth0test

import (
	"cmp"
	"crypto/sha1"
	"encoding/hex"
	"slices"
	"strings"
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

func userGrantRoutes() []route {
	return []route{
		{method: "GET", pattern: "/grants", handle: listUserGrants},
		{method: "DELETE", pattern: "/grants", handle: deleteUserGrants},
		{method: "DELETE", pattern: "/grants/{id}", handle: deleteUserGrant},
		{method: "GET", pattern: "/device-credentials", handle: listDeviceCredentials},
		{method: "POST", pattern: "/device-credentials", handle: createDeviceCredential},
		{method: "DELETE", pattern: "/device-credentials/{id}", handle: deleteDeviceCredential},
	}
}

func (r *refreshToken) grantID() string {
	sum := sha1.Sum([]byte(r.userID + "\n" + r.clientID + "\n" + r.audience))
	return hex.EncodeToString(sum[:12])
}

func (t *Tenant) userGrants() []*userGrant {
	var all table[userGrant]
	for _, r := range t.authState.refresh.all() {
		g := all.get(r.grantID())
		if g == nil {
			g = &userGrant{id: r.grantID(), userID: r.userID, clientID: r.clientID, audience: r.audience, scopes: []string{}}
			all.put(g.id, g)
		}
		g.scopes = union(g.scopes, strings.Fields(r.scope))
	}
	return all.all()
}

func listUserGrants(c *call) *reply {
	user, client, audience := c.query.Get("user_id"), c.query.Get("client_id"), c.query.Get("audience")
	rows := slices.DeleteFunc(c.t.userGrants(), func(g *userGrant) bool {
		return user != "" && g.userID != user || client != "" && g.clientID != client || audience != "" && g.audience != audience
	})
	return pageOf(c, "grants", "", rows, func(g *userGrant) any {
		return map[string]any{"id": g.id, "clientID": g.clientID, "user_id": g.userID, "audience": g.audience, "scope": g.scopes}
	})
}

func deleteUserGrants(c *call) *reply {
	c.revokeAll(c.t.authState.refresh.of(c.query.Get("user_id")))
	return noContent()
}

func deleteUserGrant(c *call) *reply {
	c.revokeAll(slices.DeleteFunc(c.t.authState.refresh.all(), func(r *refreshToken) bool { return r.grantID() != c.path("id") }))
	return noContent()
}

func (r *refreshToken) credentialID() string { return "dcr_" + strings.TrimPrefix(r.id, "rt_") }

// listDeviceCredentials lists public keys and, as Auth0 does, refresh tokens.
func listDeviceCredentials(c *call) *reply {
	var rows []map[string]any
	for _, d := range c.t.devices.all() {
		rows = append(rows, d.view())
	}
	for _, r := range c.t.authState.refresh.all() {
		kind := "refresh_token"
		if r.rotating {
			kind = "rotating_refresh_token"
		}
		rows = append(rows, map[string]any{
			"id": r.credentialID(), "type": kind, "user_id": r.userID, "client_id": r.clientID,
			"device_name": cmp.Or(r.device.InitialUserAgent, "unknown"),
		})
	}
	rows = slices.DeleteFunc(rows, func(m map[string]any) bool {
		for _, k := range []string{"user_id", "client_id", "type"} {
			if want := c.query.Get(k); want != "" && m[k] != want {
				return true
			}
		}
		return false
	})
	return pageOf(c, "device_credentials", "", rows, func(m map[string]any) any { return c.fields(m) })
}

func (d *deviceCredential) view() map[string]any {
	m := clone(d.doc)
	delete(m, "value")
	m["id"] = d.id
	return m
}

// createDeviceCredential is for a user's own token.
func createDeviceCredential(c *call) *reply {
	d := &deviceCredential{id: newID("dcr"), doc: c.body}
	d.doc["user_id"] = c.token.subject
	if c.t.devices.find(func(o *deviceCredential) bool {
		return o.doc["device_id"] == d.doc["device_id"] && o.doc["user_id"] == d.doc["user_id"] && o.doc["client_id"] == d.doc["client_id"]
	}) != nil {
		return conflict("A public key already exists for the device.", "")
	}
	c.t.devices.put(d.id, d)
	return created(map[string]any{"id": d.id})
}

func deleteDeviceCredential(c *call) *reply {
	id := c.path("id")
	c.t.devices.delete(id)
	c.revokeAll(slices.DeleteFunc(c.t.authState.refresh.all(), func(r *refreshToken) bool { return r.credentialID() != id }))
	return noContent()
}
