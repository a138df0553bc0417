package management

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	sdk "github.com/auth0/go-auth0/management"

	"github.com/auth0kit/auth0kit/internal/pace"
	"github.com/auth0kit/auth0kit/management/resource"
)

// Client is the Management API of one tenant. It is safe for concurrent use;
// make one for a program, or one for requests and one with another MaxWait for
// bulk work.
type Client struct {
	cfg    *Config // A pointer, so that fmt does not print the credentials.
	sdk    *sdk.Management
	http   *transport
	tokens *tokens
	roles  effectiveRoles
}

// New checks cfg and returns its Client. It does no I/O: see [Client.Check].
func New(cfg Config) (*Client, error) {
	if err := cfg.validate(); err != nil {
		return nil, err
	}
	cfg = cfg.withDefaults()
	t := &transport{
		base:    cfg.HTTPClient.Transport,
		timeout: cfg.HTTPClient.Timeout,
		issuer:  cfg.issuer,
		pacer:   pace.New(cfg.Budget),
		maxWait: cfg.MaxWait,
		log:     cfg.Logger,
		budget:  cfg.Budget,
		onCall:  cfg.OnCall,
		said:    seldom{last: map[string]time.Time{}},
	}
	t.tokens = newTokens(cfg, t.report)
	if t.base == nil {
		t.base = http.DefaultTransport
	}
	options := []sdk.Option{
		sdk.WithClient(&http.Client{Transport: t}),
		sdk.WithStaticToken("set by the transport"),
		sdk.WithNoRetries(),
	}
	if cfg.issuer.Scheme() == "http" { // Of loopback alone.
		options = append(options, sdk.WithInsecure())
	}
	api, err := sdk.New(cfg.issuer.Host(), options...)
	if err != nil {
		return nil, invalidConfig("Domain", "is not accepted by the SDK")
	}
	return &Client{cfg: &cfg, sdk: api, http: t, tokens: t.tokens}, nil
}

// Issuer returns the tenant's own URL, "https://tenant.eu.auth0.com/", whatever
// custom domain Config.Domain names: what is stored about a tenant is stored under
// it.
func (c *Client) Issuer() string { return strings.TrimSuffix(c.cfg.Audience, "api/v2/") }

// API returns the whole SDK on the same transport: same token, same bucket, same
// repetitions and what HTTPClient says of their answers. Its errors are the SDK's own,
// and their texts may have emails and ids in them. Mark a POST that may be repeated
// with [Idempotent].
func (c *Client) API() *sdk.Management { return c.sdk }

// HTTPClient returns a client for another SDK, or for requests of your own, on
// the same transport: it sets the token, keeps to the bucket and repeats what may
// be repeated. A DELETE without a body that was sent, got no usable answer, and is
// answered 404 when it is repeated has done its work: this is answered as 204. Any
// other refusal of a repetition is the error ErrOutcomeUnknown, and no answer. It
// refuses other hosts than that of Config.Domain, and http. Errors are *[Error]
// inside of a *url.Error, whose text has the URL.
func (c *Client) HTTPClient() *http.Client { return &http.Client{Transport: c.http} }

// Check tells at start-up whether the credentials work: it gets a token, makes
// sure that these scopes were granted, and that the API takes the token. A
// missing scope is ErrForbidden and named in the error.
func (c *Client) Check(ctx context.Context, scopes ...string) error {
	const op = "check"
	granted, err := c.tokens.scopes(ctx)
	if err != nil {
		return operation(op, err)
	}
	var missing []string
	for _, scope := range scopes {
		if !slices.Contains(granted, scope) {
			missing = append(missing, scope)
		}
	}
	if len(missing) > 0 {
		return lacking(op, missing...)
	}
	return c.probe(expecting(ctx, resource.ErrNotFound, resource.ErrForbidden))
}

func lacking(op string, scopes ...string) error {
	return &resource.Error{Op: op, Err: fmt.Errorf(
		"%w: the token lacks %s; grant it to the application under Applications > APIs > Auth0 Management API",
		resource.ErrForbidden, strings.Join(scopes, ", "))}
}

// probe reads a user that does not exist. The token is good when Auth0 says so,
// or that the scope for it is missing.
func (c *Client) probe(ctx context.Context) error {
	err := c.get(ctx, "check", nil, objectWith("user_id", new(struct{})), "users", "auth0|auth0kit-check")
	if isAny(err, resource.ErrNotFound, resource.ErrForbidden) {
		return nil
	}
	return err
}
