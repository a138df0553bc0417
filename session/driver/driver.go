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
	ErrLimit    = errors.New("session: the user has as many sessions as are allowed")
	ErrConflict = errors.New("session: the session was changed by others again and again")
	ErrReplayed = errors.New("session: this logout token was used before")
	ErrSelector = errors.New("session: Selector has none of its forms; nothing was ended")
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
	// It is refused with ErrRevoked when Delete has left a mark on r's SID, or one
	// on r's user or on everyone that is newer than r's AuthTime. It returns what
	// it deleted.
	Create(ctx context.Context, r Record, l Limit) ([]Ended, error)

	// Load returns the live record of k and, when it was last seen before
	// t.IfBefore, moves its LastSeen and IdleAt. It never creates or revives one:
	// ErrNone, ErrRevoked (with ID and UserID, when they are still known) and
	// ErrExpired (with the whole record) change nothing. A store may forget what
	// has expired, and what was revoked once it would have expired: ErrNone.
	//
	// The key that a Replace has left works until the end of its grace, and then
	// is ErrRevoked. The record's own Key tells which it was.
	Load(ctx context.Context, k Key, t Touch) (Record, error)

	// Replace puts r in the place of the live record of k, if that still has r's
	// Version minus one; else ErrConflict. It never creates one: ErrNone,
	// ErrRevoked, ErrExpired. With another Key in r, k works until grace: not at
	// all when that is zero, and then no key works that was left to k earlier.
	Replace(ctx context.Context, k Key, r Record, g Grace) error

	// Delete ends what s selects, and returns what it ended, except for everyone.
	// None of it is live afterwards, whatever Load or Replace was under way.
	// Nothing to end is no error.
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
	Fresh    bool // No answer out of a cache.
}

// Grace is how long a replaced key works on.
type Grace struct {
	Now   time.Time
	Until time.Time // Zero: it is dead at once.
}

// Limit is how many live sessions a user may have.
type Limit struct {
	Now    time.Time
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

// Selector says which sessions end. Which of its fields are set decides:
//
//	Key               the session of a token
//	UserID, ID        one session of a user
//	UserID, Except    all of a user's sessions but one
//	UserID            all of a user's sessions; marks the user
//	SID               all sessions with that SID; marks the SID
//	Everyone          all sessions; marks everyone
//
// Anything else is ErrSelector and ends nothing. A mark on a user or on everyone
// refuses later logins with an AuthTime before Now, one on a SID all later logins
// with it. A store may forget it at MarkUntil.
type Selector struct {
	Key                     *Key
	UserID, ID, Except, SID string
	Everyone                bool
	Now, MarkUntil          time.Time
}

// Form tells the forms of a Selector apart.
type Form uint8

// The forms; the zero one selects nothing.
const (
	SelectNothing Form = iota
	SelectKey
	SelectOne
	SelectOthers
	SelectUser
	SelectSID
	SelectEveryone
)

// Form returns which of the forms s has, or SelectNothing.
func (s Selector) Form() Form {
	type fields struct{ key, user, id, except, sid, everyone bool }
	switch (fields{s.Key != nil, s.UserID != "", s.ID != "", s.Except != "", s.SID != "", s.Everyone}) {
	case fields{key: true}:
		return SelectKey
	case fields{user: true, id: true}:
		return SelectOne
	case fields{user: true, except: true}:
		return SelectOthers
	case fields{user: true}:
		return SelectUser
	case fields{sid: true}:
		return SelectSID
	case fields{everyone: true}:
		return SelectEveryone
	}
	return SelectNothing
}

// Replay is a Store that also remembers logout tokens.
type Replay interface {
	// Seen returns nil for the first call with id, and ErrReplayed for every later
	// one until that time. Of concurrent calls one gets nil.
	Seen(ctx context.Context, id string, now, until time.Time) error
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
