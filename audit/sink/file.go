package sink

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"sync"
	"time"

	"github.com/auth0kit/auth0kit/audit/auditlog"
	"github.com/auth0kit/auth0kit/audit/encode"
)

// File returns a Deliver that appends events to a file as JSON Lines, with mode 0600, and
// syncs it to disk before it returns. A file that has reached maxBytes is renamed, with
// the time in UTC behind its name, and begins again; 0 never does. Several processes may
// append to one file only without maxBytes. A checkpoint is a line {"checkpoint": "…"}.
func File(path string, maxBytes int64) (auditlog.Deliver, error) {
	if path == "" || maxBytes < 0 {
		return nil, errors.New("sink: path must not be empty, nor maxBytes negative")
	}
	f := &file{path: path, most: maxBytes}
	return func(_ context.Context, d auditlog.Delivery) error {
		var lines []byte
		for _, e := range d.Entries {
			text, err := encode.Event(auditlog.JSON, e)
			if err != nil {
				return err
			}
			lines = append(append(lines, text...), '\n')
		}
		if len(d.Checkpoint) > 0 {
			text, err := json.Marshal(map[string]string{"checkpoint": string(d.Checkpoint)})
			if err != nil {
				return fmt.Errorf("sink: encoding a checkpoint: %w", err)
			}
			lines = append(append(lines, text...), '\n')
		}
		if err := f.append(lines); err != nil {
			return failure{class: "file"}
		}
		return nil
	}, nil
}

type file struct {
	path string
	most int64
	mu   sync.Mutex
}

// append opens the file each time, so that one that was removed or rotated by others
// is not written into any more.
func (f *file) append(lines []byte) (err error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if err := f.rotate(int64(len(lines))); err != nil {
		return err
	}
	out, err := os.OpenFile(f.path, os.O_APPEND|os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, out.Close()) }()
	if err := endLine(out); err != nil {
		return err
	}
	if _, err := out.Write(lines); err != nil {
		return err
	}
	return out.Sync()
}

// endLine ends a line that a full disk or a crash has cut.
func endLine(f *os.File) error {
	info, err := f.Stat()
	if err != nil || info.Size() == 0 {
		return err
	}
	var last [1]byte
	if _, err := f.ReadAt(last[:], info.Size()-1); err != nil || last[0] == '\n' {
		return err
	}
	_, err = f.Write([]byte{'\n'})
	return err
}

func (f *file) rotate(more int64) error {
	info, err := os.Stat(f.path)
	if errors.Is(err, os.ErrNotExist) {
		return nil
	}
	if err != nil || f.most == 0 || info.Size() == 0 || info.Size()+more <= f.most {
		return err
	}
	name := f.path + "." + time.Now().UTC().Format("20060102T150405.000000000Z")
	if _, err := os.Lstat(name); err == nil {
		return os.ErrExist
	}
	return os.Rename(f.path, name)
}
