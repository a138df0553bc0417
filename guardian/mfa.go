package guardian

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/auth0kit/auth0kit/internal/oauth"
	"github.com/auth0kit/auth0kit/internal/secret"
)

const (
	pushInterval = 5 * time.Second // between two polls: Auth0 takes twelve a minute
	pushLifetime = 5 * time.Minute // of a request, at most
)

// MFA verifies factors by Auth0's MFA API, after a login has stopped with
// mfa_required and an mfa_token
// (https://auth0.com/docs/secure/multi-factor-authentication/multi-factor-authentication-developer-resources/mfa-api).
// Register it for OTP, SMS, Push, Email and RecoveryCode.
type MFA struct{ app *oauth.Client }

// NewMFA returns a verifier that uses the application a. It does no I/O. An error
// names the field of a that is wrong.
func NewMFA(a AuthAPI) (*MFA, error) {
	app, err := a.client()
	if err != nil {
		return nil, err
	}
	return &MFA{app}, nil
}

// Verify implements Verifier. The login that led to the mfa_token must have asked
// for the scope openid, so that the tokens identify the user.
func (m *MFA) Verify(ctx context.Context, r Request) (*Verification, error) {
	if r.MFAToken == "" {
		return nil, invalid("Request.MFAToken", "is empty; it is in the error mfa_required of the login")
	}
	t, err := m.exchange(ctx, r)
	if err != nil {
		return nil, answerOf("verify", err, nil)
	}
	return proved(t)
}

func (m *MFA) exchange(ctx context.Context, r Request) (*oauth.Token, error) {
	switch r.Factor {
	case OTP:
		return m.app.MFAOTP(ctx, r.MFAToken, r.Code)
	case RecoveryCode:
		return m.app.MFARecoveryCode(ctx, r.MFAToken, r.Code)
	case SMS, Email:
		if r.OOBCode == "" {
			return nil, invalid("Request.OOBCode", "is empty; it comes from Challenge")
		}
		if r.Code == "" {
			return nil, ErrWrongCode
		}
		return m.app.MFAOOB(ctx, r.MFAToken, r.OOBCode, r.Code)
	case Push:
		return m.push(ctx, r)
	}
	return nil, invalid("Request.Factor", "cannot be verified by the MFA API")
}

func (m *MFA) push(ctx context.Context, r Request) (*oauth.Token, error) {
	if r.OOBCode == "" {
		c, err := m.Challenge(ctx, r)
		if err != nil {
			return nil, err
		}
		r.OOBCode = c.OOBCode
	}
	return poll(ctx, pushInterval, pushLifetime, func() (*oauth.Token, error) { return m.app.MFAOOB(ctx, r.MFAToken, r.OOBCode, "") })
}

// Challenge is a message that was sent to the user.
type Challenge struct {
	OOBCode   string // For Request.OOBCode. A secret.
	NeedsCode bool   // True if the user types a code from the message; otherwise they answer on the device.
}

// Format hides the code from package fmt.
func (c Challenge) Format(f fmt.State, _ rune) { secret.Format(f, c) }

// LogValue shows what is not secret.
func (c Challenge) LogValue() slog.Value { return secret.Shown(slog.Bool("needs_code", c.NeedsCode)) }

// Challenge sends a message to the first device of r.Factor that the user has
// confirmed.
func (m *MFA) Challenge(ctx context.Context, r Request) (*Challenge, error) {
	list, err := m.app.Authenticators(ctx, r.MFAToken)
	if err != nil {
		return nil, answerOf("list authenticators", err, nil)
	}
	for _, a := range list {
		if f, known := FactorOfAuthenticator(a.Type, a.Channel); !known || f != r.Factor || !a.Active {
			continue
		}
		c, err := m.app.Challenge(ctx, r.MFAToken, a.Type, a.ID)
		if err != nil {
			return nil, answerOf("challenge", err, nil)
		}
		return &Challenge{OOBCode: c.OOBCode, NeedsCode: c.BindingMethod == "prompt"}, nil
	}
	return nil, refuse(ErrNotEnrolled)
}

