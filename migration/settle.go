package migration

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/auth0kit/auth0kit/audit"
	"github.com/auth0kit/auth0kit/management/resource"
	"github.com/auth0kit/auth0kit/migration/driver"
	"github.com/auth0kit/auth0kit/migration/internal/jobs"
)

// Codes of outcomes that are neither a Rule nor Auth0's of a single user.
const (
	codeTooLarge      = "FILE_TOO_LARGE" // Auth0 refused a file with this user alone: 413.
	codeRefused       = "FILE_REFUSED"   // The same with 400.
	codeJobFailed     = "JOB_FAILED"     // Jobs with this user alone end without creating it.
	codeTaken         = "ID_TAKEN"       // A user with this id is there that this run did not create.
	codeFactorsFailed = "MFA_FACTORS_FAILED"
)

// lookers is how many users are looked up at once; the client paces them.
const lookers = 8

// verdictOf is what became of one user of a batch: code is empty for migrated.
type verdictOf struct{ code, path string }

// finish settles the batch of a job that has ended.
func (w *work) finish(ctx context.Context, b driver.Batch, f *file, job *resource.Job) ([]*file, error) {
	if job.Status != "completed" { // such a job has no list of errors
		if w.failedJobs.Add(1) > maxFailedJobs {
			return nil, fmt.Errorf("migration: %d import jobs in a row failed, whoever was in them; look into the tenant's log, and run again to go on", maxFailedJobs)
		}
		return w.finishByLooking(ctx, b, f, make(map[string]verdictOf), b.Keys)
	}
	w.failedJobs.Store(0)
	listed, err := jobs.Patiently(ctx, func() ([]resource.JobError, error) { return w.dst.JobErrors(ctx, job.ID) })
	if err != nil {
		return nil, fmt.Errorf("migration: read the errors of batch %d: %w", b.N, err)
	}
	verdicts := w.byKey(listed, b, f)
	if err := w.adjudicate(ctx, verdicts); err != nil {
		return nil, err
	}
	rest := slices.DeleteFunc(slices.Clone(b.Keys), func(key string) bool { _, ok := verdicts[key]; return ok })
	if addsUp(job, rest, verdicts) {
		for _, key := range rest {
			verdicts[key] = verdictOf{}
		}
		return nil, w.settleJob(ctx, b, f, verdicts)
	}
	return w.finishByLooking(ctx, b, f, verdicts, rest)
}

// addsUp reports whether a job's summary says that the rest of a batch has arrived, no
// fewer and no more: users who are there without their factors may be counted too.
func addsUp(job *resource.Job, rest []string, verdicts map[string]verdictOf) bool {
	most := len(rest)
	for _, v := range verdicts {
		if v.code == codeFactorsFailed {
			most++
		}
	}
	n := job.Inserted + job.Updated
	return n >= len(rest) && n <= most
}

// finishByLooking is for a job that failed, or whose summary does not add up:
// only the users themselves can tell.
func (w *work) finishByLooking(ctx context.Context, b driver.Batch, f *file, verdicts map[string]verdictOf, rest []string) ([]*file, error) {
	missing, err := w.look(ctx, rest, verdicts)
	if err != nil {
		return nil, err
	}
	if err := w.settleJob(ctx, b, f, verdicts); err != nil {
		return nil, err
	}
	return w.isolate(ctx, f.again(missing))
}

// byKey assigns a job's errors to users. Where Auth0 names a user by email only,
// the file knows the key; without it the user gets no verdict here and is looked
// up.
func (w *work) byKey(listed []resource.JobError, b driver.Batch, f *file) map[string]verdictOf {
	verdicts := make(map[string]verdictOf, len(listed))
	for _, e := range listed {
		key := strings.TrimPrefix(strings.TrimPrefix(e.UserID, provider), w.run.KeyPrefix)
		if key == "" && !f.lost && e.Email != "" {
			key = f.keyOfEmail(e.Email)
		}
		if _, ok := verdicts[key]; !ok && key != "" && slices.Contains(b.Keys, key) {
			verdicts[key] = verdictOf{orDefault(e.Code, codeRefused), e.Path}
		}
	}
	return verdicts
}

// adjudicate looks up the users whom Auth0 calls duplicates: those with our
// marker were created by this very run, in a job whose answer was lost.
func (w *work) adjudicate(ctx context.Context, verdicts map[string]verdictOf) error {
	var conflicts []string
	for key, v := range verdicts {
		if jobs.Conflict(v.code) {
			conflicts = append(conflicts, key)
		}
	}
	return w.each(ctx, conflicts, func(key string, u *resource.User, mine Via) {
		switch {
		case u == nil: // another user has the email, the username or the phone
		case mine != "":
			verdicts[key] = verdictOf{}
		default:
			verdicts[key] = verdictOf{code: codeTaken, path: "user_id"}
		}
	})
}

// reconcile settles a batch whose job is not known: users who are there with our
// marker are migrated. It returns those who are not there; a job that is still
// waiting may create them yet, and then their next file is answered with
// conflicts, which adjudicate resolves.
func (w *work) reconcile(ctx context.Context, b driver.Batch, f *file) (map[string]bool, error) {
	verdicts := make(map[string]verdictOf, len(b.Keys))
	missing, err := w.look(ctx, b.Keys, verdicts)
	if err != nil {
		return nil, err
	}
	return missing, w.settle(ctx, b, f, verdicts)
}

