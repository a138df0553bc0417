package migration

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"strconv"
	"sync/atomic"
	"time"

	"github.com/auth0kit/auth0kit/audit"
	"github.com/auth0kit/auth0kit/internal/retry"
	"github.com/auth0kit/auth0kit/management/resource"
	"github.com/auth0kit/auth0kit/migration/driver"
)

// ErrLeased is returned by a Runner when another one works on the same run.
var ErrLeased = driver.ErrLeased

// Runner migrates the users of a source into one database connection. It is safe
// for concurrent use, but only one of its writing methods runs at a time, on this
// or any machine that shares the ledger; the others return ErrLeased.
type Runner struct {
	src        Source
	dst        Target
	ledger     driver.Ledger
	connection string
	cfg        Config
	planned    atomic.Int64 // Records that the last Plan counted.
}

// NewRunner returns a Runner. It does no I/O. connection is the name of a database
// connection.
func NewRunner(src Source, dst Target, ledger driver.Ledger, connection string, cfg Config) (*Runner, error) {
	switch {
	case src == nil:
		return nil, invalidConfig("src", "must not be nil: give NewRunner a Source, such as one of package sqlsource")
	case dst == nil:
		return nil, invalidConfig("dst", "must not be nil: give NewRunner a *management.Client")
	case ledger == nil:
		return nil, invalidConfig("ledger", "must not be nil: give NewRunner a ledger of package sqlmigration, or NewMemoryLedger")
	case connection == "":
		return nil, invalidConfig("connection", "must not be empty: name a database connection of the tenant")
	}
	cfg, err := cfg.complete(connection)
	if err != nil {
		return nil, err
	}
	return &Runner{src: src, dst: dst, ledger: ledger, connection: connection, cfg: cfg}, nil
}

// Run imports every user that has no outcome in the ledger yet. After a crash or
// an error call it again, on this Runner or a new one; it continues where it
// stopped.
//
// An error means that the run is not finished; what was done is in the ledger.
// Users whom Auth0 refused are not an error: Result.Failed counts them and
// Ledger.Outcomes names them.
func (r *Runner) Run(ctx context.Context) (*Result, error) { return r.work(ctx, modeRun) }

// RetryFailed does what Run does and also sends the failed users again. It reads
// them from the source by their key, so the ledger holds only their key and code.
func (r *Runner) RetryFailed(ctx context.Context) (*Result, error) { return r.work(ctx, modeRetry) }

// Sync does what Run does and also brings changes of the source to users who are
// already at Auth0, for the time until the source is switched off: email,
// email_verified, name and blocked are set, metadata is merged at the first level,
// as Auth0's PATCH does; what was removed from metadata stays. Users who have
// logged in at Auth0 are kept as they are there, because they may have changed
// their data themselves. Users whom Lazy has created since are recognized and
// added to their organizations. A password that was changed in the source is not
// updated: Auth0 accepts only the first hash of a user.
func (r *Runner) Sync(ctx context.Context) (*Result, error) { return r.work(ctx, modeSync) }

type mode string

const (
	modeRun      mode = "run"
	modeRetry    mode = "retry"
	modeSync     mode = "sync"
	modeRollback mode = "rollback"
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

// leased calls do under the lease, which it renews until do returns; when it is
// lost, do's context ends.
func (r *Runner) leased(ctx context.Context, m mode, do func(context.Context, *work) error) error {
	connection, err := r.resolve(ctx)
	if err != nil {
		return err
	}
	holder := rand.Text()
	fence, err := r.ledger.Lease(ctx, r.cfg.Run, holder, r.cfg.LeaseTTL)
	if err != nil {
		return fmt.Errorf("migration: take the lease: %w", err)
	}
	working, cancel := context.WithCancelCause(ctx)
	renewed := make(chan struct{})
	go func() {
		defer close(renewed)
		r.renew(working, holder, cancel)
	}()
	w := r.newWork(m, fence, connection.ID)
	err = r.recorded(working, m, func() error { return do(working, w) })
	if cause := context.Cause(working); cause != nil && err != nil {
		err = cause
	}
	cancel(nil)
	<-renewed
	if _, released := r.ledger.Lease(context.WithoutCancel(ctx), r.cfg.Run, holder, 0); released != nil && err == nil {
		err = fmt.Errorf("migration: give the lease back: %w", released)
	}
	return err
}

// recorded brackets do with audit events. A run that cannot be recorded does not
// start.
func (r *Runner) recorded(ctx context.Context, m mode, do func() error) error {
	event := audit.Event{
		Type: "migration", Action: "migration." + string(m) + ".start", Source: auditSource,
		Target: audit.Ref{Kind: "migration", ID: r.cfg.Run}, Outcome: audit.Success,
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
	deadline := time.Now().Add(r.cfg.LeaseTTL)
	for retry.Sleep(ctx, r.cfg.LeaseTTL/3) == nil {
		asked := time.Now()
		_, err := r.ledger.Lease(ctx, r.cfg.Run, holder, r.cfg.LeaseTTL)
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

// resolve finds the connection by name.
func (r *Runner) resolve(ctx context.Context) (*resource.Connection, error) {
	return resolve(ctx, r.dst, r.connection)
}

func resolve(ctx context.Context, dst Importer, name string) (*resource.Connection, error) {
	c, err := patiently(ctx, func() (*resource.Connection, error) { return dst.Connection(ctx, name) })
	if errors.Is(err, resource.ErrNotFound) {
		return nil, fmt.Errorf("migration: connection %s does not exist in the tenant; give NewRunner the name of a database connection: %w",
			strconv.Quote(name), err)
	}
	if err != nil {
		return nil, fmt.Errorf("migration: read the connection: %w", err)
	}
	if c.Strategy != "auth0" {
		return nil, fmt.Errorf("migration: connection %s has the strategy %s; users can only be imported into a database connection",
			strconv.Quote(name), strconv.Quote(c.Strategy))
	}
	return c, nil
}
