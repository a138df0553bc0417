// Package goredis keeps sessions in Redis through go-redis, for programs that
// have such a client already:
//
//	client := redis.NewClient(&redis.Options{Addr: "redis:6379", ContextTimeoutEnabled: true})
//	…
//	store, err := goredis.New(client, redissession.Config{})
//
// It is the store of package redissession, and may share its data with processes
// that use rueidis. There is no cache: Config.MaxStale is refused.
//
// Without ContextTimeoutEnabled, a call ends with Options.ReadTimeout, not with its
// context. Whatever Options.MaxRetries and ReadOnly say, nothing that changes something is
// sent twice, and nothing to a replica: a session that was just revoked could live there.
package goredis

import (
	"context"
	"errors"

	"github.com/redis/go-redis/v9"

	"github.com/auth0kit/auth0kit/session/redissession"
	"github.com/auth0kit/auth0kit/session/redissession/internal/core"
)

// New returns a store on a client, a cluster client or a sentinel one. It does no
// I/O. The caller closes the client.
func New(c redis.UniversalClient, cfg redissession.Config) (*redissession.Store, error) {
	if c == nil {
		return nil, errors.New("goredis: client is nil; make one with redis.NewClient")
	}
	if cfg.MaxStale != 0 {
		return nil, errors.New("goredis: Config.MaxStale needs the client-side cache of a rueidis.Client, and redissession.New")
	}
	_, one := c.(*redis.Client)
	return core.New(client{c}, core.Options{Prefix: cfg.Prefix, AllowEviction: cfg.AllowEviction, OneServer: one})
}

type client struct{ redis.UniversalClient }

// Values implements core.Client. A client of one Redis sends an MGET, which a
// cluster client could send to a replica: there a script reads.
func (c client) Values(ctx context.Context, keys []string) ([][]byte, error) {
	one, ok := c.UniversalClient.(*redis.Client)
	if !ok {
		reply := c.Run(ctx, mget, core.Call{Keys: keys})[0]
		return reply.Values, reply.Err
	}
	args := make([]any, 0, 1+len(keys))
	args = append(args, "mget")
	for _, key := range keys {
		args = append(args, key)
	}
	cmd := once{redis.NewStringSliceCmd(ctx, args...)}
	_ = one.Process(ctx, cmd)
	return bytesOf(cmd)
}

var mget = core.NewScript(`return redis.call('MGET', unpack(KEYS))`)

func bytesOf(cmd once) ([][]byte, error) {
	texts, err := cmd.Result()
	values := make([][]byte, len(texts))
	for i, text := range texts {
		values[i] = []byte(text)
	}
	return values, err
}

// Run implements core.Client.
func (c client) Run(ctx context.Context, s *core.Script, calls ...core.Call) []core.Reply {
	replies := c.run(ctx, "evalsha", s.SHA1, calls)
	for i := range replies {
		if redis.HasErrorPrefix(replies[i].Err, "NOSCRIPT") {
			replies[i] = c.run(ctx, "eval", s.Text, calls[i:i+1])[0]
		}
	}
	return replies
}

func (c client) run(ctx context.Context, verb, script string, calls []core.Call) []core.Reply {
	pipe := c.Pipeline()
	cmds := make([]once, len(calls))
	for i, call := range calls {
		args := []any{verb, script, len(call.Keys)}
		for _, list := range [][]string{call.Keys, call.Args} {
			for _, arg := range list {
				args = append(args, arg)
			}
		}
		cmds[i] = once{redis.NewStringSliceCmd(ctx, args...)}
		_ = pipe.Process(ctx, cmds[i]) // only notes it
	}
	_, _ = pipe.Exec(ctx) // every command has its own error
	replies := make([]core.Reply, len(calls))
	for i, cmd := range cmds {
		replies[i].Values, replies[i].Err = bytesOf(cmd)
	}
	return replies
}

// once is a command that go-redis does not send again.
type once struct{ *redis.StringSliceCmd }

func (once) NoRetry() bool { return true }
