package apps

import (
	"crypto/sha256"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/auth0kit/auth0kit/management/auth0test/internal/keys"
	"github.com/auth0kit/auth0kit/management/auth0test/internal/mgmtapi"
	"github.com/auth0kit/auth0kit/management/auth0test/internal/schema"
	"github.com/auth0kit/auth0kit/management/auth0test/internal/state"
	"github.com/auth0kit/auth0kit/management/auth0test/internal/store"
)

func viewConnection(_ *mgmtapi.Call, con *state.Connection) map[string]any {
	m := store.Clone(con.Doc)
	m["id"], m["name"], m["strategy"] = con.ID, con.Name, con.Strategy
	m["enabled_clients"] = store.Render(con.Clients, func(id string) any { return id })
	if secrets := store.Document(con.Options()).Sub("configuration"); len(secrets) > 0 {
		options, hidden := store.Clone(con.Options()), map[string]any{}
		for name, value := range secrets {
			hidden[name] = encrypted(con, name, value)
		}
		options["configuration"] = hidden
		m["options"] = options
	}
	return m
}

const encryption = "2.0$"

// encrypted is how a value of a custom database's configuration is shown.
func encrypted(con *state.Connection, name string, value any) string {
	return fmt.Sprintf("%s%x", encryption, sha256.Sum256(fmt.Appendf(nil, "%s %q %q", con.ID, name, value)))
}

// takeConfiguration puts the stored values in the place of encrypted ones, which a
// program sends that has read the options and writes them back.
func takeConfiguration(con *state.Connection, options map[string]any) *mgmtapi.Reply {
	before, configuration := store.Document(con.Options()).Sub("configuration"), store.Document(options).Sub("configuration")
	for name, value := range configuration {
		switch text, _ := value.(string); {
		case !strings.HasPrefix(text, encryption):
		case before[name] != nil && text == encrypted(con, name, before[name]):
			configuration[name] = before[name]
		default:
			return mgmtapi.BadRequest("auth0test has not encrypted options.configuration."+name, "invalid_body")
		}
	}
	return nil
}

var connections = &mgmtapi.Resource[*state.Connection]{
	Path: "/connections", Table: mgmtapi.In(func(t *state.Tenant) *store.Table[*state.Connection] { return &t.Connections }),
	Missing: mgmtapi.Text{Message: "The connection does not exist", Code: "inexistent_connection"},
	Taken:   mgmtapi.Text{Message: "A connection with the same name already exists"},
	Same:    func(c *mgmtapi.Call, con *state.Connection) bool { return con.Name == c.Str("name") },
	New:     newConnection, Set: changeConnection, Remove: removeConnection,
	View: viewConnection, Kept: []string{"id", "is_domain_connection"}, // As recorded.
	Where: func(c *mgmtapi.Call, con *state.Connection) bool {
		var strategies []string
		for key, values := range c.Query { // "strategy", "strategy[]", "strategy[0]"
			if name, _, _ := strings.Cut(key, "["); name == "strategy" {
				strategies = append(strategies, values...)
			}
		}
		return c.Asks("name", con.Name) && (len(strategies) == 0 || slices.Contains(strategies, con.Strategy))
	},
	Page: mgmtapi.Envelope[*state.Connection]{Key: "connections", Beyond: mgmtapi.BeyondOther, Mark: func(con *state.Connection) store.Mark {
		return store.Mark{At: con.CreatedAt, ID: con.ID}
	}},
	Buckets: [3]string{"read connections", "read connections"},
}

func ConnectionRoutes() []mgmtapi.Route {
	return connections.Routes(append(scimRoutes(),
		mgmtapi.Route{Method: "GET", Pattern: "/connections/{id}/status", Handle: mgmtapi.Telling(connections.Find, func(*mgmtapi.Call, *state.Connection) any { return nil })},
		mgmtapi.Route{Method: "DELETE", Pattern: "/connections/{id}/users", Handle: mgmtapi.On(connections.Find, deleteConnectionUser)},
		mgmtapi.Route{Method: "GET", Pattern: "/connections/{id}/clients", Handle: mgmtapi.On(connections.Find, connectionClients)},
		mgmtapi.Route{Method: "PATCH", Pattern: "/connections/{id}/clients", Handle: mgmtapi.On(connections.Find, changeConnectionClients)},
		mgmtapi.Route{Method: "GET", Pattern: "/connections/{id}/keys", Handle: mgmtapi.On(connections.Find, listConnectionKeys)},
		mgmtapi.Route{Method: "POST", Pattern: "/connections/{id}/keys", Handle: mgmtapi.On(connections.Find, createConnectionKeys)},
		mgmtapi.Route{Method: "POST", Pattern: "/connections/{id}/keys/rotate", AllOf: true, Handle: mgmtapi.On(connections.Find, rotateConnectionKeys)})...)
}

func newConnection(c *mgmtapi.Call) (string, *state.Connection, *mgmtapi.Reply) {
	if bad := checkIdentifiers(c); bad != nil {
		return "", nil, bad
	}
	con := &state.Connection{ID: store.NewID("con"), Name: c.Str("name"), Strategy: c.Str("strategy"), Doc: store.Clone(c.Body), CreatedAt: c.Now}
	con.Clients = c.Strs("enabled_clients")
	for _, k := range []string{"name", "strategy", "enabled_clients"} {
		delete(con.Doc, k)
	}
	con.Complete()
	if slices.Contains(state.TicketStrategies, con.Strategy) {
		con.Doc["provisioning_ticket_url"] = c.Issuer() + "p/" + con.Strategy + "/" + store.RandomID(8)
	}
	return con.ID, con, nil
}

