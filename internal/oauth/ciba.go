package oauth

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/url"
	"strconv"
	"time"

	"github.com/auth0kit/auth0kit/internal/secret"
)

var errNoID = errors.New("the id is empty")

// CIBARequest asks a user, on their own device, to approve a message.
type CIBARequest struct {
	UserID   string        // Required: "auth0|…".
	Message  string        // Required: shown on the device; letters, digits and +-_.,:# up to 64.
	Scope    string        // Defaults to "openid".
	Audience string        //
	TTL      time.Duration // How long the user has, at most 5 minutes. Defaults to Auth0's.
}

// CIBA is a request that waits for its user. ID is a secret.
type CIBA struct {
	ID        string
	ExpiresIn time.Duration
	Interval  time.Duration // The least time between two polls.
}

// Format hides the id.
func (c CIBA) Format(f fmt.State, _ rune) { secret.Format(f, c) }

// LogValue hides the id from log/slog.
func (c CIBA) LogValue() slog.Value { return secret.Shown() }

// StartCIBA is the authentication request of OpenID CIBA Core 1.0 section 7.
func (c *Client) StartCIBA(ctx context.Context, r CIBARequest) (*CIBA, error) {
	const op = "ciba start"
	if r.UserID == "" {
		return nil, &Error{Op: op, Err: errNoID}
	}
	hint, err := json.Marshal(map[string]string{"format": "iss_sub", "iss": string(c.Issuer), "sub": r.UserID})
	if err != nil {
		return nil, &Error{Op: op, Err: errRequest}
	}
	form := url.Values{"login_hint": {string(hint)}, "binding_message": {r.Message}, "scope": {"openid"}}
	set(form, "scope", r.Scope)
	set(form, "audience", r.Audience)
	if r.TTL > 0 {
		form.Set("requested_expiry", strconv.Itoa(int(r.TTL.Seconds())))
	}
	var answer struct {
		ID        string  `json:"auth_req_id"`
		ExpiresIn float64 `json:"expires_in"`
		Interval  float64 `json:"interval"`
	}
	if err := c.postForm(ctx, op, "/bc-authorize", form, nil, &answer); err != nil {
		return nil, err
	}
	if answer.ID == "" {
		return nil, &Error{Op: op, Err: errUnreadable}
	}
	interval := answer.Interval
	if interval <= 0 {
		interval = 5 // CIBA Core section 7.3: the default.
	}
	return &CIBA{ID: answer.ID, ExpiresIn: seconds(answer.ExpiresIn), Interval: seconds(interval)}, nil
}

// PollCIBA asks once for the outcome. An *Error with Code
// "authorization_pending" means not yet, "slow_down" not so often (RetryAfter
// says when), "access_denied" that the user refused, "expired_token" too late.
func (c *Client) PollCIBA(ctx context.Context, id string) (*Token, error) {
	return c.token(ctx, grantCIBA, url.Values{"auth_req_id": {id}}, nil)
}

// seconds is a number of an answer, between zero and a year.
func seconds(s float64) time.Duration {
	return time.Duration(min(max(0, s), 365*24*3600) * float64(time.Second))
}
