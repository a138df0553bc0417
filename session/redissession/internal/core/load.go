package core

import (
	"bytes"
	"context"
	"encoding/binary"
	"fmt"

	"github.com/redis/rueidis"

	"github.com/auth0kit/auth0kit/session/driver"
)

// Load implements driver.Store. It is one round trip when the session lives and
// needs no touch, which is nearly always; everything else is the other script's to say.
func (s *Store) Load(ctx context.Context, k driver.Key, t driver.Touch) (driver.Record, error) {
	p := s.shard(k.Tag)
	if err := s.mayForget(ctx, p); err != nil {
		return driver.Record{}, err
	}
	if s.options.MaxStale > 0 && !t.Fresh {
		if r, ok := s.live(p, k, t, s.cached(ctx, p, k)); ok {
			return r, nil
		}
	}
	values, err := s.eval(ctx, readScript, []string{p.state, p.session(k)}, p.base)
	if err != nil {
		p.checked.Store(0)
		return driver.Record{}, err
	}
	if r, ok := s.live(p, k, t, values); ok {
		return r, nil
	}
	return s.touch(ctx, p, k, t)
}

// live reads a record that can be answered as it is: live by the state of its
// shard, which is not behind what is known, by its user and its SID, and without
// need of a touch. The values are those of readScript.
func (s *Store) live(p *shard, k driver.Key, t driver.Touch, values [][]byte) (driver.Record, bool) {
	if len(values) != 4 {
		return driver.Record{}, false
	}
	state, user, sid := values[0], values[2], values[3]
	value, ok := body(values[1])
	if !ok || len(value) < headerSize || value[atState] != stateLive || !s.current(p, state) {
		return driver.Record{}, false
	}
	noSID := len(bytes.Trim(value[atSID:atSID+refSize], "\x00")) == 0
	if !bytes.Equal(value[atEpoch:atUserEpoch], state[:epochSize]) ||
		len(user) < epochSize || !bytes.Equal(value[atUserEpoch:atSIDEpoch], user[:epochSize]) ||
		!noSID && !bytes.Equal(value[atSIDEpoch:atLength], sid) {
		return driver.Record{}, false
	}
	r, err := decode(value, k)
	if err != nil || r.Expired(t.Now) || r.LastSeen.Before(t.IfBefore) {
		return driver.Record{}, false
	}
	return r, true
}

// current reports whether the state of a shard is not older than what this process
// has seen, and learns it.
func (s *Store) current(p *shard, state []byte) bool {
	if len(state) < atRuns {
		return false
	}
	is := sighting{n: int64(binary.BigEndian.Uint64(state[atCount:]))}
	newest := state[atRuns:]
	copy(is.run[:], newest)
	if known := p.known.Load(); known != nil {
		at := is.n - known.n
		if at < 0 {
			return false
		}
		if at *= runSize; at+runSize <= int64(len(newest)) && !bytes.Equal(newest[at:at+runSize], known.run[:]) {
			return false
		}
	}
	p.learn(is)
	return true
}

// touch asks the script, which follows replaced keys, and notes the use. A record
// that cannot be read is dead.
func (s *Store) touch(ctx context.Context, p *shard, k driver.Key, t driver.Touch) (driver.Record, error) {
	state, rest, err := s.run(ctx, loadScript, p, t.Now, []string{p.session(k)}, millis(t.IfBefore), millis(t.IdleAt))
	if err != nil {
		return driver.Record{}, err
	}
	if len(rest) != 2 || len(rest[1]) != hashSize {
		return driver.Record{}, errReply
	}
	switch state {
	case "R", "P":
		return decodeDead(rest[0]), answer(state)
	case "L", "E":
		copy(k.Hash[:], rest[1])
		r, err := decode(rest[0], k)
		if err != nil {
			return driver.Record{}, driver.ErrRevoked
		}
		return r, answer(state)
	}
	return driver.Record{}, answer(state)
}

// cached reads what live needs from the client-side cache, which asks Redis for
// what it does not have. An error reads as nothing.
func (s *Store) cached(ctx context.Context, p *shard, k driver.Key) [][]byte {
	values := s.cachedKeys(ctx, p.state, p.session(k))
	value, ok := body(values[1])
	if !ok || len(value) < headerSize {
		return nil
	}
	user, sid := string(value[atUser:atUser+refSize]), string(value[atSID:atSID+refSize])
	return append(values, s.cachedKeys(ctx, p.base+":m:"+user, p.base+":e:"+sid)...)
}

func (s *Store) cachedKeys(ctx context.Context, keys ...string) [][]byte {
	values := make([][]byte, len(keys))
	gets := make([]rueidis.CacheableTTL, len(keys))
	for i, key := range keys {
		gets[i] = rueidis.CT(s.options.Cache.B().Get().Key(key).Cache(), s.options.MaxStale)
	}
	for i, reply := range s.options.Cache.DoMultiCache(ctx, gets...) {
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
