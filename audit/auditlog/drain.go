package auditlog

import (
	"context"
	"crypto/rand"
	"errors"
	"strconv"

	"github.com/auth0kit/auth0kit/audit"
)

// drain stores what is in the files of processes that are gone, and in the own one.
func (l *Log) drain(ctx context.Context) error {
	s := l.spool
	if !s.drains.TryLock() {
		return nil // another call of Run is at it
	}
	defer s.drains.Unlock()
	files, err := spoolFiles(s.dir, s.log)
	if err != nil {
		return err
	}
	var errs []error
	for _, path := range files {
		f, err := adoptSpoolFile(s.log, path)
		if err != nil {
			continue // a living process has it, or it cannot be read for now
		}
		errs = append(errs, l.drainAdopted(ctx, f)) // the own events must not wait for a file that fails
		f.close()
	}
	return errors.Join(append(errs, l.drainOwn(ctx))...)
}

func (l *Log) drainAdopted(ctx context.Context, f *spoolFile) error {
	for f.read < f.size {
		if _, err := l.drainFile(ctx, f, f.size); err != nil {
			return err
		}
	}
	return l.drained(ctx, f, 0)
}

func (l *Log) drainOwn(ctx context.Context) error {
	s := l.spool
	s.lock <- struct{}{}
	f, refused := s.file, s.refused
	var size int64
	if f != nil {
		size = f.size
	}
	s.unlock()
	if f == nil && refused == 0 {
		return nil
	}
	if f != nil { // in which the store shows that it answers, while others go on
		if err := l.drainPart(ctx, f, size); err != nil {
			return err
		}
	}
	for {
		s.lock <- struct{}{}
		done, err := l.drainRest(ctx)
		s.unlock()
		if err != nil || done {
			return err
		}
	}
}

// drainPart stores the next events of the own file.
func (l *Log) drainPart(ctx context.Context, f *spoolFile, size int64) error {
	n, err := l.drainFile(ctx, f, size)
	l.spool.waiting.Add(int64(-n))
	return err
}

// drainRest is called with the lock: writers wait for it, batch by batch, or else they
// could add more than it takes away.
func (l *Log) drainRest(ctx context.Context) (done bool, err error) {
	s := l.spool
	if f := s.file; f != nil {
		if f.read < f.size {
			return false, l.drainPart(ctx, f, f.size)
		}
		if err := l.drained(ctx, f, s.refused); err != nil {
			return false, err
		}
		f.close()
		s.forget()
	} else if s.refused > 0 {
		if err := l.drained(ctx, nil, s.refused); err != nil {
			return false, err
		}
	}
	s.refused = 0
	return true, nil
}

// drainFile stores the next events of a file, and returns how many there were.
func (l *Log) drainFile(ctx context.Context, f *spoolFile, size int64) (int, error) {
	part, err := f.next(l.spool.ring, size)
	if err != nil {
		return 0, err
	}
	ctx, cancel := context.WithTimeout(ctx, commitTimeout)
	defer cancel()
	if len(part.events) > 0 {
		rows, err := l.encode(ctx, part.events...)
		if err != nil {
			return 0, err
		}
		if err := l.append(ctx, rows); err != nil {
			return 0, err
		}
	}
	f.took(part)
	return len(part.events), nil
}

// drained records what a file held, and what is missing, before the file goes: the
// event's id is the file's, so that it is recorded once.
func (l *Log) drained(ctx context.Context, f *spoolFile, refused int) error {
	e := audit.Event{ID: "spool:" + rand.Text(), Action: "audit.spool_drain", Metadata: map[string]string{"refused": strconv.Itoa(refused)}}
	unreadable := 0
	if f != nil {
		if unreadable = f.lost(); f.lines == 0 && unreadable+refused == 0 {
			return f.remove()
		}
		e.ID = "spool:" + f.name()
		e.Metadata["events"], e.Metadata["unreadable"] = strconv.Itoa(f.lines), strconv.Itoa(unreadable)
	}
	if refused+unreadable > 0 {
		e.Action, e.Outcome = "audit.spool_gap", audit.Failure
	}
	ctx, cancel := context.WithTimeout(ctx, commitTimeout)
	defer cancel()
	if err := l.recordWith(ctx, e); err != nil || f == nil {
		return err
	}
	return f.remove()
}
