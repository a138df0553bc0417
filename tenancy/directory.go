package tenancy

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/auth0kit/auth0kit/management/resource"
)

// Directory reads the roles of members and the permissions of roles from Auth0.
// *management.Client implements it; use one with a MaxWait near a second, because
// requests wait for it.
//
// Auth0 answers 200 reads of member roles a minute for the whole tenant (docs:
// rate limit configurations). With a RoleTTL of 5 minutes that serves about 1,000
// pairs of organization and user, all replicas together. For more, use a longer
// TTL or the permissions of the token, which cost no call.
type Directory interface {
	// MemberRoles returns the roles of a member of the organization, direct and
	// inherited, or resource.ErrNotFound.
	MemberRoles(ctx context.Context, orgID, userID string) ([]resource.Role, error)
	// RolePermissions returns the permissions of a role for all APIs, or
	// resource.ErrNotFound.
	RolePermissions(ctx context.Context, roleID string) ([]resource.Permission, error)
}

// member is a key as a struct: joined strings can collide.
type member struct{ orgID, userID string }

// live answers from a Directory. Roles and their permissions are cached apart:
// there are few roles, so that a member who is new here costs one call.
type live struct {
	roles       *loader[member, []resource.Role]
	permissions *loader[string, []string]
}

func newLive(dir Directory, audience string, maxEntries int, roleTTL, permissionTTL time.Duration) *live {
	readRoles := func(ctx context.Context, m member) ([]resource.Role, error) {
		roles, err := dir.MemberRoles(ctx, m.orgID, m.userID)
		if errors.Is(err, resource.ErrNotFound) {
			return nil, nil // not a member: no roles, and worth remembering
		}
		return slices.Clone(roles), err
	}
	readPermissions := func(ctx context.Context, roleID string) ([]string, error) {
		permissions, err := dir.RolePermissions(ctx, roleID)
		if errors.Is(err, resource.ErrNotFound) {
			return nil, nil
		}
		return ofAudience(permissions, audience), err
	}
	return &live{
		roles:       newLoader(maxEntries, roleTTL, readRoles),
		permissions: newLoader(maxEntries, permissionTTL, readPermissions),
	}
}

// ofAudience keeps the permissions of one API: a role can span several, and
// read:users of another one means nothing here.
func ofAudience(permissions []resource.Permission, audience string) []string {
	var names []string
	for _, p := range permissions {
		if p.Audience == audience {
			names = append(names, p.Name)
		}
	}
	return names
}

// member returns the names of the roles and the union of their permissions.
func (l *live) member(ctx context.Context, m member) (roles, permissions []string, err error) {
	held, err := l.roles.get(ctx, m)
	if err != nil {
		return nil, nil, err
	}
	for _, role := range held {
		of, err := l.permissions.get(ctx, role.ID)
		if err != nil {
			return nil, nil, err
		}
		roles = append(roles, role.Name)
		permissions = append(permissions, of...)
	}
	slices.Sort(permissions)
	return roles, slices.Compact(permissions), nil
}
