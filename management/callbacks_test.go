package management

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"runtime"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// deaths are the ways in which a callback does not return.
var deaths = map[string]func(){
	"panic":  func() { panic("token of ada@example.com") },
	"error":  func() { panic(ErrNotFound) },
	"goexit": runtime.Goexit,
}

// A Token or an HTTPClient that does not return fails the calls that wait for
// it, and no other.
func TestCallbacksThatDoNotReturn(t *testing.T) {
	t.Parallel()
	for name, die := range deaths {
		for _, of := range []string{"Token", "HTTPClient"} {
			t.Run(name+" in "+of, func(t *testing.T) {
				t.Parallel()
				synctest.Test(t, func(t *testing.T) {
					dying := true
					fetch := func() {
						time.Sleep(time.Second)
						if dying {
							die()
						}
					}
					s := newScript(t)
					s.handle("DELETE users/{id}", func(w http.ResponseWriter, r *http.Request) { w.WriteHeader(204) })
					c := s.client(func(cfg *Config) {
						if of == "Token" {
							cfg.ClientID, cfg.ClientSecret = "", ""
							cfg.Token = func(context.Context) (string, error) { fetch(); return "t", nil }
							return
						}
						through := cfg.HTTPClient.Transport
						cfg.HTTPClient = &http.Client{Transport: roundTripper(func(req *http.Request) (*http.Response, error) {
							if req.URL.Path == "/oauth/token" {
								fetch()
							}
							return through.RoundTrip(req)
						})}
					})
					var wg sync.WaitGroup
					for range 8 {
						wg.Go(func() {
							err := c.DeleteUser(t.Context(), "auth0|1")
							e, ok := errors.AsType[*Error](err)
							if assert.True(t, ok, "%v", err) {
								assert.Equal(t, "token", e.Op)
								assert.Contains(t, err.Error(), "the call ")
								assert.NotErrorIs(t, err, ErrNotFound)
								checkSilent(t, err)
							}
						})
					}
					wg.Wait()
					dying = false
					require.NoError(t, c.DeleteUser(t.Context(), "auth0|1"))
					require.Len(t, s.asked(), 1)
				})
			})
		}
	}
}

// A token that is still good serves when the call for its successor dies.
func TestGoodTokenOutlivesADeath(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := newScript(t)
		s.handle("DELETE users/{id}", func(w http.ResponseWriter, r *http.Request) { w.WriteHeader(204) })
		first := true
		c := s.client(func(cfg *Config) {
			cfg.ClientID, cfg.ClientSecret = "", ""
			cfg.Token = func(context.Context) (string, error) {
				if !first {
					panic("odd")
				}
				first = false
				return jwt(fmt.Sprintf(`{"exp":%d}`, time.Now().Add(10*time.Minute).Unix())), nil
			}
		})
		require.NoError(t, c.DeleteUser(t.Context(), "auth0|1"))
		time.Sleep(9*time.Minute + 30*time.Second)
		require.NoError(t, c.DeleteUser(t.Context(), "auth0|1"))
		time.Sleep(time.Minute)
		require.ErrorContains(t, c.DeleteUser(t.Context(), "auth0|1"), "the call panicked")
	})
}

// A panic of the transport is the caller's, as it is without this package; the
// requests after it find the bucket as if it had not been.
func TestPanicLeavesThePacerInOrder(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		l := answers(func(*http.Request) *http.Response { panic("odd") }, status(204))
		c := l.client(t, 0)
		require.PanicsWithValue(t, "odd", func() { _ = c.DeleteUser(t.Context(), "auth0|1") })
		require.NoError(t, c.DeleteUser(t.Context(), "auth0|1"))
		require.Zero(t, l.calls[1])
	})
}
