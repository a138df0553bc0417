package redisrisk_test

import (
	"context"
	"crypto/rand"
	"crypto/tls"
	"net"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/redis/rueidis"

	"github.com/auth0kit/auth0kit/internal/testing/backends"
	"github.com/auth0kit/auth0kit/risk"
	"github.com/auth0kit/auth0kit/risk/redisrisk"
	"github.com/auth0kit/auth0kit/risk/risktest"
)

// dial counts what is written in one go: a round trip each, while commands come
// one after the other.
func dial(t testing.TB) (rueidis.Client, *atomic.Int64) {
	t.Helper()
	writes := new(atomic.Int64)
	client, err := rueidis.NewClient(rueidis.ClientOption{
		InitAddress: []string{backends.Redis(t)},
		DialCtxFn: func(ctx context.Context, addr string, d *net.Dialer, _ *tls.Config) (net.Conn, error) {
			conn, err := d.DialContext(ctx, "tcp", addr)
			return counting{conn, writes}, err
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(client.Close)
	return client, writes
}

type counting struct {
	net.Conn
	writes *atomic.Int64
}

func (c counting) Write(b []byte) (int, error) {
	c.writes.Add(1)
	return c.Conn.Write(b)
}

func open(t testing.TB, client rueidis.Client, prefix string) *redisrisk.Counters {
	t.Helper()
	c, err := redisrisk.New(client, redisrisk.Config{Prefix: prefix})
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func TestCounters(t *testing.T) {
	t.Parallel()
	client, _ := dial(t)
	risktest.Run(t, func(t *testing.T) risktest.Harness {
		prefix := "test:" + rand.Text()
		return risktest.Harness{Counters: open(t, client, prefix), Other: open(t, client, prefix+":2")}
	})
}

func login(n int) []risk.Count {
	var items []risk.Count
	for _, key := range []string{"user", "address", "network", "speed"} {
		items = append(items, risk.Count{Key: key, Member: string(rune('a' + n%26)), Window: time.Hour, At: time.Now()})
	}
	return items
}

// TestOneRoundTrip: all four counts of a login go together.
func TestOneRoundTrip(t *testing.T) {
	t.Parallel()
	client, writes := dial(t)
	c := open(t, client, "test:"+rand.Text())
	least := int64(100)
	for i := range 5 { // The first loads the script; the client's own pings may fall into another.
		before := writes.Load()
		if _, err := c.Add(t.Context(), login(i)); err != nil {
			t.Fatal(err)
		}
		least = min(least, writes.Load()-before)
	}
	if least != 1 {
		t.Errorf("Add takes %d round trips", least)
	}
}

func TestKeysExpire(t *testing.T) {
	t.Parallel()
	client, _ := dial(t)
	prefix := "test:" + rand.Text()
	item := risk.Count{Key: "k{}%", Member: "m", Window: time.Hour, At: time.Now()}
	if _, err := open(t, client, prefix).Add(t.Context(), []risk.Count{item}); err != nil {
		t.Fatal(err)
	}
	keys, err := client.Do(t.Context(), client.B().Keys().Pattern(prefix+":*").Build()).AsStrSlice()
	if err != nil || len(keys) != 2 {
		t.Fatalf("keys %v, %v", keys, err)
	}
	for _, key := range keys {
		ttl, err := client.Do(t.Context(), client.B().Ttl().Key(key).Build()).AsInt64()
		if err != nil || ttl < 7200 || ttl > 7260 || !strings.Contains(key, "{k%7B%7D%25}") {
			t.Errorf("%s lives for %d s, %v", key, ttl, err)
		}
	}
}

func TestNewRefuses(t *testing.T) {
	t.Parallel()
	client, _ := dial(t)
	if _, err := redisrisk.New(nil, redisrisk.Config{}); err == nil {
		t.Error("no client was accepted")
	}
	if _, err := redisrisk.New(client, redisrisk.Config{Prefix: "{a}"}); err == nil {
		t.Error("braces were accepted")
	}
}

func BenchmarkAdd(b *testing.B) {
	client, writes := dial(b)
	c := open(b, client, "test:"+rand.Text())
	if _, err := c.Add(b.Context(), login(0)); err != nil {
		b.Fatal(err)
	}
	before, n := writes.Load(), 0
	for b.Loop() {
		if _, err := c.Add(b.Context(), login(n)); err != nil {
			b.Fatal(err)
		}
		n++
	}
	b.ReportMetric(float64(writes.Load()-before)/float64(n), "round-trips/op")
}

func TestDecisions(t *testing.T) {
	t.Parallel()
	client, _ := dial(t)
	risktest.RunDecisions(t, func(t *testing.T) risktest.DecisionsHarness {
		prefix := "test:" + rand.Text()
		one, err := redisrisk.NewDecisions(client, redisrisk.Config{Prefix: prefix})
		if err != nil {
			t.Fatal(err)
		}
		other, err := redisrisk.NewDecisions(client, redisrisk.Config{Prefix: prefix + ":2"})
		if err != nil {
			t.Fatal(err)
		}
		return risktest.DecisionsHarness{Decisions: one, Other: other}
	})
}
