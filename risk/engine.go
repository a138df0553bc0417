package risk

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"math"

	"github.com/auth0kit/auth0kit/anomaly"
	"github.com/auth0kit/auth0kit/audit"
)

// Config holds an Engine's optional settings. The zero value uses the defaults.
type Config struct {
	Factors     []Factor       // Added to the built-in ones. Defaults to none.
	Counters    Counters       // Counts failures and velocity. Defaults to counters in this process; set it when there are several.
	Bands       Bands          // Defaults to 20, 50, 80.
	Shadow      bool           // Decides and records, enforces nothing. Defaults to false.
	OnMissing   Action         // The mildest action when a factor failed. Defaults to MFARequired.
	OnNewDevice OnNewDevice    // A policy for new devices. Defaults to none.
	Budget      Budget         // Which share of the genuine logins may be challenged. Defaults to 5% and 2%.
	Model       *anomaly.Model // Sets the cuts for the scores 20, 50 and 80 of an Assessor that keeps no budget; use the Detector's. Defaults to anomaly.DefaultModel.
	Recorder    audit.Recorder // Defaults to audit.Discard.
}

// Engine decides about logins. It is safe for concurrent use.
type Engine struct {
	assessor Assessor
	enforcer Enforcer
	cfg      Config
}

// New returns an Engine. e may be nil only with Config.Shadow.
func New(d Assessor, e Enforcer, cfg Config) (*Engine, error) {
	if d == nil {
		return nil, errors.New("risk: assessor must not be nil; *anomaly.Detector is one")
	}
	if e == nil && !cfg.Shadow {
		return nil, errors.New("risk: enforcer must not be nil: it starts the challenges. Only Config.Shadow needs none")
	}
	if cfg.Bands == (Bands{}) {
		cfg.Bands = Bands{20, 50, 80}
	}
	if b := cfg.Bands; !(0 < b.Prompt && b.Prompt < b.MFA && b.MFA < b.Deny && b.Deny <= 100) {
		return nil, errors.New("risk: Config.Bands must rise, between 1 and 100")
	}
	switch cfg.OnMissing {
	case "":
		cfg.OnMissing = MFARequired
	case Deny, MFARequired, PromptVerification, Allow:
	default:
		return nil, errors.New("risk: Config.OnMissing is not one of the four actions")
	}
	switch cfg.OnNewDevice.Action {
	case "", PromptVerification, MFARequired:
	default:
		return nil, errors.New("risk: Config.OnNewDevice.Action must be PromptVerification, MFARequired or empty")
	}
	if err := cfg.Budget.defaults(); err != nil {
		return nil, err
	}
	if cfg.Counters == nil {
		cfg.Counters = NewMemoryCounters(0)
	}
	if cfg.Model == nil {
		cfg.Model = anomaly.DefaultModel()
	}
	if err := cfg.Model.Validate(); err != nil {
		return nil, err
	}
	if err := validateFactors(cfg.Factors); err != nil {
		return nil, err
	}
	return &Engine{d, e, cfg}, nil
}

func validateFactors(factors []Factor) error {
	seen := map[string]bool{}
	for _, f := range factors {
		if f == nil || f.Name() == "" {
			return errors.New("risk: Config.Factors has one that is nil or has no name")
		}
		if _, builtIn := side[f.Name()]; builtIn || seen[f.Name()] {
			return fmt.Errorf("risk: Config.Factors has %q twice, or it is built in", f.Name())
		}
		seen[f.Name()] = true
	}
	return nil
}

// Evaluate decides about a login whose password was right. It enforces nothing;
// Apply does. It returns an error for an attempt that cannot be used
// (anomaly.ErrInvalid) and for a context that has ended. A factor that failed is
// listed in Missing, and Config.OnMissing applies. With an error it returns the
// zero Decision, which denies.
func (e *Engine) Evaluate(ctx context.Context, l Login) (Decision, error) {
	d := Decision{ID: rand.Text(), Login: l}
	a, sum, err := e.assess(ctx, &d)
	if err != nil {
		return Decision{}, err
	}
	sum += e.activity(ctx, &d) + auth0Share(&d)
	for _, f := range e.cfg.Factors {
		sum += e.custom(ctx, &d, f)
	}
	if err := ctx.Err(); err != nil {
		return Decision{}, fmt.Errorf("risk: evaluate: %w", err)
	}
	e.decide(&d, sum, a)
	return d, nil
}

