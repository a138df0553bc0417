package management

import (
	"context"

	sdk "github.com/auth0/go-auth0/management"

	"github.com/auth0kit/auth0kit/management/resource"
)

// Factors returns the factors of the tenant, on and off.
func (c *Client) Factors(ctx context.Context) ([]resource.Factor, error) {
	var out []*sdk.MultiFactor
	if err := c.get(ctx, "list factors", nil, listOf("", "name", &out), "guardian", "factors"); err != nil {
		return nil, err
	}
	return convert(out, func(f *sdk.MultiFactor) resource.Factor {
		return resource.Factor{Name: f.GetName(), Enabled: f.GetEnabled()}
	}), nil
}

// SetFactor turns a factor on or off for the whole tenant: every user is
// affected.
func (c *Client) SetFactor(ctx context.Context, name string, enabled bool) error {
	return c.send(ctx, "set factor", "PUT", map[string]bool{"enabled": enabled}, objectWith("enabled", new(sdk.MultiFactor)), "guardian", "factors", name)
}

// CreateEnrollmentTicket returns a link on which the user enrolls a factor:
// "push-notification", "phone", "email", "otp", "webauthn-roaming" or
// "webauthn-platform"; empty leaves the choice to the user. Auth0 sends no mail.
// The ticket works even if the user already has factors.
func (c *Client) CreateEnrollmentTicket(ctx context.Context, userID, factor string) (*resource.EnrollmentTicket, error) {
	const op = "create enrollment ticket"
	if userID == "" {
		return nil, invalid(op, "the user id is empty")
	}
	in := &sdk.CreateEnrollmentTicket{UserID: userID, Factor: factor, AllowMultipleEnrollments: true}
	var out sdk.EnrollmentTicket
	if err := c.send(ctx, op, "POST", in, objectWith("ticket_url", &out), "guardian", "enrollments", "ticket"); err != nil {
		return nil, err
	}
	return &resource.EnrollmentTicket{ID: out.TicketID, URL: out.TicketURL}, nil
}

// RegenerateRecoveryCode replaces the recovery code of a user and returns the
// new one, which is a secret. After ErrOutcomeUnknown the old one may be dead;
// regenerate again.
func (c *Client) RegenerateRecoveryCode(ctx context.Context, userID string) (string, error) {
	var out sdk.UserRecoveryCode
	err := c.send(ctx, "regenerate recovery code", "POST", nil, objectWith("recovery_code", &out), "users", userID, "recovery-code-regeneration")
	return out.GetRecoveryCode(), err
}

// InvalidateRememberedBrowsers makes the user prove a second factor again in
// every browser. It is repeatable, see [Idempotent].
func (c *Client) InvalidateRememberedBrowsers(ctx context.Context, userID string) error {
	return c.send(Idempotent(ctx), "invalidate remembered browsers", "POST", nil, nil,
		"users", userID, "multifactor", "actions", "invalidate-remember-browser")
}
