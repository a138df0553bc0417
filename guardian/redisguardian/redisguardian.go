// Package redisguardian keeps second factors in Redis 6 or newer, Valkey, or a
// cluster of them, through rueidis, for those whose sessions are there too:
//
//	client, err := rueidis.NewClient(rueidis.ClientOption{InitAddress: []string{"redis:6379"}})
//	…
//	store, err := redisguardian.New(client, redisguardian.Config{})
//	…
//	factors, err := guardian.New(directory, guardian.Config{Store: store, Keys: keys, Issuer: "Example"})
//
// A user without a record has no factor and may enroll a first one with a password
// alone, so Redis must not lose records. Set
//
//	maxmemory-policy noeviction
//	appendonly yes
//	appendfsync always
//
// The policies volatile-* are as good, because the keys have no time to live; with
// one that evicts any key, every method fails. With appendfsync everysec, a crash
// of Redis within a second lets a code be used again. A failover to a replica that
// is behind does the same.
//
// All records of a user are in one hash, and every change is one script, so any
// number of processes can share them. guardian.Service.Run removes expired records,
// for which it scans all keys of the database once an hour. The records are sealed: a
// copy of the database reveals no seeds. It does reveal the ids of users.
package redisguardian

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"github.com/redis/rueidis"

	"github.com/auth0kit/auth0kit/guardian/driver"
)

// Config holds optional settings. The zero value uses the defaults.
type Config struct {
	Prefix string // Of all keys, without braces, glob characters, bars or spaces. Defaults to "auth0kit:guardian". Stores with different prefixes share nothing.
}

// Store is a guardian store in Redis. It is safe for concurrent use, also by
// several processes. The caller closes the client.
type Store struct {
	client rueidis.Client
	prefix string
	kept   atomic.Bool // The policy was looked at.
}

var _ driver.Store = (*Store)(nil)

// New returns a Store. It does no I/O.
func New(client rueidis.Client, cfg Config) (*Store, error) {
	if client == nil {
		return nil, errors.New("redisguardian: client is nil; make one with rueidis.NewClient")
	}
	if cfg.Prefix == "" {
		cfg.Prefix = "auth0kit:guardian"
	}
	if strings.ContainsAny(cfg.Prefix, "{}[]*?\\| ") {
		return nil, errors.New("redisguardian: Config.Prefix must not have braces, brackets, spaces, or any of *?|\\")
	}
	return &Store{client: client, prefix: cfg.Prefix + "|"}, nil
}

func (s *Store) key(subject string) string { return s.prefix + subject }

func field(k driver.Key) string { return string(k.Kind) + "\x00" + k.Factor }

// A value is "version until data", until in milliseconds since 1970 and 0 for
// always.

// saveScript writes the field ARGV[1] of KEYS[1] if its version is ARGV[2], or, if
// that is 0, if there is none.
var saveScript = rueidis.NewLuaScript(`
local was = redis.call('HGET', KEYS[1], ARGV[1])
local version = was and string.match(was, '^(%d+) ') or '0'
if version ~= ARGV[2] then return 0 end
redis.call('HSET', KEYS[1], ARGV[1], ARGV[3])
return 1`)

// sweepScript removes the fields of KEYS[1] that are kept until ARGV[1] at most.
var sweepScript = rueidis.NewLuaScript(`
local n, all = 0, redis.call('HGETALL', KEYS[1])
for i = 1, #all, 2 do
  local kept = tonumber(string.match(all[i + 1], '^%d+ (%d+) '))
  if kept and kept > 0 and kept <= tonumber(ARGV[1]) then
    n = n + redis.call('HDEL', KEYS[1], all[i])
  end
end
return n`)

