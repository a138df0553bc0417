package guardian

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/auth0kit/auth0kit/guardian/driver"
)

// errUnchanged makes update leave the record as it is, without an error.
var errUnchanged = errors.New("guardian: unchanged")

// maxConflicts bounds how often an update begins again. Each conflict means that
// somebody else got further.
const maxConflicts = 1000

// aad binds sealed data to its place: moved to another user it does not open.
func aad(k driver.Key) []byte {
	return []byte(string(k.Kind) + "\x00" + k.Factor + "\x00" + k.Subject)
}

// read opens the record of a key into v, which is left as it is, with the
// version zero, when there is none.
func (s *Service) read(ctx context.Context, k driver.Key, v any) (version int64, err error) {
	if s.store == nil {
		return 0, errNoStore
	}
	r, err := s.store.Load(ctx, k)
	if errors.Is(err, driver.ErrNoRecord) {
		return 0, nil
	}
	if err != nil {
		return 0, fmt.Errorf("guardian: load %s: %w", k.Kind, err)
	}
	plain, err := s.ring.Open(r.Data, aad(k))
	if err != nil {
		return 0, fmt.Errorf("guardian: open %s: %w; are all of Config.Keys there?", k.Kind, err)
	}
	if err := json.Unmarshal(plain, v); err != nil {
		return 0, fmt.Errorf("guardian: the record of %s is not readable", k.Kind) // err would quote it
	}
	return r.Version, nil
}

// update changes the record of a key: f is called again with a new copy when
// somebody else changed it meanwhile. What f returns is until when the record is
// kept, or why nothing is to be changed.
func update[T any](ctx context.Context, s *Service, k driver.Key, f func(*T) (time.Time, error)) error {
	for range maxConflicts {
		var v T
		old, err := s.read(ctx, k, &v)
		if err != nil {
			return err
		}
		until, err := f(&v)
		if errors.Is(err, errUnchanged) {
			return nil
		}
		if err != nil {
			return err
		}
		if err := s.write(ctx, k, &v, old, until); !errors.Is(err, driver.ErrConflict) {
			return err
		}
	}
	return fmt.Errorf("guardian: the record of %s is being changed all the time", k.Kind)
}

// write seals with the first key. A first version is random, so that a record
// that was deleted and made again is not taken for its predecessor.
func (s *Service) write(ctx context.Context, k driver.Key, v any, old int64, until time.Time) error {
	plain, err := json.Marshal(v)
	if err != nil {
		return fmt.Errorf("guardian: encode %s: %w", k.Kind, err)
	}
	r := driver.Record{Key: k, Version: old + 1, Data: s.ring.Seal(plain, aad(k))}
	if old == 0 {
		r.Version = 1 + rand.Int64N(1<<52)
	}
	if !until.IsZero() {
		r.Until = until.UTC().Truncate(time.Millisecond)
	}
	if err := s.store.Save(ctx, r, old); err != nil {
		return fmt.Errorf("guardian: save %s: %w", k.Kind, err)
	}
	return nil
}
