package actions_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/auth0kit/auth0kit/actions"
)

const ns = "https://example.com/"

func pipeline(t testing.TB, trigger actions.Trigger, steps ...actions.Step) *actions.Pipeline {
	t.Helper()
	p, err := actions.New(trigger, steps...)
	require.NoError(t, err)
	return p
}

// login is an interactive login.
func login() *actions.Event {
	return &actions.Event{
		ID: "evt_1", Trigger: actions.PostLogin, Time: time.Date(2026, 11, 28, 12, 0, 0, 0, time.UTC), SessionID: "sid_1",
		User:   actions.User{ID: "auth0|1", Email: "ada@example.com", EmailVerified: new(true), Name: "Ada", AppMetadata: map[string]any{"plan": "gold"}},
		Client: actions.Ref{ID: "app_1"}, Connection: actions.Ref{Name: "users"},
		Request:     actions.Request{IP: "203.0.113.7", UserAgent: "Firefox"},
		Transaction: actions.Transaction{Protocol: "oidc-basic-profile"},
	}
}

func with(change func(e *actions.Event)) *actions.Event {
	e := login()
	change(e)
	return e
}

func does(run func(c *actions.Commands) error) actions.Step {
	return actions.Step{Name: "does", Run: func(_ context.Context, _ *actions.Event, c *actions.Commands) error { return run(c) }}
}

func fails(name string, err error) actions.Step {
	return actions.Step{Name: name, Run: func(context.Context, *actions.Event, *actions.Commands) error { return err }}
}

func ExamplePipeline_Run() {
	trial := func(_ context.Context, e *actions.Event, c *actions.Commands) error {
		if e.User.AppMetadata["plan"] != "trial" {
			return nil
		}
		if e.Time.Sub(e.User.CreatedAt).Hours() > 30*24 {
			return actions.Deny("Your trial has ended.")
		}
		return c.AccessTokenClaim("https://example.com/trial", true)
	}
	p, err := actions.New(actions.PostLogin,
		actions.Suspended("Your account is suspended."),
		actions.MetadataClaims("https://example.com/", "plan"),
		actions.Step{Name: "trial", Run: trial},
	)
	if err != nil {
		panic(err)
	}
	now := time.Date(2026, 11, 28, 12, 0, 0, 0, time.UTC)
	e := &actions.Event{Time: now, User: actions.User{ID: "auth0|1", CreatedAt: now.AddDate(0, 0, -3), AppMetadata: map[string]any{"plan": "trial"}}}
	r, err := p.Run(context.Background(), e)
	fmt.Println(r.AccessToken, err)

	e.User.CreatedAt = now.AddDate(0, -2, 0)
	r, err = p.Run(context.Background(), e)
	fmt.Println(r.Denied, errors.Is(err, actions.ErrDenied))
	// Output:
	// map[https://example.com/plan:trial https://example.com/trial:true] <nil>
	// Your trial has ended. true
}

func TestRequiredAndOptional(t *testing.T) {
	t.Parallel()
	claim := does(func(c *actions.Commands) error { return c.IDTokenClaim(ns+"a", 1) })
	half := actions.Step{Name: "half", Run: func(_ context.Context, _ *actions.Event, c *actions.Commands) error {
		return errors.Join(c.IDTokenClaim(ns+"half", 1), errors.New("the database said: secret"))
	}}
	r, err := pipeline(t, actions.PostLogin, claim, half, fails("never", errors.New("not reached"))).Run(t.Context(), login())
	require.ErrorIs(t, err, actions.ErrDenied)
	assert.ErrorContains(t, err, "step half")
	assert.NotEmpty(t, r.Denied)
	assert.NotContains(t, r.Denied, "secret", "the texts of errors are not shown")
	assert.Len(t, r.Steps, 2, "the pipeline has ended")
	assert.NotContains(t, r.IDToken, ns+"half")

	half.Optional = true
	r, err = pipeline(t, actions.PostLogin, half, claim).Run(t.Context(), login())
	require.NoError(t, err)
	assert.Empty(t, r.Denied)
	assert.Equal(t, map[string]any{ns + "a": 1}, r.IDToken, "nothing of the step that failed")
	assert.ErrorContains(t, r.Steps[0].Err, "the database said")

	deny := fails("deny", fmt.Errorf("wrapped: %w", actions.Deny("Go away.")))
	deny.Optional = true
	r, err = pipeline(t, actions.PostLogin, deny, claim).Run(t.Context(), login())
	require.ErrorIs(t, err, actions.ErrDenied)
	assert.Equal(t, "Go away.", r.Denied, "Optional is about failures: a denial denies")
}

