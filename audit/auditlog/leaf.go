package auditlog

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/auth0kit/auth0kit/audit"
	"github.com/auth0kit/auth0kit/audit/auditlog/driver"
)

// person is the kind of references whose id is sealed.
const person = "user"

const leafVersion = 1

// leaf is the sealed form of an event. Its JSON is what is stored, hashed and
// proved, byte for byte; it is never encoded again from what was read.
type leaf struct {
	Version      int               `json:"v"`
	ID           string            `json:"id"`
	Time         time.Time         `json:"time"`
	LoggedAt     time.Time         `json:"logged_at"`
	Type         string            `json:"type"`
	Action       string            `json:"action"`
	Actor        audit.Ref         `json:"actor,omitzero"`
	OnBehalfOf   audit.Ref         `json:"on_behalf_of,omitzero"`
	Target       audit.Ref         `json:"target,omitzero"`
	Outcome      audit.Outcome     `json:"outcome"`
	Reason       string            `json:"reason,omitempty"`
	Correlation  string            `json:"correlation,omitempty"`
	Organization string            `json:"organization,omitempty"`
	Source       string            `json:"source,omitempty"`
	Metadata     map[string]string `json:"metadata,omitempty"`
	Sealed       []box             `json:"sealed,omitempty"`
}

// box has what is sealed under one subject's key.
type box struct {
	Subject string `json:"subject"` // Pseudonym.
	Data    []byte `json:"data"`
	Tag     []byte `json:"tag"` // HMAC-SHA256 of the plaintext: AES-GCM does not commit to its key.
}

// secrets is what a box holds.
type secrets struct {
	Actor      string            `json:"actor,omitempty"`
	OnBehalfOf string            `json:"on_behalf_of,omitempty"`
	Target     string            `json:"target,omitempty"`
	IP         string            `json:"ip,omitempty"`
	UserAgent  string            `json:"user_agent,omitempty"`
	Personal   map[string]string `json:"personal,omitempty"`
}

// subjectsOf returns whose keys seal e: the persons that it names, whose address
// it has, and whose Personal.
func subjectsOf(e *audit.Event) []audit.Ref {
	var refs []audit.Ref
	for _, r := range []audit.Ref{e.Actor, e.OnBehalfOf, e.Target} {
		if r.Kind == person {
			refs = append(refs, r)
		}
	}
	if e.IP != "" || e.UserAgent != "" {
		refs = append(refs, addressOwner(e))
	}
	if len(e.Personal) > 0 {
		refs = append(refs, e.Target)
	}
	return refs
}

// addressOwner is whose IP and UserAgent e has: the actor's. Where nobody is
// known to act, as in a failed login, they are the target's; the zero Ref, with
// neither, is a subject too.
func addressOwner(e *audit.Event) audit.Ref {
	if e.Actor.IsZero() {
		return e.Target
	}
	return e.Actor
}

// encode makes the row of e. Subjects has an entry for each of subjectsOf.
func encode(e audit.Event, subjects map[audit.Ref]*subject) (driver.Event, error) {
	l := leaf{
		Version: leafVersion, ID: e.ID, Time: e.Time, LoggedAt: e.LoggedAt, Type: e.Type, Action: e.Action,
		Actor: e.Actor, OnBehalfOf: e.OnBehalfOf, Target: e.Target, Outcome: e.Outcome, Reason: e.Reason,
		Correlation: e.Correlation, Organization: e.Organization, Source: e.Source, Metadata: e.Metadata,
	}
	boxes := make(map[audit.Ref]*secrets, 2)
	var order []audit.Ref
	of := func(r audit.Ref) *secrets {
		if boxes[r] == nil {
			boxes[r], order = &secrets{}, append(order, r)
		}
		return boxes[r]
	}
	if e.Actor.Kind == person {
		of(e.Actor).Actor, l.Actor.ID = e.Actor.ID, subjects[e.Actor].pseudonym
	}
	if e.OnBehalfOf.Kind == person {
		of(e.OnBehalfOf).OnBehalfOf, l.OnBehalfOf.ID = e.OnBehalfOf.ID, subjects[e.OnBehalfOf].pseudonym
	}
	if e.Target.Kind == person {
		of(e.Target).Target, l.Target.ID = e.Target.ID, subjects[e.Target].pseudonym
	}
	if e.IP != "" || e.UserAgent != "" {
		b := of(addressOwner(&e))
		b.IP, b.UserAgent = e.IP, e.UserAgent
	}
	if len(e.Personal) > 0 {
		of(e.Target).Personal = e.Personal
	}
	for _, r := range order {
		b, err := subjects[r].seal(e.ID, e.Organization, boxes[r])
		if err != nil {
			return driver.Event{}, err
		}
		l.Sealed = append(l.Sealed, b)
	}
	return l.row()
}

