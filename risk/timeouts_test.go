package risk_test

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/auth0kit/auth0kit/anomaly"
	"github.com/auth0kit/auth0kit/audit"
	"github.com/auth0kit/auth0kit/risk"
)

// hangs never answers before its context ends.
type hangs struct{ anomaly.Store }

func (hangs) Load(ctx context.Context, _ anomaly.Key, dst []byte) ([]byte, uint64, error) {
	<-ctx.Done()
	return dst, 0, ctx.Err()
}

func (hangs) Add(ctx context.Context, _ []risk.Count) ([]risk.Tally, error) {
	<-ctx.Done()
	return nil, ctx.Err()
}

func (hangs) Record(ctx context.Context, _ audit.Event) error {
	<-ctx.Done()
	return ctx.Err()
}

// Stores that do not answer hold a login up for two seconds together, and a factor
// that does not for two more.
func TestTimeouts(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		d, err := anomaly.New(hangs{anomaly.NewMemory(0)}, keys, anomaly.Config{})
		require.NoError(t, err)
		e, err := risk.New(d, risk.Config{Counters: hangs{}, Keys: keys})
		require.NoError(t, err)
		at := time.Now()
		l := home(at)
		decision, err := e.Evaluate(t.Context(), l)
		require.NoError(t, err)
		assert.Equal(t, 2*time.Second, time.Since(at))
		assert.Equal(t, risk.MFARequired, decision.Action)
		assert.Len(t, decision.Missing, 5)

		e, err = risk.New(d, risk.Config{Recorder: hangs{}, OnMissing: risk.Allow})
		require.NoError(t, err)
		decision, err = e.Evaluate(t.Context(), l)
		require.NoError(t, err)
		at = time.Now()
		require.ErrorIs(t, e.Apply(t.Context(), decision), audit.ErrNotRecorded)
		require.ErrorIs(t, e.Unlock(t.Context(), "auth0|ada", "passport seen", time.Hour), audit.ErrNotRecorded)
		assert.Equal(t, 4*time.Second, time.Since(at))
	})
}
