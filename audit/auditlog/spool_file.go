package auditlog

import (
	"bufio"
	"bytes"
	"crypto/rand"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/auth0kit/auth0kit/audit"
	"github.com/auth0kit/auth0kit/internal/seal"
)

const (
	spoolSuffix     = ".spool"
	spoolNew        = ".new"     // Behind the name of a file that is not locked yet.
	spoolDamaged    = ".damaged" // Behind the name of a file with lines that do not open: it is kept.
	spoolPartBytes  = 4 << 20    // Of a file, for one transaction.
	spoolPartEvents = 1000
	spoolLineBytes  = 1 << 20 // More than any event takes.
)

// spooled is an event on its way into the spool. Without a cause it comes because
// others are there already.
type spooled struct {
	event audit.Event
	cause error
}

// spoolLine is what a line of a file has, before it is sealed.
type spoolLine struct {
	N     uint64      `json:"n"` // From 0, so that a line that is gone is noticed.
	Event audit.Event `json:"event"`
}

func (l *spoolLine) seal(ring *seal.Ring, bound []byte) ([]byte, error) {
	text, err := json.Marshal(l)
	if err != nil {
		return nil, fmt.Errorf("auditlog: event is not encodable: %w", err)
	}
	return ring.Seal(text, bound), nil
}

// spoolFile has one sealed event a line, in base64. A process writes only files that it
// has made, and whoever reads one to its end has its lock.
type spoolFile struct {
	*os.File
	path   string
	bound  []byte // What lines are sealed to: the log and the file.
	size   int64  // Up to which it is on the disk.
	count  uint64 // Lines that were written.
	broken bool   // It may end with half a line: nothing may follow.

	read   int64  // Up to which the store has it.
	lines  int    // Events so far.
	bad    int    // Lines so far that do not open.
	line   uint64 // Number of the next line.
	damage bool   // Whether a whole line does not open.
}

// spoolPart is what next has read.
type spoolPart struct {
	events []audit.Event
	end    int64
	last   uint64 // Number of the line after the last one.
	bad    int
	damage bool
}

// spoolFiles returns the files of a log, oldest first. It removes those that a crash has
// left without their name: nothing was written to them.
func spoolFiles(dir, log string) ([]string, error) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil, err
	}
	var files []string
	for _, e := range entries {
		name, path := e.Name(), filepath.Join(dir, e.Name())
		switch {
		case !strings.HasPrefix(name, orgKey(log)+"-"):
		case strings.HasSuffix(name, spoolSuffix):
			files = append(files, path)
		case strings.HasSuffix(name, spoolSuffix+spoolNew):
			removeNameless(log, path)
		}
	}
	return files, nil
}

// removeNameless removes a file that nobody is about to name.
func removeNameless(log, path string) {
	info, err := os.Stat(path)
	if err != nil || info.Size() > 0 || time.Since(info.ModTime()) < time.Minute {
		return
	}
	if f, err := adoptSpoolFile(log, path); err == nil {
		_ = f.remove() // again with the next look
		f.close()
	}
}

// checkSpoolDir makes the directory, and tries what the spool will need there.
func checkSpoolDir(dir, log string) error {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	f, err := createSpoolFile(dir, log)
	if err != nil {
		return err
	}
	defer f.close()
	return f.remove()
}

// createSpoolFile makes a file that is locked from the moment that it has its name: one
// that was not could be taken for an empty one of a process that is gone, and removed.
func createSpoolFile(dir, log string) (*spoolFile, error) {
	name := fmt.Sprintf("%s-%s-%s%s", orgKey(log), time.Now().UTC().Format("20060102T150405.000000"), rand.Text(), spoolSuffix)
	path := filepath.Join(dir, name)
	f, err := os.OpenFile(path+spoolNew, os.O_CREATE|os.O_EXCL|os.O_RDWR, 0o600)
	if err != nil {
		return nil, err
	}
	if err = lockFile(f); err == nil {
		err = os.Rename(path+spoolNew, path)
	}
	if err == nil {
		err = syncDir(dir)
	}
	if err != nil {
		_ = os.Remove(path + spoolNew) // it is empty
		return nil, errors.Join(err, f.Close())
	}
	return &spoolFile{File: f, path: path, bound: spoolBound(log, name)}, nil
}

