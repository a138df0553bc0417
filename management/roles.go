package management

import (
	"context"
	"fmt"
	"iter"
	"net/url"
	"slices"

	sdk "github.com/auth0/go-auth0/management"

	"github.com/auth0kit/auth0kit/management/resource"
)

// Role reads a role by id, with the organization that owns it. A missing one is
// ErrNotFound.
func (c *Client) Role(ctx context.Context, id string) (*resource.Role, error) {
	var out struct {
		ID      string `json:"id"`
		Name    string `json:"name"`
		OwnerID string `json:"owner_id"`
	}
	if err := c.get(ctx, "read role", nil, objectWith("id", &out), "roles", id); err != nil {
		return nil, err
	}
	return &resource.Role{ID: out.ID, Name: out.Name, OwnerID: out.OwnerID}, nil
}

// RolePermissions returns the permissions of a role, of which Auth0 allows
// 1,000.
func (c *Client) RolePermissions(ctx context.Context, roleID string) ([]resource.Permission, error) {
	const op = "list role permissions"
	return collect(byOffset(ctx, op, func(ctx context.Context, query url.Values) ([]resource.Permission, int, error) {
		var out sdk.PermissionList
		if err := c.get(ctx, op, query, listOf("permissions", "permission_name", &out), "roles", roleID, "permissions"); err != nil {
			return nil, 0, err
		}
		return convert(out.Permissions, func(p *sdk.Permission) resource.Permission {
			return resource.Permission{Name: p.GetName(), Audience: p.GetResourceServerIdentifier()}
		}), out.Total, nil
	}))
}

// RoleUsers yields the users who hold a role in the tenant, outside of any
// organization. Of a user only ID, Email and Name are set.
func (c *Client) RoleUsers(ctx context.Context, roleID string) iter.Seq2[resource.User, error] {
	const op = "list role users"
	return byCheckpoint(ctx, op, func(ctx context.Context, query url.Values) ([]resource.User, string, error) {
		var out sdk.UserList
		err := c.get(ctx, op, query, listOf("users", "user_id", &out), "roles", roleID, "users")
		return convert(out.Users, user), out.Next, err
	})
}

// Roles returns the roles of the tenant; more than 1,000 are ErrInvalid.
func (c *Client) Roles(ctx context.Context) ([]resource.Role, error) {
	const op = "list roles"
	return collect(byOffset(ctx, op, func(ctx context.Context, query url.Values) ([]resource.Role, int, error) {
		var out sdk.RoleList
		err := c.get(ctx, op, query, listOf("roles", "id", &out), "roles")
		return convert(out.Roles, func(r *sdk.Role) resource.Role { return resource.Role{ID: r.GetID(), Name: r.GetName()} }), out.Total, err
	}))
}

// AssignRoles gives a user roles in the tenant, outside of any organization, beside
// those that the user has. It is repeatable, see [Idempotent].
func (c *Client) AssignRoles(ctx context.Context, userID string, roleIDs ...string) error {
	const op = "assign roles"
	if len(roleIDs) == 0 {
		return nil
	}
	if slices.Contains(roleIDs, "") {
		return invalid(op, "a role id is empty")
	}
	return c.send(Idempotent(ctx), op, "POST", map[string][]string{"roles": roleIDs}, nil, "users", userID, "roles")
}

// RemoveRoles takes roles of the tenant from a user; a role that the user does not
// have is no error.
func (c *Client) RemoveRoles(ctx context.Context, userID string, roleIDs ...string) error {
	const op = "remove roles"
	if len(roleIDs) == 0 {
		return nil
	}
	if slices.Contains(roleIDs, "") {
		return invalid(op, "a role id is empty")
	}
	return c.send(ctx, op, "DELETE", map[string][]string{"roles": roleIDs}, nil, "users", userID, "roles")
}

// RoleByName reads the role of the tenant with exactly that name. A missing one is
// ErrNotFound.
func (c *Client) RoleByName(ctx context.Context, name string) (*resource.Role, error) {
	const op = "find role"
	if name == "" {
		return nil, invalid(op, "the name is empty")
	}
	var out sdk.RoleList
	query := url.Values{"name_filter": {name}, "per_page": {"100"}, "include_totals": {"true"}}
	if err := c.get(ctx, op, query, listOf("roles", "id", &out), "roles"); err != nil {
		return nil, err
	}
	for _, r := range out.Roles {
		if r.GetName() == name {
			return &resource.Role{ID: r.GetID(), Name: name}, nil
		}
	}
	return nil, &resource.Error{Op: op, Err: fmt.Errorf("%w: no role of the tenant has that name", resource.ErrNotFound)}
}

// CreateRole creates a role without permissions and returns it. A name that is
// taken is ErrConflict. After ErrOutcomeUnknown it may exist.
func (c *Client) CreateRole(ctx context.Context, name string) (*resource.Role, error) {
	const op = "create role"
	if name == "" {
		return nil, invalid(op, "the name is empty")
	}
	var out sdk.Role
	if err := c.send(ctx, op, "POST", map[string]string{"name": name}, objectWith("id", &out), "roles"); err != nil {
		return nil, err
	}
	return &resource.Role{ID: out.GetID(), Name: out.GetName()}, nil
}
