package integration

import (
	"crypto/rand"
	"database/sql"
	"net/url"
	"path/filepath"
	"strings"
	"testing"
	"time"

	_ "github.com/go-sql-driver/mysql"
	_ "github.com/jackc/pgx/v5/stdlib"
	_ "github.com/ncruces/go-sqlite3/driver"
	_ "github.com/ncruces/go-sqlite3/embed"

	"github.com/auth0kit/auth0kit/internal/sqlstore"
	"github.com/auth0kit/auth0kit/internal/testing/backends"
)

// product is a database product that the SQL stores run on.
type product struct {
	name    string
	dialect sqlstore.Dialect
	open    func(testing.TB) *sql.DB
}

var products = []product{
	{"SQLite", sqlstore.SQLite, openSQLite}, {"Postgres", sqlstore.Postgres, openPostgres}, {"MariaDB", sqlstore.MariaDB, openMySQL},
}

// servers are the products that have a network.
var servers = products[1:]

// onEach runs a test once for each product.
func onEach(t *testing.T, test func(*testing.T, product)) {
	t.Helper()
	onEachOf(t, products, test)
}

func onEachOf(t *testing.T, some []product, test func(*testing.T, product)) {
	t.Helper()
	for _, p := range some {
		t.Run(p.name, func(t *testing.T) {
			t.Parallel()
			test(t, p)
		})
	}
}

// openSQLite returns a database in a file of the test's own, in WAL mode.
func openSQLite(t testing.TB) *sql.DB {
	t.Helper()
	path := filepath.Join(t.TempDir(), "test.db")
	return open(t, "sqlite3", "file:"+path+"?_pragma=busy_timeout(10000)&_pragma=journal_mode(WAL)")
}

// openPostgres returns a database whose search_path is a schema of the test's
// own, dropped at the end.
func openPostgres(t testing.TB) *sql.DB {
	t.Helper()
	dsn := backends.Postgres(t)
	name := uniqueName()
	admin := open(t, "pgx", dsn)
	mustExec(t, admin, "CREATE SCHEMA "+name)
	t.Cleanup(func() { mustExec(t, admin, "DROP SCHEMA "+name+" CASCADE") })
	u, err := url.Parse(dsn)
	if err != nil {
		t.Fatal(err)
	}
	query := u.Query()
	query.Set("search_path", name)
	u.RawQuery = query.Encode()
	db := open(t, "pgx", u.String())
	bound(db)
	return db
}

// openMySQL returns a database of the test's own, dropped at the end.
func openMySQL(t testing.TB) *sql.DB {
	t.Helper()
	return openMySQLWith(t, "parseTime=true&charset=utf8mb4")
}

func openMySQLWith(t testing.TB, params string) *sql.DB {
	t.Helper()
	u, err := url.Parse(backends.MySQL(t))
	if err != nil {
		t.Fatal(err)
	}
	server := u.User.String() + "@tcp(" + u.Host + ")/"
	name := uniqueName()
	admin := open(t, "mysql", server)
	mustExec(t, admin, "CREATE DATABASE "+name+" CHARACTER SET utf8mb4")
	t.Cleanup(func() { mustExec(t, admin, "DROP DATABASE "+name) })
	db := open(t, "mysql", server+name+"?"+params)
	bound(db)
	return db
}

func open(t testing.TB, driver, dsn string) *sql.DB {
	t.Helper()
	db, err := sql.Open(driver, dsn)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := db.Close(); err != nil {
			t.Error(err)
		}
	})
	return db
}

// bound keeps a test to a few connections, because tests run side by side and a
// server has 100 by default, and lets it keep them, because a new one costs more
// than most statements.
func bound(db *sql.DB) {
	db.SetMaxOpenConns(8)
	db.SetMaxIdleConns(8)
	db.SetConnMaxIdleTime(time.Second)
}

func mustExec(t testing.TB, db *sql.DB, query string) {
	t.Helper()
	if _, err := db.Exec(query); err != nil {
		t.Fatalf("%s: %v", query, err)
	}
}

func uniqueName() string { return "auth0kit_" + strings.ToLower(rand.Text()[:12]) }

// wait polls what works in the background or in another process.
func wait(t *testing.T, what string, f func() bool) {
	t.Helper()
	for range 600 {
		if f() {
			return
		}
		time.Sleep(50 * time.Millisecond)
	}
	t.Fatalf("not within 30 s: %s", what)
}
