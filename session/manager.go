package session

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/auth0kit/auth0kit/audit"
	"github.com/auth0kit/auth0kit/internal/seal"
	"github.com/auth0kit/auth0kit/session/driver"
)

// clockSkew is how far ahead of ours the clock of an issuer may be.
const clockSkew = time.Minute

// Manager is the one place where it is decided who has a session. It is safe
// for concurrent use.
type Manager struct {
	store   driver.Store
	cfg     *Config // A pointer, so that fmt does not print the keys.
	vault   vault
	stale   *staleReads
	unknown limiter
}

// New makes a Manager on a store. It does no I/O.
func New(store driver.Store, cfg Config) (*Manager, error) {
	if store == nil {
		return nil, errors.New("session: store is nil; NewMemory() is one")
	}
	cfg = cfg.withDefaults()
	if err := cfg.validate(); err != nil {
		return nil, err
	}
	m := &Manager{store: store, cfg: &cfg}
	if len(cfg.Keys) > 0 {
		ring, err := seal.New("auth0kit/session", cfg.Keys)
		if err != nil {
			return nil, fmt.Errorf("session: Config.Keys: %w", err)
		}
		m.vault.ring = ring
	}
	if cfg.AllowStaleReads > 0 {
		m.stale = newStaleReads()
	}
	return m, nil
}

// Policy returns what the Manager enforces.
func (m *Manager) Policy() Policy {
	c := m.cfg
	return Policy{
		Idle: c.Idle, Absolute: c.Absolute, TouchEvery: c.TouchEvery,
		MaxPerUser: c.MaxPerUser, AtLimit: c.AtLimit, AllowStaleReads: c.AllowStaleReads, Sealed: m.vault.ring != nil,
	}
}

func (m *Manager) now() time.Time { return milli(m.cfg.Now()) }

// Create starts a session for a user who has just signed in. The token is
// returned once and kept nowhere.
//
// It is refused with ErrLimit at the limit when the policy is Reject, with
// ErrExpired when l.NotAfter has passed, and with ErrRevoked when l.AuthTime is
// (or else l.IssuedAt) is unknown or
// before a RevokeUser, RevokeSID or RevokeEveryone that concerns it: send the
// user to Auth0 with prompt=login then. When the event cannot be recorded, the
// session is ended again and the error is audit.ErrNotRecorded; so it is with
// ErrUnavailable when Config.Cutoff or Config.Outbox cannot be told what has ended to
// make room.
func (m *Manager) Create(ctx context.Context, l Login) (Token, *Session, error) {
	token, rec, err := m.newRecord(l)
	if err != nil {
		return "", nil, err
	}
	limit := driver.Limit{Now: rec.CreatedAt, Bound: boundOf(l), Max: m.cfg.MaxPerUser, Policy: driver.AtLimit(m.cfg.AtLimit)}
	evicted, err := m.store.Create(ctx, rec, limit)
	if err != nil {
		err = known(err)
		return "", nil, errors.Join(err, m.record(ctx, "create", rec.Ended(), audit.Failure, reasonOf(err)))
	}
	m.stale.forget(func(s *Session) bool { return isEnded(evicted, s.ID) })
	err = m.recordCreate(ctx, rec.Ended(), evicted)
	if err == nil {
		err = m.tellEvicted(ctx, rec.SID, evicted)
	}
	if err != nil {
		_, undo := m.store.Delete(context.WithoutCancel(ctx), driver.Selector{Form: driver.SelectKey, Key: rec.Key, Now: rec.CreatedAt})
		return "", nil, errors.Join(err, undo)
	}
	return token, sessionOf(&rec, l.Payload), nil
}

func (m *Manager) recordCreate(ctx context.Context, e driver.Ended, evicted []driver.Ended) error {
	if err := m.recordEnded(ctx, "evict", "limit", evicted); err != nil {
		return err
	}
	return m.record(ctx, "create", e, audit.Success, "")
}

func (m *Manager) newRecord(l Login) (Token, driver.Record, error) {
	if err := l.validate(); err != nil {
		return "", driver.Record{}, err
	}
	now := m.now()
	expires := now.Add(m.cfg.Absolute)
	if !l.NotAfter.IsZero() && l.NotAfter.Before(expires) {
		expires = milli(l.NotAfter)
	}
	if !now.Before(expires) {
		return "", driver.Record{}, fmt.Errorf("%w: Login.NotAfter has passed", ErrExpired)
	}
	for _, at := range []time.Time{l.AuthTime, l.IssuedAt} {
		if milli(at).After(now.Add(clockSkew)) {
			return "", driver.Record{}, errors.New("session: Login.AuthTime or Login.IssuedAt is in the future; compare the clocks")
		}
	}
	at := earlier(milli(l.AuthTime), now)
	token, key := newToken(driver.KeyOf(l.UserID, l.SID))
	rec := driver.Record{
		Key: key, ID: rand.Text(), UserID: l.UserID, SID: l.SID, OrgID: l.OrgID, Version: 1,
		CreatedAt: now, RotatedAt: now, LastSeen: now, IdleAt: now.Add(m.cfg.Idle), ExpiresAt: expires,
		Methods: withMethods(nil, at, l.AMR...), Device: driver.Device(l.Device.clean()),
	}
	rand.Read(rec.CSRF[:])
	return token, rec, m.vault.seal(&rec, kept{payload: l.Payload, tokens: l.Tokens})
}

