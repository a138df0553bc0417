package sqlsource

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/auth0kit/auth0kit/migration"
	"github.com/auth0kit/auth0kit/migration/passhash"
)

// Check reads the table's columns and first row and reports everything that is
// wrong with the mapping, each as a *FieldError that says what to do. It also
// looks for a key that is not unique, which takes a scan of the key's index.
func (s *Source) Check(ctx context.Context) error {
	there, err := s.existing(ctx)
	if err != nil {
		return &FieldError{
			Field: s.tableField(), Problem: fmt.Sprintf("cannot be read as %s; check the name, its schema and the right to SELECT", s.from()), Err: err,
		}
	}
	var problems []error
	for _, f := range s.fields {
		if !slices.ContainsFunc(there, func(name string) bool { return s.same(name, f.Column) }) {
			problems = append(problems, &FieldError{Field: f.Name, Problem: s.missing(f.Column, there)})
		}
	}
	if len(problems) > 0 {
		return errors.Join(problems...)
	}
	if err := s.checkKey(ctx); err != nil {
		return err
	}
	return s.checkRows(ctx)
}

// checkRows looks at the first rows. One that cannot be read is a Problem of that
// row; when none can, the mapping is wrong.
func (s *Source) checkRows(ctx context.Context) error {
	records, err := s.page(ctx, "", 20)
	if err != nil {
		return &FieldError{Field: "Columns", Problem: "do not fit the first rows", Err: err}
	}
	for i := range records {
		if records[i].Problem == nil {
			return s.checkScheme(records)
		}
	}
	if len(records) == 0 {
		return nil
	}
	return &FieldError{Field: "Columns", Problem: "do not fit any of the first rows", Err: records[0].Problem}
}

// checkScheme finds a scheme that no hash of the first rows has: a misspelt name, or
// a salt for a format that takes none.
func (s *Source) checkScheme(records []migration.Record) error {
	var last error
	for i := range records {
		if _, err := passhash.Identify(records[i].Password); err == nil || errors.Is(err, passhash.ErrUnusable) {
			return nil
		} else if records[i].Problem == nil {
			last = err
		}
	}
	if s.cfg.Scheme == "" && s.cfg.Salt == "" {
		return nil // the plan tells
	}
	return &FieldError{Field: "Config.Scheme", Problem: "or Config.Salt fits none of the first rows", Err: last}
}

func (s *Source) tableField() string {
	if s.cfg.From != "" {
		return "Config.From"
	}
	return "table"
}

// existing lists the columns that the table has, without reading a row.
func (s *Source) existing(ctx context.Context) ([]string, error) {
	rows, err := s.db.QueryContext(ctx, "SELECT * FROM "+s.from()+" WHERE 1 = 0")
	if err != nil {
		return nil, err
	}
	names, err := rows.Columns()
	return names, errors.Join(err, rows.Close())
}

// same compares names as the dialect does; a quoted name in Postgres is exact.
func (s *Source) same(a, b string) bool {
	if s.dialect == Postgres {
		return a == b
	}
	return strings.EqualFold(a, b)
}

func (s *Source) missing(column string, there []string) string {
	for _, name := range there {
		if strings.EqualFold(name, column) {
			return fmt.Sprintf("is %q, but the column is %q: Postgres distinguishes case in quoted names", column, name)
		}
	}
	return fmt.Sprintf("is %q, and %s has no such column; it has %s", column, s.from(), strings.Join(there, ", "))
}

func (s *Source) checkKey(ctx context.Context) error {
	key := s.dialect.quote(s.columns.Key)
	var value any
	first := "SELECT " + key + " FROM " + s.from() + s.where(key+" IS NOT NULL") + " ORDER BY " + key + " LIMIT 1"
	err := s.db.QueryRowContext(ctx, first).Scan(&value)
	if errors.Is(err, sql.ErrNoRows) {
		return nil
	}
	if err != nil {
		return &FieldError{Field: "Columns.Key", Problem: "cannot be read in order", Err: err}
	}
	if value != nil && isInteger(value) == s.cfg.TextKey {
		return &FieldError{Field: "Config.TextKey", Problem: fmt.Sprintf("must be %v for this key", !s.cfg.TextKey)}
	}
	repeated := "SELECT " + key + " FROM " + s.from() + s.where(key+" IS NOT NULL") + " GROUP BY " + key + " HAVING COUNT(*) > 1 LIMIT 1"
	switch err := s.db.QueryRowContext(ctx, repeated).Scan(&value); {
	case err == nil:
		return &FieldError{Field: "Columns.Key", Problem: "is not unique; name a column that is"}
	case !errors.Is(err, sql.ErrNoRows):
		return &FieldError{Field: "Columns.Key", Problem: "cannot be grouped", Err: err}
	}
	return nil
}

func isInteger(value any) bool {
	switch value.(type) {
	case int64, uint64:
		return true
	}
	return false
}
