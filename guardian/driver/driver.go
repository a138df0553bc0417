// Package driver defines what a store of second factors implements.
// Applications use package guardian instead, with guardian.NewMemory or
// sqlguardian. Test a store of your own with package guardiantest.
package driver

import (
	"context"
	"errors"
	"time"
)

// Store keeps what package guardian knows about users: one record for each Key. It
// decides nothing. Package guardiantest holds a store to these sentences.
//
// All methods are safe for concurrent use, by several processes if the store is
// shared by them. Errors other than the two below are failures of the store.
type Store interface {
	// Load returns the record of a key as it was saved last, or ErrNoRecord. A
	// Load that begins after a Save has returned sees it. It does not look at
	// Until.
	Load(ctx context.Context, k Key) (Record, error)

	// Save writes r if the stored record has the version old, in one conditional
	// update; with old zero, if there is none. Else it writes nothing and returns
	// ErrConflict. Of concurrent calls with one old, exactly one succeeds.
	Save(ctx context.Context, r Record, old int64) error

	// Forget removes all records of a subject, the failures that were counted
	// included. It is no error when there are none.
	Forget(ctx context.Context, subject string) error

	// Sweep removes the records whose Until is set and not after now, and returns
	// how many those were.
	Sweep(ctx context.Context, now time.Time) (int, error)
}

// Kind is what a record is about.
type Kind string

// The kinds.
const (
	KindTOTP     Kind = "totp"     // The authenticator app of a user, current and pending.
	KindRecovery Kind = "recovery" // The recovery codes of a user.
	KindAttempts Kind = "attempts" // The failures of a subject with a factor.
)

// Key names a record. All three parts count, byte by byte.
type Key struct {
	Subject string // A user id, at most 255 bytes, or an address in the form "address 192.0.2.1".
	Kind    Kind
	Factor  string // The guardian.Factor, of KindAttempts; else empty.
}

// Record is what is stored. Data is sealed: a store cannot read it, and a copy of
// the store is no copy of the seeds.
type Record struct {
	Key     Key
	Version int64     // At least 1.
	Until   time.Time // Zero: kept until it is deleted. Whole milliseconds, UTC.
	Data    []byte
}

// What a Store answers besides failures.
var (
	ErrNoRecord = errors.New("guardian: no record")
	ErrConflict = errors.New("guardian: record has another version")
)
