package integration

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/auth0kit/auth0kit/risk"
	"github.com/auth0kit/auth0kit/risk/risktest"
	"github.com/auth0kit/auth0kit/risk/sqlrisk"
)

func openSQLRisk(t *testing.T, p product, cfg ...sqlrisk.Config) []*sqlrisk.Store {
	t.Helper()
	db := p.open(t)
	var out []*sqlrisk.Store
	for _, c := range cfg {
		s, err := sqlrisk.New(db, p.dialect, c)
		require.NoError(t, err)
		for range 2 { // A second start is no problem.
			require.NoError(t, s.CreateSchema(t.Context()))
		}
		out = append(out, s)
	}
	return out
}

func TestRiskDecisions(t *testing.T) {
	t.Parallel()
	onEach(t, func(t *testing.T, p product) {
		risktest.RunDecisions(t, func(t *testing.T) risktest.DecisionsHarness {
			s := openSQLRisk(t, p, sqlrisk.Config{}, sqlrisk.Config{Table: "other"})
			return risktest.DecisionsHarness{Decisions: s[0], Other: s[1]}
		})
	})
}

func TestRiskSweep(t *testing.T) {
	t.Parallel()
	onEach(t, func(t *testing.T, p product) {
		s := openSQLRisk(t, p, sqlrisk.Config{})[0]
		now := time.Date(2026, 3, 2, 8, 0, 0, 0, time.UTC)
		for id, age := range map[string]time.Duration{"old": 30 * 24 * time.Hour, "young": time.Hour} {
			require.NoError(t, s.Put(t.Context(), "u", risk.Record{ID: id, At: now.Add(-age), Until: now, Sealed: []byte(id)}))
		}
		n, err := s.Sweep(t.Context(), now)
		require.NoError(t, err)
		assert.Equal(t, 1, n)
		left, err := s.List(t.Context(), "u")
		require.NoError(t, err)
		require.Len(t, left, 1)
		assert.Equal(t, "young", left[0].ID)
	})
}
