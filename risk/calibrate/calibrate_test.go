package calibrate_test

import (
	"bytes"
	"errors"
	"iter"
	"math"
	"math/rand/v2"
	"reflect"
	"slices"
	"testing"
	"time"

	"github.com/auth0kit/auth0kit/anomaly"
	"github.com/auth0kit/auth0kit/risk/calibrate"
)

// index is the place of a number in an Evidence.
func index(name string) int { return slices.Index(anomaly.EvidenceNames(), name) }

// drawn are samples whose attacks follow known weights: "older" counts 2, "travel"
// counts 1, and "bot" speaks the wrong way.
func drawn(n int) []calibrate.Sample {
	r := rand.New(rand.NewPCG(1, 2))
	var out []calibrate.Sample
	for range n {
		var s calibrate.Sample
		older, travel, bot := r.NormFloat64(), r.NormFloat64(), r.NormFloat64()
		s.Evidence[index("older")], s.Evidence[index("travel")], s.Evidence[index("bot")] = older, travel, bot
		if r.Float64() < 1/(1+math.Exp(-(2*older+travel-bot))) {
			s.Attack = "drawn"
		}
		out = append(out, s)
	}
	return out
}

func TestFitFindsTheWeights(t *testing.T) {
	t.Parallel()
	m, err := calibrate.Fit(drawn(40_000), calibrate.Config{Name: "test", Ridge: 1e-9})
	if err != nil {
		t.Fatal(err)
	}
	by := m.WithDevice.By
	// Leaving a number out shrinks the others in a logistic model: by about 15% here.
	if ratio := by["older"] / by["travel"]; math.Abs(ratio-2) > .1 || by["older"] < 1.6 || by["older"] > 2 {
		t.Errorf("weights %v, want older and travel as 2 to 1", by)
	}
	if by["bot"] != 0 || math.Abs(m.WithDevice.Bias) > .05 || len(by) > 3 {
		t.Errorf("weights %v, bias %v", by, m.WithDevice.Bias)
	}
	if m.Name != "test" || m.FirstLogin.Bias != anomaly.DefaultModel().FirstLogin.Bias {
		t.Errorf("%q, first logins %+v", m.Name, m.FirstLogin)
	}
}

func TestKindsWeighTheSame(t *testing.T) {
	t.Parallel()
	samples := drawn(5_000)
	var more calibrate.Sample
	more.Attack = "few"
	more.Evidence[index("distance")] = 3
	for range 20 {
		samples = append(samples, more)
	}
	equal, err := calibrate.Fit(samples, calibrate.Config{})
	if err != nil {
		t.Fatal(err)
	}
	little, err := calibrate.Fit(samples, calibrate.Config{Kinds: map[string]float64{"few": .001}})
	if err != nil {
		t.Fatal(err)
	}
	if equal.WithDevice.By["distance"] <= little.WithDevice.By["distance"] {
		t.Errorf("distance weighs %v and %v", equal.WithDevice.By["distance"], little.WithDevice.By["distance"])
	}
}

func TestFirstLoginsAreFittedApart(t *testing.T) {
	t.Parallel()
	samples := drawn(2_000)
	for i := range 1_000 {
		s := calibrate.Sample{Class: anomaly.FirstLogin}
		s.Evidence[index("country_rare")] = float64(i % 3)
		if i%3 == 2 {
			s.Attack = "drawn"
		}
		samples = append(samples, s)
	}
	m, err := calibrate.Fit(samples, calibrate.Config{})
	if err != nil {
		t.Fatal(err)
	}
	if m.FirstLogin.By["country_rare"] <= 0 || m.WithDevice.By["country_rare"] != 0 {
		t.Errorf("first %v, known %v", m.FirstLogin, m.WithDevice)
	}
}

