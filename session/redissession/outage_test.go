package redissession_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/redis/rueidis"

	"github.com/auth0kit/auth0kit/internal/testing/backends"
	"github.com/auth0kit/auth0kit/internal/testing/faultnet"
	"github.com/auth0kit/auth0kit/session"
	"github.com/auth0kit/auth0kit/session/driver"
	"github.com/auth0kit/auth0kit/session/redissession"
)

// server is a Redis of the test's own, which it kills and starts again.
type server struct {
	t    *testing.T
	dir  string
	port string
	args []string
	cmd  *exec.Cmd
}

func startServer(t *testing.T, args ...string) *server {
	t.Helper()
	binary := backends.Program(t, "redis-server", "redis-server") // to kill it, and start it again
	port := backends.FreePort(t)
	s := &server{t: t, dir: t.TempDir(), port: port}
	s.args = append([]string{binary, "--port", port, "--bind", "127.0.0.1", "--dir", s.dir, "--logfile", filepath.Join(s.dir, "log")}, args...)
	s.start()
	t.Cleanup(s.kill)
	return s
}

func (s *server) addr() string { return net.JoinHostPort("127.0.0.1", s.port) }

func (s *server) start() {
	s.t.Helper()
	s.cmd = exec.Command(s.args[0], s.args[1:]...)
	if err := s.cmd.Start(); err != nil {
		s.t.Fatal(err)
	}
	for deadline := time.Now().Add(20 * time.Second); ; time.Sleep(20 * time.Millisecond) {
		if s.ready() {
			return
		}
		if time.Now().After(deadline) {
			s.t.Fatal("redis-server does not answer within 20 s")
		}
	}
}

// ready asks as a new client would: a server that loads its data refuses.
func (s *server) ready() bool {
	client, err := rueidis.NewClient(rueidis.ClientOption{InitAddress: []string{s.addr()}})
	if err != nil {
		return false
	}
	defer client.Close()
	return client.Do(context.Background(), client.B().Dbsize().Build()).Error() == nil
}

// kill is kill -9: nothing is saved that was not.
func (s *server) kill() {
	if s.cmd == nil {
		return
	}
	_ = s.cmd.Process.Kill()
	_ = s.cmd.Wait()
	s.cmd = nil
}

// save writes a snapshot of what is there now.
func (s *server) save(client rueidis.Client) {
	s.t.Helper()
	if err := client.Do(s.t.Context(), client.B().Arbitrary("SAVE").Build()).Error(); err != nil {
		s.t.Fatal(err)
	}
}

