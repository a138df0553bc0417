package redissession

import (
	"context"
	"strconv"

	"github.com/redis/rueidis"

	"github.com/auth0kit/auth0kit/session"
)

// cached answers from the client-side cache when that is enough: the session is
// live by all that the cache knows, and needs no touch. Everything else is
// Redis's to say.
func (s *Store) cached(ctx context.Context, p shard, k session.Key, t session.Touch) (session.Record, bool) {
	replies := s.client.DoMultiCache(ctx,
		rueidis.CT(s.client.B().Hmget().Key(p.state()).Field("e", "n").Cache(), s.maxStale),
		rueidis.CT(s.client.B().Get().Key(p.session(k)).Cache(), s.maxStale),
	)
	epoch, ok := s.cachedEpoch(p, replies[0])
	if !ok {
		return session.Record{}, false
	}
	value, err := replies[1].ToString()
	if err != nil || value == "" || value[0] != 'L' || epochOf(value) != epoch {
		return session.Record{}, false
	}
	r, err := decode(value, k)
	if err != nil || r.Expired(t.Now) || r.LastSeen.Before(t.IfBefore) {
		return session.Record{}, false
	}
	return r, true
}

// cachedEpoch is the shard's epoch, unless its count of revocations is behind
// what this process knows.
func (s *Store) cachedEpoch(p shard, reply rueidis.RedisResult) (uint64, bool) {
	fields, err := reply.AsStrSlice()
	if err != nil || len(fields) != 2 {
		return 0, false
	}
	n, err := strconv.ParseInt("0"+fields[1], 10, 64) // an absent field is empty
	if err != nil || n < s.known[p.n].Load() {
		return 0, false
	}
	epoch, err := strconv.ParseUint("0"+fields[0], 10, 64)
	return epoch, err == nil
}

func epochOf(value string) uint64 {
	d := decoder{rest: value}
	d.skip(33)
	return d.uint64()
}