// Load implements driver.Store.
func (s *Store) Load(ctx context.Context, k driver.Key) (driver.Record, error) {
	r := driver.Record{Key: k}
	if err := s.keeps(ctx); err != nil {
		return r, err
	}
	value, err := s.client.Do(ctx, s.client.B().Hget().Key(s.key(k.Subject)).Field(field(k)).Build()).ToString()
	if rueidis.IsRedisNil(err) {
		return r, driver.ErrNoRecord
	}
	if err != nil {
		return r, fmt.Errorf("redisguardian: load: %w", err)
	}
	version, rest, _ := strings.Cut(value, " ")
	until, data, ok := strings.Cut(rest, " ")
	r.Version, err = strconv.ParseInt(version, 10, 64)
	ms, err2 := strconv.ParseInt(until, 10, 64)
	if !ok || err != nil || err2 != nil || r.Version < 1 {
		return r, errors.New("redisguardian: a record is not readable")
	}
	if ms > 0 {
		r.Until = time.UnixMilli(ms).UTC()
	}
	r.Data = []byte(data)
	return r, nil
}

// Save implements driver.Store.
func (s *Store) Save(ctx context.Context, r driver.Record, old int64) error {
	if err := s.keeps(ctx); err != nil {
		return err
	}
	until := int64(0)
	if !r.Until.IsZero() {
		until = max(r.Until.UnixMilli(), 1)
	}
	value := strconv.FormatInt(r.Version, 10) + " " + strconv.FormatInt(until, 10) + " " + string(r.Data)
	done, err := saveScript.Exec(ctx, s.client, []string{s.key(r.Key.Subject)}, []string{field(r.Key), strconv.FormatInt(old, 10), value}).AsInt64()
	switch {
	case err != nil:
		return fmt.Errorf("redisguardian: save: %w", err)
	case done == 0:
		return driver.ErrConflict
	}
	return nil
}

// Forget implements driver.Store.
func (s *Store) Forget(ctx context.Context, subject string) error {
	if err := s.client.Do(ctx, s.client.B().Del().Key(s.key(subject)).Build()).Error(); err != nil {
		return fmt.Errorf("redisguardian: forget: %w", err)
	}
	return nil
}

// Sweep implements driver.Store.
func (s *Store) Sweep(ctx context.Context, now time.Time) (removed int, err error) {
	seen := make(map[string]bool) // Replicas name the same keys again.
	for _, node := range s.client.Nodes() {
		for cursor := uint64(0); ; {
			page, err := node.Do(ctx, node.B().Scan().Cursor(cursor).Match(s.prefix+"*").Count(1000).Build()).AsScanEntry()
			if err != nil {
				return removed, fmt.Errorf("redisguardian: sweep: %w", err)
			}
			for _, key := range page.Elements {
				if seen[key] {
					continue
				}
				seen[key] = true
				n, err := sweepScript.Exec(ctx, s.client, []string{key}, []string{strconv.FormatInt(now.UnixMilli(), 10)}).AsInt64()
				if err != nil {
					return removed, fmt.Errorf("redisguardian: sweep: %w", err)
				}
				removed += int(n)
			}
			if cursor = page.Cursor; cursor == 0 {
				break
			}
		}
	}
	return removed, nil
}

// keeps fails when a node may evict records. It asks each once, but for those that do
// not answer; where it may not ask, what the documentation says is believed to be done.
func (s *Store) keeps(ctx context.Context) error {
	if s.kept.Load() {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, time.Second)
	defer cancel()
	failed, answered := errors.New("redisguardian: no node is known"), false
	for _, node := range s.client.Nodes() {
		info, err := node.Do(ctx, node.B().Info().Section("memory").Build()).ToString()
		if _, refused := rueidis.IsRedisErr(err); err != nil && !refused {
			failed = fmt.Errorf("redisguardian: INFO memory, for maxmemory_policy: %w", err)
			continue
		}
		for line := range strings.SplitSeq(info, "\n") {
			if policy, ok := strings.CutPrefix(strings.TrimSpace(line), "maxmemory_policy:"); ok && strings.HasPrefix(policy, "allkeys") {
				return fmt.Errorf("redisguardian: Redis may evict factors: its maxmemory-policy is %q; set noeviction", policy)
			}
		}
		answered = true
	}
	if !answered {
		return failed
	}
	s.kept.Store(true)
	return nil
}
