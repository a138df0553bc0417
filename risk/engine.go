package risk

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"log/slog"
	"math"
	"time"

	"github.com/auth0kit/auth0kit/anomaly"
	"github.com/auth0kit/auth0kit/audit"
	"github.com/auth0kit/auth0kit/internal/seal"
	"github.com/auth0kit/auth0kit/internal/secret"
)

// Config holds an Engine's optional settings. The zero value uses the defaults.
type Config struct {
	Enforcer    Enforcer                              // Starts challenges. Defaults to none: the caller does it on ErrChallenged.
	Factors     []Factor                              // Added to the built-in ones. Defaults to none.
	Counters    Counters                              // Counts failures, velocity and challenges. Defaults to counters in this process; set it when there are several.
	Decisions   Decisions                             // Where challenges wait. Defaults to a MemoryDecisions; set it when there are several processes.
	Keys        [][]byte                              // 32 bytes each, for Decisions (the first seals, all open) and Counters (the first). Required if either is set.
	Bands       Bands                                 // Defaults to 20, 50, 80.
	Shadow      bool                                  // Decides and records, enforces nothing. Defaults to false.
	OnMissing   Action                                // The mildest action when a factor or the address is missing. Defaults to MFARequired.
	OnFirst     Action                                // The mildest action for a user without a history. Defaults to what the score says.
	OnNewDevice OnNewDevice                           // A policy for new devices. Defaults to none.
	MaxRefused  int                                   // Challenges of a user that may be refused or left within a day, at most 25; then logins that need one are denied. Defaults to 10.
	Notify      func(ctx context.Context, d Decision) // Called when MaxRefused is passed: tell the user. Defaults to nobody.
	Wait        time.Duration                         // How long a challenge can be completed, at most a day. Defaults to an hour.
	Timeout     time.Duration                         // Of each call of a store, a factor or Recorder. Defaults to 2 s.
	Budget      Budget                                // Which share of the genuine logins may be challenged. Defaults to 5% and 2%.
	Model       *anomaly.Model                        // Sets the cuts for the scores 20, 50 and 80 of an Assessor that keeps no budget; use the Detector's. Defaults to anomaly.DefaultModel.
	Recorder    audit.Recorder                        // Defaults to audit.Discard.
	Now         func() time.Time                      // When challenges start and end. Defaults to time.Now.
}

// Format hides the keys from package fmt.
func (c Config) Format(f fmt.State, _ rune) { secret.Format(f, c) }

// LogValue hides them from log/slog.
func (c Config) LogValue() slog.Value { return secret.Shown() }

// MarshalJSON hides them from encoding/json.
func (c Config) MarshalJSON() ([]byte, error) { return secret.JSON(c) }

// Engine decides about logins. It is safe for concurrent use.
type Engine struct {
	assessor Assessor
	cfg      *Config
	ring     *seal.Ring
	counter  *counter
	health   health
}

// New returns an Engine.
func New(d Assessor, cfg Config) (*Engine, error) {
	if d == nil {
		return nil, errors.New("risk: assessor must not be nil; *anomaly.Detector is one")
	}
	if err := cfg.complete(); err != nil {
		return nil, err
	}
	e := &Engine{assessor: d, cfg: &cfg}
	var err error
	if e.ring, err = seal.New("auth0kit/risk decisions", cfg.Keys); err != nil {
		return nil, fmt.Errorf("risk: Config.Keys: %w", err)
	}
	e.counter, err = newCounter(cfg.Counters, cfg.Keys[0])
	return e, err
}

// mostRefused challenges and maxDenied denials are fewer than MaxRecords, so that an
// attack pushes no challenge out that waits.
const mostRefused = 25

