// Package core is the store of sessions in Redis, on whatever client there is.
// Package redissession says how it is used, and what Redis must not forget.
package core

import (
	"context"
	"crypto/rand"
	"encoding/binary"
	"errors"
	"fmt"
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
	OneServer     bool   // Client.Values takes keys of several slots.
	AllowEviction bool
	Cache         rueidis.Client // Nil without MaxStale.
	MaxStale      time.Duration
}

// Store is a driver.Store in Redis. It is safe for concurrent use.
type Store struct {
	client  Client
	values  func(ctx context.Context, keys []string) ([][]byte, error) // of one slot
	options Options
	parts   [shards]shard
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
	s := &Store{client: client, options: o, values: client.Values}
	if o.OneServer {
		s.values = newGatherer(client).values
	}
	for n := range s.parts {
		p, base := &s.parts[n], "{"+o.Prefix+":"+strconv.Itoa(n)+"}"
		p.base, p.state, p.sessions, p.marks, p.epochs = base, base+":g", base+":s:", base+":m:", base+":e:"
	}
	return s, nil
}

// shard is where a tag's keys lie.
type shard struct {
	base     string // all its keys begin so
	state    string
	sessions string // followed by the hash of a token
	marks    string // followed by the name of a user
	epochs   string // followed by the name of a SID

	known   atomic.Pointer[sighting] // the last revocation that this process has seen
	checked atomic.Int64             // until when the policy of its Redis is known, by the process's clock
}

// sighting is a revocation: how many there were with it, and a random number of it.
type sighting struct {
	n   int64
	run [runSize]byte
}

func (s *Store) shard(k driver.Key) *shard { return &s.parts[k.Tag()%shards] }

func (s *Store) shardOf(userID string) *shard { return s.shard(driver.KeyOf(userID, "")) }

func (p *shard) session(k driver.Key) string  { return p.sessions + string(k.Hash[:]) }
func (p *shard) user(k driver.Key) string     { return p.base + ":u:" + string(k.User[:]) }
func (p *shard) userMark(k driver.Key) string { return p.marks + string(k.User[:]) }
func (p *shard) sidEpoch(k driver.Key) string { return p.epochs + string(k.SID[:]) }

// mayForget returns an error when the Redis of one of the shards evicts keys, or does
// not say.
func (s *Store) mayForget(ctx context.Context, parts ...*shard) error {
	now := time.Since(started).Nanoseconds()
	var due []*shard
	var calls []Call
	for _, p := range parts {
		if !s.options.AllowEviction && now >= p.checked.Load() {
			due, calls = append(due, p), append(calls, Call{Keys: []string{p.state}})
		}
	}
	if len(due) == 0 {
		return nil
	}
	var failed error
	for i, reply := range s.client.Run(ctx, policyScript, calls...) {
		if reply.Err != nil {
			failed = fmt.Errorf("redissession: INFO memory, for maxmemory_policy: %w", reply.Err)
		} else if err := refuseEviction(reply.Values); err != nil {
			failed = err
		} else {
			due[i].checked.Store(now + policyFor.Nanoseconds())
		}
	}
	return failed
}

// run executes a script of a shard, and returns its state and what else it has.
func (s *Store) run(ctx context.Context, lua *Script, p *shard, now time.Time, keys []string, args ...string) (string, [][]byte, error) {
	if err := s.mayForget(ctx, p); err != nil {
		return "", nil, err
	}
	keys = append([]string{p.state}, keys...)
	values, err := s.eval(ctx, lua, keys, append(s.args(p, now), args...)...)
	if err != nil {
		p.checked.Store(0) // perhaps it comes back as another Redis
		return "", nil, err
	}
	if err := p.counted(values); err != nil || len(values) < 2 {
		return "", nil, errReply
	}
	return string(values[1]), values[2:], nil
}

// eval executes a script once.
func (s *Store) eval(ctx context.Context, lua *Script, keys []string, args ...string) ([][]byte, error) {
	reply := s.client.Run(ctx, lua, Call{Keys: keys, Args: args})[0]
	return reply.Values, wrap(reply.Err)
}

// counted learns the count of revocations with which a script's values begin.
func (p *shard) counted(values [][]byte) error {
	if len(values) == 0 || len(values[0]) < timeSize {
		return errReply
	}
	is := sighting{n: int64(binary.BigEndian.Uint64(values[0]))}
	copy(is.run[:], values[0][timeSize:])
	p.learn(is)
	return nil
}

// args are the first arguments of every script of a shard.
func (s *Store) args(p *shard, now time.Time) []string {
	var fresh [4 * epochSize]byte
	rand.Read(fresh[:])
	n, run := int64(0), ""
	if known := p.known.Load(); known != nil {
		n, run = known.n, string(known.run[:])
	}
	return []string{millis(now), strconv.FormatInt(n, 10), run, p.base, string(fresh[:])}
}

