package actions

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/auth0kit/auth0kit/audit"
)

// MetadataClaims copies keys of the user's app_metadata into claims of both tokens,
// each named namespace and key; for CredentialsExchange it copies the metadata of
// the application into the access token. A key that is not there makes no claim.
// Name the keys: a claim is seen by whoever sees the token.
func MetadataClaims(namespace string, keys ...string) Step {
	s := Step{Name: "metadata-claims", quick: true, ownOnly: true, triggers: []Trigger{PostLogin, CredentialsExchange}}
	if len(keys) == 0 {
		s.err = errors.New("actions: MetadataClaims: keys is empty; name those that tokens may show")
	}
	for _, key := range keys {
		s.Claims = append(s.Claims, namespace+key)
	}
	claims := s.Claims
	s.Run = func(_ context.Context, e *Event, c *Commands) error {
		from := e.User.AppMetadata
		if e.Trigger == CredentialsExchange {
			from = e.Client.Metadata
		}
		for i, key := range keys {
			if v := from[key]; v != nil {
				if err := setClaim(e, c, claims[i], v); err != nil {
					return err
				}
			}
		}
		return nil
	}
	return s
}

// setClaim sets a claim in the tokens that the trigger has.
func setClaim(e *Event, c *Commands, name string, value any) error {
	if e.Trigger != CredentialsExchange {
		if err := c.IDTokenClaim(name, value); err != nil {
			return err
		}
	}
	return c.AccessTokenClaim(name, value)
}

// RoleClaim puts the names of the user's roles into a claim of both tokens: those
// in the organization if the login is for one, as Auth0 has it. Without roles the
// claim is an empty list.
func RoleClaim(name string) Step {
	return Step{
		Name: "role-claim", quick: true, ownOnly: true, Needs: []string{"authorization.roles"}, Claims: []string{name}, triggers: []Trigger{PostLogin},
		Run: func(_ context.Context, e *Event, c *Commands) error {
			return setClaim(e, c, name, append([]string{}, e.Roles...))
		},
	}
}

// Suspended denies users, and members of organizations, that are suspended or
// blocked: by a true "suspended" or "blocked" in the metadata of user or
// organization, or by "suspended" or "blocked" as "account_status" or "status".
// It works in every flow, refresh tokens and delegated sessions too. The deployed
// Action applies the same rule by itself, before it asks the server.
func Suspended(reason string) Step {
	deny := Deny(reason)
	return Step{
		Name: "suspended", quick: true, Needs: []string{"organization.metadata"}, triggers: []Trigger{PostLogin},
		suspended: deny.(*denial).reason,
		Run: func(_ context.Context, e *Event, _ *Commands) error {
			if suspended(e.User.AppMetadata) || suspended(e.Organization.Metadata) {
				return deny
			}
			return nil
		},
	}
}

// suspended is shim.js's function of that name.
func suspended(metadata map[string]any) bool {
	for _, key := range []string{"suspended", "blocked"} {
		switch v := metadata[key].(type) {
		case nil:
		case bool:
			if v {
				return true
			}
		case float64:
			if v != 0 {
				return true
			}
		case string: // The metadata of organizations has strings alone.
			if v = lower(v); v != "" && v != "false" && v != "no" && v != "0" {
				return true
			}
		default:
			return true // Somebody has set it, and not to false.
		}
	}
	for _, key := range []string{"account_status", "status"} {
		if v, _ := metadata[key].(string); lower(v) == "suspended" || lower(v) == "blocked" {
			return true
		}
	}
	return false
}

// lower makes ASCII letters small, alike in Go and JavaScript.
func lower(s string) string {
	return strings.Map(func(r rune) rune {
		if r >= 'A' && r <= 'Z' {
			r += 'a' - 'A'
		}
		return r
	}, s)
}

// MFA requires a second factor where when, which waits for nothing, reports true; nil
// is always. It asks once for each of Auth0's sessions, and neither when a refresh
// token is used, where nobody is there to answer, nor in delegated sessions, whose
// actor does not have the user's factors.
func MFA(when func(e *Event) bool) Step {
	return Step{
		Name: "mfa", quick: true, triggers: []Trigger{PostLogin},
		Run: func(_ context.Context, e *Event, c *Commands) error {
			if !answers(e) || when != nil && !when(e) {
				return nil
			}
			return c.RequireMFA()
		},
	}
}

// answers reports whether a second factor can be asked for, and was not given. In
// a silent login it ends with an error, which is how it comes to be asked for.
func answers(e *Event) bool {
	return !slices.Contains(automatic, e.Transaction.Protocol) && !e.Delegated() &&
		!slices.ContainsFunc(e.Methods, func(m Method) bool { return m.Name == "mfa" })
}

// Verdict is what a Decider says of a login. The zero value denies.
type Verdict string

// The verdicts.
const (
	DenyLogin  Verdict = ""
	AllowLogin Verdict = "allow"
	RequireMFA Verdict = "mfa"
)

// Decider decides about a login, as a risk engine does. In a DryRun it learns
// nothing from the event.
type Decider interface {
	Decide(ctx context.Context, e *Event) (Verdict, error)
}

