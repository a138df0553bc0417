package session_test

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/auth0kit/auth0kit/session"
)

// leased is a session whose tokens are due, in a bubble.
func leased(t *testing.T) (m, other *session.Manager, token session.Token) {
	t.Helper()
	store := session.NewMemory()
	open := func() *session.Manager {
		m, err := session.New(store, session.Config{Keys: [][]byte{newKey}})
		require.NoError(t, err)
		return m
	}
	m, other = open(), open()
	token, _, err := m.Create(t.Context(), session.Login{UserID: "ada", AuthTime: time.Now(), Tokens: []byte("old")})
	require.NoError(t, err)
	return m, other, token
}

func renewed(tokens []byte) bool { return string(tokens) != "old" }

func never(t *testing.T) func(context.Context, []byte) ([]byte, error) {
	return func(context.Context, []byte) ([]byte, error) {
		t.Error("it is renewed twice")
		return nil, nil
	}
}

// TestLeaseOfTheDead: a process that has the lease and is not heard of again holds the
// others up for 30 s, and what it brings later takes nothing away.
func TestLeaseOfTheDead(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		m, other, token := leased(t)
		wakes, done := make(chan struct{}), make(chan error)
		go func() {
			_, err := m.UseTokens(t.Context(), token, renewed, func(context.Context, []byte) ([]byte, error) {
				<-wakes
				return []byte("late"), nil
			})
			done <- err
		}()
		synctest.Wait()
		began := time.Now()
		tokens, err := other.UseTokens(t.Context(), token, renewed, func(_ context.Context, tokens []byte) ([]byte, error) {
			assert.Equal(t, "old", string(tokens))
			assert.InDelta(t, 30, time.Since(began).Seconds(), 1)
			return []byte("new"), nil
		})
		require.NoError(t, err)
		assert.Equal(t, "new", string(tokens))
		close(wakes)
		<-done
		tokens, err = other.UseTokens(t.Context(), token, renewed, never(t))
		require.NoError(t, err)
		assert.Equal(t, "new", string(tokens))

		ctx, cancel := context.WithTimeout(t.Context(), time.Second) // who waits gives up with the request
		defer cancel()
		go func() {
			_, _ = m.UseTokens(t.Context(), token, func([]byte) bool { return false }, func(context.Context, []byte) ([]byte, error) {
				time.Sleep(10 * time.Second)
				return nil, nil
			})
		}()
		synctest.Wait()
		_, err = other.UseTokens(ctx, token, func([]byte) bool { return false }, never(t))
		assert.ErrorIs(t, err, session.ErrUnavailable)
		assert.NotErrorIs(t, err, session.ErrNone)
		time.Sleep(10 * time.Second)
	})
}

// TestTokensFollowTheSession: what was renewed is kept although the session got another
// token meanwhile or the request has gone, and dies with the session.
func TestTokensFollowTheSession(t *testing.T) {
	t.Parallel()
	for name, meanwhile := range map[string]func(m *session.Manager, token session.Token) (session.Token, error){
		"nothing": func(_ *session.Manager, token session.Token) (session.Token, error) { return token, nil },
		"StepUp": func(m *session.Manager, token session.Token) (session.Token, error) {
			return m.StepUp(context.Background(), token, time.Now(), "otp")
		},
		"Renew": func(m *session.Manager, token session.Token) (session.Token, error) {
			return m.Renew(context.Background(), token)
		},
		"Update": func(m *session.Manager, token session.Token) (session.Token, error) {
			return token, m.Update(context.Background(), token, func([]byte) ([]byte, error) { return []byte("p"), nil })
		},
	} {
		m, other, token := leased(t)
		ctx, cancel := context.WithCancel(t.Context())
		tokens, err := m.UseTokens(ctx, token, renewed, func(ctx context.Context, _ []byte) (_ []byte, err error) {
			cancel()
			assert.NoError(t, ctx.Err(), "%s: the renewal outlives the request", name)
			token, err = meanwhile(other, token)
			return []byte("new"), err
		})
		require.NoError(t, err, name)
		assert.Equal(t, "new", string(tokens), name)
		tokens, err = other.UseTokens(t.Context(), token, renewed, never(t))
		require.NoError(t, err, name)
		assert.Equal(t, "new", string(tokens), name)
	}
	m, other, token := leased(t)
	_, err := m.UseTokens(t.Context(), token, renewed, func(ctx context.Context, _ []byte) ([]byte, error) {
		return []byte("new"), other.Revoke(ctx, token)
	})
	assert.ErrorIs(t, err, session.ErrRevoked)
}