// learn remembers the last revocation. Of two with one number the newer sighting
// counts: Redis has just been compared with the other.
func (p *shard) learn(is sighting) {
	for {
		old := p.known.Load()
		if is.n == 0 || old != nil && (is.n < old.n || is == *old) {
			return
		}
		if next := is; p.known.CompareAndSwap(old, &next) {
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
	case "P":
		return driver.ErrReplaced
	case "C":
		return driver.ErrConflict
	case "M":
		return driver.ErrLimit
	}
	return errReply
}

// Create implements driver.Store.
func (s *Store) Create(ctx context.Context, r driver.Record, l driver.Limit) ([]driver.Ended, error) {
	value, err := encode(&r)
	if err != nil {
		return nil, err
	}
	if err := s.join(ctx, &r, l); err != nil {
		return nil, err
	}
	names := driver.KeyOf(r.UserID, r.SID)
	p := s.shard(names)
	keys := []string{p.session(r.Key), p.user(names), p.userMark(names), p.sidEpoch(names)}
	state, rest, err := s.run(ctx, createScript, p, l.Now, keys, string(value), millis(r.CreatedAt),
		millis(l.Bound), strconv.Itoa(l.Max), strconv.Itoa(int(l.Policy)), lifetime(l.Now, r.ExpiresAt))
	if err == nil {
		err = answer(state)
	}
	if err == nil {
		err = s.confirm(ctx, &r, l)
	}
	if err != nil {
		return nil, err
	}
	return endedOf(rest), nil
}

// join enters the session's user under its SID, which may lie in another shard,
// unless the SID is revoked.
func (s *Store) join(ctx context.Context, r *driver.Record, l driver.Limit) error {
	if r.SID == "" {
		return nil
	}
	joined, err := s.eval(ctx, joinScript, s.sidKeys(r.SID), r.UserID, lifetime(l.Now, r.ExpiresAt), millis(l.Bound))
	if err == nil && len(joined) == 0 {
		return driver.ErrRevoked
	}
	return err
}

// confirm looks for the mark again, now that the session is there: a RevokeSID in
// between may have looked for the session too early, one from now on finds it.
// Nobody has the token yet, so the session can go as if it had never been.
func (s *Store) confirm(ctx context.Context, r *driver.Record, l driver.Limit) error {
	err := s.join(ctx, r, l)
	if err == nil {
		return nil
	}
	undo := driver.Selector{Form: driver.SelectKey, Key: r.Key, Now: l.Now}
	if _, undone := s.Delete(context.WithoutCancel(ctx), undo); undone != nil {
		err = undone
	}
	return err
}

// sidKeys are the mark and the index of a SID.
func (s *Store) sidKeys(sid string) []string {
	name := driver.KeyOf("", sid).SID
	p := s.shard(driver.Key{User: name})
	return []string{p.base + ":x:" + string(name[:]), p.base + ":i:" + string(name[:])}
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
	p := s.shard(k)
	keys := []string{p.session(k), p.session(r.Key), p.user(driver.KeyOf(r.UserID, ""))}
	state, _, err := s.run(ctx, replaceScript, p, g.Now, keys,
		strconv.FormatInt(r.Version-1, 10), string(value), millis(until), millis(r.CreatedAt))
	if err != nil {
		return err
	}
	return answer(state)
}

// List implements driver.Store.
func (s *Store) List(ctx context.Context, userID string, now time.Time) ([]driver.Record, error) {
	names := driver.KeyOf(userID, "")
	p := s.shard(names)
	state, rest, err := s.run(ctx, listScript, p, now, []string{p.user(names)})
	if err == nil {
		err = answer(state)
	}
	if err != nil {
		return nil, err
	}
	records := make([]driver.Record, 0, len(rest)/2)
	for i := 0; i+1 < len(rest); i += 2 {
		r, err := decode(rest[i], names)
		if err != nil { // it is dead
			continue
		}
		r.Key = driver.KeyOf(r.UserID, r.SID)
		copy(r.Key.Hash[:], rest[i+1])
		records = append(records, r)
	}
	return records, nil
}

// endedOf reads what a script has ended, now or before; of what cannot be read nothing is known.
func endedOf(rest [][]byte) []driver.Ended {
	var ended []driver.Ended
	for _, value := range rest {
		if len(value) > 0 && value[atState] == stateRevoked {
			r := decodeDead(value)
			ended = append(ended, driver.Ended{ID: r.ID, UserID: r.UserID, SID: r.SID, Before: true})
		} else if r, err := decode(value, driver.Key{}); err == nil {
			ended = append(ended, r.Ended())
		}
	}
	return ended
}

func millis(t time.Time) string { return strconv.FormatInt(t.UnixMilli(), 10) }

// lifetime is how long something lives that must be there until then, in
// milliseconds of Redis's own clock, with room to say "expired" for a while.
func lifetime(now, until time.Time) string {
	return strconv.FormatInt(max(until.Sub(now)+10*time.Minute, time.Second).Milliseconds(), 10)
}
