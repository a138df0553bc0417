package actions_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/auth0kit/auth0kit/actions"
	"github.com/auth0kit/auth0kit/audit"
)

// A parameter of the URL hides nothing that stands behind it in the event.
func TestStrangePromptHidesNothing(t *testing.T) {
	t.Parallel()
	var saw actions.Event
	look := actions.Step{Name: "look", Needs: []string{"request.asn"}, Run: func(_ context.Context, e *actions.Event, _ *actions.Commands) error { saw = *e; return nil }}
	c := serve(t, actions.HandlerConfig{}, pipeline(t, actions.PostLogin, look))
	for i, prompt := range []string{`[{"a":"b"}]`, `[["none"]]`, `{"a":"b"}`, `7`, `[null,"none"]`} {
		body := `{"v":1,"trigger":"post-login","event":{"user":{"user_id":"auth0|1"},"transaction":{"protocol":"oidc-basic-profile","prompt":` + prompt + `,
			"requested_scopes":["openid","write:payments"],"correlation_id":"c1"},"request":{"asn":null},"stats":{"logins_count":3}},"sends":["request.asn"]}`
		require.Equal(t, 200, c.post(fmt.Sprint("m", i), body).Code, prompt)
		assert.Equal(t, []string{"openid", "write:payments"}, saw.Scopes, prompt)
		assert.Equal(t, "c1", saw.Transaction.Correlation, prompt)
		assert.Equal(t, 3, saw.LoginsCount, prompt)
		assert.True(t, saw.Interactive(), prompt)
		assert.Empty(t, saw.Request.ASN, prompt)
	}
}

// Delegated sessions are recorded where a step is told to, and their silent and
// unknown flows are no logins either.
func TestTrackOfDelegatedSessions(t *testing.T) {
	t.Parallel()
	log := audit.NewMemory()
	step := actions.Track(log)
	step.Delegated = true
	for name, change := range notInteractive {
		run(t, with(func(e *actions.Event) { e.ID = name; notOwn["support"](e); change(e) }), step)
	}
	assert.Empty(t, log.Actions())
	run(t, with(notOwn["support"]), step)
	assert.Equal(t, []string{"login.accept"}, log.Actions())
}

// failing is a History that keeps nothing.
type failing struct{ memory }

func (*failing) Keep(context.Context, actions.Recorded) error { return errors.New("no space left") }

// A history that fails is told apart from a login that is denied.
func TestHistoryThatFails(t *testing.T) {
	t.Parallel()
	var calls []string
	c := serve(t, actions.HandlerConfig{History: &failing{}, OnCall: func(_ context.Context, e *actions.Event, r *actions.Result, err error) {
		calls = append(calls, fmt.Sprint(e != nil, " ", r != nil, " ", err))
	}}, pipeline(t, actions.PostLogin, actions.MetadataClaims(ns, "plan")))
	require.Equal(t, 200, c.post("m1", sent).Code)
	assert.Equal(t, []string{"true true <nil>", "true false actions: the history did not keep m1: no space left"}, calls, "the second has no Result")
}

// A candidate that hangs takes no time from the history or from other candidates.
func TestCandidatesAreApart(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		hangs := pipeline(t, actions.PostLogin, actions.Step{Name: "hangs", Timeout: time.Minute, Run: func(ctx context.Context, _ *actions.Event, _ *actions.Commands) error {
			<-ctx.Done()
			return ctx.Err()
		}})
		live := pipeline(t, actions.PostLogin, actions.MetadataClaims(ns, "plan"))
		history := &patient{}
		var failed []bool
		start := time.Now()
		c := serve(t, actions.HandlerConfig{Candidates: []*actions.Pipeline{hangs, live}, History: history,
			OnDiff: func(_ context.Context, d actions.Diff) { failed = append(failed, d.Err != nil) }}, live)
		c.post("m1", sent)
		assert.Equal(t, []bool{true, false}, failed)
		assert.Len(t, history.list, 1)
		assert.LessOrEqual(t, time.Since(start), 10*time.Second)
	})
}

// patient is a History that keeps what it is given in time.
type patient struct{ memory }

func (p *patient) Keep(ctx context.Context, r actions.Recorded) error {
	return errors.Join(ctx.Err(), p.memory.Keep(ctx, r))
}

// What steps make of a person who signs up, or of who acts for a user, is not kept
// where no erasure reaches it.
func TestHistoryKeepsNobodyElse(t *testing.T) {
	t.Parallel()
	history := &memory{}
	name := actions.Step{Name: "name", Needs: []string{"user.email", "user.name"}, Optional: true, Run: func(_ context.Context, e *actions.Event, c *actions.Commands) error {
		return errors.Join(c.UserMetadata("name", e.User.Name), c.AppMetadata("source", "web"))
	}}
	says := actions.Step{Name: "says", Needs: []string{"user.email"}, Optional: true, Run: func(_ context.Context, e *actions.Event, _ *actions.Commands) error {
		return errors.New("no record of " + e.User.Email)
	}}
	signUp := pipeline(t, actions.PreUserRegistration, name, says)
	live := pipeline(t, actions.PostLogin, actions.MetadataClaims(ns, "plan"))
	c := serve(t, actions.HandlerConfig{History: history}, signUp, live)
	answer := c.post("m1", `{"v":1,"trigger":"pre-user-registration","sends":["user.email","user.name"],"event":{"user":{"email":"ada@example.com","name":"Ada Lovelace"}}}`)
	assert.Contains(t, answer.Body.String(), "Ada Lovelace", "the Action is told all")
	c.post("m2", strings.Replace(sent, `"session":{`, `"actor":{"kind":"session","id":"auth0|staff"},"session":{`, 1))
	require.Len(t, history.list, 2)
	text, err := json.Marshal(history.list)
	require.NoError(t, err)
	for _, personal := range []string{"Lovelace", "ada@", "auth0|staff"} {
		assert.NotContains(t, strings.Replace(string(text), `"Email":"ada@example.com"`, "", 1), personal)
	}
	assert.True(t, history.list[1].Event.Delegated())
	var out strings.Builder
	s, err := actions.WriteDiffs(&out, actions.Replay(t.Context(), history, noon, noon.Add(time.Second), signUp))
	require.NoError(t, err)
	assert.Equal(t, actions.Summary{Events: 1, Same: 1}, s, out.String())
	more := pipeline(t, actions.PreUserRegistration, name, says, does(func(c *actions.Commands) error { return c.AppMetadata("tier", 1) }))
	s, err = actions.WriteDiffs(&out, actions.Replay(t.Context(), history, noon, noon.Add(time.Second), more))
	require.NoError(t, err)
	assert.Equal(t, actions.Summary{Events: 1, Changed: 1}, s)
	assert.Contains(t, out.String(), "app_metadata: + tier\n")
}
