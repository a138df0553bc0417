package actions_test

import (
	"context"
	"encoding/json"
	"errors"
	"iter"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/auth0kit/auth0kit/actions"
	"github.com/auth0kit/auth0kit/internal/webhook"
)

var (
	key   = []byte("0123456789abcdef0123456789abcdef")
	other = []byte("fedcba9876543210fedcba9876543210")
	noon  = time.Date(2026, 11, 28, 12, 0, 0, 0, time.UTC)
)

// sent is the body that the Action sends for a login.
const sent = `{"v":1,"trigger":"post-login","sends":["user.email"],"event":{"tenant":{"id":"t"},"user":{"user_id":"auth0|1","email":"ada@example.com",
	"app_metadata":{"plan":"gold","n":1},"created_at":"2026-01-02T03:04:05.000Z"},"client":{"id":"app_1","name":"App"},"connection":{"name":"users","kind":"auth0"},
	"session":{"id":"sid_1"},"authentication":{"methods":[{"name":"pwd","timestamp":"2026-11-28T11:59:00.000Z"}]},"stats":{"logins_count":3},
	"request":{"asn":64500,"geoip":{"country_code":"DE"}},"resource_server":{"identifier":"api"},
	"transaction":{"protocol":"oidc-basic-profile","prompt":"login","requested_scopes":["openid"]}}}`

// caller signs requests as an Action does.
type caller struct {
	t *testing.T
	h http.Handler
}

func serve(t *testing.T, cfg actions.HandlerConfig, p ...*actions.Pipeline) caller {
	t.Helper()
	if cfg.Now == nil {
		cfg.Now = func() time.Time { return noon }
	}
	h, err := actions.Handler([][]byte{key, other}, cfg, p...)
	require.NoError(t, err)
	return caller{t, h}
}

func (c caller) post(id, body string, change ...func(r *http.Request)) *httptest.ResponseRecorder {
	c.t.Helper()
	ring, err := webhook.New([][]byte{key})
	require.NoError(c.t, err)
	r := httptest.NewRequestWithContext(c.t.Context(), "POST", "/auth0/actions", strings.NewReader(body))
	ring.Sign(r.Header, id, noon, []byte(body))
	for _, f := range change {
		f(r)
	}
	w := httptest.NewRecorder()
	c.h.ServeHTTP(w, r)
	return w
}

type answer struct {
	V        int
	Commands []struct {
		Op, Name string
		Value    any
	}
}

func (c caller) commands(w *httptest.ResponseRecorder, id string) (out []string) {
	c.t.Helper()
	require.Equal(c.t, 200, w.Code)
	ring, err := webhook.New([][]byte{key})
	require.NoError(c.t, err)
	m, err := ring.Verify(w.Header(), w.Body.Bytes(), noon, time.Minute)
	require.NoError(c.t, err)
	require.Equal(c.t, "re_"+id, m.ID)
	var a answer
	require.NoError(c.t, json.Unmarshal(w.Body.Bytes(), &a))
	require.Equal(c.t, 1, a.V)
	for _, one := range a.Commands {
		out = append(out, one.Op+" "+one.Name)
	}
	return out
}

