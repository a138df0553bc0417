package auditlog

import (
	"cmp"
	"context"
	"crypto/hmac"
	"errors"
	"fmt"
	"slices"
	"strconv"

	"github.com/transparency-dev/merkle/compact"
	"golang.org/x/mod/sumdb/note"

	"github.com/auth0kit/auth0kit/audit"
	"github.com/auth0kit/auth0kit/audit/auditlog/driver"
)

// Verification says what was verified.
type Verification struct {
	Size     uint64 // Sealed events of the log.
	Events   uint64 // Events that were read: each one is what was sealed at its place.
	ProvedTo uint64 // Size of the largest kept checkpoint: before it nothing is missing.
	Expired  uint64 // Events that retention removed; the tree still has their hashes.
	Unsealed int    // Events that were recorded and not sealed yet.
	// Checkpoint is the newest one. Keep it outside of the store for the next time.
	Checkpoint []byte
}

// Verify reads the whole log and compares every event, and the copies beside it,
// with the tree, the tree with every checkpoint in the store, all of it with the
// checkpoints that were kept outside of the store, and the sums that reports count by
// with the events. A *TamperError says what was done to which event or record. Without
// a kept checkpoint, or with the empty one only, the result comes with
// ErrTailNotProved: whoever can write to the store can cut off the end. Each kept
// checkpoint must have this log's name and a known signer; otherwise the error is
// ErrOtherLog. The record that says whose log this is must be as this process found it,
// or else a TamperError names "identity". Verify can run while events are recorded. It
// holds up to 500,000 sums in memory, some 100 MB, and reads the events again for each
// 250,000 or more that a larger log has. It is recorded itself, as "audit.verify" with
// its outcome.
func (l *Log) Verify(ctx context.Context, kept ...[]byte) (*Verification, error) {
	if _, err := l.open(ctx); err != nil {
		return nil, err
	}
	points, err := openAll(kept, l.signer.Name(), l.known)
	if err != nil {
		return nil, err
	}
	result, err := l.verify(ctx, points)
	return result, errors.Join(err, l.verified(ctx, result, err))
}

// openAll opens kept checkpoints and orders them by size.
func openAll(kept [][]byte, origin string, known note.Verifiers) ([]checkpoint, error) {
	points := make([]checkpoint, len(kept))
	for i, signed := range kept {
		var err error
		if points[i], err = openCheckpoint(signed, origin, known); err != nil {
			return nil, err
		}
	}
	sortBy(points, func(a, b checkpoint) int { return cmp.Compare(a.size, b.size) })
	return points, nil
}

func (l *Log) verified(ctx context.Context, result *Verification, err error) error {
	e := audit.Event{Type: "audit", Action: "audit.verify", Outcome: audit.Success, Source: "auth0kit/auditlog"}
	if t, ok := errors.AsType[*TamperError](err); ok {
		if e.Outcome, e.Reason = audit.Failure, t.Kind; t.Record != "" {
			e.Metadata = map[string]string{"record": t.Record}
		}
	} else if result == nil {
		e.Outcome = audit.Unknown
	} else {
		e.Metadata = map[string]string{"size": strconv.FormatUint(result.Size, 10), "proved_to": strconv.FormatUint(result.ProvedTo, 10)}
	}
	return audit.Record(ctx, l, e)
}

// verifyIdentity looks whether the record that says whose log this is, is still what
// it was when this process opened the log: with another key for finding subjects,
// Forget would find nobody.
func (l *Log) verifyIdentity(ctx context.Context) error {
	index, err := l.open(ctx)
	if err != nil {
		return err
	}
	var id identity
	version, err := readState(ctx, l.store, kindLog, "identity", &id)
	changed := &TamperError{Kind: edited, Fields: []string{"identity"}}
	if err != nil && version == 0 {
		return err
	}
	if err != nil || id.Name != l.signer.Name() {
		return changed
	}
	stored, err := l.ring.Open(id.Index, []byte(kindLog))
	if err != nil || !hmac.Equal(stored, index) {
		return changed
	}
	if id.Signer != l.signer.key && !slices.Contains(l.cfg.Retired, id.Signer) {
		return ErrOtherLog // a newer process has replaced the signer, or somebody else has
	}
	return nil
}

