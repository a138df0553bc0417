package migration

import (
	"context"
	"fmt"
	"iter"
	"slices"
	"strings"
	"time"

	"github.com/auth0kit/auth0kit/migration/driver"
	"github.com/auth0kit/auth0kit/migration/internal/jobs"
)

// pages reads the source to its end.
func (r *Runner) pages(ctx context.Context) iter.Seq2[[]Record, error] {
	return func(yield func([]Record, error) bool) {
		after := ""
		for {
			page, err := r.src.Page(ctx, after, r.cfg.PageSize)
			if err != nil {
				yield(nil, fmt.Errorf("migration: read the source: %w", err))
				return
			}
			if len(page) == 0 {
				return
			}
			last := lastKey(page)
			if last == "" && after == "" { // nothing but rows without a key
				yield(page, nil)
				return
			}
			if last == "" || last == after {
				yield(nil, errNoPage)
				return
			}
			if !yield(page, nil) {
				return
			}
			after = last
		}
	}
}

// lastKey is where the next page begins. Rows whose key cannot be read may stand
// anywhere; "" would begin again.
func lastKey(page []Record) string {
	for i := len(page) - 1; i >= 0; i-- {
		if page[i].Key != "" {
			return page[i].Key
		}
	}
	return ""
}

func keysOf(page []Record) []string {
	keys := make([]string, len(page))
	for i := range page {
		keys[i] = page[i].Key
	}
	return keys
}

// scan reads the source and hands out the files of all users to be sent.
func (w *work) scan(ctx context.Context, out chan<- *file) error {
	s := &scanner{work: w, out: out, classes: newClassifier(*w.run, w.cfg.Reset, w.connection.Options)}
	s.fresh = packer{limit: &w.fileBytes}
	s.again = packer{limit: &w.fileBytes, upsert: true}
	for page, err := range w.pages(ctx) {
		if err == nil {
			err = s.page(ctx, page)
		}
		if err != nil {
			return err
		}
	}
	for _, p := range []*packer{&s.fresh, &s.again} {
		if err := s.hand(ctx, p.flush()); err != nil {
			return err
		}
	}
	return nil
}

// scanner decides what to do with each record, by its outcome so far.
type scanner struct {
	*work
	out          chan<- *file
	classes      *classifier
	fresh, again packer

	// Of the current page: outcomes to write, then memberships to pass on. Those that
	// the ledger does not call pending must find room.
	outcomes        []driver.Outcome
	changed         []change
	pending, others []offer
	skipped         int
}

func (s *scanner) page(ctx context.Context, page []Record) error {
	known, err := s.known(ctx, keysOf(page))
	if err != nil {
		return err
	}
	s.outcomes, s.changed, s.pending, s.others, s.skipped = s.outcomes[:0], s.changed[:0], s.pending[:0], s.others[:0], 0
	for i := range page {
		rec := page[i]
		old, ok := known[rec.Key]
		if !ok {
			old = driver.Outcome{Key: rec.Key}
		}
		if s.inSource != nil {
			s.inSource.add(rec.Key)
		}
		if err := s.record(ctx, &rec, old); err != nil {
			return err
		}
	}
	if err := s.patch(ctx); err != nil {
		return err
	}
	if err := s.putOutcomes(ctx, s.outcomes); err != nil {
		return err
	}
	for _, o := range s.pending {
		s.members.offer(o)
	}
	for _, o := range s.others {
		if err := s.members.add(ctx, o); err != nil {
			return err
		}
	}
	s.tracker.update(func(p *Progress) { p.Read += len(page); p.Skipped += s.skipped })
	return nil
}

func (s *scanner) record(ctx context.Context, r *Record, old driver.Outcome) error {
	v := s.classes.classify(r)
	if old.State == driver.StateMigrated {
		if v.class != Invalid { // what Auth0 has stays until the source is corrected
			return s.migrated(ctx, r, old)
		}
		return nil
	}
	if old.State == driver.StateDeleted {
		s.skipped++
		return nil
	}
	if !v.importable(s.cfg.Reset) {
		return s.skip(ctx, r, old, v)
	}
	digest := s.digests.digest(profileOf(r))
	if old.State == driver.StateFailed && !s.resend(old, digest) {
		return nil
	}
	places, err := s.places.of(ctx, r)
	if err != nil {
		return err
	}
	e := entry{key: r.Key, digest: digest, places: places}
	if old.Code == codeFactorsFailed {
		return s.factors(ctx, r, e, v.json)
	}
	return s.hand(ctx, s.fresh.add(e, v.json))
}

