package anomaly

import (
	"context"
	"errors"
	"time"
)

// Key names what a Store keeps: a user's profile by the user's id, and with the
// empty Key the sketch of the population. A user id is never empty.
type Key string

// String returns the name under which stores keep the blob: the id, or
// " population". A Detector takes no id that begins with a space.
func (k Key) String() string {
	if k == "" {
		return " population"
	}
	return string(k)
}

// ErrConflict is returned by Save when the version in the store is not the given
// one, because another writer saved in between.
var ErrConflict = errors.New("anomaly: another writer saved in between")

// Store keeps one versioned blob per key: profiles of at most MaxProfile bytes
// under the user's id, and one sketch of some 100 to 300 KB under the empty Key.
// All policy is in the Detector; a store moves bytes and compares versions.
// Implementations are safe for concurrent use; package anomalytest has a test
// suite for them.
//
// A store may drop profiles; the next login of such a user counts as a first
// login. It must not drop the sketch.
type Store interface {
	// Load appends the blob of key to dst and returns the result and the blob's
	// version, in one round trip. For a missing key it returns dst unchanged and
	// version 0.
	Load(ctx context.Context, key Key, dst []byte) (blob []byte, version uint64, err error)
	// Save replaces the blob and raises the version if the stored version still is
	// version (0: the key is missing). Otherwise it changes nothing and returns
	// ErrConflict. It keeps no reference to blob. A version is not used twice for a
	// key, also not after the key was deleted: who loaded before must not save
	// afterwards. A random first version is enough.
	Save(ctx context.Context, key Key, blob []byte, version uint64) error
	// Forget removes what is kept about a user, to erase personal data, or with an
	// empty id the sketch. What is not there is no error.
	Forget(ctx context.Context, userID string) error
}

// Sweeper is an optional interface of a Store whose profiles do not expire by
// themselves. [Detector.Run] calls it.
type Sweeper interface {
	// Sweep drops the profiles that have expired and returns their number. It never
	// drops the sketch.
	Sweep(ctx context.Context, now time.Time) (int, error)
}
