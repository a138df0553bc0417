//go:build unix

package backends

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

// Server is one of the test's own, on a free port and in a folder that goes with the
// test, which the test may kill and start again.
type Server struct {
	Addr string // host and port
	DSN  string // for the driver: pgx, mysql; Addr for Redis

	t       testing.TB
	command func() *exec.Cmd
	ready   func(net.Conn) bool
	process *exec.Cmd
}

// StartRedis starts a Redis, with more arguments. Without redis-server the test is
// skipped, or fails where everything is required.
func StartRedis(t testing.TB, args ...string) *Server {
	t.Helper()
	binary, dir := Program(t, "redis-server", "redis-server"), t.TempDir()
	s := newServer(t)
	s.DSN = s.Addr
	_, port, _ := net.SplitHostPort(s.Addr)
	s.command = func() *exec.Cmd {
		return exec.Command(binary, append([]string{"--port", port, "--bind", "127.0.0.1", "--dir", dir, "--logfile", filepath.Join(dir, "log")}, args...)...)
	}
	s.ready = func(c net.Conn) bool {
		_, _ = io.WriteString(c, "PING\r\n")
		line, _ := bufio.NewReader(c).ReadString('\n')
		return line == "+PONG\r\n"
	}
	s.Start()
	return s
}

// StartRedisCluster makes a cluster of three Redis servers, each with a third of the
// slots, and returns them.
func StartRedisCluster(t testing.TB, args ...string) []*Server {
	t.Helper()
	cli := Program(t, "redis-cli", "redis-tools")
	create := []string{"--cluster-yes", "--cluster", "create"}
	var nodes []*Server
	for range 3 {
		node := StartRedis(t, append([]string{"--save", "", "--cluster-enabled", "yes", "--cluster-port", FreePort(t)}, args...)...)
		nodes, create = append(nodes, node), append(create, node.Addr)
	}
	must(t, exec.Command(cli, create...))
	for _, node := range nodes { // Each hears of the others by itself.
		node.wait("the cluster is up", func() bool {
			out, err := exec.Command(cli, "-u", "redis://"+node.Addr, "cluster", "info").Output()
			return err == nil && bytes.Contains(out, []byte("cluster_state:ok")) && bytes.Contains(out, []byte("cluster_known_nodes:3"))
		})
	}
	return nodes
}

// StartPostgres makes a cluster and starts it.
func StartPostgres(t testing.TB) *Server {
	t.Helper()
	found, err := filepath.Glob("/usr/lib/postgresql/*/bin/initdb")
	if err != nil || len(found) == 0 {
		missing(t, "initdb", "postgresql")
	}
	initdb := found[len(found)-1]
	dir, as := folder(t, "postgres")
	data, s := filepath.Join(dir, "data"), newServer(t)
	must(t, as(initdb, "-D", data, "-U", "postgres", "-A", "trust"))
	s.DSN = fmt.Sprintf("postgres://postgres@%s/postgres?sslmode=disable", s.Addr)
	_, port, _ := net.SplitHostPort(s.Addr)
	s.command = func() *exec.Cmd {
		return as(filepath.Join(filepath.Dir(initdb), "postgres"), "-D", data, "-p", port, "-h", "127.0.0.1", "-k", dir)
	}
	s.ready = func(c net.Conn) bool {
		hello := append([]byte{0, 3, 0, 0}, "user\x00postgres\x00database\x00postgres\x00\x00"...)
		_, _ = c.Write(append(binary.BigEndian.AppendUint32(nil, uint32(len(hello)+4)), hello...))
		answer := make([]byte, 1)
		_, _ = io.ReadFull(c, answer)
		return answer[0] == 'R' // it authenticates; an 'E' while it recovers
	}
	s.Start()
	return s
}

