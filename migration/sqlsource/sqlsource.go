package sqlsource

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strings"
	"unicode/utf8"

	"github.com/auth0kit/auth0kit/migration"
)

// Columns holds the name of the column for each property; an empty name means that
// there is none. Key is required, and Email or Username.
type Columns struct {
	Key      string
	Email    string
	Username string
	Phone    string

	Name       string
	FamilyName string // Joined to Name with a space.

	EmailVerified string // A truth value, a number, or a time that is there or not.
	Blocked       string // The same.
	Active        string // The opposite of Blocked, such as Django's is_active.

	Password string // NULL and '' mean that the user has none.
	Scheme   string // passhash.Stored.Scheme by row; Config.Scheme is for all rows.
	Salt     string // passhash.Stored.Salt by row; Config.Salt is for all rows.

	TOTPSecret string // Base32; spaces and padding are removed.
	MFAPhone   string // E.164, a factor.

	UpdatedAt  string // A time, or seconds or milliseconds since 1970.
	MigratedAt string // A time that may be NULL: MarkMigrated sets it.

	AppMetadata  map[string]string // Metadata key to column. JSON columns become objects; NULL is left out.
	UserMetadata map[string]string
}

// Config holds a Source's optional settings. The zero value suits a table with an
// integer key.
type Config struct {
	TextKey   bool   // The key is text or a UUID. Defaults to an integer of at most 64 bits.
	ExactCase bool   // Find compares as the column does, by its index. Defaults to LOWER() on both sides, which wants an index of its own on a large table.
	Scheme    string // passhash.Stored.Scheme of every row.
	Salt      string // passhash.Stored.Salt of every row: a pepper, an encoder's secret.
	Where     string // A condition that every row must meet. Trusted SQL.
	From      string // Replaces the table in queries: a join as "(SELECT …) AS users". Trusted SQL.
}

// Source implements migration.Source, Marker and Unmarker over a table. It is safe
// for concurrent use.
type Source struct {
	db      *sql.DB
	dialect Dialect
	table   string
	cfg     Config
	columns Columns
	fields  []field
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
	return &Source{db: db, dialect: dialect, table: table, cfg: cfg, columns: cols, fields: fieldsOf(cols)}, nil
}

func validate(cols Columns, cfg Config) error {
	if cols.Key == "" {
		return &FieldError{Field: "Columns.Key", Problem: "is empty; name the unique, permanent column that becomes the id at Auth0"}
	}
	if cols.Email == "" && cols.Username == "" {
		return &FieldError{Field: "Columns.Email", Problem: "is empty, and so is Username; one of them is needed to find a user at login"}
	}
	for _, pair := range []struct {
		field string
		both  bool
		other string
	}{
		{"Columns.Active", cols.Active != "" && cols.Blocked != "", "Columns.Blocked"},
		{"Config.Scheme", cfg.Scheme != "" && cols.Scheme != "", "Columns.Scheme"},
		{"Config.Salt", cfg.Salt != "" && cols.Salt != "", "Columns.Salt"},
		{"Columns.FamilyName", cols.FamilyName != "" && cols.Name == "", "an empty Columns.Name"},
		{"Columns.Scheme", cols.Scheme != "" && cols.Password == "", "an empty Columns.Password"},
		{"Columns.Salt", cols.Salt != "" && cols.Password == "", "an empty Columns.Password"},
	} {
		if pair.both {
			return &FieldError{Field: pair.field, Problem: "cannot stand beside " + pair.other}
		}
	}
	for _, f := range fieldsOf(cols) {
		if err := validName(f.name, f.column); err != nil {
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
// starts. It implements migration.Source.
func (s *Source) Page(ctx context.Context, after string, limit int) ([]migration.Record, error) {
	if limit < 1 {
		return nil, fmt.Errorf("sqlsource: Page: limit is %d; it must be positive", limit)
	}
	var conditions []string
	var args []any
	if after != "" {
		arg, err := s.keyArgument(after)
		if err != nil {
			return nil, fmt.Errorf("sqlsource: Page: %w", err)
		}
		conditions = append(conditions, s.dialect.quote(s.columns.Key)+" > "+s.dialect.placeholder(1))
		args = append(args, arg)
	}
	records, err := s.query(ctx, s.selectRows(conditions, limit), args...)
	if err != nil {
		return nil, fmt.Errorf("sqlsource: Page: %w", err)
	}
	return records, uniqueKeys(records)
}

// uniqueKeys notices a key that is none while it is still in one page; Check
// looks at all rows.
func uniqueKeys(records []migration.Record) error {
	for i := 1; i < len(records); i++ {
		if records[i].Key == records[i-1].Key {
			return &FieldError{Field: "Columns.Key", Problem: "is not unique: two rows in a row have the same"}
		}
	}
	return nil
}

// Find returns the user with this email or username, or migration.ErrNoUser if no
// user or more than one matches. It implements migration.Source.
func (s *Source) Find(ctx context.Context, identifier string) (migration.Record, error) {
	// Postgres answers a NUL with an error that is none of the caller's business.
	if identifier == "" || !utf8.ValidString(identifier) || strings.ContainsRune(identifier, 0) {
		return migration.Record{}, migration.ErrNoUser
	}
	var alternatives []string
	var args []any
	for _, column := range []string{s.columns.Email, s.columns.Username} {
		if column == "" {
			continue
		}
		args = append(args, identifier)
		alternatives = append(alternatives, s.compare(column, s.dialect.placeholder(len(args))))
	}
	condition := "(" + strings.Join(alternatives, " OR ") + ")"
	records, err := s.query(ctx, s.selectRows([]string{condition}, 2), args...)
	if err != nil {
		return migration.Record{}, fmt.Errorf("sqlsource: Find: %w", err)
	}
	if len(records) != 1 {
		return migration.Record{}, migration.ErrNoUser
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

var errKey = errors.New("the key is not an integer; set Config.TextKey if it is text")
