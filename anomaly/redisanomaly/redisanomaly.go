// Package redisanomaly keeps the profiles of package anomaly in Redis 6 or newer,
// Valkey, or a cluster of them, through rueidis:
//
//	client, err := rueidis.NewClient(rueidis.ClientOption{InitAddress: []string{"redis:6379"}})
//	…
//	store, err := redisanomaly.New(client, redisanomaly.Config{})
//	…
//	detector, err := anomaly.New(store, keys, anomaly.Config{Geo: geo})
//
// A profile is one string. Load is a GET, and Save is a script that compares the
// version and sets, so each is one round trip. Profiles expire Config.TTL after
// their last change; the sketch of the population stays.
//
// Redis must not evict (maxmemory-policy noeviction). A user whose profile was
// evicted has no history any more, and package risk judges the login by rarity alone
// unless risk.Config.OnFirst asks for a second factor.
package redisanomaly

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"math/rand/v2"
	"strconv"
	"time"

	"github.com/redis/rueidis"

	"github.com/auth0kit/auth0kit/anomaly"
)

// Config holds a Store's optional settings. The zero value uses the defaults.
type Config struct {
	Prefix string        // Of all keys. Defaults to "auth0kit:anomaly". Stores with different prefixes share nothing.
	TTL    time.Duration // How long a profile outlives its last change; at least a minute. Defaults to 183 days.
}

// Store implements anomaly.Store. It is safe for concurrent use. The caller closes
// the client.
type Store struct {
	client rueidis.Client
	prefix string
	ttl    string // seconds
}

var _ anomaly.Store = (*Store)(nil)

// New returns a Store. It does no I/O.
func New(client rueidis.Client, cfg Config) (*Store, error) {
	if client == nil {
		return nil, errors.New("redisanomaly: client is nil; make one with rueidis.NewClient")
	}
	if cfg.Prefix == "" {
		cfg.Prefix = "auth0kit:anomaly"
	}
	if cfg.TTL == 0 {
		cfg.TTL = 183 * 24 * time.Hour
	}
	if cfg.TTL < time.Minute {
		return nil, errors.New("redisanomaly: Config.TTL must be at least a minute")
	}
	return &Store{client, cfg.Prefix + ":", strconv.FormatInt(int64(cfg.TTL/time.Second), 10)}, nil
}

// versionSize is what stands before the blob.
const versionSize = 8

// Load implements anomaly.Store.
func (s *Store) Load(ctx context.Context, key anomaly.Key, dst []byte) ([]byte, uint64, error) {
	value, err := s.client.Do(ctx, s.client.B().Get().Key(s.prefix+key.String()).Build()).AsBytes()
	if rueidis.IsRedisNil(err) {
		return dst, 0, nil
	}
	if err != nil {
		return dst, 0, wrap("load", err)
	}
	if len(value) < versionSize {
		return dst, 0, anomaly.ErrDamaged
	}
	return append(dst, value[versionSize:]...), binary.BigEndian.Uint64(value), nil
}

// save sets KEYS[1] to ARGV[2] if the version that stands before its value is
// ARGV[1], which is empty for a key that is not there. ARGV[3] is the time to
// live in seconds, 0 for ever.
var save = rueidis.NewLuaScript(`
if redis.call('GETRANGE', KEYS[1], 0, 7) ~= ARGV[1] then return 0 end
if ARGV[3] == '0' then redis.call('SET', KEYS[1], ARGV[2])
else redis.call('SET', KEYS[1], ARGV[2], 'EX', ARGV[3]) end
return 1`)

// Save implements anomaly.Store.
func (s *Store) Save(ctx context.Context, key anomaly.Key, blob []byte, version uint64) error {
	old, next := "", rand.Uint64()>>2+1 // A save from before Forget must not find its version.
	if version != 0 {
		next = version + 1
		old = string(binary.BigEndian.AppendUint64(nil, version))
	}
	value := binary.BigEndian.AppendUint64(make([]byte, 0, versionSize+len(blob)), next)
	ttl := s.ttl
	if key == "" {
		ttl = "0"
	}
	args := []string{old, rueidis.BinaryString(append(value, blob...)), ttl}
	saved, err := save.Exec(ctx, s.client, []string{s.prefix + key.String()}, args).AsInt64()
	if err != nil {
		return wrap("save", err)
	}
	if saved == 0 {
		return anomaly.ErrConflict
	}
	return nil
}

// Forget is anomaly.Store's.
func (s *Store) Forget(ctx context.Context, userID string) error {
	return wrap("forget", s.client.Do(ctx, s.client.B().Del().Key(s.prefix+anomaly.Key(userID).String()).Build()).Error())
}

func wrap(what string, err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("redisanomaly: %s: %w", what, err)
}
