package backends

import (
	"net"
	"os"
	"os/exec"
	"testing"
)

// Program returns where a program is, which Debian's package has. What tests do with
// programs takes minutes, so they do it only where everything is required.
func Program(t testing.TB, name, pkg string) string {
	t.Helper()
	path, err := exec.LookPath(name)
	if err != nil || !required() {
		missing(t, name, pkg)
	}
	return path
}

func missing(t testing.TB, name, pkg string) {
	t.Helper()
	Absent(t, name+" (apt-get install "+pkg+")")
}

// Absent ends a test that needs what is not there: it fails where
// AUTH0KIT_REQUIRE_BACKENDS says that everything must be there, and is skipped
// elsewhere.
func Absent(t testing.TB, what string) {
	t.Helper()
	if required() {
		t.Fatalf("AUTH0KIT_REQUIRE_BACKENDS=1 requires %s", what)
	}
	t.Skipf("needs %s, and AUTH0KIT_REQUIRE_BACKENDS=1", what)
}

// FreePort is a port of this machine on which nothing listens.
func FreePort(t testing.TB) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	_, port, err := net.SplitHostPort(l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	return port
}

func required() bool { return os.Getenv("AUTH0KIT_REQUIRE_BACKENDS") == "1" }
