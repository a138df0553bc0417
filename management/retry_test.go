package management

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/auth0kit/auth0kit/management/resource"
)

func cut(err error) func(*http.Request) (*http.Response, error) {
	return func(*http.Request) (*http.Response, error) { return nil, err }
}

// flaky answers from a list; its last entry stays.
type flaky struct {
	answers []func(*http.Request) (*http.Response, error)
	bodies  []string
}

func (f *flaky) RoundTrip(req *http.Request) (*http.Response, error) {
	body, _ := io.ReadAll(req.Body)
	f.bodies = append(f.bodies, string(body))
	answer := f.answers[min(len(f.bodies), len(f.answers))-1]
	return answer(req)
}

func (f *flaky) client(t *testing.T) *Client {
	t.Helper()
	c, err := New(Config{
		Domain: testDomain, HTTPClient: &http.Client{Transport: f},
		Token: func(context.Context) (string, error) { return "t", nil },
	})
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func code(n int, header ...string) func(*http.Request) (*http.Response, error) {
	return func(req *http.Request) (*http.Response, error) { return status(n, header...)(req), nil }
}

func list(a ...func(*http.Request) (*http.Response, error)) *flaky { return &flaky{answers: a} }

// truncated is an answer that breaks off.
func truncated(n int) func(*http.Request) (*http.Response, error) {
	return func(req *http.Request) (*http.Response, error) {
		resp := answerOf(req, n, "")
		resp.Body = io.NopCloser(io.MultiReader(strings.NewReader(`{"user_id":"au`), iotestErr{}))
		return resp, nil
	}
}

type iotestErr struct{}

func (iotestErr) Read([]byte) (int, error) { return 0, io.ErrUnexpectedEOF }

// repetition is a call, the answers that it meets, and what becomes of it.
type repetition struct {
	name    string
	call    func(*Client, context.Context) error
	answers []func(*http.Request) (*http.Response, error)
	calls   int
	want    []error // Nothing: success.
	not     error
}

func repetitions() []repetition {
	reset := &net.OpError{Op: "read", Err: syscall.ECONNRESET}
	refused := &net.OpError{Op: "dial", Err: syscall.ECONNREFUSED}
	get := func(c *Client, ctx context.Context) error { _, err := c.User(ctx, "auth0|1"); return err }
	post := func(c *Client, ctx context.Context) error {
		_, err := c.CreateUser(ctx, resource.NewUser{User: resource.User{Connection: "Users", Email: "ada@example.com"}})
		return err
	}
	marked := func(c *Client, ctx context.Context) error { return post(c, Idempotent(ctx)) }
	patch := func(c *Client, ctx context.Context) error {
		_, err := c.UpdateUser(ctx, "auth0|1", resource.UserPatch{Name: new("Ada")})
		return err
	}
	remove := func(c *Client, ctx context.Context) error { return c.DeleteUser(ctx, "auth0|1") }
	leave := func(c *Client, ctx context.Context) error { return c.RemoveMembers(ctx, "org_1", "auth0|1", "auth0|2") }
	members := func(c *Client, ctx context.Context) error { return c.AddMembers(ctx, "org_1", "auth0|1") }
	ok := code(200)
	return []repetition{
		{"GET, cut", get, list(cut(reset), ok).answers, 2, nil, nil},
		{"GET, 500 and 503", get, list(code(500), code(503), ok).answers, 3, nil, nil},
		{"GET, 408", get, list(code(408), ok).answers, 2, nil, nil},
		{"GET, broken off", get, list(truncated(200), ok).answers, 2, nil, nil},
		{"GET, always 503", get, list(code(503)).answers, 5, []error{ErrUnavailable}, ErrOutcomeUnknown},
		{"GET, always cut", get, list(cut(reset)).answers, 5, []error{ErrUnavailable, syscall.ECONNRESET}, ErrOutcomeUnknown},
		{"GET, 501", get, list(code(501)).answers, 1, []error{ErrUnavailable}, nil},
		{"GET, redirect", get, list(code(302, "Location", "https://elsewhere.example/")).answers, 1, []error{ErrUnavailable}, nil},
		{"GET, 403", get, list(code(403)).answers, 1, []error{ErrForbidden}, nil},
		{"POST, cut", post, list(cut(reset), ok).answers, 1, []error{ErrOutcomeUnknown, syscall.ECONNRESET}, nil},
		{"POST, cut by a foreign transport", post, list(cut(errors.New("https://x/?email=ada@example.com"))).answers, 1, []error{ErrOutcomeUnknown}, nil},
		{"POST, broken off", post, list(truncated(201), ok).answers, 1, []error{ErrOutcomeUnknown}, nil},
		{"POST, 500", post, list(code(500), ok).answers, 1, []error{ErrOutcomeUnknown, ErrUnavailable}, nil},
		{"POST, 503", post, list(code(503, "Retry-After", "1"), ok).answers, 1, []error{ErrOutcomeUnknown, ErrUnavailable}, nil},
		{"POST, not connected", post, list(cut(refused), ok).answers, 2, nil, nil},
		{"POST, never connected", post, list(cut(refused)).answers, 5, []error{ErrUnavailable}, ErrOutcomeUnknown},
		{"POST, 429", post, list(code(429, "Retry-After", "2"), ok).answers, 2, nil, nil},
		{"POST, 409", post, list(code(409)).answers, 1, []error{ErrConflict}, ErrOutcomeUnknown},
		{"POST marked, cut", marked, list(cut(reset), ok).answers, 2, nil, nil},
		{"POST marked, 500", marked, list(code(500), ok).answers, 2, nil, nil},
		{"POST marked, cut, then 409", marked, list(cut(reset), code(409)).answers, 2, []error{ErrConflict, ErrOutcomeUnknown}, nil},
		{"PATCH, cut, then 400", patch, list(cut(reset), code(400)).answers, 2, []error{ErrInvalid, ErrOutcomeUnknown}, nil},
		{"PATCH, 502, then 403", patch, list(code(502), code(403)).answers, 2, []error{ErrForbidden, ErrOutcomeUnknown}, nil},
		{"PATCH, cut, then 401", patch, list(cut(reset), code(401)).answers, 3, []error{ErrUnauthorized, ErrOutcomeUnknown}, nil},
		{"PATCH, not connected, then 400", patch, list(cut(refused), code(400)).answers, 2, []error{ErrInvalid}, ErrOutcomeUnknown},
		{"DELETE, cut, then 404", remove, list(cut(reset), code(404)).answers, 2, nil, nil},
		{"DELETE, 503, then 404", remove, list(code(503), code(404)).answers, 2, nil, nil},
		{"DELETE of several, cut, then 404", leave, list(cut(reset), code(404)).answers, 2, []error{ErrNotFound, ErrOutcomeUnknown}, nil},
		{"DELETE, 404", remove, list(code(404)).answers, 1, []error{ErrNotFound}, ErrOutcomeUnknown},
		{"DELETE, cut, then 409", remove, list(cut(reset), code(409)).answers, 2, []error{ErrConflict, ErrOutcomeUnknown}, nil},
		{"add members, cut", members, list(cut(reset), code(204)).answers, 2, nil, nil},
		{"add members, always cut", members, list(cut(reset)).answers, 5, []error{ErrOutcomeUnknown}, nil},
		{"PATCH, 502", patch, list(code(502), ok).answers, 2, nil, nil},
		{"PATCH, always 502", patch, list(code(502)).answers, 5, []error{ErrOutcomeUnknown, ErrUnavailable}, nil},
		{"DELETE, cut", remove, list(cut(reset), code(204)).answers, 2, nil, nil},
		{"certificate", get, list(cut(&tls.CertificateVerificationError{Err: errors.New("x")})).answers, 1, []error{ErrUnavailable}, nil},
	}
}

func TestRepetitions(t *testing.T) {
	t.Parallel()
	for _, tc := range repetitions() {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				f := list(tc.answers...)
				err := tc.call(f.client(t), t.Context())
				if (err == nil) != (tc.want == nil) {
					t.Errorf("err = %v", err)
				}
				for _, want := range tc.want {
					if !errors.Is(err, want) {
						t.Errorf("err = %v, is not %v", err, want)
					}
				}
				if tc.not != nil && errors.Is(err, tc.not) {
					t.Errorf("err = %v, is %v", err, tc.not)
				}
				checkSilent(t, err)
				if len(f.bodies) != tc.calls {
					t.Errorf("%d calls, want %d", len(f.bodies), tc.calls)
				}
				for _, body := range f.bodies {
					if body != f.bodies[0] {
						t.Errorf("a repetition sent %q, the first %q", body, f.bodies[0])
					}
				}
			})
		})
	}
}

