package tenancy

import (
	"context"
	"iter"

	"github.com/auth0kit/auth0kit/management/resource"
)

// Directory reads memberships, accounts and the permissions of roles from Auth0.
// *management.Client implements it; use one with a MaxWait near a second, because
// requests wait for it. It needs the scopes read:organization_members,
// read:organization_member_roles, read:roles and read:users, and read:organizations
// for Locator.ByName.
//
// Auth0 answers 200 reads of member roles and 500 of member lists a minute for the
// whole tenant, and 16 reads a second in all on Enterprise (docs: rate limit
// configurations). A member who is new here costs one read of the user, and one of
// the roles, or two when they have none; for an organization with several of them,
// the list of its members is read in place of that, a hundred in a call. That serves
// 600 new members a minute, of one organization or of sixty, but not when each is of
// another; all replicas together. For more, use a longer RoleTTL or the permissions
// of the token, which cost no call.
type Directory interface {
	// MemberRoles returns the roles of a member of the organization, direct and
	// inherited. When the user is not a member, it returns resource.ErrNotFound or
	// none.
	MemberRoles(ctx context.Context, orgID, userID string) ([]resource.Role, error)
	// Members yields the members of an organization. Roles are those assigned
	// directly, and nil when they are not known. The list may lag behind.
	Members(ctx context.Context, orgID string) iter.Seq2[resource.Member, error]
	// UserOrganizations returns the organizations of a user, or resource.ErrNotFound.
	// It is asked about users without roles.
	UserOrganizations(ctx context.Context, userID string) ([]resource.Organization, error)
	// RolePermissions returns the permissions of a role for all APIs, or
	// resource.ErrNotFound.
	RolePermissions(ctx context.Context, roleID string) ([]resource.Permission, error)
	// User returns an account, or resource.ErrNotFound.
	User(ctx context.Context, userID string) (*resource.User, error)
	// Organization returns an organization, or resource.ErrNotFound.
	Organization(ctx context.Context, orgID string) (*resource.Organization, error)
}
