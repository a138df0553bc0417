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

// ErrConflict says that the version in the store is not the one that Save names:
// somebody else saved in between.
var ErrConflict = errors.New("anomaly: saved by somebody else in between")

// Store keeps one versioned blob per key: profiles of at most MaxProfile bytes
// under the user's id, and one sketch of some 100 to 300 KB under the empty Key.
// All policy is in the Detector; a store moves bytes and compares versions. It
// is safe for concurrent use, and package anomalytest has the suite for it.
//
// A store may drop profiles: a user whose profile is gone is at his first login
// again. It must not drop the sketch.
type Store interface {
	// Load appends the blob of key to dst and returns the whole and its version,
	// in one round trip. A key that is not there is version 0 with dst as it was.
	Load(ctx context.Context, key Key, dst []byte) (blob []byte, version uint64, err error)
	// Save replaces the blob if the stored version still is version (0: there is
	// none), and raises it; else it is ErrConflict and nothing changes. It keeps
	// no reference to blob. A version is never used twice for one key, unless
	// the key was deleted in between.
	Save(ctx context.Context, key Key, blob []byte, version uint64) error
	// Forget removes what is kept about a user, to erase personal data, or with an
	// empty id the sketch. What is not there is no error.
	Forget(ctx context.Context, userID string) error
}

// Sweeper is a Store that must be told to forget. [Detector.Run] does.
type Sweeper interface {
	// Sweep drops the profiles that have outlived their time, and returns how many
	// those were. It never drops the sketch.
	Sweep(ctx context.Context, now time.Time) (int, error)
}