// Decide asks a Decider about interactive logins, and about flows that are not known.
// needs are the fields that it reads; a risk engine wants "request.ip" and
// "request.user_agent".
func Decide(name string, d Decider, needs ...string) Step {
	s := Step{Name: name, Needs: needs, triggers: []Trigger{PostLogin}}
	if d == nil {
		s.err = fmt.Errorf("actions: Decide: the Decider of %q is nil", name)
	}
	s.Run = func(ctx context.Context, e *Event, c *Commands) error {
		if e.Delegated() || e.Transaction.automatic() {
			return nil
		}
		v, err := d.Decide(ctx, e)
		switch {
		case err != nil:
			return err
		case v == AllowLogin, v == RequireMFA && !answers(e):
			return nil
		case v == RequireMFA:
			return c.RequireMFA()
		}
		return Deny("")
	}
	return s
}

// DeviceClaims puts user agent and address of the request into the claim "device"
// of the namespace, in the ID token.
func DeviceClaims(namespace string) Step {
	claim := namespace + "device"
	return Step{
		Name: "device-claims", quick: true, ownOnly: true, Needs: []string{"request.ip", "request.user_agent"}, Claims: []string{claim}, triggers: []Trigger{PostLogin},
		Run: func(_ context.Context, e *Event, c *Commands) error {
			device := map[string]any{}
			if e.Request.UserAgent != "" {
				device["user_agent"] = e.Request.UserAgent
			}
			if e.Request.IP != "" {
				device["ip_address"] = e.Request.IP
			}
			if len(device) == 0 {
				return nil
			}
			return c.IDTokenClaim(claim, device)
		},
	}
}

// Track records each interactive login as "login.accept", once for each event. Put
// it last: only what no earlier step has denied is recorded. Auth0 may still ask for
// a second factor afterwards. The login is denied if it cannot be recorded, unless
// the step is made Optional.
func Track(r audit.Recorder) Step {
	s := Step{Name: "track", ownOnly: true, Needs: []string{"request.ip", "request.user_agent"}, triggers: []Trigger{PostLogin}}
	if r == nil {
		s.err = errors.New("actions: Track: the Recorder is nil")
	}
	s.Run = func(ctx context.Context, e *Event, _ *Commands) error {
		if e.DryRun || !e.Transaction.signsIn() {
			return nil
		}
		if e.ID == "" || e.User.ID == "" {
			return errors.New("actions: Track: the event has no ID, or no user")
		}
		user := audit.Ref{Kind: "user", ID: e.User.ID}
		entry := audit.Event{
			ID: e.ID, Time: e.Time, Type: "login", Action: "login.accept", Actor: user, Target: user, Outcome: audit.Success,
			Correlation: e.SessionID, IP: e.Request.IP, UserAgent: e.Request.UserAgent, Organization: e.Organization.ID,
			Source: "auth0kit/actions", Metadata: map[string]string{},
		}
		if e.Delegated() {
			entry.OnBehalfOf = audit.Ref{Kind: e.Actor.Kind, ID: e.Actor.ID}
		}
		for name, value := range map[string]string{"client_id": e.Client.ID, "connection": e.Connection.Name, "protocol": e.Transaction.Protocol} {
			if value != "" && len(value) <= audit.MaxValue {
				entry.Metadata[name] = value
			}
		}
		return audit.Record(ctx, r, entry)
	}
	return s
}

// EmailDomains denies logins and sign-ups whose email is not at one of the domains,
// subdomains apart. At a login the email must be verified: anybody can type in an
// address of another domain.
func EmailDomains(domains ...string) Step {
	s := Step{Name: "email-domains", quick: true, Needs: []string{"user.email", "user.email_verified"}, triggers: []Trigger{PostLogin, PreUserRegistration}}
	if len(domains) == 0 {
		s.err = errors.New("actions: EmailDomains: domains is empty")
	}
	allowed := make([]string, len(domains))
	for i, d := range domains {
		if allowed[i] = lower(strings.TrimPrefix(d, "@")); !strings.Contains(allowed[i], ".") || strings.ContainsAny(allowed[i], "@ /") {
			s.err = fmt.Errorf("actions: EmailDomains: %q is no domain", d)
		}
	}
	s.Run = func(_ context.Context, e *Event, _ *Commands) error {
		at := strings.LastIndexByte(e.User.Email, '@')
		if at <= 0 || !slices.Contains(allowed, lower(e.User.Email[at+1:])) {
			return Deny("This email address cannot be used here.")
		}
		if e.Trigger == PostLogin && !(e.User.EmailVerified != nil && *e.User.EmailVerified) {
			return Deny("Verify your email address first.")
		}
		return nil
	}
	return s
}

// EmailVerified denies users whose email is not verified, or not known to be.
func EmailVerified(reason string) Step {
	deny := Deny(reason)
	return Step{
		Name: "email-verified", quick: true, Needs: []string{"user.email_verified"}, triggers: []Trigger{PostLogin},
		Run: func(_ context.Context, e *Event, _ *Commands) error {
			if e.User.EmailVerified == nil || !*e.User.EmailVerified {
				return deny
			}
			return nil
		},
	}
}
