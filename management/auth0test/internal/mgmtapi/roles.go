package mgmtapi

import (
	"slices"

	"github.com/auth0kit/auth0kit/management/auth0test/internal/state"
	"github.com/auth0kit/auth0kit/management/auth0test/internal/store"
)

// MaxRoles is how many roles a user, or a member of an organization, may have.
const MaxRoles = 50

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

// ReadRoles reads the roles of a body; all must exist.
func (c *Call) ReadRoles() ([]*state.Role, *Reply) {
	ids := c.Strs("roles")
	roles := RolesByID(c.T, ids)
	if len(roles) != len(ids) {
		return nil, NotFound(NoRole, "")
	}
	return roles, nil
}

// Effective is a role with the ways in which somebody has it.
type Effective struct {
	role    *state.Role
	sources []any // "direct", "groups".
}

func (e Effective) View() any {
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
