package auditlog

import (
	"bytes"
	"encoding/base64"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"golang.org/x/mod/sumdb/note"
)

const hashSize = 32

// checkpoint is the text of a signed checkpoint: C2SP tlog-checkpoint.
type checkpoint struct {
	origin string
	size   uint64
	root   []byte
}

func (c checkpoint) String() string {
	return fmt.Sprintf("%s\n%d\n%s\n", c.origin, c.size, base64.StdEncoding.EncodeToString(c.root))
}

func (c checkpoint) sign(s *signer) ([]byte, error) {
	signed, err := note.Sign(&note.Note{Text: c.String()}, s)
	if err != nil {
		return nil, fmt.Errorf("auditlog: signing a checkpoint: %w", err)
	}
	return signed, nil
}

// openCheckpoint verifies a signed checkpoint. Extension lines are allowed, as
// the specification says, and ignored.
func openCheckpoint(signed []byte, origin string, known note.Verifiers) (checkpoint, error) {
	n, err := note.Open(signed, known)
	if err != nil {
		return checkpoint{}, fmt.Errorf("%w: a checkpoint has no valid signature of a known signer", ErrOtherLog)
	}
	c, err := parseCheckpoint(n.Text)
	if err != nil {
		return checkpoint{}, err
	}
	if c.origin != origin {
		return checkpoint{}, fmt.Errorf("%w: a checkpoint has another origin", ErrOtherLog)
	}
	return c, nil
}

func parseCheckpoint(text string) (checkpoint, error) {
	bad := errors.New("auditlog: a checkpoint must have the lines origin, size and root hash")
	lines := strings.Split(text, "\n")
	if len(lines) < 4 || lines[0] == "" {
		return checkpoint{}, bad
	}
	size, err := strconv.ParseUint(lines[1], 10, 63)
	if err != nil || strconv.FormatUint(size, 10) != lines[1] {
		return checkpoint{}, bad
	}
	root, err := base64.StdEncoding.Strict().DecodeString(lines[2])
	if err != nil || len(root) != hashSize {
		return checkpoint{}, bad
	}
	return checkpoint{origin: lines[0], size: size, root: root}, nil
}

// verifiersOf reads verifier keys, which must all be of one name.
func verifiersOf(keys ...string) (name string, known note.Verifiers, err error) {
	var list []note.Verifier
	for _, key := range keys {
		v, err := note.NewVerifier(key)
		if err != nil {
			return "", nil, fmt.Errorf("auditlog: verifier key: %w", err)
		}
		if name != "" && v.Name() != name {
			return "", nil, fmt.Errorf("auditlog: verifier keys of two logs: %q and %q", name, v.Name())
		}
		name, list = v.Name(), append(list, v)
	}
	return name, note.VerifierList(list...), nil
}

func (c checkpoint) equal(o checkpoint) bool {
	return c.origin == o.origin && c.size == o.size && bytes.Equal(c.root, o.root)
}
