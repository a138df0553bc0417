package auditlog

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/auth0kit/auth0kit/audit"
	"github.com/auth0kit/auth0kit/internal/seal"
)

const (
	spoolBytes = 64 << 20        // Of the file of one process.
	spoolAfter = 5 * time.Second // For which Record waits for a store that hangs.
	spoolWrite = 10 * time.Second
)

// spool takes events while the store does not answer. Once it has one it takes all, so
// that events keep their order, until Run has drained it.
type spool struct {
	dir     string
	most    int64
	log     string
	ring    *seal.Ring
	commits committer[spooled] // Shares the sync of the file.

	running atomic.Int32 // Calls of Run: without one nobody would drain.
	holds   atomic.Bool  // Whether there is a file.
	waiting atomic.Int64 // Events of the file that the store does not have.

	drains sync.Mutex // One at a time, before lock.

	lock    chan struct{} // Full while somebody has what follows: a drain holds it as long as the store takes.
	file    *spoolFile    // Nil while the store takes events itself.
	cause   error         // Why it does not.
	refused int           // Events that were not recorded because the spool was full.
}

var (
	errSpoolDrained = errors.New("auditlog: the spool was drained meanwhile")
	errSpoolFull    = errors.New("auditlog: Config.SpoolBytes are used up")
	errSpoolClosed  = errors.New("auditlog: no process is in Run, which drains the spool")
)

func newSpool(dir string, most int64, sinks []Sink, log string, keys [][]byte) (*spool, error) {
	if most < 0 || most > 0 && dir == "" {
		return nil, errors.New("auditlog: Config.SpoolBytes must not be negative, and needs Config.Spool")
	}
	if dir == "" {
		return nil, nil
	}
	for _, s := range sinks {
		if s.Policy == Required {
			return nil, fmt.Errorf("auditlog: Config.Spool and the Required sink %q exclude each other: the sink gets an event when it is stored", s.Name)
		}
	}
	ring, err := seal.New("auth0kit/audit spool", keys)
	if err != nil {
		return nil, fmt.Errorf("auditlog: Seal.Keys: %w", err)
	}
	s := &spool{dir: dir, most: cmp.Or(most, spoolBytes), log: log, ring: ring, lock: make(chan struct{}, 1)}
	s.commits.write = s.write
	return s, nil
}

// holding reports whether Record has to queue behind spooled events.
func (s *spool) holding() bool { return s != nil && s.holds.Load() }

// count returns how many events wait.
func (s *spool) count() int {
	if s == nil {
		return 0
	}
	return int(s.waiting.Load())
}

// takes reports whether an error of the store is one that passes.
func (s *spool) takes(ctx context.Context, err error) bool {
	return s != nil && s.running.Load() > 0 && !errors.Is(ctx.Err(), context.Canceled) &&
		!errors.Is(err, ErrOtherLog) && !errors.Is(err, seal.ErrOpen)
}

// put returns when e is on the disk. The store may have used up the time of ctx.
func (s *spool) put(ctx context.Context, e audit.Event, cause error) error {
	switch err := ctx.Err(); {
	case errors.Is(err, context.Canceled):
		return err
	case err != nil:
		ctx = context.WithoutCancel(ctx)
	}
	ctx, cancel := context.WithTimeout(ctx, spoolWrite)
	defer cancel()
	return s.commits.do(ctx, spooled{e, cause})
}

// write appends events to the file. All of them are there when it returns nil, and none
// is acknowledged otherwise.
func (s *spool) write(ctx context.Context, items []spooled) error {
	select {
	case s.lock <- struct{}{}:
		defer s.unlock()
	case <-ctx.Done():
		return fmt.Errorf("auditlog: waiting for the spool: %w", ctx.Err())
	}
	var cause error
	for _, i := range items {
		if i.cause != nil {
			cause = i.cause
		}
	}
	if cause == nil && s.file == nil {
		return errSpoolDrained
	}
	if cause != nil {
		s.cause = cause
	}
	if err := s.append(items); err != nil {
		s.refused += len(items)
		return fmt.Errorf("%w; and the spool did not take the event: %w", s.cause, err)
	}
	return nil
}

func (s *spool) append(items []spooled) (err error) {
	if s.running.Load() == 0 {
		return errSpoolClosed
	}
	if s.file == nil {
		if s.file, err = createSpoolFile(s.dir, s.log); err != nil {
			return err
		}
		s.holds.Store(true)
	}
	if err := s.file.append(s.ring, s.most, items); err != nil {
		return err
	}
	s.waiting.Add(int64(len(items)))
	return nil
}

// begin is called by Run: a directory that does not serve is found out now and not
// when the store is down.
func (s *spool) begin() (end func(), err error) {
	if err := checkSpoolDir(s.dir, s.log); err != nil {
		return nil, fmt.Errorf("auditlog: Config.Spool: %w", err)
	}
	s.running.Add(1)
	return s.end, nil
}

// end leaves the file to the next Run, in this process or another.
func (s *spool) end() {
	s.lock <- struct{}{}
	defer s.unlock()
	if s.running.Add(-1) == 0 && s.file != nil {
		s.file.close()
		s.forget()
	}
}

func (s *spool) unlock() { <-s.lock }

func (s *spool) forget() {
	s.file, s.cause = nil, nil
	s.holds.Store(false)
	s.waiting.Store(0)
}
