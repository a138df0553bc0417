package delegation_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"sync/atomic"
	"testing"
	"testing/synctest"

	"github.com/stretchr/testify/require"

	"github.com/auth0kit/auth0kit/management"
	"github.com/auth0kit/auth0kit/management/auth0test"
	"github.com/auth0kit/auth0kit/tenancy/delegation"
)

// outage is a transport that reaches the tenant for some requests, and then no
// more; the last one is carried out, if late, and its answer is lost.
type outage struct {
	http.RoundTripper
	left  atomic.Int64
	late  bool
	calls atomic.Int64
}

func (o *outage) RoundTrip(r *http.Request) (*http.Response, error) {
	o.calls.Add(1)
	switch left := o.left.Add(-1); {
	case left > 0 || r.URL.Path == "/oauth/token":
		return o.RoundTripper.RoundTrip(r)
	case left == 0 && o.late:
		if _, err := o.RoundTripper.RoundTrip(r); err != nil {
			return nil, err
		}
	}
	return nil, errors.New("no route to host")
}

// Whatever the last call is that works, there are never fewer administrators than
// before or after, whichever is less, and the next run completes the sync.
func TestStopAfterEachCall(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		before, add int
		cfg         delegation.Config
	}{
		"more to come":  {2, 4, delegation.Config{}},
		"fewer to come": {5, 2, delegation.Config{}},
		"leaving":       {4, 3, delegation.Config{RemoveMembership: true}},
		"provisioning":  {1, 1, delegation.Config{Onboarding: provision}},
		"provisioning where unverified people count": {1, 1, delegation.Config{Onboarding: provision, AllowUnverifiedEmail: true}},
	} {
		for _, late := range []bool{false, true} {
			for _, process := range []bool{false, true} {
				if late && process {
					continue
				}
				t.Run(fmt.Sprintf("%s, late %t, process %t", name, late, process), func(t *testing.T) {
					t.Parallel()
					stopAfterEachCall(t, c.before, c.add, c.cfg, late, process)
				})
			}
		}
	}
}

// provision creates accounts in the tenant's own connection.
var provision = delegation.Provision{Connection: auth0test.DefaultConnection}

func stopAfterEachCall(t *testing.T, before, add int, cfg delegation.Config, late, process bool) {
	finished := false
	for calls := 1; !finished; calls++ {
		require.Less(t, calls, 200)
		synctest.Test(t, func(t *testing.T) {
			w := newWorld(t, auth0test.Options{})
			var olds []string
			for i := range before {
				olds = append(olds, w.admin(fmt.Sprint("old", i)))
			}
			var names []string
			for i := range add {
				names = append(names, fmt.Sprint("new", i))
				id := w.user(names[i])
				if i%2 == 0 {
					w.tenant.AddMember(w.org, id)
				}
			}
			d := declare(append(names, "guest")...)
			cfg := cfg
			if cfg.Onboarding == nil {
				cfg.Onboarding = w.invite()
			}
			cfg.Notifier = w

			ctx, stop := context.WithCancel(t.Context())
			defer stop()
			broken := &outage{RoundTripper: w.tenant.HTTPClient().Transport, late: late}
			broken.left.Store(int64(calls))
			if process {
				broken.RoundTripper = &stopping{broken.RoundTripper, stop, &broken.left}
			}
			machine := w.tenant.Machine()
			client, err := management.New(management.Config{
				Domain: auth0test.DefaultDomain, ClientID: machine.ID, ClientSecret: machine.Secret, HTTPClient: &http.Client{Transport: broken},
			})
			require.NoError(t, err)
			s, err := delegation.New(client, w.role, delegation.Jobs("nightly"), cfg)
			require.NoError(t, err)
			_, err = s.As(delegation.Job("nightly")).Sync(ctx, w.org, d)
			finished = err == nil
			require.GreaterOrEqual(t, w.administrators(), min(before, add), "after %d calls", calls)
			after := w.guest(cfg)

			_, err = w.job(cfg).Sync(t.Context(), w.org, d)
			require.NoError(t, err, "after %d calls", calls)
			w.complete(cfg, add, after, fmt.Sprintf("after %d calls", calls))
			for _, id := range olds {
				require.Equal(t, !cfg.RemoveMembership, w.isMember(id), "after %d calls", calls)
			}
			w.unchanged(func() {
				_, err = w.job(cfg).Sync(t.Context(), w.org, d)
				require.NoError(t, err)
			})
			if finished {
				t.Logf("%d calls", broken.calls.Load())
			}
		})
	}
}

// guest is what became of the person without an account.
type guest struct {
	told  int
	holds bool
}

func (w *world) guest(cfg delegation.Config) (g guest) {
	w.Helper()
	if cfg.Onboarding != provision {
		return g
	}
	for _, c := range w.notified {
		if c.Kind == "provision" {
			require.Contains(w, c.InvitationURL, "ticket")
			g.told++
		}
	}
	users, err := w.client.UsersByEmail(w.Context(), "guest@acme.test")
	require.NoError(w, err)
	g.holds = len(users) == 1 && w.holds(users[0].ID)
	return g
}

// complete asserts that a sync is complete that was at after when it was stopped.
// Only who had been told and did not have the role yet is told twice.
func (w *world) complete(cfg delegation.Config, add int, after guest, when string) {
	w.Helper()
	if cfg.Onboarding != provision {
		require.Equal(w, add, w.administrators(), when)
		require.Contains(w, w.invitations(), "guest@acme.test", when)
		return
	}
	require.Equal(w, add+1, w.administrators(), when)
	told := 1
	if after.told == 1 && !after.holds {
		told = 2
	}
	require.Equal(w, guest{told: told, holds: true}, w.guest(cfg), when)
}

// stopping ends the process's context with the last request.
type stopping struct {
	http.RoundTripper
	stop func()
	left *atomic.Int64
}

func (s *stopping) RoundTrip(r *http.Request) (*http.Response, error) {
	res, err := s.RoundTripper.RoundTrip(r)
	if s.left.Load() <= 1 {
		s.stop()
	}
	return res, err
}

// administrators counts who holds the role.
func (w *world) administrators() (n int) {
	w.Helper()
	for m, err := range w.client.Members(w.Context(), w.org) {
		require.NoError(w, err)
		for _, r := range m.Roles {
			if r.ID == w.role {
				n++
			}
		}
	}
	return n
}