func (l *Log) verify(ctx context.Context, kept []checkpoint) (*Verification, error) {
	if err := l.verifyIdentity(ctx); err != nil {
		return nil, err
	}
	for attempt := 0; ; attempt++ {
		v := &verifier{l: l, kept: kept, leaves: ranges.NewEmptyRange(0), tiles: ranges.NewEmptyRange(0)}
		err := v.run(ctx)
		if err == nil {
			return v.result()
		}
		_, found := errors.AsType[*TamperError](err)
		if !found || attempt == 3 {
			return nil, err
		}
		if _, version, err2 := readExpired(ctx, l.store); err2 != nil || version == v.retention {
			return nil, err
		} // otherwise retention has removed events meanwhile
	}
}

func (v *verifier) run(ctx context.Context) (err error) {
	if v.sums, err = newRecount(ctx, v.l); err != nil { // before the tree, which is never behind it
		return err
	}
	h, _, err := readHead(ctx, v.l.store)
	if err != nil {
		return fmt.Errorf("auditlog: reading the tree: %w", err)
	}
	v.size = h.Size
	for _, step := range []func(context.Context) error{v.loadExpired, v.walk, v.beyond, v.unsealed} {
		if err := step(ctx); err != nil {
			return err
		}
	}
	if v.forged {
		return &TamperError{Kind: edited, Record: recordKey{kindRetention, expiredKey}.String()}
	}
	return v.sums.finish(ctx)
}

func (v *verifier) result() (*Verification, error) {
	kept := v.kept
	result := &Verification{Size: v.size, Events: v.size - v.expiredSeen, Expired: v.expiredSeen, Unsealed: v.waiting, Checkpoint: v.signed}
	if len(kept) > 0 {
		result.ProvedTo = kept[len(kept)-1].size
	}
	if result.ProvedTo == 0 {
		return result, ErrTailNotProved
	}
	return result, nil
}

// verifier walks through the log once, with two trees: of the leaves as they
// are, and of the hashes that were stored when they were sealed. Signed
// checkpoints tell which of the two is right.
type verifier struct {
	l       *Log
	size    uint64
	kept    []checkpoint
	stored  []driver.Record // Checkpoints to come.
	after   string          // Key of the last of them.
	expired []driver.Range
	forged  bool // The record of retention is not what was recorded.
	sums    *recount

	retention int64 // Version of that record.

	leaves, tiles *compact.Range
	good          uint64       // Size of the last checkpoint that both agree with.
	keptGood      uint64       // Of the last kept one.
	first         *difference  // Since then.
	fields        *TamperError // The first copy that differs, since then.

	signed      []byte
	expiredSeen uint64
	waiting     int
}

// difference is where a leaf is not what was sealed.
type difference struct {
	index     uint64
	id        string
	got, want []byte // Hashes; got is nil for an event that is gone.
	twice     bool   // Two rows are at one place.
}

// stepRows is how many events are compared at a time: whole tiles.
const stepRows = 4 * tileWidth

// walk compares event by event, and at each checkpoint the roots.
func (v *verifier) walk(ctx context.Context) error {
	if len(v.kept) > 0 && v.kept[len(v.kept)-1].size > v.size {
		return &TamperError{Index: v.size, Last: v.kept[len(v.kept)-1].size - 1, Kind: truncated}
	}
	for from := uint64(0); from < v.size; from += stepRows {
		to := min(from+stepRows, v.size)
		rows, err := v.l.store.Sealed(ctx, from, int(to-from))
		if err != nil {
			return fmt.Errorf("auditlog: reading events: %w", err)
		}
		hashes, err := v.tileHashes(ctx, from, to)
		if err != nil {
			return err
		}
		for i := from; i < to; i++ {
			var here []driver.Row
			for len(rows) > 0 && rows[0].Index == i {
				here, rows = append(here, rows[0]), rows[1:]
			}
			if err := v.event(i, here, hashes[i-from]); err != nil {
				return err
			}
			if len(here) > 0 {
				v.sums.take(&here[0])
			}
			if err := v.points(ctx, i+1); err != nil {
				return err
			}
		}
	}
	if v.good != v.size { // the last checkpoints are gone
		return &TamperError{Index: v.good, Last: v.size - 1, Kind: edited, Fields: []string{"checkpoint"}}
	}
	return nil
}

