package redisrisk

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/redis/rueidis"

	"github.com/auth0kit/auth0kit/risk"
)

// keepFor is how long records of a user outlive the newest one.
const keepFor = 30 * 24 * time.Hour

// Decisions implements risk.Decisions: a hash per user, whose records expire 30 days
// after the newest. It is safe for concurrent use. The caller closes the client.
type Decisions struct {
	client rueidis.Client
	prefix string
}

var _ risk.Decisions = (*Decisions)(nil)

// NewDecisions returns Decisions. It does no I/O. They may have the prefix of
// Counters.
func NewDecisions(client rueidis.Client, cfg Config) (*Decisions, error) {
	c, err := New(client, cfg)
	if err != nil {
		return nil, err
	}
	return &Decisions{client, c.prefix}, nil
}

func (d *Decisions) key(userID string) string {
	return d.prefix + ":{" + safe.Replace(userID) + "}:decisions"
}

// A value is At and Until in milliseconds, each of 15 digits, the outcome in 16
// bytes, and the record. headSize is what stands before it.
const headSize = 15 + 15 + 16

func encode(r risk.Record) string {
	return fmt.Sprintf("%015d%015d%-16s%s", r.At.UnixMilli(), r.Until.UnixMilli(), r.Outcome, r.Sealed)
}

func decode(id, value string) (r risk.Record, err error) {
	if len(value) < headSize {
		return r, errors.New("redisrisk: stored decision is damaged")
	}
	at, err1 := strconv.ParseInt(value[:15], 10, 64)
	until, err2 := strconv.ParseInt(value[15:30], 10, 64)
	if err := errors.Join(err1, err2); err != nil {
		return r, errors.New("redisrisk: stored decision is damaged")
	}
	return risk.Record{
		ID: id, At: time.UnixMilli(at).UTC(), Until: time.UnixMilli(until).UTC(),
		Outcome: strings.TrimRight(value[30:headSize], " "), Sealed: []byte(value[headSize:]),
	}, nil
}

// put sets the field ARGV[1] of the hash KEYS[1] to ARGV[2], and removes the oldest
// beyond ARGV[4]. ARGV[3] is the time to live in milliseconds.
var put = rueidis.NewLuaScript(`
redis.call('HSET', KEYS[1], ARGV[1], ARGV[2])
redis.call('PEXPIRE', KEYS[1], ARGV[3])
while redis.call('HLEN', KEYS[1]) > tonumber(ARGV[4]) do
  local all, oldest, at = redis.call('HGETALL', KEYS[1]), nil, nil
  for i = 1, #all, 2 do
    local when = string.sub(all[i + 1], 1, 15)
    if not at or when < at then oldest, at = all[i], when end
  end
  redis.call('HDEL', KEYS[1], oldest)
end
return 1`)

// Put implements risk.Decisions.
func (d *Decisions) Put(ctx context.Context, userID string, r risk.Record) error {
	args := []string{r.ID, rueidis.BinaryString([]byte(encode(r))), strconv.FormatInt(keepFor.Milliseconds(), 10), strconv.Itoa(risk.MaxRecords)}
	return wrapDecision("put", put.Exec(ctx, d.client, []string{d.key(userID)}, args).Error())
}

// take notes the outcome ARGV[2] in the field ARGV[1] of KEYS[1], if it has none and
// ends after ARGV[3], and returns the record.
var take = rueidis.NewLuaScript(`
local value = redis.call('HGET', KEYS[1], ARGV[1])
if not value or string.sub(value, 31, 46) ~= string.rep(' ', 16) or string.sub(value, 16, 30) <= ARGV[3] then return false end
redis.call('HSET', KEYS[1], ARGV[1], string.sub(value, 1, 30) .. ARGV[2] .. string.sub(value, 47))
return string.sub(value, 47)`)

// Take implements risk.Decisions.
func (d *Decisions) Take(ctx context.Context, userID, id, outcome string, now time.Time) ([]byte, error) {
	args := []string{id, fmt.Sprintf("%-16s", outcome), fmt.Sprintf("%015d", now.UnixMilli())}
	sealed, err := take.Exec(ctx, d.client, []string{d.key(userID)}, args).AsBytes()
	if rueidis.IsRedisNil(err) {
		return nil, risk.ErrNoDecision
	}
	return sealed, wrapDecision("take", err)
}

// List implements risk.Decisions.
func (d *Decisions) List(ctx context.Context, userID string) ([]risk.Record, error) {
	all, err := d.client.Do(ctx, d.client.B().Hgetall().Key(d.key(userID)).Build()).AsStrMap()
	if err != nil {
		return nil, wrapDecision("list", err)
	}
	out := make([]risk.Record, 0, len(all))
	for id, value := range all {
		r, err := decode(id, value)
		if err != nil {
			return nil, err
		}
		out = append(out, r)
	}
	slices.SortFunc(out, func(a, b risk.Record) int { return b.At.Compare(a.At) })
	return out, nil
}

// Delete implements risk.Decisions.
func (d *Decisions) Delete(ctx context.Context, userID string) error {
	return wrapDecision("delete", d.client.Do(ctx, d.client.B().Del().Key(d.key(userID)).Build()).Error())
}

func wrapDecision(what string, err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("redisrisk: %s: %w", what, err)
}
