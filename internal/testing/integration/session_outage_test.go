package integration

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net/url"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/auth0kit/auth0kit/internal/testing/backends"
	"github.com/auth0kit/auth0kit/internal/testing/faultnet"
	"github.com/auth0kit/auth0kit/session"
	"github.com/auth0kit/auth0kit/session/sqlsession"
)

// sessionBehindProxy is one database twice: directly, and over a bad network.
type sessionBehindProxy struct {
	product        product
	db             *sql.DB // direct
	name           string  // of the connections behind the proxy: application_name, or the user in MariaDB
	proxy          *faultnet.Proxy
	direct, behind *session.Manager
}

func openSessionBehindProxy(t *testing.T, p product) *sessionBehindProxy {
	t.Helper()
	s := &sessionBehindProxy{product: p, db: p.open(t), name: uniqueName()}
	var bad *sql.DB
	if p.dialect == sqlsession.Postgres {
		bad = s.openPostgres(t)
	} else {
		bad = s.openMariaDB(t)
	}
	behind, err := sqlsession.New(bad, p.dialect, sqlsession.Config{})
	require.NoError(t, err)
	cfg := session.Config{TouchEvery: time.Millisecond}
	s.direct, err = session.New(openSQLSession(t, s.db, p.dialect, ""), cfg)
	require.NoError(t, err)
	s.behind, err = session.New(behind, cfg)
	require.NoError(t, err)
	return s
}

func (s *sessionBehindProxy) openPostgres(t *testing.T) *sql.DB {
	u, err := url.Parse(backends.Postgres(t))
	require.NoError(t, err)
	s.proxy = faultnet.New(t, u.Host)
	u.Host = s.proxy.Addr()
	query := u.Query()
	query.Set("search_path", one[string](t, s.db, "SELECT current_schema()"))
	query.Set("application_name", s.name)
	u.RawQuery = query.Encode()
	return open(t, "pgx", u.String())
}

func (s *sessionBehindProxy) openMariaDB(t *testing.T) *sql.DB {
	u, err := url.Parse(backends.MySQL(t))
	require.NoError(t, err)
	s.proxy = faultnet.New(t, u.Host)
	database := one[string](t, s.db, "SELECT database()")
	mustExec(t, s.db, "CREATE USER "+s.name)
	mustExec(t, s.db, "GRANT ALL ON "+database+".* TO "+s.name)
	t.Cleanup(func() { mustExec(t, s.db, "DROP USER "+s.name) })
	return open(t, "mysql", s.name+"@tcp("+s.proxy.Addr()+")/"+database)
}

func one[T any](t *testing.T, db *sql.DB, query string, args ...any) (v T) {
	t.Helper()
	require.NoError(t, db.QueryRowContext(t.Context(), query, args...).Scan(&v))
	return v
}

// terminate ends the connections behind the proxy from the server's side.
func (s *sessionBehindProxy) terminate(t *testing.T) {
	query := "KILL USER " + s.name
	if s.product.dialect == sqlsession.Postgres {
		query = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = '" + s.name + "'"
	}
	_, err := s.db.Exec(query)
	assert.NoError(t, err)
}

func sessionGone(err error) bool {
	return errors.Is(err, session.ErrNone) || errors.Is(err, session.ErrRevoked) || errors.Is(err, session.ErrExpired)
}

func sessionLogins(t *testing.T, m *session.Manager, n int) []session.Token {
	t.Helper()
	tokens := make([]session.Token, n)
	for i := range tokens {
		var err error
		if tokens[i], _, err = m.Create(t.Context(), session.Login{UserID: fmt.Sprintf("auth0|%d", i)}); err != nil {
			t.Fatal(err)
		}
	}
	return tokens
}

// TestSessionDown takes the database away and gives it back.
func TestSessionDown(t *testing.T) {
	t.Parallel()
	onEachOf(t, servers, testSessionDown)
}

func testSessionDown(t *testing.T, p product) {
	s := openSessionBehindProxy(t, p)
	tokens := sessionLogins(t, s.behind, 10)
	if err := s.behind.Revoke(t.Context(), tokens[0]); err != nil {
		t.Fatal(err)
	}
	s.proxy.Down(true)
	for _, token := range tokens {
		if _, err := s.behind.Validate(t.Context(), token); !errors.Is(err, session.ErrUnavailable) {
			t.Fatalf("Validate without a database = %v", err)
		}
	}
	if err := s.behind.Revoke(t.Context(), tokens[1]); !errors.Is(err, session.ErrUnavailable) {
		t.Fatalf("Revoke without a database = %v", err)
	}
	s.proxy.Down(false)
	s.terminate(t)
	for i, token := range tokens {
		if _, err := s.behind.Validate(t.Context(), token); i == 0 && !sessionGone(err) || i > 0 && err != nil {
			t.Fatalf("session %d afterwards: %v", i, err)
		}
	}
}