// checkSilent fails when the text of an error has what must not be logged.
func checkSilent(t *testing.T, err error) {
	t.Helper()
	if err == nil {
		return
	}
	for _, text := range []string{err.Error(), fmt.Sprintf("%v %+v", err, err)} {
		for _, bad := range []string{"@", "http", "auth0|", "%7C", "secret", "{", "tenant.eu", "Bearer"} {
			if strings.Contains(text, bad) {
				t.Errorf("the error %q has %q", text, bad)
			}
		}
	}
	if !strings.HasPrefix(err.Error(), "auth0: ") {
		t.Errorf("the error %q does not say whose it is", err)
	}
}

// The body survives the SDK's own way to set it, of which GetBody is wrong.
func TestAPIBodyIsRepeated(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f := list(code(429), code(200))
		c := f.client(t)
		req, err := http.NewRequestWithContext(t.Context(), "POST", c.API().URI("users"), http.NoBody)
		if err != nil {
			t.Fatal(err)
		}
		req.Body = io.NopCloser(strings.NewReader(`{"email":"ada@example.com"}`))
		resp, err := c.API().Do(req)
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
		if len(f.bodies) != 2 || f.bodies[1] != `{"email":"ada@example.com"}` {
			t.Errorf("bodies %q", f.bodies)
		}
	})
}

