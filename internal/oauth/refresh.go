package oauth

import (
	"context"
	"net/url"
)

// Refresh redeems a refresh token (RFC 6749 section 6). With rotation the answer
// has the next one.
func (c *Client) Refresh(ctx context.Context, refreshToken string) (*Token, error) {
	return c.RefreshFor(ctx, refreshToken, "")
}

// RefreshFor redeems a refresh token for an access token to another API, as a
// multi-resource refresh token policy allows it. An empty audience is the token's.
func (c *Client) RefreshFor(ctx context.Context, refreshToken, audience string) (*Token, error) {
	form := url.Values{"refresh_token": {refreshToken}}
	set(form, "audience", audience)
	return c.token(ctx, "refresh_token", form, nil)
}
