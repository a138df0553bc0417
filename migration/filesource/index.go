package filesource

import (
	"bufio"
	"bytes"
	"cmp"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strconv"
	"strings"

	"github.com/auth0kit/auth0kit/migration/internal/mapping"
)

// index reads the file once.
func (s *Source) index() error {
	if s.file != nil {
		return nil
	}
	file, err := os.Open(s.path)
	if err != nil {
		return fmt.Errorf("filesource: %w", err)
	}
	s.file, s.rows, s.header = file, nil, nil
	type found struct {
		row
		names []uint64
	}
	var all []found
	err = s.scan(func(r row, raw any) {
		f := found{row: r}
		f.key, _ = text(s.value(raw, s.cols.Key))
		if f.key == "" {
			f.key = "line " + strconv.Itoa(r.line)
		}
		for _, kind := range []string{s.cols.Email, s.cols.Username, s.cols.Login} {
			if name, ok := s.value(raw, kind).(string); ok && kind != "" && name != "" {
				f.names = append(f.names, s.hash(kind, name))
			}
		}
		all = append(all, f)
	})
	if err != nil {
		s.file = nil
		return errors.Join(err, file.Close())
	}
	slices.SortStableFunc(all, func(a, b found) int { return cmp.Compare(a.key, b.key) })
	s.byName, s.dup = make(map[uint64][]int), ""
	for i, f := range all {
		if i > 0 && f.key == all[i-1].key {
			s.dup = fmt.Sprintf("lines %d and %d have the same", all[i-1].line, f.line)
		}
		for _, name := range f.names {
			s.byName[name] = append(s.byName[name], i)
		}
		s.rows = append(s.rows, f.row)
	}
	return nil
}

// text is a key as text: a name, or a number.
func text(v any) (string, error) { return mapping.Cell{Value: v}.Text() }

func (s *Source) scan(each func(r row, raw any)) error {
	in := &lines{file: s.file, in: bufio.NewReaderSize(s.file, 1<<16), line: 1}
	if mark, _ := in.in.Peek(3); string(mark) == "\ufeff" {
		in.skip(3)
	}
	if s.format == CSV {
		return s.scanCSV(in, each)
	}
	seen := make(map[string]bool)
	for {
		at, raw, err := in.next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return err
		}
		if len(bytes.TrimSpace(raw)) == 0 {
			continue
		}
		object := parse(raw)
		each(at, object)
		if m, ok := object.(map[string]any); ok && len(seen) < 1000 {
			for key := range m {
				seen[key] = true
			}
		}
	}
	s.note(func(name string) bool {
		first, _, _ := strings.Cut(name, ".")
		return seen[first] || len(s.rows) == 0 && len(seen) == 0
	})
	for key := range seen {
		s.header = append(s.header, key)
	}
	slices.Sort(s.header)
	return nil
}

func (s *Source) note(has func(name string) bool) {
	s.missing = nil
	for _, f := range s.fields {
		if !has(f.Column) {
			s.missing = append(s.missing, fmt.Sprintf("%s %q", f.Name, f.Column))
		}
	}
}

func (s *Source) reader(in io.Reader) *csv.Reader {
	r := csv.NewReader(in)
	r.Comma, r.FieldsPerRecord = s.cfg.Comma, -1
	return r
}

// scanCSV goes on with the next line after a row that is no CSV: a quote that is
// never closed would take all others along.
func (s *Source) scanCSV(in *lines, each func(r row, raw any)) error {
	for {
		at, raw, err := in.next()
		next := *in
		for err == nil && bytes.Count(raw, []byte{'"'})%2 == 1 && len(raw) <= maxLine { // a line break inside of quotes
			var more []byte
			if _, more, err = in.next(); err == nil {
				raw = append(raw, more...)
			}
		}
		if errors.Is(err, io.EOF) && len(raw) == 0 {
			break
		}
		if err != nil && !errors.Is(err, io.EOF) {
			return err
		}
		fields, bad := s.reader(bytes.NewReader(raw)).Read()
		if errors.Is(bad, io.EOF) { // an empty line
			continue
		}
		if len(raw) > maxLine || bad != nil {
			if s.header == nil {
				return fmt.Errorf("filesource: read the header: %w", errLine)
			}
			if err := in.back(next); err != nil {
				return err
			}
			each(at, errLine)
			continue
		}
		if at.size = in.at - at.at; s.header != nil {
			each(at, fields)
			continue
		}
		s.header = fields
		s.note(func(name string) bool { return slices.Contains(s.header, name) })
	}
	if s.header == nil {
		return errors.New("filesource: read the header: the file is empty")
	}
	return nil
}

// lines reads a file line by line, and of each line not much more than maxLine bytes.
type lines struct {
	file *os.File
	in   *bufio.Reader
	at   int64
	line int
}

func (l *lines) skip(n int) {
	_, _ = l.in.Discard(n) // they were peeked at
	l.at += int64(n)
}

// next returns a line with its end, or io.EOF.
func (l *lines) next() (r row, raw []byte, err error) {
	r = row{at: l.at, line: l.line}
	for {
		part, err := l.in.ReadSlice('\n')
		l.at += int64(len(part))
		if len(raw) <= maxLine {
			raw = append(raw, part...)
		}
		r.size = l.at - r.at
		switch {
		case errors.Is(err, bufio.ErrBufferFull):
			continue
		case errors.Is(err, io.EOF) && r.size == 0:
			return r, nil, io.EOF
		case err != nil && !errors.Is(err, io.EOF):
			return r, nil, fmt.Errorf("filesource: read line %d: %w", r.line, err)
		}
		l.line++
		return r, raw, nil
	}
}

// back goes to where a copy of l was.
func (l *lines) back(to lines) error {
	if l.at == to.at {
		return nil
	}
	if _, err := l.file.Seek(to.at, io.SeekStart); err != nil {
		return fmt.Errorf("filesource: read line %d: %w", to.line, err)
	}
	l.in.Reset(l.file)
	l.at, l.line = to.at, to.line
	return nil
}
