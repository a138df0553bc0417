package management

import (
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/auth0kit/auth0kit/management/resource"
)

// The token leaves for nobody but the tenant, and not in the clear.
func TestTheTokenStaysWithTheTenant(t *testing.T) {
	t.Parallel()
	l := answers(status(200))
	c := l.client(t, 0)
	for _, address := range []string{
		"http://" + testDomain + "/api/v2/users", "https://" + testDomain + ":8443/api/v2/users", "https://elsewhere.test/api/v2/users",
		"https://" + testDomain + "@elsewhere.test/api/v2/users", "https://" + testDomain + ".elsewhere.test/api/v2/users",
	} {
		_, err := c.HTTPClient().Get(address)
		require.ErrorIs(t, err, ErrInvalid, address)
	}
	require.Empty(t, l.calls)
}

// Callers through API and HTTPClient get the answer that the verbs would take for
// done: 204 without anything, where a DELETE was carried out and not answered.
func TestRepeatedDeleteOfOthers(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		missing := func(req *http.Request) (*http.Response, error) {
			resp := answerOf(req, 404, `{"message":"no such action"}`)
			resp.ContentLength = 28
			return resp, nil
		}
		c := list(cut(errors.New("reset")), missing).client(t)
		req, err := http.NewRequestWithContext(t.Context(), http.MethodDelete, "https://"+testDomain+"/api/v2/actions/actions/1", nil)
		require.NoError(t, err)
		resp, err := c.HTTPClient().Do(req)
		require.NoError(t, err)
		body, err := io.ReadAll(resp.Body)
		require.NoError(t, err)
		assert.Equal(t, []any{204, "204 No Content", int64(0), ""}, []any{resp.StatusCode, resp.Status, resp.ContentLength, string(body)})

		c = list(code(404)).client(t)
		resp, err = c.HTTPClient().Do(req.Clone(t.Context()))
		require.NoError(t, err)
		assert.Equal(t, 404, resp.StatusCode, "at the first time nothing was done")
	})
}

func nothing(resource.User, error) bool { return true }

// What a file of users has in its lines is looked at as other answers are.
func TestFilesOfUsersAreNotBelieved(t *testing.T) {
	t.Parallel()
	for name, file := range map[string]string{
		"no id": `{"email":"a@example.com"}`, "null": "null\n", "an object": "{}", "an empty id": `{"user_id":""}`, "a list": "[]", "HTML": "<html>",
	} {
		err := readUsers(strings.NewReader(`{"user_id":"auth0|1"}`+"\n"+file), true, 1<<10, nothing)
		require.Error(t, err, name)
		require.NotErrorIs(t, err, io.EOF, name)
	}
	require.NoError(t, readUsers(strings.NewReader(`{"email":"a@example.com"}`), false, 1<<10, nothing), "nobody asked for ids")

	// One line without an end, or so small that it becomes large, does not fill the memory.
	line := `{"user_id":"auth0|` + strings.Repeat("x", 1<<20) + `"}`
	require.Error(t, readUsers(strings.NewReader(line), true, 1<<10, nothing))
	var packed bytes.Buffer
	w := gzip.NewWriter(&packed)
	_, err := w.Write([]byte(line))
	require.NoError(t, errors.Join(err, w.Close()))
	require.Error(t, readUsers(&packed, true, 1<<10, nothing))
	// Many small ones are many.
	require.NoError(t, readUsers(strings.NewReader(strings.Repeat(`{"user_id":"auth0|1"}`+"\n", 10_000)), true, 1<<10, nothing))
}

// A file of users comes over TLS, wherever the job says that it lies.
func TestFilesOfUsersComeOverTLS(t *testing.T) {
	t.Parallel()
	for _, location := range []string{"http://storage.test/users", "file:///etc/passwd", "storage.test", ":"} {
		s := newScript(t)
		s.handle("POST jobs/users-exports", func(w http.ResponseWriter, _ *http.Request) {
			reply(w, 200, map[string]any{"id": "job_1", "status": "completed", "location": location})
		})
		c := s.client(func(cfg *Config) {
			through := cfg.HTTPClient.Transport
			cfg.HTTPClient = &http.Client{Transport: roundTripper(func(req *http.Request) (*http.Response, error) {
				assert.Equal(t, testDomain, req.URL.Host, "it is not asked for")
				return through.RoundTrip(req)
			})}
		})
		require.ErrorContains(t, drain(c.ExportUsers(t.Context(), "con_1")), "no usable download address", location)
	}
}

