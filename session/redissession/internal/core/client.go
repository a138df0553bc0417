package core

import (
	"context"
	"crypto/sha1" // how Redis names scripts
	"encoding/hex"

	"github.com/redis/rueidis"
)

// Client is what a Store needs of a client of Redis. Rueidis makes one of a
// rueidis.Client, and package goredis of a go-redis client. Implementations are
// safe for concurrent use, and send nothing to replicas, which lag.
type Client interface {
	// Values returns the strings at keys of one slot, or of any with
	// Options.OneServer, read by one command, and nothing for those that are not there.
	Values(ctx context.Context, keys []string) ([][]byte, error)
	// Run runs s once for each call, in one pipeline, and returns what each said. It
	// does not repeat a call of which it is not known whether Redis ran it.
	Run(ctx context.Context, s *Script, calls ...Call) []Reply
}

// Script is a Lua script that returns a list of strings. A client runs it by its
// name in hexadecimal (EVALSHA), and by its text (EVAL) where Redis does not know
// it yet.
type Script struct {
	Text, SHA1 string
	lua        *rueidis.Lua
}

// NewScript names a script.
func NewScript(text string) *Script {
	sum := sha1.Sum([]byte(text))
	return &Script{Text: text, SHA1: hex.EncodeToString(sum[:]), lua: rueidis.NewLuaScript(text)}
}

// Call is what a script is given. All keys lie in one slot of a cluster.
type Call struct{ Keys, Args []string }

// Reply is what a script has returned, or why it is not known.
type Reply struct {
	Values [][]byte
	Err    error
}

// Rueidis returns a Client on a rueidis.Client.
func Rueidis(c rueidis.Client) Client { return rueidisClient{c} }

type rueidisClient struct{ rueidis.Client }

func (c rueidisClient) Values(ctx context.Context, keys []string) ([][]byte, error) {
	// MGET is atomic. Arbitrary, because rueidis would retry a command that it knows
	// to read only until the context ends, and could send it to a replica.
	mget := c.B().Arbitrary("MGET").Keys(keys...)
	if _, ends := ctx.Deadline(); ends && c.Mode() != rueidis.ClientModeCluster {
		// A connection of its own, which the caller itself writes and reads: a read is
		// for many callers, and costs more than half less without two goroutines between.
		// Nothing but the deadline ends it.
		return list(c.Do(ctx, mget.Blocking()))
	}
	return list(c.Do(ctx, mget.Build()))
}

func (c rueidisClient) Run(ctx context.Context, s *Script, calls ...Call) []Reply {
	replies := make([]Reply, len(calls))
	if len(calls) == 1 {
		replies[0].Values, replies[0].Err = list(s.lua.Exec(ctx, c.Client, calls[0].Keys, calls[0].Args))
		return replies
	}
	execs := make([]rueidis.LuaExec, len(calls))
	for i, call := range calls {
		execs[i] = rueidis.LuaExec{Keys: call.Keys, Args: call.Args}
	}
	for i, reply := range s.lua.ExecMulti(ctx, c.Client, execs...) {
		replies[i].Values, replies[i].Err = list(reply)
	}
	return replies
}

// list reads a list of strings. They are not copies: nobody changes them.
func list(reply rueidis.RedisResult) ([][]byte, error) {
	all, err := reply.ToArray()
	if err != nil {
		return nil, err
	}
	out := make([][]byte, len(all))
	for i := range all {
		out[i] = bytesOf(&all[i])
	}
	return out, nil
}

// bytesOf is a string of Redis, or nothing.
func bytesOf(m *rueidis.RedisMessage) []byte {
	b, err := m.AsBytes()
	if err != nil {
		return nil
	}
	return b
}