func TestDenyReasons(t *testing.T) {
	t.Parallel()
	for reason, want := range map[string]string{
		"Go away.": "Go away.", "two\nlines": "two lines", "  x ": "x", strings.Repeat("ä", 200): strings.Repeat("ä", 128), "bad\xff": "bad",
	} {
		r, err := pipeline(t, actions.PostLogin, fails("s", actions.Deny(reason))).Run(t.Context(), login())
		assert.ErrorIs(t, err, actions.ErrDenied)
		assert.Equal(t, want, r.Denied)
	}
	r, _ := pipeline(t, actions.PostLogin, fails("s", actions.Deny(" "))).Run(t.Context(), login())
	assert.NotEmpty(t, r.Denied, "a denial without a reason denies too")
}

func TestPanicsAndTimeouts(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		release := make(chan struct{})
		stuck := actions.Step{Name: "stuck", Optional: true, Run: func(_ context.Context, _ *actions.Event, c *actions.Commands) error {
			<-release // It does not look at its context.
			return c.IDTokenClaim(ns+"late", true)
		}}
		panics := actions.Step{Name: "panics", Optional: true, Run: func(context.Context, *actions.Event, *actions.Commands) error { panic("ouch") }}
		polite := actions.Step{Name: "polite", Optional: true, Timeout: time.Second, Run: func(ctx context.Context, _ *actions.Event, _ *actions.Commands) error {
			<-ctx.Done()
			return ctx.Err()
		}}
		start := time.Now()
		r, err := pipeline(t, actions.PostLogin, stuck, panics, polite).Run(t.Context(), login())
		close(release)
		synctest.Wait()
		require.NoError(t, err)
		assert.Equal(t, 1200*time.Millisecond, time.Since(start))
		assert.ErrorIs(t, r.Steps[0].Err, context.DeadlineExceeded)
		assert.Equal(t, 200*time.Millisecond, r.Steps[0].Took)
		assert.ErrorContains(t, r.Steps[1].Err, "ouch")
		assert.Equal(t, time.Second, r.Steps[2].Took)
		assert.Empty(t, r.IDToken)

		ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
		defer cancel()
		polite.Optional = false
		start = time.Now()
		_, err = pipeline(t, actions.PostLogin, polite).Run(ctx, login())
		assert.ErrorIs(t, err, actions.ErrDenied, "the caller's deadline is everybody's")
		assert.Equal(t, 50*time.Millisecond, time.Since(start))
	})
}

// A step sees what would be sent, in tests too.
func TestStepsSeeWhatIsSent(t *testing.T) {
	t.Parallel()
	var saw actions.Event
	look := actions.Step{Name: "look", Run: func(_ context.Context, e *actions.Event, _ *actions.Commands) error { saw = *e; return nil }}
	e := login()
	e.Roles, e.User.UserMetadata, e.Organization.Metadata = []string{"admin"}, map[string]any{"a": 1}, map[string]any{"b": 1}
	_, err := pipeline(t, actions.PostLogin, look).Run(t.Context(), e)
	require.NoError(t, err)
	assert.Equal(t, actions.User{ID: "auth0|1", AppMetadata: e.User.AppMetadata}, saw.User)
	assert.Equal(t, actions.Request{}, saw.Request)
	assert.Empty(t, saw.Roles)
	assert.Empty(t, saw.Organization.Metadata)
	assert.Equal(t, "ada@example.com", e.User.Email, "the caller's event is as it was")

	look.Needs = []string{"user.email", "request.ip"}
	p := pipeline(t, actions.PostLogin, look)
	assert.Equal(t, []string{"request.ip", "user.email"}, p.Needs())
	_, err = p.Run(t.Context(), e)
	require.NoError(t, err)
	assert.Equal(t, "ada@example.com", saw.User.Email)
	assert.Equal(t, "203.0.113.7", saw.Request.IP)

	e.Sent = []string{"request.ip"}
	_, err = p.Run(t.Context(), e)
	assert.ErrorContains(t, err, "does not send user.email")
	assert.ErrorIs(t, err, actions.ErrDenied)
}

