// Package core is the store of sessions in Redis, on whatever client there is.
// Package redissession says how it is used, and what Redis must not forget.
package core

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

// Options are those of redissession.Config, and the client with its cache.
type Options struct {
	Prefix        string // Defaults to "auth0kit:session".
	WritePrevious bool
	Cache         rueidis.Client // Nil without MaxStale.
	MaxStale      time.Duration
}

// Store is a driver.Store in Redis. It is safe for concurrent use.
type Store struct {
	client  Client
	options Options
	front   string // written before each body
	parts   [shards]shard
	known   [shards]atomic.Int64 // revocations that this process has seen
}

var (
	_ driver.Store  = (*Store)(nil)
	_ driver.Replay = (*Store)(nil)
	_ driver.Outbox = (*Store)(nil)
)

// New returns a Store. It does no I/O.
func New(client Client, o Options) (*Store, error) {
	if o.Prefix == "" {
		o.Prefix = "auth0kit:session"
	}
	if strings.ContainsAny(o.Prefix, "{}") {
		return nil, errors.New("redissession: Config.Prefix must not have braces; they choose the cluster slot")
	}
	s := &Store{client: client, options: o}
	if !o.WritePrevious {
		s.front = string(rune(version))
	}
	for n := range s.parts {
		base := "{" + o.Prefix + ":" + strconv.Itoa(n) + "}"
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
