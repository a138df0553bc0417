package sqlsource

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strings"
	"unicode/utf8"

	"github.com/auth0kit/auth0kit/migration"
	"github.com/auth0kit/auth0kit/migration/internal/mapping"
)

// Columns names the columns; see migration.Columns.
type Columns = migration.Columns

// Config holds a Source's optional settings. The zero value suits a table with an
// integer key.
type Config struct {
	TextKey       bool   // The key is text or a UUID. Defaults to an integer of at most 64 bits.
	ExactCase     bool   // Find compares as the column does, by its index. Defaults to LOWER() on both sides, which wants an index of its own on a large table.
	EmailVerified bool   // Every email is verified.
	Scheme        string // passhash.Stored.Scheme of every row.
	Salt          string // passhash.Stored.Salt of every row: a pepper, an encoder's secret. Beside Columns.Salt it follows that, after a colon.
	Iterations    string // passhash.Stored.Iterations of every row.
	Where         string // A condition that every row must meet. Trusted SQL.
	From          string // Replaces the table in queries: a join as "(SELECT …) AS users". Trusted SQL.
}

// Source implements migration.Source, Marker and Unmarker over a table. It is safe
// for concurrent use.
type Source struct {
	db      *sql.DB
	dialect Dialect
	table   string
	cfg     Config
	columns Columns
	fields  []mapping.Field
}

// New returns a Source for a table, whose name may be qualified ("legacy.users").
// It does no I/O; Check does. The error is a [*FieldError].
func New(db *sql.DB, dialect Dialect, table string, cols Columns, cfg Config) (*Source, error) {
	if db == nil {
		return nil, &FieldError{Field: "db", Problem: "is nil"}
	}
	if !dialect.known() {
		return nil, &FieldError{Field: "dialect", Problem: "must be Postgres, MySQL (also MariaDB) or SQLite"}
	}
	if err := validName("table", table); err != nil {
		return nil, err
	}
	if err := validate(cols, cfg); err != nil {
		return nil, err
	}
	return &Source{db: db, dialect: dialect, table: table, cfg: cfg, columns: cols, fields: mapping.FieldsOf(cols)}, nil
}

func validate(cols Columns, cfg Config) error {
	if cols.Key == "" {
		return &FieldError{Field: "Columns.Key", Problem: "is empty; name the unique, permanent column that becomes the id at Auth0"}
	}
	if cols.Email == "" && cols.Username == "" && cols.Login == "" {
		return &FieldError{Field: "Columns.Email", Problem: "is empty, and so is Username; one of them is needed to find a user at login"}
	}
	for _, pair := range []struct {
		field string
		both  bool
		other string
	}{
		{"Columns.Active", cols.Active != "" && cols.Blocked != "", "Columns.Blocked"},
		{"Config.Scheme", cfg.Scheme != "" && cols.Scheme != "", "Columns.Scheme"},
		{"Config.Iterations", cfg.Iterations != "" && cols.Iterations != "", "Columns.Iterations"},
		{"Config.EmailVerified", cfg.EmailVerified && cols.EmailVerified != "", "Columns.EmailVerified"},
		{"Columns.Iterations", cols.Iterations != "" && cols.Password == "", "an empty Columns.Password"},
		{"Columns.Scheme", cols.Scheme != "" && cols.Password == "", "an empty Columns.Password"},
		{"Columns.Salt", cols.Salt != "" && cols.Password == "", "an empty Columns.Password"},
	} {
		if pair.both {
			return &FieldError{Field: pair.field, Problem: "cannot stand beside " + pair.other}
		}
	}
	for _, f := range mapping.FieldsOf(cols) {
		if err := validName(f.Name, f.Column); err != nil {
			return err
		}
	}
	return nil
}

func validName(field, name string) error {
	if name == "" || len(name) > 128 || !utf8.ValidString(name) || strings.ContainsRune(name, 0) {
		return &FieldError{Field: field, Problem: "must be a name of 1 to 128 bytes"}
	}
	return nil
}

// Page returns at most limit records after the given key, in the order of keys; ""
// starts. The first page also has the rows without a key, at most limit of them,
// each with a Problem. It implements migration.Source.
func (s *Source) Page(ctx context.Context, after string, limit int) ([]migration.Record, error) {
	if limit < 1 {
		return nil, fmt.Errorf("sqlsource: Page: limit is %d; it must be positive", limit)
	}
	key := s.dialect.quote(s.columns.Key)
	records, err := s.page(ctx, after, limit)
	if err == nil && after == "" {
		var without []migration.Record
		without, err = s.query(ctx, s.selectRows([]string{key + " IS NULL"}, key, limit))
		for i := range without {
			without[i] = migration.Record{Problem: &migration.RowError{Rule: migration.RuleKey, Path: "user_id", Err: errNoKey}}
		}
		records = append(without, records...)
	}
	if err != nil {
		return nil, fmt.Errorf("sqlsource: Page: %w", err)
	}
	return records, uniqueKeys(records)
}

