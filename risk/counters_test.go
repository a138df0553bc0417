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
