package auditlog

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"

	"golang.org/x/mod/sumdb/note"

	"github.com/auth0kit/auth0kit/audit/auditlog/driver"
)

// archiveFormat is in the first line of an archive.
const archiveFormat = "auth0kit audit archive v1"

// archiveLine is one line of an archive: the first has Format and Checkpoint, then
// come the consistency proofs and the events, and the last has End.
type archiveLine struct {
	Format     string      `json:"format,omitempty"`
	Checkpoint string      `json:"checkpoint,omitempty"`
	Extends    string      `json:"extends,omitempty"` // A kept checkpoint.
	Index      *uint64     `json:"index,omitempty"`
	Leaf       string      `json:"leaf,omitempty"`  // The exact bytes.
	Proof      [][]byte    `json:"proof,omitempty"` // Of inclusion or consistency.
	End        *archiveEnd `json:"end,omitempty"`
}

type archiveEnd struct {
	Events   uint64 `json:"events"`
	Unsealed int    `json:"unsealed"` // Left out.
}

// Archive writes the sealed events that match as JSON Lines: the exact bytes that
// were sealed, an inclusion proof for each, and the newest checkpoint. Users
// appear under their pseudonyms. With kept checkpoints it also proves that the
// log extends them; give those that the receiver has. What is not sealed yet is
// left out and counted. It is recorded as "audit.archive" first.
func (l *Log) Archive(ctx context.Context, w io.Writer, f Filter, kept ...[]byte) error {
	if err := l.access(ctx, "archive", f); err != nil {
		return err
	}
	signed, c, err := l.newest(ctx)
	if err != nil {
		return err
	}
	out := bufio.NewWriter(w)
	lines := json.NewEncoder(out)
	if err := lines.Encode(archiveLine{Format: archiveFormat, Checkpoint: string(signed)}); err != nil {
		return fmt.Errorf("auditlog: writing the archive: %w", err)
	}
	tree := newNodes(l.store, c.size)
	for _, k := range kept {
		old, err := openCheckpoint(k, l.signer.Name(), l.known)
		if err != nil {
			return err
		}
		if old.size > c.size {
			return &TamperError{Index: c.size, Last: old.size - 1, Kind: truncated}
		}
		hashes, err := tree.consistency(ctx, old.size)
		if err != nil {
			return err
		}
		if err := lines.Encode(archiveLine{Extends: string(k), Proof: hashes}); err != nil {
			return fmt.Errorf("auditlog: writing the archive: %w", err)
		}
	}
	end, err := l.archiveEvents(ctx, lines, tree, f)
	if err != nil {
		return err
	}
	if err := errors.Join(lines.Encode(archiveLine{End: &end}), out.Flush()); err != nil {
		return fmt.Errorf("auditlog: writing the archive: %w", err)
	}
	return nil
}

func (l *Log) archiveEvents(ctx context.Context, lines *json.Encoder, tree *nodes, f Filter) (end archiveEnd, err error) {
	for rows, err := range l.rows(ctx, f) {
		if err != nil {
			return end, err
		}
		for _, r := range rows {
			if !r.Sealed || r.Index >= tree.size {
				end.Unsealed++
				continue
			}
			if f.Organization != "" {
				if _, err := parseLeafOf(f.Organization, r); err != nil {
					return end, err
				}
			}
			if err := archiveEvent(ctx, lines, tree, r); err != nil {
				return end, err
			}
			end.Events++
		}
	}
	return end, nil
}

func archiveEvent(ctx context.Context, lines *json.Encoder, tree *nodes, r driver.Row) error {
	hashes, err := tree.inclusion(ctx, r.Index)
	if err != nil {
		return err
	}
	if err := lines.Encode(archiveLine{Index: &r.Index, Leaf: string(r.Leaf), Proof: hashes}); err != nil {
		return fmt.Errorf("auditlog: writing the archive: %w", err)
	}
	return nil
}

