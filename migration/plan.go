package migration

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/auth0kit/auth0kit/internal/usershape"
	"github.com/auth0kit/auth0kit/management/resource"
	"github.com/auth0kit/auth0kit/migration/passhash"
)

// Plan holds what a run would do. Nothing was done yet.
type Plan struct {
	Total int // Records in the source: the sum of the next seven.

	Direct    int // Imported with the stored hash as it is.
	Converted int // Imported with the same hash in another spelling.
	LazyOnly  int // Left to a login: Auth0 cannot import the hash.
	ResetOnly int // Without a usable password: imported only with Config.Reset.
	Invalid   int
	Duplicate int
	Owned     int // Marked as migrated in the source.

	Rules   map[Rule]int   // Why records are not imported as they are, by rule.
	Formats map[string]int // What the stored passwords are, by passhash's name of the format.
	Proofs  []Proof        // What Config.Known proved, by format.

	// Conflicts counts the users whose email or id somebody else has at Auth0
	// already, who is not of this run. They are among the importable ones, and
	// Auth0 would refuse them.
	Conflicts int

	Options []string // What the settings of the connection do to these users.

	Importable  int // Users that Run would import.
	Files       int // Import jobs.
	Bytes       int64
	Memberships int // Memberships and tenant roles to give.
	Stages      []Stage
	ETA         time.Duration // Of the slowest stage: they run side by side.

	// Problems lists the records that are invalid, duplicates or conflicts, and
	// warnings, at most Config.MaxProblems of them; Config.Problem is called for
	// every one.
	Problems []Problem

	unproved []string
}

// Stage holds a part of a run that the tenant's limits bound.
type Stage struct {
	Name     string // "jobs", "memberships" or "roles".
	Total    int    // Files, or memberships, or users with roles.
	Requests int
	Left     time.Duration
}

// Err returns why Run would refuse to start, or nil.
func (p *Plan) Err() error {
	if len(p.unproved) == 0 {
		return nil
	}
	return fmt.Errorf("%w: %s; give Config.Known an account of each, or name the formats in Config.AllowUnproved",
		ErrUnproved, strings.Join(p.unproved, ", "))
}

// Plan reads the whole source and asks the tenant for the connection's options and
// for the users that it has. It writes nothing, neither to Auth0 nor to the
// ledger. It needs some 11 bytes of memory for each email, username and phone
// number, to find duplicates, and some 16 for each user at Auth0.
func (r *Runner) Plan(ctx context.Context) (*Plan, error) {
	connection, err := r.open(ctx)
	if err != nil {
		return nil, err
	}
	if err := r.check(ctx); err != nil {
		return nil, err
	}
	p := &planner{
		Plan:    &Plan{Rules: make(map[Rule]int), Formats: make(map[string]int)},
		r:       r,
		classes: newClassifier(*r.run, r.cfg.Reset, connection.Options),
		formats: make(formats),
		orgs:    make(map[string]int),
	}
	if p.there, err = r.strangers(ctx, connection.ID); err != nil {
		return nil, err
	}
	if p.Proofs, err = r.Prove(ctx, r.cfg.Known...); err != nil {
		return nil, err
	}
	for page, err := range r.pages(ctx) {
		if err != nil {
			return nil, err
		}
		for i := range page {
			rec := page[i]
			p.add(&rec)
		}
	}
	p.unproved = r.unproved(p.Proofs, p.formats)
	p.estimate()
	p.Options = p.options(connection)
	r.planned.Store(&planned{total: p.Total, memberships: p.Memberships, refusal: p.Err()})
	return p.Plan, nil
}

// strangers are the emails and ids at Auth0 that are not this run's.
func (r *Runner) strangers(ctx context.Context, connectionID string) (*compact, error) {
	there := newCompact()
	for u, err := range r.export(ctx, connectionID) {
		if err != nil {
			return nil, err
		}
		if r.run.Via(&u) == "" {
			there.add("id " + u.ID)
			there.add("email " + strings.ToLower(u.Email))
		}
	}
	return there, nil
}