// TestSessionRestart kills the server without a chance to flush, and starts it
// again: what was revoked stays so, and everybody else is still there.
func TestSessionRestart(t *testing.T) {
	t.Parallel()
	onEachOf(t, servers, testSessionRestart)
}

func testSessionRestart(t *testing.T, p product) {
	server, driver := (*backends.Server)(nil), "pgx"
	if p.dialect == sqlsession.Postgres {
		server = backends.StartPostgres(t)
	} else {
		server, driver = backends.StartMariaDB(t), "mysql"
	}
	store := openSQLSession(t, open(t, driver, server.DSN), p.dialect, "")
	m, err := session.New(store, session.Config{TouchEvery: time.Millisecond})
	if err != nil {
		t.Fatal(err)
	}
	tokens := sessionLogins(t, m, 10)
	if err := m.Revoke(t.Context(), tokens[0]); err != nil {
		t.Fatal(err)
	}
	if err := m.RevokeUser(t.Context(), "auth0|1"); err != nil {
		t.Fatal(err)
	}
	server.Kill()
	for _, token := range tokens {
		if _, err := m.Validate(t.Context(), token); !errors.Is(err, session.ErrUnavailable) {
			t.Fatalf("Validate without a server = %v", err)
		}
	}
	server.Start()
	for i, token := range tokens {
		_, err := m.Validate(t.Context(), token)
		if errors.Is(err, session.ErrUnavailable) { // a pooled connection of the old server
			_, err = m.Validate(t.Context(), token)
		}
		if i < 2 && !sessionGone(err) || i >= 2 && err != nil {
			t.Errorf("session %d after the restart: %v", i, err)
		}
	}
}

// TestSessionHang holds all answers: a call ends with its context.
func TestSessionHang(t *testing.T) {
	t.Parallel()
	onEachOf(t, servers, testSessionHang)
}

func testSessionHang(t *testing.T, p product) {
	s := openSessionBehindProxy(t, p)
	token := sessionLogins(t, s.behind, 1)[0]
	s.proxy.Hold()
	ctx, cancel := context.WithTimeout(t.Context(), 200*time.Millisecond)
	defer cancel()
	if _, err := s.behind.Validate(ctx, token); !errors.Is(err, session.ErrUnavailable) {
		t.Fatalf("Validate = %v", err)
	}
}

// TestSessionCut loses answers, cuts connections and ends backends at random while
// sessions are used and revoked. What Revoke has said yes to is dead.
func TestSessionCut(t *testing.T) {
	t.Parallel()
	onEachOf(t, servers, testSessionCut)
}

func testSessionCut(t *testing.T, p product) {
	s := openSessionBehindProxy(t, p)
	tokens := sessionLogins(t, s.direct, 60)
	s.proxy.Lose(0.1)
	var wg sync.WaitGroup
	for i, token := range tokens {
		wg.Go(func() { s.abuse(t, token, i) })
	}
	wg.Wait()
	s.proxy.Lose(0)
	for i, token := range tokens {
		if _, err := s.direct.Validate(t.Context(), token); i%2 == 0 && !sessionGone(err) || i%2 == 1 && err != nil {
			t.Errorf("session %d: %v", i, err)
		}
	}
}

func (s *sessionBehindProxy) abuse(t *testing.T, token session.Token, i int) {
	ctx, cancel := context.WithTimeout(t.Context(), 60*time.Second)
	defer cancel()
	for range 3 {
		if _, err := s.behind.Validate(ctx, token); err != nil && !errors.Is(err, session.ErrUnavailable) {
			t.Errorf("session %d over a bad network: %v", i, err)
		}
	}
	switch i % 20 {
	case 5:
		s.proxy.Cut()
	case 15:
		s.terminate(t)
	}
	if i%2 == 1 {
		return
	}
	for {
		err := s.behind.Revoke(ctx, token)
		if err == nil {
			break
		}
		if !errors.Is(err, session.ErrUnavailable) || ctx.Err() != nil {
			t.Errorf("Revoke over a bad network: %v", err)
			return
		}
	}
	if _, err := s.direct.Validate(ctx, token); !sessionGone(err) {
		t.Errorf("Revoke has said that session %d is dead, and it is not: %v", i, err)
	}
}
