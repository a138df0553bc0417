package tenancy

import (
	"context"
	"slices"
	"strings"
	"time"

	"github.com/auth0kit/auth0kit/internal/jose"
)

// Kind says what a token's subject is.
type Kind uint8

// The kinds. Scopes count as permissions for Client and Agent only: a user may
// ask for any scope that the API has while RBAC is off.
const (
	User   Kind = iota // a person
	Client             // an application for itself (client credentials)
	Agent              // an AI agent for itself; one that acts for a user is among the Actors of a User
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
	case slices.Contains(profiles, "service"),
		machine && (slices.Contains(strings.Fields(grant), "client-credentials") || strings.HasSuffix(sub, "@clients")):
		return Client
	}
	return User
}

// TenantContext holds who is calling, through what, for which organization, and
// what they may do there. Each request gets its own; handlers only read it.
type TenantContext struct {
	TenantID    string // org_id. Never empty.
	TenantName  string // org_name, where the tenant puts it into tokens. A name can be given to another organization later.
	UserID      string // sub, also of a client ("…@clients") or an agent.
	Kind        Kind
	Issuer      string   // iss, of the tenant or its custom domain.
	ClientID    string   // azp, or client_id: the application that got the token. Empty when the token does not say.
	FirstParty  bool     // ClientID is one of GuardConfig.FirstParty.
	Actors      []string // Who acts for UserID: act, the one that acts now first (RFC 8693 section 4.1). Empty when nobody does.
	Roles       []string // Names; from the Directory alone. Those that a group gives may be missing here, but requirements ask for them.
	Permissions []string // For this API in this organization. See Requirement for when scopes are needed too.
	Scopes      []string // What the application was granted.

	SessionID string    // sid, where an Action puts it into access tokens.
	JTI       string    // jti: the token's id, in the profile of RFC 9068.
	ACR       string    // acr, and
	AMR       []string  // amr: how the user signed in, where an Action puts it into access tokens, as auth_time.
	AuthTime  time.Time // Zero: not known.
	IssuedAt  time.Time // Of the token. Zero when it does not say.
	ExpiresAt time.Time

	token *jose.Token
	now   func() time.Time

	listed bool // Roles are those of the list of members, which has no inherited ones.
	// asked returns the caller with all their roles. Nil: they are known.
	asked func(context.Context) (*TenantContext, error)
}

// Claim decodes the token's claim of exactly that name into v. It returns
// ErrNoClaim if there is none. Below the claim, encoding/json matches the fields
// of structs without regard to case: decode what users can influence into a map.
func (t *TenantContext) Claim(name string, v any) error {
	if t == nil || t.token == nil {
		return ErrNoClaim
	}
	return fromJose(t.token.Claim(name, v))
}

// ErrNoClaim is returned when a token has no claim of that name.
var ErrNoClaim = jose.ErrNoClaim

// Subject returns UserID.
func (t *TenantContext) Subject() string {
	if t == nil {
		return ""
	}
	return t.UserID
}

// AuthenticatedBy returns when the user proved the method, by its name of RFC
// 8176; zero if the token does not say that they did, or when.
func (t *TenantContext) AuthenticatedBy(method string) time.Time {
	if t == nil || method == "" || !slices.Contains(t.AMR, method) {
		return time.Time{}
	}
	return t.AuthTime
}

// holds reports whether the caller has the permission.
func (t *TenantContext) holds(permission string) bool {
	return permission != "" && (slices.Contains(t.Permissions, permission) || t.Kind != User && t.granted(permission))
}

// granted reports whether the application was granted the scope.
func (t *TenantContext) granted(scope string) bool {
	return scope != "" && slices.Contains(t.Scopes, scope)
}

// delegated reports whether the caller has no more than what was granted: somebody
// acts for the user, or the application is not one of ours.
func (t *TenantContext) delegated() bool {
	return !t.FirstParty || len(t.Actors) > 0 || t.Kind == Agent
}

func (t *TenantContext) time() time.Time {
	if t.now == nil {
		return time.Now()
	}
	return t.now()
}

// clone copies what callers could change.
func (t *TenantContext) clone() *TenantContext {
	c := *t
	c.Roles, c.Permissions, c.Actors = slices.Clone(t.Roles), slices.Clone(t.Permissions), slices.Clone(t.Actors)
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
