package mgmtapi

import (
	"slices"

	"github.com/auth0kit/auth0kit/management/auth0test/internal/state"
	"github.com/auth0kit/auth0kit/management/auth0test/internal/store"
)

// maxRoles is how many roles a user, or a member of an organization, may have.
const maxRoles = 50

// RolesByID are the roles behind ids, in their order.
func RolesByID(t *state.Tenant, ids []string) []*state.Role {
	var out []*state.Role
	for _, id := range ids {
		if r := t.Roles.Get(id); r != nil {
			out = append(out, r)
		}
	}
	return out
}

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
	return List(c, l.Page, RolesByID(c.T, l.Get(p)), func(r *state.Role) any { return BriefRole(c, r) })
}

// add gives roles, all of which must exist.
func (l RoleLinks[P]) add(c *Call, p P) *Reply {
	ids := c.Strs("roles")
	all := store.Union(l.Get(p), ids)
	switch {
	case len(RolesByID(c.T, ids)) != len(ids):
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
	for _, r := range RolesByID(t, store.Union(direct, inherited)) {
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