// complete sets the defaults.
func (c *Config) complete() error {
	if c.Keys == nil {
		if c.Counters != nil || c.Decisions != nil {
			return errors.New("risk: Config.Keys must be set with Counters or Decisions: 32 random bytes, the same in all processes")
		}
		key := make([]byte, seal.KeySize)
		_, _ = rand.Read(key) // It never fails.
		c.Keys = [][]byte{key}
	}
	for _, check := range []func() error{c.checkActions, c.Budget.defaults, c.checkBounds} {
		if err := check(); err != nil {
			return err
		}
	}
	if c.Counters == nil {
		c.Counters = NewMemoryCounters(0)
	}
	if c.Decisions == nil {
		c.Decisions = NewMemoryDecisions(0)
	}
	if c.Now == nil {
		c.Now = time.Now
	}
	if c.Model == nil {
		c.Model = anomaly.DefaultModel()
	}
	if err := c.Model.Validate(); err != nil {
		return err
	}
	return validateFactors(c.Factors)
}

func (c *Config) checkBounds() error {
	for _, d := range []struct {
		name  string
		value *time.Duration
		def   time.Duration
	}{{"Wait", &c.Wait, time.Hour}, {"Timeout", &c.Timeout, 2 * time.Second}} {
		if *d.value < 0 {
			return fmt.Errorf("risk: Config.%s must not be negative; 0 is %s", d.name, d.def)
		}
		if *d.value == 0 {
			*d.value = d.def
		}
	}
	if c.MaxRefused < 0 || c.MaxRefused > mostRefused {
		return fmt.Errorf("risk: Config.MaxRefused must lie between 0 and %d; 0 is 10", mostRefused)
	}
	if c.Wait > dayWindow {
		return errors.New("risk: Config.Wait must be at most a day")
	}
	if c.MaxRefused == 0 {
		c.MaxRefused = 10
	}
	return nil
}

