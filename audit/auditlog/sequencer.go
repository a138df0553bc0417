package auditlog

import (
	"context"
	"crypto/rand"
	"errors"
	"sync"
	"time"

	"github.com/auth0kit/auth0kit/audit/auditlog/driver"
	"github.com/auth0kit/auth0kit/internal/retry"
)

const (
	leaseFor  = 15 * time.Second
	sealEvery = time.Second // A checkpoint at most so often, unless many events wait.
	sealBatch = 8192        // Events of one step.
)

// Run seals what is recorded until ctx ends; it returns ctx's error then. Any
// number of processes may run it on one store: one of them works at a time, and
// another takes over within 15 seconds when it dies. When the store does not
// answer Run tries again every second: watch Status, whose SealingLag grows
// while nothing is sealed. Another log's store ends it with ErrOtherLog. With a
// Config.Spool it also drains that, in every process, and returns an error at once when
// the directory does not serve.
func (l *Log) Run(ctx context.Context) error {
	if l.spool != nil {
		end, err := l.spool.begin()
		if err != nil {
			return err
		}
		defer end()
		ctx, stop := context.WithCancel(ctx)
		var behind sync.WaitGroup
		behind.Go(func() { repeat(ctx, func(ctx context.Context) { _ = l.drain(ctx) }) })
		defer behind.Wait()
		defer stop()
	}
	holder := rand.Text()
	for {
		err := l.lead(ctx, holder)
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if errors.Is(err, ErrOtherLog) {
			return err
		}
		if retry.Sleep(ctx, retryIn) != nil {
			return ctx.Err()
		}
	}
}

// lead works under the lease, as long as that lasts. What takes longer than the lease is
// given up: a store that hangs must not hold it for good.
func (l *Log) lead(ctx context.Context, holder string) error {
	lease, t, err := l.begin(ctx, holder)
	if lease.Holder == "" {
		return err
	}
	defer func() {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Second)
		defer cancel()
		_ = l.store.Release(ctx, lease) // it ends by itself otherwise
	}()
	if err != nil {
		return err
	}
	ctx, stop := context.WithCancel(ctx)
	var behind sync.WaitGroup
	var d *detector
	var sums readCursor
	behind.Go(func() { repeat(ctx, func(ctx context.Context) { _ = l.rollUp(ctx, &sums) }) })
	behind.Go(func() { repeat(ctx, func(ctx context.Context) { d = l.detect(ctx, d) }) })
	behind.Go(func() { l.deliver(ctx) })
	defer behind.Wait()
	defer stop()
	ticker := time.NewTicker(sealEvery)
	defer ticker.Stop()
	for {
		if err := l.sealAll(ctx, lease, t); err != nil {
			return err
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-ticker.C:
		}
		limited, cancel := context.WithTimeout(ctx, leaseFor)
		again, err := l.store.Acquire(limited, holder, leaseFor)
		cancel()
		if err != nil || again != lease {
			return errors.Join(driver.ErrFenced, err)
		}
	}
}

// begin takes the lease and reads where the log stands.
func (l *Log) begin(ctx context.Context, holder string) (lease driver.Lease, t *tree, err error) {
	ctx, cancel := context.WithTimeout(ctx, leaseFor)
	defer cancel()
	if _, err := l.open(ctx); err != nil {
		return lease, nil, err
	}
	if lease, err = l.store.Acquire(ctx, holder, leaseFor); err != nil {
		return driver.Lease{}, nil, err
	}
	if t, err = loadTree(ctx, l.store); err != nil {
		return lease, nil, err
	}
	return lease, t, l.place(ctx)
}

// repeat does what comes after sealing, under the same lease: once a second, whether
// it failed or not.
func repeat(ctx context.Context, step func(ctx context.Context)) {
	for {
		step(ctx)
		if retry.Sleep(ctx, retryIn) != nil {
			return
		}
	}
}

// detect runs the detections. It returns nil when they have to begin again, from the
// cursor.
func (l *Log) detect(ctx context.Context, d *detector) *detector {
	if len(l.cfg.Detections) == 0 {
		return nil
	}
	if d == nil {
		var err error
		if d, err = l.newDetector(ctx); err != nil {
			return nil
		}
	}
	if d.step(ctx) != nil {
		return nil
	}
	return d
}

// sealAll seals until nothing waits.
func (l *Log) sealAll(ctx context.Context, lease driver.Lease, t *tree) error {
	for {
		n, err := l.sealStep(ctx, lease, t)
		if err != nil || n < sealBatch/2 {
			return err
		}
	}
}

// sealStep places the next blocks, and returns how many events they had. After
// an error t must be loaded again.
func (l *Log) sealStep(ctx context.Context, lease driver.Lease, t *tree) (int, error) {
	ctx, cancel := context.WithTimeout(ctx, leaseFor)
	defer cancel()
	blocks, err := l.store.Pending(ctx, sealBatch)
	if err != nil || len(blocks) == 0 {
		return 0, err
	}
	var placed []driver.Placed
	var hashes []byte
	next := t.edge.End()
	for _, b := range blocks {
		placed = append(placed, driver.Placed{First: next, Block: b.Number, Count: b.Count()})
		next += uint64(b.Count())
		hashes = append(hashes, b.Hashes...)
	}
	changed, err := t.append(hashes)
	if err != nil {
		return 0, err
	}
	c, err := t.checkpoint(l.signer.Name())
	if err != nil {
		return 0, err
	}
	signed, err := c.sign(l.signer)
	if err != nil {
		return 0, err
	}
	writes, err := t.writes(changed, signed)
	if err != nil {
		return 0, err
	}
	if err := l.store.Seal(ctx, lease, leaseFor, driver.Sealing{Placed: placed, Writes: writes}); err != nil {
		return 0, err
	}
	t.version++
	return len(hashes) / hashSize, nil
}
