package migration

import (
	"fmt"
	"time"

	"github.com/auth0kit/auth0kit/audit"
)

// Config holds a Runner's optional settings. The zero value uses the defaults.
type Config struct {
	// Known are accounts whose password somebody knows, of each kind of hash. Plan and
	// Run prove them before anything is written. Run refuses to start with
	// [ErrUnproved] when one fails, or when none has a format that it would import;
	// without any account it asks for those formats alone that a scheme or a salt
	// beside the hash decides, or that two systems write alike (md5$ and sha1$),
	// because one that is told wrong passes every other check. AllowUnproved names formats, as in Plan.Formats, that may go without;
	// "*" is all.
	Known         []Credentials
	AllowUnproved []string

	// AllowSharedKeys says that the keys are unique in the whole tenant anyway, such
	// as UUIDs, and need no Run.KeyPrefix.
	AllowSharedKeys bool

	Reset         Reset // Who comes without a password. Defaults to nobody.
	CreateMissing bool  // Creates the organizations and roles that records name and the tenant lacks.
	BlockDeleted  bool  // Sync blocks users at Auth0 who are gone from the source and have never logged in.

	// Grace is how long jobs in flight are followed when the context of Run has
	// ended; no new ones are started. Defaults to 30 s; negative is none.
	Grace time.Duration

	PageSize         int           // Records for one Source.Page. Defaults to 1000.
	FileBytes        int           // Bytes of an import file. Defaults to 500,000, which is also the most.
	Jobs             int           // Import jobs in flight. Defaults to 2, which is all that a tenant allows.
	UsersPerSecond   float64       // What the tenant imports, for estimates. Defaults to 30, a production tenant's rate.
	MembersPerMinute int           // Requests about organizations and roles, for estimates. Defaults to 200, Auth0's published limit.
	LeaseTTL         time.Duration // How long a dead run keeps the next one out. Defaults to 1 minute; at least 1 second.
	MaxProblems      int           // Problems, or differences, that a report lists; all are counted. Defaults to 1000.

	Problem  func(Problem)  // Called by Plan for every problem, also beyond MaxProblems; nil ignores them.
	Progress func(Progress) // Called by Run, RetryFailed and Sync, one call at a time; must return soon.
	Recorder audit.Recorder // Defaults to audit.Discard.
}

// Reset says who is imported without a password. They must reset it, and Auth0
// accepts no hash for them later.
type Reset uint8

// The kinds of Reset. Users whose hash a login can verify are never among them:
// they would lose their password.
const (
	ResetNone     Reset = iota // Nobody.
	ResetMissing               // Users who have no password.
	ResetUnusable              // Also users whose hash nobody can verify: broken, unknown, too costly.
)

// maxJobs is Auth0's bound of import jobs in flight in a tenant.
const maxJobs = 2

func (c Config) complete() (Config, error) {
	c.PageSize = orDefault(c.PageSize, 1000)
	c.FileBytes = orDefault(c.FileBytes, maxFile)
	c.Jobs = orDefault(c.Jobs, maxJobs)
	c.UsersPerSecond = orDefault(c.UsersPerSecond, 30)
	c.MembersPerMinute = orDefault(c.MembersPerMinute, 200)
	c.LeaseTTL = orDefault(c.LeaseTTL, time.Minute)
	c.MaxProblems = orDefault(c.MaxProblems, 1000)
	c.Grace = max(0, orDefault(c.Grace, 30*time.Second))
	switch {
	case c.PageSize < 1:
		return c, invalidConfig("Config.PageSize", "must not be negative")
	case c.FileBytes < 2*maxProfile || c.FileBytes > maxFile:
		return c, invalidConfig("Config.FileBytes", "must be from 20480 to 500000: Auth0 refuses more")
	case c.Jobs < 1 || c.Jobs > maxJobs:
		return c, invalidConfig("Config.Jobs", "must be 1 or 2: a tenant runs no more import jobs at once")
	case c.UsersPerSecond < 0:
		return c, invalidConfig("Config.UsersPerSecond", "must not be negative")
	case c.MembersPerMinute < 0:
		return c, invalidConfig("Config.MembersPerMinute", "must not be negative")
	case c.LeaseTTL < time.Second:
		return c, invalidConfig("Config.LeaseTTL", "must be at least one second")
	case c.MaxProblems < 0:
		return c, invalidConfig("Config.MaxProblems", "must not be negative")
	case c.Reset > ResetUnusable:
		return c, invalidConfig("Config.Reset", "must be ResetNone, ResetMissing or ResetUnusable")
	}
	return c, nil
}

func orDefault[T comparable](v, def T) T {
	var zero T
	if v == zero {
		return def
	}
	return v
}

// Progress holds how far a run has come since it was started.
type Progress struct {
	Read     int // Records read from the source.
	Total    int // Records that Plan of the same Runner counted; zero when it was not called.
	Sent     int // Users in jobs that have ended.
	Migrated int // Like the next two: users settled since the start.
	Failed   int
	Skipped  int // Not importable: lazy, reset, invalid or duplicate.
	Jobs     int // Import jobs in flight.

	Memberships      int // Memberships and tenant roles that were given or taken.
	MembershipsTotal int // Those that are known so far; Plan of the same Runner knows all.

	Elapsed time.Duration
	Left    time.Duration // Estimate for everything; zero when there is none.
}

// Result counts what became of all users of a run, over all its restarts. Total is
// the sum of the states; each source row that was read has one state.
type Result struct {
	Run      string
	Migrated int
	Failed   int
	Total    int

	Lazy       int // Left to a login. Who has come since is migrated after the next Run.
	Reset      int // Without a password, and not imported.
	Invalid    int
	Duplicate  int
	RolledBack int
	Deleted    int // By Apply of PlanDeletions.

	MembershipsFailed int // Migrated, but not in all their organizations.
	Updated           int // By this Sync.
	Kept              int // Changed in the source, but not touched by this Sync: the user has logged in at Auth0, or is not this run's.
	Blocked           int // By this Sync, because they are gone from the source.
}

func invalidConfig(field, problem string) error {
	return fmt.Errorf("migration: %s %s", field, problem)
}
