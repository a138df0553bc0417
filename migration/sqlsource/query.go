package sqlsource

import (
	"context"
	"database/sql"
	"strconv"
	"strings"

	"github.com/auth0kit/auth0kit/migration"
	"github.com/auth0kit/auth0kit/migration/internal/mapping"
)

// Dialect says how a database writes names and parameters.
type Dialect string

// The dialects. Use MySQL for MariaDB too.
const (
	Postgres Dialect = "postgres"
	MySQL    Dialect = "mysql"
	SQLite   Dialect = "sqlite"
)

func (d Dialect) known() bool { return d == Postgres || d == MySQL || d == SQLite }

// quote writes an identifier. SQLite gets MySQL's backticks: in double quotes it
// takes an unknown column for a string and answers with its name.
func (d Dialect) quote(name string) string {
	mark := "`"
	if d == Postgres {
		mark = `"`
	}
	return mark + strings.ReplaceAll(name, mark, mark+mark) + mark
}

// quoteTable quotes the parts of a qualified name.
func (d Dialect) quoteTable(name string) string {
	parts := strings.Split(name, ".")
	for i, part := range parts {
		parts[i] = d.quote(part)
	}
	return strings.Join(parts, ".")
}

// placeholder is the nth parameter, from 1.
func (d Dialect) placeholder(n int) string {
	if d == Postgres {
		return "$" + strconv.Itoa(n)
	}
	return "?"
}

func (s *Source) from() string {
	if s.cfg.From != "" {
		return s.cfg.From
	}
	return s.dialect.quoteTable(s.table)
}

// selectRows is the one query of this package.
func (s *Source) selectRows(conditions []string, order string, limit int) string {
	names := make([]string, len(s.fields))
	for i, f := range s.fields {
		names[i] = s.dialect.quote(f.Column)
		if f.Text && s.dialect == Postgres {
			names[i] = "CAST(" + names[i] + " AS TEXT)"
		}
	}
	return s.selectNames(names, conditions, order, limit)
}

func (s *Source) selectKeys(conditions []string, limit int) string {
	key := s.dialect.quote(s.columns.Key)
	return s.selectNames([]string{key}, conditions, key, limit)
}

func (s *Source) selectNames(names, conditions []string, order string, limit int) string {
	return "SELECT " + strings.Join(names, ", ") + " FROM " + s.from() + s.where(conditions...) +
		" ORDER BY " + order + " LIMIT " + strconv.Itoa(limit)
}

// keys reads keys alone, which every driver can.
func (s *Source) keys(ctx context.Context, query string, args ...any) (keys []any, err error) {
	rows, err := s.db.QueryContext(ctx, query, args...)
	if err != nil {
		return nil, err
	}
	defer rows.Close() //nolint:errcheck // Err tells
	for rows.Next() {
		var key any
		if err := rows.Scan(&key); err != nil {
			return nil, err
		}
		if raw, ok := key.([]byte); ok {
			key = string(raw)
		}
		keys = append(keys, key)
	}
	return keys, rows.Err()
}

func (s *Source) where(conditions ...string) string {
	if s.cfg.Where != "" {
		conditions = append([]string{"(" + s.cfg.Where + ")"}, conditions...)
	}
	if len(conditions) == 0 {
		return ""
	}
	return " WHERE " + strings.Join(conditions, " AND ")
}

// keyArgument makes an integer key a number again: compared as text, 10 would
// come before 9, or the index would not be used.
func (s *Source) keyArgument(key string) (any, error) {
	if s.cfg.TextKey {
		return key, nil
	}
	if n, err := strconv.ParseInt(key, 10, 64); err == nil {
		return n, nil
	}
	if n, err := strconv.ParseUint(key, 10, 64); err == nil && s.dialect == MySQL {
		return n, nil // BIGINT UNSIGNED
	}
	if s.dialect == SQLite {
		return key, nil // whose columns take any text, which comes after all numbers
	}
	return nil, errKey // Without the key.
}

func (s *Source) query(ctx context.Context, query string, args ...any) (records []migration.Record, err error) {
	rows, err := s.db.QueryContext(ctx, query, args...)
	if err != nil {
		return nil, err
	}
	defer func() {
		if closeErr := rows.Close(); err == nil {
			err = closeErr
		}
	}()
	types, err := rows.ColumnTypes()
	if err != nil {
		return nil, err
	}
	for rows.Next() {
		record, err := s.scan(rows, types)
		if err != nil {
			return nil, err
		}
		records = append(records, record)
	}
	return records, rows.Err()
}

func (s *Source) scan(rows *sql.Rows, types []*sql.ColumnType) (migration.Record, error) {
	cells := make([]mapping.Cell, len(s.fields))
	targets := make([]any, len(s.fields))
	for i := range cells {
		cells[i] = mapping.Cell{DatabaseType: types[i].DatabaseTypeName(), MySQL: s.dialect == MySQL, Postgres: s.dialect == Postgres}
		targets[i] = &cells[i].Value
	}
	if err := rows.Scan(targets...); err != nil {
		return migration.Record{}, err
	}
	var r migration.Record
	for i, f := range s.fields {
		if err := f.Set(&r, cells[i]); err != nil {
			return migration.Record{Key: r.Key, Problem: &migration.RowError{Rule: mapping.RuleOf(err, f), Path: f.Path, Err: err}}, nil
		}
	}
	if _, err := strconv.ParseInt(r.Key, 10, 64); err != nil && !s.cfg.TextKey {
		if _, err := strconv.ParseUint(r.Key, 10, 64); err != nil {
			return migration.Record{Key: r.Key, Problem: &migration.RowError{Rule: migration.RuleKey, Path: "user_id", Err: errKey}}, nil
		}
	}
	mapping.Defaults{EmailVerified: s.cfg.EmailVerified, Scheme: s.cfg.Scheme, Salt: s.cfg.Salt, Iterations: s.cfg.Iterations}.Complete(&r)
	return r, nil
}
