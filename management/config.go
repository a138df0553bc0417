package management

import (
	"context"
	"crypto"
	"fmt"
	"log/slog"
	"net/http"
	"os"
	"strings"
	"time"

	"github.com/auth0kit/auth0kit/internal/issuer"
	"github.com/auth0kit/auth0kit/internal/oauth"
	"github.com/auth0kit/auth0kit/internal/secret"
)

// Config says which tenant to talk to, as whom, and how hard. Domain and one
// kind of credentials are required.
type Config struct {
	Domain       string // Required: "tenant.eu.auth0.com" or "https://tenant.eu.auth0.com/". A custom domain needs Audience.
	ClientID     string // Of an application authorized for the Management API; with ClientSecret or PrivateKey.
	ClientSecret string

	// PrivateKey is for applications that authenticate by private_key_jwt: RSA
	// from 2048 bits (RS256) or ECDSA on P-256 (ES256). Auth0 lists RS256,
	// RS384 and PS256 for the credentials of an application, so RSA is what
	// works everywhere; Ed25519 is refused.
	PrivateKey crypto.Signer

	// Token returns an access token for the Management API, instead of the
	// three above. Its answer is used until shortly before the token's exp
	// claim, and it is asked again after a 401: once for all calls that wait,
	// with a context that ends when none of them waits any more.
	Token func(ctx context.Context) (string, error)

	Audience   string       // Defaults to "https://tenant.eu.auth0.com/api/v2/", with the host of Domain.
	HTTPClient *http.Client // For API calls, token calls and downloads; its Timeout is for each attempt. Defaults to one with 60 s.

	// Budget is the share of the tenant's rate-limit bucket that this Client may
	// drain; the rest is left to others, such as logins in production. A wrong
	// estimate can cost them a few requests for a moment. Defaults to 0.8.
	Budget float64

	// MaxWait is the longest that one call waits for the bucket before it fails
	// with ErrRateLimited. Defaults to 10 s; negative waits as long as the
	// context allows, for bulk runs.
	MaxWait time.Duration

	// Logger is told, each at most once a minute, of waits, empty buckets and
	// unknown outcomes, and once of each limit that is learned; at debug level of
	// every repetition. There is no personal data in it. Defaults to none.
	Logger *slog.Logger

	// OnCall is told of every call when it has ended, to count calls, waits and
	// doubts by operation; of the requests for tokens and of an export's file too. It
	// must return soon and be safe for concurrent use. Defaults to nothing.
	OnCall func(ctx context.Context, c Call)

	issuer issuer.Issuer // Domain in its one form.
}

// Call is what Config.OnCall learns of one call.
type Call struct {
	Op       string        // As in *Error: "create user"; "GET users/*" for those through API and HTTPClient; "token"; "download users".
	Requests int           // Sent for it.
	Limited  int           // Of those, answered 429.
	Waited   time.Duration // For the rate limit.
	Doubt    bool          // Err is ErrOutcomeUnknown.
	Err      error         // Nil: it succeeded.
}

// ConfigFromEnv returns a Config with Domain, ClientID and ClientSecret from
// AUTH0_DOMAIN, AUTH0_CLIENT_ID and AUTH0_CLIENT_SECRET. One that is not set is an
// error.
func ConfigFromEnv() (Config, error) {
	var cfg Config
	var missing []string
	for _, v := range []struct {
		name  string
		field *string
	}{{"AUTH0_DOMAIN", &cfg.Domain}, {"AUTH0_CLIENT_ID", &cfg.ClientID}, {"AUTH0_CLIENT_SECRET", &cfg.ClientSecret}} {
		if *v.field = os.Getenv(v.name); *v.field == "" {
			missing = append(missing, v.name)
		}
	}
	if len(missing) > 0 {
		return Config{}, fmt.Errorf("management: set the environment variables %s", strings.Join(missing, ", "))
	}
	return cfg, nil
}

// Format hides the credentials from package fmt.
func (c Config) Format(f fmt.State, _ rune) { secret.Format(f, c) }

// LogValue shows the domain and the application only.
func (c Config) LogValue() slog.Value {
	return secret.Shown(slog.String("domain", c.Domain), slog.String("client_id", c.ClientID))
}

func (c Config) withDefaults() Config {
	if c.Audience == "" {
		c.Audience = c.issuer.Join("api/v2/")
	}
	if c.HTTPClient == nil {
		c.HTTPClient = &http.Client{Timeout: time.Minute}
	}
	if c.Budget == 0 {
		c.Budget = 0.8
	}
	if c.MaxWait == 0 {
		c.MaxWait = 10 * time.Second
	}
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	return c
}

func (c *Config) validate() (err error) {
	if c.issuer, err = issuer.Parse("management: Config.Domain", c.Domain); err != nil {
		return err
	}
	if err := c.validateCredentials(); err != nil {
		return err
	}
	if c.Audience != "" && strings.TrimSpace(c.Audience) != c.Audience {
		return invalidConfig("Audience", "has spaces around it; remove them")
	}
	if !(c.Budget >= 0 && c.Budget <= 1) { // Also refuses NaN.
		return invalidConfig("Budget", "must be above 0 and at most 1, such as 0.8 to leave a fifth of the bucket to others")
	}
	return nil
}

func (c *Config) validateCredentials() error {
	secret, key, token := c.ClientSecret != "", c.PrivateKey != nil, c.Token != nil
	switch {
	case token && (secret || key || c.ClientID != ""):
		return invalidConfig("Token", "excludes ClientID, ClientSecret and PrivateKey; keep one kind of credentials")
	case token:
		return nil
	case secret && key:
		return invalidConfig("ClientSecret", "and PrivateKey are both set; keep the one that the application is registered with")
	case !secret && !key && c.ClientID == "":
		return invalidConfig("ClientID", "and the other credentials are empty; set ClientID with ClientSecret or PrivateKey, or set Token")
	case !secret && !key:
		return invalidConfig("ClientSecret", "is empty; set it, or PrivateKey")
	case c.ClientID == "":
		return invalidConfig("ClientID", "is empty; set the one that belongs to ClientSecret or PrivateKey")
	case key:
		if _, err := oauth.Algorithm(c.PrivateKey); err != nil {
			return invalidConfig("PrivateKey", "cannot be used: "+err.Error())
		}
	}
	return nil
}

func invalidConfig(field, problem string) error {
	return fmt.Errorf("management: Config.%s %s", field, problem)
}
