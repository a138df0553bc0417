package auth0test

import (
	"slices"
	"time"
)

func connectionRoutes() []route {
	return []route{
		{method: "GET", pattern: "/connections", bucket: "read connections", handle: listConnections},
		{method: "POST", pattern: "/connections", handle: createConnection},
		{method: "GET", pattern: "/connections/{id}", bucket: "read connections", handle: readConnection},
		{method: "PATCH", pattern: "/connections/{id}", handle: updateConnection},
		{method: "DELETE", pattern: "/connections/{id}", handle: deleteConnection},
		{method: "GET", pattern: "/connections/{id}/status", handle: connectionStatus},
		{method: "DELETE", pattern: "/connections/{id}/users", handle: deleteConnectionUser},
		{method: "GET", pattern: "/connections/{id}/clients", handle: connectionClients},
		{method: "PATCH", pattern: "/connections/{id}/clients", handle: changeConnectionClients},
	}
}

func (c *call) connection(name string) (*connection, *reply) {
	con := c.t.connections.get(c.path(name))
	if con == nil {
		return nil, notFound("The connection does not exist", "inexistent_connection")
	}
	return con, nil
}

func listConnections(c *call) *reply {
	strategies := append(c.query["strategy"], c.query["strategy[]"]...)
	for i := 0; c.query.Has("strategy[" + string(rune('0'+i)) + "]"); i++ {
		strategies = append(strategies, c.query.Get("strategy["+string(rune('0'+i))+"]"))
	}
	name := c.query.Get("name")
	var rows []*connection
	for _, con := range c.t.connections.all() {
		if (name == "" || con.name == name) && (len(strategies) == 0 || slices.Contains(strategies, con.strategy)) {
			rows = append(rows, con)
		}
	}
	view := func(con *connection) any { return c.connectionFields(con) }
	if c.byCheckpoint() {
		where := func(con *connection) mark { return mark{con.createdAt, con.id} }
		return checkpoint(c, list[*connection]{key: "connections", rows: rows, where: where, view: view})
	}
	return pageOf(c, "connections", beyondOther, rows, view)
}

func createConnection(c *call) *reply {
	name := c.str("name")
	if c.t.connectionNamed(name) != nil {
		return conflict("A connection with the same name already exists", "")
	}
	if bad := c.checkIdentifiers(); bad != nil {
		return bad
	}
	con := &connection{id: newID("con"), name: name, strategy: c.str("strategy"), doc: clone(c.body), createdAt: c.now}
	con.clients = c.strs("enabled_clients")
	for _, k := range []string{"name", "strategy", "enabled_clients"} {
		delete(con.doc, k)
	}
	con.complete()
	if slices.Contains(ticketStrategies, con.strategy) {
		con.doc["provisioning_ticket_url"] = c.issuer() + "p/" + con.strategy + "/" + randomID(8)
	}
	c.t.connections.put(con.id, con)
	return created(con.view())
}

// checkIdentifiers checks flexible identifiers: none beside the settings that
// they replace, and at least one active.
func (c *call) checkIdentifiers() *reply {
	options := c.obj("options")
	attributes, has := options["attributes"].(map[string]any)
	if !has {
		return nil
	}
	for _, key := range []string{"requires_username", "validation"} {
		if _, has := options[key]; has {
			return badRequest("Cannot set both options.attributes and options."+key, "invalid_body")
		}
	}
	active := false
	for _, name := range sortedKeys(attributes) {
		a, _ := attributes[name].(map[string]any)
		identifier, _ := a["identifier"].(map[string]any)
		active = active || identifier["active"] == true
		signup, _ := a["signup"].(map[string]any)
		if a["profile_required"] == true && signup["status"] != "required" {
			return badRequest("attribute "+name+" must also be required on signup", "invalid_body")
		}
	}
	if !active {
		return badRequest("attributes must contain one active identifier", "invalid_body")
	}
	return nil
}

// connectionFields applies the query's fields; is_domain_connection is always
// shown, as recorded.
func (c *call) connectionFields(con *connection) map[string]any {
	m := c.fields(con.view())
	m["is_domain_connection"] = con.doc["is_domain_connection"]
	return m
}

func readConnection(c *call) *reply {
	con, bad := c.connection("id")
	if bad != nil {
		return bad
	}
	return ok(c.connectionFields(con))
}

// updateConnection replaces what the request names; options as a whole.
func updateConnection(c *call) *reply {
	con, bad := c.connection("id")
	if bad != nil {
		return bad
	}
	if bad := c.checkIdentifiers(); bad != nil {
		return bad
	}
	for k, v := range c.body {
		if k == "enabled_clients" {
			con.clients = c.strs(k)
			continue
		}
		con.doc[k] = v
	}
	if con.strategy == "auth0" {
		defaults(con.options(), map[string]any{"brute_force_protection": true})
	}
	return ok(con.view())
}

// deleteConnection deletes the users as well; a second deletion answers 204.
func deleteConnection(c *call) *reply {
	con := c.t.connections.get(c.path("id"))
	if con == nil {
		return noContent()
	}
	c.t.connections.delete(con.id)
	for _, o := range c.t.orgs.all() {
		o.connections.delete(con.id)
	}
	for _, u := range c.t.users.all() {
		if u.connection() == con.name {
			c.t.removeUser(u)
		}
	}
	return accepted(map[string]any{"deleted_at": stamp(c.now)})
}

// connectionStatus answers as a connection that works.
func connectionStatus(c *call) *reply {
	if _, bad := c.connection("id"); bad != nil {
		return bad
	}
	return &reply{status: 200}
}

func deleteConnectionUser(c *call) *reply {
	con, bad := c.connection("id")
	if bad != nil {
		return bad
	}
	if !con.database() {
		return badRequest("Connection must be a database connection", "")
	}
	if u := c.t.users.withEmail(con.name, c.query.Get("email")); u != nil {
		c.t.removeUser(u)
	}
	return noContent()
}

func connectionClients(c *call) *reply {
	con, bad := c.connection("id")
	if bad != nil {
		return bad
	}
	where := func(id string) mark {
		if cl := c.t.clients.get(id); cl != nil {
			return mark{cl.createdAt, id}
		}
		return mark{time.Unix(0, 0), id}
	}
	view := func(id string) any { return map[string]any{"client_id": id} }
	return checkpoint(c, list[string]{key: "clients", rows: con.clients, where: where, view: view})
}

func changeConnectionClients(c *call) *reply {
	con, bad := c.connection("id")
	if bad != nil {
		return bad
	}
	for _, item := range c.list {
		change, _ := item.(map[string]any)
		id, _ := change["client_id"].(string)
		con.clients = slices.DeleteFunc(slices.Clone(con.clients), func(x string) bool { return x == id })
		if change["status"] == true {
			con.clients = append(con.clients, id)
		}
	}
	return noContent()
}
