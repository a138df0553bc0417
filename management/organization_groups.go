package management

import (
	"context"
	"fmt"
	"net/url"
	"slices"

	"github.com/auth0kit/auth0kit/management/resource"
)

// GroupHolders returns the ids of the users who hold a role in an organization
// through a group, sorted. They need not be members. It takes a call for the
// groups, one for each group, and one for every 100 members of those that hold the
// role. It needs the scopes read:organization_groups, read:organization_group_roles
// and read:group_members, and is ErrForbidden or ErrNotFound on tenants without
// groups.
func (c *Client) GroupHolders(ctx context.Context, orgID, roleID string) ([]string, error) {
	groups, err := c.listed(ctx, "list organization groups", "organizations", orgID, "groups")
	if err != nil {
		return nil, err
	}
	var todo, users []string
	for _, g := range groups {
		roles, err := c.listed(ctx, "list group roles", "organizations", orgID, "groups", g.ID, "roles")
		if err != nil {
			return nil, err
		}
		if slices.ContainsFunc(roles, func(r listed) bool { return r.ID == roleID }) {
			todo = append(todo, g.ID)
		}
	}
	for i := 0; i < len(todo); i++ { // Groups can have groups as members, also in a circle.
		members, err := c.listed(ctx, "list group members", "groups", todo[i], "members")
		if err != nil {
			return nil, err
		}
		for _, m := range members {
			switch {
			case m.Kind == "user":
				users = append(users, m.ID)
			case m.Kind != "group" || len(todo) >= maxGroups:
				return nil, &resource.Error{Op: "list group members", Err: fmt.Errorf("%w: groups that are no groups, or too many", resource.ErrUnavailable)}
			case !slices.Contains(todo, m.ID):
				todo = append(todo, m.ID)
			}
		}
	}
	slices.Sort(users)
	return slices.Compact(users), nil
}

// maxGroups bounds how many groups in groups are followed.
const maxGroups = 1000

// listed is what GroupHolders reads of groups, roles and members.
type listed struct {
	ID   string `json:"id"`
	Kind string `json:"member_type"`
}

func (c *Client) listed(ctx context.Context, op string, path ...string) ([]listed, error) {
	return collect(byCheckpoint(ctx, op, func(ctx context.Context, query url.Values) ([]listed, string, error) {
		var out struct {
			Groups  []listed `json:"groups"`
			Roles   []listed `json:"roles"`
			Members []listed `json:"members"`
			Next    string   `json:"next"`
		}
		err := c.get(ctx, op, query, listOf(path[len(path)-1], "id", &out), path...)
		return slices.Concat(out.Groups, out.Roles, out.Members), out.Next, err
	}))
}
