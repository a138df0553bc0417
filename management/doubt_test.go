package management

import (
	"crypto/x509"
	"errors"
	"net"
	"net/http"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/auth0kit/auth0kit/management/resource"
)

// A refusal of the repetition says nothing about the first time, for callers of API
// and HTTPClient too.
func TestDoubtOfOthers(t *testing.T) {
	t.Parallel()
	for _, second := range []int{400, 403, 404, 409} {
		synctest.Test(t, func(t *testing.T) {
			c := list(cut(errors.New("reset")), code(second)).client(t)
			req, err := http.NewRequestWithContext(t.Context(), http.MethodPatch, "https://"+testDomain+"/api/v2/users/1", strings.NewReader(`{"password":"x"}`))
			require.NoError(t, err)
			_, err = c.HTTPClient().Do(req)
			require.ErrorIs(t, err, ErrOutcomeUnknown)
			var e *Error
			require.ErrorAs(t, err, &e)
			assert.Equal(t, second, e.StatusCode)

			c = list(code(second)).client(t)
			req, err = http.NewRequestWithContext(t.Context(), http.MethodPatch, "https://"+testDomain+"/api/v2/users/1", strings.NewReader(`{"password":"x"}`))
			require.NoError(t, err)
			resp, err := c.HTTPClient().Do(req)
			require.NoError(t, err)
			assert.Equal(t, second, resp.StatusCode)
		})
	}
}

// Attempts that did not leave say nothing about the one that did.
func TestDoubtOutlivesWhatWasNotSent(t *testing.T) {
	t.Parallel()
	refused := cut(&net.OpError{Op: "dial", Err: syscall.ECONNREFUSED})
	for name, c := range map[string]struct {
		answers []func(*http.Request) (*http.Response, error)
		doubt   bool
	}{
		"cut, then refused":            {list(cut(errors.New("reset")), refused).answers, true},
		"500, then refused":            {list(code(500), refused).answers, true},
		"cut, then a bad certificate":  {list(cut(errors.New("reset")), cut(x509.UnknownAuthorityError{})).answers, true},
		"cut, then 429 without an end": {list(cut(errors.New("reset")), code(429)).answers, true},
		"refused":                      {list(refused).answers, false},
		"429 without an end":           {list(code(429)).answers, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				_, err := list(c.answers...).client(t).UpdateUser(t.Context(), "auth0|1", resource.UserPatch{Name: new("Ada")})
				require.Error(t, err)
				assert.Equal(t, c.doubt, errors.Is(err, ErrOutcomeUnknown), "%v", err)
			})
		})
	}
}
