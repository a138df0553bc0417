package auth0test

import (
	"log/slog"
	"net/http"
	"sync"
	"sync/atomic"
	"time"
)

// Defaults of a new tenant.
const (
	DefaultDomain     = "tenant.auth0.test"                // Options.Domain
	DefaultConnection = "Username-Password-Authentication" // the database connection that every tenant has
)

// Options of a tenant. The zero value is a tenant without rate limits whose
// search is immediately consistent.
type Options struct {
	// Domain is the tenant's domain where no request says it by its host:
	// Issuer, AccessToken, Client. Defaults to DefaultDomain.
	Domain string
	// Plan sets the rate limits. Defaults to Unlimited.
	Plan Plan
	// SearchDelay is how long a write stays invisible to search, to the list of
	// users and to member lists. Reading by id or by email is never delayed.
	SearchDelay time.Duration
	// JobTime is how long an import or export job takes. Defaults to 1 s. With
	// a negative value a job is done when it is next looked at.
	JobTime time.Duration
	// ClientID and ClientSecret are the credentials of the machine client that
	// every tenant has. Default to random ones; see Tenant.Machine.
	ClientID     string
	ClientSecret string
	// RulesAndHooks lets the tenant have rules and hooks, as a tenant from before
	// 16 October 2023 had until their end of life. Nothing runs them.
	RulesAndHooks bool
	// RefusedMail are domains that the tenant sends no mail to, as Auth0's own mail
	// service refuses example.com: the log says "fn", and a job that only sends
	// the mail fails. Defaults to none, so that all mail is in the Outbox.
	RefusedMail []string
	// Outgoing is how the tenant reaches applications, to tell them of logouts;
	// HandlerTransport makes one that needs no sockets. Defaults to
	// http.DefaultTransport.
	Outgoing http.RoundTripper
	// Logger gets a line for each request. Defaults to none.
	Logger *slog.Logger
}

// Tenant is an Auth0 tenant in this process. Its methods are safe for
// concurrent use. Make one with NewTenant.
type Tenant struct {
	opts   Options
	skew   atomic.Int64           // What Advance added to the clock, in nanoseconds.
	domain atomic.Pointer[string] // Of the last started server, for Issuer.

	mgmt *router // Management API
	auth *router // Authentication API

	faults   faults
	limits   limits
	requests requestLog
	outbox   outbox
	keys     keyring
	bearers  bearerCache

	// mu guards everything below. Handlers of the Management API run under it,
	// except those of routes that are free.
	mu          sync.Mutex
	timeline    timeline
	users       userStore
	indexed     userStore // What search sees, when there is a SearchDelay.
	connections table[connection]
	clients     table[client]
	apis        table[api]
	grants      table[clientGrant]
	roles       table[role]
	groups      table[group]
	orgs        table[organization]
	jobs        jobStore
	tickets     map[string]*ticket
	more        // What the other files of the package keep.
}

// NewTenant returns a tenant with the database connection DefaultConnection
// (which requires a username, as the tenant of go-auth0's own tests does) and a
// machine client with every scope of the Management API.
//
// Its time is package time plus what Advance added, so it can run in a
// testing/synctest bubble when it is reached by Client or HTTPClient.
func NewTenant(opts Options) *Tenant {
	if opts.Domain == "" {
		opts.Domain = DefaultDomain
	}
	if opts.JobTime == 0 {
		opts.JobTime = time.Second
	}
	if opts.ClientID == "" {
		opts.ClientID = randomID(32)
	}
	if opts.ClientSecret == "" {
		opts.ClientSecret = randomID(64)
	}
	t := &Tenant{opts: opts, mgmt: newRouter(managementRoutes()), auth: newRouter(append(publicRoutes(), authRoutes()...))}
	t.limits.start(opts.Plan)
	t.keys.start(opts.Domain, t.now())
	t.mu.Lock()
	defer t.mu.Unlock()
	t.seed()
	return t
}

// seed makes what every tenant has.
func (t *Tenant) seed() {
	t.tickets = make(map[string]*ticket)
	t.users.start()
	t.indexed.start()
	t.startMore()
	now := t.now()
	t.addManagementAPI(now)
	machine := t.addClient(Client{ID: t.opts.ClientID, Secret: t.opts.ClientSecret, Grants: []string{"client_credentials"}}, now)
	machine.doc["name"] = "Machine"
	machine.doc["app_type"] = "non_interactive"
	t.addGrant(machine.id, managementAudience, knownScopes(), now)
	con := t.addConnection(DefaultConnection, "auth0", now)
	defaults(con.options(), map[string]any{
		"requires_username": true, "validation": map[string]any{"username": map[string]any{"min": 1, "max": 15}},
		"import_mode": false, "enabledDatabaseCustomization": false, "customScripts": map[string]any{}, "configuration": map[string]any{},
		"password_history":            map[string]any{"enable": false, "size": 5},
		"password_dictionary":         map[string]any{"enable": false, "dictionary": []any{}},
		"password_no_personal_info":   map[string]any{"enable": false},
		"password_complexity_options": map[string]any{"min_length": 8},
	})
	con.clients = append(con.clients, machine.id)
}

// Machine returns the credentials of the client that every tenant has: it may
// use every scope of the Management API.
func (t *Tenant) Machine() Client {
	return Client{ID: t.opts.ClientID, Secret: t.opts.ClientSecret, Grants: []string{"client_credentials"}}
}

// ServeHTTP serves the whole tenant: /api/v2 and the Authentication API.
func (t *Tenant) ServeHTTP(w http.ResponseWriter, r *http.Request) { t.serve(w, r) }

// now is the tenant's time, in the precision of Auth0's answers.
func (t *Tenant) now() time.Time {
	return time.Now().Add(time.Duration(t.skew.Load())).UTC().Truncate(time.Millisecond)
}

// Advance moves the tenant's clock forward by d: jobs finish, tokens expire,
// buckets refill.
func (t *Tenant) Advance(d time.Duration) { t.skew.Add(int64(d)) }
