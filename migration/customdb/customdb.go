// Package customdb lets Auth0 ask a legacy system at the first login, through the
// scripts of a custom database connection in import mode: Auth0 runs a small script
// of this package, the script asks [Handler] at a URL of yours, and Auth0 creates the
// user with the password that was proved.
//
//	users, err := lazy.New(source, client, run, lazy.Config{Ledger: ledger})
//	if err != nil {
//		return err
//	}
//	scripts, err := customdb.Handler(users, keys, customdb.Config{})
//	if err != nil {
//		return err
//	}
//	mux.Handle("POST /auth0/customdb/{script}", scripts)
//
// and once, to put the scripts into the connection:
//
//	d, err := customdb.NewDeployment(client, "customers", "https://login.example.com/auth0/customdb/", keys, customdb.DeploymentConfig{})
//	if err != nil {
//		return err
//	}
//	plan, err := d.Plan(ctx)
//	if err != nil {
//		return err
//	}
//	err = d.Apply(ctx, plan)
//
// Requests and answers are signed as Standard Webhooks describes, and an answer is
// bound to its request. Of two keys the first signs and both are accepted, so that
// keys can be changed without an interruption. The script get_user, which Auth0 runs
// at sign-up, password reset and email change too, names the same user id as login.
//
// The connection needs the switches "Use my own database" and "Import users to
// Auth0"; Plan tells. Auth0 stops a script after 20 seconds. See
// https://auth0.com/docs/authenticate/database-connections/custom-db
package customdb

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/netip"
	"sync"
	"time"

	"github.com/auth0kit/auth0kit/internal/webhook"
	"github.com/auth0kit/auth0kit/management/resource"
	"github.com/auth0kit/auth0kit/migration"
	"github.com/auth0kit/auth0kit/migration/lazy"
)

// Legacy is what the scripts ask. *lazy.Lazy implements it.
type Legacy interface {
	Authenticate(ctx context.Context, c migration.Credentials) (*resource.NewUser, error)
	Lookup(ctx context.Context, identifier string) (*resource.NewUser, error)
}

// Config holds a Handler's optional settings. The zero value uses the defaults.
type Config struct {
	// ChangePassword changes the password in the legacy system. Defaults to none: the
	// script fails, and import mode needs it for users alone who are not at Auth0 yet.
	ChangePassword func(ctx context.Context, identifier, password string) error

	Seen SeenStore        // Remembers requests. Defaults to one in memory, per process.
	Now  func() time.Time // Defaults to time.Now.
}

// SeenStore refuses what was there before. The stores of package session that keep
// logout tokens, and actions/sqlactions, are such.
type SeenStore interface {
	// Seen returns nil for the first call with id, and an error for every later one
	// until that time, or if it cannot tell. Of concurrent calls one gets nil.
	Seen(ctx context.Context, id string, now, until time.Time) error
}

// The names of the scripts, at Auth0 and at the end of the URL.
const (
	login          = "login"
	getUser        = "get_user"
	changePassword = "change_password"
)

const (
	maxBody   = 16 << 10
	tolerance = 5 * time.Minute
)

// request is what a script sends.
type request struct {
	Identifier string     `json:"identifier"`
	Password   string     `json:"password"`
	IP         netip.Addr `json:"ip,omitzero"`
}

// answer is what it gets: a user, or the name of a refusal.
type answer struct {
	User  *profile `json:"user,omitempty"`
	Error string   `json:"error,omitempty"`
}

// profile is a user as Auth0 takes it from a script.
type profile struct {
	UserID        string         `json:"user_id"`
	Email         string         `json:"email,omitempty"`
	EmailVerified bool           `json:"email_verified"`
	Username      string         `json:"username,omitempty"`
	Phone         string         `json:"phone_number,omitempty"`
	PhoneVerified bool           `json:"phone_verified,omitempty"`
	Name          string         `json:"name,omitempty"`
	GivenName     string         `json:"given_name,omitempty"`
	FamilyName    string         `json:"family_name,omitempty"`
	Nickname      string         `json:"nickname,omitempty"`
	Picture       string         `json:"picture,omitempty"`
	AppMetadata   map[string]any `json:"app_metadata,omitempty"`
	UserMetadata  map[string]any `json:"user_metadata,omitempty"`
}