func TestHandler(t *testing.T) {
	t.Parallel()
	var saw actions.Event
	look := actions.Step{Name: "look", Needs: []string{"user.email"}, Run: func(_ context.Context, e *actions.Event, c *actions.Commands) error {
		saw = *e
		return errors.Join(c.AppMetadata("seen", true), c.AddScope("a"), c.RequireMFA(), c.RemoveScope("b"))
	}}
	deny := actions.Step{Name: "deny", Run: func(_ context.Context, e *actions.Event, c *actions.Commands) error {
		if e.User.AppMetadata["plan"] == "none" {
			return actions.Deny("No plan.")
		}
		return nil
	}}
	c := serve(t, actions.HandlerConfig{}, pipeline(t, actions.PostLogin, look, actions.MetadataClaims(ns, "plan"), deny))
	got := c.commands(c.post("m1", sent), "m1")
	assert.Equal(t, []string{"appMetadata seen", "scope.add a", "scope.remove b", "idToken.claim " + ns + "plan", "accessToken.claim " + ns + "plan", "mfa "}, got)
	assert.Equal(t, actions.Event{
		ID: "m1", Trigger: actions.PostLogin, Time: noon, Tenant: "t", Audience: "api", SessionID: "sid_1",
		User: actions.User{ID: "auth0|1", Email: "ada@example.com", AppMetadata: map[string]any{"plan": "gold", "n": 1.0},
			CreatedAt: time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)},
		Client: actions.Ref{ID: "app_1", Name: "App"}, Connection: actions.Ref{Name: "users", Kind: "auth0"},
		Methods: []actions.Method{{Name: "pwd", Time: noon.Add(-time.Minute)}}, Scopes: []string{"openid"}, LoginsCount: 3,
		Transaction: actions.Transaction{Protocol: "oidc-basic-profile", Prompt: []string{"login"}}, Sent: []string{"user.email"},
	}, saw)
	got = c.commands(c.post("m2", strings.Replace(sent, "gold", "none", 1)), "m2")
	assert.Equal(t, []string{"appMetadata seen", "deny No plan."}, got, "metadata first, and nothing but the denial after it")
}

func TestHandlerRefuses(t *testing.T) {
	t.Parallel()
	sign := func(id string, at time.Time, keys ...[]byte) func(r *http.Request) {
		return func(r *http.Request) {
			ring, err := webhook.New(keys)
			require.NoError(t, err)
			ring.Sign(r.Header, id, at, []byte(sent))
		}
	}
	for name, c := range map[string]struct {
		body   string
		change func(r *http.Request)
		status int
	}{
		"as it should be": {status: 200},
		"second key":      {change: sign("m", noon, other), status: 200},
		"a wrong key":     {change: sign("m", noon, []byte(strings.Repeat("ab", 16))), status: 401},
		"an hour late":    {change: sign("m", noon.Add(-time.Hour), key), status: 401},
		"an hour early":   {change: sign("m", noon.Add(time.Hour), key), status: 401},
		"not signed":      {change: func(r *http.Request) { r.Header.Del("Webhook-Signature") }, status: 401},
		"too large":       {body: `{"x":"` + strings.Repeat("x", 128<<10) + `"}`, status: 413},
		"no JSON":         {body: `ada@example.com`, status: 400},
		"another version": {body: strings.Replace(sent, `"v":1`, `"v":2`, 1), status: 400},
		"no user":         {body: strings.Replace(sent, `auth0|1`, ``, 1), status: 400},
		"another trigger": {body: strings.Replace(sent, `post-login`, `credentials-exchange`, 1), status: 400},
		"unknown trigger": {body: strings.Replace(sent, `post-login`, `post-challenge`, 1), status: 400},
		"text for a list": {body: strings.Replace(sent, `[{"name":"pwd"`, `"x",[{"name":"pwd"`, 1), status: 400},
		"another method":  {change: func(r *http.Request) { r.Method = "PUT" }, status: 405},
	} {
		var calls []error
		h := serve(t, actions.HandlerConfig{OnCall: func(_ context.Context, e *actions.Event, r *actions.Result, err error) {
			calls = append(calls, err)
			assert.Equal(t, err == nil, e != nil, name)
			if err != nil {
				assert.NotContains(t, err.Error(), "ada@example.com")
			}
		}}, pipeline(t, actions.PostLogin, actions.MetadataClaims(ns, "plan")))
		body := c.body
		if body == "" {
			body = sent
		}
		change := c.change
		if change == nil {
			change = func(*http.Request) {}
		}
		w := h.post("m", body, change)
		assert.Equal(t, c.status, w.Code, name)
		if c.status != 200 {
			assert.Empty(t, w.Body.String(), "%s: the sender is told nothing", name)
			assert.Empty(t, w.Header().Get("Webhook-Signature"), name)
		}
		if c.status != 405 {
			require.Len(t, calls, 1, name)
			assert.Equal(t, c.status == 200, calls[0] == nil, name)
		}
	}
}

