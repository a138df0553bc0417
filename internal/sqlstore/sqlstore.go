// Package sqlstore holds what the SQL stores of this module have in common:
// dialects, table names, statements, schema, transactions and sweeping.
//
//	s, err := sqlstore.New("sqlthing", db, dialect, cmp.Or(cfg.Table, "auth0kit_thing"), schema)
//	…
//	update := s.SQL(`UPDATE {t} SET version = $1 WHERE id = $2 AND version = $3`)
//	…
//	n, err := s.Exec(ctx, update, version, id, version-1) // n is 1, or 0: another was first
//
// A store compares and sets with one conditional statement and reads how many
// rows it affected. MariaDB counts the rows that a statement changes, or with
// clientFoundRows those that it finds, so such a statement always changes its row.
package sqlstore

import (
	"database/sql"
	"fmt"
	"regexp"
)

// Store runs the statements of one store. It is safe for concurrent use. The
// caller closes the database.
type Store struct {
	Conn
	db      *sql.DB
	dialect Dialect
	pkg     string
	table   string
	schema  string
}

var tableName = regexp.MustCompile(`^([a-z_][a-z0-9_]{0,62}\.)?[a-z_][a-z0-9_]{0,40}$`)

// New returns a Store for a package, whose name begins every error. The names of
// the store's tables begin with table, which may have a schema in front. It does
// no I/O.
func New(pkg string, db *sql.DB, d Dialect, table, schema string) (*Store, error) {
	switch {
	case db == nil:
		return nil, fmt.Errorf("%s: db is nil; open one with sql.Open", pkg)
	case d < SQLite || d > MariaDB:
		return nil, fmt.Errorf("%s: dialect is %s; give SQLite, Postgres or MariaDB", pkg, d)
	case !tableName.MatchString(table):
		return nil, fmt.Errorf("%s: Config.Table must be a name of at most 41 lower-case letters, digits and _; "+
			"a schema and a dot may stand in front", pkg)
	}
	s := &Store{db: db, dialect: d, pkg: pkg, table: table, schema: schema}
	s.Conn = Conn{store: s, on: db}
	return s, nil
}
