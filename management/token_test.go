package management

import (
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/rsa"
	"encoding/base64"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/auth0kit/auth0kit/management/resource"
)

func (s *script) issued() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.tokens
}

// A run that is longer than a token's life gets the next one in time.
func TestTokenExpiry(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := newScript(t)
		s.expires = 10 * time.Minute
		issuedAt := map[string]time.Time{}
		s.handle("DELETE users/{id}", func(w http.ResponseWriter, r *http.Request) {
			token := r.Header.Get("Authorization")
			if issuedAt[token].IsZero() {
				issuedAt[token] = time.Now()
			}
			if time.Since(issuedAt[token]) >= 10*time.Minute {
				fail(w, 401, "Expired token received for JSON Web Token validation", "")
				return
			}
			w.WriteHeader(204)
		})
		c := s.client()
		for range 60 {
			require.NoError(t, c.DeleteUser(t.Context(), "auth0|1"))
			time.Sleep(30 * time.Second)
		}
		if got := s.issued(); got != 4 { // 30 minutes at 9.
			t.Errorf("%d tokens", got)
		}
		if got := len(s.asked()); got != 60 {
			t.Errorf("%d calls: some met an expired token", got)
		}
	})
}

// A token that dies early is replaced once, also for a POST: 401 is refused
// before processing.
func TestUnauthorizedOnce(t *testing.T) {
	t.Parallel()
	s := newScript(t)
	s.handle("POST users", func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Authorization") != "Bearer token-2" {
			fail(w, 401, "Invalid token", "")
			return
		}
		reply(w, 201, map[string]any{"user_id": "auth0|1"})
	})
	s.handle("DELETE users/{id}", func(w http.ResponseWriter, r *http.Request) { fail(w, 401, "Invalid token", "") })
	c := s.client()
	if _, err := c.CreateUser(t.Context(), resource.NewUser{User: resource.User{Connection: "Users"}}); err != nil {
		t.Fatal(err)
	}
	if got := s.issued(); got != 2 {
		t.Errorf("%d tokens", got)
	}
	err := c.DeleteUser(t.Context(), "auth0|1")
	if e, ok := errors.AsType[*Error](err); !ok || !errors.Is(err, ErrUnauthorized) || e.Op != "delete user" {
		t.Errorf("err = %v", err)
	}
	if got := s.asked(); len(got) != 4 || s.issued() != 3 {
		t.Errorf("calls %q, %d tokens", got, s.issued())
	}
}

func TestOneTokenForAll(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var fetches atomic.Int32
		s := newScript(t)
		s.handle("DELETE users/{id}", func(w http.ResponseWriter, r *http.Request) { w.WriteHeader(204) })
		c, err := New(Config{Domain: testDomain, HTTPClient: &http.Client{Transport: serve(s.mux)},
			Token: func(ctx context.Context) (string, error) {
				fetches.Add(1)
				select {
				case <-time.After(5 * time.Second):
					return "t", nil
				case <-ctx.Done():
					return "", ctx.Err()
				}
			}})
		require.NoError(t, err)
		// The one who began the fetch leaves; the others still get its token.
		impatient, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		var wg sync.WaitGroup
		wg.Go(func() {
			if err := c.DeleteUser(impatient, "auth0|0"); !errors.Is(err, context.DeadlineExceeded) || errors.Is(err, ErrOutcomeUnknown) {
				t.Errorf("err = %v", err)
			}
		})
		synctest.Wait()
		for range 63 {
			wg.Go(func() {
				assert.NoError(t, c.DeleteUser(t.Context(), "auth0|1"))
			})
		}
		wg.Wait()
		if fetches.Load() != 1 || len(s.asked()) != 63 {
			t.Errorf("%d fetches, %d calls", fetches.Load(), len(s.asked()))
		}
	})
}

// A fetch that nobody waits for any more ends.
func TestAbandonedFetchEnds(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		ended := make(chan struct{})
		c, err := New(Config{Domain: testDomain, Token: func(ctx context.Context) (string, error) {
			<-ctx.Done()
			close(ended)
			return "", ctx.Err()
		}})
		require.NoError(t, err)
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		err = c.DeleteUser(ctx, "auth0|1")
		if e, ok := errors.AsType[*Error](err); !ok || e.Op != "token" || !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("err = %v", err)
		}
		<-ended
	})
}

func TestWrongSecret(t *testing.T) {
	t.Parallel()
	s := newScript(t)
	c := s.client(func(cfg *Config) { cfg.ClientSecret = "wrong" })
	err := c.DeleteUser(t.Context(), "auth0|1")
	e, ok := errors.AsType[*Error](err)
	if !ok || e.Op != "token" || !errors.Is(err, ErrUnauthorized) || e.StatusCode != 401 || e.Code != "access_denied" {
		t.Fatalf("err = %#v", err)
	}
	if strings.Contains(err.Error(), "example.com") || strings.Contains(e.Message, "example.com") {
		t.Errorf("the error echoes the answer: %v", err)
	}
	if s.issued() != 1 || len(s.asked()) != 0 {
		t.Errorf("%d token calls, calls %q", s.issued(), s.asked())
	}
}

