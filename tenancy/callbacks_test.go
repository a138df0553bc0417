package tenancy_test

import (
	"context"
	"net/http"
	"runtime"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/auth0kit/auth0kit/internal/jose/josetest"
	"github.com/auth0kit/auth0kit/management/resource"
	"github.com/auth0kit/auth0kit/tenancy"
)

// deaths are the ways in which a callback does not return.
var deaths = map[string]func(){
	"panic":  func() { panic("token of ada@example.com") },
	"error":  func() { panic(&resource.Error{StatusCode: http.StatusNotFound}) },
	"goexit": runtime.Goexit,
}

// dying is a Directory that does not return.
type dying struct {
	*directory
	die func() // nil: it does
}

func (d *dying) MemberRoles(ctx context.Context, orgID, userID string) ([]resource.Role, error) {
	roles, err := d.directory.MemberRoles(ctx, orgID, userID)
	if d.die != nil {
		d.die()
	}
	return roles, err
}

// A Directory that does not return is one that cannot answer: 503, remembered for
// a second, for all who wait.
func TestDirectoryThatDoesNotReturn(t *testing.T) {
	t.Parallel()
	for name, die := range deaths {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				i, d := josetest.NewIssuer(), &dying{directory: newDirectory(), die: die}
				d.latency = time.Second
				x := extractor(t, i, tenancy.FromToken, tenancy.GuardConfig{Directory: d})
				h := x.require(tenancy.AllOf("write:invoices"))(reached)
				good := token(i, "", nil)
				var wg sync.WaitGroup
				for range 8 {
					wg.Go(func() {
						resp := ask(h, good)
						wantStatus(t, resp, http.StatusServiceUnavailable)
						assert.Equal(t, "1", resp.Header.Get("Retry-After"))
						_, err := x.extract(t.Context(), good)
						assert.ErrorIs(t, err, tenancy.ErrUnavailable)
						assert.NotErrorIs(t, err, resource.ErrNotFound)
						assert.NotContains(t, err.Error(), "ada")
					})
				}
				wg.Wait()
				wantReads(t, d.directory, 1, 0)
				d.die = nil
				time.Sleep(time.Second)
				wantStatus(t, ask(h, good), http.StatusOK)
			})
		})
	}
}

type roundTrip func(*http.Request) (*http.Response, error)

func (f roundTrip) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

// So is a client for the keys.
func TestHTTPClientThatDoesNotReturn(t *testing.T) {
	t.Parallel()
	for name, die := range deaths {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				i, dies := josetest.NewIssuer(), true
				v, err := tenancy.NewVerifier(i.ID, audience, tenancy.VerifierConfig{HTTPClient: &http.Client{
					Transport: roundTrip(func(r *http.Request) (*http.Response, error) {
						if dies {
							die()
						}
						return i.RoundTrip(r)
					}),
				}})
				require.NoError(t, err)
				_, err = v.Verify(t.Context(), token(i, "", nil))
				require.ErrorIs(t, err, tenancy.ErrUnavailable)
				dies = false
				time.Sleep(5 * time.Second)
				_, err = v.Verify(t.Context(), token(i, "", nil))
				require.NoError(t, err)
			})
		})
	}
}

type dyingStore struct {
	*tenancy.Memory
	die func()
}

func (s dyingStore) Cuts(context.Context, string) (tenancy.Cuts, error) {
	s.die()
	return tenancy.Cuts{}, nil
}

// So is a store of revoked tokens, which is read on a goroutine of its own.
func TestCutoffStoreThatDoesNotReturn(t *testing.T) {
	t.Parallel()
	for name, die := range deaths {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				i := josetest.NewIssuer()
				cutoff, err := tenancy.NewCutoff(dyingStore{tenancy.NewMemory(), die}, tenancy.CutoffConfig{})
				require.NoError(t, err)
				h := extractor(t, i, tenancy.FromToken, tenancy.GuardConfig{Cutoff: cutoff}).authenticated()(reached)
				for range 3 {
					wantStatus(t, ask(h, token(i, "", nil)), http.StatusServiceUnavailable)
					time.Sleep(time.Second)
				}
			})
		})
	}
}
