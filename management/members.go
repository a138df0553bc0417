package management

import (
	"context"
	"errors"
	"iter"
	"net/url"
	"slices"
	"strings"
	"sync"
	"time"

	sdk "github.com/auth0/go-auth0/management"

	"github.com/auth0kit/auth0kit/management/resource"
)

// membersPerCall is how many members Auth0 adds or removes in one call.
const membersPerCall = 10

// Members yields the members of an organization with the roles assigned to them
// there directly. The list lags behind writes by seconds. Without the scope
// read:organization_member_roles the roles are missing or it is ErrForbidden.
func (c *Client) Members(ctx context.Context, orgID string) iter.Seq2[resource.Member, error] {
	const op = "list members"
	return byCheckpoint(ctx, op, func(ctx context.Context, query url.Values) ([]resource.Member, string, error) {
		query.Set("fields", "user_id,email,roles")
		query.Set("include_fields", "true")
		var out sdk.OrganizationMemberList
		err := c.get(ctx, op, query, listOf("members", "user_id", &out), "organizations", orgID, "members")
		return convert(out.Members, member), out.Next, err
	})
}

func member(m sdk.OrganizationMember) resource.Member {
	out := resource.Member{UserID: m.GetUserID(), Email: m.GetEmail()}
	if m.Roles != nil {
		out.Roles = convert(m.Roles, func(r *sdk.OrganizationMemberListRole) resource.Role {
			return resource.Role{ID: r.GetID(), Name: r.GetName()}
		})
	}
	return out
}

// AddMembers makes users members of an organization, ten in a call; existing
// members stay members. When it fails, the calls before the failed one have taken
// effect. It is repeatable, see [Idempotent].
func (c *Client) AddMembers(ctx context.Context, orgID string, userIDs ...string) error {
	return c.inTens(Idempotent(ctx), "add members", "POST", orgID, userIDs)
}

// RemoveMembers ends memberships, ten in a call, with the roles that belong to
// them; users who are not members are skipped. When it fails, the calls before the
// failed one have taken effect.
func (c *Client) RemoveMembers(ctx context.Context, orgID string, userIDs ...string) error {
	return c.inTens(ctx, "remove members", "DELETE", orgID, userIDs)
}

func (c *Client) inTens(ctx context.Context, op, method, orgID string, userIDs []string) error {
	if slices.Contains(userIDs, "") {
		return invalid(op, "a user id is empty")
	}
	for ids := range slices.Chunk(userIDs, membersPerCall) {
		err := c.send(ctx, op, method, map[string][]string{"members": ids}, nil, "organizations", orgID, "members")
		if err != nil {
			return err
		}
	}
	return nil
}

// MemberRoles returns the roles that a member holds in an organization, those
// assigned directly and those inherited from groups. For a user who does not exist
// it returns ErrNotFound or no roles.
//
// Inherited roles need the scope read:organization_member_effective_roles and a
// tenant with that endpoint; otherwise only the direct ones are returned, which
// can show a member with less than they hold, never with more.
func (c *Client) MemberRoles(ctx context.Context, orgID, userID string) ([]resource.Role, error) {
	if !c.roles.missing() {
		roles, err := c.effectiveRoles(ctx, orgID, userID)
		if !isAny(err, resource.ErrForbidden, resource.ErrNotFound) && !isNotImplemented(err) {
			return roles, err
		}
		direct, directErr := c.directRoles(ctx, orgID, userID)
		if e, ok := errors.AsType[*resource.Error](err); directErr == nil && ok && !strings.HasPrefix(e.Code, "inexistent_") { // Which is about this user.
			c.roles.miss()
			c.cfg.Logger.WarnContext(ctx, "auth0: effective roles cannot be read; roles inherited from groups are not seen", "error", err)
		}
		return direct, directErr
	}
	return c.directRoles(ctx, orgID, userID)
}

// effectiveRoles remembers for a while that the tenant or the token has no
// access to effective roles, so that not every call is made twice.
type effectiveRoles struct {
	mu    sync.Mutex
	until time.Time
}

const missingFor = 10 * time.Minute

func (e *effectiveRoles) missing() bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	return time.Now().Before(e.until)
}

func (e *effectiveRoles) miss() {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.until = time.Now().Add(missingFor)
}

func (c *Client) effectiveRoles(ctx context.Context, orgID, userID string) ([]resource.Role, error) {
	type role struct {
		ID      string   `json:"id"`
		Name    string   `json:"name"`
		Sources []string `json:"sources"` // "direct", "groups"
	}
	const op = "list member roles"
	return collect(byCheckpoint(ctx, op, func(ctx context.Context, query url.Values) ([]resource.Role, string, error) {
		var out struct {
			Roles []role `json:"roles"`
			Next  string `json:"next"`
		}
		err := c.get(ctx, op, query, listOf("roles", "id", &out), "organizations", orgID, "members", userID, "effective-roles")
		return convert(out.Roles, func(r role) resource.Role {
			return resource.Role{ID: r.ID, Name: r.Name, Inherited: !slices.Contains(r.Sources, "direct")}
		}), out.Next, err
	}))
}

func (c *Client) directRoles(ctx context.Context, orgID, userID string) ([]resource.Role, error) {
	const op = "list member roles"
	return collect(byOffset(ctx, op, func(ctx context.Context, query url.Values) ([]resource.Role, int, error) {
		var out sdk.OrganizationMemberRoleList
		if err := c.get(ctx, op, query, listOf("roles", "id", &out), "organizations", orgID, "members", userID, "roles"); err != nil {
			return nil, 0, err
		}
		return convert(out.Roles, func(r sdk.OrganizationMemberRole) resource.Role {
			return resource.Role{ID: r.GetID(), Name: r.GetName()}
		}), out.Total, nil
	}))
}

// AssignMemberRoles gives a member roles in an organization, beside those that the
// member has. More than Auth0's 50 are ErrConflict. It is repeatable, see
// [Idempotent].
func (c *Client) AssignMemberRoles(ctx context.Context, orgID, userID string, roleIDs ...string) error {
	return c.memberRoles(Idempotent(ctx), "assign member roles", "POST", orgID, userID, roleIDs)
}

// RemoveMemberRoles takes roles from a member of an organization; roles that the
// member does not have are ignored.
func (c *Client) RemoveMemberRoles(ctx context.Context, orgID, userID string, roleIDs ...string) error {
	return c.memberRoles(ctx, "remove member roles", "DELETE", orgID, userID, roleIDs)
}

func (c *Client) memberRoles(ctx context.Context, op, method, orgID, userID string, roleIDs []string) error {
	if len(roleIDs) == 0 {
		return nil
	}
	if slices.Contains(roleIDs, "") {
		return invalid(op, "a role id is empty")
	}
	return c.send(ctx, op, method, map[string][]string{"roles": roleIDs}, nil, "organizations", orgID, "members", userID, "roles")
}
