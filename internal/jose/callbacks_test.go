package jose_test

import (
	"net/http"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/auth0kit/auth0kit/internal/jose"
	"github.com/auth0kit/auth0kit/internal/jose/josetest"
)

type roundTrip func(*http.Request) (*http.Response, error)

func (f roundTrip) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

// A client that does not return is an issuer that cannot be reached: it is left
// in peace for one window, and stale keys serve.
func TestHTTPClientThatDoesNotReturn(t *testing.T) {
	t.Parallel()
	for name, die := range map[string]func(){
		"panic": func() { panic("https://tenant.example.com/?secret") }, "goexit": runtime.Goexit,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				i := josetest.NewIssuer()
				var dies atomic.Bool
				var asked atomic.Int32
				keys, err := jose.NewKeySet(i.ID+".well-known/jwks.json", jose.KeySetConfig{HTTPClient: &http.Client{
					Transport: roundTrip(func(r *http.Request) (*http.Response, error) {
						asked.Add(1)
						time.Sleep(100 * time.Millisecond)
						if dies.Load() {
							die()
						}
						return i.RoundTrip(r)
					}),
				}})
				require.NoError(t, err)
				v := verifierOf(t, i, func(p *jose.Policy) { p.Issuers[0].Keys = keys })
				dies.Store(true)
				cold := func() {
					var wg sync.WaitGroup
					for range 8 {
						wg.Go(func() {
							e := wantUnavailable(t, verify(t, v, good()))
							assert.Equal(t, 5*time.Second, e.RetryAfter)
							assert.NotContains(t, e.Error(), "secret")
						})
					}
					wg.Wait()
				}
				cold()
				require.EqualValues(t, 1, asked.Load())
				time.Sleep(2 * time.Second)
				require.Equal(t, 3*time.Second, wantUnavailable(t, verify(t, v, good())).RetryAfter)
				time.Sleep(3 * time.Second)
				cold()
				require.EqualValues(t, 2, asked.Load())

				dies.Store(false)
				time.Sleep(5 * time.Second)
				wantGood(t, verify(t, v, good()))
				dies.Store(true)
				for range 10 {
					time.Sleep(time.Hour)
					wantGood(t, verify(t, v, good()))
				}
				time.Sleep(time.Second) // The last fetch ends.
			})
		})
	}
}
