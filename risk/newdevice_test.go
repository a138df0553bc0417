package risk_test

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/auth0kit/auth0kit/anomaly"
	"github.com/auth0kit/auth0kit/risk"
)

// judge is an Assessor that always says the same, with cuts that show the budget.
type judge struct {
	anomaly.Assessment
}

func (j judge) Assess(context.Context, anomaly.Attempt) (anomaly.Assessment, error) {
	return j.Assessment, nil
}

func (j judge) Learn(context.Context, anomaly.Attempt, anomaly.Trust) error { return nil }

func (j judge) Forget(context.Context, string) error { return nil }

func (j judge) Distrust(context.Context, string) error { return nil }

func (j judge) Unlock(context.Context, string, time.Time) error { return nil }

func (j judge) Cuts(c anomaly.Class, prompt, mfa float64) [3]float64 {
	return [3]float64{prompt * 100, mfa * 1000, 90}
}

func evaluate(t *testing.T, j judge, cfg risk.Config) risk.Decision {
	t.Helper()
	cfg.Shadow = true
	e, err := risk.New(j, cfg)
	require.NoError(t, err)
	d, err := e.Evaluate(t.Context(), home(start))
	require.NoError(t, err)
	return d
}

func TestOnNewDevice(t *testing.T) {
	t.Parallel()
	a := anomaly.Assessment{Earlier: 5, Prior: -9}
	known := evaluate(t, judge{Assessment: a}, risk.Config{OnNewDevice: risk.OnNewDevice{Action: risk.MFARequired}})
	assert.Equal(t, risk.Allow, known.Action, "the device is known")
	a.Findings[anomaly.NewDevice-1].Kind = anomaly.NewDevice
	for policy, want := range map[risk.OnNewDevice]risk.Action{
		{}:                             risk.Allow,
		{Action: risk.MFARequired}:     risk.MFARequired,
		{risk.PromptVerification, 5}:   risk.PromptVerification,
		{risk.PromptVerification, 5.5}: risk.Allow,
	} {
		d := evaluate(t, judge{Assessment: a}, risk.Config{OnNewDevice: policy})
		assert.Equal(t, want, d.Action, policy)
		assert.Equal(t, want != risk.Allow, d.ByPolicy, "counted apart")
	}
	a.Prior = 30
	assert.False(t, evaluate(t, judge{Assessment: a}, risk.Config{OnNewDevice: risk.OnNewDevice{Action: risk.PromptVerification}}).ByPolicy,
		"the score says it already")
	for _, action := range []risk.Action{risk.Allow, risk.Deny, "ask"} {
		_, err := risk.New(judge{}, risk.Config{Shadow: true, OnNewDevice: risk.OnNewDevice{Action: action}})
		require.ErrorContains(t, err, "OnNewDevice")
	}
}

// TestBudgetSetsTheCuts: the scores 20 and 50 stand where the shares are spent.
func TestBudgetSetsTheCuts(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		budget risk.Budget
		odds   float32
		want   risk.Action
	}{
		{risk.Budget{}, 4.9, risk.Allow}, // 5% and 2%: the judge's cuts are 5 and 20
		{risk.Budget{}, 5.1, risk.PromptVerification},
		{risk.Budget{}, 20.1, risk.MFARequired},
		{risk.Budget{Prompt: .02, MFA: .01}, 2.1, risk.PromptVerification},
		{risk.Budget{Prompt: .02, MFA: .01}, 10.1, risk.MFARequired},
		{risk.Budget{Prompt: .1}, 40.1, risk.MFARequired}, // two fifths of it
	} {
		got := evaluate(t, judge{Assessment: anomaly.Assessment{Prior: c.odds}}, risk.Config{Budget: c.budget})
		assert.Equal(t, c.want, got.Action, "%+v", c)
	}
	for _, bad := range []risk.Budget{{Prompt: .6}, {Prompt: .02, MFA: .03}, {Prompt: -1}, {MFA: -1}, {MFA: .05}} {
		_, err := risk.New(judge{}, risk.Config{Shadow: true, Budget: bad})
		assert.ErrorContains(t, err, "Budget", "%+v", bad)
	}
}
