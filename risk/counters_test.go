package risk_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/auth0kit/auth0kit/risk"
	"github.com/auth0kit/auth0kit/risk/risktest"
)

func TestMemoryCounters(t *testing.T) {
	t.Parallel()
	risktest.Run(t, func(*testing.T) risktest.Harness {
		return risktest.Harness{Counters: risk.NewMemoryCounters(0), Other: risk.NewMemoryCounters(0)}
	})
}

func TestMemoryCountersAreBounded(t *testing.T) {
	t.Parallel()
	c := risk.NewMemoryCounters(1000)
	at := time.Now()
	count := func(key, member string) risk.Tally {
		got, err := c.Add(t.Context(), []risk.Count{{Key: key, Member: member, Window: time.Hour, At: at}})
		require.NoError(t, err)
		return got[0]
	}
	count("old", "m")
	for i := range 20_000 {
		count(fmt.Sprint("flood ", i), "m")
		count("kept", "m")
	}
	if got := count("kept", ""); got.Events != 20_000 {
		t.Errorf("a key in use has %+v", got)
	}
	if got := count("old", ""); got.Events != 0 {
		t.Errorf("a key from long ago has %+v", got)
	}
}

func TestMemoryDecisions(t *testing.T) {
	t.Parallel()
	risktest.RunDecisions(t, func(*testing.T) risktest.DecisionsHarness {
		return risktest.DecisionsHarness{Decisions: risk.NewMemoryDecisions(0)}
	})
	// A flood of users displaces old ones, never the newest.
	d := risk.NewMemoryDecisions(64)
	for i := range 10_000 {
		r := risk.Record{ID: "a", At: start, Until: start.Add(time.Hour), Sealed: []byte("x")}
		if err := d.Put(t.Context(), fmt.Sprint(i), r); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := d.Take(t.Context(), "9999", "a", "refused", start); err != nil {
		t.Error(err)
	}
	if _, err := d.Take(t.Context(), "0", "a", "refused", start); err == nil {
		t.Error("the first of 10,000 users is still there")
	}
}
