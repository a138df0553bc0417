// Package redisrisk counts failures and velocity and keeps decisions for package
// risk in Redis 6 or newer, Valkey, or a cluster of them, through rueidis, so that several processes
// see the same numbers:
//
//	client, err := rueidis.NewClient(rueidis.ClientOption{InitAddress: []string{"redis:6379"}})
//	…
//	counters, err := redisrisk.New(client, redisrisk.Config{})
//	…
//	decisions, err := redisrisk.NewDecisions(client, redisrisk.Config{})
//	…
//	engine, err := risk.New(detector, risk.Config{Counters: counters, Decisions: decisions, Keys: keys})
//
// All counts of a login take one round trip. Distinct members are counted by
// Redis's HyperLogLog, accurate to 1%; keys expire after two windows. Redis must not
// evict (maxmemory-policy noeviction): counts of refused challenges would begin
// again, and challenges that wait could not be completed.
package redisrisk

import (
	"context"
	"crypto/sha1" // Redis names scripts by it.
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/redis/rueidis"

	"github.com/auth0kit/auth0kit/risk"
)

// Config holds optional settings. The zero value uses the defaults.
type Config struct {
	Prefix string // Of all keys, without braces. Defaults to "auth0kit:risk". Counters with different prefixes share nothing.
}

// Counters implements risk.Counters. It is safe for concurrent use. The caller
// closes the client.
type Counters struct {
	client rueidis.Client
	prefix string
}

var _ risk.Counters = (*Counters)(nil)

// New returns Counters. It does no I/O.
func New(client rueidis.Client, cfg Config) (*Counters, error) {
	if client == nil {
		return nil, errors.New("redisrisk: client is nil; make one with rueidis.NewClient")
	}
	if cfg.Prefix == "" {
		cfg.Prefix = "auth0kit:risk"
	}
	if strings.ContainsAny(cfg.Prefix, "{}") {
		return nil, errors.New("redisrisk: Config.Prefix must not have braces; they choose the cluster slot")
	}
	return &Counters{client, cfg.Prefix}, nil
}

// countText adds the member ARGV[1], unless it is empty, to the bucket whose events
// are KEYS[1] and whose members are KEYS[2], and returns both counts and those of
// the bucket before, KEYS[3] and KEYS[4]. ARGV[2] is the time to live in
// milliseconds.
const countText = `
if ARGV[1] ~= '' then
  redis.call('INCR', KEYS[1])
  redis.call('PEXPIRE', KEYS[1], ARGV[2])
  redis.call('PFADD', KEYS[2], ARGV[1])
  redis.call('PEXPIRE', KEYS[2], ARGV[2])
end
local function events(key) return tonumber(redis.call('GET', key) or '0') end
return { events(KEYS[1]), redis.call('PFCOUNT', KEYS[2]), events(KEYS[3]), redis.call('PFCOUNT', KEYS[4]) }`

var (
	countScript = rueidis.NewLuaScript(countText)
	countSHA    = fmt.Sprintf("%x", sha1.Sum([]byte(countText)))
)

// Add implements risk.Counters. Late events count in the bucket of their time
// while that still exists.
func (c *Counters) Add(ctx context.Context, items []risk.Count) ([]risk.Tally, error) {
	calls := make([]call, len(items))
	for i, item := range items {
		if err := item.Validate(); err != nil {
			return nil, err
		}
		calls[i] = c.call(item)
	}
	if err := ctx.Err(); err != nil || len(items) == 0 {
		return nil, err
	}
	answers, err := c.run(ctx, calls)
	if err != nil {
		return nil, fmt.Errorf("redisrisk: count: %w", err)
	}
	tallies := make([]risk.Tally, len(items))
	for i, n := range answers {
		_, passed := items[i].Bucket()
		tallies[i] = items[i].Blend(int(n[0]), int(n[2]), int(n[1]), int(n[3]), passed)
	}
	return tallies, nil
}

type (
	call   = rueidis.LuaExec
	answer [4]int64
)

// run sends all calls in one pipeline, as EVALSHA. Where a server does not have
// the script (it is new, or restarted), rueidis loads it for those calls.
func (c *Counters) run(ctx context.Context, calls []call) ([]answer, error) {
	commands := make([]rueidis.Completed, len(calls))
	for i, one := range calls {
		commands[i] = c.client.B().Evalsha().Sha1(countSHA).Numkeys(int64(len(one.Keys))).Key(one.Keys...).Arg(one.Args...).Build()
	}
	answers := make([]answer, len(calls))
	var again []call
	var where []int
	for i, result := range c.client.DoMulti(ctx, commands...) {
		err := answers[i].read(result)
		if server, ok := rueidis.IsRedisErr(err); ok && server.IsNoScript() {
			again, where = append(again, calls[i]), append(where, i)
		} else if err != nil {
			return nil, err
		}
	}
	if len(again) == 0 {
		return answers, nil
	}
	for i, result := range countScript.ExecMulti(ctx, c.client, again...) {
		if err := answers[where[i]].read(result); err != nil {
			return nil, err
		}
	}
	return answers, nil
}

func (a *answer) read(result rueidis.RedisResult) error {
	n, err := result.AsIntSlice()
	if err == nil && copy(a[:], n) != len(a) {
		err = errors.New("unexpected answer")
	}
	return err
}

// call names the keys: the hash tag keeps the buckets of one key in one slot.
func (c *Counters) call(item risk.Count) call {
	number, _ := item.Bucket()
	key := func(kind string, bucket int64) string {
		return c.prefix + ":{" + safe.Replace(item.Key) + "}:" + kind + strconv.FormatInt(bucket, 10)
	}
	return call{
		Keys: []string{key("e", number), key("m", number), key("e", number-1), key("m", number-1)},
		Args: []string{item.Member, strconv.FormatInt(2*item.Window.Milliseconds()+time.Minute.Milliseconds(), 10)},
	}
}

// safe keeps a brace in a key from ending the hash tag early, which would put its
// buckets into different slots.
var safe = strings.NewReplacer("%", "%25", "{", "%7B", "}", "%7D")
