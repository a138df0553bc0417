package audit_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/auth0kit/auth0kit/audit"
)

func Example() {
	log := audit.NewMemory()
	ctx := audit.NewContext(context.Background(), audit.Origin{
		Actor: audit.Ref{Kind: "user", ID: "auth0|ann"},
		IP:    "203.0.113.7",
	})

	err := audit.Record(ctx, log, audit.Event{
		Type: "session", Action: "session.revoke",
		Target:  audit.Ref{Kind: "user", ID: "auth0|bob"},
		Outcome: audit.Success,
	})

	e := log.Events()[0]
	fmt.Println(err, e.Actor.ID, e.Action, e.Target.ID, e.IP, e.Outcome)
	// Output: <nil> auth0|ann session.revoke auth0|bob 203.0.113.7 success
}

func ExampleRecord_invalid() {
	err := audit.Record(context.Background(), audit.Discard, audit.Event{Type: "session", Action: "create"})
	fmt.Println(err)
	// Output: audit: not recorded: audit: Event.Action must be Type, a dot and a verb, such as "session.create"
}

func valid() audit.Event {
	return audit.Event{
		ID: "1", Time: time.Date(2026, 11, 24, 12, 0, 0, 0, time.UTC),
		Type: "mfa", Action: "mfa.verify", Outcome: audit.Failure, Reason: "wrong_code",
		Actor: audit.Ref{Kind: "user", ID: "auth0|a"}, Target: audit.Ref{Kind: "user", ID: "auth0|a"},
		OnBehalfOf: audit.Ref{Kind: "user", ID: "auth0|support"}, Correlation: "sid",
		IP: "2001:db8::1", UserAgent: "agent", Organization: "org_1", Source: "auth0kit/guardian",
		Metadata: map[string]string{"factor": "otp"}, Personal: map[string]string{"email": "a@example.com"},
	}
}

func TestValidateNamesTheField(t *testing.T) {
	t.Parallel()
	if e := valid(); e.Validate() != nil {
		t.Fatalf("the valid event: %v", e.Validate())
	}
	long := strings.Repeat("x", 2000)
	many := make(map[string]string)
	for i := range audit.MaxEntries + 1 {
		many[fmt.Sprintf("k%d", i)] = "v"
	}
	for field, breakIt := range map[string]func(*audit.Event){
		"ID has":              func(e *audit.Event) { e.ID = long },
		"Type must":           func(e *audit.Event) { e.Type = "" },
		"Type must be":        func(e *audit.Event) { e.Type, e.Action = "a.b", "a.b.c" },
		"Action must":         func(e *audit.Event) { e.Action = "session.create" },
		"Action must be":      func(e *audit.Event) { e.Action = "mfa." },
		"Reason must":         func(e *audit.Event) { e.Reason = "Wrong code for bob" },
		"Outcome must":        func(e *audit.Event) { e.Outcome = 3 },
		"Actor.Kind must":     func(e *audit.Event) { e.Actor.Kind = "" },
		"Actor.ID must":       func(e *audit.Event) { e.Actor.ID = "" },
		"Target.ID has":       func(e *audit.Event) { e.Target.ID = long },
		"OnBehalfOf.ID must":  func(e *audit.Event) { e.OnBehalfOf.ID = "" },
		"Correlation has":     func(e *audit.Event) { e.Correlation = long },
		"IP must":             func(e *audit.Event) { e.IP = "127.0.0.1:80" },
		"IP must be":          func(e *audit.Event) { e.IP = "fe80::1%" + strings.Repeat("\x00", 1<<20) },
		"UserAgent must":      func(e *audit.Event) { e.UserAgent = "a\nb" },
		"UserAgent has":       func(e *audit.Event) { e.UserAgent = long },
		"Organization must":   func(e *audit.Event) { e.Organization = "\xff" },
		"Source has":          func(e *audit.Event) { e.Source = long },
		"Metadata has 33":     func(e *audit.Event) { e.Metadata = many },
		"Metadata has a key":  func(e *audit.Event) { e.Metadata = map[string]string{"Bad Key": ""} },
		"Personal[email] has": func(e *audit.Event) { e.Personal["email"] = long },
		"Personal needs":      func(e *audit.Event) { e.Target = audit.Ref{} },
	} {
		e := valid()
		breakIt(&e)
		if err := e.Validate(); err == nil || !strings.Contains(err.Error(), "Event."+field) {
			t.Errorf("%v, want it to say %q", err, field)
		}
	}
}

