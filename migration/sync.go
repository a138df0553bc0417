package migration

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/auth0kit/auth0kit/management/resource"
	"github.com/auth0kit/auth0kit/migration/driver"
)

// Codes of a sync that could not bring a change to Auth0.
const (
	codeNotPatched = "NOT_PATCHED" // Auth0 refused the change, or it is one that PATCH does not take.
	codeGone       = "GONE"        // The user is not at Auth0 any more.
)

// change is a user whose record has changed since it was sent.
type change struct {
	record *Record
	old    driver.Outcome
	digest string
}

// patch brings the changes of a page to Auth0, a few users at a time.
func (s *scanner) patch(ctx context.Context) error {
	var mu sync.Mutex
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(lookers)
	for _, c := range s.changed {
		g.Go(func() error {
			o, err := s.patchOne(ctx, c)
			if err != nil {
				return err
			}
			mu.Lock()
			defer mu.Unlock()
			if o != c.old {
				s.outcomes = append(s.outcomes, o)
			}
			return nil
		})
	}
	return g.Wait()
}

// patchOne returns the outcome as it is after the change. A user who has logged
// in belongs to Auth0: what stands there may be the user's own change.
func (s *scanner) patchOne(ctx context.Context, c change) (driver.Outcome, error) {
	o := c.old
	id := userID(c.record.Key)
	u, err := patiently(ctx, func() (*resource.User, error) { return s.dst.User(ctx, id) })
	if errors.Is(err, resource.ErrNotFound) {
		o.Code, o.Path = codeGone, ""
		return o, nil
	}
	if err != nil {
		return o, fmt.Errorf("migration: look up a changed user: %w", err)
	}
	if !neverLoggedIn(u) {
		s.kept.Add(1)
		return o, nil
	}
	changed := differing(o.Digest, c.digest)
	p, left := patchFor(c.record, changed)
	o.Digest, o.Code, o.Path = c.digest, "", ""
	if left != "" {
		o.Digest, o.Code, o.Path = c.old.Digest, codeNotPatched, left
	}
	if left != "" && len(changed) == 1 {
		return o, nil
	}
	_, err = patiently(ctx, func() (*resource.User, error) { return s.dst.UpdateUser(ctx, id, p) })
	if errors.Is(err, resource.ErrInvalid) || errors.Is(err, resource.ErrConflict) {
		o.Digest, o.Code, o.Path = c.old.Digest, codeNotPatched, ""
		return o, nil
	}
	if err != nil {
		return o, fmt.Errorf("migration: change a user: %w", err)
	}
	o.At = time.Now().UTC()
	s.updated.Add(1)
	return o, nil
}

func neverLoggedIn(u *resource.User) bool { return u.LoginsCount == 0 && u.LastLogin.IsZero() }

// patchFor is the PATCH for the changed fields. An email without email_verified
// would unverify the user. It also names a field that PATCH cannot change here.
func patchFor(r *Record, changed []string) (p resource.UserPatch, left string) {
	for _, field := range changed {
		switch field {
		case "email", "email_verified":
			p.EmailVerified = new(r.EmailVerified)
			if field == "email" {
				p.Email = new(r.Email)
			}
		case "name":
			p.Name = new(orDefault(r.Name, r.Email))
		case "blocked":
			p.Blocked = new(r.Blocked)
		case "app_metadata":
			p.AppMetadata = r.AppMetadata
		case "user_metadata":
			p.UserMetadata = r.UserMetadata
		default:
			left = field
		}
	}
	return p, left
}

// adopt looks through all users of the connection for those whom Lazy has
// created, so that the ledger knows of them.
func (w *work) adopt(ctx context.Context) error {
	var keys []string
	for u, err := range w.export(ctx, w.connectionID) {
		if err != nil {
			return err
		}
		if marked(&u, w.cfg.Run) != viaLazy {
			continue
		}
		if keys = append(keys, keyOf(u.ID)); len(keys) < w.cfg.PageSize {
			continue
		}
		if err := w.adoptAll(ctx, keys); err != nil {
			return err
		}
		keys = keys[:0]
	}
	return w.adoptAll(ctx, keys)
}

// adoptAll notes users as migrated. Digest and memberships stay open: the scan
// completes them from the record.
func (w *work) adoptAll(ctx context.Context, keys []string) error {
	known, err := w.known(ctx, keys)
	if err != nil {
		return err
	}
	var outcomes []driver.Outcome
	for _, key := range keys {
		if o, ok := known[key]; !ok || o.State != driver.StateMigrated {
			outcomes = append(outcomes, driver.Outcome{Key: key, State: driver.StateMigrated, Attempts: o.Attempts, At: time.Now().UTC()})
		}
	}
	return w.putOutcomes(ctx, outcomes)
}
