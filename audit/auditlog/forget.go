package auditlog

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"

	"github.com/auth0kit/auth0kit/audit"
	"github.com/auth0kit/auth0kit/audit/auditlog/driver"
)

// Forget destroys the key of a user. From then on nobody can read their ID, IP,
// UserAgent and Personal in any event, the log shows a pseudonym, and all proofs
// still verify. Events that arrive later are sealed under keys that nobody keeps.
// Other processes may seal under the destroyed key for up to a minute. It is
// recorded as "audit.forget" with the pseudonym as target, in the same
// transaction. ErrHeld says that a legal hold covers the user; nothing is
// changed then. Forgetting a user twice, or one who is not in the log, is fine.
//
// It does not reach what sinks received, exports, archives in clear and backups
// of the store.
//
// Who comes back with the same id stays forgotten. Each of their events has a pseudonym
// of its own, so no query, export or detection brings them together, and a report counts
// each event as another user. End the account first, and give a person who returns a
// new id: what an old one does cannot be attributed to anybody.
func (l *Log) Forget(ctx context.Context, userID string) error {
	index, err := l.open(ctx)
	if err != nil {
		return err
	}
	who, err := personRef(userID)
	if err != nil {
		return err
	}
	for attempt := 0; ; attempt++ {
		err := l.forget(ctx, index, who)
		if !errors.Is(err, driver.ErrConflict) || attempt == 10 {
			l.subjects.cache.Drop(who)
			return err
		}
	}
}

func personRef(userID string) (audit.Ref, error) {
	if userID == "" || len(userID) > audit.MaxID {
		return audit.Ref{}, fmt.Errorf("auditlog: userID must have 1 to %d bytes", audit.MaxID)
	}
	return audit.Ref{Kind: person, ID: userID}, nil
}

func (l *Log) forget(ctx context.Context, index []byte, who audit.Ref) error {
	key := lookup(index, who)
	records, err := l.store.Get(ctx, kindSubject, key)
	if err != nil {
		return fmt.Errorf("auditlog: reading subjects: %w", err)
	}
	grave := driver.Write{Kind: kindSubject, Key: key, Value: []byte(tombstone)}
	writes := []driver.Write{}
	var target audit.Ref
	if len(records) > 0 {
		name := string(records[0].Value)
		if name == tombstone {
			return nil
		}
		grave.Version = records[0].Version
		writes = append(writes, driver.Write{Kind: kindKey, Key: name, Version: driver.Any})
		target = audit.Ref{Kind: "pseudonym", ID: name}
	}
	holds, guard, err := l.holds(ctx)
	if err != nil {
		return err
	}
	for _, h := range holds {
		if covered, err := l.covers(ctx, h, person+":"+target.ID); err != nil {
			return err
		} else if covered {
			return fmt.Errorf("%w: hold %q", ErrHeld, h.Name)
		}
	}
	return l.recordWith(ctx, audit.Event{Action: "audit.forget", Target: target}, append(writes, grave, guard)...)
}

// recordWith records an event of the log itself and makes the writes, in one
// transaction.
func (l *Log) recordWith(ctx context.Context, e audit.Event, writes ...driver.Write) error {
	e.Type, e.Source = "audit", "auth0kit/auditlog"
	if e.Outcome == audit.Unknown {
		e.Outcome = audit.Success
	}
	if e.ID == "" {
		e.ID = rand.Text()
	}
	return audit.Record(ctx, recorderFunc(func(ctx context.Context, e audit.Event) error {
		row, err := l.prepare(ctx, e)
		if err != nil {
			return err
		}
		if err := l.require(ctx, row); err != nil {
			return err
		}
		return l.append(ctx, []driver.Event{row}, writes...)
	}), e)
}

type recorderFunc func(ctx context.Context, e audit.Event) error

func (f recorderFunc) Record(ctx context.Context, e audit.Event) error { return f(ctx, e) }

// Export writes what the log has about a user, as a JSON array of entries ordered
// by time. Other people in these events appear under their pseudonyms. It is
// recorded as "audit.export" first.
func (l *Log) Export(ctx context.Context, userID string, w io.Writer) error {
	who, err := personRef(userID)
	if err != nil {
		return err
	}
	index, err := l.open(ctx)
	if err != nil {
		return err
	}
	if err := l.access(ctx, "export", Filter{Subject: who}); err != nil {
		return err
	}
	names, err := l.subjects.pseudonyms(ctx, index, []audit.Ref{who})
	if err != nil {
		return err
	}
	keys, err := l.subjects.open(ctx, []string{names[who]})
	if err != nil {
		return err
	}
	return l.export(ctx, who, keys, w)
}

func (l *Log) export(ctx context.Context, who audit.Ref, keys map[string]*subject, w io.Writer) error {
	separator := "[\n"
	for rows, err := range l.rows(ctx, Filter{Subject: who}) {
		if err != nil {
			return err
		}
		for _, r := range rows {
			parsed, err := parseLeaf(r.Leaf)
			if err != nil {
				return err
			}
			e := Entry{Sealed: r.Sealed, Index: r.Index}
			if e.Event, _, err = parsed.event(keys); err != nil {
				return err
			}
			text, err := json.Marshal(e)
			if err != nil {
				return err
			}
			if _, err := fmt.Fprintf(w, "%s%s", separator, text); err != nil {
				return fmt.Errorf("auditlog: writing the export: %w", err)
			}
			separator = ",\n"
		}
	}
	end := "\n]\n"
	if separator == "[\n" {
		end = "[]\n"
	}
	_, err := io.WriteString(w, end)
	return err
}

