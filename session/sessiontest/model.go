package sessiontest

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/auth0kit/auth0kit/session"
	"github.com/auth0kit/auth0kit/session/driver"
)

// TB is the part of testing.TB that property testers have too.
type TB interface {
	Helper()
	Fatalf(format string, args ...any)
}

// Model runs random operations on a store through a Manager, and beside it on a
// model of maps and times, and compares every answer. pick chooses: it returns a
// number from 0 to n-1. With a property tester such as pgregory.net/rapid behind
// it, failures shrink:
//
//	rapid.Check(t, func(rt *rapid.T) {
//		pick := func(label string, n int) int { return rapid.IntRange(0, n-1).Draw(rt, label) }
//		sessiontest.Model(rt, pick, openStore(t), 40)
//	})
func Model(t TB, pick func(label string, n int) int, h Harness, steps int) {
	t.Helper()
	m := &model{
		t: t, pick: pick, ctx: context.Background(), clock: NewClock(start),
		revokedUsers: map[string]time.Time{}, revokedSIDs: map[string]time.Time{},
		policy: driver.AtLimit(pick("policy", 3)),
	}
	var err error
	m.manager, err = session.New(h.Store, session.Config{
		Idle: modelIdle, Absolute: modelAbsolute, MaxPerUser: modelMax, AtLimit: session.AtLimit(m.policy), Now: m.clock.Now,
		Keys: [][]byte{[]byte("0123456789abcdef0123456789abcdef")},
	})
	if err != nil {
		t.Fatalf("New: %v", err)
	}
	actions := []func(){
		m.create, m.create, m.validate, m.validate, m.validate, m.update, m.renew, m.stepUp, m.advance, m.advance,
		m.revoke, m.revokeID, m.revokeUser, m.revokeOthers, m.revokeSID, m.revokeEveryone,
	}
	for range steps {
		m.clock.Advance(time.Millisecond) // so that no two sessions are of one age
		actions[pick("action", len(actions))]()
		m.compareLists()
	}
	for i := range m.tokens {
		m.checkToken(i)
	}
}

const (
	modelMax      = 3
	modelUsers    = 2
	modelIdle     = time.Hour
	modelAbsolute = 24 * time.Hour
)

// modelSession is what the model knows of one session.
type modelSession struct {
	id, user, sid string
	created       time.Time
	lastSeen      time.Time
	expires       time.Time
	amr           []string
	payload       string
	ended         bool
}

// modelToken is one token that was handed out. Until its end it opens its
// session; a current one has no end.
type modelToken struct {
	token   session.Token
	session *modelSession
	current bool
	until   time.Time
}

func (m *model) live(s *modelSession) bool {
	now := m.clock.Now()
	return !s.ended && now.Before(s.lastSeen.Add(modelIdle)) && now.Before(s.expires)
}

func (m *model) opens(k *modelToken) bool {
	return (k.current || m.clock.Now().Before(k.until)) && m.live(k.session)
}

func (m *model) create() {
	user := m.user()
	l := session.Login{UserID: user, SID: fmt.Sprintf("sid%d", m.pick("sid", 4)), AMR: []string{"pwd"}}
	now := m.clock.Now()
	switch m.pick("old login", 4) {
	case 0: // when the user has authenticated is not known
		if !m.remembered(l) {
			l.AuthTime = now
		}
	case 1:
		l.AuthTime = now.Add(-time.Duration(m.pick("minutes ago", 90)) * time.Minute)
	default:
		l.AuthTime = now
	}
	if m.pick("session_expiry", 4) == 0 {
		l.NotAfter = now.Add(time.Duration(1+m.pick("minutes left", 90)) * time.Minute)
	}
	token, s, err := m.manager.Create(m.ctx, l)
	switch want := m.wantCreate(l); {
	case want != nil && !errors.Is(err, want):
		m.t.Fatalf("Create = %v, the model says %v", err, want)
	case want != nil:
		return
	case err != nil:
		m.t.Fatalf("Create = %v", err)
	}
	m.evict(user)
	ms := &modelSession{
		id: s.ID, user: user, sid: l.SID, created: now, lastSeen: now, expires: now.Add(modelAbsolute), amr: l.AMR,
	}
	if !l.NotAfter.IsZero() {
		ms.expires = l.NotAfter
	}
	m.sessions = append(m.sessions, ms)
	m.tokens = append(m.tokens, &modelToken{token: token, session: ms, current: true})
}