func manager(t *testing.T, store driver.Store, cfg session.Config) *session.Manager {
	t.Helper()
	m, err := session.New(store, cfg)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// logins are sessions of so many users; every second one will be revoked.
func logins(t *testing.T, m *session.Manager, n int) []session.Token {
	t.Helper()
	tokens := make([]session.Token, n)
	for i := range tokens {
		var err error
		if tokens[i], _, err = m.Create(t.Context(), session.Login{UserID: fmt.Sprintf("auth0|%d", i), SID: fmt.Sprintf("s%d", i)}); err != nil {
			t.Fatal(err)
		}
	}
	return tokens
}

func revokeEverySecond(t *testing.T, m *session.Manager, tokens []session.Token) {
	t.Helper()
	for i := 0; i < len(tokens); i += 2 {
		if err := m.Revoke(t.Context(), tokens[i]); err != nil {
			t.Fatal(err)
		}
	}
}

func gone(err error) bool {
	return errors.Is(err, driver.ErrNone) || errors.Is(err, driver.ErrRevoked) || errors.Is(err, driver.ErrExpired)
}

// eventually tries until a client has noticed that its server is back.
func eventually(t *testing.T, f func() error) {
	t.Helper()
	var err error
	for range 200 {
		if err = f(); !errors.Is(err, session.ErrUnavailable) {
			break
		}
		time.Sleep(20 * time.Millisecond)
	}
	if err != nil {
		t.Fatal(err)
	}
}

// TestRestart kills a Redis that is configured as the package asks: nothing that
// was answered is lost, so the living live and the revoked are dead.
func TestRestart(t *testing.T) {
	t.Parallel()
	s := startServer(t, "--save", "", "--appendonly", "yes", "--appendfsync", "always")
	m := manager(t, open(t, dial(t, s.addr()), redissession.Config{}), session.Config{})
	tokens := logins(t, m, 40)
	revokeEverySecond(t, m, tokens)
	s.kill()
	for _, token := range tokens {
		if _, err := m.Validate(t.Context(), token); !errors.Is(err, session.ErrUnavailable) {
			t.Fatalf("Validate without Redis = %v; it must not say yes, nor that there is no session", err)
		}
	}
	if err := m.Revoke(t.Context(), tokens[1]); !errors.Is(err, session.ErrUnavailable) {
		t.Fatalf("Revoke without Redis = %v; it has not happened", err)
	}
	s.start()
	eventually(t, func() error { _, err := m.Validate(t.Context(), tokens[1]); return err })
	for i, token := range tokens {
		if _, err := m.Validate(t.Context(), token); i%2 == 0 && !gone(err) || i%2 == 1 && err != nil {
			t.Fatalf("session %d after the restart: %v", i, err)
		}
	}
}

// TestOldSnapshot kills a Redis with the defaults of many installations: it comes
// back with a snapshot in which the revoked sessions are alive.
func TestOldSnapshot(t *testing.T) {
	t.Parallel()
	user := func(i int) string { return fmt.Sprintf("auth0|%d", i) }
	for verb, revoke := range map[string]func(m *session.Manager, tokens []session.Token, i int) error{
		"Revoke": func(m *session.Manager, tokens []session.Token, i int) error { return m.Revoke(t.Context(), tokens[i]) },
		"RevokeID": func(m *session.Manager, tokens []session.Token, i int) error {
			s, err := m.Validate(t.Context(), tokens[i])
			return errors.Join(err, m.RevokeID(t.Context(), user(i), s.ID))
		},
		"RevokeUser": func(m *session.Manager, _ []session.Token, i int) error { return m.RevokeUser(t.Context(), user(i)) },
		"RevokeSID": func(m *session.Manager, _ []session.Token, i int) error {
			return m.RevokeSID(t.Context(), fmt.Sprintf("s%d", i))
		},
		"RevokeEveryone": func(m *session.Manager, _ []session.Token, i int) error {
			if i > 0 {
				return nil
			}
			return m.RevokeEveryone(t.Context())
		},
		"Logout": func(m *session.Manager, tokens []session.Token, i int) error {
			web, err := session.NewHTTP(m, session.HTTPConfig{})
			if err != nil {
				return err
			}
			r := httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/logout", nil)
			r.AddCookie(&http.Cookie{Name: "__Host-session", Value: string(tokens[i])})
			return web.Logout(httptest.NewRecorder(), r)
		},
	} {
		t.Run(verb, func(t *testing.T) {
			t.Parallel()
			oldSnapshot(t, func(m *session.Manager, tokens []session.Token) {
				for i := 0; i < len(tokens); i += 2 {
					if err := revoke(m, tokens, i); err != nil {
						t.Fatal(err)
					}
				}
			})
		})
	}
}

// oldSnapshot revokes every second session behind the back of a snapshot.
func oldSnapshot(t *testing.T, revoke func(m *session.Manager, tokens []session.Token)) {
	s := startServer(t, "--save", "", "--appendonly", "no")
	client := dial(t, s.addr())
	cfg := redissession.Config{Prefix: "p"}
	m := manager(t, open(t, client, cfg), session.Config{})
	tokens := logins(t, m, 40)
	s.save(client)
	revoke(m, tokens)
	s.kill()
	s.start()
	eventually(t, func() error { _, _, err := m.Create(t.Context(), session.Login{UserID: "someone else"}); return err })
	for i := 0; i < len(tokens); i += 2 {
		eventually(t, func() error { // each connection breaks once
			_, err := m.Validate(t.Context(), tokens[i])
			if gone(err) {
				return nil
			}
			if err == nil {
				t.Fatalf("revoked session %d came back with the snapshot", i)
			}
			return err
		})
	}
	// What one process has found out holds for all.
	other := manager(t, open(t, dial(t, s.addr()), cfg), session.Config{})
	for i := 0; i < len(tokens); i += 2 {
		if _, err := other.Validate(t.Context(), tokens[i]); !gone(err) {
			t.Fatalf("revoked session %d lives in another process: %v", i, err)
		}
	}
	token, _, err := m.Create(t.Context(), session.Login{UserID: "auth0|0", AuthTime: time.Now().Add(time.Minute)}) // life goes on
	if err != nil {
		t.Fatal(err)
	}
	if _, err := other.Validate(t.Context(), token); err != nil {
		t.Fatal(err)
	}
}

// TestEmptyRestart kills a Redis without any persistence.
func TestEmptyRestart(t *testing.T) {
	t.Parallel()
	s := startServer(t, "--save", "", "--appendonly", "no")
	m := manager(t, open(t, dial(t, s.addr()), redissession.Config{}), session.Config{})
	tokens := logins(t, m, 10)
	revokeEverySecond(t, m, tokens)
	s.kill()
	s.start()
	var fresh session.Token
	eventually(t, func() (err error) {
		fresh, _, err = m.Create(t.Context(), session.Login{UserID: "auth0|0"})
		return err
	})
	for i, token := range tokens {
		if _, err := m.Validate(t.Context(), token); !gone(err) {
			t.Fatalf("session %d after everything was lost: %v", i, err)
		}
	}
	if _, err := m.Validate(t.Context(), fresh); err != nil {
		t.Fatalf("the first login after the restart: %v", err)
	}
}

// TestCutNetwork loses answers and connections at random while sessions are used
// and revoked. Whatever Revoke has said yes to is dead, and stays dead.
func TestCutNetwork(t *testing.T) {
	t.Parallel()
	for name, opener := range openers {
		t.Run(name, func(t *testing.T) { t.Parallel(); cutNetwork(t, opener) })
	}
}

func cutNetwork(t *testing.T, opener func(testing.TB, string, redissession.Config) *redissession.Store) {
	addr := backends.Redis(t)
	proxy := faultnet.New(t, addr)
	cfg := redissession.Config{Prefix: fmt.Sprintf("cut%d", rand.Int64())}
	direct := manager(t, opener(t, addr, cfg), session.Config{TouchEvery: time.Millisecond})
	behind := manager(t, opener(t, proxy.Addr(), cfg), session.Config{TouchEvery: time.Millisecond})
	tokens := logins(t, direct, 120)
	proxy.Lose(0.2)
	var wg sync.WaitGroup
	for i, token := range tokens {
		wg.Go(func() { abuse(t, proxy, behind, direct, token, i) })
	}
	wg.Wait()
	proxy.Lose(0)
	for i, token := range tokens {
		if _, err := direct.Validate(t.Context(), token); i%2 == 0 && !gone(err) || i%2 == 1 && err != nil {
			t.Errorf("session %d: %v", i, err)
		}
	}
}

// abuse uses one session over the bad network, and revokes it if its number is even.
func abuse(t *testing.T, proxy *faultnet.Proxy, behind, direct *session.Manager, token session.Token, i int) {
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	for range 5 {
		if _, err := behind.Validate(ctx, token); err != nil && !errors.Is(err, session.ErrUnavailable) {
			t.Errorf("session %d over a bad network: %v", i, err)
		}
	}
	if i%10 == 5 {
		proxy.Cut()
	}
	if i%2 == 1 {
		return
	}
	for {
		err := behind.Revoke(ctx, token)
		if err == nil {
			break
		}
		if !errors.Is(err, session.ErrUnavailable) || ctx.Err() != nil {
			t.Errorf("Revoke over a bad network: %v", err)
			return
		}
	}
	if _, err := direct.Validate(ctx, token); !gone(err) {
		t.Errorf("Revoke has said that session %d is dead, and it is not: %v", i, err)
	}
	if _, err := behind.Validate(ctx, token); !gone(err) && !errors.Is(err, session.ErrUnavailable) {
		t.Errorf("session %d after Revoke: %v", i, err)
	}
}

// TestHang holds all answers: a call ends with its context, and is no.
func TestHang(t *testing.T) {
	t.Parallel()
	for name, opener := range openers {
		t.Run(name, func(t *testing.T) { t.Parallel(); hang(t, opener) })
	}
}

func hang(t *testing.T, opener func(testing.TB, string, redissession.Config) *redissession.Store) {
	proxy := faultnet.New(t, backends.Redis(t))
	store := opener(t, proxy.Addr(), redissession.Config{Prefix: fmt.Sprintf("hang%d", rand.Int64())})
	m := manager(t, store, session.Config{AllowStaleReads: time.Minute})
	token, _, err := m.Create(t.Context(), session.Login{UserID: "auth0|1"})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := m.Validate(t.Context(), token); err != nil {
		t.Fatal(err)
	}
	proxy.Hold()
	ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	_, err = m.Validate(ctx, token)
	late := errors.Is(err, context.DeadlineExceeded) || errors.Is(err, os.ErrDeadlineExceeded)
	if !errors.Is(err, session.ErrUnavailable) || !late {
		t.Fatalf("Validate = %v, want ErrUnavailable and why", err)
	}
	// For reads, if that was asked for, what was valid a moment ago is.
	s, err := m.Validate(session.Reading(ctx), token)
	if err != nil || !s.Stale {
		t.Fatalf("Validate of a read = %+v, %v", s, err)
	}
	// What this process revokes meanwhile is not, although Redis has not heard.
	if err := m.Revoke(ctx, token); !errors.Is(err, session.ErrUnavailable) {
		t.Fatalf("Revoke = %v", err)
	}
	if _, err := m.Validate(session.Reading(ctx), token); !errors.Is(err, session.ErrUnavailable) {
		t.Fatalf("Validate of a read after Revoke = %v", err)
	}
}
