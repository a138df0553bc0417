package core

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// echo is a Redis that has "v" and the key at every key. It answers when it is let.
type echo struct {
	Client
	gate  chan struct{} // nil: at once
	calls atomic.Int32
	most  atomic.Int32
	fails func(call int, ctx context.Context, keys []string) error
}

func (c *echo) Values(ctx context.Context, keys []string) ([][]byte, error) {
	n := c.calls.Add(1)
	c.most.Store(max(c.most.Load(), int32(len(keys))))
	if c.gate != nil {
		select {
		case <-c.gate:
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
	if c.fails != nil {
		if err := c.fails(int(n), ctx, keys); err != nil {
			return nil, err
		}
	}
	values := make([][]byte, len(keys))
	for i, key := range keys {
		values[i] = []byte("v" + key)
	}
	return values, nil
}

// ask has n callers read keys of their own at once, and returns what each got. It
// keeps all slots busy until they wait, so that they are read together.
func ask(t *testing.T, g *gatherer, c *echo, n int, of func(i int) context.Context) []error {
	errs := make([]error, n)
	synctest.Test(t, func(t *testing.T) {
		c.gate, g.slots = make(chan struct{}), make(chan struct{}, maxUnderWay)
		for range maxUnderWay {
			g.slots <- struct{}{}
		}
		var wg sync.WaitGroup
		for i := range n {
			wg.Go(func() {
				keys := []string{fmt.Sprint("a", i), fmt.Sprint("b", i), fmt.Sprint("c", i)}
				var values [][]byte
				values, errs[i] = g.values(of(i), keys)
				if errs[i] == nil && assert.Len(t, values, len(keys)) {
					for j, key := range keys {
						assert.Equal(t, "v"+key, string(values[j]))
					}
				}
			})
			synctest.Wait() // so the first one leads
		}
		close(c.gate)
		for range maxUnderWay {
			<-g.slots
		}
		wg.Wait()
	})
	return errs
}

func background(int) context.Context { return context.Background() }

// TestReadsAreGathered: who comes at once is answered by one command, and everybody
// gets what is at their own keys.
func TestReadsAreGathered(t *testing.T) {
	t.Parallel()
	c := &echo{}
	for _, err := range ask(t, newGatherer(c), c, 20, background) {
		require.NoError(t, err)
	}
	assert.EqualValues(t, 1, c.calls.Load())

	c = &echo{}
	for _, err := range ask(t, newGatherer(c), c, 200, background) {
		require.NoError(t, err)
	}
	assert.EqualValues(t, 3, c.calls.Load(), "600 keys")
	assert.LessOrEqual(t, int(c.most.Load()), maxGathered)

	c = &echo{}
	_, err := newGatherer(c).values(t.Context(), []string{"alone"})
	require.NoError(t, err)
	assert.EqualValues(t, 1, c.calls.Load())
}

// TestWhoLeadsMayLeave: a caller whose time is up, or whose read fails, takes nobody
// with it, and one that only waits leaves at once.
func TestWhoLeadsMayLeave(t *testing.T) {
	t.Parallel()
	gone, leave := context.WithCancel(context.Background())
	leave()
	for _, who := range []int{0, 3} {
		c := &echo{}
		for i, err := range ask(t, newGatherer(c), c, 6, func(i int) context.Context {
			if i == who {
				return gone
			}
			return context.Background()
		}) {
			if i == who {
				require.ErrorIs(t, err, context.Canceled)
			} else {
				require.NoError(t, err, i)
			}
		}
	}

	c := &echo{fails: func(call int, _ context.Context, _ []string) error {
		if call == 1 {
			return errors.New("an old connection")
		}
		return nil
	}}
	for _, err := range ask(t, newGatherer(c), c, 6, background) {
		require.NoError(t, err)
	}

	away := errors.New("away")
	c = &echo{fails: func(int, context.Context, []string) error { return away }}
	for _, err := range ask(t, newGatherer(c), c, 6, background) {
		require.ErrorIs(t, err, away)
	}
	assert.LessOrEqual(t, int(c.calls.Load()), 12)
}

// TestPanicOfWhoLeads: nobody waits for an answer that does not come.
func TestPanicOfWhoLeads(t *testing.T) {
	t.Parallel()
	c := &echo{fails: func(call int, _ context.Context, _ []string) error {
		if call == 1 {
			panic("the client's")
		}
		return nil
	}}
	g := newGatherer(c)
	require.Panics(t, func() { _, _ = g.values(t.Context(), []string{"a"}) })
	_, err := g.values(t.Context(), []string{"a"})
	require.NoError(t, err)
	assert.Empty(t, g.slots)
}

// TestOneSlotEach: a Redis that takes no keys of several slots is asked for each
// caller alone, although the client was taken for one of a single server.
func TestOneSlotEach(t *testing.T) {
	t.Parallel()
	c := &echo{fails: func(_ int, _ context.Context, keys []string) error {
		if len(keys) > 3 {
			return errors.New("CROSSSLOT Keys in request don't hash to the same slot")
		}
		return nil
	}}
	g := newGatherer(c)
	for range 2 {
		for _, err := range ask(t, g, c, 5, background) {
			require.NoError(t, err)
		}
	}
	assert.EqualValues(t, 1+5+5, c.calls.Load())
}
