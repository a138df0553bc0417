package delegation

import (
	"context"
	"iter"
	"time"

	"github.com/auth0kit/auth0kit/management/resource"
)

// Directory is what the package needs of Auth0, in four parts. *management.Client
// is one; give a job one that waits for the rate limit as long as it takes
// (MaxWait negative). Tests use auth0test.
type Directory interface {
	Memberships
	MemberRoles
	Invitations
	People
}

// Memberships are the members of organizations.
type Memberships interface {
	Members(ctx context.Context, orgID string) iter.Seq2[resource.Member, error]
	AddMembers(ctx context.Context, orgID string, userIDs ...string) error
	RemoveMembers(ctx context.Context, orgID string, userIDs ...string) error
	OrganizationConnections(ctx context.Context, orgID string) ([]resource.Connection, error)
	UserOrganizations(ctx context.Context, userID string) ([]resource.Organization, error)
	GroupHolders(ctx context.Context, orgID, roleID string) ([]string, error)
}

// MemberRoles are roles, and who holds them in an organization.
type MemberRoles interface {
	MemberRoles(ctx context.Context, orgID, userID string) ([]resource.Role, error)
	AssignMemberRoles(ctx context.Context, orgID, userID string, roleIDs ...string) error
	RemoveMemberRoles(ctx context.Context, orgID, userID string, roleIDs ...string) error
	Role(ctx context.Context, roleID string) (*resource.Role, error)
	RolePermissions(ctx context.Context, roleID string) ([]resource.Permission, error)
	RoleUsers(ctx context.Context, roleID string) iter.Seq2[resource.User, error]
}

// Invitations are the invitations into organizations.
type Invitations interface {
	Invitations(ctx context.Context, orgID string) iter.Seq2[resource.Invitation, error]
	CreateInvitation(ctx context.Context, orgID string, i resource.NewInvitation) (*resource.Invitation, error)
	DeleteInvitation(ctx context.Context, orgID, invitationID string) error
}

// People are the users of the tenant.
type People interface {
	User(ctx context.Context, id string) (*resource.User, error)
	UsersByEmail(ctx context.Context, email string) ([]resource.User, error)
	SearchUsers(ctx context.Context, query string) iter.Seq2[resource.User, error]
	CreateUser(ctx context.Context, u resource.NewUser) (*resource.User, error)
	DeleteUser(ctx context.Context, id string) error
	PasswordTicket(ctx context.Context, userID string, ttl time.Duration) (string, error)
	AuthenticationMethods(ctx context.Context, userID string) ([]resource.AuthenticationMethod, error)
}
