package state

import (
	"slices"
	"time"

	"github.com/auth0kit/auth0kit/management/auth0test/internal/keys"
	"github.com/auth0kit/auth0kit/management/auth0test/internal/schema"
	"github.com/auth0kit/auth0kit/management/auth0test/internal/store"
)

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
