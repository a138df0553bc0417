package actions_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"iter"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/auth0kit/auth0kit/actions"
	"github.com/auth0kit/auth0kit/internal/webhook"
)

// A parameter given twice is no silent login: nobody gets around a risk decision by
// a second prompt.
func TestPromptGivenTwice(t *testing.T) {
	t.Parallel()
	for _, prompt := range [][]string{{"login", "none"}, {"none", "login"}, {"", "none"}} {
		e := with(func(e *actions.Event) { e.Transaction.Prompt = prompt })
		assert.True(t, e.Interactive(), "%q", prompt)
		assert.NotEmpty(t, run(t, e, actions.Decide("risk", &decider{})).Denied, "%q", prompt)
	}
	assert.False(t, with(func(e *actions.Event) { e.Transaction.Prompt = []string{"none", "none"} }).Interactive())
}

func TestDecideAboutUnknownFlows(t *testing.T) {
	t.Parallel()
	assert.NotEmpty(t, run(t, with(notInteractive["unknown"]), actions.Decide("risk", &decider{})).Denied, "unknown is not harmless")
	for _, name := range []string{"refresh", "token exchange", "silent"} {
		assert.Empty(t, run(t, with(notInteractive[name]), actions.Decide("risk", &decider{})).Denied, name)
	}
}

// What has another type than Auth0 documents is unknown: a connection that says
// "true" locks no one out of pipelines that do not look, and a parameter of a URL
// does not turn an event into one that cannot be read.
func TestFieldsOfOtherTypes(t *testing.T) {
	t.Parallel()
	var saw actions.Event
	look := actions.Step{Name: "look", Needs: []string{"user.email_verified"}, Run: func(_ context.Context, e *actions.Event, _ *actions.Commands) error { saw = *e; return nil }}
	body := `{"v":1,"trigger":"post-login","sends":["user.email_verified"],"event":{"user":{"user_id":"auth0|1","email_verified":"true","app_metadata":{"plan":"gold"}},
		"transaction":{"protocol":"oidc-basic-profile","prompt":[{"a":"b"},"none"]}}}`
	c := serve(t, actions.HandlerConfig{}, pipeline(t, actions.PostLogin, look))
	require.Equal(t, 200, c.post("m1", body).Code)
	assert.Nil(t, saw.User.EmailVerified)
	assert.Equal(t, "gold", saw.User.AppMetadata["plan"])
	assert.True(t, saw.Interactive())
	for i, bad := range []string{
		strings.Replace(body, `"auth0|1"`, `{"a":1}`, 1), strings.Replace(body, `"v":1`, `"v":"1"`, 1), strings.Replace(body, `"post-login"`, `7`, 1), `[]`,
	} {
		assert.Equal(t, 400, c.post(fmt.Sprint("bad", i), bad).Code, bad)
	}
}

// A number that JavaScript has sent is one that it can read.
func TestLargeNumbersOfMetadata(t *testing.T) {
	t.Parallel()
	big := 12345678901234567890.0
	e := with(func(e *actions.Event) {
		e.User.AppMetadata = map[string]any{"id": big, "of": map[string]any{"ids": []any{big, nil, true, "x"}}}
	})
	r := run(t, e, actions.MetadataClaims(ns, "id", "of"))
	assert.Empty(t, r.Denied)
	assert.Equal(t, big, r.IDToken[ns+"id"])
}

func TestDeniedBySentinel(t *testing.T) {
	t.Parallel()
	why := errors.New("on the list")
	for name, err := range map[string]error{"sentinel": fmt.Errorf("%w: %w", actions.ErrDenied, why), "denial": fmt.Errorf("%w: %w", actions.Deny("No."), why)} {
		s := fails("s", err)
		s.Optional = true
		r, err := pipeline(t, actions.PostLogin, s).Run(t.Context(), login())
		require.ErrorIs(t, err, actions.ErrDenied, name)
		assert.ErrorIs(t, err, why, name)
		assert.NotEmpty(t, r.Denied, name)
		assert.NotContains(t, r.Denied, "list", name)
	}
}

// oneEvent is a History of one event.
type oneEvent struct{ kept actions.Recorded }

func (oneEvent) Keep(context.Context, actions.Recorded) error { return nil }