func TestNewRefuses(t *testing.T) {
	t.Parallel()
	ok := does(func(*actions.Commands) error { return nil })
	for want, step := range map[string]actions.Step{
		"Name is empty":      {Run: ok.Run},
		"Run is nil":         {Name: "x"},
		"Timeout":            {Name: "x", Run: ok.Run, Timeout: -1},
		`"user.emial"`:       {Name: "x", Run: ok.Run, Needs: []string{"user.emial"}},
		"restricted":         {Name: "x", Run: ok.Run, Claims: []string{"sub"}},
		"namespace":          actions.RoleClaim("my_roles"),
		"keys is empty":      actions.MetadataClaims(ns),
		"namespace of Auth0": actions.MetadataClaims("https://tenant.auth0.com/", "plan"),
		"Counter is nil":     actions.Segment(ns+"segment", nil),
		"Recorder is nil":    actions.Track(nil),
		"Decider":            actions.Decide("risk", nil),
		"domains is empty":   actions.EmailDomains(),
		"is no domain":       actions.EmailDomains("com"),
	} {
		_, err := actions.New(actions.PostLogin, step)
		assert.ErrorContains(t, err, want)
	}
	for _, step := range []actions.Step{
		actions.Suspended(""), actions.MFA(nil), actions.RoleClaim(ns + "r"), actions.DeviceClaims(ns), actions.EmailVerified(""),
	} {
		_, err := actions.New(actions.CredentialsExchange, step)
		assert.ErrorContains(t, err, "is not for credentials-exchange")
	}
	_, err := actions.New(actions.PostLogin, ok, ok)
	assert.ErrorContains(t, err, "two steps")
	_, err = actions.New("post-change-password", ok)
	assert.ErrorContains(t, err, "trigger")
	_, err = actions.New(actions.PostLogin)
	assert.ErrorContains(t, err, "steps")
}

func TestOtherTrigger(t *testing.T) {
	t.Parallel()
	p := pipeline(t, actions.PostLogin, does(func(*actions.Commands) error { return nil }))
	_, err := p.Run(t.Context(), &actions.Event{Trigger: actions.PreUserRegistration})
	assert.ErrorIs(t, err, actions.ErrDenied)
	_, err = p.Run(t.Context(), nil)
	assert.ErrorIs(t, err, actions.ErrDenied)
}

func TestCommandsRefuse(t *testing.T) {
	t.Parallel()
	big := strings.Repeat("x", 60<<10)
	for name, c := range map[string]struct {
		trigger actions.Trigger
		run     func(c *actions.Commands) error
		want    string
	}{
		"restricted":      {run: func(c *actions.Commands) error { return c.IDTokenClaim("org_id", "x") }, want: "restricted"},
		"in capitals":     {run: func(c *actions.Commands) error { return c.AccessTokenClaim("Permissions", "x") }, want: "restricted"},
		"bare":            {run: func(c *actions.Commands) error { return c.IDTokenClaim("plan", "x") }, want: "namespace"},
		"namespace alone": {run: func(c *actions.Commands) error { return c.IDTokenClaim("https://example.com/", "x") }, want: "namespace"},
		"Auth0's":         {run: func(c *actions.Commands) error { return c.IDTokenClaim("https://x.auth0.com/a", "x") }, want: "Auth0"},
		"Auth0's, hidden": {run: func(c *actions.Commands) error { return c.IDTokenClaim("https://example.com@AUTH0.com./a", "x") }, want: "Auth0"},
		"Auth0's URN":     {run: func(c *actions.Commands) error { return c.IDTokenClaim("URN:auth0:a", "x") }, want: "namespace"},
		"a space":         {run: func(c *actions.Commands) error { return c.IDTokenClaim(ns+"a b", "x") }, want: "spaces"},
		"no value":        {run: func(c *actions.Commands) error { return c.IDTokenClaim(ns+"a", nil) }, want: "no value"},
		"no JSON":         {run: func(c *actions.Commands) error { return c.IDTokenClaim(ns+"a", func() {}) }, want: "JSON"},
		"rounded":         {run: func(c *actions.Commands) error { return c.IDTokenClaim(ns+"a", int64(1<<53+1)) }, want: "2^53"},
		"rounded within":  {run: func(c *actions.Commands) error { return c.IDTokenClaim(ns+"a", map[string]any{"b": []uint64{1 << 60}}) }, want: "2^53"},
		"large":           {run: func(c *actions.Commands) error { return c.IDTokenClaim(ns+"a", big) }, want: "kB"},
		"large structure": {run: func(c *actions.Commands) error { return c.IDTokenClaim(ns+"a", []string{big}) }, want: "kB"},
		"large together": {run: func(c *actions.Commands) error {
			return errors.Join(c.IDTokenClaim(ns+"a", big[:30<<10]), c.IDTokenClaim(ns+"b", big[:30<<10]))
		}, want: "kB"},
		"no key":                {run: func(c *actions.Commands) error { return c.AppMetadata("", 1) }, want: "key"},
		"prototype":             {run: func(c *actions.Commands) error { return c.UserMetadata("__proto__", 1) }, want: "key"},
		"two scopes":            {run: func(c *actions.Commands) error { return c.AddScope("a b") }, want: "one word"},
		"no scope":              {run: func(c *actions.Commands) error { return c.RemoveScope("") }, want: "one word"},
		"ID token of a machine": {actions.CredentialsExchange, func(c *actions.Commands) error { return c.IDTokenClaim(ns+"a", 1) }, "is not for"},
		"MFA of a machine":      {actions.CredentialsExchange, func(c *actions.Commands) error { return c.RequireMFA() }, "is not for"},
		"user of a machine":     {actions.CredentialsExchange, func(c *actions.Commands) error { return c.AppMetadata("a", 1) }, "is not for"},
		"claim at a sign-up":    {actions.PreUserRegistration, func(c *actions.Commands) error { return c.AccessTokenClaim(ns+"a", 1) }, "is not for"},
		"scope at a sign-up":    {actions.PreUserRegistration, func(c *actions.Commands) error { return c.AddScope("a") }, "is not for"},
	} {
		if c.trigger == "" {
			c.trigger = actions.PostLogin
		}
		r, err := pipeline(t, c.trigger, does(c.run)).Run(t.Context(), &actions.Event{})
		assert.ErrorContains(t, err, c.want, name)
		assert.Empty(t, r.IDToken, name)
	}
}

