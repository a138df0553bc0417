// Package redistenancy keeps what package tenancy shares between processes, revoked
// tokens and used DPoP proofs, in Redis 6 or newer, Valkey, or a cluster of them,
// through rueidis:
//
//	client, err := rueidis.NewClient(rueidis.ClientOption{InitAddress: []string{"redis:6379"}})
//	…
//	store, err := redistenancy.New(client, redistenancy.Config{})
//	…
//	cutoff, err := tenancy.NewCutoff(store, tenancy.CutoffConfig{})
//	…
//	guard, err := tenancy.NewGuard(verifier, tenancy.GuardConfig{Cutoff: cutoff, DPoP: tenancy.DPoPAllowed, Replay: store})
//
// Each call is one round trip. What Redis loses, by an eviction, a failover before
// it was replicated, or a restart without persistence, is forgotten by processes
// that start afterwards: use maxmemory-policy noeviction. A volatile one never evicts
// cuts, which have no expiry of their own, but used proofs, which may then be used again.
package redistenancy

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/redis/rueidis"

	"github.com/auth0kit/auth0kit/tenancy"
)

// Config holds optional settings. The zero value uses the defaults.
type Config struct {
	Prefix string // Of all keys, without braces. Defaults to "auth0kit:tenancy". Stores with different prefixes share nothing.
}

// Store implements tenancy.CutoffStore and tenancy.Replay. It is safe for
// concurrent use. The caller closes the client.
type Store struct {
	client rueidis.Client
	prefix string
}

var (
	_ tenancy.CutoffStore = (*Store)(nil)
	_ tenancy.Replay      = (*Store)(nil)
)

// New returns a Store. It does no I/O.
func New(client rueidis.Client, cfg Config) (*Store, error) {
	if client == nil {
		return nil, errors.New("redistenancy: client is nil; make one with rueidis.NewClient")
	}
	if cfg.Prefix == "" {
		cfg.Prefix = "auth0kit:tenancy"
	}
	if strings.ContainsAny(cfg.Prefix, "{}") {
		return nil, errors.New("redistenancy: Config.Prefix must not have braces; they choose the cluster slot")
	}
	return &Store{client, cfg.Prefix}, nil
}

// keys are in one slot: the times of the cuts, the order in which they came, until
// when they are kept, and the counter of that order with the name of this data.
func (s *Store) keys() []string {
	slot := "{" + s.prefix + "}:"
	return []string{slot + "cuts", slot + "order", slot + "until", slot + "counter"}
}

// cutScript keeps the latest of both times. ARGV: the key, at and until in
// milliseconds, and a name for the data, if there is none yet.
var cutScript = rueidis.NewLuaScript(`
local at = redis.call('HGET', KEYS[1], ARGV[1])
if not at or tonumber(ARGV[2]) > tonumber(at) then redis.call('HSET', KEYS[1], ARGV[1], ARGV[2]) end
local till = redis.call('ZSCORE', KEYS[3], ARGV[1])
if not till or tonumber(ARGV[3]) > tonumber(till) then redis.call('ZADD', KEYS[3], ARGV[3], ARGV[1]) end
redis.call('HSETNX', KEYS[4], 'name', ARGV[4])
redis.call('ZADD', KEYS[2], redis.call('HINCRBY', KEYS[4], 'n', 1), ARGV[1])
local time = redis.call('TIME')
local over = redis.call('ZRANGEBYSCORE', KEYS[3], '-inf', time[1] * 1000, 'LIMIT', 0, 100)
for _, key in ipairs(over) do
  redis.call('HDEL', KEYS[1], key)
  redis.call('ZREM', KEYS[2], key)
  redis.call('ZREM', KEYS[3], key)
end
return 1`)

// Cut implements tenancy.CutoffStore. Times are kept in milliseconds.
func (s *Store) Cut(ctx context.Context, key string, at, until time.Time) error {
	name := strconv.FormatInt(time.Now().UnixNano(), 36)
	err := cutScript.Exec(ctx, s.client, s.keys(), []string{key, millis(at), millis(until), name}).Error()
	if err != nil {
		return fmt.Errorf("redistenancy: cut: %w", err)
	}
	return nil
}

// millis rounds up: nothing is cut or forgotten earlier.
func millis(t time.Time) string {
	return strconv.FormatInt(t.Add(time.Millisecond-1).UnixMilli(), 10)
}

// page bounds an answer.
const page = 10_000

// cutsScript returns the name of the data, the last number, and keys and times. ARGV:
// the name and number of the cursor. A number that is not reached yet was given by a
// server that was lost before it was replicated.
var cutsScript = rueidis.NewLuaScript(`
local name = redis.call('HGET', KEYS[4], 'name')
if not name then return {'', '0'} end
local after, last = '-inf', '0'
if name == ARGV[1] and tonumber(ARGV[2]) <= tonumber(redis.call('HGET', KEYS[4], 'n')) then
  after, last = '(' .. ARGV[2], ARGV[2]
end
local found = redis.call('ZRANGEBYSCORE', KEYS[2], after, '+inf', 'WITHSCORES', 'LIMIT', 0, ` + strconv.Itoa(page) + `)
local out = {name, last}
for i = 1, #found, 2 do
  out[2] = found[i + 1]
  local at = redis.call('HGET', KEYS[1], found[i])
  if at then
    out[#out + 1] = found[i]
    out[#out + 1] = at
  end
end
return out`)

// Cuts implements tenancy.CutoffStore.
func (s *Store) Cuts(ctx context.Context, after string) (tenancy.Cuts, error) {
	name, number, ok := strings.Cut(after, " ")
	if _, err := strconv.ParseUint(number, 10, 53); !ok || err != nil {
		name, number = "", "0"
	}
	out, err := cutsScript.Exec(ctx, s.client, s.keys(), []string{name, number}).AsStrSlice()
	if err != nil {
		return tenancy.Cuts{}, fmt.Errorf("redistenancy: read cuts: %w", err)
	}
	if len(out) < 2 || len(out)%2 != 0 {
		return tenancy.Cuts{}, errors.New("redistenancy: read cuts: Redis gave an answer of another form")
	}
	cuts := tenancy.Cuts{At: make(map[string]time.Time, len(out)/2-1), Next: out[0] + " " + out[1], More: len(out)/2-1 >= page}
	for i := 2; i < len(out); i += 2 {
		at, err := strconv.ParseInt(out[i+1], 10, 64)
		if err != nil {
			return tenancy.Cuts{}, errors.New("redistenancy: read cuts: a time is not a number")
		}
		cuts.At[out[i]] = time.UnixMilli(at)
	}
	return cuts, nil
}

// Spend implements tenancy.Replay.
func (s *Store) Spend(ctx context.Context, id string, until time.Time) error {
	left := time.Until(until).Milliseconds()
	if left <= 0 {
		return nil
	}
	cmd := s.client.B().Set().Key(s.prefix + ":spent:" + id).Value("1").Nx().PxMilliseconds(left).Build()
	err := s.client.Do(ctx, cmd).Error()
	switch {
	case rueidis.IsRedisNil(err):
		return tenancy.ErrReplayed
	case err != nil:
		return fmt.Errorf("redistenancy: spend: %w", err)
	}
	return nil
}