type planner struct {
	*Plan
	r       *Runner
	classes *classifier
	there   *compact
	formats formats        // of users who would be imported
	orgs    map[string]int // members to add, by organization
	roles   int            // requests that give roles
	open    int            // bytes in the file that is being filled
}

func (p *planner) add(r *Record) {
	v := p.classes.classify(r)
	p.Total++
	*p.counter(v.class)++
	if v.problem.Rule != "" {
		p.Rules[v.problem.Rule]++
	}
	format, err := passhash.Identify(r.Password)
	if err == nil {
		p.Formats[format]++
	}
	if v.class == Invalid || v.class == Duplicate {
		p.problem(v.problem)
	}
	if v.rounded {
		p.Rules[RulePrecision]++
		p.problem(Problem{Key: r.Key, Class: v.class, Rule: RulePrecision, Path: "metadata", Code: usershape.Precision})
	}
	if !v.importable(p.r.cfg.Reset) {
		return
	}
	if v.class != ResetOnly {
		p.formats.add(format, r.Password)
	}
	if p.there.has("id "+p.r.run.UserID(r.Key)) || p.there.has("email "+strings.ToLower(r.Email)) {
		p.Conflicts++
		p.problem(Problem{Key: r.Key, Class: v.class, Rule: RuleConflict, Path: "email"})
	}
	p.Importable++
	p.members(r)
	p.pack(len(v.json))
}

func (p *planner) members(r *Record) {
	for _, m := range r.Memberships {
		p.Memberships++
		p.orgs[m.OrgID+"\x00"+m.OrgName]++
		if len(m.RoleIDs)+len(m.RoleNames) > 0 {
			p.roles++
		}
	}
	if len(r.RoleIDs)+len(r.RoleNames) > 0 {
		p.Memberships++
		p.roles++
	}
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
	if len(p.Problems) < p.r.cfg.MaxProblems {
		p.Problems = append(p.Problems, problem)
	}
	if p.r.cfg.Problem != nil {
		p.r.cfg.Problem(problem)
	}
}

// pack counts files as packer fills them.
func (p *planner) pack(user int) {
	if p.open == 0 || p.open+len(",")+user+len("]") > p.r.cfg.FileBytes {
		p.Files++
		p.Bytes += int64(len("[]") + user)
		p.open = len("[") + user
		return
	}
	p.Bytes += int64(len(",") + user)
	p.open += len(",") + user
}

// pollsPerJob is about what a job costs in requests, its start and errors included.
const pollsPerJob = 20

// estimate reckons a membership request for each ten members of one organization,
// and a request of its own for each user's roles.
func (p *planner) estimate() {
	minute := func(requests int) time.Duration {
		return (time.Duration(requests) * time.Minute / time.Duration(p.r.cfg.MembersPerMinute)).Round(time.Second)
	}
	tens, seats := 0, 0
	for _, n := range p.orgs {
		tens += (n + maxSeats - 1) / maxSeats
		seats += n
	}
	users := time.Duration(float64(p.Importable) / p.r.cfg.UsersPerSecond * float64(time.Second)).Round(time.Second)
	if p.Importable > 0 {
		users = max(users, time.Second)
	}
	p.Stages = []Stage{
		{Name: "jobs", Total: p.Files, Requests: p.Files * pollsPerJob, Left: users},
		{Name: "memberships", Total: seats, Requests: tens, Left: minute(tens)},
		{Name: "roles", Total: p.roles, Requests: p.roles, Left: minute(p.roles)},
	}
	p.ETA = max(users, minute(tens+p.roles))
}