// wantCreate is why the model refuses a login.
func (m *model) wantCreate(l session.Login) error {
	at := l.AuthTime
	switch {
	case at.Before(m.revokedSIDs[l.SID]) || at.Before(m.revokedUsers[l.UserID]) || at.Before(m.revokedAll):
		return driver.ErrRevoked
	case m.policy == driver.Reject && len(m.of(l.UserID)) >= modelMax:
		return driver.ErrLimit
	}
	return nil
}

func (m *model) evict(user string) {
	others := m.of(user)
	if m.policy == driver.EvictIdle {
		slices.SortStableFunc(others, func(a, b *modelSession) int { return a.lastSeen.Compare(b.lastSeen) })
	}
	for len(others) >= modelMax {
		others[0].ended = true
		others = others[1:]
	}
}

func (m *model) validate() {
	if len(m.tokens) > 0 {
		m.checkToken(m.pick("token", len(m.tokens)))
	}
}

// checkToken validates one token and compares all that comes of it.
func (m *model) checkToken(i int) {
	k := m.tokens[i]
	opens := m.opens(k)
	s, err := m.manager.Validate(m.ctx, k.token)
	switch {
	case !opens && !dead(err):
		m.t.Fatalf("Validate(token %d) = %v, the model says it is dead", i, err)
	case !opens:
		return
	case err != nil:
		m.t.Fatalf("Validate(token %d) = %v, the model says it is live", i, err)
	}
	if now := m.clock.Now(); k.session.lastSeen.Before(now.Add(-time.Minute)) {
		k.session.lastSeen = now
	}
	_, amr := s.Authentication()
	if s.ID != k.session.id || s.UserID != k.session.user || s.SID != k.session.sid || string(s.Payload) != k.session.payload ||
		!slices.Equal(amr, k.session.amr) || !s.LastSeen.Equal(k.session.lastSeen) || !s.ExpiresAt.Equal(k.session.expires) {
		m.t.Fatalf("Validate(token %d) = %+v with %v, the model has %+v", i, s, amr, k.session)
	}
}

// change runs what changes the session of a random token, and returns the token
// if the model says that it opens one. Both must agree.
func (m *model) change(what string, f func(*modelToken) error) (*modelToken, error) {
	if len(m.tokens) == 0 {
		return nil, nil
	}
	k := m.tokens[m.pick("token", len(m.tokens))]
	opens := m.opens(k)
	err := f(k)
	if !opens {
		if !dead(err) {
			m.t.Fatalf("%s = %v, the model says the token is dead", what, err)
		}
		return nil, nil
	}
	return k, err
}

func (m *model) update() {
	k, err := m.change("Update", func(k *modelToken) error {
		return m.manager.Update(m.ctx, k.token, func(p []byte) ([]byte, error) { return append(slices.Clone(p), 'x'), nil })
	})
	if k == nil {
		return
	}
	if err != nil {
		m.t.Fatalf("Update = %v", err)
	}
	k.session.payload += "x"
	k.session.lastSeen = m.clock.Now()
}

func (m *model) renew() {
	var token session.Token
	k, err := m.change("Renew", func(k *modelToken) (err error) { token, err = m.manager.Renew(m.ctx, k.token); return err })
	switch {
	case k == nil:
		return
	case !k.current:
		if !errors.Is(err, session.ErrSuperseded) {
			m.t.Fatalf("Renew of a renewed token = %v", err)
		}
		return
	case err != nil:
		m.t.Fatalf("Renew = %v", err)
	}
	now := m.clock.Now()
	k.current, k.until, k.session.lastSeen = false, now.Add(10*time.Second), now
	m.tokens = append(m.tokens, &modelToken{token: token, session: k.session, current: true})
}

func (m *model) stepUp() {
	var token session.Token
	k, err := m.change("StepUp", func(k *modelToken) (err error) {
		token, err = m.manager.StepUp(m.ctx, k.token, m.clock.Now(), "otp")
		return err
	})
	switch {
	case k == nil:
		return
	case !k.current:
		if !errors.Is(err, session.ErrSuperseded) {
			m.t.Fatalf("StepUp with a renewed token = %v", err)
		}
		return
	case err != nil:
		m.t.Fatalf("StepUp = %v", err)
	}
	for _, other := range m.tokens {
		if other.session == k.session {
			other.current, other.until = false, time.Time{}
		}
	}
	k.session.lastSeen, k.session.amr = m.clock.Now(), []string{"pwd", "otp"}
	m.tokens = append(m.tokens, &modelToken{token: token, session: k.session, current: true})
}
