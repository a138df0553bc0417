package management

import (
	"context"
	"time"

	sdk "github.com/auth0/go-auth0/management"
)

// PasswordTicket returns a link on which the user sets a new password, a
// secret; it does not send it. ttl zero means Auth0's default of five days.
// Every call makes another ticket.
func (c *Client) PasswordTicket(ctx context.Context, userID string, ttl time.Duration) (string, error) {
	const op = "create password ticket"
	switch {
	case userID == "":
		return "", invalid(op, "the user id is empty")
	case ttl < 0 || ttl > 0 && ttl < time.Second:
		return "", invalid(op, "the ttl must be at least a second, or zero")
	}
	in := &sdk.Ticket{UserID: &userID}
	if ttl > 0 {
		in.TTLSec = new(int(ttl / time.Second))
	}
	var out sdk.Ticket
	err := c.send(ctx, op, "POST", in, objectWith("ticket", &out), "tickets", "password-change")
	return out.GetTicket(), err
}
