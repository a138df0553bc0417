// Package backends tells tests where the real services are, and what it means
// when one is not there.
//
// A test that needs a service asks for its address. Without
// AUTH0KIT_REQUIRE_BACKENDS=1 and without the service's own variable the test is
// skipped, saying which service and why; with either, a service that does not
// answer fails the test. Programs are used with the first only.
package backends

import (
	"net"
	"net/url"
	"os"
	"testing"
	"time"
)

type backend struct {
	name, env, def string
	address        func(value string) string
}

var (
	redis    = backend{"Redis", "AUTH0KIT_TEST_REDIS", "127.0.0.1:6379", hostPort}
	postgres = backend{"Postgres", "AUTH0KIT_TEST_POSTGRES", "postgres://postgres@127.0.0.1:5432/test?sslmode=disable", ofURL}
	mysql    = backend{"MariaDB", "AUTH0KIT_TEST_MYSQL", "mysql://root@127.0.0.1:3306/test", ofURL}
)

// Redis returns host and port. Use a key prefix of your own.
func Redis(t testing.TB) string { t.Helper(); return redis.require(t) }

// Postgres returns a postgres:// URL. Use a schema of your own.
func Postgres(t testing.TB) string { t.Helper(); return postgres.require(t) }

// MySQL returns a mysql:// URL. Use a database of your own.
func MySQL(t testing.TB) string { t.Helper(); return mysql.require(t) }

func (b backend) require(t testing.TB) string {
	t.Helper()
	value := os.Getenv(b.env)
	if value == "" && !required() {
		t.Skipf("needs %s: set %s (or AUTH0KIT_REQUIRE_BACKENDS=1 for %s)", b.name, b.env, b.def)
	}
	if value == "" {
		value = b.def
	}
	conn, err := net.DialTimeout("tcp", b.address(value), 5*time.Second)
	if err != nil {
		t.Fatalf("%s is required and does not answer; start it or correct %s: %v", b.name, b.env, err)
	}
	if err := conn.Close(); err != nil {
		t.Fatalf("%s: %v", b.name, err)
	}
	return value
}

func hostPort(value string) string { return value }

func ofURL(value string) string {
	u, err := url.Parse(value)
	if err != nil {
		return value
	}
	return u.Host
}
