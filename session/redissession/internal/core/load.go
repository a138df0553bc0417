package core

import (
	"context"
	"encoding/binary"
	"fmt"

	"github.com/redis/rueidis"

	"github.com/auth0kit/auth0kit/session/driver"
)

// Load implements driver.Store. It is one round trip when the session lives and
// needs no touch, which is nearly always; everything else is the script's to say.
func (s *Store) Load(ctx context.Context, k driver.Key, t driver.Touch) (driver.Record, error) {
	p := s.shard(k.Tag)
	if s.options.MaxStale > 0 && !t.Fresh {
		if r, ok := s.live(p, k, t, s.cached(ctx, p, k)); ok {
			return r, nil
		}
	}
	values, err := s.client.Values(ctx, p.state, p.session(k))
	if err != nil {
		return driver.Record{}, wrap(err)
	}
	if len(values) != 2 {
		return driver.Record{}, errRecord
	}
	if r, ok := s.live(p, k, t, [2][]byte(values)); ok {
		return r, nil
	}
	return s.touch(ctx, p, k, t)
}

// live reads a record that can be answered as it is: live by the shard's state,
// which is not behind what is known, and without need of a touch.
func (s *Store) live(p *shard, k driver.Key, t driver.Touch, values [2][]byte) (driver.Record, bool) {
	value, ok := body(values[1])
	var epoch uint64
	var n int64
	if state := values[0]; len(state) == 3*8 {
		epoch, n = binary.BigEndian.Uint64(state), int64(binary.BigEndian.Uint64(state[8:]))
	}
	if !ok || n < s.known[p.n].Load() || len(value) < headerSize || value[atState] != stateLive || binary.BigEndian.Uint64(value[atEpoch:]) != epoch {
		return driver.Record{}, false
	}
	s.learn(p, n)
	r, err := decode(value, k)
	if err != nil || r.Expired(t.Now) || r.LastSeen.Before(t.IfBefore) {
		return driver.Record{}, false
	}
	return r, true
}

// touch asks the script, which follows replaced keys, and notes the use.
func (s *Store) touch(ctx context.Context, p *shard, k driver.Key, t driver.Touch) (driver.Record, error) {
	state, rest, err := s.run(ctx, loadScript, p, t.Now, []string{p.session(k)}, millis(t.IfBefore), millis(t.IdleAt))
	if err != nil {
		return driver.Record{}, err
	}
	if len(rest) != 2 {
		return driver.Record{}, errRecord
	}
	value, hash := rest[0], rest[1]
	switch state {
	case "R":
		return decodeDead(value), driver.ErrRevoked
	case "L", "E":
		if len(hash) != len(k.Hash) {
			return driver.Record{}, errRecord
		}
		copy(k.Hash[:], hash)
		r, err := decode(value, k)
		if err != nil {
			return driver.Record{}, err
		}
		return r, answer(state)
	}
	return driver.Record{}, answer(state)
}

// cached reads what live needs from the client-side cache, which asks Redis for
// what it does not have. An error reads as nothing.
func (s *Store) cached(ctx context.Context, p *shard, k driver.Key) [2][]byte {
	var values [2][]byte
	for i, reply := range s.options.Cache.DoMultiCache(ctx,
		rueidis.CT(s.options.Cache.B().Get().Key(p.state).Cache(), s.options.MaxStale),
		rueidis.CT(s.options.Cache.B().Get().Key(p.session(k)).Cache(), s.options.MaxStale),
	) {
		if m, err := reply.ToMessage(); err == nil {
			values[i] = bytesOf(&m)
		}
	}
	return values
}

func wrap(err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("redissession: %w", err)
}
