package apps

import (
	"slices"
	"time"

	"github.com/auth0kit/auth0kit/management/auth0test/internal/mgmtapi"
	"github.com/auth0kit/auth0kit/management/auth0test/internal/schema"
	"github.com/auth0kit/auth0kit/management/auth0test/internal/state"
	"github.com/auth0kit/auth0kit/management/auth0test/internal/store"
)

func viewConnection(c *state.Connection) map[string]any {
	m := store.Clone(c.Doc)
	m["id"], m["name"], m["strategy"] = c.ID, c.Name, c.Strategy
	m["enabled_clients"] = store.Render(c.Clients, func(id string) any { return id })
	return m
}

func ConnectionRoutes() []mgmtapi.Route {
	return []mgmtapi.Route{
		{Method: "GET", Pattern: "/connections", Bucket: "read connections", Handle: listConnections},
		{Method: "POST", Pattern: "/connections", Handle: createConnection},
		{Method: "GET", Pattern: "/connections/{id}", Bucket: "read connections", Handle: readConnection},
		{Method: "PATCH", Pattern: "/connections/{id}", Handle: updateConnection},
		{Method: "DELETE", Pattern: "/connections/{id}", Handle: deleteConnection},
		{Method: "GET", Pattern: "/connections/{id}/status", Handle: connectionStatus},
		{Method: "DELETE", Pattern: "/connections/{id}/users", Handle: deleteConnectionUser},
		{Method: "GET", Pattern: "/connections/{id}/clients", Handle: connectionClients},
		{Method: "PATCH", Pattern: "/connections/{id}/clients", Handle: changeConnectionClients},
	}
}

func connection(c *mgmtapi.Call, name string) (*state.Connection, *mgmtapi.Reply) {
	con := c.T.Connections.Get(c.Path(name))
	if con == nil {
		return nil, mgmtapi.NotFound("The connection does not exist", "inexistent_connection")
	}
	return con, nil
}

func listConnections(c *mgmtapi.Call) *mgmtapi.Reply {
	strategies := append(c.Query["strategy"], c.Query["strategy[]"]...)
	for i := 0; c.Query.Has("strategy[" + string(rune('0'+i)) + "]"); i++ {
		strategies = append(strategies, c.Query.Get("strategy["+string(rune('0'+i))+"]"))
	}
	name := c.Query.Get("name")
	var rows []*state.Connection
	for _, con := range c.T.Connections.All() {
		if (name == "" || con.Name == name) && (len(strategies) == 0 || slices.Contains(strategies, con.Strategy)) {
			rows = append(rows, con)
		}
	}
	view := func(con *state.Connection) any { return connectionFields(c, con) }
	if c.ByCheckpoint() {
		where := func(con *state.Connection) store.Mark { return store.Mark{At: con.CreatedAt, ID: con.ID} }
		return mgmtapi.Checkpoint(c, mgmtapi.List[*state.Connection]{Key: "connections", Rows: rows, Where: where, View: view})
	}
	return mgmtapi.PageOf(c, "connections", mgmtapi.BeyondOther, rows, view)
}

func createConnection(c *mgmtapi.Call) *mgmtapi.Reply {
	name := c.Str("name")
	if c.T.ConnectionNamed(name) != nil {
		return mgmtapi.Conflict("A connection with the same name already exists", "")
	}
	if bad := checkIdentifiers(c); bad != nil {
		return bad
	}
	con := &state.Connection{ID: store.NewID("con"), Name: name, Strategy: c.Str("strategy"), Doc: store.Clone(c.Body), CreatedAt: c.Now}
	con.Clients = c.Strs("enabled_clients")
	for _, k := range []string{"name", "strategy", "enabled_clients"} {
		delete(con.Doc, k)
	}
	con.Complete()
	if slices.Contains(state.TicketStrategies, con.Strategy) {
		con.Doc["provisioning_ticket_url"] = c.Issuer() + "p/" + con.Strategy + "/" + store.RandomID(8)
	}
	c.T.Connections.Put(con.ID, con)
	return mgmtapi.Created(viewConnection(con))
}

