package auditlog

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/auth0kit/auth0kit/audit/auditlog/driver"
)

const (
	maxCommit     = 512              // Events of one transaction.
	commitTimeout = 30 * time.Second // Of one transaction, whoever waits for it.
)

// committer puts events that are recorded at the same time into one transaction.
// While one is under way the next events gather.
type committer struct {
	write func(ctx context.Context, rows []driver.Event, writes ...driver.Write) error

	mu      sync.Mutex
	waiting []*waiting
	busy    bool
}

type waiting struct {
	row  driver.Event
	done chan error
}

// do returns when the row is stored or was refused. When ctx ends before, the
// transaction goes on and its outcome is not known.
func (c *committer) do(ctx context.Context, row driver.Event) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	w := &waiting{row: row, done: make(chan error, 1)}
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
func (c *committer) drain(ctx context.Context) {
	for {
		batch := c.take()
		if len(batch) == 0 {
			return
		}
		rows := make([]driver.Event, len(batch))
		for i, w := range batch {
			rows[i] = w.row
		}
		err := c.commit(ctx, rows)
		for _, w := range batch {
			w.done <- err
		}
	}
}

func (c *committer) commit(ctx context.Context, rows []driver.Event) error {
	ctx, cancel := context.WithTimeout(ctx, commitTimeout)
	defer cancel()
	return c.write(ctx, rows)
}

func (c *committer) take() []*waiting {
	c.mu.Lock()
	defer c.mu.Unlock()
	n := min(len(c.waiting), maxCommit)
	batch := c.waiting[:n:n]
	c.waiting = c.waiting[n:]
	c.busy = n > 0
	return batch
}
