package integration

import (
	"database/sql"
	"testing"
	"time"

	"github.com/auth0kit/auth0kit/anomaly"
	"github.com/auth0kit/auth0kit/anomaly/anomalytest"
	"github.com/auth0kit/auth0kit/anomaly/sqlanomaly"
)

func TestAnomalyStoreSQLite(t *testing.T) {
	t.Parallel()
	anomalytest.Run(t, func(t *testing.T) anomalytest.Harness { return anomalyHarness(t, openSQLite(t)) })
}

func TestAnomalyStorePostgres(t *testing.T) {
	t.Parallel()
	anomalytest.Run(t, func(t *testing.T) anomalytest.Harness { return anomalyHarness(t, openPostgres(t)) })
}

func anomalyHarness(t *testing.T, db *sql.DB) anomalytest.Harness {
	t.Helper()
	return anomalytest.Harness{
		Store: openSQLAnomaly(t, db, sqlanomaly.Config{}), Other: openSQLAnomaly(t, db, sqlanomaly.Config{Table: "other"}),
	}
}

func openSQLAnomaly(t *testing.T, db *sql.DB, cfg sqlanomaly.Config) *sqlanomaly.Store {
	t.Helper()
	s, err := sqlanomaly.New(db, cfg)
	if err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if err := s.CreateSchema(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	return s
}

func TestAnomalySweep(t *testing.T) {
	t.Parallel()
	for name, db := range map[string]*sql.DB{"SQLite": openSQLite(t), "Postgres": openPostgres(t)} {
		t.Run(name, func(t *testing.T) {
			now := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
			s := openSQLAnomaly(t, db, sqlanomaly.Config{Now: func() time.Time { return now }})
			for _, key := range []string{"old", anomaly.PopulationKey, "young"} {
				if key == "young" {
					now = now.AddDate(0, 6, 0)
				}
				if err := s.Save(t.Context(), key, []byte("blob"), 0); err != nil {
					t.Fatal(err)
				}
			}
			if n, err := s.Sweep(t.Context(), now.AddDate(0, -3, 0)); n != 1 || err != nil {
				t.Errorf("swept %d, %v", n, err)
			}
			for key, want := range map[string]uint64{"old": 0, "young": 1, anomaly.PopulationKey: 1} {
				if _, version, err := s.Load(t.Context(), key, nil); version != want || err != nil {
					t.Errorf("%q: version %d, %v", key, version, err)
				}
			}
		})
	}
}

func TestAnomalyTableName(t *testing.T) {
	t.Parallel()
	for _, table := range []string{"a b", "Users", "x;drop table y", `"q"`, "1st"} {
		if _, err := sqlanomaly.New(new(sql.DB), sqlanomaly.Config{Table: table}); err == nil {
			t.Errorf("%q was accepted", table)
		}
	}
}
