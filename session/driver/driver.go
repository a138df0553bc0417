// Package driver defines what a store of sessions implements. Applications use
// package session instead, with a store such as session.NewMemory, sqlsession or
// redissession. Test a store of your own with package sessiontest.
package driver

import (
	"context"
	"errors"
	"time"
)

// What a store answers. Any other error means that the outcome is not known.
var (
	ErrNone     = errors.New("session: there is no such session")
	ErrExpired  = errors.New("session: the session has expired")
	ErrRevoked  = errors.New("session: the session was revoked")
	ErrReplaced = errors.New("session: the session has another key by now")
	ErrLimit    = errors.New("session: the user has as many sessions as are allowed")
	ErrConflict = errors.New("session: the session was changed by others again and again")
	ErrReplayed = errors.New("session: this logout token was used before")
	ErrSelector = errors.New("session: Selector has no form, or an empty id; nothing was ended")
)

// Store keeps records. It is mechanical: it moves records, compares them with
// what it is given, and writes under conditions; session.Manager computes every
// deadline and makes every decision. Each sentence here is a test of
// sessiontest.Run.
//
// All methods are safe for concurrent use, and each is atomic: of two that
// overlap, one happens first.
type Store interface {
	// Create keeps r. When the user has l.Max live sessions already, l.Policy says
	// which of them are deleted to make room, or that r is refused with ErrLimit.
	// It is refused with ErrRevoked when Delete has left a mark on r's user, on its
	// SID or on everyone that is newer than l.Bound. It returns what it deleted.
	Create(ctx context.Context, r Record, l Limit) ([]Ended, error)

	// Load returns the live record of k and, when it was last seen before
	// t.IfBefore, moves its LastSeen and IdleAt. It never creates or revives one:
	// ErrNone, ErrRevoked (with ID and UserID, when they are still known) and
	// ErrExpired (with the whole record) change nothing. A store may forget what
	// has expired, and what was revoked once it would have expired: ErrNone.
	//
	// The key that a Replace has left works until the end of its grace, and then is
	// ErrReplaced; so is the key of a session that SelectSuperseded has ended, at once.
	// With it come ID, UserID and, as RotatedAt, when the key stopped working. When the
	// session has been revoked since, nobody holds a key that works: ErrRevoked. The
	// record's own Key tells which one it was found by.
	//
	// The names in k are the client's: they may say where to look, and the record's
	// UserID and SID decide.
	//
	// Load itself looks whether the user, the SID or everyone was deleted since the
	// record was created, in the same round trip: what else finds a user's records
	// may be lost without bringing one back.
	Load(ctx context.Context, k Key, t Touch) (Record, error)

	// Replace puts r in the place of the live record of k, if that still has r's
	// Version minus one; else ErrConflict. It never creates one: ErrNone,
	// ErrRevoked, ErrReplaced, ErrExpired. With another Key in r, k works until grace:
	// not at all when that is zero, and then no key works that was left to k earlier.
	Replace(ctx context.Context, k Key, r Record, g Grace) error

	// Delete ends what s selects, and returns what it ended, except for everyone.
	// None of it is live afterwards, whatever Load or Replace was under way.
	// Nothing to end is no error. With s.Since, SelectKey, SelectOne and SelectOthers
	// also return, as Before, what they select and Delete or Create has ended since
	// then, if that is still known: for ten minutes at least, and of the last 64
	// sessions of a user. What SelectSuperseded has ended is not returned again.
	Delete(ctx context.Context, s Selector) ([]Ended, error)

	// Forget removes what is kept about a user, to erase personal data: all
	// records, live or not, and the mark on the user. Afterwards they are ErrNone or
	// ErrRevoked, without UserID, and no Replace or Load under way brings one back.
	// It comes after a Delete of the user's sessions, which refuses logins under
	// way, and whose mark it removes. What a store keeps of sessions that ended
	// before may instead go by itself when they would have expired, and a Job stays
	// until it is done. Nothing to forget is no error.
	Forget(ctx context.Context, userID string) error

	// List returns the user's live records, oldest first, without Payload.
	List(ctx context.Context, userID string, now time.Time) ([]Record, error)
}

