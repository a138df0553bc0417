package redissession_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/auth0kit/auth0kit/session"
	"github.com/auth0kit/auth0kit/session/redissession"
)

// TestEviction: a Redis that evicts is an error that names its policy. Where it was
// allowed, of 1,000 sessions for each verb none lives after it was revoked, in any
// process and whatever was evicted.
func TestEviction(t *testing.T) {
	t.Parallel()
	for _, policy := range []string{"volatile-lru", "allkeys-lru"} {
		t.Run(policy, func(t *testing.T) {
			t.Parallel()
			s := startServer(t, "--save", "", "--maxmemory", "16mb", "--maxmemory-policy", policy)
			client, other := dial(t, s.addr()), dial(t, s.addr())

			strict := manager(t, open(t, client, redissession.Config{}), session.Config{})
			_, _, err := strict.Create(t.Context(), session.Login{UserID: "u"})
			require.ErrorIs(t, err, session.ErrUnavailable)
			require.ErrorContains(t, err, policy)

			cfg := redissession.Config{AllowEviction: true}
			a := manager(t, open(t, client, cfg), session.Config{})
			b := manager(t, open(t, other, cfg), session.Config{})
			tokens := logins(t, a, 3000)
			for round := range 14 { // other data fill the memory while the sessions are in use
				for i := range 200 {
					key := fmt.Sprintf("filler:%d:%d", round, i)
					set := client.B().Set().Key(key).Value(strings.Repeat("x", 8<<10)).ExSeconds(3600).Build()
					_ = client.Do(t.Context(), set).Error()
				}
				for i := round % 3; i < len(tokens); i += 3 {
					_, _ = a.Validate(t.Context(), tokens[i])
				}
			}
			before, listed := 0, 0
			for i, token := range tokens {
				if _, err := b.Validate(t.Context(), token); err == nil {
					before++
				}
				if list, err := b.List(t.Context(), fmt.Sprintf("auth0|%d", i)); err == nil && len(list) == 1 {
					listed++
				}
			}
			t.Logf("%s: %d of 3000 sessions live, %d are listed", policy, before, listed)
			fresh := manager(t, open(t, other, cfg), session.Config{})
			alive := func(tokens []session.Token) (n int) {
				for _, token := range tokens {
					for _, m := range []*session.Manager{a, b, fresh} {
						if _, err := m.Validate(t.Context(), token); err == nil {
							n++
						}
					}
				}
				return n
			}
			byUser, bySID, rest := tokens[:1000], tokens[1000:2000], tokens[2000:]
			for i := range 2000 {
				if i < 1000 {
					require.NoError(t, a.RevokeUser(t.Context(), fmt.Sprintf("auth0|%d", i)))
				} else {
					require.NoError(t, a.RevokeSID(t.Context(), fmt.Sprintf("s%d", i)))
				}
			}
			assert.Zero(t, alive(byUser), "after RevokeUser")
			assert.Zero(t, alive(bySID), "after RevokeSID")
			t.Logf("%s: %d of 3000 looks of three processes find one before RevokeEveryone", policy, alive(rest))
			require.NoError(t, a.RevokeEveryone(t.Context()))
			assert.Zero(t, alive(tokens), "after RevokeEveryone")
		})
	}
}

// TestOldSnapshotOvertaken: Redis comes back with older data, and a process that has
// seen nothing of the revocation revokes others until the count is as high again. The
// process that has seen it still knows.
func TestOldSnapshotOvertaken(t *testing.T) {
	t.Parallel()
	for _, others := range []int{0, 1, 2, 5} {
		s := startServer(t, "--save", "")
		ca, cb := dial(t, s.addr()), dial(t, s.addr())
		a := manager(t, open(t, ca, redissession.Config{}), session.Config{})
		b := manager(t, open(t, cb, redissession.Config{}), session.Config{})
		var tokens []session.Token
		for range 8 { // of one user, and so of one shard
			token, _, err := a.Create(t.Context(), session.Login{UserID: "u"})
			require.NoError(t, err)
			tokens = append(tokens, token)
		}
		_, err := b.Validate(t.Context(), tokens[0])
		require.NoError(t, err)
		s.save(ca)
		require.NoError(t, a.Revoke(t.Context(), tokens[0]))
		s.kill()
		s.start()
		eventually(t, func() error { _, err := b.Validate(t.Context(), tokens[7]); return err })
		for i := range others {
			eventually(t, func() error { return b.Revoke(t.Context(), tokens[1+i]) }) // each connection breaks once
		}
		eventually(t, func() error {
			_, err := a.Validate(t.Context(), tokens[0])
			if gone(err) {
				return nil
			}
			if err == nil {
				t.Fatalf("after %d revocations by another process the session is back", others)
			}
			return err
		})
		eventually(t, func() error {
			_, err := b.Validate(t.Context(), tokens[0])
			if errors.Is(err, session.ErrUnavailable) {
				return err
			}
			assert.True(t, gone(err), "a process that knows has told the others: %v", err)
			return nil
		})
	}
}

// TestPolicyIsNoticed: a Redis that is reached again, after an error, is asked again
// whether it evicts; what was fine before is not believed.
func TestPolicyIsNoticed(t *testing.T) {
	t.Parallel()
	for name, opener := range openers {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := startServer(t, "--save", "", "--appendonly", "yes", "--appendfsync", "always")
			m := manager(t, opener(t, s.addr(), redissession.Config{}), session.Config{})
			token, _, err := m.Create(t.Context(), session.Login{UserID: "u"})
			require.NoError(t, err)
			_, err = m.Validate(t.Context(), token)
			require.NoError(t, err)
			s.kill()
			_, err = m.Validate(t.Context(), token)
			require.ErrorIs(t, err, session.ErrUnavailable)
			s.args = append(s.args, "--maxmemory", "12mb", "--maxmemory-policy", "volatile-lru")
			s.start()
			eventually(t, func() error {
				_, err := m.Validate(t.Context(), token)
				require.Error(t, err, "sessions are served out of a Redis that evicts")
				if strings.Contains(err.Error(), "volatile-lru") {
					return nil
				}
				return err
			})
		})
	}
}
