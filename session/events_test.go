package session_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/auth0kit/auth0kit/audit"
	"github.com/auth0kit/auth0kit/session"
)

// TestEvents: 16.3.1 and the OWASP cheat sheet: every step of a session's life is
// recorded, with who and why, and without anything secret.
func TestEvents(t *testing.T) {
	t.Parallel()
	log := audit.NewMemory()
	m := newSetup(t, session.Config{Recorder: log, MaxPerUser: 2, Keys: [][]byte{newKey}})
	token := m.login(t, session.Login{UserID: "auth0|1", SID: "the-sid", Payload: []byte("payload"), Device: session.Device{IP: "192.0.2.1"}})
	update := func(p []byte) ([]byte, error) { return p, nil }
	renewed, err1 := m.Renew(t.Context(), token)
	stepped, err2 := m.StepUp(t.Context(), renewed, m.clock.Now(), "otp")
	err3 := m.Update(t.Context(), stepped, update)
	require.NoError(t, errors.Join(err1, err2, err3))
	wantInvalid(t, m.Manager, renewed, session.ErrSuperseded) // late, and no event
	m.clock.Advance(10 * time.Second)
	wantInvalid(t, m.Manager, renewed, session.ErrRevoked)
	m.clock.Advance(time.Second)
	second := m.login(t, session.Login{UserID: "auth0|1"})
	m.clock.Advance(time.Second)
	third := m.login(t, session.Login{UserID: "auth0|1"}) // evicts the first
	require.NoError(t, errors.Join(m.Revoke(t.Context(), second), m.RevokeUser(t.Context(), "auth0|1"), m.RevokeEveryone(t.Context())))
	fourth := m.login(t, session.Login{UserID: "auth0|1"})
	m.clock.Advance(time.Hour)
	wantInvalid(t, m.Manager, fourth, session.ErrExpired)
	var got []string
	for _, e := range log.Events() {
		got = append(got, fmt.Sprintf("%s %s %s %s", e.Action, e.Target.ID, e.Outcome, e.Reason))
	}
	want := []string{
		"session.create auth0|1 success ", "session.renew auth0|1 success ", "session.step_up auth0|1 success ",
		"session.update auth0|1 success ", "session.refuse auth0|1 failure revoked", "session.create auth0|1 success ",
		"session.evict auth0|1 success limit", "session.create auth0|1 success ", "session.revoke auth0|1 success logout",
		"session.revoke auth0|1 success user", "session.revoke  success everyone", "session.create auth0|1 success ",
		"session.refuse auth0|1 failure expired",
	}
	if !slices.Equal(got, want) {
		t.Fatalf("events:\n%s\nwant:\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
	text, err := json.Marshal(log.Events())
	require.NoError(t, err)
	for _, secret := range []string{string(token), string(third), string(stepped), "payload", "the-sid", "192.0.2.1"} {
		if strings.Contains(string(text), secret) {
			t.Errorf("an event has %q", secret)
		}
	}
}

// TestRefusedLoginIsRecorded: a login that makes no session is an event too.
func TestRefusedLoginIsRecorded(t *testing.T) {
	t.Parallel()
	log := audit.NewMemory()
	m := newSetup(t, session.Config{Recorder: log, MaxPerUser: 1, AtLimit: session.Reject})
	m.login(t, session.Login{UserID: "u"})
	_, _, err := m.Create(t.Context(), session.Login{UserID: "u"})
	wantErr(t, "Create", err, session.ErrLimit)
	last := log.Events()[1]
	if last.Action != "session.create" || last.Outcome != audit.Failure || last.Reason != "limit" {
		t.Fatalf("event = %+v", last)
	}
}

// TestGuesses: unknown tokens are counted, and written once a second.
func TestGuesses(t *testing.T) {
	t.Parallel()
	log := audit.NewMemory()
	m := newSetup(t, session.Config{Recorder: log})
	guess := newSetup(t, session.Config{}).login(t, session.Login{UserID: "u"})
	for range 100 {
		wantInvalid(t, m.Manager, guess, session.ErrNone)
	}
	m.clock.Advance(time.Second)
	wantInvalid(t, m.Manager, guess, session.ErrNone)
	m.clock.Advance(time.Second)
	wantInvalid(t, m.Manager, "not a token", session.ErrNone)
	var counts []string
	for _, e := range log.Events() {
		counts = append(counts, e.Action+" "+e.Reason+" "+e.Metadata["count"])
	}
	if want := []string{"session.refuse unknown 1", "session.refuse unknown 100", "session.refuse unknown 1"}; !slices.Equal(counts, want) {
		t.Fatalf("events = %q, want %q", counts, want)
	}
}

// brokenLog records nothing of the actions that it is given.
type brokenLog struct{ actions []string }

func (l *brokenLog) Record(_ context.Context, e audit.Event) error {
	if slices.Contains(l.actions, e.Action) {
		return errors.New("disk full")
	}
	return nil
}

// TestNotRecorded: what gives is undone when it cannot be recorded, what takes
// stays done.
func TestNotRecorded(t *testing.T) {
	t.Parallel()
	log := &brokenLog{actions: []string{"session.create"}}
	m := newSetup(t, session.Config{Recorder: log})
	token, _, err := m.Create(t.Context(), session.Login{UserID: "u"})
	wantErr(t, "Create", err, audit.ErrNotRecorded)
	if list, err := m.List(t.Context(), "u"); token != "" || err != nil || len(list) > 0 {
		t.Fatalf("Create without a record has left %d sessions", len(list))
	}

	log.actions = []string{"session.step_up", "session.revoke", "session.renew"}
	token = m.login(t, session.Login{UserID: "u"})
	renewed, err := m.Renew(t.Context(), token)
	wantErr(t, "Renew", err, audit.ErrNotRecorded)
	wantValid(t, m.Manager, renewed)
	stepped, err := m.StepUp(t.Context(), renewed, m.clock.Now(), "otp")
	wantErr(t, "StepUp", err, audit.ErrNotRecorded)
	if list, err := m.List(t.Context(), "u"); stepped != "" || err != nil || len(list) > 0 {
		t.Fatalf("StepUp without a record has left %d sessions", len(list))
	}
	if _, err := m.Validate(t.Context(), renewed); errors.Is(err, session.ErrSuperseded) || !errors.Is(err, session.ErrRevoked) {
		t.Fatalf("Validate = %v; there is no session to come back with", err)
	}
	token = m.login(t, session.Login{UserID: "u"})
	wantErr(t, "Revoke", m.Revoke(t.Context(), token), audit.ErrNotRecorded)
	wantInvalid(t, m.Manager, token, session.ErrRevoked)
}

// TestRecordedAfterTheClientLeft: the event outlives the request.
func TestRecordedAfterTheClientLeft(t *testing.T) {
	t.Parallel()
	m := newSetup(t, session.Config{Recorder: recorderFunc(func(ctx context.Context, _ audit.Event) error { return ctx.Err() })})
	token := m.login(t, session.Login{UserID: "u"})
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := m.Revoke(ctx, token); err != nil { // Memory needs no context
		t.Fatal(err)
	}
}

type recorderFunc func(context.Context, audit.Event) error

func (f recorderFunc) Record(ctx context.Context, e audit.Event) error { return f(ctx, e) }