// Touch is what Load compares with and writes.
type Touch struct {
	Now      time.Time
	IfBefore time.Time // A LastSeen before this one is moved to Now, and IdleAt to IdleAt.
	IdleAt   time.Time
	Fresh    bool // No answer out of a cache. Without it such a one is marked as Cached.
}

// Grace is how long a replaced key works on.
type Grace struct {
	Now   time.Time
	Until time.Time // Zero: it is dead at once.
}

// Limit is how many live sessions a user may have.
type Limit struct {
	Now    time.Time
	Bound  time.Time // When the user has authenticated at the latest; marks look at it. Zero: not known.
	Max    int
	Policy AtLimit
}

// AtLimit is what happens when a user signs in once too often.
type AtLimit uint8

// The policies.
const (
	EvictOldest AtLimit = iota // The session that was created first ends.
	EvictIdle                  // The session that was not used for the longest time ends.
	Reject                     // The new session is refused with ErrLimit.
)

// Selector says which sessions end. Form says which of the fields count; when one
// of those is empty, that is ErrSelector and ends nothing.
//
// A mark refuses later logins with a Bound before Now. Marks only grow: of two the
// later one counts, whatever the clocks say. A store may forget one at MarkUntil.
type Selector struct {
	Form            Form
	Key             Key
	UserID, ID, SID string
	Now, MarkUntil  time.Time
	Since           time.Time // Zero: only what ends now is returned.
}

// Form is what a Selector selects.
type Form uint8

// The forms; the zero one selects nothing.
const (
	SelectNothing Form = iota
	// SelectKey selects the session of Key, which may have been replaced, however
	// long ago: who has an old token may end the session, and nothing else.
	SelectKey
	// SelectSuperseded selects the session of Key if that is its own one, else it is
	// ErrReplaced: its user signs in again.
	SelectSuperseded
	SelectOne    // The session ID of UserID.
	SelectOthers // All of UserID's but that with ID, whose key is Key.
	SelectUser   // All of UserID's; marks the user.
	SelectSID    // All with that SID; marks the SID.
	SelectEveryone
)

// Check returns ErrSelector when s lacks what its form needs.
func (s Selector) Check() error {
	lacks := s.Form == SelectNothing || s.Form > SelectEveryone
	switch s.Form {
	case SelectKey, SelectSuperseded:
		lacks = s.Key == Key{}
	case SelectOne:
		lacks = s.UserID == "" || s.ID == ""
	case SelectOthers:
		lacks = s.UserID == "" || s.ID == "" || s.Key == Key{}
	case SelectUser:
		lacks = s.UserID == ""
	case SelectSID:
		lacks = s.SID == ""
	}
	if lacks {
		return ErrSelector
	}
	return nil
}

// Replay is a Store that also remembers logout tokens.
type Replay interface {
	// Seen returns nil for the first call with id, and ErrReplayed for every later
	// one until that time. Of concurrent calls one gets nil.
	Seen(ctx context.Context, id string, now, until time.Time) error
	// Used is ErrReplayed when Seen was called with id and that time has not come,
	// else nil. It changes nothing.
	Used(ctx context.Context, id string, now time.Time) error
}

// Outbox is a Store that also keeps what Auth0 must be told.
type Outbox interface {
	// Enqueue keeps j until Done.
	Enqueue(ctx context.Context, j Job) error
	// Take returns the jobs that are due for the longest, at most n, in any order
	// and each with one more attempt, and moves them to lease: nobody else gets
	// them before.
	Take(ctx context.Context, now, lease time.Time, n int) ([]Job, error)
	// Retry moves a job to another time. A job that is done stays so.
	Retry(ctx context.Context, id string, due time.Time) error
	// Done forgets a job; doing so twice is no error.
	Done(ctx context.Context, id string) error
}

// Job is one revocation that Auth0 must be told. Exactly one of SID and UserID is set.
type Job struct {
	ID        string
	SID       string // revoke this session
	UserID    string // revoke all access of this user
	Attempts  int
	CreatedAt time.Time
	Due       time.Time
}

// Sweeper is a Store that must be told to forget. session.Manager.Run does.
type Sweeper interface {
	// Sweep forgets what the rest of the contract allows it to forget at that
	// time, and returns how many records that were.
	Sweep(ctx context.Context, now time.Time) (int, error)
}
