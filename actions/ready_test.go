package actions_test

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/auth0kit/auth0kit/actions"
	"github.com/auth0kit/auth0kit/audit"
)

func run(t *testing.T, e *actions.Event, steps ...actions.Step) *actions.Result {
	t.Helper()
	r, err := pipeline(t, actions.PostLogin, steps...).Run(t.Context(), e)
	assert.Equal(t, r.Denied != "", errors.Is(err, actions.ErrDenied))
	return r
}

// The flows that are not the user's own login.
var notOwn = map[string]func(e *actions.Event){
	"support":          func(e *actions.Event) { e.Actor = actions.Ref{Kind: "session", ID: "auth0|staff"} },
	"agent":            func(e *actions.Event) { e.Actor = actions.Ref{Kind: "agent", ID: "agt_1"} },
	"actor without id": func(e *actions.Event) { e.Actor = actions.Ref{Kind: "session"} },
}

var notInteractive = map[string]func(e *actions.Event){
	"refresh":        func(e *actions.Event) { e.Transaction.Protocol = "oauth2-refresh-token" },
	"token exchange": func(e *actions.Event) { e.Transaction.Protocol = "oauth2-token-exchange" },
	"silent":         func(e *actions.Event) { e.Transaction.Prompt = []string{"none"} },
	"unknown":        func(e *actions.Event) { e.Transaction.Protocol = "" },
}

func TestInteractive(t *testing.T) {
	t.Parallel()
	assert.True(t, login().Interactive())
	assert.False(t, login().Delegated())
	for _, protocol := range []string{"oidc-implicit-profile", "samlp", "oauth2-password", "oauth2-device-code"} {
		assert.True(t, with(func(e *actions.Event) { e.Transaction.Protocol = protocol }).Interactive(), protocol)
	}
	for name, change := range notInteractive {
		assert.False(t, with(change).Interactive(), name)
	}
	for name, change := range notOwn {
		assert.False(t, with(change).Interactive(), name)
		assert.True(t, with(change).Delegated(), name)
	}
	assert.False(t, with(func(e *actions.Event) { e.Trigger = actions.PreUserRegistration }).Interactive())
}

func TestMetadataClaims(t *testing.T) {
	t.Parallel()
	e := login()
	e.User.AppMetadata = map[string]any{"plan": "gold", "secret": "x", "limits": map[string]any{"seats": 3.0}, "nothing": nil}
	r := run(t, e, actions.MetadataClaims(ns, "plan", "limits", "absent", "nothing"))
	want := map[string]any{ns + "plan": "gold", ns + "limits": map[string]any{"seats": 3.0}}
	assert.Equal(t, want, r.IDToken)
	assert.Equal(t, want, r.AccessToken)

	machine := &actions.Event{Client: actions.Ref{ID: "m2m", Metadata: map[string]any{"plan": "silver"}}, User: actions.User{AppMetadata: map[string]any{"plan": "gold"}}}
	r, err := pipeline(t, actions.CredentialsExchange, actions.MetadataClaims(ns, "plan")).Run(t.Context(), machine)
	require.NoError(t, err)
	assert.Equal(t, map[string]any{ns + "plan": "silver"}, r.AccessToken)
	assert.Empty(t, r.IDToken)
}

func TestRoleAndDeviceClaims(t *testing.T) {
	t.Parallel()
	r := run(t, with(func(e *actions.Event) { e.Roles = []string{"admin", "dev"} }), actions.RoleClaim(ns+"roles"), actions.DeviceClaims(ns))
	assert.Equal(t, []string{"admin", "dev"}, r.AccessToken[ns+"roles"])
	assert.Equal(t, map[string]any{"user_agent": "Firefox", "ip_address": "203.0.113.7"}, r.IDToken[ns+"device"])
	assert.NotContains(t, r.AccessToken, ns+"device")
	r = run(t, with(func(e *actions.Event) { e.Request = actions.Request{} }), actions.RoleClaim(ns+"roles"), actions.DeviceClaims(ns))
	assert.Equal(t, []string{}, r.AccessToken[ns+"roles"], "a list, and not null")
	assert.NotContains(t, r.IDToken, ns+"device")
}

func TestSuspended(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		metadata map[string]any
		denied   bool
	}{
		{nil, false},
		{map[string]any{"suspended": true}, true},
		{map[string]any{"suspended": false}, false},
		{map[string]any{"suspended": "true"}, true},
		{map[string]any{"suspended": "FALSE"}, false},
		{map[string]any{"suspended": ""}, false},
		{map[string]any{"suspended": 1.0}, true},
		{map[string]any{"suspended": 0.0}, false},
		{map[string]any{"suspended": nil}, false},
		{map[string]any{"suspended": map[string]any{"since": "2026"}}, true},
		{map[string]any{"blocked": true}, true},
		{map[string]any{"blocked": "no"}, false},
		{map[string]any{"account_status": "suspended"}, true},
		{map[string]any{"account_status": "Blocked"}, true},
		{map[string]any{"account_status": "active"}, false},
		{map[string]any{"status": "suspended"}, true},
		{map[string]any{"status": 7.0}, false},
	} {
		for name, e := range map[string]*actions.Event{
			"user":         with(func(e *actions.Event) { e.User.AppMetadata = c.metadata }),
			"organization": with(func(e *actions.Event) { e.Organization.Metadata = c.metadata }),
			"refresh":      with(func(e *actions.Event) { e.User.AppMetadata = c.metadata; notInteractive["refresh"](e) }),
			"agent":        with(func(e *actions.Event) { e.User.AppMetadata = c.metadata; notOwn["agent"](e) }),
		} {
			r := run(t, e, actions.Suspended("Your account is suspended."))
			assert.Equal(t, c.denied, r.Denied == "Your account is suspended.", "%s %v", name, c.metadata)
		}
	}
}