type seenFails struct{}

func (seenFails) Seen(context.Context, string, time.Time, time.Time) error { return errors.New("down") }

func TestReplayedRequests(t *testing.T) {
	t.Parallel()
	now := noon
	p := pipeline(t, actions.PostLogin, actions.MetadataClaims(ns, "plan"))
	c := serve(t, actions.HandlerConfig{Now: func() time.Time { return now }}, p)
	assert.Equal(t, 200, c.post("m1", sent).Code)
	assert.Equal(t, 409, c.post("m1", sent).Code)
	assert.Equal(t, 200, c.post("m2", sent).Code)
	now = noon.Add(time.Minute)
	assert.Equal(t, 409, c.post("m1", sent).Code, "as long as it would be accepted")
	now = noon.Add(time.Minute + time.Second)
	assert.Equal(t, 401, c.post("m1", sent).Code)
	assert.Equal(t, 409, serve(t, actions.HandlerConfig{Seen: seenFails{}}, p).post("m1", sent).Code, "who cannot tell refuses")

	var wg sync.WaitGroup
	codes := make([]int, 20)
	c = serve(t, actions.HandlerConfig{}, p)
	for i := range codes {
		wg.Go(func() { codes[i] = c.post("same", sent).Code })
	}
	wg.Wait()
	ok := 0
	for _, code := range codes {
		if code == 200 {
			ok++
		}
	}
	assert.Equal(t, 1, ok)
}

func TestReadiness(t *testing.T) {
	t.Parallel()
	p := pipeline(t, actions.PostLogin, actions.MetadataClaims(ns, "plan"))
	for want, ready := range map[int]func(context.Context) error{204: nil, 503: func(context.Context) error { return errors.New("no database") }} {
		w := httptest.NewRecorder()
		serve(t, actions.HandlerConfig{Ready: ready}, p).h.ServeHTTP(w, httptest.NewRequestWithContext(t.Context(), "GET", "/", nil))
		assert.Equal(t, want, w.Code)
		assert.Empty(t, w.Body.String())
	}
}

// The pipeline gets no more time than the Action waits.
func TestHandlerDeadline(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		slow := actions.Step{Name: "slow", Timeout: time.Minute, Run: func(ctx context.Context, _ *actions.Event, _ *actions.Commands) error {
			<-ctx.Done()
			return ctx.Err()
		}}
		c := serve(t, actions.HandlerConfig{}, pipeline(t, actions.PostLogin, slow))
		for header, want := range map[string]time.Duration{"700": 700 * time.Millisecond, "": 5 * time.Second, "-1": 5 * time.Second, "99999999": 5 * time.Second} {
			start := time.Now()
			w := c.post("m"+header, sent, func(r *http.Request) { r.Header.Set("Auth0kit-Deadline", header) })
			assert.Equal(t, want, time.Since(start))
			assert.Len(t, c.commands(w, "m"+header), 1, "a required step failed")
		}
	})
}

// memory is a History.
type memory struct{ list []actions.Recorded }

func (m *memory) Keep(_ context.Context, r actions.Recorded) error {
	text, err := json.Marshal(r)
	if err != nil {
		return err
	}
	var back actions.Recorded
	m.list = append(m.list, back)
	return json.Unmarshal(text, &m.list[len(m.list)-1])
}

func (m *memory) Recorded(_ context.Context, from, to time.Time) iter.Seq2[actions.Recorded, error] {
	return func(yield func(actions.Recorded, error) bool) {
		for _, r := range m.list {
			if !r.Event.Time.Before(from) && r.Event.Time.Before(to) && !yield(r, nil) {
				return
			}
		}
	}
}

