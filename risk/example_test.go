package risk_test

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"time"

	"github.com/auth0kit/auth0kit/anomaly"
	"github.com/auth0kit/auth0kit/risk"
)

var keys = [][]byte{[]byte("0123456789abcdef0123456789abcdef")} // 32 random bytes, out of a secret store

// challenges starts them; a service would send a push or a mail.
type challenges struct{}

func (challenges) RequireMFA(_ context.Context, d risk.Decision) error {
	fmt.Println("asks", d.Login.UserID, "for a second factor")
	return nil
}

func (challenges) SendVerification(_ context.Context, d risk.Decision) error {
	fmt.Println("writes to", d.Login.Email)
	return nil
}

func Example() {
	ctx := context.Background()
	detector, err := anomaly.New(anomaly.NewMemory(0), keys, anomaly.Config{})
	if err != nil {
		fmt.Println(err)
		return
	}
	engine, err := risk.New(detector, risk.Config{Enforcer: challenges{}})
	if err != nil {
		fmt.Println(err)
		return
	}
	// A month of mornings at home. A GeoResolver would find the place by itself.
	login := risk.Login{Attempt: anomaly.Attempt{
		UserID: "auth0|ada", Time: time.Date(2026, 3, 2, 8, 0, 0, 0, time.UTC), IP: netip.MustParseAddr("81.2.69.10"),
		Place:    &anomaly.Place{Country: "NO", Lat: 59.91, Lon: 10.75, ASN: 2119, Zone: "Europe/Oslo"},
		DeviceID: "value of the device cookie", UserAgent: firefox,
	}}
	for range 30 {
		decision, err := engine.Evaluate(ctx, login)
		if err != nil {
			fmt.Println(err)
		}
		if err := engine.Apply(ctx, decision); err != nil {
			fmt.Println(err)
		}
		login.Time = login.Time.Add(24 * time.Hour)
	}
	// Somebody else has the password.
	login.Time = login.Time.Add(-14 * time.Hour)
	login.IP, login.DeviceID, login.UserAgent = netip.MustParseAddr("177.1.1.1"), "", safari
	login.Place = &anomaly.Place{Country: "BR", Lat: -23.55, Lon: -46.63, ASN: 28573}
	decision, err := engine.Evaluate(ctx, login)
	if err != nil {
		fmt.Println(err)
	}
	fmt.Println(decision.Level, decision.Action)
	for _, share := range decision.Factors[1:5] {
		fmt.Println(share.Name, share.Detail)
	}
	fmt.Println("denied:", errors.Is(engine.Apply(ctx, decision), risk.ErrDenied))
	// Output:
	// critical deny
	// unusual_location before: NO, now: BR
	// unusual_time before: 09:00, now: 15:00
	// new_device before: Firefox/Windows, now: Safari/iOS
	// impossible_travel before: 10532km 10h
	// denied: true
}

func ExampleNetworks() {
	exits, err := risk.Networks("tor", 0.8, []netip.Prefix{netip.MustParsePrefix("192.0.2.0/24")})
	if err != nil {
		fmt.Println(err)
		return
	}
	login := risk.Login{Attempt: anomaly.Attempt{IP: netip.MustParseAddr("192.0.2.77")}}
	logOdds, detail, err := exits.Assess(context.Background(), login)
	fmt.Println(exits.Name(), logOdds, detail, err)
	// Output: tor 0.8 listed <nil>
}

func ExampleParseAuth0() {
	// What a post-login Action sends of event.authentication.riskAssessment.
	assessment := `{"confidence": "low", "assessments": {
		"NewDevice": {"confidence": "low", "code": "no_match"},
		"ImpossibleTravel": {"confidence": "low", "code": "assessment_not_available"}}}`
	fmt.Println(risk.ParseAuth0([]byte(assessment)))
	// Output: map[NewDevice:low] <nil>
}

func ExampleEngine_Replay() {
	ctx := context.Background()
	detector, err := anomaly.New(anomaly.NewMemory(0), keys, anomaly.Config{})
	if err != nil {
		fmt.Println(err)
		return
	}
	engine, err := risk.New(detector, risk.Config{Shadow: true})
	if err != nil {
		fmt.Println(err)
		return
	}
	history := func(yield func(risk.Past, error) bool) { // read it from a log
		at := time.Date(2026, 3, 2, 8, 0, 0, 0, time.UTC)
		for day := range 10 {
			login := risk.Login{Attempt: anomaly.Attempt{
				UserID: "auth0|ada", Time: at.AddDate(0, 0, day), IP: netip.MustParseAddr("81.2.69.10"), DeviceID: "cookie", UserAgent: firefox,
			}}
			if !yield(risk.Past{Login: login, Outcome: risk.Allowed}, nil) {
				return
			}
		}
	}
	report, err := engine.Replay(ctx, history)
	fmt.Println(report.Logins, "logins,", report.Actions[risk.Allow], "allowed", err)
	// Output: 10 logins, 10 allowed <nil>
}

func ExampleMemoryCounters() {
	counters := risk.NewMemoryCounters(10_000)
	event := risk.Count{Key: "fail:addr:192.0.2.1", Member: "auth0|ada", Window: time.Hour, At: time.Now()}
	tallies, err := counters.Add(context.Background(), []risk.Count{event})
	fmt.Println(tallies[0].Events, tallies[0].Members, err)
	// Output: 1 1 <nil>
}
