package management

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/auth0kit/auth0kit/internal/oauth"
	"github.com/auth0kit/auth0kit/internal/once"
	"github.com/auth0kit/auth0kit/internal/retry"
	"github.com/auth0kit/auth0kit/management/resource"
)

const (
	opToken = "token"

	// renewBefore is how long before its end a token is replaced: long enough
	// for a request that waits for the bucket.
	renewBefore = time.Minute
)

// grant is one access token.
type grant struct {
	token   string
	scopes  []string
	scoped  bool      // scopes are known.
	expires time.Time // Zero: not known.
	renew   time.Time // From then on it is replaced if that is possible.
}

func (g grant) good(now time.Time) bool {
	return g.token != "" && (g.expires.IsZero() || now.Before(g.expires))
}

func (g grant) fresh(now time.Time) bool {
	return g.token != "" && (g.renew.IsZero() || now.Before(g.renew))
}

// tokens keeps the current token and replaces it, once for all that wait.
type tokens struct {
	fetch func(ctx context.Context) (grant, error)
	call  once.Call[grant]
}

func newTokens(cfg Config, report func(context.Context, string, *outcome, error)) *tokens {
	t := &tokens{call: once.Call[grant]{Settle: orLast}}
	if cfg.Token != nil {
		t.fetch = func(ctx context.Context) (grant, error) { return fromFunc(ctx, cfg.Token) }
		return t
	}
	app := &oauth.Client{
		Issuer: cfg.issuer, ClientID: cfg.ClientID, ClientSecret: cfg.ClientSecret,
		PrivateKey: cfg.PrivateKey, HTTPClient: cfg.HTTPClient,
	}
	t.fetch = func(ctx context.Context) (g grant, err error) {
		o := new(outcome)
		defer func() { report(ctx, opToken, o, err) }()
		return fromCredentials(ctx, app, cfg.Audience, o)
	}
	return t
}

// get returns a token that is good for a while.
func (t *tokens) get(ctx context.Context) (string, error) {
	g, err := t.grant(ctx)
	return g.token, err
}

// scopes returns what the current token is good for.
func (t *tokens) scopes(ctx context.Context) ([]string, error) {
	g, err := t.grant(ctx)
	if err == nil && !g.scoped {
		err = invalid(opToken, "the token does not show its scopes; Check needs a JWT")
	}
	return g.scopes, err
}

// reject forgets a token that the API refused.
func (t *tokens) reject(token string) {
	t.call.Forget(func(last once.Outcome[grant]) bool { return last.Value.token == token })
}

func (t *tokens) grant(ctx context.Context) (grant, error) {
	g, err := t.call.Do(ctx, isFresh, t.fetch)
	if _, known := errors.AsType[*resource.Error](err); err == nil || known {
		return g, err
	}
	if _, died := errors.AsType[*once.ExitError](err); !died {
		err = noAnswer(ctx.Err())
	}
	return grant{}, &resource.Error{Op: opToken, Err: err}
}

// isFresh accepts a good token, and for a while the refusal of one: who asks
// again at once is refused again.
func isFresh(last once.Outcome[grant]) bool {
	now := time.Now()
	return last.Value.fresh(now) || last.Err != nil && now.Sub(last.At) < heldFor(last.Err)
}

// refusedFor is how long a refusal of the credentials holds: somebody may mend
// them at Auth0.
const refusedFor = 10 * time.Second

func heldFor(err error) time.Duration {
	e, ok := errors.AsType[*resource.Error](err)
	switch {
	case !ok || e.StatusCode == 0: // Nobody has refused anything.
		return 0
	case errors.Is(e, resource.ErrUnauthorized):
		return max(e.RetryAfter, refusedFor)
	}
	return e.RetryAfter
}

// orLast keeps a token that is still good when its successor cannot be had.
func orLast(last, now once.Outcome[grant]) once.Outcome[grant] {
	if now.Err != nil && last.Value.good(now.At) {
		last.Value.renew = now.At.Add(heldFor(now.Err))
		return last
	}
	return now
}

