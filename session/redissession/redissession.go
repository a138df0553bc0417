// Package redissession keeps sessions in Redis 6 or newer, Valkey, or a cluster
// of them, through rueidis (package goredis does so through go-redis):
//
//	client, err := rueidis.NewClient(rueidis.ClientOption{InitAddress: []string{"redis:6379"}})
//	…
//	store, err := redissession.New(client, redissession.Config{})
//	…
//	sessions, err := session.New(store, session.Config{Outbox: store, …})
//
// Every operation is one Lua script, so it is atomic, and Validate is one round
// trip. Exceptions are a login with a SID and RevokeSID, which are two, and
// RevokeEveryone, one pipeline. The store is a driver.Replay and a
// driver.Outbox too; Redis forgets by itself, so nothing is swept.
//
// # Speed
//
// rueidis sends commands of several goroutines together. For a server with a few
// cores, one connection costs least, on which a command waits a moment for company
// when others are under way:
//
//	rueidis.ClientOption{…, PipelineMultiplex: -1, MaxFlushDelay: 50 * time.Microsecond}
//
// # Cluster
//
// A user's sessions, their list and the user's revocations lie in one of 256
// shards, which the token names; the shard is the hash tag of all their keys. So a
// script sees them together, in a cluster too. Scripts build the names of a
// user's other keys themselves, which Redis and Valkey allow within a slot.
//
// # What Redis must not forget
//
// A session is revoked by a write, and a Redis that comes back without its last
// writes (an old snapshot, or a replica that lagged when it took over) would
// bring the session back too. So run Redis with
//
//	appendonly yes
//	appendfsync always
//	maxmemory-policy noeviction
//
// Against the rest, each shard counts its revocations, and every process
// remembers the highest count that it has seen. When Redis shows a lower one, its
// data are older than what is known: all sessions of the shard end, and their
// users sign in again. A Redis that comes back empty ends all sessions too.
//
// # Cache
//
// With Config.MaxStale, sessions are read from rueidis's client-side cache, which
// Redis tells of every change (RESP3 CLIENT TRACKING). A revocation is then
// usually seen within milliseconds, and after MaxStale at the latest. What
// changes a session never uses the cache.
package redissession

import (
	"errors"
	"time"

	"github.com/redis/rueidis"

	"github.com/auth0kit/auth0kit/session/redissession/internal/core"
)

// Config is optional.
type Config struct {
	// Prefix of all keys. Defaults to "auth0kit:session". Two stores with their own
	// prefixes are apart.
	Prefix string
	// MaxStale is how old the cache's answer may be at most. Defaults to 0: no
	// cache. The client must have been made without DisableCache.
	MaxStale time.Duration
	// WritePrevious writes sessions in the format of the release before this one,
	// which this one reads too. Set it while processes of that release use the same
	// data: they take sessions in the newer format for revoked ones. Defaults to
	// false.
	WritePrevious bool
}

// Store is a driver.Store, driver.Replay and driver.Outbox in Redis. It is safe
// for concurrent use. The caller closes the client.
type Store = core.Store

// New returns a Store. It does no I/O.
func New(client rueidis.Client, cfg Config) (*Store, error) {
	if client == nil {
		return nil, errors.New("redissession: client is nil; make one with rueidis.NewClient")
	}
	if cfg.MaxStale < 0 {
		return nil, errors.New("redissession: Config.MaxStale must not be negative")
	}
	options := core.Options{Prefix: cfg.Prefix, WritePrevious: cfg.WritePrevious, MaxStale: cfg.MaxStale}
	if cfg.MaxStale > 0 {
		options.Cache = client
	}
	return core.New(core.Rueidis(client), options)
}
