package anomaly

import (
	"errors"

	"github.com/auth0kit/auth0kit/internal/seal"
)

// ErrKey is returned when a stored blob was sealed with a key that New was not
// given. Nothing is lost: give the former keys too.
var ErrKey = errors.New("anomaly: stored blob was sealed with a key that is not among the keys; give the former keys too")

// sealedFormat is the first byte of what a store keeps. The format before it was
// not sealed.
const sealedFormat = 2

// seal appends what a store keeps of a plain blob. It is bound to its key, so that
// it does not open under another user's.
func (d *Detector) seal(dst, plain []byte, key Key) []byte {
	return d.ring.AppendSeal(append(dst, sealedFormat), plain, []byte(key.String()))
}

// unseal appends the plain blob to dst; an empty one is that of a missing key.
// place holds the name of the key between calls.
func (d *Detector) unseal(dst, blob []byte, key Key, place *[]byte) ([]byte, error) {
	if len(blob) == 0 {
		return dst, nil
	}
	if blob[0] == sealedFormat-1 {
		return append(dst, blob...), nil
	}
	if err := checkFormat(blob, sealedFormat); err != nil {
		return nil, err
	}
	*place = append((*place)[:0], key.String()...)
	plain, err := d.ring.AppendOpen(dst, blob[1:], *place)
	switch {
	case err == nil:
		return plain, nil
	case len(blob) > seal.Overhead && !d.ring.Knows(blob[1:]):
		return nil, ErrKey
	}
	return nil, ErrDamaged
}
