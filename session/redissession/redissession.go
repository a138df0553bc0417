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
	"context"
	"errors"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"github.com/redis/rueidis"

	"github.com/auth0kit/auth0kit/session/driver"
)

const shards = 256

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

// Store is a driver.Store in Redis. It is safe for concurrent use. It does not
// own the client: closing that is its owner's.
type Store struct {
	client   Client
	cache    rueidis.Client // nil without Config.MaxStale
	prefix   string
	front    string // written before each body
	maxStale time.Duration
	parts    [shards]shard
	known    [shards]atomic.Int64 // revocations that this process has seen
}

var (
	_ driver.Store  = (*Store)(nil)
	_ driver.Replay = (*Store)(nil)
	_ driver.Outbox = (*Store)(nil)
)

// front is what a writer puts before a body.
func (c Config) front() string {
	if c.WritePrevious {
		return ""
	}
	return string(rune(version))
}

// New makes a store. It does no I/O.
func New(client rueidis.Client, cfg Config) (*Store, error) {
	if client == nil {
		return nil, errors.New("redissession: client is nil; make one with rueidis.NewClient")
	}
	s, err := NewOn(rueidisClient{client}, Config{Prefix: cfg.Prefix, WritePrevious: cfg.WritePrevious})
	if err != nil {
		return nil, err
	}
	if cfg.MaxStale < 0 {
		return nil, errors.New("redissession: Config.MaxStale must not be negative")
	}
	s.cache, s.maxStale = client, cfg.MaxStale
	return s, nil
}

// NewOn makes a store on another client than rueidis's. It has no cache. It does
// no I/O.
func NewOn(client Client, cfg Config) (*Store, error) {
	if client == nil {
		return nil, errors.New("redissession: client is nil")
	}
	if cfg.MaxStale != 0 {
		return nil, errors.New("redissession: Config.MaxStale needs the client-side cache of a rueidis.Client, and New")
	}
	if cfg.Prefix == "" {
		cfg.Prefix = "auth0kit:session"
	}
	if strings.ContainsAny(cfg.Prefix, "{}") {
		return nil, errors.New("redissession: Config.Prefix must not have braces; they choose the cluster slot")
	}
	s := &Store{client: client, prefix: cfg.Prefix, front: cfg.front()}
	for n := range s.parts {
		base := "{" + cfg.Prefix + ":" + strconv.Itoa(n) + "}"
		s.parts[n] = shard{n: n, base: base, state: base + ":g", sessions: base + ":s:"}
	}
	return s, nil
}

// shard is where a tag's keys lie.
type shard struct {
	n        int
	base     string // all its keys begin so
	state    string
	sessions string // followed by the hash of a token
}

func (s *Store) shard(tag uint16) *shard { return &s.parts[tag%shards] }

func (p *shard) session(k driver.Key) string { return p.sessions + string(k.Hash[:]) }
func (p *shard) user(id string) string       { return p.base + ":u:" + ref("user", id) }
func (p *shard) userMark(id string) string   { return p.base + ":m:" + ref("user", id) }

// run executes a script of a shard, and returns its state and what else it has.
func (s *Store) run(ctx context.Context, lua *Script, p *shard, now time.Time, keys []string, args ...string) (string, [][]byte, error) {
	keys = append([]string{p.state}, keys...)
	values, err := s.eval(ctx, lua, keys, append(append(s.args(p, now), args...), s.front)...)
	if err != nil {
		return "", nil, err
	}
	if err := s.counted(p, values); err != nil || len(values) < 2 {
		return "", nil, errRecord
	}
	return string(values[1]), values[2:], nil
}

// eval executes a script once.
func (s *Store) eval(ctx context.Context, lua *Script, keys []string, args ...string) ([][]byte, error) {
	reply := s.client.Run(ctx, lua, Call{Keys: keys, Args: args})[0]
	return reply.Values, wrap(reply.Err)
}

// counted learns the count of revocations with which a script's values begin.
func (s *Store) counted(p *shard, values [][]byte) error {
	if len(values) == 0 {
		return errRecord
	}
	n, err := strconv.ParseInt(string(values[0]), 10, 64)
	if err != nil {
		return errRecord
	}
	s.learn(p, n)
	return nil
}

// args are the first arguments of every script of a shard.
func (s *Store) args(p *shard, now time.Time) []string {
	return []string{millis(now), strconv.FormatInt(s.known[p.n].Load(), 10), p.base}
}

// learn remembers the highest count of revocations.
func (s *Store) learn(p *shard, n int64) {
	for {
		old := s.known[p.n].Load()
		if n <= old || s.known[p.n].CompareAndSwap(old, n) {
			return
		}
	}
}

