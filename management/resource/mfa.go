package resource

import (
	"fmt"
	"log/slog"
	"time"

	"github.com/auth0kit/auth0kit/internal/secret"
)

// Factor is a factor of the tenant by its Guardian name: sms, push-notification,
// otp, email, duo, webauthn-roaming, webauthn-platform or recovery-code.
type Factor struct {
	Name    string
	Enabled bool
}

// AuthenticationMethod is one authentication method of a user.
type AuthenticationMethod struct {
	ID        string
	Type      string // "totp", "phone", "email", "push", "recovery-code", "webauthn-roaming", …
	Name      string // The name that the user gave, at most 20 characters.
	Confirmed bool
	CreatedAt time.Time
}

// NewAuthenticationMethod holds the arguments of CreateAuthenticationMethod. Type
// decides which of the last three is required.
type NewAuthenticationMethod struct {
	Type       string
	Name       string
	TOTPSecret string // Base32 without padding. Never printed.
	Phone      string // E.164.
	Email      string
}

// Format hides the secret, the number and the address from package fmt.
func (m NewAuthenticationMethod) Format(f fmt.State, _ rune) { secret.Format(f, m) }

// LogValue shows the type only.
func (m NewAuthenticationMethod) LogValue() slog.Value {
	return secret.Shown(slog.String("type", m.Type))
}

// EnrollmentTicket lets a user enroll a factor on Auth0's page. The URL is a secret.
type EnrollmentTicket struct {
	ID  string
	URL string
}

// Format hides the ticket from package fmt.
func (t EnrollmentTicket) Format(f fmt.State, _ rune) { secret.Format(f, t) }

// LogValue hides the ticket from log/slog.
func (t EnrollmentTicket) LogValue() slog.Value { return secret.Shown() }
