package main

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/auth0kit/auth0kit/audit"
	"github.com/auth0kit/auth0kit/audit/auditlog"
	"github.com/auth0kit/auth0kit/audit/auditlog/driver"
)

// events makes a batch, with a leaf as auditlog's.
func events(n int) []driver.Event {
	out := make([]driver.Event, n)
	now := time.Now().UTC().Truncate(time.Microsecond)
	for i := range out {
		user := fmt.Sprintf("user:p_%026d", i%97)
		e := driver.Event{
			ID: rand.Text(), At: now.Add(time.Duration(i) * time.Microsecond), Type: "login", Action: "login.succeed", Outcome: audit.Success,
			Actor: user, Target: user, Organization: fmt.Sprintf("org_%d", i%7), LoggedAt: now,
		}
		leaf, err := json.Marshal(map[string]any{
			"v": 1, "id": e.ID, "time": e.At, "logged_at": e.LoggedAt, "type": e.Type, "action": e.Action, "outcome": "success",
			"actor": audit.Ref{Kind: "user", ID: user[len("user:"):]}, "target": audit.Ref{Kind: "user", ID: user[len("user:"):]}, "organization": e.Organization,
			"sealed": []map[string]any{{"subject": user, "data": make([]byte, 90), "tag": make([]byte, 32)}},
		})
		if err != nil {
			panic(err)
		}
		e.Leaf = leaf
		out[i] = e
	}
	return out
}

// write has the writers append for a while and returns events per second.
func write(ctx context.Context, s settings, append func(context.Context, []driver.Event) error) (float64, error) {
	var done atomic.Int64
	var failed error
	var once sync.Once
	var wg sync.WaitGroup
	start := time.Now()
	for range s.writers {
		wg.Go(func() {
			for time.Since(start) < s.length {
				if err := append(ctx, events(s.batch)); err != nil {
					once.Do(func() { failed = err })
					return
				}
				done.Add(int64(s.batch))
			}
		})
	}
	wg.Wait()
	return float64(done.Load()) / time.Since(start).Seconds(), failed
}

// measure runs a candidate on a new database.
func measure(ctx context.Context, p product, s settings, append func(context.Context, *place, []driver.Event) error) (float64, error) {
	d, err := p.open(ctx)
	if err != nil {
		return 0, err
	}
	defer d.close()
	return write(ctx, s, func(ctx context.Context, e []driver.Event) error { return append(ctx, d, e) })
}

type lag struct {
	behind, done time.Duration
	size         uint64
}

func measureSealed(ctx context.Context, p product, s settings) (rate float64, l lag, err error) {
	d, err := p.open(ctx)
	if err != nil {
		return 0, l, err
	}
	defer d.close()
	log, stop, err := sealing(ctx, d.store)
	if err != nil {
		return 0, l, err
	}
	defer stop()
	rate, err = write(ctx, s, func(ctx context.Context, e []driver.Event) error {
		b := driver.Batch{Events: e}
		for _, e := range e {
			h := sha256.Sum256(append([]byte{0}, e.Leaf...))
			b.Hashes = append(b.Hashes, h[:]...)
		}
		return d.store.Append(ctx, b)
	})
	if err != nil {
		return 0, l, err
	}
	stopped := time.Now()
	first := true
	for {
		status, err := log.Status(ctx)
		if err != nil {
			return 0, l, err
		}
		if first {
			l.behind, first = status.SealingLag, false
		}
		if status.Unsealed == 0 {
			l.done = time.Since(stopped)
			break
		}
		time.Sleep(10 * time.Millisecond)
	}
	kept, err := log.Checkpoint(ctx)
	if err != nil {
		return 0, l, err
	}
	v, err := log.Verify(ctx, kept)
	if err == nil {
		l.size = v.Size
	}
	return rate, l, err
}

// sealing starts two sequencers, as two processes have.
func sealing(ctx context.Context, store driver.Store) (log *auditlog.Log, stop func(), err error) {
	key, _, err := auditlog.GenerateKey("example.com/bench")
	if err != nil {
		return nil, nil, err
	}
	seal, err := auditlog.ParseSeal(key, []byte("0123456789abcdef0123456789abcdef"))
	if err != nil {
		return nil, nil, err
	}
	ctx, cancel := context.WithCancel(ctx)
	var wg sync.WaitGroup
	for range 2 {
		if log, err = auditlog.New(store, seal, auditlog.Config{}); err != nil {
			cancel()
			return nil, nil, err
		}
		wg.Go(func() { _ = log.Run(ctx) }) // ends with ctx
	}
	return log, func() { cancel(); wg.Wait() }, nil
}

func measureRecord(ctx context.Context, p product, s settings) (float64, error) {
	d, err := p.open(ctx)
	if err != nil {
		return 0, err
	}
	defer d.close()
	log, stop, err := sealing(ctx, d.store)
	if err != nil {
		return 0, err
	}
	defer stop()
	var n atomic.Int64
	s.writers, s.batch = 64, 1
	return write(ctx, s, func(ctx context.Context, _ []driver.Event) error {
		user := audit.Ref{Kind: "user", ID: fmt.Sprint("auth0|", n.Add(1)%1000)}
		err := audit.Record(ctx, log, audit.Event{Type: "login", Action: "login.succeed", Actor: user, Target: user, IP: "203.0.113.7", UserAgent: "Mozilla/5.0"})
		return errors.Unwrap(err)
	})
}
