package state

import (
	"cmp"
	"crypto/rsa"
	"slices"
	"time"

	"github.com/auth0kit/auth0kit/management/auth0test/internal/keys"
	"github.com/auth0kit/auth0kit/management/auth0test/internal/schema"
	"github.com/auth0kit/auth0kit/management/auth0test/internal/store"
)

// ClientKey is a credential of a client: a public key or a certificate.
type ClientKey struct {
	ID        string
	Doc       map[string]any
	Public    *rsa.PublicKey // Of a public_key for RSA.
	CreatedAt time.Time
	UpdatedAt time.Time
}

// Client is an application. Its document holds what Auth0 echoes; id and secret
// stand beside it.
type Client struct {
	ID, Secret string
	Global     bool // Stands for all applications: lists do not show it.
	Spared     bool // A callback on this machine is no reason to ask for consent.
	Doc        map[string]any
	Keys       store.Table[*ClientKey]
	CreatedAt  time.Time
}

// AddClient keeps an application. Its id, secret and name default to new ones.
func (t *Tenant) AddClient(c *Client, now time.Time) *Client {
	name := store.Document(c.Doc).Text("name")
	if c.ID == "" && t.Options.FixedIDs && name != "" {
		c.ID = store.FixedID(32, "client", name)
	}
	c.ID, c.Secret, c.CreatedAt = cmp.Or(c.ID, store.RandomID(32)), cmp.Or(c.Secret, store.RandomID(64)), now
	c.Doc["name"] = cmp.Or(name, c.ID)
	store.Defaults(c.Doc, map[string]any{"grant_types": GrantTypes, "organization_usage": "allow"})
	t.Clients.Put(c.ID, c)
	return c
}

// GrantTypes are those that the tenant serves.
var GrantTypes = []string{
	"authorization_code", "refresh_token", "client_credentials", "password",
	"http://auth0.com/oauth/grant-type/password-realm", "http://auth0.com/oauth/grant-type/mfa-otp",
	"http://auth0.com/oauth/grant-type/mfa-oob", "http://auth0.com/oauth/grant-type/mfa-recovery-code",
	"http://auth0.com/oauth/grant-type/passwordless/otp", "urn:openid:params:grant-type:ciba", "implicit",
}

// ClientGrant lets a client have tokens for an API.
type ClientGrant struct {
	ID, ClientID string
	Audience     string // ManagementAudience for the Management API.
	Scopes       []string
	Doc          map[string]any // organization_usage and the like.
	CreatedAt    time.Time
}

// ForUsers reports a grant for what the client does in the name of users.
func (g *ClientGrant) ForUsers() bool { return g.Doc["subject_type"] == "user" }

func (t *Tenant) AddGrant(clientID, audience string, scopes []string, now time.Time) *ClientGrant {
	g := &ClientGrant{ID: store.NewID("cgr"), ClientID: clientID, Audience: audience, Scopes: scopes, Doc: map[string]any{"subject_type": "client"}, CreatedAt: now}
	t.Grants.Put(g.ID, g)
	return g
}

// ManagementAudience stands for the Management API's identifier, which follows
// the host of the request.
const ManagementAudience = "auth0test:management"

// API is a resource server.
type API struct {
	ID, Identifier string
	Doc            map[string]any // Without id, identifier and scopes.
	Secret         string         // Of HS256, where nobody set another.
	Scopes         []APIScope
	CreatedAt      time.Time
}

type APIScope struct {
	Value       string `json:"value"`
	Description string `json:"description,omitempty"`
}

// addGlobalClient adds the client that every tenant has for what all
// applications share, such as the custom login page.
func (t *Tenant) addGlobalClient(now time.Time) {
	id := store.RandomID(32)
	t.Clients.Put(id, &Client{ID: id, Secret: store.RandomID(64), Global: true, CreatedAt: now, Doc: schema.Doc("client of all")})
}

func (t *Tenant) addManagementAPI(now time.Time) {
	a := &API{ID: store.RandomID(24), Identifier: ManagementAudience, CreatedAt: now,
		Doc: map[string]any{"name": "Auth0 Management API", "is_system": true}}
	store.Defaults(a.Doc, schema.Doc("api"))
	for _, s := range schema.KnownScopes() {
		a.Scopes = append(a.Scopes, APIScope{Value: s})
	}
	t.APIs.Put(a.ID, a)
}

// APIOf finds the API of an audience, as a caller names it under an issuer.
func (t *Tenant) APIOf(issuer, audience string) *API {
	if audience == issuer+"api/v2/" {
		audience = ManagementAudience
	}
	return t.APIs.Find(func(a *API) bool { return a.Identifier == audience })
}