func TestCommandsTake(t *testing.T) {
	t.Parallel()
	r, err := pipeline(t, actions.PostLogin,
		does(func(c *actions.Commands) error {
			return errors.Join(c.IDTokenClaim(ns+"a", "x"), c.AccessTokenClaim("urn:example:plan", int64(1<<53)), c.IDTokenClaim("http://example.com#b", 1.5),
				c.AccessTokenClaim(ns+"long", "12345678901234567890"), c.AccessTokenClaim(ns+"float", 1234567890123456.5),
				c.AppMetadata("seen", true), c.UserMetadata("old", nil), c.AddScope("read:all"), c.RemoveScope("write:all"), c.RequireMFA())
		}),
		actions.Step{Name: "later", Run: func(_ context.Context, _ *actions.Event, c *actions.Commands) error {
			return c.IDTokenClaim(ns+"a", "y")
		}},
	).Run(t.Context(), login())
	require.NoError(t, err)
	assert.Equal(t, map[string]any{ns + "a": "y", "http://example.com#b": 1.5}, r.IDToken, "a later step wins")
	assert.Len(t, r.AccessToken, 3)
	assert.Equal(t, map[string]any{"seen": true}, r.AppMetadata)
	assert.Equal(t, map[string]any{"old": nil}, r.UserMetadata)
	assert.Equal(t, []string{"read:all"}, r.AddScopes)
	assert.Equal(t, []string{"write:all"}, r.RemoveScopes)
	assert.True(t, r.MFA)
}

func TestResultInJSON(t *testing.T) {
	t.Parallel()
	p := pipeline(t, actions.PostLogin, actions.MetadataClaims(ns, "plan"), fails("bad", errors.New("broken")))
	r, err := p.Run(t.Context(), login())
	require.Error(t, err)
	text, err := json.Marshal(actions.Recorded{Event: *login(), Result: *r})
	require.NoError(t, err)
	var back actions.Recorded
	require.NoError(t, json.Unmarshal(text, &back))
	assert.Equal(t, *login(), back.Event)
	assert.EqualError(t, back.Result.Steps[1].Err, "broken")
	assert.Equal(t, r.IDToken, back.Result.IDToken)
}

func TestRunsAreApart(t *testing.T) {
	t.Parallel()
	p := pipeline(t, actions.PostLogin, actions.MetadataClaims(ns, "plan"), actions.Segment(ns+"segment", actions.NewMemoryCounter()))
	var wg sync.WaitGroup
	for i := range 50 {
		wg.Go(func() {
			e := login()
			e.ID, e.User.ID, e.User.AppMetadata = fmt.Sprint(i), fmt.Sprint("auth0|", i), map[string]any{"plan": fmt.Sprint(i)}
			r, err := p.Run(t.Context(), e)
			assert.NoError(t, err)
			assert.Equal(t, fmt.Sprint(i), r.IDToken[ns+"plan"])
			assert.Equal(t, "casual", r.AccessToken[ns+"segment"])
		})
	}
	wg.Wait()
}

// Personal data is in no text.
func TestEventsAreHidden(t *testing.T) {
	t.Parallel()
	e := login()
	r, err := pipeline(t, actions.PostLogin, actions.DeviceClaims(ns)).Run(t.Context(), e)
	require.NoError(t, err)
	for _, v := range []any{e, *e, e.User, e.Request, r, *r, actions.Recorded{Event: *e, Result: *r}, actions.Diff{After: r}} {
		for _, verb := range []string{"%v", "%+v", "%#v", "%s"} {
			text := fmt.Sprintf(verb, v)
			for _, personal := range []string{"ada@example.com", "Ada", "203.0.113.7", "Firefox", "gold"} {
				assert.NotContains(t, text, personal, "%T %s", v, verb)
			}
		}
	}
}
