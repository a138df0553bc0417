package session

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/auth0kit/auth0kit/session/driver"
)

// Revoker is how Auth0 is told. *management.Client is one. An error means that it
// is told again later, so both must take being repeated.
type Revoker interface {
	RevokeSession(ctx context.Context, sid string) error   // the session and its refresh tokens
	RevokeAccess(ctx context.Context, userID string) error // all of the user's sessions and refresh tokens
}

// toldAgain is how long a Revoke verb that is called again still tells of what an
// earlier call has ended, which may have failed to.
const toldAgain = 10 * time.Minute

// outboxDelay is how long a job waits, so that the local revocation is first.
const outboxDelay = 2 * time.Second

// revocation is one call of a Revoke verb.
type revocation struct {
	sel    driver.Selector
	reason string
	match  func(*Session) bool // the same selection, for what this process remembers
	tell   []driver.Job        // written before the store is asked to delete
	told   func(sid string) bool
	cut    []driver.Job          // told Config.Cutoff, beside what was ended
	uncut  func(sid string) bool // not told, although it was ended
}

// Revoke ends the session of a token: logout. A token that StepUp or Renew has
// replaced, however long ago, ends its session too. That there is none is no error.
//
// As of all Revoke verbs: when it returns nil, the session is dead, whatever
// requests were under way, Config.Cutoff knows, and Auth0 will be told if
// Config.Outbox is set. With audit.ErrNotRecorded it is dead too. With
// ErrUnavailable that is not known: call it again, in any process and within ten
// minutes. Config.Cutoff and Config.Outbox are then told of what has ended already too.
func (m *Manager) Revoke(ctx context.Context, t Token) error {
	key, ok := t.key()
	if !ok {
		return nil
	}
	r := revocation{sel: driver.Selector{Form: driver.SelectKey, Key: key}, reason: "logout"}
	if m.cfg.Outbox != nil {
		rec, err := m.load(ctx, key, true)
		if err == nil && rec.SID != "" {
			r.tell = []driver.Job{{SID: rec.SID}}
		}
	}
	m.stale.forgetKey(key)
	_, err := m.revoke(ctx, r)
	return err
}

// supersede ends the session of a token because its user signs in again, to a
// session with that sid. Auth0 is not told: both may belong to the same one there.
// A token that was replaced a moment ago belongs to a request that is late; an
// older one ends its session. It tells whether it has ended one.
func (m *Manager) supersede(ctx context.Context, t Token, sid string) (bool, error) {
	key, ok := t.key()
	if !ok {
		return false, nil
	}
	if err := m.cutBefore(ctx, key, sid); err != nil {
		return false, err
	}
	m.stale.forgetKey(key)
	r := revocation{
		sel: driver.Selector{Form: driver.SelectSuperseded, Key: key}, reason: "login", told: keepQuiet,
		uncut: func(other string) bool { return other == sid },
	}
	found, err := m.revoke(ctx, r)
	if !errors.Is(err, driver.ErrReplaced) {
		return len(found) > 0, err
	}
	if _, err = m.load(ctx, key, true); err == nil || errors.Is(err, ErrSuperseded) {
		return false, ErrSuperseded
	}
	r.sel.Form = driver.SelectKey
	found, err = m.revoke(ctx, r)
	ended, _ := split(found)
	return len(ended) > 0, err
}

// cutBefore tells Config.Cutoff of a session that a login is about to supersede. No
// Revoke verb finds it afterwards, so it must not end while that cannot be told.
func (m *Manager) cutBefore(ctx context.Context, key driver.Key, sid string) error {
	if m.cfg.Cutoff == nil {
		return nil
	}
	rec, err := m.load(ctx, key, true)
	if err != nil || rec.Key != key { // what ends it says why it does not
		return nil
	}
	r := revocation{uncut: func(other string) bool { return other == sid }}
	return m.cutOff(ctx, r, []driver.Ended{rec.Ended()})
}

