// Package driver defines the interface that a ledger of migrations implements.
// Applications use package migration instead, with migration.NewMemoryLedger or
// sqlmigration; they need this package only to read the outcomes of a run from a
// ledger. Test a ledger of your own with package migrationtest.
package driver

import (
	"context"
	"errors"
	"iter"
	"time"
)

// Ledger remembers what a run has sent and what became of each user, so that a run
// that died continues where it stopped and migrates nobody twice.
// migration.NewMemoryLedger is one for a single process; package sqlmigration has
// one in a SQL database. Implementations are safe for concurrent use, and document
// which crashes their data survives.
//
// A ledger holds keys, codes, keyed digests and the ids of organizations and roles,
// never an email or a hash.
type Ledger interface {
	// Lease makes holder the only writer of run for ttl. The same holder renews by
	// calling again and keeps its fence. Another holder gets ErrLeased until the lease
	// is given back or has run out, and then a higher fence. A ttl of zero or less
	// gives the lease back; without a lease it does nothing.
	Lease(ctx context.Context, run, holder string, ttl time.Duration) (Fence, error)

	// Bind stores the fingerprint of run if it has none yet, and returns the one that
	// is stored then: the given one or an earlier one. An empty fingerprint stores
	// nothing, and returns "" for a run that has none. Whoever calls first wins, also
	// among several at once.
	Bind(ctx context.Context, run, fingerprint string) (bound string, err error)

	// PutBatch inserts or replaces the batch of f's run with number b.N. A fence
	// that is not the latest one is ErrFenced, and nothing is written.
	PutBatch(ctx context.Context, f Fence, b Batch) error

	// PutOutcomes inserts or replaces the outcomes of f's run by key, all or
	// none. Keys must differ. A fence that is not the latest one is ErrFenced.
	PutOutcomes(ctx context.Context, f Fence, outcomes []Outcome) error

	// Forget removes the outcome of a user by key, and the key from the batches of the
	// run, to erase personal data. Another run's user with this key may be another
	// person, and stays. Take the user out of the source first: a run that meets the
	// key again imports it again. A run that is at work with the key may write it once
	// more, so forget when it has ended. It returns nil if the key is missing.
	Forget(ctx context.Context, run, key string) error

	// Batches yields the batches of run in order of N.
	Batches(ctx context.Context, run string) iter.Seq2[Batch, error]

	// Outcomes yields the outcomes of the keys, or all of run when no key is
	// given, in no particular order. The ledger may be written to meanwhile; an
	// outcome that changes meanwhile is yielded once, old or new.
	Outcomes(ctx context.Context, run string, keys ...string) iter.Seq2[Outcome, error]
}

// Fence proves which lease a write belongs to. Writes of a holder whose lease has
// passed to another are refused.
type Fence struct {
	Run string
	N   int64 // From 1; each new holder has a higher one.
}

// ErrLeased is returned by Lease while another holder has the lease. ErrFenced is
// returned when a write's fence is not the latest one.
var (
	ErrLeased = errors.New("migration: another runner holds the lease of this run; wait for it to end, or for its lease to run out")
	ErrFenced = errors.New("migration: the lease of this run has passed to another runner; nothing was written")
)

// Batch holds one import file and its state.
type Batch struct {
	N     int        // Position in the run, from 0.
	State BatchState //
	JobID string     // Set from Submitted on.
	Count int        // Users in the file.
	Keys  []string   // Of the users in the file; dropped when it is settled.
	At    time.Time  // When it got into this state.
}

// BatchState says how far a batch has come.
type BatchState string

// The states of a batch. A batch in Sending may or may not have reached Auth0: its
// users are looked up before any of them is sent again.
const (
	Sending   BatchState = "sending"   // Written before the file is posted.
	Submitted BatchState = "submitted" // Auth0 has named its job.
	Settled   BatchState = "settled"   // Every key has an outcome, or will be sent again.
)

// Outcome holds what became of one user.
type Outcome struct {
	Key         string
	State       State
	Code        string      // Why: a migration.Rule, or Auth0's code such as "DUPLICATED_USER".
	Path        string      // The property that Code is about; often empty.
	Attempts    int         // How often the user was sent.
	Memberships Memberships // Whether the organizations are done.
	Given       string      // The organizations and roles that were given, by id; see migration.Runner.Sync.
	Digest      string      // Of the profile that was sent, under migration.Run.Secret; empty without one.
	At          time.Time
}

// State says what became of a user.
type State string

// The states of a user. Only migrated users are at Auth0; the other states say why
// the user is not.
const (
	StateMigrated   State = "migrated"    //
	StateFailed     State = "failed"      // Auth0 refused it; RetryFailed tries again.
	StateLazy       State = "lazy"        // Auth0 cannot import the hash: package lazy migrates the user at the next login.
	StateReset      State = "reset"       // No password; imported only with migration.Config.Reset.
	StateInvalid    State = "invalid"     // Breaks a rule: correct the source.
	StateDuplicate  State = "duplicate"   // An earlier record has the same email, username or phone.
	StateRolledBack State = "rolled_back" // Was migrated and deleted again; the next Run imports it.
	StateDeleted    State = "deleted"     // Was migrated, went from the source and was deleted; stays deleted.
)

// Memberships says whether a migrated user is in its organizations.
type Memberships string

// The states of a user's memberships.
const (
	MembershipsNone    Memberships = ""        // It has none.
	MembershipsUnknown Memberships = "unknown" // The next scan finds out: the process that sent the user has died.
	MembershipsPending Memberships = "pending" //
	MembershipsDone    Memberships = "done"    //
	MembershipsFailed  Memberships = "failed"  // Code says why; RetryFailed tries again.
)
