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
		k, err := m.vault.open(r)
		if err != nil {
			return err
		}
		if k.payload, err = f(k.payload); err != nil {
			return err
		}
		return m.vault.seal(r, k)
	})
	return m.recordChange(ctx, "update", rec, err)
}

// Renew gives the session a new token. The old one works 10 s more, for requests
// that are under way, and then is dead. Deadlines stay as they are.
//
// When a parallel request was first, the error is ErrSuperseded: the client has the
// new token from there, so leave its cookie alone. With audit.ErrNotRecorded the
// returned token is valid all the same.
func (m *Manager) Renew(ctx context.Context, t Token) (Token, error) {
	var token Token
	rec, err := m.change(ctx, t, renewGrace, func(k driver.Key, r *driver.Record) error {
		if k != r.Key {
			return ErrSuperseded
		}
		token, r.Key = newToken(k)
		return m.vault.reseal(r)
	})
	if err != nil {
		token = ""
	}
	return token, m.recordChange(ctx, "renew", rec, err)
}

// StepUp notes that the user has authenticated again at that time, by the methods
// amr (RFC 8176: "otp", "mfa", …), and gives the session a new token. No older token
// works any more, so one that an attacker planted or stole before dies here (ASVS 5.0
// 7.2.4); a request that is under way with it gets ErrSuperseded. The idle time
// starts over; the absolute deadline stays. The time is that of the factor, such as
// guardian's Verification.At or the "auth_time" of an ID token; zero is an error, and
// so is one that is more than a minute ahead. When the event cannot be recorded, the
// session is ended and the error is audit.ErrNotRecorded.
func (m *Manager) StepUp(ctx context.Context, t Token, at time.Time, amr ...string) (Token, error) {
	token, _, err := m.stepUp(ctx, t, at, amr...)
	return token, err
}

func (m *Manager) stepUp(ctx context.Context, t Token, at time.Time, amr ...string) (Token, *Session, error) {
	if err := validateMethods("amr", amr); err != nil {
		return "", nil, err
	}
	if at.IsZero() || milli(at).After(m.now().Add(clockSkew)) {
		return "", nil, errors.New("session: StepUp needs the time at which the user has authenticated; it is zero or in the future")
	}
	var token Token
	var k kept
	rec, err := m.change(ctx, t, 0, func(key driver.Key, r *driver.Record) (err error) {
		if key != r.Key { // its answer could come after that of the request which has renewed the token
			return ErrSuperseded
		}
		if k, err = m.vault.open(r); err != nil {
			return err
		}
		token, r.Key = newToken(r.Key)
		r.Methods = withMethods(r.Methods, earlier(milli(at), r.LastSeen), amr...)
		rand.Read(r.CSRF[:])
		return m.vault.reseal(r)
	})
	if err != nil {
		return "", nil, m.recordChange(ctx, "step_up", rec, err)
	}
	if err := m.recordChange(ctx, "step_up", rec, nil); err != nil {
		one := driver.Selector{Form: driver.SelectOne, UserID: rec.UserID, ID: rec.ID, Now: rec.LastSeen}
		_, undo := m.store.Delete(context.WithoutCancel(ctx), one)
		return "", nil, errors.Join(err, undo)
	}
	return token, sessionOf(&rec, k.payload), nil
}

// change loads the record, lets f change it, and puts it back if nobody else did
// in between. f gets the key that the client presented.
func (m *Manager) change(ctx context.Context, t Token, grace time.Duration, f func(driver.Key, *driver.Record) error) (driver.Record, error) {
	key, ok := t.key()
	if !ok {
		return driver.Record{}, ErrNone
	}
	return m.changeKey(ctx, key, grace, f)
}

func (m *Manager) changeKey(ctx context.Context, key driver.Key, grace time.Duration, f func(driver.Key, *driver.Record) error) (driver.Record, error) {
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
		err = known(m.store.Replace(ctx, place, rec, g))
		if !errors.Is(err, ErrConflict) && !errors.Is(err, driver.ErrReplaced) { // the next load tells which of the two
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
