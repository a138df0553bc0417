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
	p := s.shard(k)
	if err := s.mayForget(ctx, p); err != nil {
		return driver.Record{}, err
	}
	keys := p.read(k)
	if s.options.MaxStale > 0 && !t.Fresh {
		values, cached := s.cached(ctx, keys)
		if r, ok := s.live(p, k, t, values); ok {
			r.Cached = cached
			return r, nil
		}
	}
	values, err := s.values(ctx, keys)
	if err != nil {
		p.checked.Store(0)
		return driver.Record{}, wrap(err)
	}
	if len(values) != len(keys) {
		return driver.Record{}, errReply
	}
	if r, ok := s.live(p, k, t, values); ok {
		return r, nil
	}
	return s.touch(ctx, p, k, t)
}

// read are the keys of what decides whether a session lives, all named by its token.
func (p *shard) read(k driver.Key) []string {
	all := p.sessions + string(k.Hash[:]) + p.marks + string(k.User[:]) + p.epochs + string(k.SID[:])
	user := len(p.sessions) + hashSize
	sid := user + len(p.marks) + refSize
	keys := []string{p.state, all[:user], all[user:sid], all[sid:]}
	if k.SID == ([refSize]byte{}) {
		return keys[:3]
	}
	return keys
}

// live reads a record that can be answered as it is: live by the state of its
// shard, which is not behind what is known, by its user and its SID, and without
// need of a touch. The values are those at the keys of read; when these were not of
// the record's user and SID, they say nothing about it.
func (s *Store) live(p *shard, k driver.Key, t driver.Touch, values [][]byte) (driver.Record, bool) {
	value, ok := body(values[1])
	if !ok || len(value) < headerSize || value[atState] != stateLive || !s.current(p, values[0]) {
		return driver.Record{}, false
	}
	if !bytes.Equal(value[atUser:atSID], k.User[:]) || !bytes.Equal(value[atSID:atID], k.SID[:]) {
		return driver.Record{}, false
	}
	if !epoch(values[0], value[atEpoch:atUserEpoch]) || !epoch(values[2], value[atUserEpoch:atSIDEpoch]) ||
		len(values) > 3 && !epoch(values[3], value[atSIDEpoch:atLength]) {
		return driver.Record{}, false
	}
	r, err := decode(value, k)
	if err != nil || r.Expired(t.Now) || r.LastSeen.Before(t.IfBefore) {
		return driver.Record{}, false
	}
	return r, true
}

// epoch reports whether a mark has the epoch that the session names.
func epoch(mark, named []byte) bool {
	return len(mark) >= epochSize && bytes.Equal(mark[:epochSize], named)
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

// cached reads keys from the client-side cache, which asks Redis for what it does
// not have, and reports whether it had any. An error reads as nothing.
func (s *Store) cached(ctx context.Context, keys []string) (values [][]byte, hit bool) {
	values = make([][]byte, len(keys))
	gets := make([]rueidis.CacheableTTL, len(keys))
	for i, key := range keys {
		gets[i] = rueidis.CT(s.options.Cache.B().Get().Key(key).Cache(), s.options.MaxStale)
	}
	for i, reply := range s.options.Cache.DoMultiCache(ctx, gets...) {
		if m, err := reply.ToMessage(); err == nil {
			values[i] = bytesOf(&m)
			hit = hit || m.IsCacheHit()
		}
	}
	return values, hit
}

func wrap(err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("redissession: %w", err)
}
