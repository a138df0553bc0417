package auth0logs

import (
	"context"
	"errors"

	"github.com/auth0kit/auth0kit/audit/auditlog"
	"github.com/auth0kit/auth0kit/internal/retry"
)

// Run reads until ctx ends, and returns its error. What fails is tried again at the
// next time; the report shows for which time the log is complete.
func (i *Ingester) Run(ctx context.Context) error {
	for {
		_ = i.Poll(ctx) // the report shows what is missing
		if err := retry.Sleep(ctx, i.cfg.Every); err != nil {
			return err
		}
	}
}

const batchSize = 500

// Poll reads once what is new, for programs that have a scheduler of their own. Run
// does it again and again. When another process is faster it returns nil.
func (i *Ingester) Poll(ctx context.Context) error {
	stored, err := i.log.Cursor(ctx, i.Source())
	if err != nil {
		return err
	}
	p := i.newPass(parseCursor(stored))
	if err := p.begin(ctx); err != nil {
		return err
	}
	for entry, err := range i.reader.Logs(ctx, p.at.id) {
		if err != nil {
			return err
		}
		p.saw(entry)
		if !p.order(entry).Before(p.end) {
			p.young = true
			break // entries that come before this one may still become visible
		}
		p.take(entry)
		if len(p.entries) == batchSize {
			if err := p.store(ctx, earlier(p.settled(), p.proved())); err != nil {
				return ignoreMoved(err)
			}
		}
	}
	if err := p.store(ctx, p.proved()); err != nil {
		return ignoreMoved(err)
	}
	i.ended(p)
	return nil
}

func ignoreMoved(err error) error {
	if errors.Is(err, auditlog.ErrCursorMoved) {
		return nil
	}
	return err
}
