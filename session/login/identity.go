package login

import (
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"time"

	"github.com/auth0kit/auth0kit/internal/jose"
	"github.com/auth0kit/auth0kit/internal/secret"
)

// Identity is who has just signed in, as the verified ID token says.
type Identity struct {
	UserID, SID, Email, Name, OrgID, OrgName, ACR string

	EmailVerified      bool
	AuthTime, IssuedAt time.Time
	AMR                []string // What Auth0 has asked for.
	MFA                bool     // A second factor was proved since this login began, and is not only remembered.
	Payload            []byte   // Goes into the session. For OnLogin to set.

	notAfter time.Time
	proved   *proof
	token    *jose.Token
}

// proof is what local factors have proved.
type proof struct {
	At  time.Time
	AMR []string
}

// Format hides email, name and payload from package fmt.
func (id Identity) Format(f fmt.State, _ rune) { secret.Format(f, id) }

// LogValue hides them from log/slog.
func (id Identity) LogValue() slog.Value {
	return secret.Shown(slog.String("UserID", id.UserID), slog.String("OrgID", id.OrgID), slog.Bool("MFA", id.MFA))
}

// MarshalJSON hides them from encoding/json.
func (id Identity) MarshalJSON() ([]byte, error) { return secret.JSON(id) }

// Claim decodes a claim of the ID token into v. It returns an error when the token
// has no such claim, or one of another type.
func (id *Identity) Claim(name string, v any) error {
	if id.token == nil {
		return fmt.Errorf("login: there is no claim %q", name)
	}
	return id.token.Claim(name, v)
}

// Subject returns the user's id.
func (id *Identity) Subject() string { return id.UserID }

// AuthenticatedBy returns when the user proved the method, a name of RFC 8176, and
// the zero time when that was not in this login.
func (id *Identity) AuthenticatedBy(method string) time.Time {
	if id.proved != nil && slices.Contains(id.proved.AMR, method) {
		return id.proved.At
	}
	if method == "mfa" && !id.MFA || !slices.Contains(id.AMR, method) {
		return time.Time{}
	}
	return id.AuthTime
}

// isOf reports whether the user signed in to the organization with that id or name.
// Whoever names an organization must not name it like the id of another one.
func (id *Identity) isOf(asked string) bool {
	return id.OrgID == asked || !strings.HasPrefix(asked, "org_") && strings.EqualFold(id.OrgName, asked)
}

// read returns what the token says, with its nonce and its authorized party.
func read(t *jose.Token) (id *Identity, nonce, azp string, err error) {
	id = &Identity{UserID: t.Subject, IssuedAt: t.IssuedAt, token: t}
	var errs []error
	for name, to := range map[string]*string{
		"sid": &id.SID, "email": &id.Email, "name": &id.Name, "org_id": &id.OrgID, "org_name": &id.OrgName, "acr": &id.ACR, "nonce": &nonce, "azp": &azp,
	} {
		var err error
		*to, err = t.Text(name)
		errs = append(errs, err)
	}
	var failed error
	id.AuthTime, failed = t.Time("auth_time")
	errs = append(errs, failed)
	id.notAfter, failed = t.Time("session_expiry")
	errs = append(errs, failed)
	id.AMR, failed = t.Texts("amr")
	errs = append(errs, failed)
	if t.Has("email_verified") && t.Claim("email_verified", &id.EmailVerified) != nil {
		id.EmailVerified = false // some connections send a string; unknown is not verified
	}
	return id, nonce, azp, errors.Join(errs...)
}