// StartMariaDB does the same for MariaDB.
func StartMariaDB(t testing.TB) *Server {
	t.Helper()
	install := Program(t, "mariadb-install-db", "mariadb-server")
	daemon := Program(t, "mariadbd", "mariadb-server")
	dir, as := folder(t, "mysql")
	data, s := filepath.Join(dir, "data"), newServer(t)
	must(t, as(install, "--no-defaults", "--datadir="+data, "--auth-root-authentication-method=normal"))
	s.DSN = fmt.Sprintf("root@tcp(%s)/test", s.Addr)
	_, port, _ := net.SplitHostPort(s.Addr)
	s.command = func() *exec.Cmd {
		return as(daemon, "--no-defaults", "--datadir="+data, "--port="+port, "--bind-address=127.0.0.1",
			"--socket="+filepath.Join(dir, "socket"), "--innodb-buffer-pool-size=16M")
	}
	s.ready = func(c net.Conn) bool {
		hello := make([]byte, 5)
		_, _ = io.ReadFull(c, hello)
		return hello[4] == 10 // the version of the protocol
	}
	s.Start()
	return s
}

func newServer(t testing.TB) *Server {
	t.Helper()
	s := &Server{t: t, Addr: net.JoinHostPort("127.0.0.1", FreePort(t))}
	t.Cleanup(func() {
		if s.process != nil {
			s.Kill()
		}
	})
	return s
}

// folder is for a server, with what runs a program as its owner: Postgres refuses to
// run as root.
func folder(t testing.TB, owner string) (dir string, as func(program string, args ...string) *exec.Cmd) {
	t.Helper()
	dir, err := os.MkdirTemp("", "auth0kit-server")
	if err != nil {
		t.Fatal(err)
	}
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

func must(t testing.TB, cmd *exec.Cmd) {
	t.Helper()
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%s: %v: %s", cmd, err, out)
	}
}

// Start runs the server and waits until it answers.
func (s *Server) Start() {
	s.t.Helper()
	s.process = s.command()
	if err := s.process.Start(); err != nil {
		s.t.Fatal(err)
	}
	s.wait("the server answers", func() bool {
		c, err := net.DialTimeout("tcp", s.Addr, time.Second)
		if err != nil {
			return false
		}
		defer c.Close()
		return c.SetDeadline(time.Now().Add(time.Second)) == nil && s.ready(c)
	})
}

// Kill ends the server as a crash does: nothing is flushed. Postgres has a process for
// each connection, which would answer until it notices that the first one is gone: the
// first is stopped, so that it makes no more of them, and all are killed.
func (s *Server) Kill() {
	s.t.Helper()
	first := s.process.Process
	if err := first.Signal(syscall.SIGSTOP); err != nil {
		s.t.Fatal(err)
	}
	children := childrenOf(first.Pid)
	if err := first.Kill(); err != nil {
		s.t.Fatal(err)
	}
	_ = s.process.Wait() // "signal: killed"
	s.process = nil
	for _, pid := range children {
		if err := syscall.Kill(pid, syscall.SIGKILL); err != nil && !errors.Is(err, syscall.ESRCH) {
			s.t.Fatal(err)
		}
	}
	s.wait("the server's processes are gone", func() bool {
		for _, pid := range children {
			if state, _ := stat(pid); state != "" && state != "Z" {
				return false
			}
		}
		return true
	})
}

func childrenOf(parent int) (out []int) {
	folders, _ := filepath.Glob("/proc/[0-9]*") // the pattern is right
	for _, folder := range folders {
		if pid, err := strconv.Atoi(filepath.Base(folder)); err == nil {
			if _, of := stat(pid); of == parent {
				out = append(out, pid)
			}
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
	fields := strings.Fields(string(text[bytes.LastIndexByte(text, ')')+1:])) // the name may have spaces
	parent, _ = strconv.Atoi(fields[1])
	return fields[0], parent
}

// wait polls another process, on which nothing else can wait.
func (s *Server) wait(what string, f func() bool) {
	s.t.Helper()
	for range 1200 {
		if f() {
			return
		}
		time.Sleep(50 * time.Millisecond)
	}
	s.t.Fatalf("not within a minute: %s", what)
}
