package auditlog

import (
	"crypto"
	"crypto/ed25519"
	"crypto/rand"
	"encoding/base64"
	"errors"
	"fmt"
	"log/slog"
	"strings"

	"golang.org/x/mod/sumdb/note"

	"github.com/auth0kit/auth0kit/internal/secret"
)

// Seal identifies a log. All fields are required, and a store that belongs to
// another log refuses it with ErrOtherLog.
type Seal struct {
	// Name is the origin line of the log's checkpoints: a URL without a scheme,
	// such as "example.com/audit". No spaces and no plus sign.
	Name string
	// Signer signs checkpoints with Ed25519. A key in a KMS serves: it is asked
	// once for each checkpoint, about once a second.
	Signer crypto.Signer
	// Keys wrap the keys of the subjects: 32 random bytes each. The first wraps, all
	// unwrap; keep old ones in the list.
	Keys [][]byte
}

// Format hides the keys from package fmt.
func (s Seal) Format(f fmt.State, _ rune) { secret.Format(f, s) }

// LogValue shows the name only.
func (s Seal) LogValue() slog.Value { return secret.Shown(slog.String("name", s.Name)) }

// MarshalJSON hides the keys wherever something that contains s is logged as JSON.
func (s Seal) MarshalJSON() ([]byte, error) { return secret.JSON(s) }

// GenerateKey returns a new signing key for the log of that name, and the verifier
// key that belongs to it, which is public and is what auditors need. Both are in
// the text form of C2SP signed-note. Keep the signing key as a secret.
func GenerateKey(name string) (key, verifierKey string, err error) {
	if err := validateName(name); err != nil {
		return "", "", err
	}
	return note.GenerateKey(rand.Reader, name)
}

// ParseSeal returns the Seal of a key that GenerateKey made, with the wrapping
// keys: 32 random bytes each.
func ParseSeal(key string, keys ...[]byte) (Seal, error) {
	bad := errors.New("auditlog: key is not a signing key of GenerateKey")
	if _, err := note.NewSigner(key); err != nil {
		return Seal{}, bad // note's error may quote the key
	}
	parts := strings.SplitN(key, "+", 5) // PRIVATE+KEY+name+hash+data
	if len(parts) != 5 {
		return Seal{}, bad
	}
	data, err := base64.StdEncoding.DecodeString(parts[4])
	if err != nil || len(data) != 1+ed25519.SeedSize {
		return Seal{}, bad
	}
	return Seal{Name: parts[2], Signer: ed25519.NewKeyFromSeed(data[1:]), Keys: keys}, nil
}

func validateName(name string) error {
	if name == "" || len(name) > 255 || strings.ContainsAny(name, "+ \t\r\n") {
		return errors.New("auditlog: Name must be like \"example.com/audit\": up to 255 bytes, no spaces, no plus sign")
	}
	return nil
}

// signer makes signed notes with a crypto.Signer.
type signer struct {
	note.Verifier
	key string // Of the verifier.
	by  crypto.Signer
}

func newSigner(s Seal) (*signer, error) {
	if err := validateName(s.Name); err != nil {
		return nil, err
	}
	if s.Signer == nil {
		return nil, errors.New("auditlog: Seal.Signer is nil; give an Ed25519 key, see GenerateKey")
	}
	public, ok := s.Signer.Public().(ed25519.PublicKey)
	if !ok {
		return nil, errors.New("auditlog: Seal.Signer must be an Ed25519 key")
	}
	key, err := note.NewEd25519VerifierKey(s.Name, public)
	if err != nil {
		return nil, fmt.Errorf("auditlog: Seal.Signer: %w", err)
	}
	verifier, err := note.NewVerifier(key)
	if err != nil {
		return nil, fmt.Errorf("auditlog: Seal.Name: %w", err)
	}
	return &signer{Verifier: verifier, key: key, by: s.Signer}, nil
}

// Sign implements note.Signer.
func (s *signer) Sign(msg []byte) ([]byte, error) {
	return s.by.Sign(rand.Reader, msg, crypto.Hash(0))
}
