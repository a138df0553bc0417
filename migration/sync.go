package migration

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/auth0kit/auth0kit/management/resource"
	"github.com/auth0kit/auth0kit/migration/driver"
	"github.com/auth0kit/auth0kit/migration/internal/jobs"
)

// Codes of a sync.
const (
	codeNotPatched = "NOT_PATCHED" // Auth0 refused the change, or it is one that PATCH does not take.
	codeGone       = "GONE"        // The user is not at Auth0 any more.
	codeForeign    = "NOT_OURS"    // The user with this id is not this run's: nothing was written.
	codeBlocked    = "BLOCKED"     // The user was blocked, because the source does not have them any more.
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
	return parallel(ctx, lookers, len(s.changed), func(ctx context.Context, i int) error {
		c := s.changed[i]
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

// patchOne returns the outcome as it is after the change. A user who has logged
// in belongs to Auth0: what stands there may be the user's own change.
func (s *scanner) patchOne(ctx context.Context, c change) (driver.Outcome, error) {
	o := c.old
	u, mine, err := s.user(ctx, c.record.Key)
	switch {
	case err != nil:
		return o, err
	case mine == "":
		if o.Code, o.Path = notOurs(u), ""; u != nil {
			s.kept.Add(1)
		}
		return o, nil
	case !jobs.NeverLoggedIn(u):
		s.kept.Add(1)
		return o, nil
	}
	changed := profileOf(c.record).changes(profileOfUser(u))
	if o.Digest != "" && c.old.Code != codeBlocked {
		changed = differing(o.Digest, c.digest)
	}
	p, left := patchFor(c.record, changed)
	o.Digest, o.Code, o.Path = c.digest, "", ""
	if left != "" {
		o.Digest, o.Code, o.Path = c.old.Digest, codeNotPatched, left
	}
	if len(changed) == 0 || left != "" && len(changed) == 1 {
		return o, nil
	}
	_, err = jobs.Patiently(ctx, func() (*resource.User, error) { return s.dst.UpdateUser(ctx, u.ID, p) })
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

// notOurs is the code for a user whom the ledger calls migrated, and who is gone or
// somebody else's now.
func notOurs(u *resource.User) string {
	if u == nil {
		return codeGone
	}
	return codeForeign
}

// patchFor is the PATCH for the changed fields. An email without email_verified
// would unverify the user. It also names a field that PATCH cannot change here.
func patchFor(r *Record, changed []string) (p resource.UserPatch, left string) {
	texts := map[string]**string{"given_name": &p.GivenName, "family_name": &p.FamilyName, "nickname": &p.Nickname, "picture": &p.Picture}
	values := map[string]string{"given_name": r.GivenName, "family_name": r.FamilyName, "nickname": r.Nickname, "picture": r.Picture}
	for _, field := range changed {
		switch field {
		case "email", "email_verified":
			p.EmailVerified = new(r.EmailVerified)
			if field == "email" {
				p.Email = new(r.Email)
			}
		case "name":
			p.Name = new(orDefault(r.Name, r.Email))
		case "given_name", "family_name", "nickname", "picture":
			if values[field] == "" { // PATCH takes no empty text
				left = field
				continue
			}
			*texts[field] = new(values[field])
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

// adopt looks through all users of the connection for those whom a login has
// created, so that the ledger knows of them, and notes what a Sync compares with.
// Another verb looks only when an earlier run has left users to a login.
func (w *work) adopt(ctx context.Context) error {
	if w.mode != modeSync {
		if before, err := w.Runner.result(ctx); err != nil || before.Lazy == 0 {
			return err
		}
	}
	if w.mode == modeSync && w.digests.key == nil {
		w.snapshot = newSnapshot()
	}
	if w.mode == modeSync && w.cfg.BlockDeleted {
		w.inSource = newCompact()
	}
	var keys []string
	for u, err := range w.export(ctx, w.connection.ID) {
		if err != nil {
			return err
		}
		key, ok := w.run.Key(u.ID)
		if !ok {
			continue
		}
		via := w.run.Via(&u)
		if via != "" && w.snapshot != nil {
			w.snapshot.add(key, profileOfUser(&u))
		}
		if via != ViaLazy {
			continue
		}
		if keys = append(keys, key); len(keys) < w.cfg.PageSize {
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
			outcomes = append(outcomes, driver.Outcome{
				Key: key, State: driver.StateMigrated, Memberships: driver.MembershipsUnknown, Attempts: o.Attempts, At: time.Now().UTC(),
			})
		}
	}
	return w.putOutcomes(ctx, outcomes)
}

// blockGone blocks the users of this run who are not in the source any more and
// have never logged in. An empty source blocks nobody.
func (w *work) blockGone(ctx context.Context) error {
	if w.inSource.n == 0 {
		return errEmptySource
	}
	gone, err := w.gone(ctx, w.inSource)
	if err != nil {
		return err
	}
	return parallel(ctx, lookers, len(gone), func(ctx context.Context, i int) error {
		if gone[i].Code == codeBlocked {
			return nil
		}
		u, mine, err := w.user(ctx, gone[i].Key)
		if err != nil || u == nil {
			return err
		}
		if mine == "" || !jobs.NeverLoggedIn(u) {
			w.kept.Add(1)
			return nil
		}
		_, err = jobs.Patiently(ctx, func() (*resource.User, error) {
			return w.dst.UpdateUser(ctx, u.ID, resource.UserPatch{Blocked: new(true)})
		})
		if err != nil {
			return fmt.Errorf("migration: block a user: %w", err)
		}
		w.blocked.Add(1)
		o := gone[i]
		o.Code, o.Path, o.At = codeBlocked, "", time.Now().UTC()
		return w.putOutcomes(ctx, []driver.Outcome{o})
	})
}

// gone are the migrated users whom the source does not have.
func (r *Runner) gone(ctx context.Context, inSource *compact) ([]driver.Outcome, error) {
	var all []driver.Outcome
	for o, err := range r.ledger.Outcomes(ctx, r.run.Name) {
		if err != nil {
			return nil, fmt.Errorf("migration: read the ledger: %w", err)
		}
		if o.State == driver.StateMigrated && !inSource.has(o.Key) {
			all = append(all, o)
		}
	}
	return all, nil
}

var errEmptySource = errors.New("migration: the source has no records at all; nobody is blocked or deleted for that. Look whether it is the right one")