// The built-in factors beside anomaly's four.
const (
	factorPrior    = "prior"
	factorActivity = "suspicious_activity"
	factorAuth0    = "auth0"
)

// assess adds anomaly's four factors.
func (e *Engine) assess(ctx context.Context, d *Decision) (a anomaly.Assessment, sum float64, err error) {
	a, err = e.assessor.Assess(ctx, d.Login.Attempt)
	if errors.Is(err, anomaly.ErrInvalid) {
		return a, 0, fmt.Errorf("risk: evaluate: %w", err)
	}
	if err != nil {
		for _, kind := range anomaly.Kinds {
			d.Missing = append(d.Missing, kind.String())
		}
		return anomaly.Assessment{}, 0, nil
	}
	d.First = a.FirstLogin
	d.add(factorPrior, float64(a.Prior), priorDetail(a))
	sum = float64(a.Prior)
	for i, f := range a.Findings {
		detail := ""
		if f.Kind != 0 {
			detail = "before: " + f.Before()
		}
		if f.Kind == anomaly.ImpossibleTravel && a.Unreachable {
			detail += "; nobody travels so fast: at least the prompt"
		}
		d.add(anomaly.Kinds[i].String(), float64(f.LogOdds), detail)
		sum += float64(f.LogOdds)
	}
	return a, sum, nil
}

func priorDetail(a anomaly.Assessment) string {
	if a.FirstLogin {
		return "initial_login"
	}
	return ""
}

func (e *Engine) custom(ctx context.Context, d *Decision, f Factor) float64 {
	logOdds, detail, err := f.Assess(ctx, d.Login)
	if err != nil || math.IsNaN(logOdds) {
		d.Missing = append(d.Missing, f.Name())
		return 0
	}
	logOdds = max(-MaxFactor, min(MaxFactor, logOdds))
	d.add(f.Name(), logOdds, detail)
	return logOdds
}

func (d *Decision) add(name string, logOdds float64, detail string) {
	d.Factors = append(d.Factors, Share{name, logOdds, detail})
}

// decide turns log-odds into a score and an action. Denying needs strong evidence
// from two sides and a history to compare with; else the score stops below. A
// device cookie may have been stolen: where the user cannot have travelled at all,
// it does not save him the prompt.
func (e *Engine) decide(d *Decision, sum float64, a anomaly.Assessment) {
	d.Score = score(sum, e.cuts(a.Class))
	if a.Unreachable {
		d.Score = max(d.Score, e.cfg.Bands.Prompt)
	}
	e.cfg.OnNewDevice.raise(d, a, e.cfg.Bands)
	if d.Score >= e.cfg.Bands.Deny && (d.First || !deniable(d.Factors)) {
		d.Score = e.cfg.Bands.Deny - 1
	}
	if len(d.Missing) > 0 {
		d.Score = max(d.Score, e.cfg.Bands.floor(e.cfg.OnMissing))
	}
	d.Action = e.cfg.Bands.action(d.Score)
	d.Level = levels[d.Action]
}

// cutter is an Assessor whose cuts follow the genuine logins.
type cutter interface {
	Cuts(c anomaly.Class, prompt, mfa float64) [3]float64
}

func (e *Engine) cuts(c anomaly.Class) [3]float64 {
	if a, ok := e.assessor.(cutter); ok {
		return a.Cuts(c, e.cfg.Budget.Prompt, e.cfg.Budget.MFA)
	}
	return e.cfg.Model.Weights(c).Cuts
}

// raise applies the policy.
func (o OnNewDevice) raise(d *Decision, a anomaly.Assessment, b Bands) {
	if o.Action == "" || a.Findings[anomaly.NewDevice-1].Kind == 0 || a.Earlier < o.From {
		return
	}
	if floor := b.floor(o.Action); d.Score < floor {
		d.Score, d.ByPolicy = floor, true
	}
}