// syncDir makes a new name outlive the machine.
func syncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}

func spoolBound(log, name string) []byte { return []byte(log + "\x00" + name) }

// adoptSpoolFile opens a file that nobody writes any more.
func adoptSpoolFile(log, path string) (*spoolFile, error) {
	f, err := os.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		return nil, err
	}
	if err = lockFile(f); err == nil {
		var mine, there os.FileInfo
		mine, err1 := f.Stat()
		there, err2 := os.Stat(path)
		if err = errors.Join(err1, err2); err == nil && os.SameFile(mine, there) {
			return &spoolFile{File: f, path: path, bound: spoolBound(log, filepath.Base(path)), size: mine.Size()}, nil
		}
	}
	return nil, errors.Join(err, f.Close(), os.ErrNotExist)
}

func (f *spoolFile) name() string { return filepath.Base(f.path) }

// append writes lines and syncs them. After an error the file is as before.
func (f *spoolFile) append(ring *seal.Ring, most int64, items []spooled) error {
	if f.broken {
		return errors.New("auditlog: the spool's file is broken")
	}
	var lines []byte
	for i := range items {
		sealed, err := (&spoolLine{f.count + uint64(i), items[i].event}).seal(ring, f.bound)
		if err != nil {
			return err
		}
		lines = append(base64.StdEncoding.AppendEncode(lines, sealed), '\n')
	}
	if f.size+int64(len(lines)) > most {
		return errSpoolFull
	}
	_, err := f.WriteAt(lines, f.size)
	if err == nil {
		err = f.Sync()
	}
	if err != nil {
		f.broken = f.Truncate(f.size) != nil
		return err
	}
	f.size += int64(len(lines))
	f.count += uint64(len(items))
	return nil
}

// next reads the next lines before size, and moves nothing.
func (f *spoolFile) next(ring *seal.Ring, size int64) (spoolPart, error) {
	p := spoolPart{end: f.read, last: f.line}
	in := bufio.NewReaderSize(io.NewSectionReader(f, f.read, size-f.read), spoolLineBytes)
	for long := false; p.end < min(size, f.read+spoolPartBytes) && len(p.events) < spoolPartEvents; {
		line, err := in.ReadSlice('\n')
		if err != nil && err != io.EOF && err != bufio.ErrBufferFull {
			return p, err
		}
		if p.end += int64(len(line)); err == io.EOF {
			p.end = size // also where somebody has cut the file
		}
		if len(line) == 0 {
			break
		}
		if opened, ok := openSpoolLine(ring, f.bound, line); ok {
			p.events, p.last = append(p.events, opened.Event), opened.N+1
			continue
		}
		if !long {
			p.bad++
		}
		long = err == bufio.ErrBufferFull
		p.damage = p.damage || err != io.EOF
	}
	return p, nil
}

func openSpoolLine(ring *seal.Ring, bound, line []byte) (l spoolLine, ok bool) {
	sealed, err := base64.StdEncoding.AppendDecode(nil, bytes.TrimSuffix(line, []byte("\n")))
	if err != nil {
		return l, false
	}
	text, err := ring.Open(sealed, bound)
	return l, err == nil && json.Unmarshal(text, &l) == nil
}

// took is called when the store has a part.
func (f *spoolFile) took(p spoolPart) {
	f.read, f.line = p.end, p.last
	f.lines, f.bad, f.damage = f.lines+len(p.events), f.bad+p.bad, f.damage || p.damage
}

// lost is how many events cannot be read: lines that do not open, or are gone before
// others. Half a line at the end is what a crash leaves of an event that nobody was
// told to be recorded.
func (f *spoolFile) lost() int { return max(f.bad, int(max(f.line, f.count))-f.lines) }

// remove ends the file, which somebody may have removed already. One that is damaged is
// kept under another name: the keys that open it may turn up.
func (f *spoolFile) remove() (err error) {
	if f.damage {
		err = os.Rename(f.path, f.path+spoolDamaged)
	} else {
		err = os.Remove(f.path)
	}
	if errors.Is(err, os.ErrNotExist) {
		return nil
	}
	return err
}

// close lets go of the lock.
func (f *spoolFile) close() { _ = f.Close() } // what was written is synced
