package resource

import (
	"fmt"
	"log/slog"
	"time"

	"github.com/auth0kit/auth0kit/internal/secret"
)

// User is a user as the Management API shows it.
type User struct {
	ID         string   // As Auth0 writes it, with the provider: "auth0|5f7c8ec7c33c6c004bbafe82".
	Connection string   // Name of the connection, such as "Username-Password-Authentication".
	Linked     []string // Connections of the accounts that were linked to this one. Ignored when a user is created.
	Email      string
	Username   string
	Phone      string // E.164.
	Name       string
	GivenName  string
	FamilyName string
	Nickname   string
	Picture    string // A URL.

	EmailVerified bool
	PhoneVerified bool
	Blocked       bool // Blocked by an administrator, not by brute-force protection.

	AppMetadata  map[string]any // Owned by the application; the user cannot change it.
	UserMetadata map[string]any // The user may change it; never base a decision on it.

	CreatedAt   time.Time
	UpdatedAt   time.Time
	LastLogin   time.Time // Zero before the first login.
	LoginsCount int
}

// NewUser holds the arguments of CreateUser. ID, if set, is the part after
// "auth0|"; Auth0 adds the provider itself. Times and LoginsCount are ignored.
type NewUser struct {
	User
	Password string // Plain text, checked against the connection's password policy. Never printed.
}

// Format hides everything but the connection from package fmt, because a NewUser
// holds a password.
func (u NewUser) Format(f fmt.State, _ rune) { secret.Format(f, u) }

// LogValue shows the connection only.
func (u NewUser) LogValue() slog.Value { return secret.Shown(slog.String("connection", u.Connection)) }

// UserPatch changes a user. A nil field keeps its value; metadata merges at the
// first level only, and a nil value deletes its key, as PATCH /users/{id} does.
type UserPatch struct {
	Email         *string
	Name          *string
	GivenName     *string
	FamilyName    *string
	Nickname      *string
	Picture       *string
	Password      *string
	EmailVerified *bool
	Blocked       *bool
	AppMetadata   map[string]any
	UserMetadata  map[string]any
}

// Format hides the patch from package fmt: it may hold a password.
func (p UserPatch) Format(f fmt.State, _ rune) { secret.Format(f, p) }

// LogValue hides the patch from log/slog.
func (p UserPatch) LogValue() slog.Value { return secret.Shown() }

// Connection is a source of users: a database, a social or an enterprise provider.
type Connection struct {
	ID       string // "con_" and 16 characters.
	Name     string
	Strategy string         // "auth0" for a database connection.
	Options  map[string]any // Settings; set by Client.DatabaseConnections alone. It can hold secrets.
}

// Format hides the options from package fmt.
func (c Connection) Format(f fmt.State, _ rune) { secret.Format(f, c) }

// LogValue hides the options from log/slog.
func (c Connection) LogValue() slog.Value {
	return secret.Shown(slog.String("id", c.ID), slog.String("name", c.Name), slog.String("strategy", c.Strategy))
}
