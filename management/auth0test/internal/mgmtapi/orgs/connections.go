package orgs

import (
	"github.com/auth0kit/auth0kit/management/auth0test/internal/mgmtapi"
	"github.com/auth0kit/auth0kit/management/auth0test/internal/state"
	"github.com/auth0kit/auth0kit/management/auth0test/internal/store"
)

// maxOrgConnections is how many connections an organization may have.
const maxOrgConnections = 10

// The connections of an organization stand under two paths: the later one shows
// and takes more.
var (
	enabledConnections = orgConnection(mgmtapi.Resource[*state.OrgConnection]{
		Path: "/organizations/{id}/enabled_connections", Part: "connectionId", View: enabledView,
		Page: mgmtapi.Envelope[*state.OrgConnection]{Key: "enabled_connections", Filled: true}, // As recorded.
	})
	orgConnections = orgConnection(mgmtapi.Resource[*state.OrgConnection]{
		Path: "/organizations/{id}/connections", Part: "connection_id", View: orgConnectionView,
		Page: mgmtapi.Envelope[*state.OrgConnection]{Key: "connections"},
		Where: func(c *mgmtapi.Call, oc *state.OrgConnection) bool {
			return !c.Query.Has("is_enabled") || c.Flag("is_enabled") == oc.Enabled()
		},
	})
)

// orgConnection completes one of the two.
func orgConnection(r mgmtapi.Resource[*state.OrgConnection]) *mgmtapi.Resource[*state.OrgConnection] {
	r.Table = mgmtapi.Under(organization("id"), func(o *state.Organization) *store.Table[*state.OrgConnection] { return &o.Connections })
	r.Missing = mgmtapi.Text{Message: noConnection}
	r.Buckets = [3]string{"read organization connections", "read organization connections", "write organization connections"}
	r.New = func(c *mgmtapi.Call) (string, *state.OrgConnection, *mgmtapi.Reply) {
		oc, bad := enabled(c, c.T.Orgs.Get(c.Path("id")), c.Body)
		return c.Str("connection_id"), oc, bad
	}
	r.Set = func(c *mgmtapi.Call, oc *state.OrgConnection) *mgmtapi.Reply {
		return setConnection(oc, c.T.Connections.Get(oc.ID), c.Body)
	}
	return &r
}

const noConnection = "No connection found by that id"

func enabledView(c *mgmtapi.Call, oc *state.OrgConnection) map[string]any {
	m := orgConnectionView(c, oc)
	for _, later := range []string{"is_enabled", "organization_access_level", "organization_connection_name"} {
		delete(m, later)
	}
	if _, said := oc.Doc["is_signup_enabled"]; !said {
		delete(m, "is_signup_enabled")
	}
	return m
}

func orgConnectionView(c *mgmtapi.Call, oc *state.OrgConnection) map[string]any {
	m := store.Clone(oc.Doc)
	m["connection_id"] = oc.ID
	store.Defaults(m, map[string]any{"is_enabled": true, "organization_access_level": "none"})
	delete(m, "is_signup_enabled")
	if con := c.T.Connections.Get(oc.ID); con != nil {
		m["connection"] = map[string]any{"name": con.Name, "strategy": con.Strategy}
		if con.Database() {
			m["is_signup_enabled"] = oc.Doc["is_signup_enabled"] == true
		}
	}
	return m
}

// enabled is a connection of an organization, as a request describes it.
func enabled(c *mgmtapi.Call, o *state.Organization, m map[string]any) (*state.OrgConnection, *mgmtapi.Reply) {
	id, _ := m["connection_id"].(string)
	con := c.T.Connections.Get(id)
	switch {
	case con == nil:
		return nil, mgmtapi.NotFound(noConnection, "")
	case o.Connections.Get(id) != nil:
		return nil, mgmtapi.Conflict("The connection has already been added to this organization.", "")
	case o.Connections.Len() >= maxOrgConnections:
		return nil, mgmtapi.Conflict("No more connections can be enabled for this organization.", "")
	}
	oc := &state.OrgConnection{ID: id, Doc: state.NewOrgConnection()}
	return oc, setConnection(oc, con, m)
}

// setConnection applies the settings of a request; what is wrong changes nothing.
func setConnection(oc *state.OrgConnection, con *state.Connection, m map[string]any) *mgmtapi.Reply {
	next := store.Patched(oc.Doc, m)
	delete(next, "connection_id")
	if next["is_signup_enabled"] == true && (!con.Database() || next["assign_membership_on_login"] != true) {
		return mgmtapi.BadRequest("Only database connections with assign_membership_on_login = true support is_signup_enabled = true.", "invalid_body")
	}
	oc.Doc = next
	return nil
}
