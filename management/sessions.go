package management

import "context"

// RevokeSession ends a session at Auth0 and the refresh tokens that came from
// it; sid is the sid claim of the ID token. Auth0 accepts the order and carries
// it out soon after. It is repeatable, see [Idempotent].
func (c *Client) RevokeSession(ctx context.Context, sid string) error {
	return c.send(Idempotent(ctx), "revoke session", "POST", nil, nil, "sessions", sid, "revoke")
}

// RevokeAccess ends all sessions and refresh tokens of a user. Access tokens that
// were issued before stay valid until they expire. Auth0 accepts the order and
// carries it out soon after. It is repeatable, see [Idempotent].
func (c *Client) RevokeAccess(ctx context.Context, userID string) error {
	return c.send(Idempotent(ctx), "revoke access", "POST", struct{}{}, nil, "users", userID, "revoke-access")
}
