package anomaly_test

import (
	"encoding/json"
	"errors"
	"math"
	"testing"

	"github.com/auth0kit/auth0kit/anomaly"
)

// TestEmbeddedModel: what is shipped is valid, and uses evidence of every kind.
func TestEmbeddedModel(t *testing.T) {
	t.Parallel()
	m := anomaly.DefaultModel()
	if err := m.Validate(); err != nil {
		t.Fatal(err)
	}
	for name, w := range map[string]*anomaly.Weights{"with": &m.WithDevice, "without": &m.WithoutDevice} {
		if w.By["prefix_fresh"]+w.By["prefix_new"]+w.By["prefix_own"] == 0 || w.By["time_new"] == 0 || w.By["travel"] == 0 {
			t.Errorf("%s a device: %v", name, w.By)
		}
	}
	if m.WithDevice.By["device_new"] == 0 || m.WithoutDevice.By["id_shown"] == 0 || m.WithoutDevice.By["agent_rare"] == 0 {
		t.Error("device ids and agents are weighed where they are not")
	}
	m.WithDevice.By["travel"] = 99
	if anomaly.DefaultModel().WithDevice.By["travel"] == 99 {
		t.Error("the embedded model can be changed")
	}
}

func TestModelIsWhatAssessUses(t *testing.T) {
	t.Parallel()
	d := newDetector(t, anomaly.Config{})
	a := login(month(t, d), "177.1.1.1", saoPaulo, "other", safari)
	e, class, err := d.Evidence(t.Context(), a)
	if err != nil || class != anomaly.WithDevice {
		t.Fatalf("class %d, %v", class, err)
	}
	got := assess(t, d, a)
	want := 1 / (1 + math.Exp(-anomaly.DefaultModel().Weights(class).LogOdds(&e)))
	if math.Abs(got.Score-want) > 1e-9 {
		t.Errorf("score %v, model %v", got.Score, want)
	}
	if len(anomaly.EvidenceNames()) != len(e) {
		t.Errorf("%d names for %d numbers", len(anomaly.EvidenceNames()), len(e))
	}
	bad := a
	bad.UserID = ""
	if _, _, err := d.Evidence(t.Context(), bad); !errors.Is(err, anomaly.ErrInvalid) {
		t.Errorf("no user: %v", err)
	}
}

func TestModelsThatAreRefused(t *testing.T) {
	t.Parallel()
	for name, change := range map[string]func(*anomaly.Model){
		"format":          func(m *anomaly.Model) { m.Format = 2 },
		"unknown weight":  func(m *anomaly.Model) { m.FirstLogin.By["mood"] = 1 },
		"negative weight": func(m *anomaly.Model) { m.WithDevice.By["older"] = -1 },
		"infinite weight": func(m *anomaly.Model) { m.WithoutDevice.By["older"] = math.Inf(1) },
		"lost devices":    func(m *anomaly.Model) { m.LosesDevice.By["older"] = -1 },
		"bias":            func(m *anomaly.Model) { m.WithDevice.Bias = math.NaN() },
		"falling cuts":    func(m *anomaly.Model) { m.WithDevice.Cuts[1] = -100 },
		"infinite cuts":   func(m *anomaly.Model) { m.WithDevice.Cuts[2] = math.Inf(1) },
	} {
		m := anomaly.DefaultModel()
		change(m)
		if err := m.Validate(); !errors.Is(err, anomaly.ErrModel) {
			t.Errorf("%s: %v", name, err)
		}
		if _, err := anomaly.New(anomaly.NewMemory(0), keys, anomaly.Config{Model: m}); !errors.Is(err, anomaly.ErrModel) {
			t.Errorf("%s: New: %v", name, err)
		}
	}
	for _, file := range []string{"", "[]", `{"format": 7}`} {
		if _, err := anomaly.ParseModel([]byte(file)); !errors.Is(err, anomaly.ErrModel) {
			t.Errorf("%q: %v", file, err)
		}
	}
	text, err := json.Marshal(anomaly.DefaultModel())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := anomaly.ParseModel(text); err != nil {
		t.Error(err)
	}
}

// A model of before there was a class for who loses their device ids knows them as
// users without.
func TestModelWithoutLosesDevice(t *testing.T) {
	t.Parallel()
	m := anomaly.DefaultModel()
	if m.Weights(anomaly.LosesDevice) != m.LosesDevice || m.LosesDevice.By["prefix_known"] == 0 {
		t.Error("the embedded model has no weights for them")
	}
	m.LosesDevice = nil
	text, err := json.Marshal(m)
	if err != nil {
		t.Fatal(err)
	}
	former, err := anomaly.ParseModel(text)
	if err != nil || former.LosesDevice != nil {
		t.Fatalf("%+v, %v", former.LosesDevice, err)
	}
	if former.Weights(anomaly.LosesDevice) != &former.WithoutDevice {
		t.Error("other weights than those of users without")
	}
	d := newDetector(t, anomaly.Config{Model: former})
	if a := assess(t, d, login(start, "81.2.69.10", oslo, "laptop", firefox)); !a.FirstLogin {
		t.Errorf("%+v", a)
	}
}

// TestWithoutDeviceIDs: a service without a cookie goes by the agent.
func TestWithoutDeviceIDs(t *testing.T) {
	t.Parallel()
	d := newDetector(t, anomaly.Config{})
	a := login(start, "81.2.69.10", oslo, "", firefox)
	for range 30 {
		learn(t, d, a, anomaly.Proved)
		a.Time = a.Time.AddDate(0, 0, 1)
	}
	usual := assess(t, d, a)
	a.UserAgent = safari
	phone := assess(t, d, a)
	a.UserAgent = ""
	none := assess(t, d, a)
	if usual.Class != anomaly.WithoutDevice || kinds(usual) != "" || kinds(phone) != "new_device" || kinds(none) != "new_device" {
		t.Errorf("usual %q, phone %q, no agent %q", kinds(usual), kinds(phone), kinds(none))
	}
	if phone.Score <= usual.Score || none.Score <= usual.Score {
		t.Errorf("scores: usual %v, phone %v, no agent %v", usual.Score, phone.Score, none.Score)
	}
}

func TestTexts(t *testing.T) {
	t.Parallel()
	f := anomaly.Finding{Kind: anomaly.NewDevice, LogOdds: 2.5}
	copy(f.Previous[:], "Chrome/Windows")
	if got := f.String(); got != "new_device (before: Chrome/Windows, log-odds +2.5)" {
		t.Errorf("%q", got)
	}
	if got := anomaly.Kind(9).String(); got != "kind 9" {
		t.Errorf("%q", got)
	}
	err := &anomaly.FieldError{Field: "Time", Problem: "must be set"}
	if got := err.Error(); got != "anomaly: Attempt.Time must be set" {
		t.Errorf("%q", got)
	}
}