// factors sends the second factors of a user who is there without them. The file
// changes whoever has the email, so the user must still be this run's and have it.
func (s *scanner) factors(ctx context.Context, r *Record, e entry, whole []byte) error {
	u, mine, err := s.user(ctx, r.Key)
	switch {
	case err != nil:
		return err
	case u == nil:
		return s.hand(ctx, s.fresh.add(e, whole))
	case mine == "" || !strings.EqualFold(u.Email, r.Email) || !jobs.NeverLoggedIn(u):
		s.kept.Add(1)
		return nil
	}
	user, err := s.classes.enc.encodeFactors(r)
	if err != nil {
		return fmt.Errorf("migration: write second factors: %w", err)
	}
	return s.hand(ctx, s.again.add(e, user))
}

// resend reports whether a failed user is sent again. Without digests nobody knows
// whether the record has changed.
func (s *scanner) resend(old driver.Outcome, digest string) bool {
	return s.mode == modeRetry || s.mode == modeSync && (old.Digest == "" || old.Digest != digest)
}

// migrated looks after a user who is at Auth0: completes an outcome that was
// recovered without the record, and passes on memberships and changes.
func (s *scanner) migrated(ctx context.Context, r *Record, old driver.Outcome) error {
	places, err := s.places.of(ctx, r)
	if err != nil {
		return err
	}
	p := profileOf(r)
	digest := s.digests.digest(p)
	if old.Memberships == driver.MembershipsUnknown {
		old.Digest, old.Memberships = digest, places.pending()
		s.outcomes = append(s.outcomes, old)
	}
	o := offer{key: r.Key, places: places, given: old.Given, ask: true}
	switch {
	case old.Memberships == driver.MembershipsPending:
		s.pending = append(s.pending, o)
	case old.Memberships == driver.MembershipsFailed && s.mode == modeRetry:
		s.others = append(s.others, o)
	case s.mode == modeSync && places.String() != old.Given:
		o.moved = true
		s.others = append(s.others, o)
	}
	switch {
	case s.mode != modeSync:
	case old.Code == codeBlocked, s.snapshot == nil && old.Digest != digest, s.snapshot != nil && !s.snapshot.same(r.Key, p):
		s.changed = append(s.changed, change{r, old, digest})
	}
	return nil
}

// skip writes why a record is not sent, unless the ledger says so already.
func (s *scanner) skip(ctx context.Context, r *Record, old driver.Outcome, v verdict) error {
	s.skipped++
	if r.Key == "" && slices.ContainsFunc(s.outcomes, func(o driver.Outcome) bool { return o.Key == "" }) {
		return nil // the ledger keeps one of them: keys differ there
	}
	o := driver.Outcome{
		Key: r.Key, State: v.state(), Code: string(v.problem.Rule), Path: v.problem.Path, Attempts: old.Attempts,
		Digest: s.digests.digest(profileOf(r)), At: time.Now().UTC(),
	}
	if v.class == Owned {
		places, err := s.places.of(ctx, r)
		if err != nil {
			return err
		}
		o.Memberships = places.pending()
		s.others = append(s.others, offer{key: r.Key, places: places, ask: true})
	}
	old.At = o.At
	if o != old {
		s.outcomes = append(s.outcomes, o)
	}
	return nil
}

// hand gives a file to the job slots, unless the run is to stop.
func (s *scanner) hand(ctx context.Context, f *file) error {
	if f == nil {
		return nil
	}
	select {
	case s.out <- f:
		return nil
	case <-s.stop.Done():
		return context.Cause(s.stop)
	case <-ctx.Done():
		return ctx.Err()
	}
}
