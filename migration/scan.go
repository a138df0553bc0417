package migration

import (
	"context"
	"fmt"
	"iter"
	"slices"
	"time"

	"github.com/auth0kit/auth0kit/migration/driver"
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
			last := page[len(page)-1].Key
			if last == after {
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

// scan reads the source and hands out the files of all users to be sent.
func (w *work) scan(ctx context.Context, out chan<- *file) error {
	s := &scanner{work: w, out: out, classes: newClassifier(w.cfg.Run)}
	s.fresh = packer{limit: w.cfg.FileBytes}
	s.again = packer{limit: w.cfg.FileBytes, upsert: true}
	for page, err := range w.pages(ctx) {
		if err != nil {
			return err
		}
		if err := s.page(ctx, page); err != nil {
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

	// Of the current page: outcomes to write, then memberships to pass on.
	outcomes []driver.Outcome
	changed  []change
	offers   []offer
	skipped  int
}

func (s *scanner) page(ctx context.Context, page []Record) error {
	keys := make([]string, len(page))
	for i := range page {
		keys[i] = page[i].Key
	}
	known, err := s.known(ctx, keys)
	if err != nil {
		return err
	}
	s.outcomes, s.changed, s.offers, s.skipped = s.outcomes[:0], s.changed[:0], s.offers[:0], 0
	for i := range page {
		old, ok := known[page[i].Key]
		if !ok {
			old = driver.Outcome{Key: page[i].Key}
		}
		if err := s.record(ctx, &page[i], old); err != nil {
			return err
		}
	}
	if err := s.patch(ctx); err != nil {
		return err
	}
	if err := s.putOutcomes(ctx, s.outcomes); err != nil {
		return err
	}
	for _, o := range s.offers {
		s.members.offer(o.key, o.memberships)
	}
	s.tracker.update(func(p *Progress) { p.Read += len(page); p.Skipped += s.skipped })
	return nil
}

func (s *scanner) record(ctx context.Context, r *Record, old driver.Outcome) error {
	if old.State == driver.StateMigrated {
		s.classes.seen.claim(r)
		s.migrated(r, old)
		return nil
	}
	v := s.classes.classify(r)
	if !v.importable(s.cfg.ImportWithoutPassword) {
		s.skip(r, old, v)
		return nil
	}
	digest := profileOf(r).digest()
	if old.State == driver.StateFailed && !s.resend(old, digest) {
		return nil
	}
	e := entry{key: r.Key, digest: digest, memberships: r.Memberships}
	if old.Code == codeFactorsFailed { // the user is there, without its second factors
		user, err := s.classes.enc.encodeFactors(r)
		if err != nil {
			return fmt.Errorf("migration: write second factors: %w", err)
		}
		return s.hand(ctx, s.again.add(e, user))
	}
	return s.hand(ctx, s.fresh.add(e, v.json))
}

// resend reports whether a failed user is sent again.
func (s *scanner) resend(old driver.Outcome, digest string) bool {
	return s.mode == modeRetry || s.mode == modeSync && old.Digest != digest
}

// migrated looks after a user who is at Auth0: completes an outcome that was
// recovered without the record, and passes on memberships and changes.
func (s *scanner) migrated(r *Record, old driver.Outcome) {
	digest := profileOf(r).digest()
	if old.Digest == "" {
		old.Digest, old.Memberships = digest, pendingIf(r.Memberships)
		s.outcomes = append(s.outcomes, old)
	}
	retry := old.Memberships == driver.MembershipsFailed && s.mode == modeRetry
	if old.Memberships == driver.MembershipsPending || retry {
		s.offers = append(s.offers, offer{r.Key, r.Memberships})
	}
	if s.mode == modeSync && old.Digest != digest {
		s.changed = append(s.changed, change{r, old, digest})
	}
}

// skip writes why a record is not sent, unless the ledger says so already.
func (s *scanner) skip(r *Record, old driver.Outcome, v verdict) {
	s.skipped++
	o := driver.Outcome{
		Key: r.Key, State: v.state(), Code: string(v.why.rule), Path: v.why.path, Attempts: old.Attempts,
		Digest: profileOf(r).digest(), At: time.Now().UTC(),
	}
	if v.class == Owned {
		o.Memberships = pendingIf(r.Memberships)
		s.offers = append(s.offers, offer{r.Key, r.Memberships})
	}
	old.At = o.At
	if o != old {
		s.outcomes = append(s.outcomes, o)
	}
}

func (s *scanner) hand(ctx context.Context, f *file) error {
	if f == nil {
		return nil
	}
	select {
	case s.out <- f:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// scanMemberships reads the source once more for users whose memberships did not
// find room behind the import.
func (w *work) scanMemberships(ctx context.Context) error {
	for page, err := range w.pages(ctx) {
		if err != nil {
			return err
		}
		keys := make([]string, len(page))
		for i := range page {
			keys[i] = page[i].Key
		}
		known, err := w.known(ctx, keys)
		if err != nil {
			return err
		}
		for i := range page {
			o, ok := known[page[i].Key]
			if ok && o.Memberships == driver.MembershipsPending {
				if err := w.members.add(ctx, offer{o.Key, page[i].Memberships}); err != nil {
					return err
				}
			}
		}
	}
	return nil
}

func pendingIf(m []Membership) driver.Memberships {
	if slices.ContainsFunc(m, func(m Membership) bool { return m.OrgID != "" }) {
		return driver.MembershipsPending
	}
	return driver.MembershipsNone
}
