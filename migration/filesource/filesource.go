// Package filesource reads legacy users out of a file: CSV, JSON Lines, or Auth0's
// own export with password hashes, for a move between tenants.
//
//	source, err := filesource.New("users.csv", filesource.CSV, migration.Columns{
//		Key: "id", Email: "mail", Password: "password_hash",
//	}, filesource.Config{})
//	if err != nil {
//		return err
//	}
//	defer source.Close()
//	runner, err := migration.NewRunner(source, client, ledger, run, migration.Config{})
//
// The file is read once when it is first used, and stays open. In memory is an index:
// some 60 bytes for each user, no email and no hash. A line that cannot be read, or of
// more than 1 MB, is a record with a Problem, whose key is "line 7" if its own is missing. Keys must
// differ; they are sorted as text. The file must not change meanwhile.
package filesource

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"hash/maphash"
	"os"
	"slices"
	"strings"
	"sync"

	"github.com/auth0kit/auth0kit/migration"
	"github.com/auth0kit/auth0kit/migration/internal/mapping"
)

// Format says how a file is written.
type Format string

// The formats. CSV has a header with the names of the columns and follows RFC 4180,
// in UTF-8. JSONLines has one object a line; a name in Columns may be a path, as
// "profile.email".
const (
	CSV       Format = "csv"
	JSONLines Format = "jsonl"
)

// Config holds a Source's optional settings. The zero value uses the defaults.
type Config struct {
	Comma         rune   // Between the fields of a CSV file. Defaults to a comma.
	EmailVerified bool   // Every email is verified.
	Scheme        string // passhash.Stored.Scheme of every user.
	Salt          string // passhash.Stored.Salt of every user. Beside Columns.Salt it follows that, after a colon.
	Iterations    string // passhash.Stored.Iterations of every user.
	Null          string // The text that stands for no value, such as "NULL" or `\N`. Defaults to none: an empty field is no value anyway.
}

// Source implements migration.Source over a file. It is safe for concurrent use.
type Source struct {
	path   string
	format Format
	cols   migration.Columns
	cfg    Config
	fields []mapping.Field

	mu      sync.Mutex
	file    *os.File
	header  []string
	rows    []row // in the order of keys
	byName  map[uint64][]int
	seed    maphash.Seed
	dup     string
	missing []string
}

// row is where a user stands in the file.
type row struct {
	key      string
	at, size int64
	line     int
}

// maxLine bounds a user: Auth0 takes 10 KB of a profile.
const maxLine = 1 << 20

// New returns a Source. It does no I/O; Check does.
func New(path string, f Format, cols migration.Columns, cfg Config) (*Source, error) {
	switch {
	case path == "":
		return nil, errors.New("filesource: path must not be empty")
	case f != CSV && f != JSONLines:
		return nil, errors.New("filesource: format must be CSV or JSONLines")
	case cols.Key == "":
		return nil, errors.New("filesource: Columns.Key must not be empty: name the unique, permanent field that becomes the id at Auth0")
	case cols.Email == "" && cols.Username == "" && cols.Login == "":
		return nil, errors.New("filesource: Columns.Email must not be empty, and neither Username nor Login: one is needed to find a user at login")
	case cols.MigratedAt != "":
		return nil, errors.New("filesource: Columns.MigratedAt must be empty: a file cannot be marked; give lazy the ledger")
	case cfg.Comma < 0:
		return nil, errors.New("filesource: Config.Comma must not be negative")
	}
	if cfg.Comma == 0 {
		cfg.Comma = ','
	}
	return &Source{path: path, format: f, cols: cols, cfg: cfg, fields: mapping.FieldsOf(cols), seed: maphash.MakeSeed()}, nil
}

// Auth0 returns a Source over an export with password hashes, which Auth0's support
// makes on request (https://auth0.com/docs/troubleshoot/customer-support/manage-subscriptions/export-data):
// one JSON object a line.
func Auth0(path string) (*Source, error) {
	return New(path, JSONLines, migration.Columns{
		Key: "_id.$oid", Email: "email", EmailVerified: "email_verified", Login: "username", Password: "passwordHash",
	}, Config{})
}

// Check reads the file and reports what is wrong with it as a whole: names that it
// lacks, and keys that are not unique.
func (s *Source) Check(context.Context) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := s.index(); err != nil {
		return err
	}
	if len(s.missing) > 0 {
		return fmt.Errorf("filesource: the file has no %s; it has %s", strings.Join(s.missing, ", "), strings.Join(s.header, ", "))
	}
	if s.dup != "" {
		return fmt.Errorf("filesource: Columns.Key is not unique: %s", s.dup)
	}
	return nil
}

// Close closes the file.
func (s *Source) Close() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.file == nil {
		return nil
	}
	err := s.file.Close()
	s.file = nil
	return err
}

