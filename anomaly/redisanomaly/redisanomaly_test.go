package redisanomaly_test

import (
	"context"
	"crypto/rand"
	"crypto/tls"
	"net"
	"sync/atomic"
	"testing"
	"time"

	"github.com/redis/rueidis"

	"github.com/auth0kit/auth0kit/anomaly"
	"github.com/auth0kit/auth0kit/anomaly/anomalytest"
	"github.com/auth0kit/auth0kit/anomaly/redisanomaly"
	"github.com/auth0kit/auth0kit/internal/testing/backends"
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

func open(t testing.TB, client rueidis.Client, prefix string) *redisanomaly.Store {
	t.Helper()
	s, err := redisanomaly.New(client, redisanomaly.Config{Prefix: prefix, TTL: time.Hour})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestStore(t *testing.T) {
	t.Parallel()
	client, _ := dial(t)
	anomalytest.Run(t, func(t *testing.T) anomalytest.Harness {
		prefix := "test:" + rand.Text()
		return anomalytest.Harness{Store: open(t, client, prefix), Other: open(t, client, prefix+":2")}
	})
}

func TestProfilesExpireAndTheSketchDoesNot(t *testing.T) {
	t.Parallel()
	client, _ := dial(t)
	prefix := "test:" + rand.Text()
	s := open(t, client, prefix)
	for key, limited := range map[anomaly.Key]bool{"auth0|ada": true, "": false} {
		if err := s.Save(t.Context(), key, []byte("blob"), 0); err != nil {
			t.Fatal(err)
		}
		ttl, err := client.Do(t.Context(), client.B().Ttl().Key(prefix+":"+key.String()).Build()).AsInt64()
		if err != nil || (ttl > 3500 && ttl <= 3600) != limited || (ttl == -1) == limited {
			t.Errorf("%q lives for %d s, %v", key, ttl, err)
		}
		if err := s.Forget(t.Context(), string(key)); err != nil {
			t.Fatal(err)
		}
	}
}

func TestDamagedValue(t *testing.T) {
	t.Parallel()
	client, _ := dial(t)
	prefix := "test:" + rand.Text()
	if err := client.Do(t.Context(), client.B().Set().Key(prefix+":u").Value("short").ExSeconds(60).Build()).Error(); err != nil {
		t.Fatal(err)
	}
	if _, _, err := open(t, client, prefix).Load(t.Context(), "u", nil); err != anomaly.ErrDamaged {
		t.Errorf("Load: %v", err)
	}
}

func TestNewRefuses(t *testing.T) {
	t.Parallel()
	client, _ := dial(t)
	if _, err := redisanomaly.New(nil, redisanomaly.Config{}); err == nil {
		t.Error("no client was accepted")
	}
	if _, err := redisanomaly.New(client, redisanomaly.Config{TTL: time.Second}); err == nil {
		t.Error("a second was accepted")
	}
}

func detector(t testing.TB) (*anomaly.Detector, *atomic.Int64, anomaly.Attempt) {
	t.Helper()
	client, writes := dial(t)
	d, err := anomaly.New(open(t, client, "test:"+rand.Text()), keys, anomaly.Config{})
	if err != nil {
		t.Fatal(err)
	}
	a := anomaly.Attempt{UserID: "auth0|ada", Time: time.Now(), DeviceID: "cookie", UserAgent: "Mozilla/5.0"}
	for range 2 { // The second Save finds the script loaded.
		if err := d.Learn(t.Context(), a, anomaly.Proved); err != nil {
			t.Fatal(err)
		}
	}
	return d, writes, a
}

// TestRoundTrips: an assessment is one, learning is two.
func TestRoundTrips(t *testing.T) {
	t.Parallel()
	d, writes, a := detector(t)
	least := func(do func() error) int64 {
		t.Helper()
		n := int64(100)
		for range 5 { // The client's own pings may fall into one of them.
			before := writes.Load()
			if err := do(); err != nil {
				t.Fatal(err)
			}
			n = min(n, writes.Load()-before)
		}
		return n
	}
	if n := least(func() error { _, err := d.Assess(t.Context(), a); return err }); n != 1 {
		t.Errorf("Assess takes %d round trips", n)
	}
	if n := least(func() error { return d.Learn(t.Context(), a, anomaly.Proved) }); n != 2 {
		t.Errorf("Learn takes %d round trips", n)
	}
}

func BenchmarkAssess(b *testing.B) {
	d, writes, a := detector(b)
	before, n := writes.Load(), 0
	for b.Loop() {
		if _, err := d.Assess(b.Context(), a); err != nil {
			b.Fatal(err)
		}
		n++
	}
	b.ReportMetric(float64(writes.Load()-before)/float64(n), "round-trips/op")
}