// answer is what a script's state means.
func answer(state string) error {
	switch state {
	case "L":
		return nil
	case "N":
		return driver.ErrNone
	case "E":
		return driver.ErrExpired
	case "R":
		return driver.ErrRevoked
	case "C":
		return driver.ErrConflict
	case "M":
		return driver.ErrLimit
	}
	return errRecord
}

// Create implements driver.Store.
func (s *Store) Create(ctx context.Context, r driver.Record, l driver.Limit) ([]driver.Ended, error) {
	value, err := encode(&r)
	if err != nil {
		return nil, err
	}
	if err := s.join(ctx, &r, l.Now); err != nil {
		return nil, err
	}
	p := s.shard(r.Key.Tag)
	keys := []string{p.session(r.Key), p.user(r.UserID), p.userMark(r.UserID)}
	state, rest, err := s.run(ctx, createScript, p, l.Now, keys, string(value), millis(r.CreatedAt),
		millis(r.AuthTime()), strconv.Itoa(l.Max), strconv.Itoa(int(l.Policy)), lifetime(l.Now, r.ExpiresAt))
	if err == nil {
		err = answer(state)
	}
	if err == nil {
		err = s.confirm(ctx, &r, l.Now)
	}
	if err != nil {
		return nil, err
	}
	return endedOf(rest)
}

// join enters the session's user under its SID, which may lie in another shard,
// unless the SID is revoked.
func (s *Store) join(ctx context.Context, r *driver.Record, now time.Time) error {
	if r.SID == "" {
		return nil
	}
	joined, err := s.eval(ctx, joinScript, s.sidKeys(r.SID), r.UserID, lifetime(now, r.ExpiresAt))
	if err == nil && len(joined) == 0 {
		return driver.ErrRevoked
	}
	return err
}

// confirm looks for the mark again, now that the session is there: a RevokeSID in
// between may have looked for the session too early, one from now on finds it.
// Nobody has the token yet, so the session can go as if it had never been.
func (s *Store) confirm(ctx context.Context, r *driver.Record, now time.Time) error {
	if r.SID == "" {
		return nil
	}
	mark, err := s.client.Values(ctx, s.sidKeys(r.SID)[0])
	if err == nil && len(mark) == 1 && len(mark[0]) == 0 {
		return nil
	}
	if err = wrap(err); err == nil {
		err = driver.ErrRevoked
	}
	undo := driver.Selector{Key: &r.Key, Now: now}
	if _, undone := s.Delete(context.WithoutCancel(ctx), undo); undone != nil {
		err = undone
	}
	return err
}

// sidKeys are the mark and the index of a SID.
func (s *Store) sidKeys(sid string) []string {
	p := s.shard(driver.Tag(sid))
	return []string{p.base + ":x:" + ref("sid", sid), p.base + ":i:" + ref("sid", sid)}
}

// Replace implements driver.Store.
func (s *Store) Replace(ctx context.Context, k driver.Key, r driver.Record, g driver.Grace) error {
	value, err := encode(&r)
	if err != nil {
		return err
	}
	until := time.UnixMilli(0)
	if !g.Until.IsZero() {
		until = g.Until
	}
	p := s.shard(k.Tag)
	keys := []string{p.session(k), p.session(r.Key), p.user(r.UserID)}
	state, _, err := s.run(ctx, replaceScript, p, g.Now, keys,
		strconv.FormatInt(r.Version-1, 10), string(value), millis(until), millis(r.CreatedAt))
	if err != nil {
		return err
	}
	return answer(state)
}

// List implements driver.Store.
func (s *Store) List(ctx context.Context, userID string, now time.Time) ([]driver.Record, error) {
	p := s.shard(driver.Tag(userID))
	state, rest, err := s.run(ctx, listScript, p, now, []string{p.user(userID)})
	if err == nil {
		err = answer(state)
	}
	if err != nil {
		return nil, err
	}
	records := make([]driver.Record, 0, len(rest)/2)
	for i := 0; i+1 < len(rest); i += 2 {
		k := driver.Key{Tag: driver.Tag(userID)}
		copy(k.Hash[:], rest[i+1])
		r, err := decode(rest[i], k)
		if err != nil {
			return nil, err
		}
		records = append(records, r)
	}
	return records, nil
}

func endedOf(rest [][]byte) ([]driver.Ended, error) {
	var ended []driver.Ended
	for _, value := range rest {
		r, err := decode(value, driver.Key{})
		if err != nil {
			return nil, err
		}
		ended = append(ended, r.Ended())
	}
	return ended, nil
}

func millis(t time.Time) string { return strconv.FormatInt(t.UnixMilli(), 10) }

// lifetime is how long something lives that must be there until then, in
// milliseconds of Redis's own clock, with room to say "expired" for a while.
func lifetime(now, until time.Time) string {
	return strconv.FormatInt(max(until.Sub(now)+10*time.Minute, time.Second).Milliseconds(), 10)
}
