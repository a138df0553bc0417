package sqlstore

import (
	"context"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// Statement is a text in a dialect.
type Statement struct {
	text   string
	order  []int // Indexes of the arguments, in the order of the text's question marks. Nil: as they are.
	ignore bool  // A duplicate key is no error and no row.
}

var (
	macro     = regexp.MustCompile(`\{(lock|ignore|upsert) ?([^:}]*):?([^}]*)\}`)
	column    = regexp.MustCompile(`\w+`)
	parameter = regexp.MustCompile(`\$(\d+)`)
)

// SQL returns the statement for a text, in which
//
//	{t}                  is the store's name, with which every table's begins
//	$1, $2               are the arguments, in any order and any number of times
//	{lock}               after a SELECT locks its rows until the transaction ends
//	{ignore k}           after an INSERT leaves a row that has the same key k
//	{upsert k: a, b}     after an INSERT gives the row that has the same key k the new a and b
func (s *Store) SQL(text string) Statement {
	var out Statement
	text = macro.ReplaceAllStringFunc(text, func(m string) string {
		parts := macro.FindStringSubmatch(m)
		out.ignore = out.ignore || parts[1] == "ignore" && s.dialect == MariaDB
		return s.dialect.expand(parts[1], parts[2], parts[3])
	})
	text = strings.ReplaceAll(text, "{t}", s.table)
	switch s.dialect {
	case SQLite: // takes $2 for a name, and numbers names as they appear
		text = parameter.ReplaceAllString(text, "?$1")
	case MariaDB:
		text = parameter.ReplaceAllStringFunc(text, func(p string) string {
			n, _ := strconv.Atoi(p[1:]) // digits, by the expression
			out.order = append(out.order, n-1)
			return "?"
		})
	}
	out.text = text
	return out
}

// expand returns the text of a macro. INSERT IGNORE would cut what is too long as
// well, so MariaDB's {ignore} is left to Exec; a transaction has SQLite for itself.
func (d Dialect) expand(name, key, columns string) string {
	switch {
	case name == "lock" && d != SQLite:
		return "FOR UPDATE"
	case name == "ignore" && d != MariaDB:
		return "ON CONFLICT (" + key + ") DO NOTHING"
	case name == "upsert" && d == MariaDB:
		return "ON DUPLICATE KEY UPDATE" + column.ReplaceAllString(columns, "$0 = VALUES($0)")
	case name == "upsert":
		return "ON CONFLICT (" + key + ") DO UPDATE SET" + column.ReplaceAllString(columns, "$0 = excluded.$0")
	}
	return ""
}

// in puts the arguments into the order of the text.
func (st Statement) in(args []any) []any {
	if st.order == nil {
		return args
	}
	out := make([]any, len(st.order))
	for i, n := range st.order {
		out[i] = args[n]
	}
	return out
}

// Params returns n parameters, the first of which is $first: "$3, $4".
func Params(first, n int) string {
	all := make([]string, n)
	for i := range all {
		all[i] = "$" + strconv.Itoa(first+i)
	}
	return strings.Join(all, ", ")
}

// An index is a line of its table: "INDEX _by_sid (sid) WHERE sid <> ”".
var index = regexp.MustCompile(`,\n\tINDEX (\w+) (\([^)]*\))( WHERE [^,\n]*)?`)

// Schema returns the statements that create the tables, for a migration tool.
// They do nothing where the tables are there already.
func (s *Store) Schema() []string {
	var out []string
	bare := s.table[strings.IndexByte(s.table, '.')+1:]
	for text := range strings.SplitSeq(strings.TrimSpace(s.schema), ";\n") {
		table, isTable := strings.CutPrefix(text, "TABLE ")
		name, _, _ := strings.Cut(table, " ")
		switch {
		case !isTable:
			out = append(out, text)
			continue
		case s.dialect == MariaDB:
			out = append(out, "CREATE TABLE IF NOT EXISTS "+index.ReplaceAllString(table, ",\n\tINDEX "+bare+"$1 $2")+" ENGINE=InnoDB")
			continue
		}
		out = append(out, "CREATE TABLE IF NOT EXISTS "+index.ReplaceAllString(table, ""))
		for _, x := range index.FindAllStringSubmatch(table, -1) {
			inSchema, on := bare, name // Postgres puts an index into the schema of its table; SQLite is told.
			if s.dialect == SQLite {
				inSchema, on = s.table, strings.Replace(name, "{t}", bare, 1)
			}
			out = append(out, "CREATE INDEX IF NOT EXISTS "+inSchema+x[1]+" ON "+on+" "+x[2]+x[3])
		}
	}
	for i := range out {
		out[i] = types[s.dialect].Replace(strings.ReplaceAll(out[i], "{t}", s.table))
	}
	return out
}

// CreateSchema runs the statements of Schema. Any number of processes may call it
// at every start. A schema that the table's name has must be there.
func (s *Store) CreateSchema(ctx context.Context) error {
	for _, text := range s.Schema() {
		err := again(ctx, slices.Concat(transient, racing), func() error {
			_, err := s.db.ExecContext(ctx, text)
			return err
		})
		if err != nil {
			return s.wrap(err)
		}
	}
	return nil
}
