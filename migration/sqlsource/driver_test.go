package sqlsource_test

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"io"
	"slices"
	"strings"
)

// rows is a database of one table that answers every query with all of its rows,
// enough to show this package without a SQL driver. The tests on real databases
// are in internal/testing/integration.
type rows struct {
	columns []string
	values  [][]driver.Value
	asked   *string // Receives the last statement.
}

func openRows(r rows) *sql.DB { return sql.OpenDB(r) }

func (r rows) Connect(context.Context) (driver.Conn, error) { return r, nil }
func (r rows) Driver() driver.Driver                        { return nil }
func (r rows) Prepare(string) (driver.Stmt, error)          { return nil, driver.ErrSkip }
func (r rows) Begin() (driver.Tx, error)                    { return nil, driver.ErrSkip }
func (r rows) Close() error                                 { return nil }
func (r rows) QueryContext(_ context.Context, query string, _ []driver.NamedValue) (driver.Rows, error) {
	if strings.Contains(query, " IS NULL ORDER") { // rows without a key
		return &cursor{rows{columns: r.columns}}, nil
	}
	if r.asked != nil {
		*r.asked = query
	}
	r.values = slices.Clone(r.values)
	return &cursor{r}, nil
}

func (r rows) ExecContext(_ context.Context, query string, _ []driver.NamedValue) (driver.Result, error) {
	if r.asked != nil {
		*r.asked = query
	}
	return driver.RowsAffected(1), nil
}

type cursor struct{ rows }

func (c *cursor) Columns() []string { return c.columns }

func (c *cursor) Next(dest []driver.Value) error {
	if len(c.values) == 0 {
		return io.EOF
	}
	copy(dest, c.values[0])
	c.values = c.values[1:]
	return nil
}