// options says what the settings of the connection do to the users.
func (p *planner) options(c *resource.Connection) []string {
	var all []string
	say := func(format string, args ...any) { all = append(all, fmt.Sprintf(format, args...)) }
	if n := p.Rules[RuleUsername]; n > 0 && !p.classes.connection.Usernames {
		say("The connection takes no usernames (requires_username is off): %d users are refused. Set Run.Fields.Username to Drop, or turn it on.", n)
	} else if n > 0 {
		say("The connection takes usernames of %d to %d characters without spaces, and no email addresses: %d users are refused.",
			p.classes.connection.MinUsername, p.classes.connection.MaxUsername, n)
	}
	if custom, _ := c.Options["enabledDatabaseCustomization"].(bool); custom {
		if imports, _ := c.Options["import_mode"].(bool); imports {
			say("The connection asks a custom database at the first login of users who are not there.")
		} else {
			say("The connection has a custom database without import mode: Auth0 refuses import jobs for it.")
		}
	}
	if policy, _ := c.Options["passwordPolicy"].(string); policy != "" {
		say("The password policy is %s. Import jobs do not apply it; POST /users at a first login does, and then an import job creates the user.", strconv.Quote(policy))
	}
	if off, _ := c.Options["disable_signup"].(bool); off {
		say("Sign-up is off. Imports work all the same.")
	}
	return all
}

// Proof says whether a format of stored passwords was proved: an account verified
// against its stored hash, and its converted hash verified by Auth0's rules.
type Proof struct {
	Format string
	Users  int   // Accounts of Config.Known with this format.
	Proved int   // Of those, proved.
	Err    error // Why the first that failed did; without the password.
}

// ErrUnproved is returned by Run, and by Plan.Err, when a format that would be
// imported was proved by no known account, or not by all.
var ErrUnproved = errors.New("migration: these password formats are not proved")

// Prove verifies accounts whose password is known against their stored hash, and
// what Auth0 would be given by Auth0's documented rules, offline. An account that
// the source does not know is an error.
func (r *Runner) Prove(ctx context.Context, known ...Credentials) ([]Proof, error) {
	byFormat := make(map[string]*Proof)
	for i, c := range known {
		rec, err := r.src.Find(ctx, c.Identifier)
		if err != nil {
			return nil, fmt.Errorf("migration: find account %d of the known ones in the source: %w", i, err)
		}
		format, err := passhash.Identify(rec.Password)
		if err != nil {
			format = "unknown"
		}
		if byFormat[format] == nil {
			byFormat[format] = &Proof{Format: format}
		}
		p := byFormat[format]
		p.Users++
		if err := proveOne(rec.Password, c.Password); err == nil {
			p.Proved++
		} else if p.Err == nil {
			p.Err = err
		}
	}
	proofs := make([]Proof, 0, len(byFormat))
	for _, format := range slices.Sorted(maps.Keys(byFormat)) {
		proofs = append(proofs, *byFormat[format])
	}
	return proofs, nil
}

func proveOne(s passhash.Stored, password string) error {
	if err := passhash.Verify(s, password); err != nil {
		return err
	}
	hash, err := passhash.Convert(s)
	if errors.Is(err, passhash.ErrLazyOnly) {
		return nil
	}
	if err != nil {
		return err
	}
	return passhash.Prove(hash, password)
}

// formats are those of a source, by name. One that was told, by a scheme or a salt
// beside the hash, can be told wrong, and md5$ and sha1$ are Django's or Werkzeug's,
// which do not mean the same; the others say themselves what they are.
type formats map[string]bool

func (f formats) add(name string, s passhash.Stored) {
	f[name] = f[name] || s.Scheme != "" || s.Salt != "" || name == "django-md5" || name == "django-sha1"
}

// unproved are the formats that keep Run from starting: those that an account
// disproves, and those that none proves. Without any account only those count that
// were told.
func (r *Runner) unproved(proofs []Proof, all formats) []string {
	tried := make(map[string]bool)
	var names []string
	for _, p := range proofs {
		tried[p.Format] = true
		if p.Proved < p.Users {
			names = append(names, p.Format)
		}
	}
	for format, told := range all {
		allowed := slices.Contains(r.cfg.AllowUnproved, format) || slices.Contains(r.cfg.AllowUnproved, "*")
		if !tried[format] && !allowed && (told || len(proofs) > 0) {
			names = append(names, format)
		}
	}
	slices.Sort(names)
	return names
}
