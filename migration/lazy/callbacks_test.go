package lazy_test

import (
	"context"
	"net/http"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/auth0kit/auth0kit/management"
	"github.com/auth0kit/auth0kit/management/auth0test"
	"github.com/auth0kit/auth0kit/management/resource"
	"github.com/auth0kit/auth0kit/migration/internal/legacytest"
	"github.com/auth0kit/auth0kit/migration/lazy"
)

// dying is a Creator that does not return while die is set.
type dying struct {
	*management.Client
	die  atomic.Pointer[func()]
	call string
}

func (d *dying) enter(call string) {
	if die := d.die.Load(); die != nil && call == d.call {
		(*die)()
	}
}

func (d *dying) User(ctx context.Context, id string) (*resource.User, error) {
	d.enter("User")
	return d.Client.User(ctx, id)
}

func (d *dying) CreateUser(ctx context.Context, u resource.NewUser) (*resource.User, error) {
	d.enter("CreateUser")
	return d.Client.CreateUser(ctx, u)
}

// A Creator that does not return fails the logins that wait for it. It is no
// refusal, and the next login tries again.
func TestCreatorThatDoesNotReturn(t *testing.T) {
	t.Parallel()
	for name, die := range map[string]func(){
		"panic":  func() { panic("password of ada@example.com") },
		"error":  func() { panic(&resource.Error{StatusCode: http.StatusNotFound}) },
		"goexit": runtime.Goexit,
	} {
		for _, call := range []string{"User", "CreateUser"} {
			t.Run(name+" in "+call, func(t *testing.T) {
				t.Parallel()
				dst := &dying{Client: legacytest.NewClient(t, legacytest.NewTenant(auth0test.Options{})), call: call}
				dst.die.Store(&die)
				l := newLazy(t, legacytest.NewTable(quick(1)), dst, lazy.Config{AccountFailures: 8})
				var wg sync.WaitGroup
				for range 8 {
					wg.Go(func() {
						_, err := l.Login(t.Context(), as(legacytest.User(1)))
						assert.ErrorContains(t, err, "lazy: the call ")
						assert.NotErrorIs(t, err, lazy.ErrCredentials)
						assert.NotErrorIs(t, err, resource.ErrNotFound)
						assert.NotContains(t, err.Error(), "ada")
					})
				}
				wg.Wait()
				dst.die.Store(nil) // None of the eight has counted as a wrong guess.
				u, err := l.Login(t.Context(), as(legacytest.User(1)))
				require.NoError(t, err)
				require.Equal(t, "auth0|u000001", u.ID)
			})
		}
	}
}