// RevokeID ends one of a user's sessions by its public id. An id of another user
// is ErrNone.
func (m *Manager) RevokeID(ctx context.Context, userID, id string) error {
	if err := errors.Join(checkID("RevokeID", "user id", userID), checkID("RevokeID", "session id", id)); err != nil {
		return err
	}
	r := revocation{
		sel: driver.Selector{Form: driver.SelectOne, UserID: userID, ID: id}, reason: "by_id",
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
	if err := checkID("RevokeUser", "user id", userID); err != nil {
		return err
	}
	return m.revokeUser(ctx, userID, "user", true)
}

func (m *Manager) revokeUser(ctx context.Context, userID, reason string, tell bool) error {
	job := []driver.Job{{UserID: userID}}
	r := revocation{
		sel: driver.Selector{Form: driver.SelectUser, UserID: userID}, reason: reason, told: keepQuiet, cut: job, uncut: keepQuiet,
		match: func(s *Session) bool { return s.UserID == userID },
	}
	if tell {
		r.tell = job
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
	own := func(sid string) bool { return sid == rec.SID }
	r := revocation{
		sel: driver.Selector{Form: driver.SelectOthers, UserID: rec.UserID, ID: rec.ID, Key: rec.Key}, reason: "others", match: other,
		told: own, uncut: own,
	}
	r.tell, err = m.jobsOf(ctx, rec.UserID, func(s *Session) bool { return other(s) && s.SID != rec.SID })
	if err != nil {
		return err
	}
	_, err = m.revoke(ctx, r)
	return err
}

// RevokeSID ends the sessions that belong to one session at Auth0, and refuses
// logins with it that were under way: those whose AuthTime is earlier. A user who
// signs in again may get the same sid.
func (m *Manager) RevokeSID(ctx context.Context, sid string) error {
	if err := checkID("RevokeSID", "sid", sid); err != nil {
		return err
	}
	return m.revokeSID(ctx, sid, "sid", true)
}

func (m *Manager) revokeSID(ctx context.Context, sid, reason string, tell bool) error {
	job := []driver.Job{{SID: sid}}
	r := revocation{
		sel: driver.Selector{Form: driver.SelectSID, SID: sid}, reason: reason, told: keepQuiet, cut: job,
		match: func(s *Session) bool { return s.SID == sid },
	}
	if tell {
		r.tell = job
	}
	_, err := m.revoke(ctx, r)
	return err
}

// RevokeEveryone ends all sessions of all users, and refuses logins that were
// under way: for an incident. Neither Auth0 nor Config.Cutoff is told: sessions at
// Auth0 end in the tenant's settings, or one by one.
func (m *Manager) RevokeEveryone(ctx context.Context) error {
	r := revocation{
		sel: driver.Selector{Form: driver.SelectEveryone}, reason: "everyone", told: keepQuiet,
		match: func(*Session) bool { return true },
	}
	_, err := m.revoke(ctx, r)
	return err
}

func keepQuiet(string) bool { return true }

// untoldError is why Config.Cutoff or Config.Outbox does not know of what has ended.
type untoldError struct{ error }

func (e untoldError) Unwrap() error { return e.error }

// revoke writes down what Auth0 must be told, deletes, and records. Jobs are
// written first: a process that dies in between has told Auth0, which ends the
// rest by a logout token, instead of leaving the session there alive for good.
func (m *Manager) revoke(ctx context.Context, r revocation) ([]driver.Ended, error) {
	now := m.now()
	r.sel.Now, r.sel.MarkUntil = now, now.Add(m.cfg.Absolute)
	if r.match != nil {
		m.stale.forget(r.match)
	}
	if m.cfg.Cutoff != nil || m.cfg.Outbox != nil {
		r.sel.Since = now.Add(-toldAgain)
	}
	notTold := m.enqueue(ctx, r.tell)
	found, err := m.store.Delete(ctx, r.sel)
	if err != nil {
		return nil, errors.Join(known(err), notTold)
	}
	ended, before := split(found)
	before, err = m.over(ctx, before)
	told := slices.Concat(ended, before)
	notTold = errors.Join(notTold, err, m.cutOff(ctx, r, told))
	// Once more, for a Validate that was answered before the session was dead.
	m.stale.forget(func(s *Session) bool { return isEnded(ended, s.ID) || r.match != nil && r.match(s) })
	notTold = errors.Join(notTold, m.enqueue(ctx, r.rest(told)))
	if notTold != nil {
		notTold = untoldError{notTold}
	}
	var notRecorded error
	if r.sel.Form == driver.SelectEveryone {
		notRecorded = m.recordEnded(ctx, "revoke", r.reason, []driver.Ended{{}})
	} else {
		notRecorded = m.recordEnded(ctx, "revoke", r.reason, ended)
	}
	return found, errors.Join(notTold, notRecorded)
}

// split parts what a call has ended from what had ended before.
func split(found []driver.Ended) (ended, before []driver.Ended) {
	for _, e := range found {
		if e.Before {
			before = append(before, e)
		} else {
			ended = append(ended, e)
		}
	}
	return ended, before
}

// over leaves out what had ended before and has come back at Auth0: the user has
// signed in again since and got the same sid.
func (m *Manager) over(ctx context.Context, before []driver.Ended) ([]driver.Ended, error) {
	if len(before) == 0 {
		return nil, nil
	}
	live, err := m.store.List(ctx, before[0].UserID, m.now()) // all of one user
	if err != nil {
		return nil, known(err)
	}
	return slices.DeleteFunc(before, func(e driver.Ended) bool {
		return slices.ContainsFunc(live, func(r driver.Record) bool { return r.SID == e.SID })
	}), nil
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

// tellEvicted tells Auth0 and Config.Cutoff about sessions that a login has
// displaced, unless the new session belongs to the same one at Auth0.
func (m *Manager) tellEvicted(ctx context.Context, sid string, evicted []driver.Ended) error {
	same := func(s string) bool { return s == sid }
	r := revocation{told: same, uncut: same}
	return errors.Join(m.enqueue(ctx, r.rest(evicted)), m.cutOff(ctx, r, evicted))
}

// cutOff tells Config.Cutoff at once of what has ended.
func (m *Manager) cutOff(ctx context.Context, r revocation, ended []driver.Ended) error {
	if m.cfg.Cutoff == nil {
		return nil
	}
	r.tell, r.told = r.cut, r.uncut
	var errs []error
	for _, j := range append(r.cut, r.rest(ended)...) {
		var err error
		if j.SID != "" {
			err = m.cfg.Cutoff.RevokeSession(ctx, j.SID)
		} else {
			err = m.cfg.Cutoff.RevokeAccess(ctx, j.UserID)
		}
		if err != nil {
			errs = append(errs, fmt.Errorf("%w: Config.Cutoff: %w", ErrUnavailable, err))
		}
	}
	return errors.Join(errs...)
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