// fromCredentials asks the token endpoint, again after failures that pass: a
// grant of client credentials has no side effect.
func fromCredentials(ctx context.Context, app *oauth.Client, audience string, o *outcome) (grant, error) {
	for try := 1; ; try++ {
		asked := time.Now()
		o.requests++
		token, err := app.ClientCredentials(ctx, audience)
		if err == nil {
			g := parse(token.Access)
			if token.Scope != "" {
				g.scopes, g.scoped = strings.Fields(token.Scope), true
			}
			if token.ExpiresIn > 0 {
				g.expire(asked, asked.Add(token.ExpiresIn))
			}
			return g, nil
		}
		refusal := tokenError(err)
		if refusal.StatusCode == http.StatusTooManyRequests {
			o.limited++
		}
		pause := max(pauses.Pause(try), refusal.RetryAfter)
		// A code of its own is a verdict, whatever the status: an Action denied.
		verdict := refusal.Code != "" && refusal.Code != "server_error" && refusal.Code != "temporarily_unavailable"
		passing := errors.Is(refusal, resource.ErrUnavailable) && !verdict || errors.Is(refusal, resource.ErrRateLimited)
		if !passing || badCertificate(err) || try == maxTries || pause > 10*time.Second {
			return grant{}, refusal
		}
		if retry.Sleep(ctx, pause) != nil {
			return grant{}, refusal
		}
	}
}

// tokenError is the failure of a token call, without what the answer said in
// words: those name the application, its grants and their owners.
func tokenError(err error) *resource.Error {
	e, ok := errors.AsType[*oauth.Error](err)
	if !ok {
		return &resource.Error{Op: opToken, Err: silent{err, "no token"}}
	}
	out := &resource.Error{Op: opToken, StatusCode: e.Status, Code: e.Code, RetryAfter: e.RetryAfter}
	switch {
	case e.Status == 0:
		out.Err = fmt.Errorf("%w: %w", resource.ErrUnavailable, noAnswer(errors.Unwrap(e)))
	case e.Status == http.StatusForbidden:
		out.Err = fmt.Errorf("%w: authorize the application for the Management API", resource.ErrUnauthorized)
	case e.Status == http.StatusTooManyRequests, retryStatus(e.Status):
	case e.Status >= 400:
		out.Err = fmt.Errorf("%w: check Config.ClientID, its credentials and Config.Audience", resource.ErrUnauthorized)
	default:
		out.Err = errors.New("the answer is not that of a token endpoint; check Config.Domain")
	}
	return out
}

func fromFunc(ctx context.Context, f func(context.Context) (string, error)) (grant, error) {
	token, err := f(ctx)
	switch {
	case err != nil && ctx.Err() != nil:
		return grant{}, &resource.Error{Op: opToken, Err: noAnswer(ctx.Err())}
	case err != nil:
		return grant{}, &resource.Error{Op: opToken, Err: fmt.Errorf("%w: %w", resource.ErrUnauthorized, silent{err, "Config.Token failed"})}
	case token == "" || strings.ContainsAny(token, " \r\n"):
		return grant{}, &resource.Error{Op: opToken, Err: fmt.Errorf("%w: Config.Token returned no token", resource.ErrUnauthorized)}
	}
	return parse(token), nil
}

// parse reads what a token says about itself. Nothing is verified and nothing
// depends on it but when to ask for the next one, and Check.
func parse(token string) grant {
	g := grant{token: token}
	parts := strings.Split(token, ".")
	if len(parts) != 3 {
		return g
	}
	payload, err := base64.RawURLEncoding.DecodeString(parts[1])
	if err != nil {
		return g
	}
	var claims struct {
		Expires float64 `json:"exp"`
		Scope   string  `json:"scope"`
	}
	if json.Unmarshal(payload, &claims) != nil {
		return g
	}
	g.scopes, g.scoped = strings.Fields(claims.Scope), true
	if claims.Expires > 0 && claims.Expires < 1<<40 {
		g.expire(time.Now(), time.Unix(int64(claims.Expires), 0))
	}
	return g
}

// expire plans the replacement: a minute before the end, or for a short-lived
// token after nine tenths of its life.
func (g *grant) expire(now, end time.Time) {
	g.expires = end
	g.renew = end.Add(-min(renewBefore, end.Sub(now)/10))
}
