package faultnet_test

import (
	"bufio"
	"net"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/auth0kit/auth0kit/internal/testing/faultnet"
)

// echo answers every line with itself.
func echo(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	t.Cleanup(func() { _ = l.Close() })
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			go func() {
				defer conn.Close()
				for lines := bufio.NewScanner(conn); lines.Scan(); {
					if _, err := conn.Write(append(lines.Bytes(), '\n')); err != nil {
						return
					}
				}
			}()
		}
	}()
	return l.Addr().String()
}

func ask(conn net.Conn) (string, error) {
	if _, err := conn.Write([]byte("hello\n")); err != nil {
		return "", err
	}
	return answer(conn, 10*time.Second)
}

func answer(conn net.Conn, patience time.Duration) (string, error) {
	if err := conn.SetReadDeadline(time.Now().Add(patience)); err != nil {
		return "", err
	}
	return bufio.NewReader(conn).ReadString('\n')
}

func TestProxy(t *testing.T) {
	t.Parallel()
	p := faultnet.New(t, echo(t))
	dial := func() net.Conn {
		conn, err := net.Dial("tcp", p.Addr())
		require.NoError(t, err)
		t.Cleanup(func() { _ = conn.Close() })
		return conn
	}
	conn := dial()
	if got, err := ask(conn); err != nil || got != "hello\n" {
		t.Fatalf("through the proxy: %q, %v", got, err)
	}
	p.Hold()
	if _, err := conn.Write([]byte("hello\n")); err != nil {
		t.Fatal(err)
	}
	if got, err := answer(conn, 50*time.Millisecond); err == nil {
		t.Fatalf("while held: %q", got)
	}
	p.Release()
	if got, err := answer(conn, 10*time.Second); err != nil || got != "hello\n" {
		t.Fatalf("after the release: %q, %v", got, err)
	}
	p.Cut()
	if got, err := ask(conn); err == nil {
		t.Fatalf("after a cut: %q", got)
	}
	if got, err := ask(dial()); err != nil || got != "hello\n" {
		t.Fatalf("a new connection: %q, %v", got, err)
	}
	p.Lose(1)
	if got, err := ask(dial()); err == nil {
		t.Fatalf("while answers are lost: %q", got)
	}
	p.Lose(0)
	p.Down(true)
	if got, err := ask(dial()); err == nil {
		t.Fatalf("while down: %q", got)
	}
	p.Down(false)
	if got, err := ask(dial()); err != nil || got != "hello\n" {
		t.Fatalf("after that: %q, %v", got, err)
	}
}
