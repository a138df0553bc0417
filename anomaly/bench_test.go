package anomaly_test

import (
	"context"
	"fmt"
	"net/netip"
	"runtime"
	"testing"
	"time"

	"github.com/auth0kit/auth0kit/anomaly"
)

// learnFull gives every list of a profile more values than it holds.
func learnFull(tb testing.TB, d *anomaly.Detector, user string, start time.Time) anomaly.Attempt {
	tb.Helper()
	countries := []string{"NO", "SE", "DK", "FI", "DE", "NL", "GB", "FR"}
	var last anomaly.Attempt
	for i := range 60 {
		last = anomaly.Attempt{
			UserID: user, Time: start.Add(time.Duration(i) * 26 * time.Hour),
			IP:        netip.AddrFrom4([4]byte{81, byte(i), byte(i % 30), 9}),
			Place:     &anomaly.Place{Country: countries[i%8], Lat: 40 + float64(i%8)*3, Lon: float64(i%8) * 4, ASN: uint32(2000 + i%20)},
			DeviceID:  fmt.Sprint("device", i%12),
			UserAgent: chrome(i%5, 100+i%20),
		}
		if err := d.Learn(tb.Context(), last, anomaly.Proved); err != nil {
			tb.Fatal(err)
		}
	}
	for i := range 6 {
		a := last
		a.DeviceID = fmt.Sprint("attacker", i)
		if err := d.Learn(tb.Context(), a, anomaly.Untrusted); err != nil {
			tb.Fatal(err)
		}
	}
	return last
}

func chrome(system, major int) string {
	systems := []string{
		"Windows NT 10.0; Win64; x64", "Macintosh; Intel Mac OS X 10_15_7", "X11; Linux x86_64",
		"Linux; Android 10; K", "X11; CrOS x86_64 14541.0.0",
	}
	return fmt.Sprintf("Mozilla/5.0 (%s) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/%d.0.0.0 Safari/537.36",
		systems[system], major)
}

func BenchmarkAssess(b *testing.B) {
	store := anomaly.NewMemory(100)
	d, err := anomaly.New(store, keys, anomaly.Config{})
	if err != nil {
		b.Fatal(err)
	}
	a := learnFull(b, d, "auth0|bench", time.Now().Add(-100*24*time.Hour))
	a.Time = a.Time.Add(time.Hour)
	blob, _, err := store.Load(b.Context(), anomaly.Key(a.UserID), nil)
	if err != nil {
		b.Fatal(err)
	}
	ctx := context.Background()
	b.ReportAllocs()
	for b.Loop() {
		if _, err := d.Assess(ctx, a); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(len(blob)), "profile-bytes")
}

func BenchmarkLearn(b *testing.B) {
	d, err := anomaly.New(anomaly.NewMemory(100), keys, anomaly.Config{})
	if err != nil {
		b.Fatal(err)
	}
	a := learnFull(b, d, "auth0|bench", time.Now().Add(-100*24*time.Hour))
	ctx := context.Background()
	b.ReportAllocs()
	for b.Loop() {
		if err := d.Learn(ctx, a, anomaly.Proved); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkMillionUsers holds 1,000,000 full profiles, the worst case.
func BenchmarkMillionUsers(b *testing.B) {
	const users = 1_000_000
	for b.Loop() {
		source := anomaly.NewMemory(64)
		d, err := anomaly.New(source, keys, anomaly.Config{})
		if err != nil {
			b.Fatal(err)
		}
		a := learnFull(b, d, "auth0|bench", time.Now().Add(-100*24*time.Hour))
		blob, _, err := source.Load(b.Context(), anomaly.Key(a.UserID), nil)
		if err != nil {
			b.Fatal(err)
		}
		before := heap()
		store := anomaly.NewMemory(users + users/8)
		for i := range users {
			if err := store.Save(b.Context(), anomaly.Key(fmt.Sprintf("auth0|%024d", i)), blob, 0); err != nil {
				b.Fatal(err)
			}
		}
		b.ReportMetric(float64(heap()-before)/1e9, "GB")
		b.ReportMetric(float64(len(blob)), "profile-bytes")
		if store.Len() != users {
			b.Fatalf("%d profiles were kept", store.Len())
		}
	}
}

func heap() uint64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}
