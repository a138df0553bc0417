package guardian_test

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/auth0kit/auth0kit/guardian"
	"github.com/auth0kit/auth0kit/guardian/driver"
)

// meanwhile is a store in which something happens before the first record of a kind
// is saved.
type meanwhile struct {
	driver.Store
	kind driver.Kind
	do   func()
}

func (m *meanwhile) Save(ctx context.Context, r driver.Record, old int64) error {
	if do := m.do; do != nil && r.Key.Kind == m.kind {
		m.do = nil
		do()
	}
	return m.Store.Save(ctx, r, old)
}

// A user who is forgotten while they enroll a factor is forgotten.
func TestForgetDuringAnEnrollment(t *testing.T) {
	for _, kind := range []driver.Kind{driver.KindTOTP, driver.KindRecovery} {
		t.Run(string(kind), func(t *testing.T) {
			store := &meanwhile{Store: guardian.NewMemory(), kind: kind}
			onStage(t, guardian.Config{Store: store}, func(s *stage) {
				key, err := s.service.EnrollTOTP(s.Context(), s.user, "ada@example.com", nil)
				require.NoError(s, err)
				store.do = func() { assert.NoError(s, s.service.Forget(s.Context(), s.user)) }
				codes, err := s.service.ConfirmTOTP(s.Context(), s.user, s.otp(key.Secret()))
				s.wantNo(err, guardian.ErrNotEnrolled)
				assert.Empty(s, codes)
				_, err = store.Sweep(s.Context(), time.Now())
				require.NoError(s, err)
				for _, kind := range []driver.Kind{driver.KindTOTP, driver.KindRecovery, driver.KindPasskey, driver.KindShown, driver.KindAttempts} {
					_, err := store.Load(s.Context(), driver.Key{Subject: s.user, Kind: kind})
					assert.ErrorIs(s, err, driver.ErrNoRecord, kind)
				}
			})
		})
	}
}