// Page implements migration.Source.
func (s *Source) Page(ctx context.Context, after string, limit int) ([]migration.Record, error) {
	if limit < 1 {
		return nil, fmt.Errorf("filesource: Page: limit is %d; it must be positive", limit)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := s.index(); err != nil {
		return nil, err
	}
	i, _ := slices.BinarySearchFunc(s.rows, after, func(r row, after string) int {
		if r.key <= after && after != "" {
			return -1
		}
		return 1
	})
	var page []migration.Record
	for ; i < len(s.rows) && len(page) < limit; i++ {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		r, err := s.read(s.rows[i])
		if err != nil {
			return nil, err
		}
		page = append(page, r)
	}
	return page, nil
}

// Find implements migration.Source. Letters are compared without case.
func (s *Source) Find(_ context.Context, identifier string) (migration.Record, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := s.index(); err != nil {
		return migration.Record{}, err
	}
	for _, kind := range []string{s.cols.Email, s.cols.Username, s.cols.Login} {
		if kind == "" || identifier == "" {
			continue
		}
		for _, i := range s.byName[s.hash(kind, identifier)] {
			raw, err := s.raw(s.rows[i])
			if err != nil {
				return migration.Record{}, err
			}
			if value, ok := s.value(raw, kind).(string); ok && strings.EqualFold(value, identifier) {
				return s.record(s.rows[i], raw), nil
			}
		}
	}
	return migration.Record{}, migration.ErrNoUser
}

// Get implements migration.Source.
func (s *Source) Get(_ context.Context, key string) (migration.Record, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := s.index(); err != nil {
		return migration.Record{}, err
	}
	i, found := slices.BinarySearchFunc(s.rows, key, func(r row, key string) int { return strings.Compare(r.key, key) })
	if !found {
		return migration.Record{}, migration.ErrNoUser
	}
	return s.read(s.rows[i])
}

func (s *Source) hash(kind, identifier string) uint64 {
	return maphash.String(s.seed, kind+"\x00"+strings.ToLower(identifier))
}

// raw reads a row again: the fields of CSV, an object, or an error.
func (s *Source) raw(r row) (any, error) {
	if r.size > maxLine {
		return errTooLong, nil
	}
	b := make([]byte, r.size)
	if _, err := s.file.ReadAt(b, r.at); err != nil {
		return nil, fmt.Errorf("filesource: read line %d: %w", r.line, err)
	}
	if s.format == JSONLines {
		return parse(b), nil
	}
	fields, err := s.reader(bytes.NewReader(b)).Read()
	if err != nil {
		return errLine, nil // the line's fault, which its record tells
	}
	return fields, nil
}

var (
	errLine    = errors.New("the line is not of the format of the file")
	errTooLong = errors.New("the line has more than 1 MB")
)

func parse(line []byte) any {
	in := json.NewDecoder(bytes.NewReader(line))
	in.UseNumber()
	var m map[string]any
	if in.Decode(&m) != nil || m == nil {
		return errLine
	}
	return m
}

// value is a field of a row by its name or path; nil if it is missing.
func (s *Source) value(raw any, name string) any {
	v := s.stored(raw, name)
	if v == s.cfg.Null && s.cfg.Null != "" {
		return nil
	}
	return v
}

func (s *Source) stored(raw any, name string) any {
	switch raw := raw.(type) {
	case []string:
		if i := slices.Index(s.header, name); i >= 0 && i < len(raw) && raw[i] != "" {
			return raw[i]
		}
	case map[string]any:
		for name != "" {
			if v, ok := raw[name]; ok {
				return v
			}
			first, rest, _ := strings.Cut(name, ".")
			next, ok := raw[first].(map[string]any)
			if !ok {
				return nil
			}
			raw, name = next, rest
		}
	}
	return nil
}

func (s *Source) read(r row) (migration.Record, error) {
	raw, err := s.raw(r)
	if err != nil {
		return migration.Record{}, err
	}
	return s.record(r, raw), nil
}

func (s *Source) record(at row, raw any) migration.Record {
	if err, bad := raw.(error); bad {
		return migration.Record{Key: at.key, Problem: &migration.RowError{Err: err}}
	}
	var r migration.Record
	for _, f := range s.fields {
		if err := f.Set(&r, mapping.Cell{Value: s.value(raw, f.Column)}); err != nil {
			return migration.Record{Key: at.key, Problem: &migration.RowError{Rule: mapping.RuleOf(err, f), Path: f.Path, Err: err}}
		}
	}
	if r.Key == "" {
		return migration.Record{Key: at.key, Problem: &migration.RowError{Rule: migration.RuleKey, Path: "user_id", Err: errors.New("is missing")}}
	}
	mapping.Defaults{EmailVerified: s.cfg.EmailVerified, Scheme: s.cfg.Scheme, Salt: s.cfg.Salt, Iterations: s.cfg.Iterations}.Complete(&r)
	return r
}
