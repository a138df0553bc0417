// Package driver defines the interface that a store of second factors implements.
// Applications use package guardian instead, with guardian.NewMemory or
// sqlguardian. Test a store of your own with package guardiantest.
package driver

import (
	"context"
	"errors"
	"time"
)

// Store keeps what package guardian knows about users: one record for each Key.
// All policy is in package guardian. Package guardiantest tests each sentence of
// this contract.
//
// All methods are safe for concurrent use, also by several processes if they share
// the store. Errors other than ErrNoRecord and ErrConflict are failures of the
// store.
type Store interface {
	// Load returns the record of a key as it was last saved, or ErrNoRecord. A Load
	// that begins after a Save has returned sees it. Load ignores Until.
	Load(ctx context.Context, k Key) (Record, error)

	// Save writes r in one conditional update if the stored record has the version
	// old, or, if old is zero, if there is no record. Otherwise it writes nothing and
	// returns ErrConflict. Of concurrent calls with the same old, exactly one
	// succeeds.
	Save(ctx context.Context, r Record, old int64) error

	// Forget removes all records of a subject, including its counted failures. It
	// returns nil if there are none.
	Forget(ctx context.Context, subject string) error

	// Sweep removes the records whose Until is set and not after now, and returns
	// their number.
	Sweep(ctx context.Context, now time.Time) (int, error)
}

// Kind says what a record contains.
type Kind string

// The kinds.
const (
	KindTOTP     Kind = "totp"     // The authenticator app of a user, current and pending.
	KindRecovery Kind = "recovery" // The recovery codes of a user.
	KindPasskey  Kind = "passkey"  // The passkeys of a user, and challenges that wait.
	KindShown    Kind = "shown"    // Recovery codes that the user has not said to have kept, for minutes.
	KindAttempts Kind = "attempts" // The failed attempts of a user with a factor.
)

// Key names a record. Two keys are equal if all three parts are equal byte by
// byte.
type Key struct {
	Subject string // A user id of at most 255 bytes.
	Kind    Kind
	Factor  string // The guardian.Factor for KindAttempts; otherwise empty.
}

// Record holds what is stored. Data is sealed: a store cannot read it, and a copy
// of the store reveals no seed.
type Record struct {
	Key     Key
	Version int64     // At least 1.
	Until   time.Time // When Sweep may remove it; zero means never. Whole milliseconds, UTC.
	Data    []byte
}

// ErrNoRecord is returned by Load when the key has no record. ErrConflict is
// returned by Save when the stored version is not the given one.
var (
	ErrNoRecord = errors.New("guardian: no record")
	ErrConflict = errors.New("guardian: record has another version")
)