// checkIdentifiers checks flexible identifiers: none beside the settings that
// they replace, and at least one active.
func checkIdentifiers(c *mgmtapi.Call) *mgmtapi.Reply {
	options := c.Obj("options")
	attributes, has := options["attributes"].(map[string]any)
	if !has {
		return nil
	}
	for _, key := range []string{"requires_username", "validation"} {
		if _, has := options[key]; has {
			return mgmtapi.BadRequest("Cannot set both options.attributes and options."+key, "invalid_body")
		}
	}
	active := false
	for _, name := range schema.SortedKeys(attributes) {
		a, _ := attributes[name].(map[string]any)
		identifier, _ := a["identifier"].(map[string]any)
		active = active || identifier["active"] == true
		signup, _ := a["signup"].(map[string]any)
		if a["profile_required"] == true && signup["status"] != "required" {
			return mgmtapi.BadRequest("attribute "+name+" must also be required on signup", "invalid_body")
		}
	}
	if !active {
		return mgmtapi.BadRequest("attributes must contain one active identifier", "invalid_body")
	}
	return nil
}

// connectionFields applies the query's fields; is_domain_connection is always
// shown, as recorded.
func connectionFields(c *mgmtapi.Call, con *state.Connection) map[string]any {
	m := c.Fields(viewConnection(con))
	m["is_domain_connection"] = con.Doc["is_domain_connection"]
	return m
}

func readConnection(c *mgmtapi.Call) *mgmtapi.Reply {
	con, bad := connection(c, "id")
	if bad != nil {
		return bad
	}
	return mgmtapi.OK(connectionFields(c, con))
}

// updateConnection replaces what the request names; options as a whole.
func updateConnection(c *mgmtapi.Call) *mgmtapi.Reply {
	con, bad := connection(c, "id")
	if bad != nil {
		return bad
	}
	if bad := checkIdentifiers(c); bad != nil {
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
	return mgmtapi.OK(viewConnection(con))
}

// deleteConnection deletes the users as well; a second deletion answers 204.
func deleteConnection(c *mgmtapi.Call) *mgmtapi.Reply {
	con := c.T.Connections.Get(c.Path("id"))
	if con == nil {
		return mgmtapi.NoContent()
	}
	c.T.Connections.Delete(con.ID)
	for _, o := range c.T.Orgs.All() {
		o.Connections.Delete(con.ID)
	}
	for _, u := range c.T.Users.All() {
		if u.Connection() == con.Name {
			c.T.RemoveUser(u)
		}
	}
	return mgmtapi.Accepted(map[string]any{"deleted_at": store.Stamp(c.Now)})
}

// connectionStatus answers as a connection that works.
func connectionStatus(c *mgmtapi.Call) *mgmtapi.Reply {
	if _, bad := connection(c, "id"); bad != nil {
		return bad
	}
	return &mgmtapi.Reply{Status: 200}
}

func deleteConnectionUser(c *mgmtapi.Call) *mgmtapi.Reply {
	con, bad := connection(c, "id")
	if bad != nil {
		return bad
	}
	if !con.Database() {
		return mgmtapi.BadRequest("Connection must be a database connection", "")
	}
	if u := c.T.Users.WithEmail(con.Name, c.Query.Get("email")); u != nil {
		c.T.RemoveUser(u)
	}
	return mgmtapi.NoContent()
}

func connectionClients(c *mgmtapi.Call) *mgmtapi.Reply {
	con, bad := connection(c, "id")
	if bad != nil {
		return bad
	}
	where := func(id string) store.Mark {
		if cl := c.T.Clients.Get(id); cl != nil {
			return store.Mark{At: cl.CreatedAt, ID: id}
		}
		return store.Mark{At: time.Unix(0, 0), ID: id}
	}
	view := func(id string) any { return map[string]any{"client_id": id} }
	return mgmtapi.Checkpoint(c, mgmtapi.List[string]{Key: "clients", Rows: con.Clients, Where: where, View: view})
}

func changeConnectionClients(c *mgmtapi.Call) *mgmtapi.Reply {
	con, bad := connection(c, "id")
	if bad != nil {
		return bad
	}
	for _, item := range c.List {
		change, _ := item.(map[string]any)
		id, _ := change["client_id"].(string)
		con.Clients = slices.DeleteFunc(slices.Clone(con.Clients), func(x string) bool { return x == id })
		if change["status"] == true {
			con.Clients = append(con.Clients, id)
		}
	}
	return mgmtapi.NoContent()
}