func TestCandidatesChangeNothing(t *testing.T) {
	t.Parallel()
	live := pipeline(t, actions.PostLogin, actions.MetadataClaims(ns, "plan"), actions.Step{Name: "vandal", Run: func(_ context.Context, e *actions.Event, _ *actions.Commands) error {
		e.User.AppMetadata["plan"] = "changed"
		return nil
	}})
	var dry []bool
	note := actions.Step{Name: "note", Run: func(_ context.Context, e *actions.Event, _ *actions.Commands) error {
		dry = append(dry, e.DryRun)
		return nil
	}}
	next := pipeline(t, actions.PostLogin, note, actions.MetadataClaims(ns, "plan", "n"), does(func(c *actions.Commands) error { return c.RequireMFA() }))
	denies := pipeline(t, actions.PostLogin, fails("deny", actions.Deny("Not any more.")))
	breaks := pipeline(t, actions.PostLogin, fails("break", errors.New("broken")))
	needs := pipeline(t, actions.PostLogin, actions.EmailVerified(""))
	var diffs []actions.Diff
	history := &memory{}
	c := serve(t, actions.HandlerConfig{
		Candidates: []*actions.Pipeline{next, denies, breaks, needs, live}, OnDiff: func(_ context.Context, d actions.Diff) { diffs = append(diffs, d) }, History: history,
	}, live)
	got := c.commands(c.post("m1", sent), "m1")
	assert.Equal(t, []string{"idToken.claim " + ns + "plan", "accessToken.claim " + ns + "plan"}, got)
	require.Len(t, diffs, 5)
	assert.Equal(t, []string{"second factor: required", "ID token: + " + ns + "n", "access token: + " + ns + "n"}, diffs[0].Changes)
	assert.Equal(t, "auth0|1", diffs[0].UserID)
	assert.Equal(t, []string{"denied: Not any more."}, diffs[1].Changes)
	require.NoError(t, diffs[1].Err)
	assert.ErrorContains(t, diffs[2].Err, "broken")
	assert.ErrorContains(t, diffs[3].Err, "does not send user.email_verified")
	assert.Empty(t, diffs[4].Changes, "each gets an event that no other has changed")
	assert.Equal(t, []bool{true}, dry)
	require.Len(t, history.list, 1)
	assert.Equal(t, "gold", history.list[0].Event.User.AppMetadata["plan"])

	dry = nil
	var out strings.Builder
	s, err := actions.WriteDiffs(&out, actions.Replay(t.Context(), history, noon, noon.Add(time.Second), next))
	require.NoError(t, err)
	assert.Equal(t, actions.Summary{Events: 1, Changed: 1}, s)
	assert.Equal(t, "m1 auth0|1\n  second factor: required\n  ID token: + "+ns+"n\n  access token: + "+ns+"n\n", out.String())
	assert.Equal(t, []bool{true}, dry)
	s, err = actions.WriteDiffs(&out, actions.Replay(t.Context(), history, noon, noon.Add(time.Second), live))
	require.NoError(t, err)
	assert.Equal(t, actions.Summary{Events: 1, Same: 1}, s)
	s, err = actions.WriteDiffs(&out, actions.Replay(t.Context(), history, noon, noon.Add(time.Second), needs))
	require.NoError(t, err)
	assert.Equal(t, actions.Summary{Events: 1, Failed: 1}, s)
	s, err = actions.WriteDiffs(&out, actions.Replay(t.Context(), history, noon.Add(time.Second), noon.Add(time.Hour), live))
	require.NoError(t, err)
	assert.Zero(t, s)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err = actions.WriteDiffs(&out, actions.Replay(ctx, history, noon, noon.Add(time.Second), live))
	assert.ErrorIs(t, err, context.Canceled)
}