// That one user is not there says nothing about the endpoint: roles by groups are
// seen of the next one.
func TestAMissingMemberSwitchesNothingOff(t *testing.T) {
	t.Parallel()
	s := newScript(t)
	s.handle("GET organizations/{org}/members/{user}/effective-roles", func(w http.ResponseWriter, r *http.Request) {
		if r.PathValue("user") == "auth0|gone" {
			reply(w, 404, map[string]any{"statusCode": 404, "error": "Not Found", "message": "The user does not exist.", "errorCode": "inexistent_user"})
			return
		}
		reply(w, 200, map[string]any{"roles": []any{map[string]any{"id": "rol_1", "sources": []string{"groups"}}}})
	})
	s.handle("GET organizations/{org}/members/{user}/roles", func(w http.ResponseWriter, _ *http.Request) {
		reply(w, 200, map[string]any{"roles": []any{}, "total": 0})
	})
	c := s.client()
	roles, err := c.MemberRoles(t.Context(), "org_1", "auth0|gone")
	require.NoError(t, err)
	require.Empty(t, roles)
	roles, err = c.MemberRoles(t.Context(), "org_1", "auth0|1")
	require.NoError(t, err)
	require.Len(t, roles, 1)
}

// A tenant that names another size of bucket in each answer does not silence the
// log.
func TestSeldomGoesOn(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := seldom{last: map[string]time.Time{}}
		for n := range 10 * maxSaid {
			s.first(fmt.Sprint("size ", n), 24*time.Hour)
			require.LessOrEqual(t, len(s.last), maxSaid)
		}
		assert.True(t, s.first("doubt delete user", time.Minute))
		assert.False(t, s.first("doubt delete user", time.Minute))
	})
}

// What a caller gets to see of its request is what it sent: the token is not in it.
func TestTheTokenIsNotHandedOut(t *testing.T) {
	t.Parallel()
	c := list(code(200)).client(t)
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "https://"+testDomain+"/api/v2/users", nil)
	require.NoError(t, err)
	resp, err := c.HTTPClient().Do(req)
	require.NoError(t, err)
	assert.Empty(t, resp.Request.Header.Get("Authorization"))
	assert.Empty(t, req.Header.Get("Authorization"))
}

// A job without a status is no job that is under way: nobody waits for it.
func TestJobsWithoutAStatus(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := newScript(t)
		s.handle("POST jobs/users-exports", func(w http.ResponseWriter, _ *http.Request) { reply(w, 200, map[string]any{"id": "job_1"}) })
		s.handle("GET jobs/{id}", func(w http.ResponseWriter, _ *http.Request) { reply(w, 200, map[string]any{"id": "job_1"}) })
		c := s.client()
		_, err := c.Job(t.Context(), "job_1")
		require.ErrorIs(t, err, ErrUnavailable)
		require.ErrorIs(t, drain(c.ExportUsers(t.Context(), "con_1")), ErrUnavailable)
	})
}

// Groups of groups without end, and members of no kind, are no answer.
func TestGroupsAreNotBelieved(t *testing.T) {
	t.Parallel()
	for name, member := range map[string]func(n int) map[string]any{
		"groups without end": func(n int) map[string]any { return map[string]any{"id": fmt.Sprint("grp_", n), "member_type": "group"} },
		"no kind":            func(int) map[string]any { return map[string]any{"id": "auth0|1"} },
		"another kind":       func(int) map[string]any { return map[string]any{"id": "x", "member_type": "robot"} },
	} {
		s, n := newScript(t), 0
		s.handle("GET organizations/{org}/groups", func(w http.ResponseWriter, _ *http.Request) {
			reply(w, 200, map[string]any{"groups": []any{map[string]any{"id": "grp_0"}}})
		})
		s.handle("GET organizations/{org}/groups/{id}/roles", func(w http.ResponseWriter, _ *http.Request) {
			reply(w, 200, map[string]any{"roles": []any{map[string]any{"id": "rol_1"}}})
		})
		s.handle("GET groups/{id}/members", func(w http.ResponseWriter, _ *http.Request) {
			n++
			reply(w, 200, map[string]any{"members": []any{member(n)}})
		})
		_, err := s.client().GroupHolders(t.Context(), "org_1", "rol_1")
		require.ErrorIs(t, err, ErrUnavailable, name)
		require.LessOrEqual(t, n, maxGroups)
	}
}

// A hook that does not return fails the calls that wait for a token, and not the
// program.
func TestAPanicOfTheHook(t *testing.T) {
	t.Parallel()
	s := newScript(t)
	s.handle("DELETE users/{id}", func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(204) })
	c := s.client(func(cfg *Config) {
		cfg.OnCall = func(_ context.Context, call Call) {
			if call.Op == opToken {
				panic("odd")
			}
		}
	})
	require.ErrorContains(t, c.DeleteUser(t.Context(), "auth0|1"), "the call panicked")
}
