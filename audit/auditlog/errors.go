package auditlog

import (
	"errors"
	"fmt"
	"strings"
)

var (
	// ErrTailNotProved is returned by Verify and VerifyArchive when nothing is
	// wrong with what is there, but no checkpoint that was kept elsewhere proves
	// that the end of the log is still there.
	ErrTailNotProved = errors.New("auditlog: tail not proved: give a checkpoint that was kept outside of the store")
	// ErrOtherLog is returned when the store, a checkpoint or a proof belongs to a
	// log of another name or signer.
	ErrOtherLog = errors.New("auditlog: another log: name or signer differ")
	// ErrHeld is returned by Forget when a legal hold covers the person.
	ErrHeld = errors.New("auditlog: a legal hold covers these events")
	// ErrNotFound is returned when no event has that id.
	ErrNotFound = errors.New("auditlog: no such event")
	// ErrNotSealed is returned by Prove for an event that is not sealed yet. Sealing
	// takes about a second while a process is in Run.
	ErrNotSealed = errors.New("auditlog: event is not sealed yet")
)

// TamperError says what was done to the log and where. Index and Last are the
// first and the last event that it can concern; they are equal when it is known
// exactly.
type TamperError struct {
	Index, Last uint64
	ID          string   // Of the event at Index, when it can still be read.
	Kind        string   // "edited", "deleted", "inserted", "reordered", "truncated" or "forked".
	Fields      []string // Which copies beside the sealed event differ; "leaf" for the event itself, "tree" for the stored hashes.
	// Record is set where no event was changed but a record that reports count by, and
	// Index and Last are 0 then: "sum/2026-11-24/a" for a part of the sums of a day,
	// "orgsum/HASH/2026-11-24/0" for those of the organization whose id begins its
	// SHA-256 with HASH, "cursor/sums" for how far they are, "retention/expired" for what
	// retention has removed.
	Record string
}

// Error names the place and the kind; it has no content of the event.
func (e *TamperError) Error() string {
	at := fmt.Sprintf("event %d", e.Index)
	if e.Record != "" {
		at = "record " + e.Record
	} else if e.Last > e.Index {
		at = fmt.Sprintf("an event from %d to %d", e.Index, e.Last)
	}
	s := "auditlog: the log was tampered with: " + at + " was " + e.Kind
	if len(e.Fields) > 0 {
		s += " (" + strings.Join(e.Fields, ", ") + ")"
	}
	return s
}

// Kinds of a TamperError.
const (
	edited    = "edited"
	deleted   = "deleted"
	inserted  = "inserted"
	reordered = "reordered"
	truncated = "truncated"
	forked    = "forked"
)
