package session

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	mathrand "math/rand/v2"
	"time"

	"github.com/auth0kit/auth0kit/internal/retry"
	"github.com/auth0kit/auth0kit/session/driver"
)

// maxTries bounds how often a change starts over because others came first.
const maxTries = 200

// Update changes the payload: f gets what is there and returns what shall be
// there. Two updates never overwrite each other: the second one starts over with
// the result of the first, so f may be called more than once. It never revives a
// session: ErrNone, ErrExpired, ErrRevoked. An error of f ends it unchanged and
// is returned as it is.
func (m *Manager) Update(ctx context.Context, t Token, f func(payload []byte) ([]byte, error)) error {
	rec, err := m.change(ctx, t, 0, func(_ driver.Key, r *driver.Record) error {
		payload, err := m.open(r)
		if err != nil {
			return err
		}
		if payload, err = f(payload); err != nil {
			return err
		}
		if len(payload) > driver.MaxPayload {
			return fmt.Errorf("session: the payload has %d bytes; %d are allowed", len(payload), driver.MaxPayload)
		}
		r.Payload, err = m.seal(r, payload)
		return err
	})
	return m.recordChange(ctx, "update", rec, err)
}

// Renew gives the session a new token. The old one works 10 s more, for requests
// that are under way, and then is dead. Deadlines stay as they are.
//
// When a parallel request was first, the error is ErrRenewed: the client has the
// new token from there, so leave its cookie alone. With audit.ErrNotRecorded the
// returned token is valid all the same.
func (m *Manager) Renew(ctx context.Context, t Token) (Token, error) {
	var token Token
	rec, err := m.change(ctx, t, renewGrace, func(k driver.Key, r *driver.Record) error {
		if k != r.Key {
			return ErrRenewed
		}
		token, r.Key = newToken(k.Tag)
		return m.reseal(r)
	})
	if err != nil {
		token = ""
	}
	return token, m.recordChange(ctx, "renew", rec, err)
}

// StepUp notes that the user has authenticated again, by the methods amr (RFC
// 8176: "otp", "mfa", …), and gives the session a new token. No older token works
// any more, so one that an attacker planted or stole before dies here (ASVS 5.0
// 7.2.4). Its idle time starts anew; the absolute deadline stays. When the event
// cannot be recorded, the session is ended and the error is
// audit.ErrNotRecorded.
func (m *Manager) StepUp(ctx context.Context, t Token, amr ...string) (Token, error) {
	if err := validateMethods("amr", amr); err != nil {
		return "", err
	}
	var token Token
	rec, err := m.change(ctx, t, 0, func(_ driver.Key, r *driver.Record) error {
		token, r.Key = newToken(r.Key.Tag)
		r.Methods = withMethods(r.Methods, r.LastSeen, amr...)
		rand.Read(r.CSRF[:])
		return m.reseal(r)
	})
	if err != nil {
		return "", m.recordChange(ctx, "step_up", rec, err)
	}
	if err := m.recordChange(ctx, "step_up", rec, nil); err != nil {
		one := driver.Selector{UserID: rec.UserID, ID: rec.ID, Now: rec.LastSeen}
		_, undo := m.store.Delete(context.WithoutCancel(ctx), one)
		return "", errors.Join(err, undo)
	}
	return token, nil
}

// change loads the record, lets f change it, and puts it back if nobody else did
// in between. f gets the key that the client presented.
func (m *Manager) change(ctx context.Context, t Token, grace time.Duration, f func(driver.Key, *driver.Record) error) (driver.Record, error) {
	key, ok := t.key()
	if !ok {
		return driver.Record{}, ErrNone
	}
	for try := range maxTries {
		rec, err := m.load(ctx, key, true)
		if err != nil {
			return driver.Record{ID: rec.ID, UserID: rec.UserID}, err
		}
		g := driver.Grace{Now: m.now()}
		place := rec.Key
		rec.Version++
		rec.LastSeen, rec.IdleAt = g.Now, g.Now.Add(m.cfg.Idle)
		if err := f(key, &rec); err != nil {
			return rec, err
		}
		if rec.Key != place {
			rec.RotatedAt = g.Now
		}
		if grace > 0 {
			g.Until = g.Now.Add(grace)
		}
		if err = known(m.store.Replace(ctx, place, rec, g)); !errors.Is(err, ErrConflict) {
			m.stale.forget(func(s *Session) bool { return s.ID == rec.ID })
			return rec, err
		}
		if err := pause(ctx, try); err != nil {
			return rec, err
		}
	}
	return driver.Record{}, ErrConflict
}

// pause waits a short random time, longer with every try.
func pause(ctx context.Context, try int) error {
	if err := retry.Sleep(ctx, mathrand.N(time.Duration(min(try, 20)+1)*time.Millisecond)); err != nil {
		return fmt.Errorf("%w: %w", ErrUnavailable, err)
	}
	return nil
}

// reseal seals the payload with the first key when another one did.
func (m *Manager) reseal(r *driver.Record) error {
	if m.ring == nil || len(r.Payload) == 0 || !m.ring.Stale(r.Payload) {
		return nil
	}
	payload, err := m.open(r)
	if err == nil {
		r.Payload, err = m.seal(r, payload)
	}
	return err
}
