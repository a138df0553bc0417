package state

import (
	"context"
	"encoding/hex"
	"net/http"
	"reflect"
	"sync"
	"sync/atomic"
	"time"

	"github.com/auth0kit/auth0kit/management/auth0test/internal/keys"
	"github.com/auth0kit/auth0kit/management/auth0test/internal/limit"
	"github.com/auth0kit/auth0kit/management/auth0test/internal/schema"
	"github.com/auth0kit/auth0kit/management/auth0test/internal/store"
)

// Defaults of a new tenant.
const (
	DefaultDomain     = "tenant.auth0.test"                // Options.Domain
	DefaultConnection = "Username-Password-Authentication" // the database connection that every tenant has
)

// Options are the options of a tenant; the public package documents them.
type Options struct {
	Domain                 string
	Plan                   limit.Plan
	SearchDelay, JobTime   time.Duration
	ClientID, ClientSecret string
	RulesAndHooks          bool
	RefusedMail            []string
	Outgoing               http.RoundTripper
	Missing                int // Status of what Auth0 has and the tenant does not.
	IgnoredSettings        []string
	FixedIDs               bool
}

// Tenant is what a tenant keeps, with what happens to it wherever it is asked
// for: by the APIs, by tests, by the clock.
type Tenant struct {
	Options Options
	Skew    atomic.Int64           // What Advance added to the clock, in nanoseconds.
	Domain  atomic.Pointer[string] // Of the last started server, for Issuer.

	Limits limit.Limits
	outbox outbox
	Keys   keys.Keyring

	// mu guards everything below. Handlers of the Management API run under it,
	// except those of routes that are free.
	mu          sync.Mutex
	Timeline    store.Timeline
	Users       UserStore
	indexed     UserStore // What search sees, when there is a SearchDelay.
	Connections store.Table[*Connection]
	Clients     store.Table[*Client]
	APIs        store.Table[*API]
	Grants      store.Table[*ClientGrant]
	Roles       store.Table[*Role]
	Groups      store.Table[*Group]
	Orgs        store.Table[*Organization]
	Tickets     map[string]*Ticket
	Settings    settings
	Auth        authState            // Sessions, tokens, factors, attack protection, the log.
	parts       map[reflect.Type]any // What other packages keep: see part.
}

// New returns a tenant with what every tenant has.
func New(opts Options) *Tenant {
	if opts.Domain == "" {
		opts.Domain = DefaultDomain
	}
	if opts.JobTime == 0 {
		opts.JobTime = time.Second
	}
	if opts.ClientID == "" && opts.FixedIDs {
		opts.ClientID = store.FixedID(32, "client", "Machine")
	}
	if opts.ClientID == "" {
		opts.ClientID = store.RandomID(32)
	}
	if opts.ClientSecret == "" {
		opts.ClientSecret = store.RandomID(64)
	}
	t := &Tenant{Options: opts}
	t.Limits.Start(opts.Plan)
	t.Keys.Start(opts.Domain, t.Now())
	t.mu.Lock()
	defer t.Unlock()
	t.seed()
	return t
}

// SeedID is the id of something that is added with the tenant: one that follows
// from its name where the ids are fixed.
func (t *Tenant) SeedID(prefix, name string) string {
	if t.Options.FixedIDs {
		return prefix + "_" + store.FixedID(16, prefix, name)
	}
	return store.NewID(prefix)
}

// SeedUserID is SeedID for the part of a user's id that the connection gives.
func (t *Tenant) SeedUserID(connection, identifier string, now time.Time) string {
	if t.Options.FixedIDs {
		return hex.EncodeToString([]byte(store.FixedID(12, connection, identifier)))
	}
	return store.NewUserID(now)
}

// Reset makes the tenant as it was when it was new, but for its time, its keys
// and who runs Actions.
func (t *Tenant) Reset() {
	t.mu.Lock()
	defer t.Unlock()
	actions := t.Auth.Actions
	t.Timeline, t.Users, t.indexed, t.Connections = store.Timeline{}, UserStore{}, UserStore{}, store.Table[*Connection]{}
	t.Clients, t.APIs, t.Grants = store.Table[*Client]{}, store.Table[*API]{}, store.Table[*ClientGrant]{}
	t.Roles, t.Groups, t.Orgs = store.Table[*Role]{}, store.Table[*Group]{}, store.Table[*Organization]{}
	t.Auth = authState{Actions: actions}
	t.Limits.Start(t.Options.Plan)
	t.seed()
	t.outbox.mu.Lock()
	defer t.outbox.mu.Unlock()
	t.outbox.list = nil
}

// seed makes what every tenant has.
func (t *Tenant) seed() {
	t.Tickets = make(map[string]*Ticket)
	t.Users.start()
	t.indexed.start()
	t.Auth.start(func(path string) store.Document { return t.Settings[path] })
	t.Settings = schema.Data[settings]("settings")
	t.parts = make(map[reflect.Type]any)
	now := t.Now()
	t.addManagementAPI(now)
	t.addGlobalClient(now)
	machine := t.AddClient(&Client{ID: t.Options.ClientID, Secret: t.Options.ClientSecret, Spared: true, Doc: map[string]any{
		"name": "Machine", "app_type": "non_interactive", "grant_types": []string{"client_credentials"},
	}}, now)
	t.AddGrant(machine.ID, ManagementAudience, schema.KnownScopes(), now)
	con := t.AddConnection(DefaultConnection, "auth0", now)
	store.Defaults(con.Options(), schema.Doc("options of the first connection"))
	con.Clients = append(con.Clients, machine.ID)
}

