package contain

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/auth0kit/auth0kit/management/resource"
)

// accounts is what *management.Client has for Block and RevokeAtAuth0. They need the
// scopes update:users, delete:sessions and delete:refresh_tokens.
type accounts interface {
	UpdateUser(ctx context.Context, id string, p resource.UserPatch) (*resource.User, error)
	RevokeAccess(ctx context.Context, userID string) error
}

// atAuth0 is what Auth0 answered: where it has no such user (any more), nothing is open.
func atAuth0(did string, err error) (Done, error) {
	if errors.Is(err, resource.ErrNotFound) {
		return Done{Did: "there is no such user"}, nil
	}
	return Done{Did: did}, err
}

// Block blocks the user at Auth0: no login and no refresh succeeds from now on.
func Block(client accounts) Layer {
	return Layer{"block at Auth0", func(ctx context.Context, userID string) (Done, error) {
		_, err := client.UpdateUser(ctx, userID, resource.UserPatch{Blocked: new(true)})
		return atAuth0("nobody signs in to it", err)
	}}
}

// RevokeAtAuth0 ends the sessions and refresh tokens at Auth0.
func RevokeAtAuth0(client accounts) Layer {
	return Layer{"sessions and refresh tokens at Auth0", func(ctx context.Context, userID string) (Done, error) {
		return atAuth0("all of them are ended", client.RevokeAccess(ctx, userID))
	}}
}

// EndSessions ends the sessions of the application: a *session.Manager does it.
func EndSessions(sessions interface {
	RevokeUser(ctx context.Context, userID string) error
}) Layer {
	return Layer{"sessions here", func(ctx context.Context, userID string) (Done, error) {
		return Done{Did: "all of them are ended"}, sessions.RevokeUser(ctx, userID)
	}}
}

// CutTokens refuses the access tokens that are out, at the APIs whose guards have the
// *tenancy.Cutoff: their processes hear of it within every, its CutoffConfig.Every.
// Other APIs take a token until it expires, lifetime after it was issued at most.
func CutTokens(cutoff interface {
	RevokeAccess(ctx context.Context, userID string) error
}, every, lifetime time.Duration) Layer {
	return Layer{"access tokens", func(ctx context.Context, userID string) (Done, error) {
		err := cutoff.RevokeAccess(ctx, userID)
		return Done{
			Did:  fmt.Sprintf("those that are out are refused by our APIs within %s", every),
			Open: "APIs without our cut-off take a token that is out until it expires", Till: time.Now().Add(lifetime),
		}, err
	}}
}

// ResetFactors removes the second factors, here and at Auth0: a *guardian.Service does
// it. Use it where the attacker may have enrolled one; the owner enrolls anew.
func ResetFactors(factors interface {
	Reset(ctx context.Context, userID string) error
}) Layer {
	return Layer{"second factors", func(ctx context.Context, userID string) (Done, error) {
		return Done{Did: "all of them are removed, and enrolled anew after the account is opened"}, factors.Reset(ctx, userID)
	}}
}

// Distrust takes what was learned of the user's logins as learned from the attacker:
// a *risk.Engine does it.
func Distrust(risk interface {
	Distrust(ctx context.Context, userID string) error
}) Layer {
	return Layer{"risk profile", func(ctx context.Context, userID string) (Done, error) {
		return Done{Did: "what it has learned counts for nobody any more"}, risk.Distrust(ctx, userID)
	}}
}
