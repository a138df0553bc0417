package oauth

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"

	"github.com/auth0kit/auth0kit/internal/secret"
)

// Authenticator is a factor that a user has enrolled.
type Authenticator struct {
	ID      string `json:"id"`                 // "totp|dev_…"
	Type    string `json:"authenticator_type"` // "otp", "oob" or "recovery-code".
	Channel string `json:"oob_channel"`        // Of "oob": "sms", "voice", "email" or "auth0" (push).
	Active  bool   `json:"active"`             // Confirmed; an enrollment that was not finished is not.
	Name    string `json:"name"`               // Masked by Auth0, such as "XXXXXXXX1234".
}

// NewAuthenticator is what Associate takes.
type NewAuthenticator struct {
	Types    []string `json:"authenticator_types"`    // {"otp"} or {"oob"}.
	Channels []string `json:"oob_channels,omitempty"` // Of "oob": {"sms"}, {"voice"}, {"email"} or {"auth0"}.
	Phone    string   `json:"phone_number,omitempty"` // E.164, for sms and voice.
	Email    string   `json:"email,omitempty"`        // Defaults to the user's.
}

// Format hides number and address.
func (n NewAuthenticator) Format(f fmt.State, _ rune) { secret.Format(f, n) }

// LogValue shows the types only.
func (n NewAuthenticator) LogValue() slog.Value { return secret.Shown(slog.Any("types", n.Types)) }

// Association is an enrollment that has begun; the first token issued with the
// new factor confirms it. Secret, BarcodeURI and RecoveryCodes are secrets.
type Association struct {
	Type          string   `json:"authenticator_type"`
	Secret        string   `json:"secret"`      // Base32, of "otp".
	BarcodeURI    string   `json:"barcode_uri"` // otpauth://…
	Channel       string   `json:"oob_channel"`
	OOBCode       string   `json:"oob_code"`
	BindingMethod string   `json:"binding_method"` // "prompt": the user must type a code. Empty for push.
	RecoveryCodes []string `json:"recovery_codes"` // With the first factor only.
}

// Format hides the secrets.
func (a Association) Format(f fmt.State, _ rune) { secret.Format(f, a) }

// LogValue shows the type only.
func (a Association) LogValue() slog.Value { return secret.Shown(slog.String("type", a.Type)) }

// Challenge is a challenge that was sent. OOBCode is a secret.
type Challenge struct {
	Type          string `json:"challenge_type"` // "otp" or "oob".
	OOBCode       string `json:"oob_code"`
	BindingMethod string `json:"binding_method"`
}

// Format hides the code.
func (c Challenge) Format(f fmt.State, _ rune) { secret.Format(f, c) }

// LogValue shows the type only.
func (c Challenge) LogValue() slog.Value { return secret.Shown(slog.String("type", c.Type)) }

// Associate enrolls a factor. token is an MFA token, or an access token for the
// audience https://DOMAIN/mfa/ with the scope enroll; with an MFA token it is
// allowed only to users without any factor.
func (c *Client) Associate(ctx context.Context, token string, n NewAuthenticator) (*Association, error) {
	out := new(Association)
	if err := c.sendJSON(ctx, "mfa associate", http.MethodPost, "/mfa/associate", token, n, out); err != nil {
		return nil, err
	}
	return out, nil
}

// Challenge asks Auth0 to challenge the user who holds mfaToken. challengeType
// is "otp", "oob", or both with a space between; authenticatorID picks one of
// the user's factors and may be empty.
func (c *Client) Challenge(ctx context.Context, mfaToken, challengeType, authenticatorID string) (*Challenge, error) {
	form := url.Values{"mfa_token": {mfaToken}, "challenge_type": {challengeType}}
	set(form, "authenticator_id", authenticatorID)
	if err := c.authenticate(form); err != nil {
		return nil, &Error{Op: "mfa challenge", Err: err}
	}
	in := make(map[string]string, len(form)) // The MFA API takes JSON only.
	for name := range form {
		in[name] = form.Get(name)
	}
	out := new(Challenge)
	if err := c.sendJSON(ctx, "mfa challenge", http.MethodPost, "/mfa/challenge", "", in, out); err != nil {
		return nil, err
	}
	return out, nil
}

// Authenticators lists the factors of the user who holds token: an MFA token,
// or an access token with the scope read:authenticators.
func (c *Client) Authenticators(ctx context.Context, token string) ([]Authenticator, error) {
	var out []Authenticator
	err := c.sendJSON(ctx, "mfa authenticators", http.MethodGet, "/mfa/authenticators", token, nil, &out)
	return out, err
}

// DeleteAuthenticator removes a factor. token is an access token with the scope
// remove:authenticators; an MFA token is not enough.
func (c *Client) DeleteAuthenticator(ctx context.Context, token, id string) error {
	if id == "" {
		return &Error{Op: "mfa delete authenticator", Err: errNoID}
	}
	return c.sendJSON(ctx, "mfa delete authenticator", http.MethodDelete, "/mfa/authenticators/"+url.PathEscape(id), token, nil, nil)
}
