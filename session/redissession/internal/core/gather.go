package core

import (
	"context"
	"errors"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
)

const (
	maxGathered = 256 // keys of one MGET, while which Redis serves nobody else
	maxUnderWay = 16  // MGETs under way, so that a Redis that hangs costs no more connections
)

// errLeft is why a read was not made: its leader's time was up.
var errLeft = errors.New("redissession: the read was not made")

// gatherer reads for callers that come at once by one command: a Validate costs more
// to be sent and received than to be looked up. The first of them leads: it lets whoever
// is ready to run go first, and then reads for all. So nobody waits for company.
type gatherer struct {
	client  Client
	slots   chan struct{}
	crosses atomic.Bool // one command may not have keys of several slots

	mu   sync.Mutex
	open *gathering // which others may join
}

// gathering is one MGET. Its leader alone reads and writes the result before done.
type gathering struct {
	keys   []string
	done   chan struct{}
	values [][]byte
	err    error
}

func newGatherer(c Client) *gatherer {
	return &gatherer{client: c, slots: make(chan struct{}, maxUnderWay)}
}

// values reads keys of one slot. A read whose leader has left is made again; one that
// failed may have had an old connection, so it is tried once more.
func (g *gatherer) values(ctx context.Context, keys []string) (values [][]byte, err error) {
	for tries := 0; tries < 2; {
		if g.crosses.Load() {
			return g.client.Values(ctx, keys)
		}
		values, err = g.once(ctx, keys)
		switch {
		case err == nil:
			return values, nil
		case ctx.Err() != nil:
			return nil, ctx.Err()
		case err != errLeft:
			tries++
		}
	}
	return nil, err
}

func (g *gatherer) once(ctx context.Context, keys []string) ([][]byte, error) {
	g.mu.Lock()
	r := g.open
	if r == nil || len(r.keys)+len(keys) > maxGathered {
		r = &gathering{keys: keys[:len(keys):len(keys)], done: make(chan struct{}), err: errLeft}
		g.open = r
		g.mu.Unlock()
		g.lead(ctx, r)
		return r.part(0, len(keys))
	}
	at := len(r.keys)
	r.keys = append(r.keys, keys...)
	g.mu.Unlock()
	select {
	case <-r.done:
		return r.part(at, len(keys))
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// lead makes the read of r, for all who have joined it by then.
func (g *gatherer) lead(ctx context.Context, r *gathering) {
	defer close(r.done)
	runtime.Gosched()
	select {
	case g.slots <- struct{}{}:
		defer func() { <-g.slots }()
	case <-ctx.Done():
	}
	g.mu.Lock()
	if g.open == r {
		g.open = nil
	}
	g.mu.Unlock()
	if ctx.Err() != nil {
		return
	}
	values, err := g.client.Values(ctx, r.keys)
	switch {
	case err != nil && ctx.Err() != nil:
		return
	case err != nil && strings.HasPrefix(err.Error(), "CROSSSLOT"):
		g.crosses.Store(true)
	case err == nil && len(values) != len(r.keys):
		err = errReply
	}
	r.values, r.err = values, err
}

// part is what one caller has asked for.
func (r *gathering) part(at, n int) ([][]byte, error) {
	if r.err != nil {
		return nil, r.err
	}
	return r.values[at : at+n], nil
}
