package auth0test

import (
	"cmp"
	"context"
	"log/slog"
	"net/http"
	"slices"
	"time"

	"github.com/auth0kit/auth0kit/management"
	"github.com/auth0kit/auth0kit/management/auth0test/internal/authapi"
	"github.com/auth0kit/auth0kit/management/auth0test/internal/authapi/login"
	"github.com/auth0kit/auth0kit/management/auth0test/internal/limit"
	"github.com/auth0kit/auth0kit/management/auth0test/internal/mgmtapi"
	"github.com/auth0kit/auth0kit/management/auth0test/internal/mgmtapi/platform"
	"github.com/auth0kit/auth0kit/management/auth0test/internal/state"
)

// Defaults of a new tenant.
const (
	DefaultDomain     = "tenant.auth0.test"                // Options.Domain
	DefaultConnection = "Username-Password-Authentication" // the database connection that every tenant has
)

// Options holds the settings of a tenant. The zero value is a tenant without rate limits whose
// search is immediately consistent.
type Options struct {
	// Domain is the tenant's domain where no request says it by its host:
	// Issuer, AccessToken, Management. Defaults to DefaultDomain.
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
	// FixedIDs lets the ids of what AddUser, AddClient, AddRole and their like add
	// follow from the names, so that they are the same in every run: of users from
	// connection and email, of applications from their Name. What is created later
	// by the API has random ones.
	FixedIDs bool
	// Overview lets GET / show what is in the tenant: users, applications with their
	// secrets, organizations, the outbox, the last requests, and what to copy into
	// an .env. It is for tenants that developers run for themselves. Defaults to a
	// page that only names the tenant.
	Overview bool
	// RulesAndHooks lets the tenant have rules and hooks, as a tenant from before
	// 16 October 2023 had until their end of life. Nothing runs them.
	RulesAndHooks bool
	// RefusedMail are domains that the tenant sends no mail to, as Auth0's own mail
	// service refuses example.com: the log says "fn", and a job that only sends
	// the mail fails. Defaults to none, so that all mail is in the Outbox.
	RefusedMail []string
	// Missing is the status of the answer to an operation that Auth0 has and the
	// tenant does not. SDKs repeat a request after 501 with back-off, for minutes;
	// a tenant that is served to other programs sets a status that they do not
	// repeat: http.StatusNotFound lets auth0-deploy-cli skip what is absent.
	// Defaults to http.StatusNotImplemented, so that a test fails loudly.
	Missing int
	// IgnoredSettings are settings that the tenant keeps and shows although it
	// does not do what Auth0 does with them, by their names in
	// docs/auth0test/settings.md: "clients.token_quota", "clients" for all of a
	// family, "*" for all. Others are refused with the errorCode
	// auth0test_setting_not_implemented. Defaults to none.
	IgnoredSettings []string
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
	s        *state.Tenant
	mgmt     *mgmtapi.API
	auth     *authapi.API
	faults   faults
	requests requestLog
	logger   *slog.Logger
	overview bool
}

// NewTenant returns a tenant with the database connection DefaultConnection
// (which requires a username, as the tenant of go-auth0's own tests does) and a
// machine client with every scope of the Management API.
//
// Its time is package time plus what Advance added, so it can run in a
// testing/synctest bubble when it is reached by Management or HTTPClient.
func NewTenant(opts Options) *Tenant {
	s := state.New(state.Options{
		Domain: opts.Domain, Plan: limit.Plan(opts.Plan), SearchDelay: opts.SearchDelay, JobTime: opts.JobTime,
		ClientID: opts.ClientID, ClientSecret: opts.ClientSecret, RulesAndHooks: opts.RulesAndHooks,
		RefusedMail: opts.RefusedMail, Outgoing: opts.Outgoing, Missing: cmp.Or(opts.Missing, http.StatusNotImplemented),
		IgnoredSettings: opts.IgnoredSettings, FixedIDs: opts.FixedIDs,
	})
	s.Auth.Actions.Bound = func(trigger string) []state.Action { return platform.BoundActions(s, trigger) }
	return &Tenant{
		s: s, logger: opts.Logger, overview: opts.Overview,
		mgmt: mgmtapi.New(s, managementRoutes()),
		auth: authapi.New(s, slices.Concat(publicRoutes(), authapi.Routes(), login.Routes())),
	}
}

// Machine returns the credentials of the client that every tenant has: it may
// use every scope of the Management API.
func (t *Tenant) Machine() Application {
	return Application{ID: t.s.Options.ClientID, Secret: t.s.Options.ClientSecret, Grants: []string{"client_credentials"}}
}

// ServeHTTP serves the whole tenant: /api/v2 and the Authentication API.
func (t *Tenant) ServeHTTP(w http.ResponseWriter, r *http.Request) { t.serve(w, r) }