func TestFitRefuses(t *testing.T) {
	t.Parallel()
	genuine := []calibrate.Sample{{}, {}}
	attacks := []calibrate.Sample{{Attack: "a"}, {Attack: "b"}}
	for name, samples := range map[string][]calibrate.Sample{"none": nil, "genuine only": genuine, "attacks only": attacks} {
		if _, err := calibrate.Fit(samples, calibrate.Config{}); !errors.Is(err, calibrate.ErrSamples) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestSetCuts(t *testing.T) {
	t.Parallel()
	samples := drawn(40_000)
	m, err := calibrate.Fit(samples, calibrate.Config{})
	if err != nil {
		t.Fatal(err)
	}
	budget := calibrate.Budget{Prompt: .1, MFA: .01, Deny: .001}
	if err := calibrate.SetCuts(m, samples, budget); err != nil {
		t.Fatal(err)
	}
	n, above := 0.0, [3]float64{}
	for i := range samples {
		if samples[i].Attack != "" {
			continue
		}
		n++
		for c, cut := range m.WithDevice.Cuts {
			if m.WithDevice.LogOdds(&samples[i].Evidence) >= cut {
				above[c]++
			}
		}
	}
	for c, want := range []float64{budget.Prompt, budget.MFA, budget.Deny} {
		if got := above[c] / n; math.Abs(got-want) > .05*want+1/n*2 {
			t.Errorf("cut %d: %.4f of the logins are above, want %.4f", c, got, want)
		}
	}
	for name, b := range map[string]calibrate.Budget{"rising": {Prompt: .01, MFA: .1}, "above one": {Prompt: 2}} {
		if err := calibrate.SetCuts(m, samples, b); err == nil {
			t.Errorf("%s: accepted", name)
		}
	}
}

// TestRareCuts extrapolates an exponential tail, whose quantiles are known.
func TestRareCuts(t *testing.T) {
	t.Parallel()
	r := rand.New(rand.NewPCG(3, 4))
	samples := make([]calibrate.Sample, 200_000)
	for i := range samples {
		samples[i].Evidence[index("older")] = r.ExpFloat64()
	}
	samples = append(samples, calibrate.Sample{Attack: "x"})
	m := anomaly.DefaultModel()
	m.WithDevice = anomaly.Weights{By: map[string]float64{"older": 1}}
	if err := calibrate.SetCuts(m, samples, calibrate.Budget{}); err != nil {
		t.Fatal(err)
	}
	if want := -math.Log(1e-6); math.Abs(m.WithDevice.Cuts[2]-want) > 1 {
		t.Errorf("cut %v, want %v", m.WithDevice.Cuts[2], want)
	}
}

func TestCutsOfEqualOdds(t *testing.T) {
	t.Parallel()
	m := anomaly.DefaultModel()
	if err := calibrate.SetCuts(m, append(make([]calibrate.Sample, 50_000), calibrate.Sample{Attack: "x"}), calibrate.Budget{}); err != nil {
		t.Fatal(err)
	}
	if c := m.WithDevice.Cuts; c[0] >= c[1] || c[1] >= c[2] {
		t.Errorf("cuts %v", c)
	}
}

// A model without weights of LosesDevice has one set of cuts for them and for
// WithoutDevice.
func TestCutsOfFormerModels(t *testing.T) {
	t.Parallel()
	m := anomaly.DefaultModel()
	m.LosesDevice = nil
	var samples []calibrate.Sample
	for i := range 1000 {
		s := calibrate.Sample{Class: anomaly.WithoutDevice}
		if i%2 == 0 {
			s.Class = anomaly.LosesDevice
			s.Evidence[index("older")] = 3
		}
		samples = append(samples, s)
	}
	if err := calibrate.SetCuts(m, samples, calibrate.Budget{Prompt: .6, MFA: .4}); err != nil {
		t.Fatal(err)
	}
	if c, w := m.WithoutDevice.Cuts, m.WithoutDevice; m.LosesDevice != nil || math.Abs(c[0]-w.Bias) > .01 || c[1] < w.Bias+1 {
		t.Errorf("cuts %v, bias %v", c, w.Bias)
	}
}

func TestWrite(t *testing.T) {
	t.Parallel()
	want := anomaly.DefaultModel()
	var file bytes.Buffer
	if err := calibrate.Write(&file, want); err != nil {
		t.Fatal(err)
	}
	got, err := anomaly.ParseModel(file.Bytes())
	if err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("%+v, %v; want %+v", got, err, want)
	}
	if err := calibrate.Write(&file, &anomaly.Model{}); !errors.Is(err, anomaly.ErrModel) {
		t.Errorf("an empty model: %v", err)
	}
}

// logins are of one user with a laptop, and of a thief without.
func logins(n int) iter.Seq2[calibrate.Labelled, error] {
	return func(yield func(calibrate.Labelled, error) bool) {
		at := time.Date(2026, 3, 2, 8, 0, 0, 0, time.UTC)
		for i := range n {
			a := anomaly.Attempt{UserID: "auth0|ada", Time: at.Add(time.Duration(i) * 24 * time.Hour), DeviceID: "laptop"}
			if !yield(calibrate.Labelled{Attempt: a}, nil) {
				return
			}
			a.DeviceID = ""
			if !yield(calibrate.Labelled{Attempt: a, Attack: "thief"}, nil) {
				return
			}
		}
	}
}

func collect(t testing.TB, seq iter.Seq2[calibrate.Labelled, error]) ([]calibrate.Sample, error) {
	t.Helper()
	d, err := anomaly.New(anomaly.NewMemory(0), keys, anomaly.Config{})
	if err != nil {
		t.Fatal(err)
	}
	return calibrate.Collect(t.Context(), d, seq)
}

func TestCollect(t *testing.T) {
	t.Parallel()
	samples, err := collect(t, logins(20))
	if err != nil || len(samples) != 40 {
		t.Fatalf("%d samples, %v", len(samples), err)
	}
	if samples[0].Class != anomaly.FirstLogin || samples[1].Class != anomaly.WithDevice || samples[1].Attack != "thief" {
		t.Errorf("the first samples are %+v", samples[:2])
	}
	last := samples[38:]
	if last[0].Evidence[index("device_own")] >= 0 || last[1].Evidence[index("device_new")] <= 0 {
		t.Errorf("the last samples are %+v: attacks were learnt, or logins not", last)
	}
	failing := func(yield func(calibrate.Labelled, error) bool) { yield(calibrate.Labelled{}, errors.New("cut off")) }
	if _, err := collect(t, failing); err == nil {
		t.Error("a broken history was accepted")
	}
	empty := func(yield func(calibrate.Labelled, error) bool) { yield(calibrate.Labelled{}, nil) }
	if _, err := collect(t, empty); !errors.Is(err, anomaly.ErrInvalid) {
		t.Errorf("an empty attempt: %v", err)
	}
}
