package auth0test

import (
	"github.com/auth0kit/auth0kit/management/auth0test/internal/state"
	"github.com/auth0kit/auth0kit/management/auth0test/internal/store"
)

// Application describes an application, for AddClient.
type Application struct {
	ID                   string   // Defaults to a new one.
	Secret               string   // Defaults to a new one.
	Name                 string   // Defaults to the ID.
	CallbackURL          string   // Where a login may return to.
	Callbacks            []string // More of them.
	LoginURL             string   // Where a login at the application starts, by https: invitations to organizations lead there.
	WebOrigin            string   // Of pages that renew silently, in a frame: web messages go there.
	LogoutURL            string   // Where a logout may return to.
	BackChannelLogoutURL string   // Where logout tokens are sent, for every reason to end a session. See Options.Outgoing.
	Grants               []string // Grant types. Defaults to all.
	Scopes               []string // Of the Management API: gives the client a client grant for it.
	Public               bool     // Has no secret, as a single-page or a mobile application.
	AsksConsent          bool     // Users are asked for consent when the callback is on this machine, as Auth0 asks them.
	RotateRefreshTokens  bool     // Every exchange gives a new refresh token; a spent one ends them all.
}

// AddClient registers an application, enables it for all connections of the
// tenant and, other than Auth0's default, for organizations (organization_usage
// "allow"), and returns it with its ID and Secret. Its users are asked for consent
// as Auth0 asks them, but for callbacks on this machine: see AsksConsent.
func (t *Tenant) AddClient(c Application) Application {
	now := t.s.Lock()
	defer t.s.Unlock()
	doc := map[string]any{"name": c.Name, "app_type": "regular_web"}
	c.settings(doc)
	added := t.s.AddClient(&state.Client{ID: c.ID, Secret: c.Secret, Spared: !c.AsksConsent, Doc: doc}, now)
	for _, con := range t.s.Connections.All() {
		if !con.EnabledFor(added.ID) {
			con.Clients = append(con.Clients, added.ID)
		}
	}
	if len(c.Scopes) > 0 {
		t.s.AddGrant(added.ID, state.ManagementAudience, c.Scopes, now)
	}
	c.ID, c.Secret, c.Name = added.ID, added.Secret, added.Doc["name"].(string)
	c.Grants = store.Document(added.Doc).Texts("grant_types")
	return c
}

// settings writes what was said into the application's document.
func (c *Application) settings(doc map[string]any) {
	if c.Grants != nil {
		doc["grant_types"] = c.Grants
	}
	callbacks := c.Callbacks
	if c.CallbackURL != "" {
		callbacks = append([]string{c.CallbackURL}, callbacks...)
	}
	for name, list := range map[string][]string{"callbacks": callbacks, "allowed_logout_urls": {c.LogoutURL}, "web_origins": {c.WebOrigin}} {
		if len(list) > 0 && list[0] != "" {
			doc[name] = list
		}
	}
	store.Put(doc, "initiate_login_uri", c.LoginURL)
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
	now := t.s.Lock()
	defer t.s.Unlock()
	a := t.s.APIOf(t.Issuer(), audience)
	if a == nil || t.s.Clients.Get(clientID) == nil {
		panic("auth0test: AddGrant: no such client or API " + audience)
	}
	g := t.s.AddGrant(clientID, a.Identifier, scopes, now)
	g.Doc["organization_usage"], g.Doc["allow_any_organization"] = "allow", true
}

// AllowOrganizationNames lets requests name an organization instead of giving its
// id, and puts org_name into tokens, as the tenant setting
// allow_organization_name_in_authentication_api does.
func (t *Tenant) AllowOrganizationNames() {
	t.s.Lock()
	defer t.s.Unlock()
	t.s.Auth.OrgNames = true
}