type decider struct {
	verdict actions.Verdict
	err     error
	asked   int
}

func (d *decider) Decide(context.Context, *actions.Event) (actions.Verdict, error) {
	d.asked++
	return d.verdict, d.err
}

func TestSecondFactor(t *testing.T) {
	t.Parallel()
	risky := func(e *actions.Event) bool { return e.User.AppMetadata["plan"] == "gold" }
	for name, c := range map[string]struct {
		change func(e *actions.Event)
		step   actions.Step
		want   bool
	}{
		"always":          {step: actions.MFA(nil), want: true},
		"when":            {step: actions.MFA(risky), want: true},
		"when not":        {change: func(e *actions.Event) { e.User.AppMetadata = nil }, step: actions.MFA(risky)},
		"in this session": {change: func(e *actions.Event) { e.Methods = []actions.Method{{Name: "pwd"}, {Name: "mfa"}} }, step: actions.MFA(nil)},
		"refresh":         {change: notInteractive["refresh"], step: actions.MFA(nil)},
		"silent":          {change: notInteractive["silent"], step: actions.MFA(nil), want: true},
		"agent":           {change: notOwn["agent"], step: actions.MFA(nil)},
		"decided":         {step: actions.Decide("risk", &decider{verdict: actions.RequireMFA}), want: true},
		"decided, silent": {change: notInteractive["silent"], step: actions.Decide("risk", &decider{verdict: actions.RequireMFA})},
		"allowed":         {step: actions.Decide("risk", &decider{verdict: actions.AllowLogin})},
	} {
		e := login()
		if c.change != nil {
			c.change(e)
		}
		r := run(t, e, c.step)
		assert.Equal(t, c.want, r.MFA, name)
		assert.Empty(t, r.Denied, name)
	}
	assert.NotEmpty(t, run(t, login(), actions.Decide("risk", &decider{})).Denied, "the zero verdict denies")
	assert.NotEmpty(t, run(t, login(), actions.Decide("risk", &decider{verdict: "perhaps"})).Denied)
	assert.NotEmpty(t, run(t, login(), actions.Decide("risk", &decider{verdict: actions.AllowLogin, err: errors.New("x")})).Denied)
	d := &decider{}
	assert.Empty(t, run(t, with(notInteractive["refresh"]), actions.Decide("risk", d)).Denied)
	assert.Zero(t, d.asked)
}

func TestSegment(t *testing.T) {
	t.Parallel()
	counter := actions.NewMemoryCounter()
	step := actions.Segment(ns+"segment", counter)
	segment := func(e *actions.Event) any { return run(t, e, step).AccessToken[ns+"segment"] }
	for n := 1; n <= 102; n++ {
		want := map[bool]string{true: "casual", false: "active"}[n <= 10]
		if n > 100 {
			want = "power"
		}
		e := with(func(e *actions.Event) { e.ID = fmt.Sprint("evt_", n) })
		require.Equal(t, want, segment(e), n)
		require.Equal(t, want, segment(e), "%d, again", n)
		for name, change := range notInteractive {
			require.Equal(t, want, segment(with(func(e *actions.Event) { e.ID = name + fmt.Sprint(n); change(e) })), "%s carries the claim", name)
		}
		e.DryRun = true
		require.Equal(t, want, segment(e))
	}
	n, err := counter.Counted(t.Context(), "auth0|1", "")
	require.NoError(t, err)
	assert.Equal(t, 102, n, "repeated, refreshed, silent and dry runs do not count")
	eleventh := with(func(e *actions.Event) { e.ID, e.DryRun = "evt_10", true })
	assert.Equal(t, "casual", segment(eleventh), "a replay has the number of then")
	assert.Equal(t, "casual", segment(with(func(e *actions.Event) { e.User.ID = "auth0|2" })))
	for name, change := range notOwn {
		assert.Nil(t, segment(with(change)), name)
	}
	step.Delegated = true
	assert.Equal(t, "power", segment(with(func(e *actions.Event) { e.ID = "evt_a"; notOwn["agent"](e) })), "opted in, and not counted")

	require.NoError(t, counter.Forget(t.Context(), "auth0|1"))
	n, err = counter.Counted(t.Context(), "auth0|1", "evt_5")
	require.NoError(t, err)
	assert.Zero(t, n)
	_, err = counter.Count(t.Context(), "", "x")
	assert.Error(t, err)
	_, err = counter.Count(t.Context(), "x", "")
	assert.Error(t, err)
	r := run(t, with(func(e *actions.Event) { e.ID = "" }), step)
	assert.Error(t, r.Steps[0].Err)
	assert.Empty(t, r.Denied, "a login does not fail for it")
}

