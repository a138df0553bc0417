package actions_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/netip"
	"strings"
	"time"

	"github.com/auth0kit/auth0kit/actions"
)

// try runs one step and prints what it wants done.
func try(t actions.Trigger, s actions.Step, e *actions.Event) {
	p, err := actions.New(t, s)
	if err != nil {
		fmt.Println(err)
		return
	}
	r, err := p.Run(context.Background(), e)
	switch {
	case errors.Is(err, actions.ErrDenied):
		fmt.Println("denied:", r.Denied)
	case len(r.AccessToken)+len(r.UserMetadata)+len(r.RemoveScopes) > 0:
		fmt.Println(r.AccessToken, r.UserMetadata, r.RemoveScopes)
	default:
		fmt.Println("allowed")
	}
}

// The Rule access-on-weekdays-only-for-an-app.
func ExampleStep_weekdays() {
	weekdays := actions.Step{Name: "weekdays", Run: func(_ context.Context, e *actions.Event, _ *actions.Commands) error {
		if day := e.Time.UTC().Weekday(); e.Client.Name == "Payroll" && (day == time.Saturday || day == time.Sunday) {
			return actions.Deny("Payroll is closed at the weekend.")
		}
		return nil
	}}
	saturday := time.Date(2026, 11, 28, 12, 0, 0, 0, time.UTC)
	try(actions.PostLogin, weekdays, &actions.Event{Client: actions.Ref{Name: "Payroll"}, Time: saturday})
	try(actions.PostLogin, weekdays, &actions.Event{Client: actions.Ref{Name: "Payroll"}, Time: saturday.AddDate(0, 0, 2)})
	// Output:
	// denied: Payroll is closed at the weekend.
	// allowed
}

// The Rules ip-address-allowlist and ip-address-blocklist. An address that is not
// known is not allowed.
func ExampleStep_addresses() {
	office := netip.MustParsePrefix("203.0.113.0/24")
	addresses := actions.Step{Name: "addresses", Needs: []string{"request.ip"}, Run: func(_ context.Context, e *actions.Event, _ *actions.Commands) error {
		if ip, err := netip.ParseAddr(e.Request.IP); err != nil || !office.Contains(ip.Unmap()) {
			return actions.Deny("Log in from the office.")
		}
		return nil
	}}
	try(actions.PostLogin, addresses, &actions.Event{Request: actions.Request{IP: "203.0.113.9"}})
	try(actions.PostLogin, addresses, &actions.Event{Request: actions.Request{IP: "198.51.100.1"}})
	try(actions.PostLogin, addresses, &actions.Event{})
	// Output:
	// allowed
	// denied: Log in from the office.
	// denied: Log in from the office.
}

// The Rules add-country and add-email-to-access-token.
func ExampleStep_claims() {
	claims := actions.Step{
		Name: "claims", Needs: []string{"request.geoip", "user.email"}, Claims: []string{ns + "country", ns + "email"},
		Run: func(_ context.Context, e *actions.Event, c *actions.Commands) error {
			if e.Delegated() { // They would be in the user's own profile.
				return nil
			}
			if e.Request.Country != "" {
				if err := c.AccessTokenClaim(ns+"country", e.Request.Country); err != nil {
					return err
				}
			}
			return c.AccessTokenClaim(ns+"email", e.User.Email)
		},
	}
	try(actions.PostLogin, claims, &actions.Event{User: actions.User{Email: "ada@example.com"}, Request: actions.Request{Country: "DE"}})
	// Output: map[https://example.com/country:DE https://example.com/email:ada@example.com] map[] []
}

// The Rule disable-social-signup: the first login is the sign-up.
func ExampleStep_social() {
	social := actions.Step{Name: "social", Run: func(_ context.Context, e *actions.Event, _ *actions.Commands) error {
		if e.LoginsCount <= 1 && e.Connection.Kind != "auth0" {
			return actions.Deny("Sign up with a password first.")
		}
		return nil
	}}
	try(actions.PostLogin, social, &actions.Event{LoginsCount: 1, Connection: actions.Ref{Kind: "google-oauth2"}})
	try(actions.PostLogin, social, &actions.Event{LoginsCount: 2, Connection: actions.Ref{Kind: "google-oauth2"}})
	// Output:
	// denied: Sign up with a password first.
	// allowed
}

// The Rule track-consent.
func ExampleStep_consent() {
	consent := actions.Step{Name: "consent", Needs: []string{"user.user_metadata"}, Run: func(_ context.Context, e *actions.Event, c *actions.Commands) error {
		if e.User.UserMetadata["consent"] != nil || !e.Interactive() {
			return nil
		}
		return c.UserMetadata("consent", e.Time.UTC().Format(time.DateOnly))
	}}
	at := time.Date(2026, 11, 28, 12, 0, 0, 0, time.UTC)
	try(actions.PostLogin, consent, &actions.Event{Time: at, Transaction: actions.Transaction{Protocol: "oidc-basic-profile"}})
	// Output: map[] map[consent:2026-11-28] []
}

// Fewer scopes for a smaller plan.
func ExampleStep_scopes() {
	scopes := actions.Step{Name: "scopes", Run: func(_ context.Context, e *actions.Event, c *actions.Commands) error {
		for _, s := range e.Scopes {
			if strings.HasPrefix(s, "admin:") && e.User.AppMetadata["plan"] != "gold" {
				if err := c.RemoveScope(s); err != nil {
					return err
				}
			}
		}
		return nil
	}}
	try(actions.PostLogin, scopes, &actions.Event{Scopes: []string{"openid", "admin:users"}})
	// Output: map[] map[] [admin:users]
}

// The Rules that tell Slack, Mixpanel, Segment, Splunk or Zapier of a login. It is
// Optional, has a time of its own, and does nothing in a dry run. What must not be
// lost is recorded with Track and sent on from the audit log.
func ExampleStep_notify() {
	notify := actions.Step{Name: "notify", Optional: true, Timeout: 300 * time.Millisecond, Run: func(ctx context.Context, e *actions.Event, _ *actions.Commands) error {
		if e.DryRun || !e.Interactive() {
			return nil
		}
		r, err := http.NewRequestWithContext(ctx, http.MethodPost, "https://hooks.example.com/login", strings.NewReader(`{"user":"`+e.User.ID+`"}`))
		if err != nil {
			return err
		}
		answer, err := http.DefaultClient.Do(r)
		if err != nil {
			return err
		}
		return answer.Body.Close()
	}}
	try(actions.PostLogin, notify, &actions.Event{DryRun: true})
	// Output: allowed
}
