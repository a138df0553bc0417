package audit

import (
	"errors"
	"fmt"
	"net/netip"
	"strings"
	"time"
	"unicode/utf8"
)

// Outcome says how an event ended.
type Outcome uint8

// The outcomes. Unknown is for a request whose reply was lost.
const (
	Unknown Outcome = iota
	Success
	Failure
)

// String returns "unknown", "success" or "failure".
func (o Outcome) String() string {
	switch o {
	case Success:
		return "success"
	case Failure:
		return "failure"
	}
	return "unknown"
}

// MarshalText makes the outcome readable in JSON.
func (o Outcome) MarshalText() ([]byte, error) { return []byte(o.String()), nil }

// UnmarshalText reads what MarshalText writes.
func (o *Outcome) UnmarshalText(text []byte) error {
	for _, known := range []Outcome{Unknown, Success, Failure} {
		if string(text) == known.String() {
			*o = known
			return nil
		}
	}
	return errors.New("audit: outcome must be unknown, success or failure")
}

// Ref names a subject or an object without describing it.
type Ref struct {
	Kind string `json:"kind"` // "user", "client", "organization", "session", "job", …
	ID   string `json:"id"`   // "auth0|…", "org_…"
}

// IsZero reports whether the reference is empty.
func (r Ref) IsZero() bool { return r == Ref{} }

// Event holds one thing that happened to one target. Record what concerns several
// targets as several events with one Correlation. The fields are frozen: stores,
// encoders and reports rely on them.
type Event struct {
	ID           string            `json:"id"`                    // Defaults to a new one. The idempotency key: one id is recorded once.
	Time         time.Time         `json:"time"`                  // When it happened, kept in UTC to the microsecond. Defaults to now.
	LoggedAt     time.Time         `json:"logged_at,omitzero"`    // When the log took it; set by the log.
	Type         string            `json:"type"`                  // Required: the area, "session".
	Action       string            `json:"action"`                // Required: "session.create"; starts with Type and a dot.
	Actor        Ref               `json:"actor,omitzero"`        // Who did it. Defaults to the context's, as OnBehalfOf.
	OnBehalfOf   Ref               `json:"on_behalf_of,omitzero"` // Who is really acting when Actor is not: in a delegated session, or through an agent.
	Target       Ref               `json:"target,omitzero"`       // To whom or what. Owner of Personal.
	Outcome      Outcome           `json:"outcome"`
	Reason       string            `json:"reason,omitempty"`      // Low cardinality: "wrong_code".
	Correlation  string            `json:"correlation,omitempty"` // What belongs together: Auth0's session or transaction, or the request. Defaults to the context's, as the next three.
	IP           string            `json:"ip,omitempty"`          // Without a port. A zone is cut off.
	UserAgent    string            `json:"user_agent,omitempty"`
	Organization string            `json:"organization,omitempty"`
	Source       string            `json:"source,omitempty"`   // Where it was recorded: "auth0kit/session", "auth0".
	Metadata     map[string]string `json:"metadata,omitempty"` // No personal data, no secrets.
	Personal     map[string]string `json:"personal,omitempty"` // Sealed under Target's key before hashing; erasure destroys the key.
}

// Bounds of an event, in bytes where nothing else is said. They keep one event
// below 64 KiB, so that every store and SIEM takes it.
const (
	MaxName    = 64   // Type, Reason, Ref.Kind, and the keys of the maps. Action may have twice as much.
	MaxID      = 255  // ID, Ref.ID, Organization, Source, and Correlation, which is cut instead of refused. Auth0's own bound of a user id.
	MaxValue   = 1024 // Values of the maps, and UserAgent, which is cut instead of refused.
	MaxEntries = 32   // Entries of a map.
)

// Validate returns the first field that breaks the bounds, and how.
func (e *Event) Validate() error {
	checks := []func() error{
		e.validateNames,
		func() error { return validateRef("Actor", e.Actor) },
		func() error { return validateRef("OnBehalfOf", e.OnBehalfOf) },
		func() error { return validateRef("Target", e.Target) },
		e.validateOrigin,
		func() error { return validateMap("Metadata", e.Metadata) },
		func() error { return validateMap("Personal", e.Personal) },
	}
	for _, check := range checks {
		if err := check(); err != nil {
			return err
		}
	}
	if len(e.Personal) > 0 && e.Target.IsZero() {
		return errors.New("audit: Event.Personal needs a Target, whose key seals it")
	}
	return nil
}

func (e *Event) validateNames() error {
	if !isName(e.Type, MaxName) || strings.Contains(e.Type, ".") {
		return invalid("Type", "must be one lower-case name of at most 64 characters, such as \"session\"")
	}
	if !isName(e.Action, 2*MaxName) || !strings.HasPrefix(e.Action, e.Type+".") {
		return invalid("Action", "must be Type, a dot and a verb, such as \"session.create\"")
	}
	if e.Reason != "" && !isName(e.Reason, MaxName) {
		return invalid("Reason", "must be one lower-case name of low cardinality, such as \"wrong_code\"")
	}
	if e.Outcome > Failure {
		return invalid("Outcome", "must be Unknown, Success or Failure")
	}
	return validateText("ID", e.ID, MaxID)
}

func (e *Event) validateOrigin() error {
	if e.IP != "" {
		if a, err := netip.ParseAddr(e.IP); err != nil || a.Zone() != "" { // a zone may be any text
			return invalid("IP", "must be an address without a port and a zone, or empty")
		}
	}
	if err := validateText("Correlation", e.Correlation, MaxID); err != nil {
		return err
	}
	if err := validateText("UserAgent", e.UserAgent, MaxValue); err != nil {
		return err
	}
	if err := validateText("Organization", e.Organization, MaxID); err != nil {
		return err
	}
	return validateText("Source", e.Source, MaxID)
}

func validateRef(field string, r Ref) error {
	if r.IsZero() {
		return nil
	}
	if !isName(r.Kind, MaxName) {
		return invalid(field+".Kind", "must be one lower-case name, such as \"user\"")
	}
	if r.ID == "" {
		return invalid(field+".ID", "must not be empty when Kind is set")
	}
	return validateText(field+".ID", r.ID, MaxID)
}

func validateMap(field string, m map[string]string) error {
	if len(m) > MaxEntries {
		return invalid(field, fmt.Sprintf("has %d entries; %d are allowed", len(m), MaxEntries))
	}
	for key, value := range m {
		if !isName(key, MaxName) {
			return invalid(field, "has a key that is not a lower-case name of at most 64 characters")
		}
		if err := validateText(field+"["+key+"]", value, MaxValue); err != nil {
			return err
		}
	}
	return nil
}

func validateText(field, s string, limit int) error {
	if len(s) > limit {
		return invalid(field, fmt.Sprintf("has %d bytes; %d are allowed", len(s), limit))
	}
	if !utf8.ValidString(s) {
		return invalid(field, "must be valid UTF-8")
	}
	for _, r := range s {
		if r < ' ' || r == 0x7f {
			return invalid(field, "must not have control characters")
		}
	}
	return nil
}

// isName accepts lower-case ASCII letters, digits, and _ - . after a letter.
func isName(s string, limit int) bool {
	if s == "" || len(s) > limit || s[0] < 'a' || s[0] > 'z' {
		return false
	}
	for _, r := range s {
		switch {
		case 'a' <= r && r <= 'z', '0' <= r && r <= '9', r == '_', r == '-', r == '.':
		default:
			return false
		}
	}
	return s[len(s)-1] != '.'
}

func invalid(field, problem string) error {
	return fmt.Errorf("audit: Event.%s %s", field, problem)
}
