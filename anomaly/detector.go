package anomaly

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/auth0kit/auth0kit/internal/publicip"
	"github.com/auth0kit/auth0kit/internal/seal"
)

// Config holds a Detector's optional settings. The zero value uses the defaults.
type Config struct {
	Threshold  float64          // The score from which RequiresVerification is set. Defaults to 0.8.
	Geo        GeoResolver      // Where addresses are. Defaults to none: Attempt.Place, or network prefixes only.
	HalfLife   time.Duration    // The time in which a login loses half its weight; at least a day. Defaults to 90 days.
	Model      *Model           // Defaults to DefaultModel.
	MergeEvery time.Duration    // How often Run merges the population. Defaults to one minute.
	Now        func() time.Time // The clock by which logins from the future are refused. Defaults to time.Now.
}

// Detector assesses logins. It is safe for concurrent use.
type Detector struct {
	store      Store
	ring       *seal.Ring
	cfg        Config
	weights    [classCount]weights
	halfLife   float64 // days
	agents     *agentCache
	population population
	scratch    sync.Pool
	decays     [expiry]float64 // by days: an exponential takes a twentieth of an assessment
	horizon    atomic.Int64    // until when Attempt.Time is allowed, in Unix seconds
}

// New returns a Detector that keeps profiles in store, sealed with keys of 32
// random bytes each: the first seals, all open. Keep them out of the store: who
// reads a copy of it then learns neither device ids and addresses nor habits. To
// change the key, add the new one at the end in all processes, then put it first,
// and keep the former one until no profile is left that it has sealed (the store's
// TTL, 183 days).
func New(store Store, keys [][]byte, cfg Config) (*Detector, error) {
	if store == nil {
		return nil, errors.New("anomaly: store must not be nil; NewMemory is one")
	}
	ring, err := seal.New("auth0kit/anomaly", keys)
	if err != nil {
		return nil, fmt.Errorf("anomaly: keys: %w", err)
	}
	if cfg.Threshold == 0 {
		cfg.Threshold = 0.8
	}
	if !(cfg.Threshold > 0 && cfg.Threshold <= 1) {
		return nil, errors.New("anomaly: Config.Threshold must lie between 0 and 1")
	}
	if cfg.HalfLife == 0 {
		cfg.HalfLife = 90 * 24 * time.Hour
	}
	if cfg.HalfLife < 24*time.Hour {
		return nil, errors.New("anomaly: Config.HalfLife must be at least a day")
	}
	if cfg.MergeEvery < 0 {
		return nil, errors.New("anomaly: Config.MergeEvery must not be negative; 0 is a minute")
	}
	if cfg.MergeEvery == 0 {
		cfg.MergeEvery = time.Minute
	}
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	model, err := cfg.model()
	if err != nil {
		return nil, err
	}
	d := &Detector{
		store: store, ring: ring, cfg: cfg, weights: model.compile(), halfLife: cfg.HalfLife.Hours() / 24, agents: newAgentCache(),
	}
	for days := range d.decays {
		d.decays[days] = decay(0, uint16(days), d.halfLife)
	}
	d.population.init(model)
	d.scratch.New = func() any { return &scratch{blob: make([]byte, 0, MaxProfile), plain: make([]byte, 0, MaxProfile)} }
	return d, nil
}

func (c Config) model() (*Model, error) {
	if c.Model == nil {
		return defaultModel()
	}
	return c.Model, c.Model.Validate()
}

// scratch is what one call needs, kept for the next one.
type scratch struct {
	blob, plain []byte // as stored, and opened
	profile     []byte // in plain
	state       state
	place       []byte
	v           view
	p           profile // used by Learn only
	o           observation
	e           Evidence
}

// Assess compares a login with the user's history and writes nothing. It sets
// FirstLogin for a user without a profile. It makes one round trip to the store
// and, without Config.Geo, no allocation of its own. Errors are a *FieldError for
// an Attempt that cannot be used, ErrDamaged, ErrKey, ErrNewer, and those of the store and
// the resolver.
func (d *Detector) Assess(ctx context.Context, a Attempt) (Assessment, error) {
	s := d.scratch.Get().(*scratch)
	defer d.scratch.Put(s)
	if _, err := d.observe(ctx, &a, s); err != nil {
		return Assessment{}, err
	}
	s.o.evidence(&s.e)
	class := s.o.class()
	out := Assessment{
		Class: class, Earlier: float32(s.o.logins), FirstLogin: class == FirstLogin, Held: s.v.held(s.o.context()),
		Distrusted: s.state.distrusted, Unlocked: s.state.unlocked > s.o.minute,
		NoAddress: s.o.net.prefix == 0, NoPlace: s.o.net.country == 0,
	}
	out.describe(&s.o)
	prior, kinds := d.weights[class].judge(&s.e)
	sum := prior
	out.Prior = float32(prior)
	for k, v := range kinds {
		out.Findings[k].LogOdds = float32(v)
		sum += v
	}
	out.Score = logistic(sum)
	out.RequiresVerification = out.Score >= d.cfg.Threshold || out.Distrusted
	out.Unreachable = s.e[evTravel] >= unreachable
	s.o.findings(&out, &s.e)
	return out, nil
}

