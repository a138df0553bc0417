package auditlog

import (
	"time"

	"github.com/auth0kit/auth0kit/audit"
)

// Period is a time from From, included, to To, not included. A zero bound is open.
type Period struct {
	From time.Time `json:"from"`
	To   time.Time `json:"to"`
}

// Filter selects events. Zero fields select all.
type Filter struct {
	// Subject is who or what the event is about: as actor, on behalf of whom, or as
	// target. A user who was forgotten is found by their pseudonym alone.
	Subject      audit.Ref
	Type, Action string
	Organization string
	Correlation  string
	Outcome      *audit.Outcome
	Period
}

// Entry is an event in the log.
type Entry struct {
	audit.Event
	Sealed bool   `json:"sealed"`
	Index  uint64 `json:"index"` // In the log; 0 unless Sealed.
	// Forgotten is set when a person in the event is forgotten: their ID is a
	// pseudonym, such as "p_…", and what was sealed under their key is gone.
	Forgotten bool `json:"forgotten,omitzero"`
	// Pseudonyms has the pseudonym of each user in the event, by id. Only sinks with
	// Cleartext get it: "audit.forget" names the user to be erased by it.
	Pseudonyms map[string]string `json:"pseudonyms,omitempty"`
}
