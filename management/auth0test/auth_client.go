package auth0test

import "slices"

// Client is an application to register with AddClient.
type Client struct {
	ID                   string   // Defaults to a new one.
	Secret               string   // Defaults to a new one.
	Name                 string   // Defaults to the ID.
	CallbackURL          string   // Where a login may return to.
	LogoutURL            string   // Where a logout may return to.
	BackChannelLogoutURL string   // Where logout tokens are sent, for every reason to end a session. See Options.Outgoing.
	Grants               []string // Grant types. Defaults to all.
	Scopes               []string // Of the Management API: gives the client a client grant for it.
	Public               bool     // Has no secret, as a single-page or a mobile application.
	RotateRefreshTokens  bool     // Every exchange gives a new refresh token; a spent one ends them all.
}

// AddClient registers an application, also at DefaultConnection, and returns it
// with its ID and Secret.
func (t *Tenant) AddClient(c Client) Client {
	now := t.lock()
	defer t.mu.Unlock()
	added := t.addClient(c, now)
	if con := t.connectionNamed(DefaultConnection); con != nil && !slices.Contains(con.clients, added.id) {
		con.clients = append(con.clients, added.id)
	}
	if len(c.Scopes) > 0 {
		t.addGrant(added.id, managementAudience, c.Scopes, now)
	}
	c.ID, c.Secret, c.Name = added.id, added.secret, added.doc["name"].(string)
	c.Grants = document(added.doc).texts("grant_types")
	c.settings(added.doc)
	return c
}

// settings writes what only the Authentication API reads.
func (c *Client) settings(doc map[string]any) {
	if c.LogoutURL != "" {
		doc["allowed_logout_urls"] = []string{c.LogoutURL}
	}
	if c.BackChannelLogoutURL != "" {
		doc["oidc_logout"] = map[string]any{
			"backchannel_logout_urls":       []string{c.BackChannelLogoutURL},
			"backchannel_logout_initiators": map[string]any{"mode": "all"},
		}
	}
	if c.Public {
		doc["token_endpoint_auth_method"], doc["app_type"] = "none", "spa"
	}
	if c.RotateRefreshTokens {
		doc["refresh_token"] = map[string]any{
			"rotation_type": "rotating", "expiration_type": "expiring", "leeway": 0,
			"token_lifetime": 2592000, "infinite_token_lifetime": false,
			"idle_token_lifetime": 1296000, "infinite_idle_token_lifetime": false,
		}
	}
}

// AddGrant lets a client have tokens for an API by client credentials, with
// these scopes, also for every organization.
func (t *Tenant) AddGrant(clientID, audience string, scopes ...string) {
	now := t.lock()
	defer t.mu.Unlock()
	a := t.apiOf(t.Issuer(), audience)
	if a == nil || t.clients.get(clientID) == nil {
		panic("auth0test: AddGrant: no such client or API " + audience)
	}
	g := t.addGrant(clientID, a.identifier, scopes, now)
	g.doc["organization_usage"], g.doc["allow_any_organization"] = "allow", true
}

// AllowOrganizationNames lets requests name an organization instead of giving its
// id, and puts org_name into tokens, as the tenant setting
// allow_organization_name_in_authentication_api does.
func (t *Tenant) AllowOrganizationNames() {
	t.lock()
	defer t.mu.Unlock()
	t.authState.orgNames = true
}
