package auditlog

import (
	"context"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"slices"

	"github.com/auth0kit/auth0kit/audit/auditlog/driver"
)

// fieldsThatDiffer compares the copies of a row with its leaf.
func fieldsThatDiffer(e driver.Event) []string {
	l, err := parseLeaf(e.Leaf)
	if err != nil {
		return []string{"leaf"}
	}
	want := l.columns(e.Leaf)
	var fields []string
	for _, f := range []struct {
		name string
		same bool
	}{
		{"id", e.ID == want.ID},
		{"time", e.At.Equal(want.At)},
		{"type", e.Type == want.Type},
		{"action", e.Action == want.Action},
		{"reason", e.Reason == want.Reason},
		{"outcome", e.Outcome == want.Outcome},
		{"actor", e.Actor == want.Actor},
		{"on_behalf_of", e.OnBehalfOf == want.OnBehalfOf},
		{"target", e.Target == want.Target},
		{"organization", e.Organization == want.Organization},
		{"correlation", e.Correlation == want.Correlation},
		{"logged_at", e.LoggedAt.Equal(want.LoggedAt)},
	} {
		if !f.same {
			fields = append(fields, f.name)
		}
	}
	return fields
}

// classify says what happened at the first place where a leaf is not the sealed
// one. The stored hashes are right here, so they tell where a leaf belongs.
func (v *verifier) classify(ctx context.Context, d *difference) error {
	e := &TamperError{Index: d.index, Last: d.index, ID: d.id}
	switch {
	case d.twice:
		e.Kind = inserted
		return e
	case d.got == nil:
		rest, err := v.l.store.Sealed(ctx, d.index, 1)
		if err != nil {
			return fmt.Errorf("auditlog: reading events: %w", err)
		}
		e.Kind = deleted
		if len(rest) == 0 {
			e.Kind, e.Last = truncated, v.size-1
		}
		return e
	}
	elsewhere, err := v.sealedElsewhere(ctx, d)
	if err != nil {
		return err
	}
	if !elsewhere {
		e.Kind, e.Fields = edited, []string{"leaf"}
		return e
	}
	e.Kind = deleted // and what followed was moved up
	moved, err := v.stillThere(ctx, d)
	if moved {
		e.Kind = reordered
	}
	if err != nil {
		return err
	}
	return e
}

// sealedElsewhere reports whether the leaf that is here was sealed at another
// place.
func (v *verifier) sealedElsewhere(ctx context.Context, d *difference) (bool, error) {
	for from := uint64(0); from < v.size; from += stepRows {
		hashes, err := v.tileHashes(ctx, from, min(from+stepRows, v.size))
		if err != nil {
			return false, err
		}
		if slices.ContainsFunc(hashes, func(h []byte) bool { return slices.Equal(h, d.got) }) {
			return true, nil
		}
	}
	return false, nil
}

// stillThere reports whether the leaf that was sealed here is now further back.
func (v *verifier) stillThere(ctx context.Context, d *difference) (bool, error) {
	for from := d.index + 1; from < v.size; from += stepRows {
		rows, err := v.l.store.Sealed(ctx, from, stepRows)
		if err != nil {
			return false, fmt.Errorf("auditlog: reading events: %w", err)
		}
		for _, r := range rows {
			if slices.Equal(hasher.HashLeaf(r.Leaf), d.want) {
				return true, nil
			}
		}
	}
	return false, nil
}

// beyond looks for what lies behind the end of the tree. The log may have grown
// since, so the end is read again.
func (v *verifier) beyond(ctx context.Context) error {
	rows, err1 := v.l.store.Sealed(ctx, v.size, 1)
	newest, err2 := v.l.store.List(ctx, kindCheckpoint, "", true, 1)
	h, _, err3 := readHead(ctx, v.l.store)
	for _, err := range []error{err1, err2, err3} {
		if err != nil {
			return fmt.Errorf("auditlog: reading the end of the log: %w", err)
		}
	}
	if len(newest) > 0 && newest[0].Key > checkpointKey(h.Size) {
		return &TamperError{Index: h.Size, Last: h.Size, Kind: truncated, Fields: []string{"tree"}}
	}
	if len(rows) > 0 && rows[0].Index >= h.Size {
		return &TamperError{Index: rows[0].Index, Last: rows[0].Index, ID: rows[0].ID, Kind: inserted}
	}
	return nil
}

// unsealed checks the events that wait against the hashes that their writers left.
func (v *verifier) unsealed(ctx context.Context) error {
	var after driver.Place
	for {
		rows, err := v.l.store.Unsealed(ctx, after, stepRows)
		if err != nil {
			return fmt.Errorf("auditlog: reading events: %w", err)
		}
		for _, r := range rows {
			e := &TamperError{Index: v.size, Last: v.size, ID: r.ID, Kind: edited, Fields: fieldsThatDiffer(r.Event)}
			switch {
			case r.Hash == nil:
				e.Kind, e.Fields = inserted, nil
				return e
			case !slices.Equal(r.Hash, hasher.HashLeaf(r.Leaf)):
				e.Fields = []string{"leaf"}
				return e
			case len(e.Fields) > 0:
				return e
			}
		}
		v.waiting += len(rows)
		if len(rows) < stepRows {
			return nil
		}
		after = rows[len(rows)-1].Place
	}
}

// kindRetention is the kind of the record "expired", which has the indexes of the
// events that retention removed. Its digest is in the event that says so.
const (
	kindRetention = "retention"
	expiredKey    = "expired"
)

type expiredRecord struct {
	Event  string         `json:"event"` // Id of the event that has the digest.
	Ranges []driver.Range `json:"ranges"`
	Months []string       `json:"months"` // Of which something was removed: nothing is summed of them.
}

func (r expiredRecord) digest() (string, error) {
	text, err := json.Marshal([]any{r.Ranges, r.Months})
	return hex.EncodeToString(hasher.HashLeaf(text)), err
}

func (r expiredRecord) months() map[string]bool {
	all := make(map[string]bool, len(r.Months))
	for _, month := range r.Months {
		all[month] = true
	}
	return all
}

func readExpired(ctx context.Context, s driver.State) (expiredRecord, int64, error) {
	records, err := s.Get(ctx, kindRetention, expiredKey)
	if err != nil || len(records) == 0 {
		return expiredRecord{}, 0, err
	}
	var r expiredRecord
	if err := json.Unmarshal(records[0].Value, &r); err != nil {
		return expiredRecord{}, 0, fmt.Errorf("auditlog: the record of retention is not readable: %w", err)
	}
	return r, records[0].Version, nil
}

// loadExpired reads which events may be gone, and believes it only when the event
// in the log says the same.
func (v *verifier) loadExpired(ctx context.Context) error {
	defer func() { v.sums.begin(slot{}) }()
	r, version, err := readExpired(ctx, v.l.store)
	if v.retention = version; err != nil || version == 0 {
		return err
	}
	digest, err := r.digest()
	if err != nil {
		return err
	}
	rows, err := v.l.store.Find(ctx, []string{r.Event})
	if err != nil {
		return fmt.Errorf("auditlog: reading events: %w", err)
	}
	if len(rows) == 1 {
		l, err := parseLeaf(rows[0].Leaf)
		if err == nil && l.Action == "audit.expire" && l.Metadata["ranges"] == digest {
			v.expired, v.sums.expired = r.Ranges, r.months()
		}
	}
	v.forged = v.sums.expired == nil // the events count as deleted
	return nil
}
