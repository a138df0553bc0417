package session

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	mathrand "math/rand/v2"
	"time"

	"github.com/auth0kit/auth0kit/internal/retry"
	"github.com/auth0kit/auth0kit/session/driver"
)

// How long one process may renew a session's tokens before another may try, how
// much of that is for keeping the result, and how long others wait between looks.
const (
	tokenLease = 30 * time.Second
	tokenKeep  = 5 * time.Second
	tokenLook  = 25 * time.Millisecond
)

// Why the lease of a session's tokens was not given.
var (
	errFresh = errors.New("session: the tokens are fresh")
	errHeld  = errors.New("session: another request renews the tokens")
)

// UseTokens returns the tokens that session/login keeps beside the payload. When
// fresh says that they are not, renew makes new ones, under a lease of the session:
// of any number of parallel calls in any number of processes one calls renew, and
// the others wait for what it has kept. That is for a side effect which must not
// happen twice, such as the use of a refresh token.
//
// renew goes on when ctx ends and has 25 s; after 30 s without a result another
// call may begin. What it returns is kept, with an error too; nil leaves the tokens
// as they were. Errors are those of Update, and renew's own.
func (m *Manager) UseTokens(ctx context.Context, t Token, fresh func(tokens []byte) bool, renew func(ctx context.Context, tokens []byte) ([]byte, error)) ([]byte, error) {
	key, ok := t.key()
	if !ok {
		return nil, ErrNone
	}
	holder := rand.Text()
	for {
		tokens, rec, err := m.leaseTokens(ctx, key, holder, fresh)
		switch {
		case errors.Is(err, errFresh):
			return tokens, nil
		case err == nil:
			return m.renewTokens(ctx, rec, holder, tokens, renew)
		case !errors.Is(err, errHeld):
			return nil, err
		}
		if err := retry.Sleep(ctx, tokenLook+mathrand.N(tokenLook)); err != nil {
			return nil, fmt.Errorf("%w: another request renews the tokens: %w", ErrUnavailable, err)
		}
	}
}

func (m *Manager) leaseTokens(ctx context.Context, key driver.Key, holder string, fresh func([]byte) bool) (tokens []byte, rec driver.Record, err error) {
	rec, err = m.changeKey(ctx, key, 0, func(_ driver.Key, r *driver.Record) error {
		k, err := m.vault.open(r)
		if err != nil {
			return err
		}
		tokens = k.tokens
		switch now := m.now(); {
		case fresh(k.tokens):
			return errFresh
		case k.holder != "" && now.Before(k.until):
			return errHeld
		default:
			k.holder, k.until = holder, now.Add(tokenLease)
		}
		return m.vault.seal(r, k)
	})
	return tokens, rec, err
}

// renewTokens calls renew and keeps what it returns. Once a refresh token is used
// its successor must not be lost, so neither ends with the request.
func (m *Manager) renewTokens(ctx context.Context, rec driver.Record, holder string, old []byte, renew func(context.Context, []byte) ([]byte, error)) ([]byte, error) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), tokenLease)
	defer cancel()
	renewing, done := context.WithTimeout(ctx, tokenLease-tokenKeep)
	tokens, err := renew(renewing, bytes.Clone(old))
	done()
	kept := m.keepTokens(ctx, rec, holder, old, tokens)
	if err == nil && kept != nil {
		return nil, kept
	}
	return tokens, errors.Join(err, kept)
}

// keepTokens ends the lease and keeps the new tokens, unless others have come since.
// It follows the session when a parallel request has given it another token.
func (m *Manager) keepTokens(ctx context.Context, rec driver.Record, holder string, old, tokens []byte) error {
	for {
		_, err := m.changeKey(ctx, rec.Key, 0, func(_ driver.Key, r *driver.Record) error {
			k, err := m.vault.open(r)
			if err != nil {
				return err
			}
			if tokens != nil && bytes.Equal(k.tokens, old) {
				k.tokens = tokens
			}
			if k.holder == holder {
				k.holder = ""
			}
			return m.vault.seal(r, k)
		})
		switch {
		case errors.Is(err, ErrUnavailable):
			if retry.Sleep(ctx, tokenLook) != nil {
				return err
			}
		case errors.Is(err, ErrRevoked):
			if key, found := m.placeOf(ctx, rec); found && key != rec.Key {
				rec.Key = key
				continue
			}
			return err
		default:
			return err
		}
	}
}

// placeOf finds the key that a session has by now.
func (m *Manager) placeOf(ctx context.Context, rec driver.Record) (driver.Key, bool) {
	records, err := m.store.List(ctx, rec.UserID, m.now())
	if err != nil {
		return driver.Key{}, false
	}
	for i := range records {
		if records[i].ID == rec.ID {
			return records[i].Key, true
		}
	}
	return driver.Key{}, false
}
