package mgmtapi

import (
	"slices"
	"strings"

	"github.com/auth0kit/auth0kit/management/auth0test/internal/state"
	"github.com/auth0kit/auth0kit/management/auth0test/internal/store"
)

func (c *Call) RevokeAll(tokens []*state.RefreshToken) {
	for _, r := range tokens {
		c.T.Auth.Refresh.Revoke(r)
	}
}

// SandboxError is the answer when a script failed.
func SandboxError(failed *state.ScriptError) *Reply {
	return BadRequest("Sandbox Error: "+failed.Message, "auth0_idp_error")
}

// User returns the user that the path names. A token of a user, which has only
// the current_user scopes, reaches its own subject.
func (c *Call) User() (*state.User, *Reply) {
	if c.OnlyOwn() && c.Token.Subject != c.Path("id") {
		return nil, Fail(403, "User to be acted on does not match subject in bearer token.", "")
	}
	return c.UserNamed(c.Path("id"))
}

// UserNamed returns a user by id.
func (c *Call) UserNamed(id string) (*state.User, *Reply) {
	if u := c.T.Users.Get(id); u != nil {
		return u, nil
	}
	return nil, NotFound("The user does not exist.", "inexistent_user")
}

// Users reads users of a body, all of whom must exist.
func (c *Call) Users(name string) ([]*state.User, *Reply) {
	var out []*state.User
	for _, id := range c.Strs(name) {
		u := c.T.Users.Get(id)
		if u == nil {
			return nil, NotFound("One or more of the users do not exist.", "")
		}
		out = append(out, u)
	}
	return out, nil
}

// OnlyOwn reports whether all scopes that let the caller in are about itself.
func (c *Call) OnlyOwn() bool {
	for _, s := range c.op.Scopes {
		if c.Token.May(s) && !strings.Contains(s, ":current_user") {
			return false
		}
	}
	return true
}

func ViewOrganization(_ *Call, o *state.Organization) map[string]any {
	m := store.Clone(o.Doc)
	m["id"], m["name"] = o.ID, o.Name
	return m
}

const NoRole = "The role does not exist."

// BriefRole is a role in the lists of users and members.
func BriefRole(_ *Call, r *state.Role) map[string]any {
	return map[string]any{"id": r.ID, "name": r.Name, "description": r.Description}
}

const NoGrant = "The grant does not exist."

// ViewGrant shows a client grant.
func ViewGrant(c *Call, g *state.ClientGrant) map[string]any {
	m := store.Clone(g.Doc)
	m["id"], m["client_id"], m["audience"] = g.ID, g.ClientID, state.AudienceUnder(c.Issuer(), g.Audience)
	m["scope"] = store.AnyList(g.Scopes)
	return m
}

// Organizations is the envelope of lists of organizations.
var Organizations = Envelope[*state.Organization]{Key: "organizations", Beyond: BeyondOther, Mark: func(o *state.Organization) store.Mark {
	return store.Mark{At: o.CreatedAt, ID: o.ID}
}}

// maxRoles is how many roles a user, or a member of an organization, may have.
const maxRoles = 50

// RoleLinks are the roles that something has: what the operations at a path list, add
// and take away.
type RoleLinks[P any] struct {
	Path    string
	Find    func(*Call) (P, *Reply)
	Get     func(P) []string
	Set     func(*Call, P, []string)
	Full    *Reply // Refuses more than maxRoles.
	Page    Envelope[*state.Role]
	Scopes  []string // All of them are needed to list.
	Buckets [2]string
}

func (l RoleLinks[P]) Routes() []Route {
	return []Route{
		{Method: "GET", Pattern: l.Path, Bucket: l.Buckets[0], AllOf: l.Scopes != nil, Scopes: l.Scopes, Handle: On(l.Find, l.list)},
		{Method: "POST", Pattern: l.Path, Bucket: l.Buckets[1], Handle: On(l.Find, l.add)},
		{Method: "DELETE", Pattern: l.Path, Bucket: l.Buckets[1], Handle: On(l.Find, func(c *Call, p P) *Reply {
			l.Set(c, p, store.Minus(l.Get(p), c.Strs("roles")))
			return NoContent()
		})},
	}
}

func (l RoleLinks[P]) list(c *Call, p P) *Reply {
	return List(c, l.Page, c.T.RolesByID(l.Get(p)), func(r *state.Role) any { return BriefRole(c, r) })
}

// add gives roles, all of which must exist.
func (l RoleLinks[P]) add(c *Call, p P) *Reply {
	ids := c.Strs("roles")
	all := store.Union(l.Get(p), ids)
	switch {
	case len(c.T.RolesByID(ids)) != len(ids):
		return NotFound(NoRole, "")
	case len(all) > maxRoles && l.Full != nil:
		return l.Full
	}
	l.Set(c, p, all)
	return NoContent()
}