// look adds the verdicts of those keys that are at Auth0 and returns the others.
// Of a large file three users are looked up first, and when none is there all
// count as missing: a thousand looks take a minute of the tenant's bucket, and a
// user who is sent again although it is there is found by adjudicate.
func (w *work) look(ctx context.Context, keys []string, verdicts map[string]verdictOf) (map[string]bool, error) {
	missing := make(map[string]bool, len(keys))
	if len(keys) > lookers {
		there, err := w.anyOf(ctx, keys[0], keys[len(keys)/2], keys[len(keys)-1])
		if err != nil {
			return nil, err
		}
		if !there {
			for _, key := range keys {
				missing[key] = true
			}
			return missing, nil
		}
	}
	err := w.each(ctx, keys, func(key string, u *resource.User, mine Via) {
		switch {
		case u == nil:
			missing[key] = true
		case mine != "":
			verdicts[key] = verdictOf{}
		default:
			verdicts[key] = verdictOf{code: codeTaken, path: "user_id"}
		}
	})
	return missing, err
}

func (w *work) anyOf(ctx context.Context, keys ...string) (there bool, err error) {
	err = w.each(ctx, keys, func(_ string, u *resource.User, _ Via) { there = there || u != nil })
	return there, err
}

// each reads the users of keys, a few at a time, and calls f for one after the
// other, with nil for those who do not exist.
func (w *work) each(ctx context.Context, keys []string, f func(key string, u *resource.User, mine Via)) error {
	var mu sync.Mutex
	return parallel(ctx, lookers, len(keys), func(ctx context.Context, i int) error {
		u, mine, err := w.user(ctx, keys[i])
		if err != nil {
			return err
		}
		mu.Lock()
		defer mu.Unlock()
		f(keys[i], u, mine)
		return nil
	})
}

// settleJob is settle with the event that the job is done.
func (w *work) settleJob(ctx context.Context, b driver.Batch, f *file, verdicts map[string]verdictOf) error {
	if err := w.settle(ctx, b, f, verdicts); err != nil {
		return err
	}
	return w.recordJob(ctx, "migration.import.done", b)
}

// settle writes what became of the users of b, closes the batch, and passes
// memberships on. Users without a verdict stay without an outcome.
func (w *work) settle(ctx context.Context, b driver.Batch, f *file, verdicts map[string]verdictOf) error {
	outcomes, err := w.outcomes(ctx, f, verdicts)
	if err != nil {
		return err
	}
	if err := w.mark(ctx, outcomes); err != nil {
		return err
	}
	if err := w.putOutcomes(ctx, outcomes); err != nil {
		return err
	}
	b.State, b.Keys = driver.Settled, nil
	if err := w.put(ctx, b); err != nil {
		return err
	}
	w.passOn(f, outcomes)
	return nil
}

// outcomes turns verdicts into outcomes. Of a lost file digest and memberships are
// not known; the scan that follows completes them.
func (w *work) outcomes(ctx context.Context, f *file, verdicts map[string]verdictOf) ([]driver.Outcome, error) {
	var keys []string
	for key := range verdicts {
		keys = append(keys, key)
	}
	old, err := w.known(ctx, keys)
	if err != nil {
		return nil, err
	}
	entries := make(map[string]*entry, len(keys))
	for i := range f.entries {
		entries[f.entries[i].key] = &f.entries[i]
	}
	outcomes := make([]driver.Outcome, 0, len(keys))
	for _, key := range keys {
		v := verdicts[key]
		o := driver.Outcome{
			Key: key, State: driver.StateMigrated, Code: v.code, Path: v.path, Attempts: old[key].Attempts + 1, At: time.Now().UTC(),
			Memberships: driver.MembershipsUnknown,
		}
		if e := entries[key]; e != nil && !f.lost {
			o.Digest, o.Memberships = e.digest, e.places.pending()
		}
		if v.code != "" {
			o.State, o.Memberships = driver.StateFailed, driver.MembershipsNone
		}
		outcomes = append(outcomes, o)
	}
	return outcomes, nil
}

// mark tells the source which users Auth0 owns now, before the ledger says so:
// a mark that is made twice does no harm, one that is missing would.
func (w *work) mark(ctx context.Context, outcomes []driver.Outcome) error {
	if w.marker == nil {
		return nil
	}
	for _, o := range outcomes {
		if o.State != driver.StateMigrated {
			continue
		}
		if err := w.marker.MarkMigrated(ctx, o.Key); err != nil {
			return fmt.Errorf("migration: mark a user as migrated in the source: %w", err)
		}
	}
	return nil
}

// passOn counts the outcomes and hands memberships to their stage.
func (w *work) passOn(f *file, outcomes []driver.Outcome) {
	wanted := make(map[string]places)
	for i := range f.entries {
		wanted[f.entries[i].key] = f.entries[i].places
	}
	failed := 0
	for _, o := range outcomes {
		if o.State == driver.StateFailed {
			failed++
		}
		if o.Memberships == driver.MembershipsPending {
			w.members.offer(offer{key: o.Key, places: wanted[o.Key]})
		}
	}
	w.tracker.update(func(p *Progress) {
		p.Sent += len(outcomes)
		p.Failed += failed
		p.Migrated += len(outcomes) - failed
	})
}

func (w *work) recordJob(ctx context.Context, action string, b driver.Batch) error {
	return audit.Record(ctx, w.cfg.Recorder, audit.Event{
		Type: "migration", Action: action, Source: auditSource, Outcome: audit.Success,
		Target:   audit.Ref{Kind: "migration", ID: w.run.Name},
		Metadata: map[string]string{"batch": strconv.Itoa(b.N), "users": strconv.Itoa(b.Count)},
	})
}
