package sqlstore

import (
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
)

// Dialect is the SQL of one database product. The zero value is none.
//
// MariaDB is MariaDB from 10.3 and MySQL from 8.0 on, with InnoDB and in strict
// mode, as is the default of both. The statements keep to what both know: there is
// no RETURNING (MySQL has none), indexes are made with their table (MySQL has no
// CREATE INDEX IF NOT EXISTS), no index is partial, and upserts say VALUES(column),
// for which MySQL warns (1287) and MariaDB knows no other word. All columns but the
// numbers are binary: the default collations of both take texts that differ in case
// or in trailing spaces for one, and the collation that does not has another name
// in each.
type Dialect uint8

// The dialects.
const (
	SQLite Dialect = iota + 1
	Postgres
	MariaDB
)

// String returns "SQLite", "Postgres" or "MariaDB".
func (d Dialect) String() string {
	if d < SQLite || d > MariaDB {
		return fmt.Sprintf("Dialect(%d)", uint8(d))
	}
	return [...]string{"SQLite", "Postgres", "MariaDB"}[d-SQLite]
}

// types are the types of columns: {key} and {bytes} have at most 512 bytes and are
// compared byte by byte, {text} and {blob} are of any length and never compared.
var types = map[Dialect]*strings.Replacer{
	SQLite:   strings.NewReplacer("{key}", "TEXT", "{text}", "TEXT", "{bytes}", "BLOB", "{blob}", "BLOB"),
	Postgres: strings.NewReplacer("{key}", "TEXT", "{text}", "TEXT", "{bytes}", "BYTEA", "{blob}", "BYTEA"),
	MariaDB: strings.NewReplacer("{key}", "VARBINARY(512)", "{text}", "LONGBLOB",
		"{bytes}", "VARBINARY(512)", "{blob}", "LONGBLOB"),
}

// Codes of errors: SQLSTATEs of Postgres, numbers of MariaDB, a text of SQLite.
var (
	// Serialization, deadlock; deadlock, lock wait, innodb_snapshot_isolation.
	transient = []string{"40001", "40P01", "1213", "1205", "1020"}
	// What creating a table meets while another creates it, or its rows.
	racing    = []string{"23505", "42P07", "42710", "1062"}
	missing   = []string{"42P01", "1146", "no such table"}
	duplicate = []string{"1062"}
	unique    = []string{"23505", "1062", "UNIQUE constraint"}
)

var codeInText = regexp.MustCompile(`(?i)\berror (\d{4})\b|\b(no such table|UNIQUE constraint)\b`)

// IsDuplicate reports whether an error says that a row with the same unique key is
// there. The transaction cannot go on.
func IsDuplicate(err error) bool { return hasCode(err, unique) }

// hasCode reports whether an error has one of the codes. Drivers are the
// program's, so their types are not known here: those for Postgres have a method
// SQLState, those for MariaDB say "Error 1213 (40001): …".
func hasCode(err error, codes []string) bool {
	if err == nil {
		return false
	}
	if e, ok := errors.AsType[interface {
		error
		SQLState() string
	}](err); ok {
		return slices.Contains(codes, e.SQLState())
	}
	found := codeInText.FindStringSubmatch(err.Error())
	return found != nil && slices.Contains(codes, found[1]+found[2])
}