// A caller who leaves while a write is on its way cannot know its outcome.
func TestCancelInFlight(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f := list(func(req *http.Request) (*http.Response, error) {
			<-req.Context().Done()
			return nil, req.Context().Err()
		})
		c := f.client(t)
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		_, err := c.CreateUser(ctx, resource.NewUser{User: resource.User{Connection: "Users"}})
		if !errors.Is(err, ErrOutcomeUnknown) || !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("err = %v", err)
		}
		checkSilent(t, err)
		ctx, cancel = context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		_, err = c.User(ctx, "auth0|1")
		if errors.Is(err, ErrOutcomeUnknown) || !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("err = %v", err)
		}
	})
}

// The pause between repetitions ends with the context, and the doubt remains.
func TestCancelBetweenAttempts(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f := list(code(503, "Retry-After", "8"))
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		start := time.Now()
		err := f.client(t).DeleteUser(ctx, "auth0|1")
		if !errors.Is(err, context.DeadlineExceeded) || !errors.Is(err, ErrOutcomeUnknown) || time.Since(start) != time.Second {
			t.Errorf("err = %v after %s", err, time.Since(start))
		}
		checkSilent(t, err)
	})
}

// HTTPClient.Timeout is for each attempt, not for the call.
func TestTimeoutOfAnAttempt(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f := list(func(req *http.Request) (*http.Response, error) {
			<-req.Context().Done()
			return nil, req.Context().Err()
		}, code(200))
		c, err := New(Config{
			Domain: testDomain, HTTPClient: &http.Client{Transport: f, Timeout: 3 * time.Second},
			Token: func(context.Context) (string, error) { return "t", nil },
		})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := c.User(t.Context(), "auth0|1"); err != nil || len(f.bodies) != 2 {
			t.Errorf("err = %v after %d calls", err, len(f.bodies))
		}
	})
}

// Over real sockets, net/http itself must not repeat a POST, and what happened
// is told apart by its hooks.
func TestSockets(t *testing.T) {
	t.Parallel()
	var posts atomic.Int32
	server := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch {
		case r.URL.Path == "/oauth/token":
			reply(w, 200, map[string]any{"access_token": "t", "expires_in": 86400})
		case r.Method == "POST":
			posts.Add(1)
			io.Copy(io.Discard, r.Body)
			panic(http.ErrAbortHandler) // Cut after the write.
		default:
			reply(w, 200, map[string]any{"user_id": "auth0|1"})
		}
	}))
	domain := strings.TrimPrefix(server.URL, "https://")
	c, err := New(Config{Domain: domain, ClientID: "client", ClientSecret: "secret", HTTPClient: server.Client()})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := c.User(t.Context(), "auth0|1"); err != nil { // The connection is in the pool now.
		t.Fatal(err)
	}
	_, err = c.CreateUser(t.Context(), resource.NewUser{User: resource.User{Connection: "Users", Email: "ada@example.com"}})
	if !errors.Is(err, ErrOutcomeUnknown) || posts.Load() != 1 {
		t.Errorf("err = %v after %d calls", err, posts.Load())
	}
	checkSilent(t, err)
	server.Close()
	ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
	defer cancel()
	_, err = c.CreateUser(ctx, resource.NewUser{User: resource.User{Connection: "Users"}})
	if !errors.Is(err, context.DeadlineExceeded) || errors.Is(err, ErrOutcomeUnknown) { // Nothing was ever sent.
		t.Errorf("err = %v", err)
	}
}
