package migration

import (
	"time"

	"github.com/auth0kit/auth0kit/audit"
)

// Config holds a Runner's optional settings. The zero value uses the defaults.
type Config struct {
	// Run names the migration, in the ledger and in app_metadata.auth0kit of each
	// user. A run that is started again with its name continues; even with an empty
	// ledger it finds its own users by the name and creates none twice. Defaults to
	// the name of the connection.
	Run string

	// ImportWithoutPassword imports users who have no password. They must reset it,
	// and Auth0 accepts no hash for them later. Users whose hash only Lazy can verify
	// are never imported, because they would lose their password.
	ImportWithoutPassword bool

	PageSize       int           // Records for one Source.Page. Defaults to 1000.
	FileBytes      int           // Bytes of an import file. Defaults to 500,000, which is also the most.
	Jobs           int           // Import jobs in flight. Defaults to 2, which is all that a tenant allows.
	UsersPerSecond float64       // What the tenant imports, for estimates. Defaults to 30, a production tenant's rate.
	LeaseTTL       time.Duration // How long a dead run keeps the next one out. Defaults to 1 minute; at least 1 second.
	MaxProblems    int           // Problems, or differences, that a report lists; all are counted. Defaults to 1000.

	Problem  func(Problem)  // Called by Plan for every problem, also beyond MaxProblems; nil ignores them.
	Progress func(Progress) // Called by Run, RetryFailed and Sync, one call at a time; must return soon.
	Recorder audit.Recorder // Defaults to audit.Discard.
}

// maxJobs is Auth0's bound of import jobs in flight in a tenant.
const maxJobs = 2

func (c Config) complete(connection string) (Config, error) {
	c.Run = orDefault(c.Run, connection)
	c.PageSize = orDefault(c.PageSize, 1000)
	c.FileBytes = orDefault(c.FileBytes, maxFile)
	c.Jobs = orDefault(c.Jobs, maxJobs)
	c.UsersPerSecond = orDefault(c.UsersPerSecond, 30)
	c.LeaseTTL = orDefault(c.LeaseTTL, time.Minute)
	c.MaxProblems = orDefault(c.MaxProblems, 1000)
	switch {
	case len(c.Run) > 64 || !printable(c.Run):
		return c, invalidConfig("Config.Run", "must have at most 64 printable characters")
	case c.PageSize < 1:
		return c, invalidConfig("Config.PageSize", "must not be negative")
	case c.FileBytes < 2*maxProfile || c.FileBytes > maxFile:
		return c, invalidConfig("Config.FileBytes", "must be from 20480 to 500000: Auth0 refuses more")
	case c.Jobs < 1 || c.Jobs > maxJobs:
		return c, invalidConfig("Config.Jobs", "must be 1 or 2: a tenant runs no more import jobs at once")
	case c.UsersPerSecond < 0:
		return c, invalidConfig("Config.UsersPerSecond", "must not be negative")
	case c.LeaseTTL < time.Second:
		return c, invalidConfig("Config.LeaseTTL", "must be at least one second")
	case c.MaxProblems < 0:
		return c, invalidConfig("Config.MaxProblems", "must not be negative")
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
	Read        int // Records read from the source.
	Total       int // Records that Plan of the same Runner counted; zero when it was not called.
	Sent        int // Users in jobs that have ended.
	Migrated    int // Like the next two: users settled since the start.
	Failed      int
	Skipped     int // Not importable: lazy, reset, invalid or duplicate.
	Memberships int // Users whose organizations are done.
	Jobs        int // Import jobs in flight.
	Elapsed     time.Duration
	Left        time.Duration // Estimate; zero when there is none.
}

// Result counts what became of all users of a run, over all its restarts. Total is
// the sum of the states; each source row that was read has one state.
type Result struct {
	Run      string
	Migrated int
	Failed   int
	Total    int

	Lazy       int // Left to Lazy.
	Reset      int // Without a password, and not imported.
	Invalid    int
	Duplicate  int
	RolledBack int

	MembershipsFailed int // Migrated, but not in all their organizations.
	Updated           int // By this Sync.
	Kept              int // Changed in the source, but not touched by this Sync: the user has logged in at Auth0.
}
