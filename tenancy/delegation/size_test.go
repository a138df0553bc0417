package delegation_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/auth0kit/auth0kit/management"
	"github.com/auth0kit/auth0kit/management/auth0test"
	"github.com/auth0kit/auth0kit/tenancy/delegation"
)

// rolelessMembers is a tenant whose list of members has no roles.
type rolelessMembers struct{ http.RoundTripper }

func (m rolelessMembers) RoundTrip(r *http.Request) (*http.Response, error) {
	r = r.Clone(r.Context())
	r.URL.RawQuery = strings.ReplaceAll(r.URL.RawQuery, "%2Croles", "")
	return m.RoundTripper.RoundTrip(r)
}

// What a plan costs for an organization of 5,000 members and 300 administrators.
func TestRequestsOfAPlan(t *testing.T) {
	t.Parallel()
	w := newWorld(t, auth0test.Options{})
	d := delegation.Declared{From: "a table"}
	for i := range 5000 {
		name := fmt.Sprint("m", i)
		if i < 300 {
			w.admin(name)
			d.Emails = append(d.Emails, name+"@acme.test")
		} else {
			w.tenant.AddMember(w.org, w.user(name))
		}
	}
	cost := func(client *management.Client) int {
		s, err := delegation.New(client, w.role, delegation.Jobs("nightly"), delegation.Config{})
		require.NoError(t, err)
		before := len(w.tenant.Requests())
		plan, err := s.As(delegation.Job("nightly")).Plan(t.Context(), w.org, d)
		require.NoError(t, err)
		assert.True(t, plan.Empty())
		assert.Equal(t, 300, plan.Administrators)
		return len(w.tenant.Requests()) - before
	}
	with := cost(w.tenant.Management())
	assert.LessOrEqual(t, with, 60)

	machine := w.tenant.Machine()
	client, err := management.New(management.Config{
		Domain: auth0test.DefaultDomain, ClientID: machine.ID, ClientSecret: machine.Secret,
		HTTPClient: &http.Client{Transport: rolelessMembers{w.tenant.HTTPClient().Transport}},
	})
	require.NoError(t, err)
	without := cost(client)
	assert.Equal(t, with+5000, without)
	t.Logf("5,000 members, 300 administrators: a plan takes %d requests with roles in the list of members, %d without (%d minutes at 200 a minute)",
		with, without, without/200)
}

// What each person who is to be added costs a plan.
func TestRequestsForAPerson(t *testing.T) {
	t.Parallel()
	w := newWorld(t, auth0test.Options{})
	w.admin("ada")
	w.user("bob")
	w.tenant.AddMember(w.org, w.user("eve"))
	job := w.job(delegation.Config{})
	cost := func(emails ...string) int {
		before := len(w.tenant.Requests())
		_, err := job.Plan(t.Context(), w.org, delegation.Declared{Emails: append(emails, "ada@acme.test")})
		require.NoError(t, err)
		return len(w.tenant.Requests()) - before
	}
	cost() // The first call needs a token.
	least := cost()
	assert.Equal(t, least+4, cost("bob@acme.test"))
	assert.Equal(t, least+5, cost("eve@acme.test"), "whether a member has the role")
	assert.Equal(t, least+5, cost("Bob@acme.test"))
}