func TestTrack(t *testing.T) {
	t.Parallel()
	log := audit.NewMemory()
	step := actions.Track(log)
	run(t, login(), step)
	run(t, login(), step)
	for _, change := range notInteractive {
		run(t, with(func(e *actions.Event) { e.ID = "evt_2"; change(e) }), step)
	}
	for _, change := range notOwn {
		run(t, with(func(e *actions.Event) { e.ID = "evt_3"; change(e) }), step)
	}
	run(t, with(func(e *actions.Event) { e.ID, e.DryRun = "evt_4", true }), step)
	require.Equal(t, []string{"login.accept"}, log.Actions())
	entry := log.Events()[0]
	assert.Equal(t, audit.Ref{Kind: "user", ID: "auth0|1"}, entry.Actor)
	assert.Equal(t, "203.0.113.7", entry.IP)
	assert.Equal(t, login().Time, entry.Time)
	assert.Equal(t, map[string]string{"client_id": "app_1", "connection": "users", "protocol": "oidc-basic-profile"}, entry.Metadata)

	step.Delegated = true
	run(t, with(func(e *actions.Event) { e.ID = "evt_5"; notOwn["agent"](e) }), step)
	assert.Equal(t, audit.Ref{Kind: "agent", ID: "agt_1"}, log.Events()[1].OnBehalfOf)

	assert.NotEmpty(t, run(t, login(), actions.Track(broken{})).Denied, "what cannot be recorded does not happen")
	step = actions.Track(broken{})
	step.Optional = true
	assert.Empty(t, run(t, login(), step).Denied)
	assert.NotEmpty(t, run(t, with(func(e *actions.Event) { e.ID = "" }), actions.Track(log)).Denied)
}

type broken struct{}

func (broken) Record(context.Context, audit.Event) error { return errors.New("no space left") }

func TestEmails(t *testing.T) {
	t.Parallel()
	domains := actions.EmailDomains("example.com", "@Partner.Example")
	for email, allowed := range map[string]bool{
		"ada@example.com": true, "ADA@EXAMPLE.COM": true, "ada@partner.example": true, "ada@sub.example.com": false,
		"ada@example.com.evil.org": false, "ada@evil.org@example.com": true, "example.com": false, "@example.com": false, "": false, "ada@example.com ": false,
	} {
		r, err := pipeline(t, actions.PreUserRegistration, domains).Run(t.Context(), &actions.Event{User: actions.User{Email: email}})
		assert.Equal(t, allowed, err == nil, email)
		assert.Equal(t, allowed, r.Denied == "", email)
	}
	for _, verified := range []*bool{nil, new(false), new(true)} {
		e := with(func(e *actions.Event) { e.User.EmailVerified = verified })
		want := verified != nil && *verified
		assert.Equal(t, want, run(t, e, domains).Denied == "", "a domain proves nothing in an address that is not verified")
		assert.Equal(t, want, run(t, e, actions.EmailVerified("Verify your email address.")).Denied == "")
	}
}

// Claims of delegated sessions would be in the user's own profile.
func TestDelegatedSessionsAreLeftAlone(t *testing.T) {
	t.Parallel()
	steps := []actions.Step{actions.MetadataClaims(ns, "plan"), actions.RoleClaim(ns + "roles"), actions.DeviceClaims(ns), actions.Segment(ns+"segment", actions.NewMemoryCounter())}
	for name, change := range notOwn {
		r := run(t, with(change), steps...)
		assert.Empty(t, r.IDToken, name)
		assert.Empty(t, r.AccessToken, name)
		assert.Empty(t, r.Steps, name)
	}
	for i := range steps {
		steps[i].Delegated = true
	}
	assert.Len(t, run(t, with(notOwn["agent"]), steps...).IDToken, 4)
}

func BenchmarkReadySteps(b *testing.B) {
	p := allReady(b)
	e := login()
	e.Roles, e.Organization = []string{"admin"}, actions.Ref{ID: "org_1"}
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		e.ID = strconv.Itoa(i)
		if _, err := p.Run(context.Background(), e); err != nil {
			b.Fatal(err)
		}
	}
}

func allReady(t testing.TB) *actions.Pipeline {
	return pipeline(t, actions.PostLogin,
		actions.Suspended("Your account is suspended."), actions.EmailDomains("example.com"), actions.EmailVerified("Verify your email address."),
		actions.Decide("risk", &decider{verdict: actions.AllowLogin}, "request.ip"), actions.MFA(nil), actions.MetadataClaims(ns, "plan"),
		actions.RoleClaim(ns+"roles"), actions.DeviceClaims(ns), actions.Segment(ns+"segment", actions.NewMemoryCounter()), actions.Track(audit.Discard),
	)
}
