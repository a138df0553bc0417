package state

import (
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
	Connections store.Table[Connection]
	Clients     store.Table[Client]
	APIs        store.Table[API]
	Grants      store.Table[ClientGrant]
	Roles       store.Table[Role]
	Groups      store.Table[Group]
	Orgs        store.Table[Organization]
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
	t.Timeline, t.Users, t.indexed, t.Connections = store.Timeline{}, UserStore{}, UserStore{}, store.Table[Connection]{}
	t.Clients, t.APIs, t.Grants = store.Table[Client]{}, store.Table[API]{}, store.Table[ClientGrant]{}
	t.Roles, t.Groups, t.Orgs = store.Table[Role]{}, store.Table[Group]{}, store.Table[Organization]{}
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
