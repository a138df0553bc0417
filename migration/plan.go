package migration

import (
	"context"
	"math"
	"time"

	"github.com/auth0kit/auth0kit/migration/passhash"
)

// Plan holds what a run would do. Nothing was done yet.
type Plan struct {
	Total int // Records in the source: the sum of the next seven.

	Direct    int // Imported with the stored hash as it is.
	Converted int // Imported with the same hash in another spelling.
	LazyOnly  int // Left to Lazy: Auth0 cannot import the hash.
	ResetOnly int // Without a password: imported only with Config.ImportWithoutPassword.
	Invalid   int
	Duplicate int
	Owned     int // Marked as migrated in the source.

	Rules   map[Rule]int   // Why records are not imported as they are, by rule.
	Formats map[string]int // What the stored passwords are, by passhash's name of the format.

	Importable  int // Users that Run would import.
	Files       int // Import jobs.
	Bytes       int64
	Memberships int
	ETA         time.Duration // At Config.UsersPerSecond, or at 33 memberships a second if those take longer.

	// Problems lists the records that are invalid or duplicates, at most
	// Config.MaxProblems of them; Config.Problem is called for every one.
	Problems []Problem
}

// Problem is a record that cannot be imported, and the rule that it breaks.
type Problem struct {
	Key   string
	Class Class  // Invalid or Duplicate.
	Rule  Rule   //
	Path  string // The property; often empty.
}

// membershipsPerSecond follows from Auth0's 200 requests a minute with ten
// members each; see the rate limits of organization members at
// https://auth0.com/docs/troubleshoot/customer-support/operational-policies/rate-limit-policy
const membershipsPerSecond = 200.0 / 60 * maxSeats

// Plan reads the whole source and writes nothing, neither to Auth0 nor to the
// ledger. It needs some 20 bytes of memory for each email, username and phone
// number, to find duplicates, and nothing else that grows.
func (r *Runner) Plan(ctx context.Context) (*Plan, error) {
	if _, err := r.resolve(ctx); err != nil {
		return nil, err
	}
	p := &planner{
		Plan:    &Plan{Rules: make(map[Rule]int), Formats: make(map[string]int)},
		cfg:     r.cfg,
		classes: newClassifier(r.cfg.Run),
	}
	for page, err := range r.pages(ctx) {
		if err != nil {
			return nil, err
		}
		for i := range page {
			p.add(&page[i])
		}
	}
	r.planned.Store(int64(p.Total))
	p.estimate()
	return p.Plan, nil
}

type planner struct {
	*Plan
	cfg     Config
	classes *classifier
	open    int // bytes in the file that is being filled
}

func (p *planner) add(r *Record) {
	v := p.classes.classify(r)
	p.Total++
	*p.counter(v.class)++
	if v.why.rule != "" {
		p.Rules[v.why.rule]++
	}
	if format, err := passhash.Identify(r.Password); err == nil {
		p.Formats[format]++
	}
	if v.class == Invalid || v.class == Duplicate {
		p.problem(Problem{r.Key, v.class, v.why.rule, v.why.path})
	}
	if !v.importable(p.cfg.ImportWithoutPassword) {
		return
	}
	p.Importable++
	p.Memberships += len(r.Memberships)
	p.pack(len(v.json))
}

func (p *planner) counter(c Class) *int {
	switch c {
	case Direct:
		return &p.Direct
	case Converted:
		return &p.Converted
	case LazyOnly:
		return &p.LazyOnly
	case ResetOnly:
		return &p.ResetOnly
	case Duplicate:
		return &p.Duplicate
	case Owned:
		return &p.Owned
	}
	return &p.Invalid
}

func (p *planner) problem(problem Problem) {
	if len(p.Problems) < p.cfg.MaxProblems {
		p.Problems = append(p.Problems, problem)
	}
	if p.cfg.Problem != nil {
		p.cfg.Problem(problem)
	}
}

// pack counts files as packer fills them.
func (p *planner) pack(user int) {
	if p.open == 0 || p.open+len(",")+user+len("]") > p.cfg.FileBytes {
		p.Files++
		p.Bytes += int64(len("[]") + user)
		p.open = len("[") + user
		return
	}
	p.Bytes += int64(len(",") + user)
	p.open += len(",") + user
}

func (p *planner) estimate() {
	seconds := math.Max(float64(p.Importable)/p.cfg.UsersPerSecond, float64(p.Memberships)/membershipsPerSecond)
	p.ETA = time.Duration(math.Ceil(seconds)) * time.Second
}
