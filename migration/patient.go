package migration

import (
	"context"
	"errors"
	"iter"
	"time"

	"github.com/auth0kit/auth0kit/internal/retry"
	"github.com/auth0kit/auth0kit/migration/driver"
)

// patientLedger repeats what its database did not answer: a connection that drops
// must not end a run of days. All of a ledger's writes can be repeated.
type patientLedger struct{ driver.Ledger }

// ledgerTries is how often a call is made: over about a minute.
const ledgerTries = 8

var ledgerPauses = retry.Backoff{First: 250 * time.Millisecond, Last: 15 * time.Second}

func insist(ctx context.Context, op func() error) error {
	for n := 1; ; n++ {
		err := op()
		if err == nil || n == ledgerTries || ctx.Err() != nil || errors.Is(err, driver.ErrLeased) || errors.Is(err, driver.ErrFenced) {
			return err
		}
		if retry.Sleep(ctx, ledgerPauses.Pause(n)) != nil {
			return err
		}
	}
}

func (p patientLedger) Lease(ctx context.Context, run, holder string, ttl time.Duration) (f driver.Fence, err error) {
	err = insist(ctx, func() (err error) { f, err = p.Ledger.Lease(ctx, run, holder, ttl); return err })
	return f, err
}

func (p patientLedger) Bind(ctx context.Context, run, fingerprint string) (bound string, err error) {
	err = insist(ctx, func() (err error) { bound, err = p.Ledger.Bind(ctx, run, fingerprint); return err })
	return bound, err
}

func (p patientLedger) PutBatch(ctx context.Context, f driver.Fence, b driver.Batch) error {
	return insist(ctx, func() error { return p.Ledger.PutBatch(ctx, f, b) })
}

func (p patientLedger) PutOutcomes(ctx context.Context, f driver.Fence, outcomes []driver.Outcome) error {
	return insist(ctx, func() error { return p.Ledger.PutOutcomes(ctx, f, outcomes) })
}

// Outcomes of single keys are read whole before they are yielded, so that reading
// can be repeated. All outcomes of a run are too many for that.
func (p patientLedger) Outcomes(ctx context.Context, run string, keys ...string) iter.Seq2[driver.Outcome, error] {
	if len(keys) == 0 {
		return p.Ledger.Outcomes(ctx, run)
	}
	return func(yield func(driver.Outcome, error) bool) {
		var found []driver.Outcome
		err := insist(ctx, func() error {
			found = found[:0]
			for o, err := range p.Ledger.Outcomes(ctx, run, keys...) {
				if err != nil {
					return err
				}
				found = append(found, o)
			}
			return nil
		})
		if err != nil {
			yield(driver.Outcome{}, err)
			return
		}
		for _, o := range found {
			if !yield(o, nil) {
				return
			}
		}
	}
}
