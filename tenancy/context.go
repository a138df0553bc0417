package tenancy

import (
	"context"
	"slices"
	"strings"
	"time"
)

// Kind says what a token's subject is.
type Kind uint8

// The kinds. Scopes count as permissions for Client and Agent only: a user may
// ask for any scope that the API has while RBAC is off.
const (
	User   Kind = iota // a person
	Client             // an application for itself (client credentials)
	Agent              // an AI agent for itself; one that acts for a user is the Actor of a User
)

// String returns "user", "client" or "agent".
func (k Kind) String() string {
	switch k {
	case Client:
		return "client"
	case Agent:
		return "agent"
	}
	return "user"
}

// kind reads sub_profile, which Auth0 writes where an API asks for it, and the
// forms of sub. Only user ids have a "|"; what is in front of it is never
// chosen by users, but what follows may be: a user of a custom database can be
// auth0|me@clients.
func kind(sub, profile, grant string) Kind {
	profiles, machine := strings.Fields(profile), !strings.Contains(sub, "|")
	switch {
	case slices.Contains(profiles, "user"):
		return User
	case slices.Contains(profiles, "ai_agent"), machine && strings.HasPrefix(sub, "agt_"):
		return Agent
	case slices.Contains(profiles, "service"), slices.Contains(strings.Fields(grant), "client-credentials"),
		machine && strings.HasSuffix(sub, "@clients"):
		return Client
	}
	return User
}

// TenantContext holds who is calling, for which organization, and what they may do
// there. Each call of Extract returns a new one; handlers only read it.
type TenantContext struct {
	TenantID    string // org_id. Never empty.
	TenantName  string // org_name, where the tenant puts it into tokens. A name can be given to another organization later.
	UserID      string // sub, also of a client ("…@clients") or an agent.
	Actor       string // Who acts for UserID; empty when nobody does. Permissions are still UserID's, so check Scopes too.
	SessionID   string // sid, where an Action puts it into access tokens.
	Kind        Kind
	Roles       []string // Names; from the Directory alone.
	Permissions []string // For this API in this organization.
	Scopes      []string // What the application asked for and got.
	AMR         []string // How the user signed in, where an Action puts it into access tokens, as auth_time.
	AuthTime    time.Time
	ExpiresAt   time.Time // Of the token.
}

// Check returns nil if the caller meets the requirements in that organization, and
// a [*ForbiddenError] otherwise. It is for gRPC, queues and tests; use Require for
// HTTP.
func (t *TenantContext) Check(orgID string, r ...Requirement) error {
	if t == nil || orgID == "" || orgID != t.TenantID {
		return &ForbiddenError{}
	}
	for _, requirement := range r {
		if err := requirement.check(t); err != nil {
			return err
		}
	}
	return nil
}

// Authentication returns when and how the user signed in, for policies about
// step-up; zero if the token does not say.
func (t *TenantContext) Authentication() (at time.Time, amr []string) {
	return t.AuthTime, slices.Clone(t.AMR)
}

func (t *TenantContext) holds(permission string) bool {
	if permission == "" {
		return false
	}
	return slices.Contains(t.Permissions, permission) || t.Kind != User && slices.Contains(t.Scopes, permission)
}

// clone copies what callers could change.
func (t *TenantContext) clone() *TenantContext {
	c := *t
	c.Roles, c.Permissions = slices.Clone(t.Roles), slices.Clone(t.Permissions)
	c.Scopes, c.AMR = slices.Clone(t.Scopes), slices.Clone(t.AMR)
	return &c
}

type contextKey struct{}

// NewContext returns a context in which FromContext finds t. The middleware
// calls it; so do tests of handlers.
func NewContext(ctx context.Context, t *TenantContext) context.Context {
	return context.WithValue(ctx, contextKey{}, t)
}

// FromContext returns the caller that the middleware has admitted. It returns
// false under Optional when the request had no token.
func FromContext(ctx context.Context) (*TenantContext, bool) {
	t, ok := ctx.Value(contextKey{}).(*TenantContext)
	return t, ok && t != nil
}

// Requirement holds what a route requires of its callers. The zero value is never
// met.
type Requirement struct {
	any         bool
	permissions []string
}

// AllOf requires all of the permissions. The first is an argument of its own, so
// that an empty list from a file cannot open a route. Nobody has the permission
// "".
func AllOf(permission string, more ...string) Requirement {
	return Requirement{permissions: append([]string{permission}, more...)}
}

// AnyOf requires one of the permissions.
func AnyOf(permission string, more ...string) Requirement {
	return Requirement{any: true, permissions: append([]string{permission}, more...)}
}

func (r Requirement) check(t *TenantContext) error {
	var missing []string
	for _, p := range r.permissions {
		if !t.holds(p) {
			missing = append(missing, p)
		}
	}
	met := len(missing) == 0
	if r.any {
		met = len(missing) < len(r.permissions)
	}
	if met && len(r.permissions) > 0 {
		return nil
	}
	if len(missing) == 0 {
		missing = []string{""} // the zero Requirement
	}
	return &ForbiddenError{Missing: missing, Any: r.any}
}
