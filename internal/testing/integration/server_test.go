package integration

import (
	"database/sql"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/auth0kit/auth0kit/internal/testing/backends"
)

// server is a database server of the test's own, which it may kill.
type server struct {
	driver, dsn string
	command     func() *exec.Cmd
	process     *exec.Cmd
}

// serverFolder is a folder for a server, and what runs a program as its owner:
// Postgres refuses to run as root.
func serverFolder(t *testing.T, owner string) (dir string, as func(program string, args ...string) *exec.Cmd) {
	t.Helper()
	dir, err := os.MkdirTemp("", "auth0kit-server")
	require.NoError(t, err)
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	root := os.Getuid() == 0
	if root {
		must(t, exec.Command("chown", owner+":", dir))
	}
	return dir, func(program string, args ...string) *exec.Cmd {
		if root {
			args = append([]string{"--reuid=" + owner, "--regid=" + owner, "--clear-groups", program}, args...)
			program = "setpriv"
		}
		cmd := exec.Command(program, args...)
		cmd.Dir = dir
		return cmd
	}
}

func must(t *testing.T, cmd *exec.Cmd) {
	t.Helper()
	out, err := cmd.CombinedOutput()
	require.NoError(t, err, "%s: %s", cmd, out)
}

// startPostgres makes a cluster in a folder of its own and starts it. Without
// the server's programs the test is skipped, or fails where backends are required.
func startPostgres(t *testing.T) *server {
	t.Helper()
	found, err := filepath.Glob("/usr/lib/postgresql/*/bin/initdb")
	if err != nil || len(found) == 0 {
		backends.Missing(t, "initdb", "postgresql")
	}
	initdb := found[len(found)-1]
	dir, as := serverFolder(t, "postgres")
	data, port := filepath.Join(dir, "data"), backends.FreePort(t)
	must(t, as(initdb, "-D", data, "-U", "postgres", "-A", "trust"))
	s := &server{driver: "pgx", dsn: fmt.Sprintf("postgres://postgres@127.0.0.1:%s/postgres?sslmode=disable", port)}
	s.command = func() *exec.Cmd {
		return as(filepath.Join(filepath.Dir(initdb), "postgres"), "-D", data, "-p", port, "-h", "127.0.0.1", "-k", dir)
	}
	s.start(t)
	t.Cleanup(func() { s.kill(t) })
	return s
}

// startMariaDB does the same for MariaDB.
func startMariaDB(t *testing.T) *server {
	t.Helper()
	install := backends.Program(t, "mariadb-install-db", "mariadb-server")
	daemon := backends.Program(t, "mariadbd", "mariadb-server")
	dir, as := serverFolder(t, "mysql")
	data, port := filepath.Join(dir, "data"), backends.FreePort(t)
	must(t, as(install, "--no-defaults", "--datadir="+data, "--auth-root-authentication-method=normal"))
	s := &server{driver: "mysql", dsn: fmt.Sprintf("root@tcp(127.0.0.1:%s)/test", port)}
	s.command = func() *exec.Cmd {
		return as(daemon, "--no-defaults", "--datadir="+data, "--port="+port, "--bind-address=127.0.0.1",
			"--socket="+filepath.Join(dir, "socket"), "--innodb-buffer-pool-size=16M")
	}
	s.start(t)
	t.Cleanup(func() { s.kill(t) })
	return s
}

// start runs the server and waits until it answers.
func (s *server) start(t *testing.T) {
	t.Helper()
	s.process = s.command()
	require.NoError(t, s.process.Start())
	db, err := sql.Open(s.driver, s.dsn)
	require.NoError(t, err)
	defer db.Close()
	wait(t, "the server answers", func() bool { return db.PingContext(t.Context()) == nil })
}

// kill ends the server as a crash does: nothing is flushed. Postgres has a process
// for each connection, which would answer until it notices that the first one is
// gone: the first is stopped, so that it makes no more of them, and all are killed.
func (s *server) kill(t *testing.T) {
	t.Helper()
	first := s.process.Process
	require.NoError(t, first.Signal(syscall.SIGSTOP))
	children := childrenOf(t, first.Pid)
	require.NoError(t, first.Kill())
	_ = s.process.Wait() // "signal: killed"
	for _, pid := range children {
		if err := syscall.Kill(pid, syscall.SIGKILL); !errors.Is(err, syscall.ESRCH) {
			require.NoError(t, err)
		}
	}
	wait(t, "the server's processes are gone", func() bool {
		for _, pid := range children {
			if state, _ := stat(pid); state != "" && state != "Z" {
				return false
			}
		}
		return true
	})
}

func childrenOf(t *testing.T, parent int) []int {
	t.Helper()
	folders, err := filepath.Glob("/proc/[0-9]*")
	require.NoError(t, err)
	var out []int
	for _, folder := range folders {
		pid, err := strconv.Atoi(filepath.Base(folder))
		require.NoError(t, err)
		if _, of := stat(pid); of == parent {
			out = append(out, pid)
		}
	}
	return out
}

// stat returns the state and the parent of a process: "" and 0 when it is gone.
func stat(pid int) (state string, parent int) {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return "", 0
	}
	fields := strings.Fields(string(text[strings.LastIndexByte(string(text), ')')+1:])) // the name may have spaces
	parent, _ = strconv.Atoi(fields[1])
	return fields[0], parent
}

// wait polls another process, on which nothing else can wait.
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
