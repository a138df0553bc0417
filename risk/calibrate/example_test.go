package calibrate_test

import (
	"bytes"
	"context"
	"fmt"
	"time"

	"github.com/auth0kit/auth0kit/anomaly"
	"github.com/auth0kit/auth0kit/risk/calibrate"
)

var keys = [][]byte{[]byte("0123456789abcdef0123456789abcdef")} // 32 random bytes, out of a secret store

func Example() {
	ctx := context.Background()
	// Logins of which it is known whose they were: read them from a log.
	history := func(yield func(calibrate.Labelled, error) bool) {
		at := time.Date(2026, 3, 2, 8, 0, 0, 0, time.UTC)
		for i := range 400 {
			l := calibrate.Labelled{Attempt: anomaly.Attempt{
				UserID: fmt.Sprint("auth0|", i%10), Time: at.Add(time.Duration(i) * time.Hour), DeviceID: fmt.Sprint("laptop ", i%10),
			}}
			if i%4 == 3 {
				l.Attack, l.Attempt.DeviceID = "reported by the user", ""
			}
			if !yield(l, nil) {
				return
			}
		}
	}
	detector, err := anomaly.New(anomaly.NewMemory(0), keys, anomaly.Config{})
	if err != nil {
		fmt.Println(err)
		return
	}
	samples, err := calibrate.Collect(ctx, detector, history)
	if err != nil {
		fmt.Println(err)
		return
	}
	model, err := calibrate.Fit(samples, calibrate.Config{Name: "tenant, 2026"})
	if err != nil {
		fmt.Println(err)
		return
	}
	if err := calibrate.SetCuts(model, samples, calibrate.Budget{Prompt: .1, MFA: .05, Deny: .02}); err != nil {
		fmt.Println(err)
		return
	}
	var file bytes.Buffer
	if err := calibrate.Write(&file, model); err != nil {
		fmt.Println(err)
		return
	}
	parsed, err := anomaly.ParseModel(file.Bytes())
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(parsed.Name, "weighs devices:", parsed.WithDevice.By["device_new"]+parsed.WithDevice.By["device_own"] > 0)
	// Output: tenant, 2026 weighs devices: true
}