func (h oneEvent) Recorded(context.Context, time.Time, time.Time) iter.Seq2[actions.Recorded, error] {
	return func(yield func(actions.Recorded, error) bool) { yield(h.kept, nil) }
}

func TestReplayOfDenials(t *testing.T) {
	t.Parallel()
	h := oneEvent{actions.Recorded{Event: *login()}}
	p := pipeline(t, actions.PostLogin, actions.Decide("risk", &decider{}))
	var out bytes.Buffer
	s, err := actions.WriteDiffs(&out, actions.Replay(t.Context(), h, noon, noon, p))
	require.NoError(t, err)
	assert.Equal(t, actions.Summary{Events: 1, Changed: 1}, s, "a denial without a reason is no failure")

	out.Reset()
	h.kept.Event.User.ID = "auth0|1\n\x1b[2K evt_2 auth0|2"
	_, err = actions.WriteDiffs(&out, actions.Replay(t.Context(), h, noon, noon, p))
	require.NoError(t, err)
	assert.Equal(t, 2, strings.Count(out.String(), "\n"), "no value makes lines of its own")
	assert.NotContains(t, out.String(), "\x1b")
}

func TestDiffsAndRecordsInLogs(t *testing.T) {
	t.Parallel()
	r := run(t, login(), actions.DeviceClaims(ns))
	var out bytes.Buffer
	for _, l := range []*slog.Logger{slog.New(slog.NewJSONHandler(&out, nil)), slog.New(slog.NewTextHandler(&out, nil))} {
		l.Info("diff", "diff", actions.Diff{EventID: "evt_1", UserID: "auth0|1", Changes: []string{"second factor: required"}, Before: r, After: r})
		l.Info("recorded", "recorded", actions.Recorded{Event: *login(), Result: *r})
	}
	fmt.Fprintf(&out, "%+v", actions.Recorded{Event: *login(), Result: *r})
	assert.Equal(t, 4, strings.Count(out.String(), "evt_1")-1)
	assert.Contains(t, out.String(), "second factor: required")
	for _, personal := range []string{"203.0.113.7", "ada@example.com", "Firefox"} {
		assert.NotContains(t, out.String(), personal)
	}
}

func TestKeysThatGrow(t *testing.T) {
	t.Parallel()
	many := does(func(c *actions.Commands) error {
		for i := range 170 {
			if err := c.AppMetadata(fmt.Sprintf("%03d", i)+strings.Repeat("\x01", 250), true); err != nil {
				return err
			}
		}
		return nil
	})
	c := serve(t, actions.HandlerConfig{}, pipeline(t, actions.PostLogin, many))
	assert.Less(t, c.post("m", sent).Body.Len(), 64<<10, "the Action refuses larger answers")
}

// A candidate that takes its time keeps no login waiting, not even one that would
// come by the same connection.
func TestCandidatesKeepNobodyWaiting(t *testing.T) {
	t.Parallel()
	var ended atomic.Int32
	release := make(chan struct{})
	slow := actions.Step{Name: "slow", Timeout: 3 * time.Second, Run: func(ctx context.Context, _ *actions.Event, _ *actions.Commands) error {
		select {
		case <-release:
		case <-ctx.Done():
		}
		ended.Add(1)
		return nil
	}}
	h, err := actions.Handler([][]byte{key}, actions.HandlerConfig{Candidates: []*actions.Pipeline{pipeline(t, actions.PostLogin, slow)}, OnDiff: func(context.Context, actions.Diff) {}},
		pipeline(t, actions.PostLogin, does(func(*actions.Commands) error { return nil })))
	require.NoError(t, err)
	s := httptest.NewServer(h)
	defer s.Close()
	defer close(release)
	ring, err := webhook.New([][]byte{key})
	require.NoError(t, err)
	for i := range 2 {
		r, err := http.NewRequestWithContext(t.Context(), "POST", s.URL, strings.NewReader(sent))
		require.NoError(t, err)
		ring.Sign(r.Header, fmt.Sprint("m", i), time.Now(), []byte(sent))
		answer, err := s.Client().Do(r)
		require.NoError(t, err)
		var body bytes.Buffer
		_, err = body.ReadFrom(answer.Body)
		require.NoError(t, err)
		answer.Body.Close()
		require.Equal(t, 200, answer.StatusCode)
	}
	assert.Zero(t, ended.Load(), "both were answered while the first candidate ran")
}
