package guardian_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/auth0kit/auth0kit/audit"
	"github.com/auth0kit/auth0kit/guardian"
)

// told keeps what a user is told.
type told struct {
	changes []guardian.Change
	err     error
}

func (n *told) Notify(_ context.Context, userID string, c guardian.Change) error {
	n.changes = append(n.changes, c)
	return n.err
}

// Users hear of every change of their factors, and a message that cannot be sent
// changes nothing else.
func TestNotifier(t *testing.T) {
	user := &told{}
	onStage(t, guardian.Config{Notifier: user, MaxFailures: 10}, func(s *stage) {
		secret, codes := s.enroll(nil)
		proof, err := s.verify(guardian.LocalRecovery, codes[0])
		require.NoError(s, err)
		_, err = s.service.RenewRecoveryCodes(s.Context(), s.user, proof)
		require.NoError(s, err)
		require.NoError(s, s.service.Rename(s.Context(), s.user, s.apps()[0].ID, "  My \n phone "))
		for range 10 {
			time.Sleep(4 * time.Hour)
			_, err := s.verify(guardian.LocalTOTP, s.badOTP(secret))
			require.ErrorIs(s, err, guardian.ErrWrongCode)
		}
		user.err = errors.New("the queue of ada@example.com is full")
		require.NoError(s, s.service.Remove(s.Context(), s.user, s.apps()[0].ID))
		events := s.log.Events()
		require.Contains(s, s.log.Actions(), "guardian.notify")
		for _, e := range events {
			assert.NotContains(s, e.Reason, "ada")
		}
		s.wantEvent("guardian.remove", audit.Success, "")
		require.NoError(s, s.service.Reset(s.Context(), s.user))
		var got []string
		for _, c := range user.changes {
			got = append(got, c.Action+" "+string(c.Factor)+" "+c.Name)
			assert.False(s, c.At.IsZero())
		}
		assert.Equal(s, []string{
			"added local-totp ", "recovered local-recovery ", "recovery_codes local-recovery ", "locked local-totp ", "removed local-totp My phone", "reset  ",
		}, got)
	})
}
