package session_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/auth0kit/auth0kit/session"
	"github.com/auth0kit/auth0kit/session/driver"
	"github.com/auth0kit/auth0kit/session/sessiontest"
)

var (
	start  = time.Date(2026, 11, 24, 12, 0, 0, 0, time.UTC)
	oldKey = bytes.Repeat([]byte("old!"), 8)
	newKey = bytes.Repeat([]byte("new!"), 8)
)

// setup is a Manager on an empty memory store with a clock.
type setup struct {
	*session.Manager
	store *session.Memory
	clock *sessiontest.Clock
}

func newSetup(t *testing.T, cfg session.Config) *setup {
	t.Helper()
	s := &setup{store: session.NewMemory(), clock: sessiontest.NewClock(start)}
	s.Manager = s.again(t, cfg)
	return s
}

// again is another Manager on the same store, as after a restart.
func (s *setup) again(t *testing.T, cfg session.Config) *session.Manager {
	t.Helper()
	cfg.Now = s.clock.Now
	m, err := session.New(s.store, cfg)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// login signs in a user who has authenticated just now, if l says nothing else.
func (s *setup) login(t *testing.T, l session.Login) session.Token {
	t.Helper()
	if l.AuthTime.IsZero() {
		l.AuthTime = s.clock.Now()
	}
	token, _, err := s.Create(t.Context(), l)
	if err != nil {
		t.Fatal(err)
	}
	return token
}

func wantValid(t *testing.T, m *session.Manager, token session.Token) *session.Session {
	t.Helper()
	s, err := m.Validate(t.Context(), token)
	if err != nil {
		t.Fatalf("Validate = %v", err)
	}
	return s
}

func wantErr(t *testing.T, what string, err, want error) {
	t.Helper()
	if !errors.Is(err, want) {
		t.Fatalf("%s = %v, want %v", what, err, want)
	}
}

func wantInvalid(t *testing.T, m *session.Manager, token session.Token, want error) {
	t.Helper()
	_, err := m.Validate(t.Context(), token)
	wantErr(t, "Validate", err, want)
}

func TestConfig(t *testing.T) {
	t.Parallel()
	for name, cfg := range map[string]session.Config{
		"no idle timeout":        {Idle: -1},
		"no absolute timeout":    {Absolute: -1},
		"idle over absolute":     {Idle: 2 * time.Hour, Absolute: time.Hour},
		"touch over half idle":   {TouchEvery: 31 * time.Minute},
		"touch negative":         {TouchEvery: -1},
		"no limit":               {MaxPerUser: -1},
		"a policy that is none":  {AtLimit: 3},
		"outbox without revoker": {Outbox: session.NewMemory()},
		"stale over idle":        {AllowStaleReads: 2 * time.Hour},
		"a short key":            {Keys: [][]byte{[]byte("short")}},
	} {
		if _, err := session.New(session.NewMemory(), cfg); err == nil {
			t.Errorf("%s is accepted", name)
		}
	}
	if _, err := session.New(nil, session.Config{}); err == nil {
		t.Error("no store is accepted")
	}
}

// TestPolicyIsMandatory: 7.3.1, 7.3.2: both timeouts are there by default, at
// what NIST recommends at most, and none can be switched off (TestConfig).
func TestPolicyIsMandatory(t *testing.T) {
	t.Parallel()
	p := newSetup(t, session.Config{}).Policy()
	want := session.Policy{Idle: time.Hour, Absolute: 24 * time.Hour, TouchEvery: time.Minute, MaxPerUser: 20}
	if p != want {
		t.Fatalf("Policy = %+v, want %+v", p, want)
	}
	if p := newSetup(t, session.Config{Idle: 15 * time.Minute}).Policy(); p.TouchEvery != 15*time.Second {
		t.Fatalf("TouchEvery = %v, want a 60th of Idle", p.TouchEvery)
	}
}

func TestPolicyExplains(t *testing.T) {
	t.Parallel()
	text := newSetup(t, session.Config{}).Policy().String()
	for _, want := range []string{"1h0m0s without use", "24h0m0s after", "at most 20 sessions", "evict oldest", "within NIST"} {
		if !strings.Contains(text, want) {
			t.Errorf("the policy does not say %q:\n%s", want, text)
		}
	}
	text = newSetup(t, session.Config{Idle: 48 * time.Hour, Absolute: 96 * time.Hour, AllowStaleReads: time.Minute}).Policy().String()
	if strings.Count(text, "justify it") != 2 || !strings.Contains(text, "reads are allowed for 1m0s") {
		t.Errorf("the policy does not say where it leaves NIST:\n%s", text)
	}
}

func TestCreateRefuses(t *testing.T) {
	t.Parallel()
	m := newSetup(t, session.Config{})
	for name, l := range map[string]session.Login{
		"no user":                {},
		"a long user":            {UserID: strings.Repeat("x", 256)},
		"a user with a NUL":      {UserID: "a\x00b"},
		"a user that is no text": {UserID: "\xff"},
		"a long SID":             {UserID: "u", SID: strings.Repeat("x", 256)},
		"a payload without keys": {UserID: "u", Payload: []byte("p")},
		"a huge payload":         {UserID: "u", Payload: make([]byte, driver.MaxPayload+1)},
		"an empty amr":           {UserID: "u", AMR: []string{""}},
		"an amr with a space":    {UserID: "u", AMR: []string{"p w"}},
		"many amr":               {UserID: "u", AMR: strings.Split(strings.Repeat("x,", 17), ",")},
		"a future login":         {UserID: "u", AuthTime: start.Add(2 * time.Minute)},
		"an ended one":           {UserID: "u", NotAfter: start},
	} {
		token, s, err := m.Create(t.Context(), l)
		if err == nil || token != "" || s != nil {
			t.Errorf("%s: Create = %v", name, err)
		}
	}
	if list, err := m.List(t.Context(), "u"); err != nil || len(list) > 0 {
		t.Fatalf("bad input has made %d sessions", len(list))
	}
}

// TestIdleTimeout: 7.3.1; NIST: activity resets the inactivity timeout.
func TestIdleTimeout(t *testing.T) {
	t.Parallel()
	m := newSetup(t, session.Config{})
	token := m.login(t, session.Login{UserID: "u"})
	for range 5 {
		m.clock.Advance(59 * time.Minute)
		wantValid(t, m.Manager, token)
	}
	m.clock.Advance(time.Hour)
	wantInvalid(t, m.Manager, token, session.ErrExpired)
}

// TestAbsoluteTimeout: 7.3.2; whatever is done, nothing extends it.
func TestAbsoluteTimeout(t *testing.T) {
	t.Parallel()
	m := newSetup(t, session.Config{})
	token := m.login(t, session.Login{UserID: "u"})
	var err error
	for i := range 47 {
		m.clock.Advance(30 * time.Minute)
		switch i % 3 {
		case 0:
			token, err = m.Renew(t.Context(), token)
		case 1:
			token, err = m.StepUp(t.Context(), token, m.clock.Now(), "otp")
		case 2:
			err = m.Update(t.Context(), token, func(p []byte) ([]byte, error) { return p, nil })
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	m.clock.Advance(29*time.Minute + 59*time.Second)
	wantValid(t, m.Manager, token)
	m.clock.Advance(time.Second)
	wantInvalid(t, m.Manager, token, session.ErrExpired)
}

// TestSessionExpiry: 7.1.3, 7.6.1: the identity provider's ceiling ends a session.
func TestSessionExpiry(t *testing.T) {
	t.Parallel()
	m := newSetup(t, session.Config{})
	token := m.login(t, session.Login{UserID: "u", NotAfter: start.Add(10 * time.Minute)})
	m.clock.Advance(10*time.Minute - time.Millisecond)
	if s := wantValid(t, m.Manager, token); !s.ExpiresAt.Equal(start.Add(10 * time.Minute)) {
		t.Fatalf("ExpiresAt = %v", s.ExpiresAt)
	}
	m.clock.Advance(time.Millisecond)
	wantInvalid(t, m.Manager, token, session.ErrExpired)
}

func TestTouchIsThrottled(t *testing.T) {
	t.Parallel()
	m := newSetup(t, session.Config{})
	token := m.login(t, session.Login{UserID: "u"})
	m.clock.Advance(time.Minute)
	if s := wantValid(t, m.Manager, token); !s.LastSeen.Equal(start) {
		t.Fatal("LastSeen has moved within TouchEvery")
	}
	m.clock.Advance(time.Millisecond)
	if s := wantValid(t, m.Manager, token); !s.LastSeen.Equal(m.clock.Now()) || !s.IdleAt.Equal(m.clock.Now().Add(time.Hour)) {
		t.Fatal("LastSeen has not moved after TouchEvery")
	}
}

// TestConcurrentSessions: 7.1.2: the number per user and what happens at the limit.
func TestConcurrentSessions(t *testing.T) {
	t.Parallel()
	for _, policy := range []session.AtLimit{session.EvictOldest, session.EvictIdle, session.Reject} {
		m := newSetup(t, session.Config{MaxPerUser: 2, AtLimit: policy})
		var tokens []session.Token
		for range 2 {
			tokens = append(tokens, m.login(t, session.Login{UserID: "u"}))
			m.clock.Advance(2 * time.Minute)
		}
		wantValid(t, m.Manager, tokens[0]) // the first is the oldest, the second the idlest
		_, _, err := m.Create(t.Context(), session.Login{UserID: "u"})
		dead := map[session.AtLimit]int{session.EvictOldest: 0, session.EvictIdle: 1, session.Reject: -1}[policy]
		if (policy == session.Reject) != errors.Is(err, session.ErrLimit) {
			t.Fatalf("%s: Create = %v", policy, err)
		}
		for i, token := range tokens {
			if _, err := m.Validate(t.Context(), token); (i == dead) != errors.Is(err, session.ErrRevoked) {
				t.Errorf("%s: session %d: %v", policy, i, err)
			}
		}
	}
}

// TestReauthenticationIsRefusedWhenOld: 7.4.1, 7.4.2: a login that was under way
// when the account was disabled does not make a session.
func TestReauthenticationIsRefusedWhenOld(t *testing.T) {
	t.Parallel()
	m := newSetup(t, session.Config{})
	authenticated := m.clock.Now()
	m.clock.Advance(time.Second)
	if err := m.RevokeUser(t.Context(), "u"); err != nil {
		t.Fatal(err)
	}
	_, _, err := m.Create(t.Context(), session.Login{UserID: "u", AuthTime: authenticated})
	wantErr(t, "Create", err, session.ErrRevoked)
	m.login(t, session.Login{UserID: "u", AuthTime: m.clock.Now()})
}

// TestRevokeVerbs: 7.4.1, 7.4.3, 7.4.5, 7.5.2: each verb ends what it says, and no more.
func TestRevokeVerbs(t *testing.T) {
	t.Parallel()
	type sessions struct{ a1, a2, b session.Token }
	for name, test := range map[string]struct {
		revoke func(*setup, sessions) error
		live   [3]bool // a1, a2, b
	}{
		"Revoke":         {func(m *setup, s sessions) error { return m.Revoke(t.Context(), s.a1) }, [3]bool{false, true, true}},
		"RevokeUser":     {func(m *setup, _ sessions) error { return m.RevokeUser(t.Context(), "a") }, [3]bool{false, false, true}},
		"RevokeSID":      {func(m *setup, _ sessions) error { return m.RevokeSID(t.Context(), "s2") }, [3]bool{true, false, true}},
		"RevokeOthers":   {func(m *setup, s sessions) error { return m.RevokeOthers(t.Context(), s.a2) }, [3]bool{false, true, true}},
		"RevokeEveryone": {func(m *setup, _ sessions) error { return m.RevokeEveryone(t.Context()) }, [3]bool{}},
		"RevokeID": {func(m *setup, _ sessions) error {
			list, err := m.List(t.Context(), "a")
			if err != nil || len(list) != 2 {
				return fmt.Errorf("List = %v, %v", list, err)
			}
			wantErr(t, "RevokeID of another user", m.RevokeID(t.Context(), "b", list[0].ID), session.ErrNone)
			return m.RevokeID(t.Context(), "a", list[0].ID)
		}, [3]bool{false, true, true}},
	} {
		m := newSetup(t, session.Config{})
		var s sessions
		s.a1 = m.login(t, session.Login{UserID: "a", SID: "s1"})
		m.clock.Advance(time.Second)
		s.a2, s.b = m.login(t, session.Login{UserID: "a", SID: "s2"}), m.login(t, session.Login{UserID: "b", SID: "s3"})
		if err := test.revoke(m, s); err != nil {
			t.Fatalf("%s = %v", name, err)
		}
		for i, token := range []session.Token{s.a1, s.a2, s.b} {
			if _, err := m.Validate(t.Context(), token); test.live[i] != (err == nil) {
				t.Errorf("%s: session %d: %v", name, i, err)
			}
		}
	}
}

func TestDeadTokens(t *testing.T) {
	t.Parallel()
	m := newSetup(t, session.Config{})
	dead := m.login(t, session.Login{UserID: "u"})
	if err := errors.Join(m.Revoke(t.Context(), dead), m.Revoke(t.Context(), dead)); err != nil {
		t.Fatalf("a second logout is no error, but %v", err)
	}
	for token, want := range map[session.Token]error{
		dead: session.ErrRevoked, "": session.ErrNone, "x": session.ErrNone, dead + "A": session.ErrNone,
		session.Token(strings.Repeat("A", len(dead))): session.ErrNone, session.Token(strings.Repeat("!", len(dead))): session.ErrNone,
	} {
		wantInvalid(t, m.Manager, token, want)
		_, err := m.Renew(t.Context(), token)
		wantErr(t, "Renew", err, want)
		_, err = m.StepUp(t.Context(), token, m.clock.Now(), "otp")
		wantErr(t, "StepUp", err, want)
		wantErr(t, "RevokeOthers", m.RevokeOthers(t.Context(), token), want)
		if err := m.Revoke(t.Context(), token); err != nil {
			t.Fatalf("Revoke = %v", err)
		}
	}
}

func TestUpdate(t *testing.T) {
	t.Parallel()
	m := newSetup(t, session.Config{Keys: [][]byte{newKey}})
	token := m.login(t, session.Login{UserID: "u", Payload: []byte("a")})
	failed := errors.New("failed")
	for _, f := range []func([]byte) ([]byte, error){
		func([]byte) ([]byte, error) { return nil, failed },
		func([]byte) ([]byte, error) { return make([]byte, driver.MaxPayload+1), nil },
	} {
		if err := m.Update(t.Context(), token, f); err == nil {
			t.Fatal("Update took it")
		}
		if s := wantValid(t, m.Manager, token); string(s.Payload) != "a" {
			t.Fatalf("Payload = %q", s.Payload)
		}
	}
	if err := m.Update(t.Context(), token, func(p []byte) ([]byte, error) { return append(p, 'b'), nil }); err != nil {
		t.Fatal(err)
	}
	if s := wantValid(t, m.Manager, token); string(s.Payload) != "ab" {
		t.Fatalf("Payload = %q", s.Payload)
	}
	if err := m.Update(t.Context(), token, func([]byte) ([]byte, error) { return nil, nil }); err != nil {
		t.Fatal(err)
	}
	if s := wantValid(t, m.Manager, token); s.Payload != nil {
		t.Fatalf("Payload = %q", s.Payload)
	}
}

// TestFresh: 7.5.1, 7.5.3: freshness is per method, so an old second factor does
// not count because a password was given now.
func TestFresh(t *testing.T) {
	t.Parallel()
	m := newSetup(t, session.Config{})
	token := m.login(t, session.Login{UserID: "u", AMR: []string{"pwd", "otp", "mfa"}, AuthTime: start.Add(-10 * time.Minute)})
	s := wantValid(t, m.Manager, token)
	wantErr(t, "Fresh", m.Fresh(s, 5*time.Minute), session.ErrNotFresh)
	if err := m.Fresh(s, 10*time.Minute, "otp", "mfa"); err != nil {
		t.Fatal(err)
	}
	token, err := m.StepUp(t.Context(), token, m.clock.Now(), "pwd")
	if err != nil {
		t.Fatal(err)
	}
	s = wantValid(t, m.Manager, token)
	if err := m.Fresh(s, time.Minute, "pwd"); err != nil {
		t.Fatal(err)
	}
	wantErr(t, "Fresh", m.Fresh(s, time.Minute, "otp"), session.ErrNotFresh)
	wantErr(t, "Fresh", m.Fresh(s, time.Hour, "hwk"), session.ErrNotFresh)
	if at, amr := s.Authentication(); !at.Equal(start) || fmt.Sprint(amr) != "[otp mfa pwd]" {
		t.Fatalf("Authentication = %v, %v", at, amr)
	}
}

// TestPayloadIsSealed: what lies in the store is not the payload, and does not
// open in another session.
func TestPayloadIsSealed(t *testing.T) {
	t.Parallel()
	m := newSetup(t, session.Config{Keys: [][]byte{newKey}})
	secret := []byte("access token and refresh token")
	token := m.login(t, session.Login{UserID: "u", Payload: secret})
	spy := &spyStore{Store: m.store}
	other, err := session.New(spy, session.Config{Keys: [][]byte{newKey}, Now: m.clock.Now})
	if err != nil {
		t.Fatal(err)
	}
	wantValid(t, other, token)
	if stored := spy.last.Payload; bytes.Contains(stored, secret[:8]) || len(stored) <= len(secret) {
		t.Fatalf("the stored payload is %q", stored)
	}
	spy.change = func(r *driver.Record) { r.ID = strings.Repeat("A", 26) }
	wantInvalid(t, other, token, session.ErrNone)
	spy.change = func(r *driver.Record) { r.UserID = "attacker" }
	wantInvalid(t, other, token, session.ErrNone)
}

// spyStore shows, and changes, what Load returns.
type spyStore struct {
	driver.Store
	last   driver.Record
	change func(*driver.Record)
}

func (s *spyStore) Load(ctx context.Context, k driver.Key, t driver.Touch) (driver.Record, error) {
	r, err := s.Store.Load(ctx, k, t)
	if s.change != nil {
		s.change(&r)
	}
	s.last = r
	return r, err
}

func TestKeyRotation(t *testing.T) {
	t.Parallel()
	m := newSetup(t, session.Config{Keys: [][]byte{oldKey}})
	token := m.login(t, session.Login{UserID: "u", Payload: []byte("p")})
	both := m.again(t, session.Config{Keys: [][]byte{newKey, oldKey}})
	alone := m.again(t, session.Config{Keys: [][]byte{newKey}})
	if s := wantValid(t, both, token); string(s.Payload) != "p" {
		t.Fatalf("Payload = %q", s.Payload)
	}
	wantInvalid(t, alone, token, session.ErrNone)  // not an error for as long as the cookie lives
	renewed, err := both.Renew(t.Context(), token) // seals anew
	if err != nil {
		t.Fatal(err)
	}
	if s := wantValid(t, alone, renewed); string(s.Payload) != "p" {
		t.Fatalf("Payload = %q", s.Payload)
	}
	wantInvalid(t, m.again(t, session.Config{}), renewed, session.ErrNone)
}
