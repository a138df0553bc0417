package migration

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/auth0kit/auth0kit/migration/driver"
)

// work is one call of a writing verb, under one fence.
type work struct {
	*Runner
	mode         mode
	fence        driver.Fence
	connectionID string
	marker       Marker // nil unless the source is one
	nextBatch    atomic.Int64
	refused      atomic.Int64 // users since the last file that Auth0 took
	pace         pace
	members      *memberStage
	tracker      tracker
	updated      atomic.Int64
	kept         atomic.Int64
}

func (r *Runner) newWork(m mode, f driver.Fence, connectionID string) *work {
	w := &work{Runner: r, mode: m, fence: f, connectionID: connectionID}
	w.marker, _ = r.src.(Marker)
	w.members = newMemberStage(w)
	w.tracker = tracker{report: r.cfg.Progress, start: time.Now(), progress: Progress{Total: int(r.planned.Load())}}
	return w
}

// importAll finishes what an earlier run left open, then scans the source and
// carries its files through jobs, with the memberships behind them.
func (w *work) importAll(ctx context.Context) error {
	if err := w.recover(ctx); err != nil {
		return err
	}
	if w.mode == modeSync {
		if err := w.adopt(ctx); err != nil {
			return err
		}
	}
	stage, stageCtx := errgroup.WithContext(ctx)
	stage.Go(func() error { return w.members.run(stageCtx) })
	stage.Go(func() error {
		defer w.members.close()
		if err := w.importFiles(stageCtx); err != nil {
			return err
		}
		if !w.members.overflowed() {
			return nil
		}
		return w.scanMemberships(stageCtx)
	})
	return stage.Wait()
}

// importFiles has one goroutine that reads and packs, and one for each job slot.
// The channel holds as many files as there are slots, so that none has to wait
// for the source, and no more, so that memory is bounded.
func (w *work) importFiles(ctx context.Context) error {
	files := make(chan *file, w.cfg.Jobs)
	g, ctx := errgroup.WithContext(ctx)
	g.Go(func() error {
		defer close(files)
		return w.scan(ctx, files)
	})
	for range w.cfg.Jobs {
		g.Go(func() error {
			for f := range files {
				if err := w.carry(ctx, f); err != nil {
					return err
				}
			}
			return nil
		})
	}
	return g.Wait()
}

// recover settles the batches that an earlier run left open. Users of whom Auth0
// knows nothing get no outcome, and so the scan sends them again.
func (w *work) recover(ctx context.Context) error {
	var open []driver.Batch
	for b, err := range w.ledger.Batches(ctx, w.cfg.Run) {
		if err != nil {
			return fmt.Errorf("migration: read the ledger: %w", err)
		}
		w.nextBatch.Store(int64(b.N) + 1)
		if b.State != driver.Settled {
			open = append(open, b)
		}
	}
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(w.cfg.Jobs)
	for _, b := range open {
		g.Go(func() error {
			if b.State == driver.Submitted {
				_, err := w.follow(ctx, b, nil)
				return err
			}
			_, err := w.reconcile(ctx, b, nil)
			return err
		})
	}
	return g.Wait()
}

// put writes a batch's new state. It is written even when ctx has just ended: a
// job id that is lost costs a look at each user of the file.
func (w *work) put(ctx context.Context, b driver.Batch) error {
	b.At = time.Now().UTC()
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), w.cfg.LeaseTTL)
	defer cancel()
	if err := w.ledger.PutBatch(ctx, w.fence, b); err != nil {
		return fmt.Errorf("migration: write batch %d to the ledger: %w", b.N, err)
	}
	return nil
}

func (w *work) putOutcomes(ctx context.Context, outcomes []driver.Outcome) error {
	if len(outcomes) == 0 {
		return nil
	}
	if err := w.ledger.PutOutcomes(ctx, w.fence, outcomes); err != nil {
		return fmt.Errorf("migration: write outcomes to the ledger: %w", err)
	}
	return nil
}

// known returns the outcomes of keys that the ledger has.
func (w *work) known(ctx context.Context, keys []string) (map[string]driver.Outcome, error) {
	return outcomesOf(ctx, w.ledger, w.cfg.Run, keys)
}

func outcomesOf(ctx context.Context, l driver.Ledger, run string, keys []string) (map[string]driver.Outcome, error) {
	found := make(map[string]driver.Outcome, len(keys))
	if len(keys) == 0 {
		return found, nil
	}
	for o, err := range l.Outcomes(ctx, run, keys...) {
		if err != nil {
			return nil, fmt.Errorf("migration: read the ledger: %w", err)
		}
		found[o.Key] = o
	}
	return found, nil
}

// result counts the ledger.
func (w *work) result(ctx context.Context) (*Result, error) {
	res := &Result{Run: w.cfg.Run, Updated: int(w.updated.Load()), Kept: int(w.kept.Load())}
	for o, err := range w.ledger.Outcomes(ctx, w.cfg.Run) {
		if err != nil {
			return nil, fmt.Errorf("migration: read the ledger: %w", err)
		}
		res.count(o)
	}
	return res, nil
}

func (r *Result) count(o driver.Outcome) {
	r.Total++
	if o.Memberships == driver.MembershipsFailed {
		r.MembershipsFailed++
	}
	switch o.State {
	case driver.StateMigrated:
		r.Migrated++
	case driver.StateFailed:
		r.Failed++
	case driver.StateLazy:
		r.Lazy++
	case driver.StateReset:
		r.Reset++
	case driver.StateDuplicate:
		r.Duplicate++
	case driver.StateRolledBack:
		r.RolledBack++
	default:
		r.Invalid++
	}
}

// tracker hands progress out, one call at a time.
type tracker struct {
	mu       sync.Mutex
	report   func(Progress)
	start    time.Time
	progress Progress
}

func (t *tracker) update(change func(*Progress)) {
	if t.report == nil {
		return
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	change(&t.progress)
	p := t.progress
	p.Elapsed = time.Since(t.start)
	if done := p.Sent + p.Skipped; done > 0 && p.Total > done {
		p.Left = time.Duration(float64(p.Elapsed) / float64(done) * float64(p.Total-done))
	}
	t.report(p)
}

// errNoPage is a source that does not get on.
var errNoPage = errors.New("migration: the source returned a page that does not come after the one before; Source.Page must follow the order of keys")
