package actions

import (
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"time"

	"github.com/auth0kit/auth0kit/internal/secret"
)

// Trigger is a place in Auth0's flows where Actions run.
type Trigger string

// The triggers that a pipeline can serve.
const (
	PostLogin           Trigger = "post-login"
	CredentialsExchange Trigger = "credentials-exchange"
	PreUserRegistration Trigger = "pre-user-registration"
)

func (t Trigger) known() bool {
	return t == PostLogin || t == CredentialsExchange || t == PreUserRegistration
}

// Event is what a step sees of a login, a sign-up or a request for a machine's
// token, after Auth0's event object
// (https://auth0.com/docs/customize/actions/reference). What is not known is empty:
// Auth0 does not say everything in every flow, and fields named in Step.Needs are
// there only if a step of the pipeline names them. It holds personal data, which
// package fmt and log/slog do not show.
type Event struct {
	ID        string    // Of this run of the Action; no two runs share one.
	Trigger   Trigger   // Defaults to that of the pipeline.
	Time      time.Time // When the Action ran, to the second. Use it instead of time.Now: a replay has the old one.
	Tenant    string
	Audience  string // Identifier of the API that is asked for.
	SessionID string // Auth0's, "sid" in tokens.

	User         User // Empty for machines; without an ID at a sign-up.
	Client       Ref
	Connection   Ref // Kind is its strategy.
	Organization Ref
	Actor        Ref // Who really acts in a delegated session: Kind is "session", "agent" or "transaction".

	Request     Request
	Methods     []Method // By which the user has signed in.
	Scopes      []string // Requested.
	Roles       []string // Names; needs "authorization.roles".
	Transaction Transaction
	LoginsCount int // Auth0's count, which includes silent logins.

	DryRun bool     // Shadow or replay: change nothing outside of Commands.
	Sent   []string // The fields named by Needs that were sent. Nil, as in tests: all.
}

// User is the user of an event.
type User struct {
	ID            string
	Email         string         // Needs "user.email".
	EmailVerified *bool          // Needs "user.email_verified". Nil is unknown.
	Username      string         // Needs "user.username".
	Phone         string         // Needs "user.phone_number".
	Name          string         // Needs "user.name".
	AppMetadata   map[string]any // Numbers are float64.
	UserMetadata  map[string]any // Needs "user.user_metadata".
	CreatedAt     time.Time
}

// Ref names an application, a connection, an organization or an actor.
type Ref struct {
	ID, Name, Kind string
	Metadata       map[string]any // Of connections and organizations: needs "connection.metadata", "organization.metadata".
}

// IsZero reports whether r names nothing.
func (r Ref) IsZero() bool { return r.ID == "" && r.Name == "" && r.Kind == "" }

// Request is the request that led to the event. Each field needs the name beside it.
type Request struct {
	IP        string // "request.ip"
	UserAgent string // "request.user_agent"
	Hostname  string // "request.hostname"
	Language  string // "request.language"
	Country   string // "request.geoip", as an ISO 3166 code of two letters.
	ASN       string // "request.asn"
}

// Method is a way in which the user has proved who they are: "pwd", "mfa",
// "federated", "passkey".
type Method struct {
	Name, Type string
	Time       time.Time
}

// Transaction says which flow it is.
type Transaction struct {
	Protocol    string // "oidc-basic-profile", "oauth2-refresh-token", …
	Prompt      []string
	Correlation string // correlation_id of /authorize.
}

// Flows in which nobody signs in.
var automatic = []string{"oauth2-refresh-token", "oauth2-token-exchange", "delegation"}

// automatic reports whether the flow is known to be one in which nobody signs in, or
// silent: its only prompt is "none", which OpenID Connect allows beside no other.
func (t Transaction) automatic() bool {
	return slices.Contains(automatic, t.Protocol) ||
		len(t.Prompt) > 0 && !slices.ContainsFunc(t.Prompt, func(p string) bool { return p != "none" })
}

// signsIn reports whether it is a flow in which somebody signs in, and one that is known.
func (t Transaction) signsIn() bool { return t.Protocol != "" && !t.automatic() }

// Interactive reports whether a person signs in: it is a login, by a flow that is
// known and is neither a refresh, a token exchange nor silent (prompt=none), and
// nobody acts for the user.
func (e *Event) Interactive() bool {
	return (e.Trigger == PostLogin || e.Trigger == "") && !e.Delegated() && e.Transaction.signsIn()
}

// Delegated reports whether another acts for the user: support staff in a
// delegated session, or an agent.
func (e *Event) Delegated() bool { return !e.Actor.IsZero() }

// withoutOthers takes out whom no erasure of e.User reaches: of who acts for the user
// all but the kind, and the person who signs up, up to the domain of the email, which
// EmailDomains decides by.
func (e *Event) withoutOthers() {
	e.Actor = Ref{Kind: e.Actor.Kind}
	if e.Trigger != PreUserRegistration {
		return
	}
	email := ""
	if at := strings.LastIndexByte(e.User.Email, '@'); at >= 0 {
		email = "somebody" + e.User.Email[at:]
	}
	e.User, e.Request = User{Email: email, EmailVerified: e.User.EmailVerified}, Request{Country: e.Request.Country, Hostname: e.Request.Hostname, Language: e.Request.Language}
}

// Format hides all but ids from package fmt.
func (e Event) Format(f fmt.State, _ rune) { secret.Format(f, e) }

// LogValue shows ids and the flow.
func (e Event) LogValue() slog.Value {
	return secret.Shown(slog.String("id", e.ID), slog.String("trigger", string(e.Trigger)), slog.String("user", e.User.ID),
		slog.String("client", e.Client.ID), slog.String("protocol", e.Transaction.Protocol))
}

// Format hides all but the id from package fmt.
func (u User) Format(f fmt.State, _ rune) { secret.Format(f, u) }

// LogValue shows the id.
func (u User) LogValue() slog.Value { return secret.Shown(slog.String("id", u.ID)) }

// Format hides where a request comes from.
func (r Request) Format(f fmt.State, _ rune) { secret.Format(f, r) }

// LogValue shows the country.
func (r Request) LogValue() slog.Value { return secret.Shown(slog.String("country", r.Country)) }

// fields are what is sent only if a step needs it, and how it is taken out.
var fields = map[string]func(e *Event){
	"user.email":            func(e *Event) { e.User.Email = "" },
	"user.email_verified":   func(e *Event) { e.User.EmailVerified = nil },
	"user.username":         func(e *Event) { e.User.Username = "" },
	"user.phone_number":     func(e *Event) { e.User.Phone = "" },
	"user.name":             func(e *Event) { e.User.Name = "" },
	"user.user_metadata":    func(e *Event) { e.User.UserMetadata = nil },
	"authorization.roles":   func(e *Event) { e.Roles = nil },
	"connection.metadata":   func(e *Event) { e.Connection.Metadata = nil },
	"organization.metadata": func(e *Event) { e.Organization.Metadata = nil },
	"request.ip":            func(e *Event) { e.Request.IP = "" },
	"request.user_agent":    func(e *Event) { e.Request.UserAgent = "" },
	"request.hostname":      func(e *Event) { e.Request.Hostname = "" },
	"request.language":      func(e *Event) { e.Request.Language = "" },
	"request.geoip":         func(e *Event) { e.Request.Country = "" },
	"request.asn":           func(e *Event) { e.Request.ASN = "" },
}
