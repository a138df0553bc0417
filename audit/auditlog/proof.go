package auditlog

import (
	"bytes"
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/transparency-dev/merkle/proof"

	"github.com/auth0kit/auth0kit/audit"
)

// Proof shows that one event is in the log of a checkpoint. It is verified
// without the log.
type Proof struct {
	Index      uint64
	Leaf       []byte   // The exact bytes that were sealed.
	Hashes     [][]byte // RFC 6962 inclusion proof.
	Checkpoint []byte   // Signed.
}

// Checkpoint returns the newest signed checkpoint, in the form of C2SP
// tlog-checkpoint. Keep it outside of the store: Verify proves with it that
// nothing before was removed. ErrNotSealed says that nothing is sealed yet.
func (l *Log) Checkpoint(ctx context.Context) ([]byte, error) {
	signed, _, err := l.newest(ctx)
	return signed, err
}

func (l *Log) newest(ctx context.Context) ([]byte, checkpoint, error) {
	if _, err := l.open(ctx); err != nil {
		return nil, checkpoint{}, err
	}
	records, err := l.store.List(ctx, kindCheckpoint, "", true, 1)
	if err != nil {
		return nil, checkpoint{}, fmt.Errorf("auditlog: reading the checkpoint: %w", err)
	}
	if len(records) == 0 {
		return nil, checkpoint{}, ErrNotSealed
	}
	c, err := openCheckpoint(records[0].Value, l.signer.Name(), l.known)
	return records[0].Value, c, err
}

// Prove returns the proof of the event with that Event.ID, which the recorder has
// set or Query returns. It is recorded as "audit.prove", because the proof has the
// event. Errors are ErrNotFound and ErrNotSealed: Run seals within about a second.
func (l *Log) Prove(ctx context.Context, eventID string) (*Proof, error) {
	rows, err := l.store.Find(ctx, []string{eventID})
	switch {
	case err != nil:
		return nil, fmt.Errorf("auditlog: reading an event: %w", err)
	case len(rows) == 0:
		return nil, ErrNotFound
	case !rows[0].Sealed:
		return nil, ErrNotSealed
	}
	if err := l.access(ctx, "prove", Filter{Subject: audit.Ref{Kind: "event", ID: eventID}}); err != nil {
		return nil, err
	}
	signed, c, err := l.newest(ctx)
	if err != nil {
		return nil, err
	}
	p := &Proof{Index: rows[0].Index, Leaf: rows[0].Leaf, Checkpoint: signed}
	if p.Index >= c.size {
		return nil, &TamperError{Index: c.size, Last: c.size, Kind: inserted}
	}
	p.Hashes, err = newNodes(l.store, c.size).inclusion(ctx, p.Index)
	return p, err
}

// Verify checks the proof with the log's verifier key alone and returns its
// event: users appear under their pseudonyms, because nobody outside of the log
// has their keys.
func (p *Proof) Verify(verifierKey string) (audit.Event, error) {
	name, known, err := verifiersOf(verifierKey)
	if err != nil {
		return audit.Event{}, err
	}
	c, err := openCheckpoint(p.Checkpoint, name, known)
	if err != nil {
		return audit.Event{}, err
	}
	if err := p.in(c); err != nil {
		return audit.Event{}, err
	}
	parsed, err := parseLeaf(p.Leaf)
	if err != nil {
		return audit.Event{}, err
	}
	e, _, err := parsed.event(nil)
	return e, err
}

var errNotIn = errors.New("auditlog: the proof does not show that the event is in the log")

func (p *Proof) in(c checkpoint) error {
	if p.Index >= c.size {
		return errNotIn
	}
	if proof.VerifyInclusion(hasher, p.Index, c.size, hasher.HashLeaf(p.Leaf), p.Hashes, c.root) != nil {
		return errNotIn
	}
	return nil
}

const proofHeader = "c2sp.org/tlog-proof@v1"

// MarshalText returns the proof in the form of C2SP tlog-proof, with the leaf as
// its extra data.
func (p *Proof) MarshalText() ([]byte, error) {
	var b bytes.Buffer
	fmt.Fprintf(&b, "%s\nextra %s\nindex %d\n", proofHeader, base64.StdEncoding.EncodeToString(p.Leaf), p.Index)
	for _, hash := range p.Hashes {
		fmt.Fprintf(&b, "%s\n", base64.StdEncoding.EncodeToString(hash))
	}
	b.WriteString("\n")
	b.Write(p.Checkpoint)
	return b.Bytes(), nil
}

// UnmarshalText reads what MarshalText writes. It verifies nothing.
func (p *Proof) UnmarshalText(text []byte) error {
	bad := errors.New("auditlog: not a C2SP tlog-proof with its leaf as extra data")
	top, signed, ok := bytes.Cut(text, []byte("\n\n"))
	lines := strings.Split(string(top), "\n")
	if !ok || len(lines) < 3 || len(lines) > 3+64 || lines[0] != proofHeader {
		return bad
	}
	extra, ok1 := strings.CutPrefix(lines[1], "extra ")
	number, ok2 := strings.CutPrefix(lines[2], "index ")
	index, err := strconv.ParseUint(number, 10, 63)
	if !ok1 || !ok2 || err != nil || strconv.FormatUint(index, 10) != number {
		return bad
	}
	decoded := Proof{Index: index, Checkpoint: bytes.Clone(signed)}
	if decoded.Leaf, err = base64.StdEncoding.Strict().DecodeString(extra); err != nil {
		return bad
	}
	for _, line := range lines[3:] {
		hash, err := base64.StdEncoding.Strict().DecodeString(line)
		if err != nil || len(hash) != hashSize {
			return bad
		}
		decoded.Hashes = append(decoded.Hashes, hash)
	}
	*p = decoded
	return nil
}

// Consistency shows that a newer checkpoint's log begins with the whole log of an
// older one.
type Consistency struct {
	From, To []byte   // Signed checkpoints.
	Hashes   [][]byte // RFC 6962 consistency proof.
}

// ProveConsistency returns the proof from a checkpoint that was kept to the
// newest one.
func (l *Log) ProveConsistency(ctx context.Context, kept []byte) (*Consistency, error) {
	signed, c, err := l.newest(ctx)
	if err != nil {
		return nil, err
	}
	old, err := openCheckpoint(kept, l.signer.Name(), l.known)
	if err != nil {
		return nil, err
	}
	if old.size > c.size {
		return nil, &TamperError{Index: c.size, Last: old.size - 1, Kind: truncated}
	}
	hashes, err := newNodes(l.store, c.size).consistency(ctx, old.size)
	return &Consistency{From: kept, To: signed, Hashes: hashes}, err
}

// Verify checks the proof with the log's verifier key alone.
func (p *Consistency) Verify(verifierKey string) error {
	name, known, err := verifiersOf(verifierKey)
	if err != nil {
		return err
	}
	from, err := openCheckpoint(p.From, name, known)
	if err != nil {
		return err
	}
	to, err := openCheckpoint(p.To, name, known)
	if err != nil {
		return err
	}
	return consistent(from, to, p.Hashes)
}

func consistent(from, to checkpoint, hashes [][]byte) error {
	if from.size > to.size {
		return &TamperError{Index: to.size, Last: from.size - 1, Kind: truncated}
	}
	if proof.VerifyConsistency(hasher, from.size, to.size, hashes, from.root, to.root) != nil {
		return &TamperError{Last: max(from.size, 1) - 1, Kind: forked}
	}
	return nil
}
