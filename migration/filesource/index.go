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
	s.file, s.rows = file, nil
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
	if s.format == CSV {
		return s.scanCSV(each)
	}
	in := bufio.NewReaderSize(s.file, 1<<16)
	seen := make(map[string]bool)
	for at, line := int64(0), 1; ; line++ {
		raw, err := in.ReadBytes('\n')
		if trimmed := bytes.TrimSpace(raw); len(trimmed) > 0 {
			object := parse(raw)
			each(row{at: at, size: int64(len(raw)), line: line}, object)
			if m, ok := object.(map[string]any); ok && len(seen) < 1000 {
				for key := range m {
					seen[key] = true
				}
			}
		}
		at += int64(len(raw))
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return fmt.Errorf("filesource: read line %d: %w", line, err)
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

// scanCSV goes line by line after a line that is no CSV.
func (s *Source) scanCSV(each func(r row, raw any)) error {
	in := s.reader(s.file)
	header, err := in.Read()
	if err != nil {
		return fmt.Errorf("filesource: read the header: %w", err)
	}
	header[0] = strings.TrimPrefix(header[0], "\ufeff")
	s.header = slices.Clone(header)
	s.note(func(name string) bool { return slices.Contains(s.header, name) })
	base := int64(0)
	for line := 2; ; line++ {
		before := in.InputOffset()
		fields, err := in.Read()
		if errors.Is(err, io.EOF) {
			return nil
		}
		at := row{at: base + before, size: in.InputOffset() - before, line: line}
		if _, bad := errors.AsType[*csv.ParseError](err); bad {
			each(at, err)
			continue
		}
		if err != nil {
			return fmt.Errorf("filesource: read line %d: %w", line, err)
		}
		each(at, fields)
	}
}