// Association is an enrollment that has begun at Auth0. Verify with the same
// mfa_token completes it.
type Association struct {
	Key           *TOTPKey // For OTP the key; for Push the code to scan.
	Challenge     Challenge
	RecoveryCodes []string // Set for the first factor only. Secrets: show them once.
}

// Format hides the secrets from package fmt.
func (a Association) Format(f fmt.State, _ rune) { secret.Format(f, a) }

// LogValue hides them from log/slog.
func (a Association) LogValue() slog.Value { return secret.Shown() }

// MarshalJSON hides them wherever something that contains a is logged as JSON.
func (a Association) MarshalJSON() ([]byte, error) { return secret.JSON(a) }

// Associate begins the enrollment of a first factor at Auth0. For SMS, address is
// the number in E.164 format; for Email it may be empty.
func (m *MFA) Associate(ctx context.Context, mfaToken string, f Factor, address string) (*Association, error) {
	n := names[f]
	if n.Authenticator != "otp" && n.Authenticator != "oob" {
		return nil, invalid("factor", "cannot be enrolled by the MFA API")
	}
	in := oauth.NewAuthenticator{Types: []string{n.Authenticator}}
	if len(n.Channels) > 0 {
		in.Channels = n.Channels[:1]
	}
	switch f {
	case SMS:
		in.Phone = address
	case Email:
		in.Email = address
	}
	a, err := m.app.Associate(ctx, mfaToken, in)
	if err != nil {
		return nil, associateError(err)
	}
	out := &Association{RecoveryCodes: a.RecoveryCodes, Challenge: Challenge{OOBCode: a.OOBCode, NeedsCode: a.BindingMethod == "prompt"}}
	if a.BarcodeURI != "" {
		out.Key = &TOTPKey{secret: a.Secret, url: a.BarcodeURI}
	}
	return out, nil
}

// associateError tells the two meanings of access_denied apart by the only thing
// that does, Auth0's text: "User is already enrolled" asks for a proof.
func associateError(err error) error {
	special := map[string]error{"access_denied": ErrFactorDisabled}
	if e, is := errors.AsType[*oauth.Error](err); is && e.Description == "User is already enrolled." {
		special["access_denied"] = ErrStepUp
	}
	return answerOf("associate", err, special)
}

// challenger is a verifier that can send a message first.
type challenger interface {
	Challenge(ctx context.Context, r Request) (*Challenge, error)
}

// Challenge sends the user a code or a push notification, by the verifier of
// r.Factor; Verify takes the answer. Auth0 limits how many it sends.
func (s *Service) Challenge(ctx context.Context, r Request) (*Challenge, error) {
	verifier, err := s.verifier(r)
	if err != nil {
		return nil, err
	}
	sender, can := verifier.(challenger)
	if !can {
		return nil, invalid("Request.Factor", "has a verifier that sends nothing")
	}
	c, err := sender.Challenge(ctx, r)
	if err := errors.Join(err, s.record(ctx, r.event("challenge", err))); err != nil {
		return nil, err
	}
	return c, nil
}

// associator is a verifier that can enroll.
type associator interface {
	Associate(ctx context.Context, mfaToken string, f Factor, address string) (*Association, error)
}

// Associate begins the enrollment of a first factor at Auth0 for the user who
// holds mfaToken, by the verifier of f. Nothing is enrolled yet; if the event
// cannot be recorded, the result that is needed to complete the enrollment is not
// returned.
func (s *Service) Associate(ctx context.Context, userID, mfaToken string, f Factor, address string) (*Association, error) {
	verifier, err := s.verifier(Request{UserID: userID, Factor: f})
	if err != nil {
		return nil, err
	}
	enroller, can := verifier.(associator)
	if !can {
		return nil, invalid("factor", "has a verifier that enrolls nothing")
	}
	a, err := enroller.Associate(ctx, mfaToken, f, address)
	if err := s.ended(ctx, "associate", userID, f, err); err != nil {
		return nil, err
	}
	s.cache.Drop(userID)
	return a, nil
}