// VerifyArchive verifies an archive offline. It trusts the log's verifier key and
// the kept checkpoints alone: every event must be in the log of the archive's
// checkpoint, and that log must extend each kept checkpoint. Without a kept
// checkpoint, or when the archive has no proof for one of them, the result comes
// with ErrTailNotProved. It does not prove that the archive has every event that
// matches a filter, unless its Events equal its Size.
func VerifyArchive(r io.Reader, verifierKey string, kept ...[]byte) (*Verification, error) {
	name, known, err := verifiersOf(verifierKey)
	if err != nil {
		return nil, err
	}
	if _, err := openAll(kept, name, known); err != nil {
		return nil, err
	}
	a := &archiveReader{name: name, known: known, proved: make(map[string]bool)}
	scanner := bufio.NewScanner(r)
	scanner.Buffer(nil, 1<<20)
	for n := 1; scanner.Scan(); n++ {
		if err := a.line(scanner.Bytes()); err != nil {
			return nil, fmt.Errorf("auditlog: line %d of the archive: %w", n, err)
		}
	}
	if err := scanner.Err(); err != nil {
		return nil, fmt.Errorf("auditlog: reading the archive: %w", err)
	}
	if a.end == nil || a.end.Events != a.events {
		return nil, errors.New("auditlog: the archive is cut off: its last line is missing or counts other events")
	}
	return a.result(kept)
}

type archiveReader struct {
	name   string
	known  note.Verifiers
	signed []byte
	c      checkpoint
	seen   []uint64 // A bit for each index.
	events uint64
	end    *archiveEnd
	proved map[string]bool // Checkpoints that the log extends.
}

func (a *archiveReader) line(text []byte) error {
	var line archiveLine
	if err := json.Unmarshal(text, &line); err != nil {
		return errors.New("not a line of an archive")
	}
	switch {
	case a.end != nil:
		return errors.New("follows the last line")
	case a.signed == nil && line.Format == archiveFormat:
		c, err := openCheckpoint([]byte(line.Checkpoint), a.name, a.known)
		a.c, a.signed, a.seen = c, []byte(line.Checkpoint), make([]uint64, c.size/64+1)
		return err
	case a.signed == nil:
		return fmt.Errorf("the first line must have the format %q", archiveFormat)
	case line.Extends != "":
		old, err := openCheckpoint([]byte(line.Extends), a.name, a.known)
		if err != nil {
			return err
		}
		a.proved[old.String()] = true
		return consistent(old, a.c, line.Proof)
	case line.Index != nil:
		return a.event(Proof{Index: *line.Index, Leaf: []byte(line.Leaf), Hashes: line.Proof})
	case line.End != nil:
		a.end = line.End
		return nil
	}
	return errors.New("not a line of an archive")
}

func (a *archiveReader) event(p Proof) error {
	if err := p.in(a.c); err != nil {
		return &TamperError{Index: p.Index, Last: p.Index, Kind: edited, Fields: []string{"leaf"}}
	}
	bit := uint64(1) << (p.Index % 64)
	if a.seen[p.Index/64]&bit != 0 {
		return fmt.Errorf("event %d is there twice", p.Index)
	}
	a.seen[p.Index/64] |= bit
	a.events++
	return nil
}

func (a *archiveReader) result(kept [][]byte) (*Verification, error) {
	v := &Verification{Size: a.c.size, Events: a.events, Unsealed: a.end.Unsealed, Checkpoint: a.signed}
	all := len(kept) > 0
	for _, k := range kept {
		c, err := openCheckpoint(k, a.name, a.known)
		if err != nil {
			return nil, err
		}
		switch {
		case a.proved[c.String()] || c.equal(a.c):
			v.ProvedTo = max(v.ProvedTo, c.size)
		case c.size == a.c.size:
			return nil, &TamperError{Last: c.size - 1, Kind: forked}
		default:
			all = false
		}
	}
	if !all || v.ProvedTo == 0 {
		return v, ErrTailNotProved
	}
	return v, nil
}
