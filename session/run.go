package session

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/auth0kit/auth0kit/audit"
	"github.com/auth0kit/auth0kit/internal/retry"
	"github.com/auth0kit/auth0kit/session/driver"
)

const (
	runEvery   = time.Second      // how often the outbox is looked at
	sweepEvery = time.Minute      // how often the store is swept
	jobLease   = 2 * time.Minute  // how long a job belongs to who took it
	jobTimeout = 30 * time.Second // how long Auth0 may take for one
	jobBatch   = 20
	jobMaxAge  = 24 * time.Hour // then it is given up, with an event
)

var jobPauses = retry.Backoff{First: time.Second, Last: 5 * time.Minute}

// Run tells Auth0 what the outbox holds, and lets the store forget, until ctx
// ends; it returns ctx's error then. Any number of processes may run it on one
// store. What fails is done again later: a job after 1 s, 2 s, 4 s … 5 min with
// jitter, and for 24 hours.
func (m *Manager) Run(ctx context.Context) error {
	ticker := time.NewTicker(runEvery)
	defer ticker.Stop()
	var swept time.Time
	for {
		if now := m.now(); now.Sub(swept) >= sweepEvery {
			m.sweep(ctx, now)
			swept = now
		}
		// What fails is retried with the next tick, and recorded by deliver.
		m.deliverAll(ctx)
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-ticker.C:
		}
	}
}

func (m *Manager) sweep(ctx context.Context, now time.Time) {
	if s, ok := m.store.(driver.Sweeper); ok {
		_, _ = s.Sweep(ctx, now) // the next sweep does what this one could not
	}
}

func (m *Manager) deliverAll(ctx context.Context) {
	if m.cfg.Outbox == nil {
		return
	}
	for ctx.Err() == nil {
		now := m.now()
		jobs, err := m.cfg.Outbox.Take(ctx, now, now.Add(jobLease), jobBatch)
		if err != nil {
			return
		}
		for _, j := range jobs {
			if ctx.Err() == nil {
				m.deliver(ctx, j)
			}
		}
		if len(jobs) < jobBatch {
			return
		}
	}
}

// deliver tells Auth0 one thing. A crash before Done repeats it, which is harmless.
func (m *Manager) deliver(ctx context.Context, j driver.Job) {
	err := m.tell(ctx, j)
	now := m.now()
	switch {
	case err == nil:
		_ = m.recordJob(ctx, j, audit.Success, "")
	case now.Sub(j.CreatedAt) < jobMaxAge:
		_ = m.recordJob(ctx, j, audit.Failure, "will_retry")
		_ = m.cfg.Outbox.Retry(ctx, j.ID, now.Add(jobPauses.Pause(j.Attempts)))
		return
	default:
		_ = m.recordJob(ctx, j, audit.Failure, "gave_up")
	}
	_ = m.cfg.Outbox.Done(ctx, j.ID)
}

func (m *Manager) tell(ctx context.Context, j driver.Job) error {
	ctx, cancel := context.WithTimeout(ctx, jobTimeout)
	defer cancel()
	var err error
	if j.SID != "" {
		err = m.cfg.Revoker.RevokeSession(ctx, j.SID)
	} else {
		err = m.cfg.Revoker.RevokeAccess(ctx, j.UserID)
	}
	if gone, ok := errors.AsType[interface {
		error
		NotFound() bool
	}](err); ok && gone.NotFound() {
		return nil
	}
	if err != nil {
		return fmt.Errorf("session: telling Auth0: %w", err)
	}
	return nil
}

func (m *Manager) recordJob(ctx context.Context, j driver.Job, o audit.Outcome, reason string) error {
	return m.record(ctx, "auth0_revoke", driver.Ended{UserID: j.UserID}, o, reason)
}