func (l *leaf) row() (driver.Event, error) {
	text, err := json.Marshal(l)
	if err != nil {
		return driver.Event{}, fmt.Errorf("auditlog: event is not encodable: %w", err)
	}
	return l.columns(text), nil
}

// columns are the copies that a store keeps beside the leaf.
func (l *leaf) columns(text []byte) driver.Event {
	return driver.Event{
		ID: l.ID, At: l.Time, Type: l.Type, Action: l.Action, Reason: l.Reason, Outcome: l.Outcome,
		Actor: column(l.Actor), OnBehalfOf: column(l.OnBehalfOf), Target: column(l.Target),
		Organization: l.Organization, Correlation: l.Correlation, LoggedAt: l.LoggedAt, Leaf: text,
	}
}

// column is a reference as stores keep it. A kind has no colon.
func column(r audit.Ref) string {
	if r.IsZero() {
		return ""
	}
	return r.Kind + ":" + r.ID
}

func parseLeaf(text []byte) (*leaf, error) {
	var l leaf
	if err := json.Unmarshal(text, &l); err != nil {
		return nil, errors.New("auditlog: a leaf is not the JSON of an event")
	}
	if l.Version != leafVersion {
		return nil, fmt.Errorf("auditlog: a leaf has version %d; this program reads %d", l.Version, leafVersion)
	}
	return &l, nil
}

// parseLeafOf is parseLeaf for a row that was found by an organization, by its column or by a
// record that names it; "" for a row that was not.
func parseLeafOf(org string, r driver.Row) (*leaf, error) {
	l, err := parseLeaf(r.Leaf)
	if err == nil && org != "" && l.Organization != org {
		return nil, &TamperError{Index: r.Index, Last: r.Index, ID: r.ID, Kind: edited, Fields: []string{"organization"}}
	}
	return l, err
}

// event returns the leaf's event with what keys open. Whose key is not there
// stays a pseudonym, and forgotten is true.
func (l *leaf) event(keys map[string]*subject) (e audit.Event, forgotten bool, err error) {
	e = audit.Event{
		ID: l.ID, Time: l.Time, LoggedAt: l.LoggedAt, Type: l.Type, Action: l.Action,
		Actor: l.Actor, OnBehalfOf: l.OnBehalfOf, Target: l.Target, Outcome: l.Outcome, Reason: l.Reason,
		Correlation: l.Correlation, Organization: l.Organization, Source: l.Source, Metadata: l.Metadata,
	}
	for _, b := range l.Sealed {
		key := keys[b.Subject]
		if key == nil {
			forgotten = true
			continue
		}
		s, err := key.open(l.ID, l.Organization, b)
		if err != nil {
			return audit.Event{}, false, err
		}
		s.putInto(&e)
	}
	return e, forgotten, nil
}

func (s *secrets) putInto(e *audit.Event) {
	for _, f := range []struct {
		to   *string
		from string
	}{
		{&e.Actor.ID, s.Actor}, {&e.OnBehalfOf.ID, s.OnBehalfOf}, {&e.Target.ID, s.Target},
		{&e.IP, s.IP}, {&e.UserAgent, s.UserAgent},
	} {
		if f.from != "" {
			*f.to = f.from
		}
	}
	if s.Personal != nil {
		e.Personal = s.Personal
	}
}

func tagOf(key, plain []byte) []byte {
	mac := hmac.New(sha256.New, key)
	mac.Write(plain)
	return mac.Sum(nil)
}
