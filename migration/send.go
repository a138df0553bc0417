package migration

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/auth0kit/auth0kit/internal/retry"
	"github.com/auth0kit/auth0kit/management/resource"
	"github.com/auth0kit/auth0kit/migration/driver"
	"github.com/auth0kit/auth0kit/migration/internal/jobs"
)

// carry takes a file, and all files that come of it by splitting and by sending
// again, to their ends, one after the other.
func (w *work) carry(ctx context.Context, f *file) error {
	for queue := []*file{f}; len(queue) > 0 && w.stop.Err() == nil; queue = queue[1:] {
		rest, err := w.send(ctx, queue[0])
		if err != nil {
			return err
		}
		queue = append(queue, rest...)
	}
	return nil
}

// send posts one file and settles it. It returns what has to be sent after it.
func (w *work) send(ctx context.Context, f *file) ([]*file, error) {
	b := driver.Batch{N: int(w.nextBatch.Add(1)) - 1, State: driver.Sending, Count: len(f.entries), Keys: f.keys()}
	if err := w.put(ctx, b); err != nil {
		return nil, err
	}
	job, err := w.submit(ctx, f, b)
	switch {
	case err == nil:
		w.refused.Store(0)
		b.State, b.JobID = driver.Submitted, job.ID
		if err := w.put(ctx, b); err != nil {
			return nil, err
		}
		return w.follow(ctx, b, f)
	case ctx.Err() != nil:
		return nil, ctx.Err()
	case w.stop.Err() != nil: // it was waiting for a slot, or its answer was lost: the next run looks
		return nil, nil
	case refused(err):
		return w.split(ctx, b, f, err)
	case errors.Is(err, resource.ErrOutcomeUnknown) || errors.Is(err, resource.ErrUnavailable):
		return w.lookAndResend(ctx, b, f, err)
	}
	return nil, fmt.Errorf("migration: send batch %d: %w", b.N, err)
}

// submit posts the file, waiting as long as Auth0 says that it has not taken it:
// both job slots are in use, or the bucket is empty.
func (w *work) submit(ctx context.Context, f *file, b driver.Batch) (*resource.Job, error) {
	if err := w.recordJob(ctx, "migration.import.send", b); err != nil {
		return nil, err
	}
	start := time.Now()
	for n := 1; ; n++ {
		job, err := w.dst.ImportUsers(ctx, resource.Import{
			ConnectionID: w.connection.ID, ExternalID: fmt.Sprintf("%s:%d", w.run.Name, b.N), Upsert: f.upsert, Users: f.body,
		})
		if err == nil || !errors.Is(err, resource.ErrRateLimited) && !errors.Is(err, resource.ErrJobSlots) {
			return job, err
		}
		pause := jobs.Slot(time.Since(start))
		if !errors.Is(err, resource.ErrJobSlots) {
			pause = jobs.Backoff(n, err)
		}
		if retry.Sleep(w.stop, pause) != nil {
			return nil, err
		}
	}
}

// refused reports whether Auth0 refused the file as a whole because of what is
// in it. Its texts about the connection are not about the file.
func refused(err error) bool {
	e, ok := errors.AsType[*resource.Error](err)
	return ok && errors.Is(err, resource.ErrInvalid) && !strings.Contains(strings.ToLower(e.Message), "connection")
}

func fileRefused(err error) string {
	if e, ok := errors.AsType[*resource.Error](err); ok && e.StatusCode == http.StatusRequestEntityTooLarge {
		return codeTooLarge
	}
	return codeRefused
}

// maxRefused is how many users in a row Auth0 may refuse one by one. More means
// that it refuses everything, and that the users are not at fault.
const maxRefused = 10

// split gives up on a batch whose file Auth0 does not take. Its halves go on
// alone, until the user at fault is alone too.
func (w *work) split(ctx context.Context, b driver.Batch, f *file, cause error) ([]*file, error) {
	if fileRefused(cause) == codeTooLarge { // the next ones, too, would be
		w.fileBytes.Store(max(2*maxProfile, min(w.fileBytes.Load(), int64(len(f.body)/2))))
	}
	if len(f.entries) > 1 {
		return f.halves(), w.settle(ctx, b, f, nil)
	}
	if w.refused.Add(1) > maxRefused {
		return nil, fmt.Errorf("migration: Auth0 refuses one user after another, each in a file of its own; "+
			"look for what is wrong with all files: %w", cause)
	}
	return nil, w.settle(ctx, b, f, map[string]verdictOf{f.entries[0].key: {code: fileRefused(cause)}})
}

// lookAndResend finds out what became of a file that went out without an answer,
// or whose job Auth0 does not know, and returns the users who did not arrive.
func (w *work) lookAndResend(ctx context.Context, b driver.Batch, f *file, cause error) ([]*file, error) {
	if f.attempt+1 >= maxAttempts {
		return nil, fmt.Errorf("migration: sent batch %d without an answer %d times; run again to go on: %w", b.N, maxAttempts, cause)
	}
	if !f.lost {
		if err := retry.Sleep(ctx, jobs.Backoff(f.attempt+1, cause)); err != nil {
			return nil, err
		}
	}
	missing, err := w.reconcile(ctx, b, f)
	if err != nil {
		return nil, err
	}
	return f.again(missing), nil
}

// maxAttempts is how often the same users are sent without an answer: over about
// half an hour of an outage.
const maxAttempts = 36

// follow waits for the job of b and settles it.
func (w *work) follow(ctx context.Context, b driver.Batch, f *file) ([]*file, error) {
	w.tracker.update(func(p *Progress) { p.Jobs++ })
	defer w.tracker.update(func(p *Progress) { p.Jobs-- })
	job, err := w.await(ctx, b.JobID)
	if errors.Is(err, resource.ErrNotFound) { // deleted after a day, or never known
		return w.lookAndResend(ctx, b, f, err)
	}
	if err != nil {
		return nil, fmt.Errorf("migration: follow the job of batch %d: %w", b.N, err)
	}
	return w.finish(ctx, b, f, job)
}

// await polls a job to its end.
func (w *work) await(ctx context.Context, id string) (*resource.Job, error) {
	start := time.Now()
	pause := w.pace.first()
	for {
		if err := retry.Sleep(ctx, pause); err != nil {
			return nil, err
		}
		job, err := jobs.Patiently(ctx, func() (*resource.Job, error) { return w.dst.Job(ctx, id) })
		if err != nil {
			return nil, err
		}
		if job.Done() {
			w.pace.learn(time.Since(start))
			return job, nil
		}
		pause = w.pace.next(time.Since(start))
	}
}

// maxFailedJobs is how many jobs in a row may fail as such. More means that the
// tenant fails them all, and that the users are not at fault: each would cost four
// jobs more.
const maxFailedJobs = 10

// isolate splits a file whose job failed, and gives up on a user who makes jobs
// fail alone.
func (w *work) isolate(ctx context.Context, files []*file) ([]*file, error) {
	if len(files) == 0 {
		return nil, nil
	}
	f := files[0]
	if len(f.entries) > 1 {
		halves := f.halves()
		halves[0].attempt, halves[1].attempt = 0, 0
		return halves, nil
	}
	if f.attempt < 3 {
		return files, nil
	}
	b := driver.Batch{N: int(w.nextBatch.Add(1)) - 1, Count: 1}
	return nil, w.settle(ctx, b, f, map[string]verdictOf{f.entries[0].key: {code: codeJobFailed}})
}