// Issuer is the URL of the last started server, or of Options.Domain.
func (t *Tenant) Issuer() string {
	if s := t.Domain.Load(); s != nil {
		return *s
	}
	return "https://" + t.Options.Domain + "/"
}

// Auth is what the Authentication API keeps. The tenant's mutex guards it.
type authState struct {
	Sessions sessionStore
	Refresh  refreshStore
	Factors  factorStore
	Protect  protection
	Logs     TenantLog
	Actions  actionState

	DefaultAudience string
	OrgNames        bool // Names of organizations are in tokens and in requests.
}

func (s *authState) start(settings func(string) store.Document) {
	s.Sessions.start()
	s.Refresh.start()
	s.Factors.start()
	s.Protect.start(settings)
	s.Logs.start()
}

// RunsActions reports whether something runs the code of Actions.
func (t *Tenant) RunsActions() bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.Auth.Actions.Scripts != nil
}

// Now is the tenant's time, in the precision of Auth0's answers.
func (t *Tenant) Now() time.Time {
	return time.Now().Add(time.Duration(t.Skew.Load())).UTC().Truncate(time.Millisecond)
}

// Lock takes the mutex and brings the tenant up to date.
func (t *Tenant) Lock() time.Time {
	t.mu.Lock()
	now := t.Now()
	t.Timeline.Run(now)
	return now
}

// Unlock frees the mutex.
func (t *Tenant) Unlock() { t.mu.Unlock() }

// Part returns what another package keeps in the tenant, made by start when it
// is asked for first. The caller holds the mutex.
func Part[T any](t *Tenant, start func() *T) *T {
	key := reflect.TypeFor[T]()
	if p, has := t.parts[key]; has {
		return p.(*T)
	}
	p := start()
	t.parts[key] = p
	return p
}

// Kept are things of a type that the tenant keeps by a key. The caller holds the mutex.
func Kept[V any](t *Tenant) map[string]V {
	return *Part(t, func() *map[string]V { m := map[string]V{}; return &m })
}

// Keep keeps something until a time.
func Keep[V any](t *Tenant, key string, v V, until time.Time) {
	Kept[V](t)[key] = v
	t.Timeline.At(until, func(time.Time) { delete(Kept[V](t), key) })
}

// Zero is the start of a part whose zero value is ready.
func Zero[T any]() *T { return new(T) }

// Scripts runs the JavaScript of Actions; the public package documents it.
type Scripts interface {
	Run(ctx context.Context, code string, event, api any) error
}

// Action is a deployed Action at its place in a trigger's flow.
type Action struct {
	ID, Name, Code string
	Secrets        map[string]string
}

// actionState is who runs Actions, and which. The tenant's mutex guards it.
type actionState struct {
	Scripts Scripts
	Bound   func(trigger string) []Action // Nil: no Action is bound.
}

const (
	MFATokenLifetime = 10 * time.Minute // Of an mfa_token.
	OOBLifetime      = 5 * time.Minute  // Of a code that was sent.
	AcrMFA           = "http://schemas.openid.net/pape/policies/2007/06/multi-factor"
)

// mfaScopes are the scopes of the API under which users manage their factors.
var mfaScopes = []string{"enroll", "read:authenticators", "remove:authenticators"}

// Lifetimes of tokens where nothing else is configured.
const (
	AccessTokenLifetime = 24 * time.Hour
	webTokenLifetime    = 2 * time.Hour
	idTokenLifetime     = 10 * time.Hour
)

// Paths of settings.
const (
	BruteForcePath = "/attack-protection/brute-force-protection"
	SuspiciousPath = "/attack-protection/suspicious-ip-throttling"
	BreachedPath   = "/attack-protection/breached-password-detection"
	CaptchaPath    = "/attack-protection/captcha"
	TenantPath     = "/tenants/settings"
	BrandingPath   = "/branding"
	PromptsPath    = "/prompts"
)

// settings are documents of which a tenant has one each, by their path. Like Auth0's
// they name few things: what was never set is not shown, and is as Auth0's
// documentation says.
type settings map[string]map[string]any

// IssParameter is the setting, and the metadata, of a tenant whose authorization
// responses name the issuer (RFC 9207).
const IssParameter = "authorization_response_iss_parameter_supported"

// TenantSetting is a setting of the tenant. The caller holds the mutex.
func (t *Tenant) TenantSetting(name string) any { return t.Settings[TenantPath][name] }

// TenantFlag is one of the flags of the tenant's settings.
func (t *Tenant) TenantFlag(name string) bool {
	flags, _ := t.TenantSetting("flags").(map[string]any)
	return flags[name] == true
}
