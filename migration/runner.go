package migration

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"sync/atomic"
	"time"

	"github.com/auth0kit/auth0kit/audit"
	"github.com/auth0kit/auth0kit/internal/retry"
	"github.com/auth0kit/auth0kit/management/resource"
	"github.com/auth0kit/auth0kit/migration/driver"
	"github.com/auth0kit/auth0kit/migration/internal/jobs"
	"github.com/auth0kit/auth0kit/migration/passhash"
)

// ErrLeased is returned by a Runner when another one works on the same run.
var ErrLeased = driver.ErrLeased

// Runner migrates the users of a source into one database connection. It is safe
// for concurrent use, but only one of its writing methods runs at a time, on this
// or any machine that shares the ledger; the others return ErrLeased.
type Runner struct {
	src     Source
	dst     Target
	ledger  driver.Ledger
	run     *Run // pointers, which fmt prints as addresses
	cfg     *Config
	digests digester
	planned atomic.Pointer[planned]
}

// planned is what a scan of the source has found.
type planned struct {
	total, memberships int
	refusal            error // why Run does not start
}

// NewRunner returns a Runner. It does no I/O. run is what the ledger is bound to by
// the first writing method.
func NewRunner(src Source, dst Target, ledger driver.Ledger, run Run, cfg Config) (*Runner, error) {
	switch {
	case src == nil:
		return nil, invalidConfig("src", "must not be nil: give NewRunner a Source, such as one of package sqlsource")
	case dst == nil:
		return nil, invalidConfig("dst", "must not be nil: give NewRunner a *management.Client")
	case ledger == nil:
		return nil, invalidConfig("ledger", "must not be nil: give NewRunner a ledger of package sqlmigration, or NewMemoryLedger")
	}
	run, err := run.Check()
	if err != nil {
		return nil, err
	}
	if cfg, err = cfg.complete(); err != nil {
		return nil, err
	}
	return &Runner{src: src, dst: dst, ledger: patientLedger{ledger}, run: &run, cfg: &cfg, digests: newDigester(run.Secret)}, nil
}

// Run imports every user that has no outcome in the ledger yet. After a crash or
// an error call it again, on this Runner or a new one; it continues where it
// stopped. When ctx ends it starts nothing more, follows the jobs in flight for
// Config.Grace, and returns ctx's error.
//
// An error means that the run is not finished; what was done is in the ledger.
// Users whom Auth0 refused are not an error: Result.Failed counts them and
// Problems names them. [ErrOtherRun] and [ErrUnproved] are returned before
// anything is written.
func (r *Runner) Run(ctx context.Context) (*Result, error) { return r.work(ctx, modeRun) }

// RetryFailed does what Run does and also sends the failed users again. It reads
// them from the source by their key, so the ledger holds only their key and code.
func (r *Runner) RetryFailed(ctx context.Context) (*Result, error) { return r.work(ctx, modeRetry) }

// Sync does what Run does and also brings changes of the source to users who are
// already at Auth0, for the time until the source is switched off: names, email,
// email_verified and blocked are set, metadata is merged at the first level, as
// Auth0's PATCH does; what was removed from metadata stays. Organizations and roles
// that this run gave and the record no longer names are taken back; others stay.
//
// Before it writes it looks whether the user has the mark of this run and is in its
// connection. Users who have logged in at Auth0 are kept as they are there, because
// they may have changed their data themselves; their organizations and roles follow
// the source. Users whom a login has created since are recognized. A password that
// was changed in the source is not updated: Auth0 accepts only the first hash of a
// user. Who is gone from the source stays, or is blocked with Config.BlockDeleted.
//
// Without Run.Secret it compares the source with an export of the connection; with
// one it compares with what was sent.
func (r *Runner) Sync(ctx context.Context) (*Result, error) { return r.work(ctx, modeSync) }

type mode string

const (
	modeRun   mode = "run"
	modeRetry mode = "retry"
	modeSync  mode = "sync"
	modeApply mode = "apply"
)

// work runs one writing verb from lease to result, and records it.
func (r *Runner) work(ctx context.Context, m mode) (*Result, error) {
	var result *Result
	err := r.leased(ctx, m, func(ctx context.Context, w *work) error {
		if err := w.importAll(ctx); err != nil {
			return err
		}
		var err error
		result, err = w.result(ctx)
		return err
	})
	if err != nil {
		return nil, err
	}
	return result, nil
}

// leased calls do under the lease, which it renews until do returns. do's context
// ends when the lease is lost, or a grace after ctx.
func (r *Runner) leased(ctx context.Context, m mode, do func(context.Context, *work) error) error {
	connection, err := r.open(ctx)
	if err != nil {
		return err
	}
	if m != modeApply {
		if err := r.startable(ctx); err != nil {
			return err
		}
	}
	if err := r.bind(ctx, connection.ID); err != nil {
		return err
	}
	holder := rand.Text()
	fence, err := r.ledger.Lease(ctx, r.run.Name, holder, r.cfg.LeaseTTL)
	if err != nil {
		return fmt.Errorf("migration: take the lease: %w", err)
	}
	working, cancel := context.WithCancelCause(context.WithoutCancel(ctx))
	stopWatching := context.AfterFunc(ctx, func() {
		_ = retry.Sleep(working, r.cfg.Grace) // it ends early when the work does
		cancel(context.Cause(ctx))
	})
	defer stopWatching()
	renewed := make(chan struct{})
	go func() {
		defer close(renewed)
		r.renew(working, holder, cancel)
	}()
	w := r.newWork(ctx, m, fence, connection)
	err = r.recorded(working, m, func() error { return do(working, w) })
	if cause := context.Cause(working); cause != nil && err != nil {
		err = cause
	}
	cancel(nil)
	<-renewed
	if _, released := r.ledger.Lease(context.WithoutCancel(ctx), r.run.Name, holder, 0); released != nil && err == nil {
		err = fmt.Errorf("migration: give the lease back: %w", released)
	}
	return err
}

