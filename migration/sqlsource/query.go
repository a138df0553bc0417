package sqlsource

import (
	"context"
	"database/sql"
	"fmt"
	"strconv"
	"strings"

	"github.com/auth0kit/auth0kit/migration"
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

// selectRows is the one query of this package, in the order of the key.
func (s *Source) selectRows(conditions []string, limit int) string {
	names := make([]string, len(s.fields))
	for i, f := range s.fields {
		names[i] = s.dialect.quote(f.column)
	}
	return "SELECT " + strings.Join(names, ", ") + " FROM " + s.from() + s.where(conditions...) +
		" ORDER BY " + s.dialect.quote(s.columns.Key) + " LIMIT " + strconv.Itoa(limit)
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
	n, err := strconv.ParseInt(key, 10, 64)
	if err != nil {
		return nil, errKey // Without the key.
	}
	return n, nil
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
	cells := make([]cell, len(s.fields))
	targets := make([]any, len(s.fields))
	for i := range cells {
		cells[i].databaseType = types[i].DatabaseTypeName()
		targets[i] = &cells[i].value
	}
	if err := rows.Scan(targets...); err != nil {
		return migration.Record{}, err
	}
	var r migration.Record
	for i, f := range s.fields {
		if err := f.set(&r, cells[i]); err != nil {
			return migration.Record{}, fmt.Errorf("%s: column %q: %w", f.name, f.column, err)
		}
	}
	if !s.cfg.TextKey {
		if _, err := s.keyArgument(r.Key); err != nil {
			return migration.Record{}, fmt.Errorf("Columns.Key: %w", err)
		}
	}
	s.complete(&r)
	return r, nil
}

// complete applies what holds for every row.
func (s *Source) complete(r *migration.Record) {
	p := &r.Password
	if p.Value == "" {
		p.Scheme, p.Salt = "", ""
		return
	}
	if s.cfg.Scheme != "" {
		p.Scheme = s.cfg.Scheme
	}
	if s.cfg.Salt != "" {
		p.Salt = s.cfg.Salt
	}
}
