// Package seal encrypts small values at rest with AES-256-GCM under a ring of
// keys: the first key seals, all of them open, so that a key is rotated by
// putting a new one in front.
//
// A sealed value is
//
//	version (1 byte, 1) | key id (4 bytes) | nonce (12 bytes) | ciphertext and tag
//
// The key that encrypts is derived with HKDF-SHA256 (RFC 5869) from the caller's
// key and the purpose of the ring, so that two patterns may be given the same
// keys and still cannot open each other's values. The additional data binds a
// value to its place (a session, a user): moved elsewhere it does not open.
// Nonces are random, which NIST SP 800-38D section 8.3 allows for 2^32 values
// under one key.
package seal

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/sha256"
	"errors"
	"fmt"
	"sync"
)

// KeySize is the length of every key in bytes.
const KeySize = 32

// Overhead is by how many bytes a sealed value is longer than the plain one.
const Overhead = headerSize + 12 + 16

const (
	version    = 1
	idSize     = 4
	headerSize = 1 + idSize
)

// ErrOpen says that no key of the ring opens the value as it stands: another
// key, another place, or another content.
var ErrOpen = errors.New("seal: value does not open")

// Ring seals with its first key and opens with any. It is immutable and safe for
// concurrent use.
type Ring struct {
	keys []key
}

type key struct {
	id   [idSize]byte
	aead cipher.AEAD
}

// New makes a ring for one purpose, such as "auth0kit/session". At least one key
// is needed, each of 32 random bytes and none twice.
func New(purpose string, keys [][]byte) (*Ring, error) {
	if purpose == "" {
		return nil, errors.New("seal: purpose is empty")
	}
	if len(keys) == 0 {
		return nil, errors.New("seal: Keys is empty; give at least one key of 32 random bytes")
	}
	r := &Ring{}
	for i, k := range keys {
		derived, err := derive(purpose, k)
		if err != nil {
			return nil, fmt.Errorf("seal: Keys[%d]: %w", i, err)
		}
		if r.find(derived.id) != nil {
			return nil, fmt.Errorf("seal: Keys[%d] is there twice", i)
		}
		r.keys = append(r.keys, derived)
	}
	return r, nil
}

func derive(purpose string, k []byte) (key, error) {
	if len(k) != KeySize {
		return key{}, fmt.Errorf("has %d bytes; %d are needed; decode a key in base64 or hex first", len(k), KeySize)
	}
	if allEqual(k) {
		return key{}, errors.New("is one byte repeated; use 32 random bytes")
	}
	secret, err := hkdf.Key(sha256.New, k, nil, purpose+" seal v1", KeySize)
	if err != nil {
		return key{}, err
	}
	id, err := hkdf.Key(sha256.New, k, nil, purpose+" key id v1", idSize)
	if err != nil {
		return key{}, err
	}
	block, err := aes.NewCipher(secret)
	if err != nil {
		return key{}, err
	}
	aead, err := cipher.NewGCMWithRandomNonce(block)
	if err != nil {
		return key{}, err
	}
	return key{id: [idSize]byte(id), aead: aead}, nil
}

func allEqual(b []byte) bool {
	for _, c := range b {
		if c != b[0] {
			return false
		}
	}
	return true
}

func (r *Ring) find(id [idSize]byte) *key {
	for i := range r.keys {
		if r.keys[i].id == id {
			return &r.keys[i]
		}
	}
	return nil
}

// Seal encrypts plaintext and binds it to aad, which is not stored.
func (r *Ring) Seal(plaintext, aad []byte) []byte {
	return r.AppendSeal(make([]byte, 0, len(plaintext)+Overhead), plaintext, aad)
}

// AppendSeal appends what Seal returns to dst, which must not overlap plaintext.
func (r *Ring) AppendSeal(dst, plaintext, aad []byte) []byte {
	k, start := &r.keys[0], len(dst)
	dst = append(append(dst, version), k.id[:]...)
	all := bound(dst[start:], aad)
	defer buffers.Put(all)
	return k.aead.Seal(dst, nil, plaintext, *all)
}

// Open returns what was sealed with the same aad, or ErrOpen.
func (r *Ring) Open(sealed, aad []byte) ([]byte, error) { return r.AppendOpen(nil, sealed, aad) }

// AppendOpen appends what Open returns to dst, which must not overlap sealed. It
// allocates nothing where dst has room.
func (r *Ring) AppendOpen(dst, sealed, aad []byte) ([]byte, error) {
	if !r.Knows(sealed) {
		return nil, ErrOpen
	}
	k := r.find([idSize]byte(sealed[1:headerSize]))
	all := bound(sealed[:headerSize], aad)
	defer buffers.Put(all)
	plain, err := k.aead.Open(dst, nil, sealed[headerSize:], *all)
	if err != nil {
		return nil, ErrOpen
	}
	return plain, nil
}

// Knows reports whether the value is in the form of a sealed one and names a key
// of the ring.
func (r *Ring) Knows(sealed []byte) bool {
	return len(sealed) >= Overhead && sealed[0] == version && r.find([idSize]byte(sealed[1:headerSize])) != nil
}

// Stale reports whether the value was not sealed by the first key, so that its
// owner can seal it again.
func (r *Ring) Stale(sealed []byte) bool {
	return len(sealed) < headerSize || [idSize]byte(sealed[1:headerSize]) != r.keys[0].id
}

// buffers hold the additional data while a value is sealed or opened.
var buffers = sync.Pool{New: func() any { return new([]byte) }}

func bound(header, aad []byte) *[]byte {
	b := buffers.Get().(*[]byte)
	*b = append(append((*b)[:0], header...), aad...)
	return b
}
