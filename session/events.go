package session

import (
	"context"
	"errors"
	"slices"
	"strconv"
	"sync"
	"time"

	"github.com/auth0kit/auth0kit/audit"
	"github.com/auth0kit/auth0kit/session/driver"
)

// record writes one event about a session. It outlives the request: what was
// done is recorded although the client has gone.
func (m *Manager) record(ctx context.Context, verb string, e driver.Ended, o audit.Outcome, reason string) error {
	event := audit.Event{
		Type: "session", Action: "session." + verb, Outcome: o, Reason: reason,
		Time: m.cfg.Now(), Source: "auth0kit/session",
	}
	if e.UserID != "" {
		event.Target = audit.Ref{Kind: "user", ID: e.UserID}
	}
	if e.ID != "" {
		event.Metadata = map[string]string{"session": e.ID}
	}
	return audit.Record(context.WithoutCancel(ctx), m.cfg.Recorder, event)
}

// recordEnded writes one event for each session that has ended.
func (m *Manager) recordEnded(ctx context.Context, verb, reason string, ended []driver.Ended) error {
	var errs []error
	for _, e := range ended {
		errs = append(errs, m.record(ctx, verb, e, audit.Success, reason))
	}
	return errors.Join(errs...)
}

// recordChange records how a change ended: done, or refused for its token.
func (m *Manager) recordChange(ctx context.Context, verb string, r driver.Record, err error) error {
	switch {
	case err == nil:
		return m.record(ctx, verb, r.Ended(), audit.Success, "")
	case errors.Is(err, ErrSuperseded):
		return err
	case errors.Is(err, ErrNone), errors.Is(err, ErrExpired), errors.Is(err, ErrRevoked):
		return errors.Join(err, m.recordRefused(ctx, r.Ended(), err))
	}
	return err
}

// recordRefused records that a token was presented that has no live session. A
// revoked one may be stolen. Unknown ones may be guesses, so they are counted,
// and recorded once a second at most: a flood must not flood the log.
func (m *Manager) recordRefused(ctx context.Context, e driver.Ended, err error) error {
	switch {
	case errors.Is(err, ErrSuperseded): // only late
		return nil
	case errors.Is(err, ErrRevoked), errors.Is(err, ErrExpired):
		return m.record(ctx, "refuse", e, audit.Failure, reasonOf(err))
	case !errors.Is(err, ErrNone):
		return nil
	}
	n := m.unknown.allow(m.cfg.Now())
	if n == 0 {
		return nil
	}
	return audit.Record(context.WithoutCancel(ctx), m.cfg.Recorder, audit.Event{
		Type: "session", Action: "session.refuse", Outcome: audit.Failure, Reason: reasonOf(err),
		Time: m.cfg.Now(), Source: "auth0kit/session", Metadata: map[string]string{"count": strconv.Itoa(n)},
	})
}

// reasons are the words for events. Of joined errors the first one here counts:
// what was decided about the session, and then that the store was away.
var reasons = []struct {
	word string
	err  error
}{
	{"unreadable", errUnreadable}, {"revoked", ErrRevoked}, {"expired", ErrExpired}, {"limit", ErrLimit}, {"unknown", ErrNone},
	{"unavailable", ErrUnavailable},
}

func reasonOf(err error) string {
	for _, r := range reasons {
		if errors.Is(err, r.err) {
			return r.word
		}
	}
	return "failed"
}

func isEnded(ended []driver.Ended, id string) bool {
	return slices.ContainsFunc(ended, func(e driver.Ended) bool { return e.ID == id })
}

// limiter lets one event a second through, which stands for those before it.
type limiter struct {
	mu    sync.Mutex
	next  time.Time
	count int
}

func (l *limiter) allow(now time.Time) (count int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.count++
	if now.Before(l.next) {
		return 0
	}
	count, l.count, l.next = l.count, 0, now.Add(time.Second)
	return count
}