// Reset makes the tenant as NewTenant returned it: what was added, created, sent
// and logged is gone, faults and limits too. Its time, its signing keys, its
// servers, the machine client's credentials and tokens, and RunScripts stay.
func (t *Tenant) Reset() {
	t.s.Reset()
	t.faults.reset()
	t.requests.reset()
}

// Now returns the tenant's time: package time plus what Advance added.
func (t *Tenant) Now() time.Time { return t.s.Now() }

// Advance moves the tenant's clock forward by d: jobs finish, tokens expire,
// buckets refill.
func (t *Tenant) Advance(d time.Duration) { t.s.Skew.Add(int64(d)) }

// RotateKeys makes the next signing key the current one. Tokens of the previous
// key stay valid until it is revoked.
func (t *Tenant) RotateKeys() { t.s.Keys.Rotate(t.s.Now()) }

// RevokeKeys revokes the keys before the current one: they leave the JWKS, and
// the tenant refuses their tokens.
func (t *Tenant) RevokeKeys() { t.s.Keys.RevokePrevious(t.s.Now()) }

// AccessToken returns an access token for an API as a login of the user would
// get it, in an organization unless orgID is empty, with every scope and
// permission that the user has. It panics when the user, the organization or the
// API does not exist, or when the user is not a member: a test that asks for
// such a token is wrong; see Sign for wrong tokens.
func (t *Tenant) AccessToken(userID, orgID, audience string) string {
	return authapi.AccessToken(t.s, userID, orgID, audience)
}

// Sign returns a token with these claims under the tenant's current key, also
// one that is wrong. Header entries replace alg (RS256), typ (JWT) and kid; nil
// removes one. Claims are taken as they are, but a time.Time becomes seconds. Of
// the algorithms it knows RS256, "none" (no signature), and HS256 under the
// public key as PEM, the classic confusion; any other alg gets an RS256
// signature.
func (t *Tenant) Sign(header, claims map[string]any) string { return t.s.Keys.Sign(header, claims) }

// Management returns a client of the Management API with every scope, in process:
// its requests cross no socket, so that it works in a testing/synctest bubble.
// Each call returns a new client.
func (t *Tenant) Management() *management.Client {
	c, err := management.New(management.Config{
		Domain:       t.s.Options.Domain,
		ClientID:     t.s.Options.ClientID,
		ClientSecret: t.s.Options.ClientSecret,
		HTTPClient:   t.HTTPClient(),
		Budget:       1,
	})
	if err != nil {
		panic("auth0test: Management: " + err.Error()) // Options.Domain is not a host.
	}
	return c
}

// Plan is a subscription and sets the rate limits, as published in Auth0's rate
// limit policy.
type Plan uint8

// The plans.
const (
	Unlimited     Plan = iota // no limits; X-RateLimit headers of 10,000 requests a second
	Free                      // 2 requests, 2 a second
	Professional              // limits per endpoint only; Essentials and B2B are the same
	Enterprise                // 50 requests, 16 a second; production
	EnterpriseDev             // 10 requests, 2 a second; not production
	Private20                 // private cloud of 20 requests a second
	Private100                // private cloud of 100 requests a second
	Private10000              // private cloud of 10,000 requests a second
)

// AddBreachedPasswords adds to the passwords that breached-password detection
// knows; a new tenant knows none. Detection is off until the Management API turns
// it on, at attack-protection/breached-password-detection.
func (t *Tenant) AddBreachedPasswords(passwords ...string) {
	t.s.Lock()
	defer t.s.Unlock()
	for _, p := range passwords {
		t.s.Auth.Protect.Breached[p] = true
	}
}

// Scripts runs the JavaScript of Actions, for RunScripts. Package
// auth0test/scripts has one; it is apart because it needs a JavaScript engine.
//
// Run runs the code of an Action: it calls the function that the code exports
// for its trigger (onExecutePostLogin, onExecuteCredentialsExchange,
// onExecutePreUserRegistration) with event, which is what Auth0 documents
// in maps, slices, strings, numbers and booleans, and api, whose objects are
// maps and whose methods are functions of Go. An error, or a promise that is
// rejected, fails the login. Run is called without locks and may use the tenant.
type Scripts interface {
	Run(ctx context.Context, code string, event, api any) error
}

// RunScripts makes the tenant run the Actions that are bound to logins, to tokens of
// applications and to sign-ups, and, if s has the method Database of scripts.Engine,
// the scripts of custom databases (login, get_user, create, change_password) where Auth0
// runs them. Without it bindings and scripts are refused.
func (t *Tenant) RunScripts(s Scripts) {
	t.s.Lock()
	defer t.s.Unlock()
	t.s.Auth.Actions.Scripts = s
}