func profileOf(u *resource.NewUser) *profile {
	return &profile{
		UserID: u.ID, Email: u.Email, EmailVerified: u.EmailVerified, Username: u.Username, Phone: u.Phone, PhoneVerified: u.PhoneVerified,
		Name: u.Name, GivenName: u.GivenName, FamilyName: u.FamilyName, Nickname: u.Nickname, Picture: u.Picture,
		AppMetadata: u.AppMetadata, UserMetadata: u.UserMetadata,
	}
}

// Handler answers the scripts of a Deployment: POST to a path that ends with "login",
// "get_user" or "change_password". keys are one or two of 24 to 64 random bytes. What
// is not signed by one of them is 401, what was there before 409, and other
// failures of the legacy system are 503: Auth0 then says that the login failed, and
// counts no wrong password.
func Handler(l Legacy, keys [][]byte, cfg Config) (http.Handler, error) {
	if l == nil {
		return nil, errors.New("customdb: legacy must not be nil: give Handler a *lazy.Lazy")
	}
	ring, err := webhook.New(keys)
	if err != nil {
		return nil, fmt.Errorf("customdb: %w", err)
	}
	if cfg.Seen == nil {
		cfg.Seen = &seen{until: make(map[string]time.Time)}
	}
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	return &handler{legacy: l, ring: ring, cfg: cfg}, nil
}

type handler struct {
	legacy Legacy
	ring   *webhook.Ring
	cfg    Config
}

func (h *handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.Method != http.MethodPost {
		w.Header().Set("Allow", http.MethodPost)
		http.Error(w, "only POST", http.StatusMethodNotAllowed)
		return
	}
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxBody))
	if err != nil {
		http.Error(w, "too large, or broken off", http.StatusRequestEntityTooLarge)
		return
	}
	now := h.cfg.Now()
	m, err := h.ring.Verify(r.Header, body, now, tolerance)
	if err != nil {
		http.Error(w, "not signed", http.StatusUnauthorized)
		return
	}
	if err := h.cfg.Seen.Seen(r.Context(), m.ID, now, m.Until); err != nil {
		http.Error(w, "was there before", http.StatusConflict)
		return
	}
	var in struct {
		Script string `json:"script"` // signed: a request for one script is none for another
		request
	}
	if json.Unmarshal(body, &in) != nil {
		http.Error(w, "not JSON", http.StatusBadRequest)
		return
	}
	out, err := h.serve(r.Context(), in.Script, in.request)
	if err != nil {
		http.Error(w, "unavailable", http.StatusServiceUnavailable)
		return
	}
	raw, err := json.Marshal(out)
	if err != nil {
		http.Error(w, "unavailable", http.StatusServiceUnavailable)
		return
	}
	m.Answer(w.Header(), h.cfg.Now(), raw)
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	_, _ = w.Write(raw) // whoever has gone away gets nothing
}

func (h *handler) serve(ctx context.Context, script string, in request) (answer, error) {
	switch script {
	case login:
		u, err := h.legacy.Authenticate(ctx, migration.Credentials{Identifier: in.Identifier, Password: in.Password, IP: in.IP})
		return answered(u, err)
	case getUser:
		u, err := h.legacy.Lookup(ctx, in.Identifier)
		return answered(u, err)
	case changePassword:
		if h.cfg.ChangePassword == nil {
			return answer{Error: "unsupported"}, nil
		}
		return answer{}, h.cfg.ChangePassword(ctx, in.Identifier, in.Password)
	}
	return answer{Error: "unsupported"}, nil
}

// answered names the refusals; every other error is none of them.
func answered(u *resource.NewUser, err error) (answer, error) {
	_, throttled := errors.AsType[*lazy.ThrottledError](err)
	switch {
	case err == nil:
		return answer{User: profileOf(u)}, nil
	case errors.Is(err, lazy.ErrCredentials), errors.Is(err, lazy.ErrMigrated):
		return answer{Error: "credentials"}, nil
	case errors.Is(err, migration.ErrNoUser):
		return answer{}, nil
	case throttled:
		return answer{Error: "throttled"}, nil
	}
	return answer{}, err
}

// seen is the SeenStore of a process.
type seen struct {
	mu    sync.Mutex
	until map[string]time.Time
	sweep time.Time
}

var errSeen = errors.New("customdb: this request was there before")

func (s *seen) Seen(_ context.Context, id string, now, until time.Time) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if now.After(s.sweep) {
		for id, until := range s.until {
			if now.After(until) {
				delete(s.until, id)
			}
		}
		s.sweep = now.Add(time.Minute)
	}
	if !now.After(s.until[id]) {
		return errSeen
	}
	s.until[id] = until
	return nil
}
