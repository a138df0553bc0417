package delegation_test

import (
	"fmt"
	"net/http"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/auth0kit/auth0kit/management"
	"github.com/auth0kit/auth0kit/management/auth0test"
	"github.com/auth0kit/auth0kit/tenancy/delegation"
)

// crowd is a transport that takes a second, and counts how many are inside.
type crowd struct {
	http.RoundTripper
	inside, most atomic.Int64
}

func (c *crowd) RoundTrip(r *http.Request) (*http.Response, error) {
	n := c.inside.Add(1)
	defer c.inside.Add(-1)
	for most := c.most.Load(); n > most && !c.most.CompareAndSwap(most, n); most = c.most.Load() {
	}
	time.Sleep(time.Second)
	return c.RoundTripper.RoundTrip(r)
}

// However many people a sync is about, no more than four calls are made at once.
func TestWorkersAreBounded(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, auth0test.Options{})
		w.admin("ada")
		names := []string{"ada"}
		for i := range 24 {
			names = append(names, fmt.Sprint("m", i))
			id := w.user(names[i+1])
			if i%2 == 0 {
				w.tenant.AddMember(w.org, id)
			}
		}
		counted, machine := &crowd{RoundTripper: w.tenant.HTTPClient().Transport}, w.tenant.Machine()
		client, err := management.New(management.Config{
			Domain: auth0test.DefaultDomain, ClientID: machine.ID, ClientSecret: machine.Secret, HTTPClient: &http.Client{Transport: counted},
		})
		require.NoError(t, err)
		s, err := delegation.New(client, w.role, delegation.Jobs("nightly"), delegation.Config{Recorder: w.audit})
		require.NoError(t, err)
		_, err = s.As(delegation.Job("nightly")).Sync(t.Context(), w.org, declare(names...))
		require.NoError(t, err)
		assert.Equal(t, int64(4), counted.most.Load())

		// Each event of the run says where the declaration comes from, and which plan it is of.
		events := w.audit.Events()
		require.Len(t, events, 48)
		for _, e := range events {
			assert.Equal(t, "admins.yaml@3f2a91c", e.Metadata["from"])
			assert.Len(t, e.Metadata["plan"], 16)
		}
	})
}