// A token endpoint that fails for a moment costs a moment.
func TestTokenEndpointFails(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := newScript(t)
		s.handle("DELETE users/{id}", func(w http.ResponseWriter, r *http.Request) { w.WriteHeader(204) })
		var tries int
		through := serve(s.mux)
		c := s.client(func(cfg *Config) {
			cfg.HTTPClient = &http.Client{Transport: roundTripper(func(req *http.Request) (*http.Response, error) {
				if req.URL.Path == "/oauth/token" {
					if tries++; tries == 1 {
						return nil, errors.New("cut: https://tenant.eu.auth0.com")
					} else if tries == 2 {
						return answerOf(req, 503, "client@example.com"), nil
					}
				}
				return through(req)
			})}
		})
		if err := c.DeleteUser(t.Context(), "auth0|1"); err != nil || tries != 3 {
			t.Errorf("err = %v after %d tries", err, tries)
		}
	})
}

func TestTokenErrors(t *testing.T) {
	t.Parallel()
	cases := []struct {
		name   string
		status int
		body   string
		want   error
		not    error
	}{
		{"no grant", 403, `{"error":"access_denied","error_description":"Client is not authorized to access \"https://tenant/api/v2/\""}`, ErrUnauthorized, nil},
		{"bad request", 400, `{"error":"invalid_request ada@example.com"}`, ErrUnauthorized, nil},
		{"limited", 429, `{"error":"too_many_requests"}`, ErrRateLimited, ErrUnauthorized},
		{"down", 503, `<html>ada@example.com</html>`, ErrUnavailable, ErrUnauthorized},
		{"not Auth0", 200, `<html>https://login.example</html>`, nil, nil},
	}
	for _, tc := range cases {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				c, err := New(Config{Domain: testDomain, ClientID: "c", ClientSecret: "s",
					HTTPClient: &http.Client{Transport: roundTripper(func(req *http.Request) (*http.Response, error) {
						return answerOf(req, tc.status, tc.body), nil
					})}})
				require.NoError(t, err)
				err = c.DeleteUser(t.Context(), "auth0|1")
				e, ok := errors.AsType[*Error](err)
				if !ok || e.Op != "token" || tc.want != nil && !errors.Is(err, tc.want) || tc.not != nil && errors.Is(err, tc.not) {
					t.Errorf("err = %v", err)
				}
				checkSilent(t, err)
			})
		})
	}
}

func TestTokenFunc(t *testing.T) {
	t.Parallel()
	s := newScript(t)
	s.handle("DELETE users/{id}", func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Authorization") == "Bearer first" {
			fail(w, 401, "Invalid token", "")
			return
		}
		w.WriteHeader(204)
	})
	var asked int
	c := s.client(func(cfg *Config) {
		cfg.ClientID, cfg.ClientSecret = "", ""
		cfg.Token = func(context.Context) (string, error) {
			asked++
			switch asked {
			case 1:
				return "first", nil
			case 2:
				return "second", nil
			}
			return "", errors.New("vault https://vault.example: ada@example.com")
		}
	})
	for range 3 {
		require.NoError(t, c.DeleteUser(t.Context(), "auth0|1"))
	}
	if asked != 2 {
		t.Errorf("asked %d times", asked)
	}
	c.tokens.reject("second")
	err := c.DeleteUser(t.Context(), "auth0|1")
	if e, ok := errors.AsType[*Error](err); !ok || e.Op != "token" || !errors.Is(err, ErrUnauthorized) {
		t.Errorf("err = %v", err)
	}
	checkSilent(t, err)
}

func jwt(claims string) string {
	return "e30." + base64.RawURLEncoding.EncodeToString([]byte(claims)) + ".x"
}

func TestParseToken(t *testing.T) {
	t.Parallel()
	g := parse(jwt(fmt.Sprintf(`{"exp":%d,"scope":"read:users create:users"}`, time.Now().Add(time.Hour).Unix())))
	if !g.scoped || len(g.scopes) != 2 || !g.fresh(time.Now()) || g.fresh(time.Now().Add(59*time.Minute+30*time.Second)) || !g.good(time.Now().Add(59*time.Minute)) {
		t.Errorf("grant = %+v", g)
	}
	for _, odd := range []string{"opaque", "a.b.c", jwt(`[]`), jwt(`{"exp":"x"}`), jwt(`{"exp":1e300}`)} {
		if g := parse(odd); g.token != odd || !g.fresh(time.Now()) {
			t.Errorf("parse(%q) = %+v", odd, g)
		}
	}
}

