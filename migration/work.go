package migration

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/auth0kit/auth0kit/internal/usershape"
	"github.com/auth0kit/auth0kit/management/resource"
	"github.com/auth0kit/auth0kit/migration/driver"
	"github.com/auth0kit/auth0kit/migration/internal/jobs"
)

// work is one call of a writing verb, under one fence.
type work struct {
	*Runner
	stop       context.Context // the caller's: nothing new is begun when it has ended
	mode       mode
	fence      driver.Fence
	connection *resource.Connection
	marker     Marker // nil unless the source is one
	places     *directory
	members    *memberStage
	tracker    tracker
	pace       pace
	snapshot   *snapshot // of a Sync without a secret
	inSource   *compact  // of a Sync that blocks who is gone

	nextBatch  atomic.Int64
	fileBytes  atomic.Int64
	refused    atomic.Int64 // users since the last file that Auth0 took
	failedJobs atomic.Int64 // since the last one that did not fail as such

	updated, kept, blocked atomic.Int64
}

func (r *Runner) newWork(stop context.Context, m mode, f driver.Fence, c *resource.Connection) *work {
	w := &work{Runner: r, stop: stop, mode: m, fence: f, connection: c}
	w.marker, _ = r.src.(Marker)
	w.places = &directory{dst: r.dst, create: r.cfg.CreateMissing}
	w.members = newMemberStage(w)
	w.fileBytes.Store(int64(r.cfg.FileBytes))
	w.tracker = tracker{report: r.cfg.Progress, start: time.Now()}
	if p := r.planned.Load(); p != nil {
		w.tracker.progress.Total, w.tracker.progress.MembershipsTotal = p.total, p.memberships
	}
	return w
}

// importAll finishes what an earlier run left open, then scans the source and
// carries its files through jobs, with the memberships behind them.
func (w *work) importAll(ctx context.Context) error {
	if err := w.recover(ctx); err != nil {
		return err
	}
	if err := w.adopt(ctx); err != nil {
		return err
	}
	err := together(ctx, w.members.run, func(ctx context.Context) error {
		defer w.members.close()
		if err := w.importFiles(ctx); err != nil {
			return err
		}
		return w.members.catchUp(ctx)
	})
	if err == nil && w.stop.Err() == nil && w.inSource != nil {
		err = w.blockGone(ctx)
	}
	if err == nil {
		err = context.Cause(w.stop)
	}
	return err
}

// importFiles has one goroutine that reads and packs, and one for each job slot.
// The channel holds as many files as there are slots, so that none has to wait
// for the source, and no more, so that memory is bounded.
func (w *work) importFiles(ctx context.Context) error {
	files := make(chan *file, w.cfg.Jobs)
	stages := []func(context.Context) error{func(ctx context.Context) error {
		defer close(files)
		if err := w.scan(ctx, files); w.stop.Err() == nil {
			return err
		}
		return nil // what is in flight has its grace
	}}
	for range w.cfg.Jobs {
		stages = append(stages, func(ctx context.Context) error {
			for f := range files {
				if err := w.carry(ctx, f); err != nil {
					return err
				}
			}
			return nil
		})
	}
	return together(ctx, stages...)
}

// recover settles the batches that an earlier run left open. Users of whom Auth0
// knows nothing get no outcome, and so the scan sends them again.
func (w *work) recover(ctx context.Context) error {
	var open []driver.Batch
	for b, err := range w.ledger.Batches(ctx, w.run.Name) {
		if err != nil {
			return fmt.Errorf("migration: read the ledger: %w", err)
		}
		w.nextBatch.Store(int64(b.N) + 1)
		if b.State != driver.Settled {
			open = append(open, b)
		}
	}
	return parallel(ctx, w.cfg.Jobs, len(open), func(ctx context.Context, i int) error {
		lost := lostFile(open[i].Keys)
		if open[i].State == driver.Submitted {
			_, err := w.follow(ctx, open[i], lost)
			return err
		}
		_, err := w.reconcile(ctx, open[i], lost)
		return err
	})
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
func (r *Runner) known(ctx context.Context, keys []string) (map[string]driver.Outcome, error) {
	found := make(map[string]driver.Outcome, len(keys))
	if len(keys) == 0 {
		return found, nil
	}
	for o, err := range r.ledger.Outcomes(ctx, r.run.Name, keys...) {
		if err != nil {
			return nil, fmt.Errorf("migration: read the ledger: %w", err)
		}
		found[o.Key] = o
	}
	return found, nil
}

// user reads a user of this run by key: nil if nobody is there. mine is the way in
// which the user came, or "" if it is somebody else, who must not be touched.
func (r *Runner) user(ctx context.Context, key string) (u *resource.User, mine Via, err error) {
	u, err = jobs.Patiently(ctx, func() (*resource.User, error) { return r.dst.User(ctx, r.run.UserID(key)) })
	if errors.Is(err, resource.ErrNotFound) {
		return nil, "", nil
	}
	if err != nil {
		return nil, "", fmt.Errorf("migration: look up a user: %w", err)
	}
	return u, r.run.Via(u), nil
}

// Status counts what became of all users, from the ledger alone.
func (r *Runner) Status(ctx context.Context) (*Result, error) {
	if _, err := r.open(ctx); err != nil {
		return nil, err
	}
	return r.result(ctx)
}

func (w *work) result(ctx context.Context) (*Result, error) {
	res, err := w.Runner.result(ctx)
	if err != nil {
		return nil, err
	}
	res.Updated, res.Kept, res.Blocked = int(w.updated.Load()), int(w.kept.Load()), int(w.blocked.Load())
	return res, nil
}

func (r *Runner) result(ctx context.Context) (*Result, error) {
	var res *Result
	err := insist(ctx, func() error {
		res = &Result{Run: r.run.Name}
		for o, err := range r.ledger.Outcomes(ctx, r.run.Name) {
			if err != nil {
				return fmt.Errorf("migration: read the ledger: %w", err)
			}
			res.count(o)
		}
		return nil
	})
	return res, err
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
	case driver.StateDeleted:
		r.Deleted++
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
	p := &t.progress
	p.Elapsed = time.Since(t.start)
	p.Left = max(left(p.Elapsed, p.Sent+p.Skipped, p.Total), left(p.Elapsed, p.Memberships, p.MembershipsTotal))
	t.report(*p)
}

func left(elapsed time.Duration, done, total int) time.Duration {
	if done == 0 || total <= done {
		return 0
	}
	return time.Duration(float64(elapsed) / float64(done) * float64(total-done))
}

// errNoPage is a source that makes no progress.
var errNoPage = errors.New("migration: the source returned a page that does not come after the one before; Source.Page must follow the order of keys")

// rules are those of the connection.
func (w *work) rules() usershape.Connection { return usershape.Read(w.connection.Options) }
