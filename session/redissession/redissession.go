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
// trip. Exceptions are a login with a SID, which is three, RevokeEveryone, one
// pipeline to all 256 shards, and RevokeSID, two round trips and such a pipeline. The store is a driver.Replay and a
// driver.Outbox too; Redis forgets by itself, so nothing is swept.
//
// # Speed
//
// Validates that come at once are one MGET: the first of them lets those go first that
// are ready to run, and then reads for all, so none of them waits for company. It takes
// one of the client's connections for blocking commands, at most 16 at a time.
// A cluster is asked for each alone.
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
// The policy is looked at (in INFO, since managed services forbid CONFIG) at the
// first call, after an error, and once a minute. Where it evicts, as the default of
// AWS ElastiCache does, every call is an error until Config.AllowEviction says that
// this is fine.
//
// A session names random epochs of its shard, its user and its SID, which a
// revocation changes and every Validate compares. So what Redis evicts or loses
// signs users out; it brings no session back. Against a Redis that comes back with
// an older copy of all of it, each shard numbers its revocations, and every process
// remembers the last that it has seen. When Redis shows a lower number, or within
// 16 revocations another one in its place, all sessions of the shard end, and their
// users sign in again. Only what no process has seen, or the processes that saw it
// have forgotten in a restart, can come back in this way: a revocation whose process
// died with Redis. With appendfsync always there is none.
//
// # Cache
//
// With Config.MaxStale, sessions are read from rueidis's client-side cache, which
// Redis tells of every change (RESP3 CLIENT TRACKING). A revocation is then
// usually seen within milliseconds, and after MaxStale at the latest. What
// changes a session never uses the cache, nor does session.HTTP for requests other than
// GET and HEAD, nor whoever asks when the user has authenticated: Manager.Fresh and
// guardian's Require ask Redis once more.
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
	// AllowEviction takes a Redis that evicts keys when its memory is full. Revoked
	// sessions stay dead all the same, but users are signed out when their sessions or
	// marks are evicted, lists and the limit of sessions miss what was, a login that
	// was under way when its user was revoked may get through, a logout token may be
	// used again, and under an allkeys policy Auth0 is not told of revocations whose
	// job was evicted. Defaults to false: every call is an error that names the
	// policy.
	AllowEviction bool
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
	options := core.Options{
		Prefix: cfg.Prefix, AllowEviction: cfg.AllowEviction, MaxStale: cfg.MaxStale,
		OneServer: client.Mode() != rueidis.ClientModeCluster,
	}
	if cfg.MaxStale > 0 {
		options.Cache = client
	}
	return core.New(core.Rueidis(client), options)
}
