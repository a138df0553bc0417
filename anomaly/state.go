package anomaly

import (
	"context"
	"errors"
	"fmt"
	"math"
	"time"

	"github.com/auth0kit/auth0kit/internal/retry"
)

// state is what is kept of a user beside the profile, before it in the sealed blob.
type state struct {
	distrusted bool
	unlocked   uint32 // minute since 1970 until when
}

const stateSize = 5

func (s state) append(b []byte) []byte {
	flags := byte(0)
	if s.distrusted {
		flags = 1
	}
	return le.AppendUint32(append(b, flags), s.unlocked)
}

// read takes the state off a blob and returns the profile.
func (s *state) read(b []byte) ([]byte, error) {
	*s = state{}
	if len(b) < stateSize || b[0] > 1 {
		return nil, ErrDamaged
	}
	s.distrusted, s.unlocked = b[0] == 1, le.Uint32(b[1:])
	return b[stateSize:], nil
}

// Distrust forgets what was learned about a user, because it may be somebody
// else's, and sets Distrusted until a login is learned as Proved. Call it after a
// takeover, and where a reset of the password can be in wrong hands. Errors are
// those of Assess and [ErrConflict].
func (d *Detector) Distrust(ctx context.Context, userID string) error {
	return d.change(ctx, userID, func(s *state, profile []byte) []byte {
		s.distrusted = true
		return profile[:0]
	})
}

// Unlock sets Unlocked for logins of a user before until.
func (d *Detector) Unlock(ctx context.Context, userID string, until time.Time) error {
	minutes := until.Unix() / 60
	if minutes < 0 || minutes > math.MaxUint32 {
		return &FieldError{"Time", "of the end must lie between 1970 and 2149"}
	}
	return d.change(ctx, userID, func(s *state, profile []byte) []byte {
		s.unlocked = uint32(minutes)
		return profile
	})
}

// change saves the state and the profile that f returns.
func (d *Detector) change(ctx context.Context, userID string, f func(s *state, profile []byte) []byte) error {
	if err := validateUser(userID); err != nil {
		return err
	}
	s := d.scratch.Get().(*scratch)
	defer d.scratch.Put(s)
	return contend(ctx, func() (bool, error) {
		version, err := d.load(ctx, Key(userID), s)
		if err != nil {
			return false, err
		}
		profile := append([]byte(nil), f(&s.state, s.profile)...)
		return d.save(ctx, Key(userID), s, version, func(b []byte) []byte { return append(b, profile...) })
	})
}

// load opens the blob of key; the profile is empty for a user without one.
func (d *Detector) load(ctx context.Context, key Key, s *scratch) (version uint64, err error) {
	s.blob, version, err = d.store.Load(ctx, key, s.blob[:0])
	if err != nil {
		return 0, fmt.Errorf("anomaly: load profile: %w", err)
	}
	s.plain, err = d.unseal(s.plain[:0], s.blob, key, &s.place)
	if err != nil {
		return 0, err
	}
	s.state, s.profile = state{}, s.plain
	if len(s.blob) > 0 && s.blob[0] == sealedFormat {
		s.profile, err = s.state.read(s.plain)
	}
	return version, err
}

// save seals the state and the profile that encode appends; done is false when
// another writer was first.
func (d *Detector) save(ctx context.Context, key Key, s *scratch, version uint64, encode func([]byte) []byte) (done bool, err error) {
	s.plain = encode(s.state.append(s.plain[:0]))
	s.blob = d.seal(s.blob[:0], s.plain, key)
	err = d.store.Save(ctx, key, s.blob, version)
	if errors.Is(err, ErrConflict) {
		return false, nil
	}
	if err != nil {
		return false, fmt.Errorf("anomaly: save profile: %w", err)
	}
	return true, nil
}

// learnAttempts bounds the saves of one call under contention for one user.
const learnAttempts = 12

// contention is how long a call waits until it tries again: 64 logins of one user
// at once all get through.
var contention = retry.Backoff{First: 4 * time.Millisecond, Last: 500 * time.Millisecond}

// contend calls try until it is done.
func contend(ctx context.Context, try func() (done bool, err error)) error {
	for n := range learnAttempts {
		if n > 0 {
			if err := retry.Sleep(ctx, contention.Pause(n)); err != nil {
				return fmt.Errorf("anomaly: save profile: %w", err)
			}
		}
		done, err := try()
		if done || err != nil {
			return err
		}
	}
	return fmt.Errorf("anomaly: save profile: %w", ErrConflict)
}
