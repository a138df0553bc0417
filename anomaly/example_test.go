package anomaly_test

import (
	"context"
	"fmt"
	"net/netip"
	"time"

	"github.com/auth0kit/auth0kit/anomaly"
)

func Example() {
	ctx := context.Background()
	detector, err := anomaly.New(anomaly.NewMemory(0), keys, anomaly.Config{})
	if err != nil {
		fmt.Println(err)
		return
	}
	// A month of mornings at home. A GeoResolver would find the place by itself.
	home := &anomaly.Place{Country: "NO", Lat: 59.91, Lon: 10.75, ASN: 2119, Zone: "Europe/Oslo"}
	attempt := anomaly.Attempt{
		UserID: "auth0|ada", Time: time.Date(2026, 3, 2, 8, 0, 0, 0, time.UTC), IP: netip.MustParseAddr("81.2.69.10"),
		Place: home, DeviceID: "value of the device cookie", UserAgent: firefox,
	}
	for range 30 {
		if err := detector.Learn(ctx, attempt, anomaly.Proved); err != nil {
			fmt.Println(err)
		}
		attempt.Time = attempt.Time.Add(24 * time.Hour)
	}
	usual, err := detector.Assess(ctx, attempt)
	fmt.Println("verify:", usual.RequiresVerification, err)

	// Half an hour later, from another continent and without the cookie.
	attempt.Time = attempt.Time.Add(-24*time.Hour + 30*time.Minute)
	attempt.IP, attempt.DeviceID = netip.MustParseAddr("177.1.1.1"), ""
	attempt.Place = &anomaly.Place{Country: "BR", Lat: -23.55, Lon: -46.63, ASN: 28573}
	odd, err := detector.Assess(ctx, attempt)
	fmt.Println("verify:", odd.RequiresVerification, err)
	for _, f := range odd.Findings {
		if f.Kind != 0 {
			fmt.Printf("%s, before: %s\n", f.Kind, f.Before())
		}
	}
	// Output:
	// verify: false <nil>
	// verify: true <nil>
	// unusual_location, before: NO
	// new_device, before: Firefox/Windows
	// impossible_travel, before: 10532km 30m
}

func ExampleDetector_Forget() {
	ctx := context.Background()
	store := anomaly.NewMemory(10_000)
	detector, err := anomaly.New(store, keys, anomaly.Config{Threshold: 0.9})
	if err != nil {
		fmt.Println(err)
		return
	}
	attempt := anomaly.Attempt{UserID: "auth0|ada", Time: time.Now(), DeviceID: "cookie"}
	fmt.Println(detector.Learn(ctx, attempt, anomaly.Proved), store.Len())
	fmt.Println(detector.Forget(ctx, "auth0|ada"), store.Len())
	// Output:
	// <nil> 1
	// <nil> 0
}