func TestRecordCompletesFromContext(t *testing.T) {
	t.Parallel()
	origin := audit.Origin{
		Actor: audit.Ref{Kind: "user", ID: "ctx"}, OnBehalfOf: audit.Ref{Kind: "user", ID: "support"}, Correlation: "ctx",
		IP: "192.0.2.1", UserAgent: "agent", Organization: "org_ctx",
	}
	own := audit.Event{
		Type: "a", Action: "a.b", Actor: audit.Ref{Kind: "job", ID: "own"}, OnBehalfOf: audit.Ref{Kind: "agent", ID: "own"},
		Correlation: "own", IP: "192.0.2.2", UserAgent: "own", Organization: "org_own",
	}
	log, ctx := audit.NewMemory(), audit.NewContext(t.Context(), origin)
	require.NoError(t, audit.Record(ctx, log, audit.Event{Type: "a", Action: "a.b"}))
	require.NoError(t, audit.Record(ctx, log, own))

	got := log.Events()
	assert.Equal(t, origin, originOf(got[0]), "from the context")
	assert.NotEmpty(t, got[0].ID)
	assert.False(t, got[0].Time.IsZero())
	assert.Equal(t, originOf(own), originOf(got[1]), "arguments must win")
}

func originOf(e audit.Event) audit.Origin {
	return audit.Origin{
		Actor: e.Actor, OnBehalfOf: e.OnBehalfOf, Correlation: e.Correlation,
		IP: e.IP, UserAgent: e.UserAgent, Organization: e.Organization,
	}
}

// What a client sends freely must not keep an event out of the log.
func TestRecordCutsWhatClientsSend(t *testing.T) {
	t.Parallel()
	hostile := "x\n\xff" + strings.Repeat("é", 2000)
	log := audit.NewMemory()
	ctx := audit.NewContext(t.Context(), audit.Origin{UserAgent: hostile, Correlation: hostile})
	require.NoError(t, audit.Record(ctx, log, audit.Event{Type: "a", Action: "a.b"}))

	e := log.Events()[0]
	assert.True(t, strings.HasPrefix(e.UserAgent, "x é") && len(e.UserAgent) <= audit.MaxValue, e.UserAgent)
	assert.True(t, strings.HasPrefix(e.Correlation, "x é") && len(e.Correlation) <= audit.MaxID, e.Correlation)
}

// Postgres keeps microseconds: an event must not change when it is read back.
func TestTimesAreUTCAndInMicroseconds(t *testing.T) {
	t.Parallel()
	at := time.Date(2026, 11, 24, 13, 0, 0, 123_456_789, time.FixedZone("CET", 3600))
	want := time.Date(2026, 11, 24, 12, 0, 0, 123_456_000, time.UTC)

	log := audit.NewMemory()
	require.NoError(t, audit.Record(t.Context(), log, audit.Event{Type: "a", Action: "a.b", Time: at, LoggedAt: at}))
	require.NoError(t, log.Record(t.Context(), audit.Event{ID: "1", Type: "a", Action: "a.b", Time: at, LoggedAt: at}))
	require.NoError(t, audit.Record(t.Context(), log, audit.Event{Type: "a", Action: "a.b"}))

	got := log.Events()
	for _, e := range got[:2] {
		assert.Equal(t, want, e.Time)
		assert.Equal(t, want, e.LoggedAt)
	}
	assert.Equal(t, got[2].Time.Truncate(time.Microsecond), got[2].Time, "the time that Record sets")
	assert.True(t, got[2].LoggedAt.IsZero())
}

type failing struct{ err error }

func (f failing) Record(context.Context, audit.Event) error { return f.err }

// The zone of an address may be any text, and comes from a client's header.
func TestRecordCutsTheZoneOfAnAddress(t *testing.T) {
	t.Parallel()
	var m audit.Memory
	ctx := audit.NewContext(t.Context(), audit.Origin{IP: "fe80::1%\n=cmd"})
	require.NoError(t, audit.Record(ctx, &m, audit.Event{Type: "session", Action: "session.create"}))
	assert.Equal(t, "fe80::1", m.Events()[0].IP)
}