func TestHandlerNeeds(t *testing.T) {
	t.Parallel()
	p := pipeline(t, actions.PostLogin, actions.MetadataClaims(ns, "plan"))
	m2m := pipeline(t, actions.CredentialsExchange, actions.MetadataClaims(ns, "plan"))
	for want, build := range map[string]func() (http.Handler, error){
		"keys is empty": func() (http.Handler, error) { return actions.Handler(nil, actions.HandlerConfig{}, p) },
		"keys[0] has 0": func() (http.Handler, error) { return actions.Handler([][]byte{{}}, actions.HandlerConfig{}, p) },
		"p is empty":    func() (http.Handler, error) { return actions.Handler([][]byte{key}, actions.HandlerConfig{}) },
		"is nil":        func() (http.Handler, error) { return actions.Handler([][]byte{key}, actions.HandlerConfig{}, nil) },
		"two pipelines": func() (http.Handler, error) { return actions.Handler([][]byte{key}, actions.HandlerConfig{}, p, p) },
		"without OnDiff": func() (http.Handler, error) {
			return actions.Handler([][]byte{key}, actions.HandlerConfig{Candidates: []*actions.Pipeline{p}}, p)
		},
		"Candidates has": func() (http.Handler, error) {
			return actions.Handler([][]byte{key}, actions.HandlerConfig{Candidates: []*actions.Pipeline{m2m}}, p)
		},
	} {
		_, err := build()
		assert.ErrorContains(t, err, want)
	}
}

func FuzzHandler(f *testing.F) {
	p, err := actions.New(actions.PostLogin, actions.MetadataClaims(ns, "plan"), actions.Suspended("s"))
	require.NoError(f, err)
	ring, err := webhook.New([][]byte{key})
	require.NoError(f, err)
	f.Add([]byte(sent))
	f.Add([]byte(`{"v":1,"trigger":"post-login","sends":null,"event":null}`))
	f.Fuzz(func(t *testing.T, body []byte) {
		h, err := actions.Handler([][]byte{key}, actions.HandlerConfig{Now: func() time.Time { return noon }}, p)
		require.NoError(t, err)
		r := httptest.NewRequest("POST", "/", strings.NewReader(string(body)))
		ring.Sign(r.Header, "m", noon, body)
		w := httptest.NewRecorder()
		h.ServeHTTP(w, r)
		if w.Code == 200 {
			_, err = ring.Verify(w.Header(), w.Body.Bytes(), noon, time.Minute)
			require.NoError(t, err)
			require.LessOrEqual(t, w.Body.Len(), 64<<10)
		} else {
			require.Contains(t, []int{400, 413}, w.Code)
		}
	})
}

// A sign-up has no user id by which it could be forgotten: of its person the domain
// is kept, by which a replay decides as the pipeline did.
func TestHistoryOfSignUpsKnowsNobody(t *testing.T) {
	t.Parallel()
	history := &memory{}
	live := pipeline(t, actions.PreUserRegistration, actions.EmailDomains("example.com"))
	c := serve(t, actions.HandlerConfig{History: history}, live)
	c.post("m1", `{"v":1,"trigger":"pre-user-registration","sends":["user.email","user.email_verified","user.name","user.phone_number","user.username","request.ip","request.user_agent","user.user_metadata"],
		"event":{"user":{"email":"ada@evil.com","name":"Ada","phone_number":"+4915112345","username":"ada","user_metadata":{"street":"Main"}},"client":{"id":"app"},
		"request":{"ip":"203.0.113.7","user_agent":"Firefox"},"transaction":{"protocol":"oidc-basic-profile"}}}`)
	require.Len(t, history.list, 1)
	text, err := json.Marshal(history.list[0])
	require.NoError(t, err)
	for _, personal := range []string{"ada@", `"ada"`, "Ada", "4915112345", "Main", "203.0.113.7", "Firefox"} {
		assert.NotContains(t, string(text), personal)
	}
	var out strings.Builder
	at := history.list[0].Event.Time
	s, err := actions.WriteDiffs(&out, actions.Replay(t.Context(), history, at, at.Add(time.Second), live))
	require.NoError(t, err)
	assert.Equal(t, actions.Summary{Events: 1, Same: 1}, s, out.String())
}
