package resource

import (
	"fmt"
	"log/slog"
	"time"

	"github.com/auth0kit/auth0kit/internal/secret"
)

// Role is a role of the tenant, or of one organization.
type Role struct {
	ID        string // "rol_" and 16 characters.
	Name      string
	OwnerID   string // The organization that owns the role; empty for a role of the tenant. Only Client.Role reads it.
	Inherited bool   // Held only through a group of the organization, not directly.
}

// Permission is a permission of an API: Name is its value ("read:orders"),
// Audience the identifier of the API that defines it.
type Permission struct {
	Name     string
	Audience string
}

// Member is a user in an organization with the roles assigned there.
// Auth0 allows 50 roles for a member.
type Member struct {
	UserID string
	Email  string
	Roles  []Role // Nil when the answer did not say: read them with MemberRoles.
}

// Invitation invites somebody to an organization.
type Invitation struct {
	ID        string // "uinv_" and 16 characters.
	Email     string // The invitee's.
	URL       string // The link of the invitation; whoever has it can accept it.
	RoleIDs   []string
	ExpiresAt time.Time
}

// Format hides the link and the invitee from package fmt.
func (i Invitation) Format(f fmt.State, _ rune) { secret.Format(f, i) }

// LogValue shows the id and the time of expiry only.
func (i Invitation) LogValue() slog.Value {
	return secret.Shown(slog.String("id", i.ID), slog.Time("expires_at", i.ExpiresAt))
}

// NewInvitation holds the arguments of CreateInvitation.
type NewInvitation struct {
	ClientID string // Required: the application whose login accepts the invitation.
	Inviter  string // Required: the name shown in the mail.
	Email    string // Required: the invitee's.
	RoleIDs  []string
	TTL      time.Duration // At most 30 days. Defaults to Auth0's 7 days.
	NoMail   bool          // Create the link and send nothing.
}

// Organization is a customer's own space in the tenant.
type Organization struct {
	ID          string // "org_" and 16 characters; Auth0 makes it.
	Name        string // In lower case, one in the tenant.
	DisplayName string
	Metadata    map[string]string
}