func TestRecordWrapsErrNotRecorded(t *testing.T) {
	t.Parallel()
	cause := errors.New("disk full")
	err := audit.Record(t.Context(), failing{cause}, audit.Event{Type: "a", Action: "a.b"})
	if !errors.Is(err, audit.ErrNotRecorded) || !errors.Is(err, cause) {
		t.Errorf("%v, want ErrNotRecorded and the cause", err)
	}
	if err := audit.Record(t.Context(), nil, audit.Event{Type: "a", Action: "a.b"}); err != nil {
		t.Errorf("a nil Recorder: %v, want none", err)
	}
}

func TestMemory(t *testing.T) {
	t.Parallel()
	log := audit.NewMemory()
	e := valid()
	var wg sync.WaitGroup
	for i := range 64 {
		wg.Go(func() {
			own := valid()
			own.ID = fmt.Sprint(i % 32)
			if err := log.Record(t.Context(), own); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	if n := len(log.Events()); n != 32 {
		t.Errorf("%d events of 32 ids, each recorded twice", n)
	}

	e.ID = "mine"
	if err := log.Record(t.Context(), e); err != nil {
		t.Fatal(err)
	}
	e.Metadata["factor"] = "changed"
	if got := log.Events()[32].Metadata["factor"]; got != "otp" {
		t.Errorf("the caller's change reached the log: %q", got)
	}
	if err := log.Record(t.Context(), audit.Event{Type: "a", Action: "a.b"}); err == nil {
		t.Error("an event without an id was recorded")
	}
	if err := log.Record(t.Context(), audit.Event{ID: "x", Type: "a"}); err == nil {
		t.Error("an invalid event was recorded")
	}
	if actions := log.Actions(); len(actions) != 33 || actions[0] != "mfa.verify" {
		t.Errorf("Actions() = %v", actions)
	}
}

// Stores and encoders rely on these names.
func TestEventJSONIsFrozen(t *testing.T) {
	t.Parallel()
	e := valid()
	b, err := json.Marshal(e)
	if err != nil {
		t.Fatal(err)
	}
	const want = `{"id":"1","time":"2026-11-24T12:00:00Z","type":"mfa","action":"mfa.verify",` +
		`"actor":{"kind":"user","id":"auth0|a"},"on_behalf_of":{"kind":"user","id":"auth0|support"},` +
		`"target":{"kind":"user","id":"auth0|a"},"outcome":"failure","reason":"wrong_code","correlation":"sid",` +
		`"ip":"2001:db8::1","user_agent":"agent","organization":"org_1","source":"auth0kit/guardian",` +
		`"metadata":{"factor":"otp"},"personal":{"email":"a@example.com"}}`
	if string(b) != want {
		t.Errorf("JSON\n%s\nwant\n%s", b, want)
	}
	var back audit.Event
	if err := json.Unmarshal(b, &back); err != nil || !reflect.DeepEqual(e, back) {
		t.Errorf("read back: %+v, %v", back, err)
	}
	if err := json.Unmarshal([]byte(`{"outcome":"maybe"}`), &back); err == nil {
		t.Error("an unknown outcome was read")
	}
}

func FuzzRecord(f *testing.F) {
	f.Add("session", "session.create", "Mozilla/5.0", "203.0.113.7", "wrong_code")
	f.Add("", ".", "\x00\xff", "::1", "")
	f.Fuzz(func(t *testing.T, typ, action, agent, ip, reason string) {
		log := audit.NewMemory()
		e := audit.Event{Type: typ, Action: action, UserAgent: agent, Correlation: agent, IP: ip, Reason: reason}
		if err := audit.Record(t.Context(), log, e); err != nil {
			return
		}
		if got := log.Events()[0]; len(got.UserAgent) > audit.MaxValue || strings.ContainsAny(got.UserAgent, "\n\r\x00") {
			t.Errorf("user agent kept as %q", got.UserAgent)
		} else if len(got.Correlation) > audit.MaxID || strings.ContainsAny(got.Correlation, "\n\r\x00") {
			t.Errorf("correlation kept as %q", got.Correlation)
		}
	})
}