// Evidence returns the evidence that Assess weighs and the class of the login, for
// fitting a Model.
func (d *Detector) Evidence(ctx context.Context, a Attempt) (e Evidence, c Class, err error) {
	s := d.scratch.Get().(*scratch)
	defer d.scratch.Put(s)
	if _, err := d.observe(ctx, &a, s); err != nil {
		return Evidence{}, 0, err
	}
	s.o.evidence(&s.e)
	return s.e, s.o.class(), nil
}

// checkFuture reads the clock only for times beyond what an earlier reading
// allowed: a reading costs a tenth of an assessment.
func (d *Detector) checkFuture(t time.Time) error {
	seconds := t.Unix()
	if seconds <= d.horizon.Load() {
		return nil
	}
	horizon := d.cfg.Now().Add(clockSkew).Unix()
	if seconds > horizon {
		return &FieldError{"Time", "lies in the future; correct the clock that set it"}
	}
	d.horizon.Store(horizon)
	return nil
}

// observe loads the profile and puts the attempt beside it.
func (d *Detector) observe(ctx context.Context, a *Attempt, s *scratch) (version uint64, err error) {
	if err := a.validate(); err != nil {
		return 0, err
	}
	if err := d.checkFuture(a.Time); err != nil {
		return 0, err
	}
	place, err := d.place(a)
	if err != nil {
		return 0, err
	}
	version, err = d.load(ctx, Key(a.UserID), s)
	if err != nil {
		return 0, err
	}
	if err := s.v.open(s.profile); err != nil {
		return 0, err
	}
	d.fill(&s.o, &s.v, a, &place)
	return version, nil
}

func (d *Detector) fill(o *observation, v *view, a *Attempt, place *Place) {
	zone, ok := zoneOf(place, a.Time)
	if !ok {
		zone = v.zone
	}
	o.p, o.pop = v, d.population.sketch()
	o.net.set(a.IP, place)
	d.agents.get(a.UserAgent, &o.agent)
	o.zone, o.hour = zone, localHour(a.Time, zone)
	o.today, o.minute = dayOf(a.Time), minuteOf(a.Time)
	o.scale = d.scale(v.day, o.today)
	o.logins = float64(v.logins) * o.scale
	o.ahead = v.minute > o.minute+skewMinutes && v.minute > minuteOf(d.cfg.Now())+skewMinutes
	o.placed, o.located, o.device = place.located() && !place.Anonymous, false, 0
	if o.placed {
		o.place.set(place, o.minute)
		if o.located = len(v.places) > 0; o.located {
			nearest, last := v.around(&o.place)
			o.known.read(v.places[nearest:])
			o.last.read(v.places[last:])
			if o.ahead {
				o.last.minute = min(o.last.minute, o.minute)
			}
		}
	}
	o.id, o.shared, o.fault = 0, false, false
	if a.DeviceID != "" {
		o.id = idHash(hashString(a.DeviceID, maxDevice) | 1)
		o.shared, o.fault = o.pop.anybodys(o.id)
		if !o.shared {
			o.device = o.id.bound(o.agent.browser)
		}
	}
}

// scale is decay out of the table.
func (d *Detector) scale(from, to uint16) float64 {
	if days := int(to) - int(from); days >= 0 && days < len(d.decays) {
		return d.decays[days]
	}
	return decay(from, to, d.halfLife)
}

// place is the caller's or the resolver's. What a resolver says wrongly is
// neutral: its data is not the caller's fault.
func (d *Detector) place(a *Attempt) (Place, error) {
	if a.Place != nil {
		return *a.Place, nil
	}
	if d.cfg.Geo == nil || !publicip.Is(a.IP) {
		return Place{}, nil
	}
	place, err := d.cfg.Geo.Resolve(publicip.Plain(a.IP))
	if err != nil {
		return Place{}, fmt.Errorf("anomaly: resolve address: %w", err)
	}
	if place.validate() != nil {
		return Place{}, nil
	}
	return place, nil
}

// context is the hash of where a login came from and with what.
func (o *observation) context() uint32 {
	return uint32(mix(uint64(o.net.prefix)<<32|uint64(o.agent.full)) ^ mix(o.device))
}

// Forget deletes the profile of a user. What the user's logins added to the
// population stays: it cannot be separated from that of others.
func (d *Detector) Forget(ctx context.Context, userID string) error {
	if err := validateUser(userID); err != nil {
		return err
	}
	if err := d.store.Forget(ctx, userID); err != nil {
		return fmt.Errorf("anomaly: forget profile: %w", err)
	}
	return nil
}

// Cuts returns the log-odds at which a share of the genuine logins of a class is
// reached: prompt (0.05 is one in twenty), then mfa, by the logins that were
// learned lately, and by the model as long as they are few. The third cut keeps its
// distance from the second, because nobody has the million logins that it takes. A
// cut lies at most 1.5 above that of the model, so that attackers who were let in
// cannot raise it further, and at most 3 below. Between two merges a process counts
// its own logins. Cuts is safe for concurrent use.
func (d *Detector) Cuts(c Class, prompt, mfa float64) [3]float64 {
	if c >= classCount {
		c = WithDevice
	}
	b := &d.population.budget
	model, curve := b.models[c], &b.current.Load()[c]
	return curve.cuts(model, prompt, mfa)
}
