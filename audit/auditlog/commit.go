package auditlog

import (
	"context"
	"fmt"
	"sync"
	"time"
)

const (
	maxCommit     = 512              // Items of one transaction.
	commitTimeout = 30 * time.Second // Of one transaction, whoever waits for it.
)

// committer puts what is written at the same time into one transaction. While one
// is under way the next items gather.
type committer[T any] struct {
	write func(ctx context.Context, items []T) error

	mu      sync.Mutex
	waiting []*waiting[T]
	busy    bool
}

type waiting[T any] struct {
	item T
	done chan error
}

// do returns when the item is stored or was refused. When ctx ends before, the
// transaction goes on and its outcome is not known.
func (c *committer[T]) do(ctx context.Context, item T) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	w := &waiting[T]{item: item, done: make(chan error, 1)}
	c.mu.Lock()
	c.waiting = append(c.waiting, w)
	lead := !c.busy
	c.busy = true
	c.mu.Unlock()
	if lead {
		go c.drain(context.WithoutCancel(ctx))
	}
	select {
	case err := <-w.done:
		return err
	case <-ctx.Done():
		return fmt.Errorf("auditlog: the event may or may not be stored: %w", ctx.Err())
	}
}

// drain writes until nobody waits.
func (c *committer[T]) drain(ctx context.Context) {
	for {
		batch := c.take()
		if len(batch) == 0 {
			return
		}
		items := make([]T, len(batch))
		for i, w := range batch {
			items[i] = w.item
		}
		err := c.commit(ctx, items)
		for _, w := range batch {
			w.done <- err
		}
	}
}

func (c *committer[T]) commit(ctx context.Context, items []T) error {
	ctx, cancel := context.WithTimeout(ctx, commitTimeout)
	defer cancel()
	return c.write(ctx, items)
}

func (c *committer[T]) take() []*waiting[T] {
	c.mu.Lock()
	defer c.mu.Unlock()
	n := min(len(c.waiting), maxCommit)
	batch := c.waiting[:n:n]
	c.waiting = c.waiting[n:]
	c.busy = n > 0
	return batch
}