// Hold is a legal hold: what it covers is neither forgotten nor removed.
type Hold struct {
	Name   string // A lower-case name, such as "case-2026-17".
	Reason string // No personal data: it is recorded.
	Filter Filter
}

const kindHold = "hold" // By name. The record "holds" of kindLog changes with each.

// heldFilter is a Hold in the store: its subject is a pseudonym.
type heldFilter struct {
	Name   string        `json:"name"`
	Reason string        `json:"reason"`
	Filter driver.Filter `json:"filter"`
}

// Hold puts a legal hold on the events that match, including later ones, and
// records it as "audit.hold". A hold of the same name is replaced.
func (l *Log) Hold(ctx context.Context, h Hold) error {
	if h.Name == "" || h.Reason == "" {
		return errors.New("auditlog: Hold needs a Name and a Reason")
	}
	if h.Filter.Subject.Kind == person { // has a pseudonym from now on
		index, err := l.open(ctx)
		if err != nil {
			return err
		}
		if _, err := l.subjects.get(ctx, index, []audit.Ref{h.Filter.Subject}); err != nil {
			return err
		}
	}
	f, none, err := l.resolve(ctx, h.Filter)
	if err != nil {
		return err
	}
	if none {
		return errors.New("auditlog: Hold.Filter.Subject is forgotten; there is nothing left to hold")
	}
	value, err := json.Marshal(heldFilter{Name: h.Name, Reason: h.Reason, Filter: f})
	if err != nil {
		return err
	}
	return l.changeHold(ctx, "audit.hold", h.Name, h.Reason, value)
}

// Release ends a hold and records it as "audit.release". ErrNotFound is returned
// when there is no hold of that name.
func (l *Log) Release(ctx context.Context, name, reason string) error {
	if reason == "" {
		return errors.New("auditlog: Release needs a reason")
	}
	holds, _, err := l.holds(ctx)
	if err != nil {
		return err
	}
	if !slices.ContainsFunc(holds, func(h heldFilter) bool { return h.Name == name }) {
		return fmt.Errorf("%w: no hold of that name", ErrNotFound)
	}
	return l.changeHold(ctx, "audit.release", name, reason, nil)
}

func (l *Log) changeHold(ctx context.Context, action, name, reason string, value []byte) error {
	for attempt := 0; ; attempt++ {
		_, guard, err := l.holds(ctx)
		if err != nil {
			return err
		}
		err = l.recordWith(ctx, audit.Event{Action: action, Target: audit.Ref{Kind: "hold", ID: name}, Metadata: map[string]string{"reason": reason}},
			driver.Write{Kind: kindHold, Key: name, Value: value, Version: driver.Any}, guard)
		if !errors.Is(err, driver.ErrConflict) || attempt == 10 {
			return err
		}
	}
}

// holds returns all holds, and the write with which a transaction makes sure that
// they are still all.
func (l *Log) holds(ctx context.Context) (holds []heldFilter, guard driver.Write, err error) {
	guard = driver.Write{Kind: kindLog, Key: "holds", Value: []byte("changed")}
	epoch, err := l.store.Get(ctx, kindLog, "holds")
	if err != nil {
		return nil, guard, fmt.Errorf("auditlog: reading holds: %w", err)
	}
	if len(epoch) > 0 {
		guard.Version = epoch[0].Version
	}
	for after := ""; ; {
		records, err := l.store.List(ctx, kindHold, after, false, page)
		if err != nil {
			return nil, guard, fmt.Errorf("auditlog: reading holds: %w", err)
		}
		for _, r := range records {
			var h heldFilter
			if err := json.Unmarshal(r.Value, &h); err != nil {
				return nil, guard, fmt.Errorf("auditlog: hold %q is not readable: %w", r.Key, err)
			}
			holds, after = append(holds, h), r.Key
		}
		if len(records) < page {
			return holds, guard, nil
		}
	}
}

// covers reports whether a hold keeps the events of a subject.
func (l *Log) covers(ctx context.Context, h heldFilter, subject string) (bool, error) {
	f := h.Filter
	if f.Subject == subject {
		return true, nil
	}
	if f.Subject == "" {
		f.Subject = subject
		rows, err := l.store.Query(ctx, f, 1)
		return len(rows) > 0, err
	}
	for { // the events of the held subject, with this one in another role
		rows, err := l.store.Query(ctx, f, page)
		if err != nil {
			return false, fmt.Errorf("auditlog: reading events: %w", err)
		}
		for _, r := range rows {
			if r.Actor == subject || r.OnBehalfOf == subject || r.Target == subject {
				return true, nil
			}
		}
		if len(rows) < page {
			return false, nil
		}
		f.AfterAt, f.AfterID = rows[page-1].At, rows[page-1].ID
	}
}
