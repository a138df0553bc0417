package session

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"time"

	"github.com/auth0kit/auth0kit/session/driver"
)

// Revoker is how Auth0 is told. *management.Client is one. An error means that it
// is told again later, so both must take being repeated.
type Revoker interface {
	RevokeSession(ctx context.Context, sid string) error   // the session and its refresh tokens
	RevokeAccess(ctx context.Context, userID string) error // all of the user's sessions and refresh tokens
}

// outboxDelay is how long a job waits, so that the local revocation is first.
const outboxDelay = 2 * time.Second

// revocation is one call of a Revoke verb.
type revocation struct {
	sel    driver.Selector
	reason string
	match  func(*Session) bool // the same selection, for what this process remembers
	tell   []driver.Job        // written before the store is asked to delete
	told   func(sid string) bool
}

// Revoke ends the session of a token: logout. That there is none is no error.
//
// As of all Revoke verbs: when it returns nil, the session is dead, whatever
// requests were under way, and Auth0 will be told if Config.Outbox is set. With
// audit.ErrNotRecorded it is dead too. With ErrUnavailable that is not known:
// call it again.
func (m *Manager) Revoke(ctx context.Context, t Token) error {
	return m.revokeToken(ctx, t, "logout", true)
}

// supersede ends the session of a token because its user signs in again. Auth0 is
// not told: the new session may belong to the same one there.
func (m *Manager) supersede(ctx context.Context, t Token, _ string) error {
	return m.revokeToken(ctx, t, "login", false)
}

func (m *Manager) revokeToken(ctx context.Context, t Token, reason string, tell bool) error {
	key, ok := t.key()
	if !ok {
		return nil
	}
	r := revocation{sel: driver.Selector{Key: &key}, reason: reason, told: keepQuiet}
	if m.cfg.Outbox != nil && tell {
		rec, err := m.load(ctx, key, true)
		r.told = nil
		if err == nil && rec.SID != "" {
			r.tell = []driver.Job{{SID: rec.SID}}
		}
	}
	m.stale.forgetKey(key)
	_, err := m.revoke(ctx, r)
	return err
}

// RevokeID ends one of a user's sessions by its public id. An id of another user
// is ErrNone.
func (m *Manager) RevokeID(ctx context.Context, userID, id string) error {
	r := revocation{
		sel: driver.Selector{UserID: userID, ID: id}, reason: "by_id",
		match: func(s *Session) bool { return s.UserID == userID && s.ID == id },
	}
	m.stale.forget(r.match) // also if the store cannot even be asked what to tell
	var err error
	if r.tell, err = m.jobsOf(ctx, userID, func(s *Session) bool { return s.ID == id }); err != nil {
		return err
	}
	ended, err := m.revoke(ctx, r)
	if err == nil && len(ended) == 0 {
		return ErrNone
	}
	return err
}

// RevokeUser ends all of a user's sessions, and refuses logins that were under
// way: call it when an account is blocked or deleted, or its password changed.
// Auth0 is told to revoke all access of the user.
func (m *Manager) RevokeUser(ctx context.Context, userID string) error {
	return m.revokeUser(ctx, userID, "user", true)
}

func (m *Manager) revokeUser(ctx context.Context, userID, reason string, tell bool) error {
	r := revocation{
		sel: driver.Selector{UserID: userID}, reason: reason, told: keepQuiet,
		match: func(s *Session) bool { return s.UserID == userID },
	}
	if tell {
		r.tell = []driver.Job{{UserID: userID}}
	}
	_, err := m.revoke(ctx, r)
	return err
}

// RevokeOthers ends all sessions of the token's user but this one: "sign out
// everywhere else", to be offered after every change of a factor (ASVS 5.0
// 7.4.3). At Auth0 their sessions end, if they are not this one's too.
func (m *Manager) RevokeOthers(ctx context.Context, t Token) error {
	key, ok := t.key()
	if !ok {
		return ErrNone
	}
	rec, err := m.load(ctx, key, true)
	if err != nil {
		return errors.Join(err, m.recordRefused(ctx, rec.Ended(), err))
	}
	other := func(s *Session) bool { return s.UserID == rec.UserID && s.ID != rec.ID }
	r := revocation{
		sel: driver.Selector{UserID: rec.UserID, Except: rec.ID}, reason: "others", match: other,
		told: func(sid string) bool { return sid == rec.SID },
	}
	r.tell, err = m.jobsOf(ctx, rec.UserID, func(s *Session) bool { return other(s) && s.SID != rec.SID })
	if err != nil {
		return err
	}
	_, err = m.revoke(ctx, r)
	return err
}