// RolesBy is the envelope of roles by cursor.
var RolesBy = Envelope[*state.Role]{Key: "roles", Form: Cursor, Mark: func(r *state.Role) store.Mark { return store.Mark{At: r.CreatedAt, ID: r.ID} }}

// Effective is a role with the ways in which somebody has it.
type Effective struct {
	role    *state.Role
	sources []any // "direct", "groups".
}

func ViewEffective(_ *Call, e Effective) map[string]any {
	return map[string]any{"id": e.role.ID, "name": e.role.Name, "description": e.role.Description, "sources": e.sources}
}

// Effectives is the envelope of effective roles.
var Effectives = Envelope[Effective]{Key: "roles", Form: Cursor, Mark: Effective.Mark}

func (e Effective) Mark() store.Mark { return store.Mark{At: e.role.CreatedAt, ID: e.role.ID} }

// Combine joins direct roles with those of groups.
func Combine(t *state.Tenant, direct, inherited []string) []Effective {
	var out []Effective
	for _, r := range t.RolesByID(store.Union(direct, inherited)) {
		e := Effective{role: r}
		if slices.Contains(direct, r.ID) {
			e.sources = append(e.sources, "direct")
		}
		if slices.Contains(inherited, r.ID) {
			e.sources = append(e.sources, "groups")
		}
		out = append(out, e)
	}
	return out
}

// maxPermissions is how many permissions a user or a role may have.
const maxPermissions = 1000

// ReadPermissions reads the permissions of a body; all must exist.
func (c *Call) ReadPermissions() ([]state.Permission, *Reply) {
	var out []state.Permission
	for _, m := range store.Objects(c.Body["permissions"]) {
		identifier, _ := m["resource_server_identifier"].(string)
		name, _ := m["permission_name"].(string)
		a := c.T.APIOf(c.Issuer(), identifier)
		if a == nil {
			return nil, NotFound("The resource server does not exist", "inexistent_resource_server")
		}
		if Scope(a, name) == nil {
			return nil, NotFound("This permission does not exist: '"+name+" - "+identifier+"'", "inexistent_resource_server_permission")
		}
		out = append(out, state.Permission{APIID: a.ID, Name: name})
	}
	return out, nil
}

func Scope(a *state.API, name string) *state.APIScope {
	for i := range a.Scopes {
		if a.Scopes[i].Value == name {
			return &a.Scopes[i]
		}
	}
	return nil
}

// PermissionView shows a permission; nil when its API or scope is gone.
func (c *Call) PermissionView(p state.Permission) map[string]any {
	a := c.T.APIs.Get(p.APIID)
	if a == nil {
		return nil
	}
	s := Scope(a, p.Name)
	if s == nil {
		return nil
	}
	return map[string]any{
		"permission_name": p.Name, "description": s.Description, "resource_server_name": a.Doc["name"],
		"resource_server_identifier": state.AudienceUnder(c.Issuer(), a.Identifier),
	}
}

// Existing are the permissions that still have an API and a scope.
func (c *Call) Existing(all []state.Permission) []state.Permission {
	return slices.DeleteFunc(slices.Clone(all), func(p state.Permission) bool { return c.PermissionView(p) == nil })
}

// Without takes the permissions of a body away.
func (c *Call) Without(all []state.Permission) []state.Permission {
	gone := store.Objects(c.Body["permissions"])
	return slices.DeleteFunc(slices.Clone(all), func(p state.Permission) bool {
		view := c.PermissionView(p)
		return view != nil && slices.ContainsFunc(gone, func(m map[string]any) bool {
			return m["permission_name"] == p.Name && m["resource_server_identifier"] == view["resource_server_identifier"]
		})
	})
}

// PermissionRoutes are the operations on the permissions that something has at a path.
func PermissionRoutes[P any](path, who string, find func(*Call) (P, *Reply), list func(*Call) *Reply, of func(P) *[]state.Permission) []Route {
	add := func(c *Call, p P) *Reply {
		more, bad := c.ReadPermissions()
		if bad != nil {
			return bad
		}
		all := store.Union(*of(p), more)
		if len(all) > maxPermissions {
			return BadRequest("No more permissions can be assigned to this "+who+".", "")
		}
		*of(p) = all
		return Created(Nothing())
	}
	return []Route{
		{Method: "GET", Pattern: path, Handle: list},
		{Method: "POST", Pattern: path, Handle: On(find, add)},
		{Method: "DELETE", Pattern: path, Handle: Doing(find, func(c *Call, p P) { *of(p) = c.Without(*of(p)) })},
	}
}
