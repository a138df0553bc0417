package login

import (
	"context"
	"crypto"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"os"
	"strings"
	"time"

	"github.com/auth0kit/auth0kit/internal/issuer"
	"github.com/auth0kit/auth0kit/internal/jose"
	"github.com/auth0kit/auth0kit/internal/oauth"
	"github.com/auth0kit/auth0kit/internal/secret"
	"github.com/auth0kit/auth0kit/session"
)

// Application is the application as Auth0 knows it. All fields but the last two
// are required; PrivateKey takes the place of ClientSecret.
type Application struct {
	Domain       string // "tenant.eu.auth0.com", or a custom domain.
	ClientID     string
	ClientSecret string
	BaseURL      string        // Where users reach it: "https://app.example.com". Plain http is for loopback alone.
	PrivateKey   crypto.Signer // Signs assertions (RFC 7523) in place of ClientSecret: RSA from 2048 bits, which Auth0 takes everywhere.
	HTTPClient   *http.Client  // Reaches Auth0. Defaults to one with a timeout of 30 s.
}

// Format hides the secrets from package fmt.
func (a Application) Format(f fmt.State, _ rune) { secret.Format(f, a) }

// LogValue hides them from log/slog.
func (a Application) LogValue() slog.Value {
	return secret.Shown(slog.String("Domain", a.Domain), slog.String("ClientID", a.ClientID), slog.String("BaseURL", a.BaseURL))
}

// MarshalJSON hides them from encoding/json.
func (a Application) MarshalJSON() ([]byte, error) { return secret.JSON(a) }

// FromEnv returns the Application of AUTH0_DOMAIN, AUTH0_CLIENT_ID,
// AUTH0_CLIENT_SECRET and APP_BASE_URL. The error names all that are not set.
func FromEnv() (Application, error) {
	var a Application
	var missing []string
	for _, v := range []struct {
		name string
		to   *string
	}{
		{"APP_BASE_URL", &a.BaseURL}, {"AUTH0_DOMAIN", &a.Domain}, {"AUTH0_CLIENT_ID", &a.ClientID}, {"AUTH0_CLIENT_SECRET", &a.ClientSecret},
	} {
		if *v.to = os.Getenv(v.name); *v.to == "" {
			missing = append(missing, v.name)
		}
	}
	if len(missing) > 0 {
		return Application{}, fmt.Errorf("login: set %s in the environment", strings.Join(missing, ", "))
	}
	return a, nil
}

// Config holds the optional settings of a Handler. The zero value signs users in
// without asking for access tokens.
type Config struct {
	// Path is where the Handler is mounted, without stripping. Defaults to "/auth".
	Path string
	// Audience is the API that access tokens are for. Defaults to none: no access
	// and no refresh token is kept.
	Audience string
	// Scopes are asked for beside openid, profile and email, and beside
	// offline_access where there is an Audience.
	Scopes []string
	// OnLogin runs before there is a session: roles, risk, an old system. It may
	// change id.Payload and set headers. ErrMFARequired has Auth0 ask for a second
	// factor, and Hold a page of yours; OnLogin runs again afterwards.
	//
	// No error lets the user in, and none is shown. ErrRefused, or an error that wraps
	// it or risk.ErrDenied, is a decision: the answer is 403. Any other error, such as
	// that of a database, means that OnLogin could not decide: the answer is 503 with
	// Retry-After.
	OnLogin func(w http.ResponseWriter, r *http.Request, id *Identity) error
	// Factors is asked before a second factor is. Required for ErrMFARequired and
	// StepUp: a user who has none would enroll one with the password alone.
	Factors Factors
	// Authorize returns more parameters for /authorize, such as ui_locales. They do
	// not replace those of this package.
	Authorize func(r *http.Request) url.Values
	// PAR sends what a login asks for to Auth0 directly (RFC 9126), so that browsers
	// neither see nor change it: one more request for each login. The tenant must allow
	// it.
	PAR bool
	// DPoP binds the access and refresh tokens of each session to a key of its own (RFC
	// 9449), so that they are of no use to who steals them alone. It needs an Audience
	// whose API has it switched on; a login without bound tokens fails. Transport proves
	// the key; AccessToken is an error.
	DPoP bool
}

// Factors says whether Auth0 can ask a user for a second factor. nil is a yes. A user
// who has none is an error with a method NotFound() bool that returns true; any other
// error means that it is not known. A *guardian.Service with a Directory implements it.
type Factors interface {
	EnrolledAtAuth0(ctx context.Context, userID string) error
}

// Handler serves the routes of a login. It is safe for concurrent use.
type Handler struct {
	web      *session.HTTP
	cfg      Config
	base     string
	secure   bool // The application is served by https.
	issuer   issuer.Issuer
	app      *oauth.Client
	verifier *jose.Verifier
	maxAge   time.Duration
	box      box
	mux      *http.ServeMux
}