func (c *Config) checkActions() error {
	if c.Bands == (Bands{}) {
		c.Bands = Bands{20, 50, 80}
	}
	if b := c.Bands; !(0 < b.Prompt && b.Prompt < b.MFA && b.MFA < b.Deny && b.Deny <= 100) {
		return errors.New("risk: Config.Bands must rise, between 1 and 100")
	}
	for _, a := range []struct {
		name  string
		value *Action
		def   Action
	}{{"OnMissing", &c.OnMissing, MFARequired}, {"OnFirst", &c.OnFirst, Allow}} {
		switch *a.value {
		case "":
			*a.value = a.def
		case Deny, MFARequired, PromptVerification, Allow:
		default:
			return fmt.Errorf("risk: Config.%s is not one of the four actions", a.name)
		}
	}
	switch c.OnNewDevice.Action {
	case "", PromptVerification, MFARequired:
		return nil
	}
	return errors.New("risk: Config.OnNewDevice.Action must be PromptVerification, MFARequired or empty")
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

// within bounds one call of a store or factor.
func (e *Engine) within(ctx context.Context) (context.Context, context.CancelFunc) {
	return context.WithTimeout(ctx, e.cfg.Timeout)
}

// Evaluate decides about a login whose password was right. It enforces nothing;
// Apply does. It returns an error for an attempt that cannot be used
// (anomaly.ErrInvalid) and for a context that has ended. A factor that failed or
// took longer than Config.Timeout is listed in Missing, as is an "address" that is
// missing, private or not routed, and Config.OnMissing applies. With an error it
// returns the zero Decision, which denies. The profile and the counters are asked
// at the same time, so it takes one round trip.
func (e *Engine) Evaluate(ctx context.Context, l Login) (Decision, error) {
	d := newDecision(rand.Text(), l)
	counted := make(chan activity, 1)
	go func() {
		ctx, cancel := e.within(ctx)
		defer cancel()
		counted <- e.counter.read(ctx, l)
	}()
	a, sum, err := e.assess(ctx, &d)
	seen := <-counted
	if err != nil {
		return Decision{}, err
	}
	sum += d.addActivity(seen) + d.addHeld(a) + auth0Share(&d)
	for _, f := range e.cfg.Factors {
		sum += e.custom(ctx, &d, l, f)
	}
	if err := ctx.Err(); err != nil {
		return Decision{}, fmt.Errorf("risk: evaluate: %w", err)
	}
	e.decide(&d, sum, a, seen.open)
	e.health.add(e.cfg.Now(), l, a, &d)
	return d, nil
}

// assess adds anomaly's four factors.
func (e *Engine) assess(ctx context.Context, d *Decision) (a anomaly.Assessment, sum float64, err error) {
	within, cancel := e.within(ctx)
	defer cancel()
	a, err = e.assessor.Assess(within, d.attempt)
	if errors.Is(err, anomaly.ErrInvalid) {
		return a, 0, fmt.Errorf("risk: evaluate: %w", err)
	}
	if err != nil {
		for _, kind := range anomaly.Kinds {
			d.Missing = append(d.Missing, kind.String())
		}
		return anomaly.Assessment{NoAddress: true, NoPlace: true}, 0, nil
	}
	if a.NoAddress {
		d.Missing = append(d.Missing, factorAddress)
	}
	d.First = a.FirstLogin
	d.add(factorPrior, float64(a.Prior), priorDetail(a))
	sum = float64(a.Prior)
	for i, f := range a.Findings {
		d.addFinding(a, anomaly.Kinds[i], f)
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

func (e *Engine) custom(ctx context.Context, d *Decision, l Login, f Factor) float64 {
	within, cancel := e.within(ctx)
	defer cancel()
	logOdds, detail, err := f.Assess(within, l)
	if err != nil || math.IsNaN(logOdds) {
		d.Missing = append(d.Missing, f.Name())
		return 0
	}
	logOdds = max(-MaxFactor, min(MaxFactor, logOdds))
	d.add(f.Name(), logOdds, detail)
	return logOdds
}

// decide turns log-odds into a score and an action. Denying needs strong evidence
// from two sides and a history to compare with; else the score stops below. A
// device cookie may have been stolen: where the user cannot have travelled at all,
// it does not save him the prompt.
func (e *Engine) decide(d *Decision, sum float64, a anomaly.Assessment, open challenges) {
	bands := e.cfg.Bands
	d.Score = score(sum, e.cuts(a.Class))
	if a.Unreachable {
		d.Score = max(d.Score, bands.Prompt)
	}
	e.cfg.OnNewDevice.raise(d, a, bands)
	if d.Score >= bands.Deny && (d.First || !deniable(d.Factors)) {
		d.Score = bands.Deny - 1
	}
	if len(d.Missing) > 0 {
		d.Score = max(d.Score, bands.floor(e.cfg.OnMissing))
	}
	if d.First {
		d.Score = max(d.Score, bands.floor(e.cfg.OnFirst))
	}
	if a.Distrusted {
		d.Score = max(d.Score, bands.MFA)
		d.add(factorState, 0, "until a second factor is proved")
	}
	e.refuse(d, open)
	if a.Unlocked {
		d.Score = min(d.Score, bands.Deny-1)
		d.unlocked = true
	}
	d.Action = bands.action(d.Score)
	d.Level = levels[d.Action]
}

// refuse lets refused challenges count: from half of MaxRefused on a mail is not
// enough, and beyond it what needs a challenge is denied.
func (e *Engine) refuse(d *Decision, open challenges) {
	bands := e.cfg.Bands
	if d.Score < bands.Prompt || open.open == 0 {
		return
	}
	d.add(factorRefused, 0, fmt.Sprintf("%d challenges refused or left", open.open))
	switch {
	case open.open >= e.cfg.MaxRefused || open.lately >= maxLately:
		d.Score, d.refused = max(d.Score, bands.Deny), open.open >= e.cfg.MaxRefused
	case open.open*2 >= e.cfg.MaxRefused:
		d.Score = max(d.Score, bands.MFA)
	}
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
