package main

import (
	"database/sql"
	"errors"
	"fmt"
	"net/url"
	"reflect"
	"strings"

	"github.com/go-sql-driver/mysql"
	_ "github.com/jackc/pgx/v5/stdlib"
	_ "github.com/ncruces/go-sqlite3/driver"
	_ "github.com/ncruces/go-sqlite3/embed"

	"github.com/auth0kit/auth0kit/migration"
	"github.com/auth0kit/auth0kit/migration/filesource"
	"github.com/auth0kit/auth0kit/migration/sqlsource"
)

// openSource opens what -source names.
func openSource(o options) (source migration.Source, closeIt func(), err error) {
	preset, address, ok := strings.Cut(o.source, "=")
	if ok && preset == "auth0" {
		s, err := filesource.Auth0(address)
		return s, closing(s), err
	}
	if ok {
		return openPreset(preset, address, o)
	}
	format := filesource.CSV
	switch {
	case strings.HasSuffix(o.source, ".jsonl"), strings.HasSuffix(o.source, ".ndjson"):
		format = filesource.JSONLines
	case !strings.HasSuffix(o.source, ".csv"):
		return nil, nil, fmt.Errorf(`-source must be "preset=address", a .csv or a .jsonl file, or "auth0=file"`)
	}
	cols, cfg, err := mapped(o.mapping)
	if err != nil {
		return nil, nil, err
	}
	s, err := filesource.New(o.source, format, cols, cfg)
	return s, closing(s), err
}

func closing(s *filesource.Source) func() {
	return func() { _ = s.Close() } // of a file that was only read
}

func openPreset(preset, address string, o options) (migration.Source, func(), error) {
	schema, err := sqlsource.Preset(preset)
	if err != nil {
		return nil, nil, err
	}
	if o.run.Fields.Username != migration.Refuse { // the connection takes usernames, or they go
		schema.Columns.Username = schema.Columns.Login
	}
	db, dialect, err := openDatabase(address)
	if err != nil {
		return nil, nil, err
	}
	source, err := schema.Open(db, dialect)
	return source, func() { _ = db.Close() }, err // of a database that was only read
}

func openDatabase(address string) (*sql.DB, sqlsource.Dialect, error) {
	scheme, rest, _ := strings.Cut(address, ":")
	switch scheme {
	case "postgres", "postgresql":
		db, err := sql.Open("pgx", address)
		return db, sqlsource.Postgres, err
	case "mysql", "mariadb":
		dsn, err := mariaDB(address)
		if err != nil {
			return nil, "", err
		}
		db, err := sql.Open("mysql", dsn)
		return db, sqlsource.MySQL, err
	case "sqlite":
		db, err := sql.Open("sqlite3", "file:"+rest+"?mode=ro&_pragma=busy_timeout(10000)")
		return db, sqlsource.SQLite, err
	}
	return nil, "", fmt.Errorf("-source: begin the address with sqlite:, postgres:// or mysql:// and its host")
}

// mariaDB is the address as the driver wants it, with its parameters.
func mariaDB(address string) (dsn string, err error) {
	u, err := url.Parse(address)
	if err != nil {
		return "", errors.New("-source: the address of the database is no URL") // its error would show the password
	}
	cfg, err := mysql.ParseDSN("tcp(" + u.Host + ")/" + strings.TrimPrefix(u.Path, "/") + "?parseTime=true&" + u.RawQuery)
	if err != nil {
		return "", fmt.Errorf("-source: the address of the database: %w", err)
	}
	cfg.User = u.User.Username()
	cfg.Passwd, _ = u.User.Password()
	return cfg.FormatDSN(), nil
}

func openSQLite(path string) (*sql.DB, error) {
	return sql.Open("sqlite3", "file:"+path+"?_pragma=busy_timeout(10000)&_pragma=journal_mode(WAL)")
}

// mapped reads -map. Names are those of migration.Columns in snake case; scheme, salt
// and iterations with a value in quotes, and email_verified=true, hold for all users;
// null='NULL' is the text that stands for no value.
func mapped(s string) (cols migration.Columns, cfg filesource.Config, err error) {
	if s == "" {
		return cols, cfg, fmt.Errorf("-map is missing: say which field is what, such as key=id,email=mail,password=hash")
	}
	for pair := range strings.SplitSeq(s, ",") {
		name, field, ok := strings.Cut(strings.TrimSpace(pair), "=")
		fixed, isFixed := strings.CutPrefix(field, "'")
		fixed = strings.TrimSuffix(fixed, "'")
		key, isApp := strings.CutPrefix(name, "app_metadata.")
		userKey, isUser := strings.CutPrefix(name, "user_metadata.")
		switch {
		case !ok || field == "":
			return cols, cfg, fmt.Errorf("-map: %q is not name=field", pair)
		case isApp:
			set(&cols.AppMetadata, key, field)
		case isUser:
			set(&cols.UserMetadata, userKey, field)
		case name == "email_verified" && field == "true":
			cfg.EmailVerified = true
		case isFixed && name == "scheme":
			cfg.Scheme = fixed
		case isFixed && name == "salt":
			cfg.Salt = fixed
		case isFixed && name == "iterations":
			cfg.Iterations = fixed
		case isFixed && name == "null":
			cfg.Null = fixed
		case !setColumn(&cols, name, field):
			return cols, cfg, fmt.Errorf("-map: there is no %q; the names are those of migration.Columns", name)
		}
	}
	return cols, cfg, nil
}

func set(m *map[string]string, key, field string) {
	if *m == nil {
		*m = make(map[string]string)
	}
	(*m)[key] = field
}

func setColumn(cols *migration.Columns, name, field string) bool {
	v := reflect.ValueOf(cols).Elem()
	f := v.FieldByNameFunc(func(n string) bool { return strings.EqualFold(n, strings.ReplaceAll(name, "_", "")) })
	if !f.IsValid() || f.Kind() != reflect.String {
		return false
	}
	f.SetString(field)
	return true
}
