package guardian

import (
	"context"
	"errors"
	"regexp"
	"time"

	"github.com/auth0kit/auth0kit/internal/oauth"
)

// CIBA verifies Push by OpenID CIBA: without any login it asks a known user to
// approve Request.Message, such as "Pay 10 EUR to ACME", on their device
// (https://auth0.com/docs/get-started/authentication-and-authorization-flow/client-initiated-backchannel-authentication-flow).
// Verify waits at most five minutes for the answer.
type CIBA struct{ app *oauth.Client }

// NewCIBA returns a verifier that uses the application a. It does no I/O. An error
// names the field of a that is wrong.
func NewCIBA(a AuthAPI) (*CIBA, error) {
	app, err := a.client()
	if err != nil {
		return nil, err
	}
	return &CIBA{app}, nil
}

// bindingMessage is what Auth0 takes as one.
var bindingMessage = regexp.MustCompile(`^[A-Za-z0-9+\-_.,:# ]{1,64}$`)

func (b *CIBA) precheck(_ context.Context, r Request) (weight int, err error) {
	if !bindingMessage.MatchString(r.Message) {
		return 0, invalid("Request.Message", "must be 1 to 64 letters, digits, spaces and +-_.,:#")
	}
	return 1, nil
}

// Verify implements Verifier.
func (b *CIBA) Verify(ctx context.Context, r Request) (*Verification, error) {
	if _, err := b.precheck(ctx, r); err != nil {
		return nil, err
	}
	c, err := b.app.StartCIBA(ctx, oauth.CIBARequest{UserID: r.UserID, Message: r.Message})
	if err != nil {
		return nil, answerOf("ask", err, map[string]error{"access_denied": ErrNotEnrolled})
	}
	lifetime := pushLifetime
	if c.ExpiresIn > 0 {
		lifetime = min(c.ExpiresIn, pushLifetime)
	}
	ends := time.Now().Add(lifetime)
	t, err := poll(ctx, c.Interval, lifetime, func() (*oauth.Token, error) { return b.app.PollCIBA(ctx, c.ID) })
	if err != nil {
		return nil, b.refused(err, ends)
	}
	return proved(t)
}

// refused tells a refusal from time that has run out, which Auth0 words alike.
func (b *CIBA) refused(err error, ends time.Time) error {
	special := map[string]error{"invalid_grant": ErrExpired}
	if e, is := errors.AsType[*oauth.Error](err); is && e.Code == "access_denied" && !time.Now().Before(ends) {
		special["access_denied"] = ErrExpired
	}
	return answerOf("ask", err, special)
}
