package sessiontest

import (
	"context"
	"errors"
	"time"

	"github.com/auth0kit/auth0kit/session"
	"github.com/auth0kit/auth0kit/session/driver"
)

// model is one run of Model.
type model struct {
	t       TB
	pick    func(label string, n int) int
	ctx     context.Context
	clock   *Clock
	manager *session.Manager
	policy  driver.AtLimit

	sessions     []*modelSession // by creation
	tokens       []*modelToken
	revokedUsers map[string]time.Time
	revokedSIDs  map[string]time.Time
	revokedAll   time.Time
}

func (m *model) user() string { return "auth0|" + string(rune('a'+m.pick("user", modelUsers))) }

// of is the user's live sessions by creation.
func (m *model) of(user string) []*modelSession {
	var out []*modelSession
	for _, s := range m.sessions {
		if s.user == user && m.live(s) {
			out = append(out, s)
		}
	}
	return out
}

func (m *model) advance() {
	steps := []time.Duration{time.Second, 9 * time.Second, 61 * time.Second, 25 * time.Minute, time.Hour, 23 * time.Hour}
	m.clock.Advance(steps[m.pick("advance", len(steps))])
}

// remembered reports whether the store still has all marks on a login: it may
// forget one when all sessions that were there then have ended.
func (m *model) remembered(l session.Login) bool {
	for _, at := range []time.Time{m.revokedUsers[l.UserID], m.revokedSIDs[l.SID], m.revokedAll} {
		if !at.IsZero() && m.clock.Now().Sub(at) >= modelAbsolute {
			return false
		}
	}
	return true
}

// end ends the sessions that match, in the model.
func (m *model) end(match func(*modelSession) bool) {
	for _, s := range m.sessions {
		if match(s) {
			s.ended = true
		}
	}
}

func (m *model) done(what string, err error) {
	if err != nil {
		m.t.Fatalf("%s = %v", what, err)
	}
}

func (m *model) revoke() {
	if len(m.tokens) == 0 {
		return
	}
	k := m.tokens[m.pick("token", len(m.tokens))]
	m.done("Revoke", m.manager.Revoke(m.ctx, k.token))
	if m.live(k.session) { // who has a replaced token may still end the session
		k.session.ended = true
	}
}

func (m *model) revokeID() {
	if len(m.sessions) == 0 {
		return
	}
	s, user := m.sessions[m.pick("session", len(m.sessions))], m.user()
	err := m.manager.RevokeID(m.ctx, user, s.id)
	if s.user != user || !m.live(s) {
		if !errors.Is(err, driver.ErrNone) {
			m.t.Fatalf("RevokeID = %v, the model has no such session of %s", err, user)
		}
		return
	}
	m.done("RevokeID", err)
	s.ended = true
}

func (m *model) revokeUser() {
	user := m.user()
	m.done("RevokeUser", m.manager.RevokeUser(m.ctx, user))
	m.revokedUsers[user] = m.clock.Now()
	m.end(func(s *modelSession) bool { return s.user == user })
}

func (m *model) revokeOthers() {
	k, err := m.change("RevokeOthers", func(k *modelToken) error { return m.manager.RevokeOthers(m.ctx, k.token) })
	if k == nil {
		return
	}
	m.done("RevokeOthers", err)
	if now := m.clock.Now(); k.session.lastSeen.Before(now.Add(-time.Minute)) {
		k.session.lastSeen = now
	}
	m.end(func(s *modelSession) bool { return s.user == k.session.user && s != k.session })
}

func (m *model) revokeSID() {
	if m.pick("really", 3) > 0 {
		return // a revoked SID never comes back, so this must be rare
	}
	sid := "sid" + string(rune('0'+m.pick("sid", 4)))
	m.done("RevokeSID", m.manager.RevokeSID(m.ctx, sid))
	m.revokedSIDs[sid] = m.clock.Now()
	m.end(func(s *modelSession) bool { return s.sid == sid })
}

func (m *model) revokeEveryone() {
	m.done("RevokeEveryone", m.manager.RevokeEveryone(m.ctx))
	m.revokedAll = m.clock.Now()
	m.end(func(*modelSession) bool { return true })
}

func (m *model) compareLists() {
	for i := range modelUsers {
		user := "auth0|" + string(rune('a'+i))
		list, err := m.manager.List(m.ctx, user)
		m.done("List", err)
		want := m.of(user)
		if len(list) != len(want) {
			m.t.Fatalf("List(%s) has %d sessions, the model has %d", user, len(list), len(want))
		}
		for i, s := range list {
			if s.ID != want[i].id || s.Payload != nil || !s.LastSeen.Equal(want[i].lastSeen) {
				m.t.Fatalf("List(%s)[%d] = %+v, the model has %+v", user, i, s, want[i])
			}
		}
	}
}
