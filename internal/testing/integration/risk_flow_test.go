package integration

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"net/netip"
	"testing"
	"time"

	"github.com/redis/rueidis"

	"github.com/auth0kit/auth0kit/anomaly"
	"github.com/auth0kit/auth0kit/anomaly/redisanomaly"
	"github.com/auth0kit/auth0kit/anomaly/sqlanomaly"
	"github.com/auth0kit/auth0kit/internal/testing/backends"
	"github.com/auth0kit/auth0kit/risk"
	"github.com/auth0kit/auth0kit/risk/redisrisk"
)

// challenges takes all of them on.
type challenges struct{}

func (challenges) RequireMFA(context.Context, risk.Decision) error       { return nil }
func (challenges) SendVerification(context.Context, risk.Decision) error { return nil }

// TestRiskAcrossProcesses: two processes with the same stores are one engine.
func TestRiskAcrossProcesses(t *testing.T) {
	t.Parallel()
	client, err := rueidis.NewClient(rueidis.ClientOption{InitAddress: []string{backends.Redis(t)}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(client.Close)
	stores := map[string]func(t *testing.T) anomaly.Store{
		"Redis": func(t *testing.T) anomaly.Store {
			s, err := redisanomaly.New(client, redisanomaly.Config{Prefix: "test:" + rand.Text(), TTL: time.Hour})
			if err != nil {
				t.Fatal(err)
			}
			return s
		},
		"Postgres": func(t *testing.T) anomaly.Store {
			return openSQLAnomaly(t, openPostgres(t), sqlanomaly.Postgres, sqlanomaly.Config{})
		},
		"SQLite": func(t *testing.T) anomaly.Store {
			return openSQLAnomaly(t, openSQLite(t), sqlanomaly.SQLite, sqlanomaly.Config{})
		},
	}
	for name, open := range stores {
		t.Run(name, func(t *testing.T) {
			counters, err := redisrisk.New(client, redisrisk.Config{Prefix: "test:" + rand.Text()})
			if err != nil {
				t.Fatal(err)
			}
			decisions, err := redisrisk.NewDecisions(client, redisrisk.Config{Prefix: "test:" + rand.Text()})
			if err != nil {
				t.Fatal(err)
			}
			riskAcrossProcesses(t, open(t), counters, decisions)
		})
	}
}

func riskAcrossProcesses(t *testing.T, store anomaly.Store, counters risk.Counters, decisions risk.Decisions) {
	engines := make([]*risk.Engine, 2)
	for i := range engines {
		d, err := anomaly.New(store, [][]byte{sealKey}, anomaly.Config{})
		if err != nil {
			t.Fatal(err)
		}
		if engines[i], err = risk.New(d, risk.Config{Enforcer: challenges{}, Counters: counters, Decisions: decisions, Keys: [][]byte{sealKey}}); err != nil {
			t.Fatal(err)
		}
	}
	start := time.Now().Add(-40 * 24 * time.Hour)
	login := func(after time.Duration, ip, device string, place anomaly.Place) risk.Login {
		return risk.Login{Attempt: anomaly.Attempt{
			UserID: "auth0|ada", Time: start.Add(after), IP: netip.MustParseAddr(ip), Place: &place, DeviceID: device,
			UserAgent: "Mozilla/5.0 (X11; Linux x86_64; rv:142.0) Gecko/20100101 Firefox/142.0",
		}}
	}
	oslo := anomaly.Place{Country: "NO", Lat: 59.91, Lon: 10.75, ASN: 2119}
	for day := range 30 {
		apply(t, engines[day%2], login(time.Duration(day)*24*time.Hour, "81.2.69.10", "laptop", oslo), nil)
	}
	// A new phone through the carrier: challenged by one process, proved to the other.
	phone := login(30*24*time.Hour, "81.3.70.10", "phone", anomaly.Place{Country: "NO", Lat: 59.5, Lon: 10, ASN: 8210})
	decision := apply(t, engines[0], phone, risk.ErrChallenged)
	if err := engines[1].Complete(t.Context(), "auth0|ada", decision.ID, risk.StepUpPassed); err != nil {
		t.Fatal(err)
	}
	phone.Time = phone.Time.Add(time.Hour)
	apply(t, engines[0], phone, nil)
	// A list of stolen passwords is tried through one process, and works through the other.
	theft := login(31*24*time.Hour, "177.1.1.1", "", anomaly.Place{Country: "BR", Lat: -23.55, Lon: -46.63, ASN: 28573})
	theft.UserAgent = "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/139.0.0.0 Safari/537.36"
	for i := range 60 {
		guess := theft
		guess.UserID = fmt.Sprint("guess ", i)
		if err := engines[0].Failed(t.Context(), guess); err != nil {
			t.Fatal(err)
		}
	}
	apply(t, engines[1], theft, risk.ErrDenied)
}

// apply evaluates and applies.
func apply(t *testing.T, e *risk.Engine, l risk.Login, want error) risk.Decision {
	t.Helper()
	d, err := e.Evaluate(t.Context(), l)
	if err != nil {
		t.Fatal(err)
	}
	if err := e.Apply(t.Context(), d); !errors.Is(err, want) {
		t.Fatalf("Apply: %v, want %v\n%s", err, want, d.Explain())
	}
	return d
}