func TestCheck(t *testing.T) {
	t.Parallel()
	s := newScript(t)
	s.handle("GET users/{id}", func(w http.ResponseWriter, r *http.Request) {
		fail(w, 404, "The user does not exist.", "inexistent_user")
	})
	c := s.client()
	assert.NoError(t, c.Check(t.Context(), "read:users", "create:users"))
	err := c.Check(t.Context(), "read:users", "delete:users", "read:logs")
	if !errors.Is(err, ErrForbidden) || !strings.Contains(err.Error(), "delete:users, read:logs") {
		t.Errorf("err = %v", err)
	}
	if err := s.client(func(cfg *Config) { cfg.ClientSecret = "wrong" }).Check(t.Context()); !errors.Is(err, ErrUnauthorized) {
		t.Errorf("err = %v", err)
	}
	// The API refuses what the token endpoint gave: another audience.
	other := newScript(t)
	other.handle("GET users/{id}", func(w http.ResponseWriter, r *http.Request) { fail(w, 401, "Invalid token", "") })
	if err := other.client().Check(t.Context(), "read:users"); !errors.Is(err, ErrUnauthorized) {
		t.Errorf("err = %v", err)
	}
}

func TestPrivateKey(t *testing.T) {
	t.Parallel()
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	require.NoError(t, err)
	var form map[string][]string
	c, err := New(Config{Domain: testDomain, ClientID: "client", PrivateKey: key,
		HTTPClient: &http.Client{Transport: roundTripper(func(req *http.Request) (*http.Response, error) {
			if req.URL.Path == "/oauth/token" {
				req.ParseForm()
				form = req.PostForm
				return answerOf(req, 200, `{"access_token":"t","expires_in":60}`), nil
			}
			return answerOf(req, 204, ""), nil
		})}})
	require.NoError(t, err)
	require.NoError(t, c.DeleteUser(t.Context(), "auth0|1"))
	if strings.Count(form["client_assertion"][0], ".") != 2 || form["audience"][0] != "https://tenant.eu.auth0.com/api/v2/" || form["client_secret"] != nil {
		t.Errorf("form = %v", form)
	}
}

func TestConfig(t *testing.T) {
	t.Parallel()
	_, edwards, err := ed25519.GenerateKey(rand.Reader)
	require.NoError(t, err)
	token := func(context.Context) (string, error) { return "t", nil }
	cases := []struct {
		name string
		cfg  Config
		want string
	}{
		{"nothing", Config{}, "Config.Domain must be a domain, such as"},
		{"path", Config{Domain: "tenant.eu.auth0.com/api/v2"}, "Config.Domain must be a domain, such as"},
		{"http", Config{Domain: "http://tenant.eu.auth0.com"}, "Config.Domain must be a domain, such as"},
		{"no credentials", Config{Domain: testDomain}, "Config.ClientID and the other credentials are empty"},
		{"no secret", Config{Domain: testDomain, ClientID: "c"}, "Config.ClientSecret is empty; set it, or PrivateKey"},
		{"no id", Config{Domain: testDomain, ClientSecret: "s"}, "Config.ClientID is empty"},
		{"two kinds", Config{Domain: testDomain, ClientID: "c", ClientSecret: "s", Token: token}, "Config.Token excludes"},
		{"secret and key", Config{Domain: testDomain, ClientID: "c", ClientSecret: "s", PrivateKey: edwards}, "Config.ClientSecret and PrivateKey are both set"},
		{"Ed25519", Config{Domain: testDomain, ClientID: "c", PrivateKey: edwards}, "Config.PrivateKey cannot be used: the key must be RSA or ECDSA"},
		{"audience", Config{Domain: testDomain, Token: token, Audience: " x"}, "Config.Audience has spaces"},
		{"budget", Config{Domain: testDomain, Token: token, Budget: 80}, "Config.Budget must be above 0 and at most 1"},
	}
	for _, tc := range cases {
		_, err := New(tc.cfg)
		if err == nil || !strings.HasPrefix(err.Error(), "management: "+tc.want) {
			t.Errorf("%s: err = %v", tc.name, err)
		}
	}
	for domain, audience := range map[string]string{
		testDomain: "https://tenant.eu.auth0.com/api/v2/", "https://Tenant.eu.auth0.com/": "https://tenant.eu.auth0.com/api/v2/",
		"[::1]:443": "https://[::1]/api/v2/", "http://localhost:8080": "http://localhost:8080/api/v2/",
	} {
		c, err := New(Config{Domain: domain, Token: token})
		if assert.NoError(t, err, domain) {
			assert.Equal(t, audience, c.cfg.Audience)
			assert.Equal(t, audience+"users", c.sdk.URI("users"))
		}
	}
}