func (s *Source) page(ctx context.Context, after string, limit int) ([]migration.Record, error) {
	key := s.dialect.quote(s.columns.Key)
	conditions, args := []string{key + " IS NOT NULL"}, []any(nil)
	if after != "" {
		arg, err := s.keyArgument(after)
		if err != nil {
			return nil, err
		}
		conditions, args = []string{key + " > " + s.dialect.placeholder(1)}, []any{arg}
	}
	records, err := s.query(ctx, s.selectRows(conditions, key, limit), args...)
	if err == nil || ctx.Err() != nil {
		return records, err
	}
	// A driver may fail on one value and take the page with it: read row by row.
	keys, keysErr := s.keys(ctx, s.selectKeys(conditions, limit), args...)
	if keysErr != nil {
		return nil, err
	}
	records = nil
	for _, k := range keys {
		r, err := s.byKey(ctx, k)
		switch _, stillThere := s.keys(ctx, s.selectKeys([]string{key + " = " + s.dialect.placeholder(1)}, 1), k); {
		case err == nil:
			records = append(records, r)
		case stillThere != nil:
			return nil, err // the database is gone, not the row unreadable
		case !errors.Is(err, migration.ErrNoUser):
			records = append(records, migration.Record{Key: keyText(k), Problem: &migration.RowError{Err: errRow}})
		}
	}
	return records, nil
}

// keyText is a key as a record has it.
func keyText(value any) string {
	text, _ := mapping.Cell{Value: value}.Text() // a key that is no text was refused by Check
	return text
}

// uniqueKeys notices a key that is none while it is still in one page; Check
// looks at all rows.
func uniqueKeys(records []migration.Record) error {
	for i := 1; i < len(records); i++ {
		if records[i].Key != "" && records[i].Key == records[i-1].Key {
			return &FieldError{Field: "Columns.Key", Problem: "is not unique: two rows in a row have the same"}
		}
	}
	return nil
}

// Find returns the user with this email or username, or migration.ErrNoUser. An
// email comes before a username, and of several users the first in the order of
// keys. It implements migration.Source.
func (s *Source) Find(ctx context.Context, identifier string) (migration.Record, error) {
	// Postgres answers a NUL with an error that is none of the caller's business.
	if identifier == "" || !utf8.ValidString(identifier) || strings.ContainsRune(identifier, 0) {
		return migration.Record{}, migration.ErrNoUser
	}
	for _, column := range []string{s.columns.Email, s.columns.Username, s.columns.Login} {
		if column == "" {
			continue
		}
		condition := s.compare(column, s.dialect.placeholder(1))
		records, err := s.query(ctx, s.selectRows([]string{condition}, s.dialect.quote(s.columns.Key), 1), identifier)
		if err != nil {
			return migration.Record{}, fmt.Errorf("sqlsource: Find: %w", err)
		}
		if len(records) > 0 {
			return records[0], nil
		}
	}
	return migration.Record{}, migration.ErrNoUser
}

// Get returns the user with this key, or migration.ErrNoUser. It implements
// migration.Source.
func (s *Source) Get(ctx context.Context, key string) (migration.Record, error) {
	arg, err := s.keyArgument(key)
	if err != nil {
		return migration.Record{}, migration.ErrNoUser // no row has such a key
	}
	r, err := s.byKey(ctx, arg)
	if err != nil && !errors.Is(err, migration.ErrNoUser) {
		err = fmt.Errorf("sqlsource: Get: %w", err)
	}
	return r, err
}

func (s *Source) byKey(ctx context.Context, arg any) (migration.Record, error) {
	key := s.dialect.quote(s.columns.Key)
	records, err := s.query(ctx, s.selectRows([]string{key + " = " + s.dialect.placeholder(1)}, key, 1), arg)
	if err == nil && len(records) == 0 {
		err = migration.ErrNoUser
	}
	if err != nil {
		return migration.Record{}, err
	}
	return records[0], nil
}

func (s *Source) compare(column, placeholder string) string {
	if s.cfg.ExactCase {
		return s.dialect.quote(column) + " = " + placeholder
	}
	// The database folds both sides, so that both are folded by the same rules.
	return "LOWER(" + s.dialect.quote(column) + ") = LOWER(" + placeholder + ")"
}

// MarkMigrated sets Columns.MigratedAt to the database's time, once. Without such
// a column it does nothing. It implements migration.Marker.
func (s *Source) MarkMigrated(ctx context.Context, key string) error {
	return s.mark(ctx, key, "CURRENT_TIMESTAMP", "IS NULL")
}

// UnmarkMigrated sets Columns.MigratedAt back to NULL. It implements
// migration.Unmarker.
func (s *Source) UnmarkMigrated(ctx context.Context, key string) error {
	return s.mark(ctx, key, "NULL", "IS NOT NULL")
}

func (s *Source) mark(ctx context.Context, key, value, condition string) error {
	if s.columns.MigratedAt == "" {
		return nil
	}
	arg, err := s.keyArgument(key)
	if err != nil {
		return fmt.Errorf("sqlsource: mark: %w", err)
	}
	column := s.dialect.quote(s.columns.MigratedAt)
	statement := "UPDATE " + s.dialect.quoteTable(s.table) + " SET " + column + " = " + value +
		" WHERE " + s.dialect.quote(s.columns.Key) + " = " + s.dialect.placeholder(1) + " AND " + column + " " + condition
	if _, err := s.db.ExecContext(ctx, statement, arg); err != nil {
		return fmt.Errorf("sqlsource: mark: %w", err)
	}
	return nil
}

// FieldError is returned when an argument or field is wrong. It says what to do
// about it.
type FieldError struct {
	Field   string // "Columns.Email", "Config.TextKey", "table".
	Problem string
	Err     error // From the database, if any.
}

// Error names the field, the problem and the database's answer.
func (e *FieldError) Error() string {
	text := "sqlsource: " + e.Field + " " + e.Problem
	if e.Err != nil {
		text += ": " + e.Err.Error()
	}
	return text
}

// Unwrap returns the database's error.
func (e *FieldError) Unwrap() error { return e.Err }

var (
	errKey   = errors.New("the key is not an integer; set Config.TextKey if it is text")
	errNoKey = errors.New("is NULL or empty")
	errRow   = errors.New("the driver cannot read the row")
)
