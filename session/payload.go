package session

import (
	"encoding/binary"
	"errors"
	"fmt"
	"time"

	"github.com/auth0kit/auth0kit/internal/seal"
	"github.com/auth0kit/auth0kit/session/driver"
)

// kept is what the sealed payload of a record holds.
type kept struct {
	payload []byte    // the application's
	tokens  []byte    // session/login's
	holder  string    // who is renewing the tokens
	until   time.Time // and until when nobody else may
}

// vault seals and opens payloads. The zero one has no keys.
type vault struct{ ring *seal.Ring }

// errUnreadable makes a session dead whose payload cannot be opened: the user signs
// in again, which an error for as long as the cookie lives would not allow.
var errUnreadable = errors.New("no key of Config.Keys opens the payload")

// open reads the payload of a record.
func (v vault) open(r *driver.Record) (kept, error) {
	if len(r.Payload) == 0 {
		return kept{}, nil
	}
	if v.ring == nil {
		return kept{}, fmt.Errorf("%w: %w", ErrNone, errUnreadable)
	}
	text, err := v.ring.Open(r.Payload, bound(r))
	if err != nil {
		return kept{}, fmt.Errorf("%w: %w", ErrNone, errUnreadable)
	}
	var k kept
	var holder, until []byte
	for _, field := range []*[]byte{&k.payload, &k.tokens, &holder, &until} {
		if *field, text, err = cutField(text); err != nil {
			return kept{}, err
		}
	}
	k.holder = string(holder)
	if len(until) == 8 {
		k.until = time.UnixMilli(int64(binary.BigEndian.Uint64(until)))
	}
	return k, nil
}

// cutField reads a field with its length in front. An empty one is nil.
func cutField(text []byte) (field, rest []byte, err error) {
	n, size := binary.Uvarint(text)
	if size <= 0 || n > uint64(len(text)-size) {
		return nil, nil, fmt.Errorf("%w: %w", ErrNone, errUnreadable)
	}
	end := size + int(n)
	if n == 0 {
		return nil, text[end:], nil
	}
	return text[size:end:end], text[end:], nil
}

// seal puts k into a record.
func (v vault) seal(r *driver.Record, k kept) error {
	r.Payload = nil
	switch {
	case len(k.payload) == 0 && len(k.tokens) == 0 && k.holder == "":
		return nil
	case v.ring == nil:
		return errors.New("session: a payload needs Config.Keys to be sealed with")
	case len(k.payload) > driver.MaxPayload:
		return fmt.Errorf("session: the payload has %d bytes; %d are allowed", len(k.payload), driver.MaxPayload)
	case len(k.tokens) > maxTokens:
		return fmt.Errorf("session: the tokens have %d bytes; %d are allowed", len(k.tokens), maxTokens)
	}
	var until []byte
	if k.holder != "" {
		until = binary.BigEndian.AppendUint64(nil, uint64(k.until.UnixMilli()))
	}
	text := make([]byte, 0, len(k.payload)+len(k.tokens)+64)
	for _, field := range [][]byte{k.payload, k.tokens, []byte(k.holder), until} {
		text = append(binary.AppendUvarint(text, uint64(len(field))), field...)
	}
	r.Payload = v.ring.Seal(text, bound(r))
	return nil
}

// reseal seals the payload with the first key when another one did.
func (v vault) reseal(r *driver.Record) error {
	if v.ring == nil || len(r.Payload) == 0 || !v.ring.Stale(r.Payload) {
		return nil
	}
	k, err := v.open(r)
	if err != nil {
		return err
	}
	return v.seal(r, k)
}
