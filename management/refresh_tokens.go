package management

import "context"

// RevokeRefreshTokens ends all refresh tokens of a user and leaves the sessions
// alone. Auth0 accepts the order and carries it out soon after.
func (c *Client) RevokeRefreshTokens(ctx context.Context, userID string) error {
	return c.send(ctx, "revoke refresh tokens", "DELETE", nil, nil, "users", userID, "refresh-tokens")
}