// open finds the connection, and refuses a ledger of another run and keys that may
// be another connection's.
func (r *Runner) open(ctx context.Context) (*resource.Connection, error) {
	connection, others, err := jobs.Resolve(ctx, r.dst, r.run.Connection)
	if err != nil {
		return nil, err
	}
	bound, err := r.ledger.Bind(ctx, r.run.Name, "")
	if err != nil {
		return nil, fmt.Errorf("migration: read the ledger: %w", err)
	}
	if err := r.run.Belongs(bound, r.dst.Issuer(), connection.ID); err != nil {
		return nil, err
	}
	if others > 0 && r.run.KeyPrefix == "" && !r.cfg.AllowSharedKeys {
		return nil, invalidConfig("Run.KeyPrefix", fmt.Sprintf("must not be empty: the tenant has %d other database connections, and user ids "+
			"are unique in the tenant. Set a prefix, or Config.AllowSharedKeys if the keys are unique everywhere, such as UUIDs", others))
	}
	return connection, nil
}

// bind makes the ledger this run's.
func (r *Runner) bind(ctx context.Context, connectionID string) error {
	bound, err := r.ledger.Bind(ctx, r.run.Name, r.run.fingerprint(r.dst.Issuer(), connectionID).String())
	if err != nil {
		return fmt.Errorf("migration: bind the ledger: %w", err)
	}
	return r.run.Belongs(bound, r.dst.Issuer(), connectionID)
}

// check asks the source whether it is as it was described.
func (r *Runner) check(ctx context.Context) error {
	if c, ok := r.src.(Checker); ok {
		if err := c.Check(ctx); err != nil {
			return fmt.Errorf("migration: check the source: %w", err)
		}
	}
	return nil
}

// startable looks through the source for what keeps the run from starting, unless
// Plan has done so.
func (r *Runner) startable(ctx context.Context) error {
	if p := r.planned.Load(); p != nil {
		return p.refusal
	}
	if err := r.check(ctx); err != nil {
		return err
	}
	proofs, err := r.Prove(ctx, r.cfg.Known...)
	if err != nil {
		return err
	}
	seen, p := make(formats), &planned{}
	for page, err := range r.pages(ctx) {
		if err != nil {
			return err
		}
		for i := range page {
			p.total++
			p.memberships += len(page[i].Memberships)
			if name, err := passhash.Identify(page[i].Password); err == nil {
				if _, err := passhash.Convert(page[i].Password); err == nil {
					seen.add(name, page[i].Password)
				}
			}
		}
	}
	p.refusal = (&Plan{unproved: r.unproved(proofs, seen)}).Err()
	r.planned.Store(p)
	return p.refusal
}

// recorded brackets do with audit events. A run that cannot be recorded does not
// start.
func (r *Runner) recorded(ctx context.Context, m mode, do func() error) error {
	event := audit.Event{
		Type: "migration", Action: "migration." + string(m) + ".start", Source: auditSource,
		Target: audit.Ref{Kind: "migration", ID: r.run.Name}, Outcome: audit.Success,
	}
	if err := audit.Record(ctx, r.cfg.Recorder, event); err != nil {
		return err
	}
	err := do()
	event.Action, event.Outcome = "migration."+string(m)+".end", audit.Success
	if err != nil {
		event.Outcome, event.Reason = audit.Failure, "not_finished"
	}
	return errors.Join(err, audit.Record(context.WithoutCancel(ctx), r.cfg.Recorder, event))
}

const auditSource = "auth0kit/migration"

// renew keeps the lease until ctx ends. An answer that another runner has it, or
// no answer for as long as it lasts, ends the work.
func (r *Runner) renew(ctx context.Context, holder string, lost context.CancelCauseFunc) {
	ledger := r.ledger.(patientLedger).Ledger // each renewal has its own time
	deadline := time.Now().Add(r.cfg.LeaseTTL)
	for retry.Sleep(ctx, r.cfg.LeaseTTL/3) == nil {
		asked := time.Now()
		_, err := ledger.Lease(ctx, r.run.Name, holder, r.cfg.LeaseTTL)
		switch {
		case err == nil:
			deadline = asked.Add(r.cfg.LeaseTTL)
		case ctx.Err() != nil:
			return
		case errors.Is(err, ErrLeased) || time.Now().After(deadline):
			lost(fmt.Errorf("migration: the lease is lost: %w", err))
			return
		}
	}
}