// New returns the login of an application. It does no I/O. An error says which
// field is wrong: web needs a Manager with Keys and the LoginPath of this Handler.
func New(web *session.HTTP, app Application, cfg Config) (*Handler, error) {
	if web == nil {
		return nil, errors.New("login: web is nil; session.NewHTTP makes one")
	}
	if cfg.Path == "" {
		cfg.Path = "/auth"
	}
	if !strings.HasPrefix(cfg.Path, "/") || localPath(cfg.Path) != cfg.Path || strings.HasSuffix(cfg.Path, "/") || strings.ContainsAny(cfg.Path, "{}?# ") {
		return nil, errors.New(`login: Config.Path must be a path without a slash at the end, such as "/auth"`)
	}
	if at := cfg.Path + "/login"; web.LoginPath() != "" && web.LoginPath() != at {
		return nil, fmt.Errorf("login: session.HTTPConfig.LoginPath must be %q, Config.Path and /login", at)
	}
	if cfg.DPoP && cfg.Audience == "" {
		return nil, errors.New("login: Config.DPoP needs Config.Audience; there are no tokens to bind without it")
	}
	h := &Handler{web: web, cfg: cfg, maxAge: web.Manager().Policy().Absolute}
	if err := h.know(app); err != nil {
		return nil, err
	}
	var err error
	if h.box.seal, h.box.open, err = web.Manager().Sealing("login"); err != nil {
		return nil, fmt.Errorf("login: %w", err)
	}
	return h, h.route()
}

// know reads what the application is.
func (h *Handler) know(app Application) (err error) {
	if h.issuer, err = issuer.Parse("login: Application.Domain", app.Domain); err != nil {
		return err
	}
	base, ok := parseBase(app.BaseURL)
	if !ok || strings.Trim(base.Path, "/") != "" {
		return errors.New(`login: Application.BaseURL must be an https URL without a path, such as "https://app.example.com"; plain http is for loopback alone`)
	}
	h.base, h.secure = base.Scheme+"://"+base.Host, base.Scheme == "https"
	switch {
	case app.ClientID == "":
		return errors.New("login: Application.ClientID is empty")
	case (app.ClientSecret == "") == (app.PrivateKey == nil):
		return errors.New("login: Application needs ClientSecret or PrivateKey, and not both")
	}
	if app.PrivateKey != nil {
		if _, err := oauth.Algorithm(app.PrivateKey); err != nil {
			return fmt.Errorf("login: Application.PrivateKey: %w", err)
		}
	}
	h.app = &oauth.Client{Issuer: h.issuer, ClientID: app.ClientID, ClientSecret: app.ClientSecret, PrivateKey: app.PrivateKey, HTTPClient: app.HTTPClient}
	keys, err := jose.NewKeySet(h.issuer.Join(".well-known/jwks.json"), jose.KeySetConfig{HTTPClient: app.HTTPClient})
	if err != nil {
		return err
	}
	h.verifier, err = jose.NewVerifier(jose.Policy{
		Issuers: []jose.Issuer{{ID: string(h.issuer), Keys: keys}}, Audience: app.ClientID,
		Types: []string{"JWT", ""}, Algorithms: []string{"RS256", "PS256"}, Leeway: skew,
	})
	return err
}

// parseBase reads an address that others stand below: https, or http on loopback.
func parseBase(s string) (*url.URL, bool) {
	u, err := url.Parse(s)
	return u, err == nil && u.Host != "" && u.User == nil && u.RawQuery == "" && u.Fragment == "" &&
		(u.Scheme == "https" || u.Scheme == "http" && issuer.IsLoopback(u.Hostname()))
}

func (h *Handler) route() error {
	backChannel, err := session.BackChannelLogout(h.web.Manager(), string(h.issuer), h.app.ClientID, session.LogoutConfig{
		Types: []string{"logout+jwt", "JWT"}, HTTPClient: h.app.HTTPClient, // Auth0's are JWT, at custom domains too
	})
	if err != nil {
		return err
	}
	h.mux = http.NewServeMux()
	h.mux.HandleFunc("GET "+h.cfg.Path+"/login", h.login)
	h.mux.Handle("GET "+h.cfg.Path+"/callback", h.web.Load(http.HandlerFunc(h.callback)))
	h.mux.Handle("POST "+h.cfg.Path+"/logout", h.web.Load(http.HandlerFunc(h.logout)))
	// Where a form goes on that left with a token that was just replaced. It ends nothing: anybody can link to it.
	h.mux.Handle("GET "+h.cfg.Path+"/logout", http.RedirectHandler(h.base, http.StatusSeeOther))
	h.mux.Handle("POST "+h.cfg.Path+"/backchannel-logout", backChannel)
	return nil
}

// ServeHTTP serves the routes below Config.Path.
func (h *Handler) ServeHTTP(w http.ResponseWriter, r *http.Request) { h.mux.ServeHTTP(w, r) }

// logout goes on to Auth0 without a session too: who signs out on a page that has been
// open for too long must not be signed in again by the next click. Anybody can link to
// Auth0's logout anyway.
func (h *Handler) logout(w http.ResponseWriter, r *http.Request) {
	if err := h.web.Logout(w, r); err != nil {
		h.answer(w, r, err)
		return
	}
	q := url.Values{"client_id": {h.app.ClientID}, "returnTo": {h.base}}
	http.Redirect(w, r, h.issuer.Join("v2/logout")+"?"+q.Encode(), http.StatusSeeOther)
}
