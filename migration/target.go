package migration

import (
	"context"
	"iter"

	"github.com/auth0kit/auth0kit/management/resource"
)

// Creator is the part of Auth0 that lazy migration needs. It creates and reads
// users and changes nothing else. *management.Client implements it; give it a
// client whose MaxWait is short.
type Creator interface {
	Issuer() string
	DatabaseConnections(ctx context.Context) ([]resource.Connection, error)
	CreateUser(ctx context.Context, u resource.NewUser) (*resource.User, error)
	User(ctx context.Context, id string) (*resource.User, error)
	UsersByEmail(ctx context.Context, email string) ([]resource.User, error)
}

// Importer starts and follows users-import jobs, the only way to give a password
// hash or a second factor to Auth0. *management.Client implements it.
type Importer interface {
	ImportUsers(ctx context.Context, i resource.Import) (*resource.Job, error)
	Job(ctx context.Context, id string) (*resource.Job, error)
	JobErrors(ctx context.Context, id string) ([]resource.JobError, error)
}

// MemberAdder adds users to organizations and gives them roles.
// *management.Client implements it.
type MemberAdder interface {
	OrganizationByName(ctx context.Context, name string) (*resource.Organization, error)
	RoleByName(ctx context.Context, name string) (*resource.Role, error)
	AddMembers(ctx context.Context, orgID string, userIDs ...string) error
	AssignMemberRoles(ctx context.Context, orgID, userID string, roleIDs ...string) error
	AssignRoles(ctx context.Context, userID string, roleIDs ...string) error
}

// Target is the part of Auth0 that a Runner needs. *management.Client implements
// it; give it one with a negative MaxWait, so that a bulk run waits for the
// tenant's bucket.
type Target interface {
	Creator
	Importer
	MemberAdder
	UpdateUser(ctx context.Context, id string, p resource.UserPatch) (*resource.User, error)
	DeleteUser(ctx context.Context, id string) error
	ExportUsers(ctx context.Context, connectionID string, fields ...string) iter.Seq2[resource.User, error]

	CreateOrganization(ctx context.Context, o resource.Organization) (*resource.Organization, error)
	CreateRole(ctx context.Context, name string) (*resource.Role, error)
	Members(ctx context.Context, orgID string) iter.Seq2[resource.Member, error]
	RoleUsers(ctx context.Context, roleID string) iter.Seq2[resource.User, error]
	RemoveMembers(ctx context.Context, orgID string, userIDs ...string) error
	RemoveMemberRoles(ctx context.Context, orgID, userID string, roleIDs ...string) error
	RemoveRoles(ctx context.Context, userID string, roleIDs ...string) error
}
