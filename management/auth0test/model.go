package auth0test

import (
	"maps"
	"time"
)

// stamp writes a time as Auth0 does: UTC, milliseconds.
func stamp(t time.Time) string { return t.UTC().Format("2006-01-02T15:04:05.000Z") }

// client is an application. Its document holds what Auth0 echoes; id and secret
// stand beside it.
type client struct {
	id, secret string
	doc        map[string]any
	keys       table[clientKey]
	createdAt  time.Time
}

func (t *Tenant) addClient(c Client, now time.Time) *client {
	if c.ID == "" {
		c.ID = randomID(32)
	}
	if c.Secret == "" {
		c.Secret = randomID(64)
	}
	if c.Name == "" {
		c.Name = c.ID
	}
	if c.Grants == nil {
		c.Grants = allGrantTypes
	}
	doc := map[string]any{"name": c.Name, "grant_types": c.Grants, "app_type": "regular_web"}
	if c.CallbackURL != "" {
		doc["callbacks"] = []string{c.CallbackURL}
	}
	if c.BackChannelLogoutURL != "" {
		doc["oidc_logout"] = map[string]any{"backchannel_logout_urls": []string{c.BackChannelLogoutURL}}
	}
	added := &client{id: c.ID, secret: c.Secret, doc: doc, createdAt: now}
	t.clients.put(c.ID, added)
	return added
}

var allGrantTypes = []string{
	"authorization_code", "refresh_token", "client_credentials", "password",
	"http://auth0.com/oauth/grant-type/password-realm", "http://auth0.com/oauth/grant-type/mfa-otp",
	"http://auth0.com/oauth/grant-type/mfa-oob", "http://auth0.com/oauth/grant-type/mfa-recovery-code",
	"http://auth0.com/oauth/grant-type/passwordless/otp", "urn:openid:params:grant-type:ciba", "implicit",
}

// clientGrant lets a client have tokens for an API.
type clientGrant struct {
	id, clientID string
	audience     string // managementAudience for the Management API.
	scopes       []string
	doc          map[string]any // organization_usage and the like.
	createdAt    time.Time
}

func (t *Tenant) addGrant(clientID, audience string, scopes []string, now time.Time) *clientGrant {
	g := &clientGrant{id: newID("cgr"), clientID: clientID, audience: audience, scopes: scopes, doc: map[string]any{}, createdAt: now}
	t.grants.put(g.id, g)
	return g
}

// managementAudience stands for the Management API's identifier, which follows
// the host of the request.
const managementAudience = "auth0test:management"

// api is a resource server.
type api struct {
	id, identifier string
	doc            map[string]any // Without id, identifier and scopes.
	scopes         []apiScope
	createdAt      time.Time
}

type apiScope struct {
	Value       string `json:"value"`
	Description string `json:"description,omitempty"`
}

func (t *Tenant) addManagementAPI(now time.Time) {
	a := &api{id: randomID(24), identifier: managementAudience, createdAt: now,
		doc: map[string]any{"name": "Auth0 Management API", "is_system": true}}
	defaults(a.doc, apiDefaults())
	for _, s := range knownScopes() {
		a.scopes = append(a.scopes, apiScope{Value: s})
	}
	t.apis.put(a.id, a)
}

// apiOf finds the API of an audience, as a caller names it under an issuer.
func (t *Tenant) apiOf(issuer, audience string) *api {
	if audience == issuer+"api/v2/" {
		audience = managementAudience
	}
	return t.apis.find(func(a *api) bool { return a.identifier == audience })
}

// audienceUnder is the identifier as a caller sees it.
func audienceUnder(issuer, identifier string) string {
	if identifier == managementAudience {
		return issuer + "api/v2/"
	}
	return identifier
}

// role is a role of the tenant, or of one organization if it has an owner.
type role struct {
	id, name, description string
	kind, owner           string // "tenant", or "organization" and its id.
	permissions           []permission
	users                 table[roleUser] // Who has it in the tenant, not in organizations.
	createdAt             time.Time
}

type roleUser struct {
	userID string
	at     time.Time
}

// permission names a scope of an API by the API's id.
type permission struct {
	apiID string
	name  string
}

// ticket is a link that a user gets: to set a password, to verify an address,
// to enrol a factor.
type ticket struct {
	id, kind  string // "password_change", "email_verification", …
	userID    string
	clientID  string
	resultURL string
	expiresAt time.Time
	set       map[string]any // What the request said besides.
}

// newIdentity is the first identity of a user; its id shares the memory of the
// user's.
func newIdentity(con *connection, raw string) (id string, identities []identity) {
	id = con.strategy + "|" + raw
	return id, []identity{{connection: con.name, provider: con.strategy, userID: id[len(con.strategy)+1:], social: con.social()}}
}

// clone copies a document's first level.
func clone(m map[string]any) map[string]any { return maps.Clone(m) }