// changeConnection replaces what the request names; options as a whole.
func changeConnection(c *mgmtapi.Call, con *state.Connection) *mgmtapi.Reply {
	if bad := checkIdentifiers(c); bad != nil {
		return bad
	}
	if bad := takeConfiguration(con, c.Obj("options")); bad != nil {
		return bad
	}
	for k, v := range c.Body {
		if k == "enabled_clients" {
			con.Clients = c.Strs(k)
			continue
		}
		con.Doc[k] = v
	}
	if con.Strategy == "auth0" {
		store.Defaults(con.Options(), map[string]any{"brute_force_protection": true})
	}
	return nil
}

// removeConnection deletes the users as well.
func removeConnection(c *mgmtapi.Call, con *state.Connection) *mgmtapi.Reply {
	for _, o := range c.T.Orgs.All() {
		o.Connections.Delete(con.ID)
	}
	for _, u := range c.T.Users.All() {
		if u.Connection() == con.Name {
			c.T.RemoveUser(u)
		}
	}
	mgmtapi.DocumentsAt(c.T, scimPath).Delete(con.ID)
	return mgmtapi.Accepted(map[string]any{"deleted_at": store.Stamp(c.Now)})
}

// checkIdentifiers checks flexible identifiers: none beside the settings that
// they replace, and at least one active.
func checkIdentifiers(c *mgmtapi.Call) *mgmtapi.Reply {
	options := store.Document(c.Obj("options"))
	attributes := options.Sub("attributes")
	if attributes == nil {
		return nil
	}
	for _, key := range []string{"requires_username", "validation"} {
		if _, has := options[key]; has {
			return mgmtapi.BadRequest("Cannot set both options.attributes and options."+key, "invalid_body")
		}
	}
	active := false
	for _, name := range schema.SortedKeys(attributes) {
		a := attributes.Sub(name)
		active = active || a.Sub("identifier").Flag("active")
		if a.Flag("profile_required") && a.Sub("signup").Text("status") != "required" {
			return mgmtapi.BadRequest("attribute "+name+" must also be required on signup", "invalid_body")
		}
	}
	if !active {
		return mgmtapi.BadRequest("attributes must contain one active identifier", "invalid_body")
	}
	return nil
}

func deleteConnectionUser(c *mgmtapi.Call, con *state.Connection) *mgmtapi.Reply {
	if !con.Database() {
		return mgmtapi.BadRequest("Connection must be a database connection", "")
	}
	if u := c.T.Users.WithEmail(con.Name, c.Query.Get("email")); u != nil {
		if failed := c.T.DeleteUser(u); failed != nil {
			return mgmtapi.SandboxError(failed)
		}
	}
	return mgmtapi.NoContent()
}

func changeConnectionClients(c *mgmtapi.Call, con *state.Connection) *mgmtapi.Reply {
	for _, change := range store.Objects(c.List) {
		id, _ := change["client_id"].(string)
		con.Clients = store.Minus(con.Clients, []string{id})
		if change["status"] == true {
			con.Clients = append(con.Clients, id)
		}
	}
	return mgmtapi.NoContent()
}

func connectionClients(c *mgmtapi.Call, con *state.Connection) *mgmtapi.Reply {
	where := func(id string) store.Mark {
		if cl := c.T.Clients.Get(id); cl != nil {
			return store.Mark{At: cl.CreatedAt, ID: id}
		}
		return store.Mark{At: time.Unix(0, 0), ID: id}
	}
	view := func(id string) any { return map[string]any{"client_id": id} }
	return mgmtapi.List(c, mgmtapi.Envelope[string]{Key: "clients", Form: mgmtapi.Cursor, Mark: where}, con.Clients, view)
}

// connectionKeys are what a connection signs with: those for OpenID Connect have
// keys from the start, others when they are asked for.
func connectionKeys(c *mgmtapi.Call, con *state.Connection, make bool) *keys.Keyring {
	if con.Keys.Current == nil && (make || slices.Contains([]string{"oidc", "okta"}, con.Strategy)) {
		con.Keys.Start(con.Name, c.Now)
	}
	return &con.Keys
}

func viewConnectionKey(con *state.Connection, key *keys.SigningKey) any {
	m := key.Described()
	m["algorithm"], m["key_use"], m["subject_dn"] = "RS256", "signing", "/CN="+con.Name
	m["pkcs"] = m["pkcs7"]
	delete(m, "pkcs7")
	switch key {
	case con.Keys.Current:
		m["current"], m["current_since"] = true, store.Stamp(key.At)
	case con.Keys.Next:
		m["next"] = true
	default:
		m["previous"] = true
	}
	return m
}

func listConnectionKeys(c *mgmtapi.Call, con *state.Connection) *mgmtapi.Reply {
	ring := connectionKeys(c, con, false)
	if ring.Current == nil {
		return mgmtapi.OK([]any{})
	}
	all := []*keys.SigningKey{ring.Current}
	if len(ring.Previous) > 0 {
		all = append(all, ring.Previous[0])
	}
	return mgmtapi.OK(store.Render(append(all, ring.Next), func(k *keys.SigningKey) any { return viewConnectionKey(con, k) }))
}

func createConnectionKeys(c *mgmtapi.Call, con *state.Connection) *mgmtapi.Reply {
	if connectionKeys(c, con, false).Current != nil {
		return mgmtapi.Conflict("Keys have already been created for this connection.", "")
	}
	connectionKeys(c, con, true)
	return mgmtapi.Created(listConnectionKeys(c, con).Body)
}

// rotateConnectionKeys answers the new next key.
func rotateConnectionKeys(c *mgmtapi.Call, con *state.Connection) *mgmtapi.Reply {
	ring := connectionKeys(c, con, true)
	ring.Rotate(c.Now)
	return mgmtapi.Created(viewConnectionKey(con, ring.Next))
}