// AudienceUnder is the identifier as a caller sees it.
func AudienceUnder(issuer, identifier string) string {
	if identifier == ManagementAudience {
		return issuer + "api/v2/"
	}
	return identifier
}

// Role is a role of the tenant, or of one organization if it has an owner.
type Role struct {
	ID, Name, Description string
	Kind, Owner           string // "tenant", or "organization" and its id.
	Permissions           []Permission
	Users                 store.Table[*RoleUser] // Who has it in the tenant, not in organizations.
	CreatedAt             time.Time
}

type RoleUser struct {
	UserID string
	At     time.Time
}

// Permission names a scope of an API by the API's id.
type Permission struct {
	APIID string
	Name  string
}

// NewIdentity is the first identity of a user; its id shares the memory of the
// user's.
func NewIdentity(con *Connection, raw string) (id string, identities []Identity) {
	id = con.Strategy + "|" + raw
	return id, []Identity{{Connection: con.Name, Provider: con.Strategy, UserID: id[len(con.Strategy)+1:], Social: con.Social()}}
}

// Connection is a source of users.
type Connection struct {
	ID, Name, Strategy string
	Doc                map[string]any // Without id, name, strategy and enabled_clients.
	Clients            []string       // Client ids that may use it.
	Keys               keys.Keyring   // What it signs with; empty without any.
	CreatedAt          time.Time
}

// Options are the connection's options, to change in place.
func (c *Connection) Options() map[string]any {
	o, _ := c.Doc["options"].(map[string]any)
	if o == nil {
		o = map[string]any{}
		c.Doc["options"] = o
	}
	return o
}

// EnabledFor reports whether a client may use the connection.
func (c *Connection) EnabledFor(clientID string) bool { return slices.Contains(c.Clients, clientID) }

// MayUse reports whether an application may use a connection: one of a third party
// uses those of the whole domain. The caller holds the mutex.
func (t *Tenant) MayUse(clientID string, con *Connection) bool {
	if c := t.Clients.Get(clientID); c != nil && c.Doc["is_first_party"] == false {
		return con.Doc["is_domain_connection"] == true
	}
	return con.EnabledFor(clientID)
}

func (c *Connection) Database() bool { return c.Strategy == "auth0" }

func (c *Connection) Passwordless() bool { return c.Strategy == "email" || c.Strategy == "sms" }

// TakesUsers reports whether the API may create users in it.
func (c *Connection) TakesUsers() bool { return c.Database() || c.Passwordless() }

// Social reports whether the users come from a social provider.
func (c *Connection) Social() bool {
	return !c.TakesUsers() && !slices.Contains(enterpriseStrategies, c.Strategy)
}

// enterpriseStrategies also have a button on the login page to switch off.
var enterpriseStrategies = []string{
	"ad", "adfs", "auth0-adldap", "google-apps", "ip", "office365", "oidc", "okta", "pingfederate", "samlp", "sharepoint", "waad",
}

// TicketStrategies have a page on which the customer sets the connection up.
var TicketStrategies = []string{"ad", "adfs", "auth0-adldap", "google-apps", "pingfederate", "samlp", "waad"}

func (t *Tenant) AddConnection(name, strategy string, now time.Time) *Connection {
	c := &Connection{ID: t.SeedID("con", name), Name: name, Strategy: strategy, Doc: map[string]any{}, CreatedAt: now}
	c.Complete()
	t.Connections.Put(c.ID, c)
	return c
}

// Complete adds what Auth0 sets by itself where the request says nothing.
func (c *Connection) Complete() {
	store.Defaults(c.Doc, map[string]any{"realms": []any{c.Name}})
	store.Defaults(c.Doc, schema.Doc("connection"))
	if slices.Contains(enterpriseStrategies, c.Strategy) {
		store.Defaults(c.Doc, map[string]any{"show_as_button": false})
	}
	if options := schema.Doc("options of " + c.Strategy); options != nil {
		store.Defaults(c.Options(), options)
	}
	if c.Database() {
		c.completeDatabase()
	}
}

// completeDatabase adds the options of a new database connection that depend on others.
func (c *Connection) completeDatabase() {
	o := store.Document(c.Options())
	if email := o.Sub("attributes").Sub("email"); email != nil {
		store.Defaults(email, map[string]any{"verification_method": "link", "unique": true})
	}
	password := o.Sub("password_options")
	if password == nil {
		store.Defaults(o, map[string]any{"passwordPolicy": "good"})
		return
	}
	for part, values := range schema.Data[map[string]map[string]any]("password options") {
		store.Defaults(password, map[string]any{part: map[string]any{}})
		store.Defaults(password.Sub(part), values)
	}
}

func (t *Tenant) ConnectionNamed(name string) *Connection {
	return t.Connections.Find(func(c *Connection) bool { return c.Name == name })
}
