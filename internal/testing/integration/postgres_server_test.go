package integration

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/auth0kit/auth0kit/internal/testing/backends"
)

// postgresServer is a server of the test's own, which it may kill.
type postgresServer struct {
	dir, bin, port string
	as             []string // initdb and postgres refuse to run as root
	process        *exec.Cmd
}

// startPostgres makes a cluster in a folder of its own and starts it. Without
// the server's programs the test is skipped, or fails where backends are required.
func startPostgres(t *testing.T) *postgresServer {
	t.Helper()
	found, err := filepath.Glob("/usr/lib/postgresql/*/bin/initdb")
	if err != nil || len(found) == 0 {
		backends.Missing(t, "initdb", "postgresql")
	}
	dir, err := os.MkdirTemp("", "auth0kit-postgres")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	s := &postgresServer{dir: filepath.Join(dir, "data"), bin: filepath.Dir(found[len(found)-1]), port: backends.FreePort(t)}
	if os.Getuid() == 0 {
		s.as = []string{"setpriv", "--reuid=postgres", "--regid=postgres", "--clear-groups"}
		if out, err := exec.Command("chown", "postgres:postgres", dir).CombinedOutput(); err != nil {
			t.Fatalf("chown: %v: %s", err, out)
		}
	}
	if out, err := s.command("initdb", "-D", s.dir, "-U", "postgres", "-A", "trust").CombinedOutput(); err != nil {
		t.Fatalf("initdb: %v: %s", err, out)
	}
	s.start(t)
	t.Cleanup(func() { s.kill(t) })
	return s
}

func (s *postgresServer) command(name string, args ...string) *exec.Cmd {
	args = slices.Concat(s.as, []string{filepath.Join(s.bin, name)}, args)
	cmd := exec.Command(args[0], args[1:]...)
	cmd.Dir = filepath.Dir(s.dir)
	return cmd
}

// start runs the server and waits until it answers.
func (s *postgresServer) start(t *testing.T) {
	t.Helper()
	s.process = s.command("postgres", "-D", s.dir, "-p", s.port, "-h", "127.0.0.1", "-k", filepath.Dir(s.dir))
	if err := s.process.Start(); err != nil {
		t.Fatal(err)
	}
	for range 300 {
		if s.command("pg_isready", "-q", "-h", "127.0.0.1", "-p", s.port).Run() == nil {
			return
		}
		time.Sleep(100 * time.Millisecond) // of another process: nothing to wait on
	}
	t.Fatal("the Postgres of this test does not answer")
}

// kill ends the server as a crash does: nothing is flushed.
func (s *postgresServer) kill(t *testing.T) {
	t.Helper()
	if err := s.process.Process.Kill(); err != nil {
		t.Error(err)
	}
	_ = s.process.Wait() // "signal: killed"
}

func (s *postgresServer) url() string {
	return fmt.Sprintf("postgres://postgres@127.0.0.1:%s/postgres?sslmode=disable", s.port)
}
