package migration

import (
	"context"
	"iter"

	"github.com/auth0kit/auth0kit/management/resource"
)

// Creator is the part of Auth0 that Lazy needs. It creates and reads users and
// changes nothing else. *management.Client implements it; give it a client whose
// MaxWait is short.
type Creator interface {
	CreateUser(ctx context.Context, u resource.NewUser) (*resource.User, error)
	User(ctx context.Context, id string) (*resource.User, error)
	UsersByEmail(ctx context.Context, email string) ([]resource.User, error)
}

// Importer starts and follows users-import jobs, the only way to give a password
// hash or a second factor to Auth0. *management.Client implements it.
type Importer interface {
	Connection(ctx context.Context, name string) (*resource.Connection, error)
	ImportUsers(ctx context.Context, i resource.Import) (*resource.Job, error)
	Job(ctx context.Context, id string) (*resource.Job, error)
	JobErrors(ctx context.Context, id string) ([]resource.JobError, error)
}

// MemberAdder adds users to organizations. *management.Client implements it.
type MemberAdder interface {
	AddMembers(ctx context.Context, orgID string, userIDs ...string) error
	AssignMemberRoles(ctx context.Context, orgID, userID string, roleIDs ...string) error
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
}

// provider is what Auth0 puts before the ids of database users.
const provider = "auth0|"

func userID(key string) string { return provider + key }

// Marker values in app_metadata. They tell our users from everybody else's, and
// bulk ones, which a rollback may delete, from lazy ones.
const (
	markerKey = "auth0kit"
	viaBulk   = "bulk"
	viaLazy   = "lazy"
)

func marker(run, via string) map[string]any { return map[string]any{"run": run, "via": via} }

// marked reports how u came to Auth0 in this run: viaBulk, viaLazy, or "" when
// another hand created it.
func marked(u *resource.User, run string) string {
	m, _ := u.AppMetadata[markerKey].(map[string]any)
	if m["run"] != run {
		return ""
	}
	via, _ := m["via"].(string)
	return via
}