// RevokeSID ends the sessions that belong to one session at Auth0, and refuses
// logins with it that were under way.
func (m *Manager) RevokeSID(ctx context.Context, sid string) error {
	return m.revokeSID(ctx, sid, "sid", true)
}

func (m *Manager) revokeSID(ctx context.Context, sid, reason string, tell bool) error {
	r := revocation{
		sel: driver.Selector{SID: sid}, reason: reason, told: keepQuiet,
		match: func(s *Session) bool { return s.SID == sid },
	}
	if tell {
		r.tell = []driver.Job{{SID: sid}}
	}
	_, err := m.revoke(ctx, r)
	return err
}

// RevokeEveryone ends all sessions of all users, and refuses logins that were
// under way: for an incident. Auth0 is not told: sessions there end in the
// tenant's settings, or one by one.
func (m *Manager) RevokeEveryone(ctx context.Context) error {
	r := revocation{
		sel: driver.Selector{Everyone: true}, reason: "everyone", told: keepQuiet,
		match: func(*Session) bool { return true },
	}
	_, err := m.revoke(ctx, r)
	return err
}

func keepQuiet(string) bool { return true }

// revoke writes down what Auth0 must be told, deletes, and records. Jobs are
// written first: a process that dies in between has told Auth0, which ends the
// rest by a logout token, instead of leaving the session there alive for good.
func (m *Manager) revoke(ctx context.Context, r revocation) ([]driver.Ended, error) {
	now := m.now()
	r.sel.Now, r.sel.MarkUntil = now, now.Add(m.cfg.Absolute)
	if r.match != nil {
		m.stale.forget(r.match)
	}
	notTold := m.enqueue(ctx, r.tell)
	ended, err := m.store.Delete(ctx, r.sel)
	if err != nil {
		return nil, errors.Join(known(err), notTold)
	}
	// Once more, for a Validate that was answered before the session was dead.
	m.stale.forget(func(s *Session) bool { return isEnded(ended, s.ID) || r.match != nil && r.match(s) })
	notTold = errors.Join(notTold, m.enqueue(ctx, r.rest(ended)))
	var notRecorded error
	if r.sel.Everyone {
		notRecorded = m.recordEnded(ctx, "revoke", r.reason, []driver.Ended{{}})
	} else {
		notRecorded = m.recordEnded(ctx, "revoke", r.reason, ended)
	}
	return ended, errors.Join(notTold, notRecorded)
}

// rest is the jobs for what was ended and not foreseen.
func (r *revocation) rest(ended []driver.Ended) []driver.Job {
	var jobs []driver.Job
	for _, e := range ended {
		if e.SID == "" || r.told != nil && r.told(e.SID) || hasSID(r.tell, e.SID) || hasSID(jobs, e.SID) {
			continue
		}
		jobs = append(jobs, driver.Job{SID: e.SID})
	}
	return jobs
}

func hasSID(jobs []driver.Job, sid string) bool {
	for _, j := range jobs {
		if j.SID == sid {
			return true
		}
	}
	return false
}

// jobsOf is the jobs for those of a user's sessions that match.
func (m *Manager) jobsOf(ctx context.Context, userID string, match func(*Session) bool) ([]driver.Job, error) {
	if m.cfg.Outbox == nil {
		return nil, nil
	}
	sessions, err := m.List(ctx, userID)
	if err != nil {
		return nil, err
	}
	var jobs []driver.Job
	for i := range sessions {
		if s := &sessions[i]; match(s) && s.SID != "" && !hasSID(jobs, s.SID) {
			jobs = append(jobs, driver.Job{SID: s.SID})
		}
	}
	return jobs, nil
}

// tellEvicted tells Auth0 about sessions that a login has displaced, unless the
// new session belongs to the same one there.
func (m *Manager) tellEvicted(ctx context.Context, sid string, evicted []driver.Ended) error {
	r := revocation{told: func(s string) bool { return s == sid }}
	return m.enqueue(ctx, r.rest(evicted))
}

func (m *Manager) enqueue(ctx context.Context, jobs []driver.Job) error {
	if m.cfg.Outbox == nil {
		return nil
	}
	now := m.now()
	for _, j := range jobs {
		j.ID, j.CreatedAt, j.Due = rand.Text(), now, now.Add(outboxDelay)
		if err := m.cfg.Outbox.Enqueue(ctx, j); err != nil {
			return fmt.Errorf("session: Auth0 is not told: %w", known(err))
		}
	}
	return nil
}