// boundOf returns when the user of a login has authenticated at the latest, zero
// when that is not known. Times of tokens are whole seconds, so such a one may be
// almost a second later: a login in the second of a revocation is not refused.
func boundOf(l Login) time.Time {
	at := l.AuthTime
	if at.IsZero() {
		at = l.IssuedAt
	}
	if !at.IsZero() && at.Nanosecond() == 0 {
		at = at.Add(time.Second - time.Millisecond)
	}
	return milli(at)
}

func earlier(a, b time.Time) time.Time {
	if a.Before(b) {
		return a
	}
	return b
}

// Validate returns the session of a token: the one call of every request. On
// Redis it is one round trip, and writes once in Config.TouchEvery.
//
// The error is ErrNone, ErrExpired or ErrRevoked when the client has no session,
// and ErrUnavailable when the store cannot tell, which is no either (but see
// Config.AllowStaleReads).
func (m *Manager) Validate(ctx context.Context, t Token) (*Session, error) {
	s, of, err := m.check(ctx, t, false)
	if err != nil {
		return nil, errors.Join(err, m.recordRefused(ctx, of, err))
	}
	return s, nil
}

// check is Validate without events: with an error it returns of which session the
// token was, where that is known. A fresh answer is not out of a store's cache.
func (m *Manager) check(ctx context.Context, t Token, fresh bool) (*Session, driver.Ended, error) {
	key, ok := t.key()
	if !ok {
		return nil, driver.Ended{}, ErrNone
	}
	before := m.stale.before()
	rec, err := m.load(ctx, key, fresh)
	if errors.Is(err, ErrUnavailable) {
		if s, ok := m.stale.get(ctx, key, m.now(), m.cfg.AllowStaleReads); ok {
			return s, driver.Ended{}, nil
		}
	}
	if err != nil {
		return nil, rec.Ended(), err
	}
	k, err := m.vault.open(&rec)
	if err != nil {
		return nil, rec.Ended(), err
	}
	s := sessionOf(&rec, k.payload)
	if rec.Cached {
		s.again = m.again(ctx, t)
	} else {
		m.stale.put(key, s, m.now(), before)
	}
	return s, driver.Ended{}, nil
}

// lookAgain bounds the second look at a session that came out of a cache.
const lookAgain = 2 * time.Second

// again is a second look at the session of a token, made when it is needed.
func (m *Manager) again(ctx context.Context, t Token) func() *Session {
	ctx = context.WithoutCancel(ctx)
	return sync.OnceValue(func() *Session {
		ctx, cancel := context.WithTimeout(ctx, lookAgain)
		defer cancel()
		s, of, err := m.check(ctx, t, true)
		if err != nil {
			_ = m.recordRefused(ctx, of, err) // the answer is no already
			return nil
		}
		return s
	})
}

func (m *Manager) load(ctx context.Context, k driver.Key, fresh bool) (driver.Record, error) {
	now := m.now()
	rec, err := m.store.Load(ctx, k, driver.Touch{
		Now: now, IfBefore: now.Add(-m.cfg.TouchEvery), IdleAt: now.Add(m.cfg.Idle), Fresh: fresh,
	})
	if errors.Is(err, driver.ErrReplaced) {
		if now.Before(rec.RotatedAt.Add(supersededFor)) {
			return rec, ErrSuperseded
		}
		return rec, ErrRevoked
	}
	return rec, known(err)
}

// Fresh is nil when the user of s has authenticated within maxAge, and with each
// of the named methods within maxAge; else ErrNotFresh. Ask it before sensitive
// operations (ASVS 5.0 7.5.1, 7.5.3), then send the user to authenticate and
// call StepUp.
func (m *Manager) Fresh(s *Session, maxAge time.Duration, amr ...string) error {
	since := m.now().Add(-maxAge)
	if at, _ := s.Authentication(); at.IsZero() || at.Before(since) {
		return ErrNotFresh
	}
	for _, name := range amr {
		if at := s.AuthenticatedBy(name); at.IsZero() || at.Before(since) {
			return ErrNotFresh
		}
	}
	return nil
}

// List returns the user's sessions, oldest first, without payloads: for a page
// on which users see where they are signed in, and end sessions with RevokeID.
func (m *Manager) List(ctx context.Context, userID string) ([]Session, error) {
	if err := checkID("List", "user id", userID); err != nil {
		return nil, err
	}
	records, err := m.store.List(ctx, userID, m.now())
	if err != nil {
		return nil, known(err)
	}
	out := make([]Session, len(records))
	for i := range records {
		out[i] = *sessionOf(&records[i], nil)
	}
	return out, nil
}

// known makes ErrUnavailable of every error that is not the store's answer.
func known(err error) error {
	if err == nil {
		return nil
	}
	for _, answer := range []error{ErrNone, ErrExpired, ErrRevoked, ErrLimit, ErrConflict, driver.ErrReplaced, driver.ErrSelector, driver.ErrReplayed} {
		if errors.Is(err, answer) {
			return err
		}
	}
	return fmt.Errorf("%w: %w", ErrUnavailable, err)
}