// tileHashes returns the stored hashes of a range; nil for what is not there.
func (v *verifier) tileHashes(ctx context.Context, from, to uint64) ([][]byte, error) {
	hashes := make([][]byte, to-from)
	for n := from / tileWidth; n*tileWidth < to; n++ {
		records, err := v.l.store.Get(ctx, kindTile, tileID{0, n}.key())
		if err != nil {
			return nil, fmt.Errorf("auditlog: reading the tree: %w", err)
		}
		if len(records) == 0 {
			continue
		}
		value := records[0].Value
		for i := n * tileWidth; i < min((n+1)*tileWidth, to) && len(value) >= hashSize; i++ {
			hashes[i-from], value = value[:hashSize:hashSize], value[hashSize:]
		}
	}
	return hashes, nil
}

// event adds one event to both trees.
func (v *verifier) event(index uint64, rows []driver.Row, want []byte) error {
	d := difference{index: index, want: want}
	if len(rows) > 0 {
		d.id, d.got = rows[0].ID, hasher.HashLeaf(rows[0].Leaf)
		d.twice = len(rows) > 1
		if f := fieldsThatDiffer(rows[0].Event); v.fields == nil && len(f) > 0 {
			v.fields = &TamperError{Index: index, Last: index, ID: rows[0].ID, Kind: edited, Fields: f}
		}
	} else if v.isExpired(index) {
		d.got = want
		v.expiredSeen++
	}
	if v.first == nil && (d.twice || !slices.Equal(d.got, want) || want == nil) {
		v.first = &d
	}
	if want == nil {
		want = make([]byte, hashSize) // never right
	}
	got := d.got
	if got == nil {
		got = make([]byte, hashSize)
	}
	return errors.Join(v.leaves.Append(got, nil), v.tiles.Append(want, nil))
}

func (v *verifier) isExpired(index uint64) bool {
	_, ok := slices.BinarySearchFunc(v.expired, index, func(r driver.Range, i uint64) int {
		switch {
		case r.To <= i:
			return -1
		case r.From > i:
			return 1
		}
		return 0
	})
	return ok
}

// points compares the roots with the checkpoints of this size.
func (v *verifier) points(ctx context.Context, size uint64) error {
	for {
		next, err := v.nextStored(ctx)
		if err != nil {
			return err
		}
		if next == nil || next.Key > checkpointKey(size) {
			break
		}
		v.stored = v.stored[1:]
		c, err := openCheckpoint(next.Value, v.l.signer.Name(), v.l.known)
		if err != nil || checkpointKey(c.size) != next.Key || c.size != size {
			return &TamperError{Index: v.good, Last: size - 1, Kind: edited, Fields: []string{"checkpoint"}}
		}
		if err := v.judge(ctx, c, edited, v.good); err != nil {
			return err
		}
		v.signed = next.Value
		v.good = size
	}
	for _, c := range v.kept {
		if c.size == size {
			if err := v.judge(ctx, c, forked, v.keptGood); err != nil {
				return err
			}
			v.keptGood = size
		}
	}
	return nil
}

func (v *verifier) nextStored(ctx context.Context) (*driver.Record, error) {
	if len(v.stored) == 0 {
		records, err := v.l.store.List(ctx, kindCheckpoint, v.after, false, page)
		if err != nil {
			return nil, fmt.Errorf("auditlog: reading checkpoints: %w", err)
		}
		if len(records) == 0 {
			return nil, nil
		}
		v.stored, v.after = records, records[len(records)-1].Key
	}
	return &v.stored[0], nil
}

// judge compares both trees with a signed root. Kind is what a log that agrees
// with itself and not with the checkpoint was, and since is where that may begin.
func (v *verifier) judge(ctx context.Context, c checkpoint, kind string, since uint64) error {
	leaves, err1 := rootOf(v.leaves)
	tiles, err2 := rootOf(v.tiles)
	if err := errors.Join(err1, err2); err != nil {
		return err
	}
	leavesRight, tilesRight := slices.Equal(leaves, c.root), slices.Equal(tiles, c.root)
	d := v.first
	switch {
	case leavesRight && tilesRight && d == nil && v.fields == nil:
		return nil
	case d == nil && v.fields != nil && leavesRight:
		return v.fields
	case tilesRight && d != nil:
		return v.classify(ctx, d)
	case leavesRight && d != nil:
		return &TamperError{Index: d.index, Last: d.index, ID: d.id, Kind: edited, Fields: []string{"tree"}}
	case d == nil && kind == forked:
		return &TamperError{Index: since, Last: c.size - 1, Kind: forked}
	}
	return &TamperError{Index: since, Last: c.size - 1, Kind: edited, Fields: []string{"leaf", "tree"}}
}
