package integration

import (
	"database/sql"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/auth0kit/auth0kit/anomaly"
	"github.com/auth0kit/auth0kit/anomaly/anomalytest"
	"github.com/auth0kit/auth0kit/anomaly/sqlanomaly"
)

func TestAnomalyStore(t *testing.T) {
	t.Parallel()
	onEach(t, func(t *testing.T, p product) {
		anomalytest.Run(t, func(t *testing.T) anomalytest.Harness {
			db := p.open(t)
			return anomalytest.Harness{
				Store: openSQLAnomaly(t, db, p.dialect, sqlanomaly.Config{}),
				Other: openSQLAnomaly(t, db, p.dialect, sqlanomaly.Config{Table: "other"}),
			}
		})
	})
}

func openSQLAnomaly(t *testing.T, db *sql.DB, d sqlanomaly.Dialect, cfg sqlanomaly.Config) *sqlanomaly.Store {
	t.Helper()
	s, err := sqlanomaly.New(db, d, cfg)
	require.NoError(t, err)
	for range 2 { // A second start is no problem.
		require.NoError(t, s.CreateSchema(t.Context()))
	}
	return s
}

func TestAnomalySweep(t *testing.T) {
	t.Parallel()
	onEach(t, func(t *testing.T, p product) {
		now := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
		s := openSQLAnomaly(t, p.open(t), p.dialect, sqlanomaly.Config{TTL: time.Hour, Now: func() time.Time { return now }})
		for _, key := range []anomaly.Key{"old", "", "young"} {
			if key == "young" {
				now = now.Add(time.Millisecond)
			}
			require.NoError(t, s.Save(t.Context(), key, []byte("blob"), 0))
		}
		n, err := s.Sweep(t.Context(), now.Add(time.Hour-time.Millisecond))
		require.NoError(t, err)
		assert.Equal(t, 1, n)
		for key, want := range map[anomaly.Key]bool{"old": false, "young": true, "": true} {
			_, version, err := s.Load(t.Context(), key, nil)
			require.NoError(t, err)
			assert.Equal(t, want, version != 0, key)
		}
	})
}
