package integration

import (
	"fmt"
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/auth0kit/auth0kit/management"
	"github.com/auth0kit/auth0kit/management/auth0test"
	"github.com/auth0kit/auth0kit/management/resource"
	"github.com/auth0kit/auth0kit/tenancy"
)

// client is one for requests that wait for it.
func (c *company) client(t *testing.T) *management.Client {
	t.Helper()
	client, err := management.New(management.Config{Domain: c.Issuer(),
		ClientID: c.Machine().ID, ClientSecret: c.Machine().Secret, HTTPClient: c.HTTPClient(), MaxWait: time.Second})
	require.NoError(t, err)
	return client
}

// After a start, 600 members come within a minute, of one organization or of sixty.
// With an organization each they need 1,200 reads, which is more than Auth0 answers.
func TestTenancyStartUnderTheRateLimit(t *testing.T) {
	t.Parallel()
	for _, perOrg := range []int{600, 10} {
		t.Run(fmt.Sprint(perOrg, " in an organization"), func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				c := newCompany(auth0test.Options{Plan: auth0test.Enterprise})
				var tokens, orgs []string
				for n := range 600 {
					if n%perOrg == 0 {
						orgs = append(orgs, c.AddOrganization(fmt.Sprintf("org-%d", n)))
					}
					id := c.AddUser(resource.User{Email: fmt.Sprintf("u%d@example.com", n)}, "correct horse battery")
					c.AddMember(orgs[len(orgs)-1], id, c.clerk)
					tokens = append(tokens, c.AccessToken(id, orgs[len(orgs)-1], invoicesAPI))
				}
				x := c.extractor(t, tenancy.GuardConfig{Directory: c.client(t)})
				h := x.require(tenancy.AllOf("read:invoices"))(http.NotFoundHandler())
				statuses := make(chan int, len(tokens))
				for n, token := range tokens {
					go func() { statuses <- tenancyStatus(h, orgs[n/perOrg], token) }()
					time.Sleep(100 * time.Millisecond)
				}
				refused := 0
				for range tokens {
					if status := <-statuses; status != http.StatusNotFound {
						refused++
					}
				}
				assert.LessOrEqual(t, refused, 6, "of 600")
				t.Logf("%d refused, %d reads", refused, len(c.Requests()))
			})
		})
	}
}

// What is taken away is noticed at once after the event, and after RoleTTL without
// one.
func TestTenancyDeprovisioning(t *testing.T) {
	t.Parallel()
	for name, do := range map[string]struct {
		change func(*testing.T, *company, *management.Client)
		event  string
	}{
		"removed": {func(t *testing.T, c *company, client *management.Client) {
			require.NoError(t, client.RemoveMembers(t.Context(), c.acme, c.ada))
		}, `{"type":"organization.member.deleted","data":{"object":{"organization":{"id":"%[1]s"},"user":{"user_id":"%[2]s"}}}}`},
		"blocked": {func(t *testing.T, c *company, client *management.Client) {
			_, err := client.UpdateUser(t.Context(), c.ada, resource.UserPatch{Blocked: new(true)})
			require.NoError(t, err)
		}, `{"type":"user.updated","data":{"object":{"user_id":"%[2]s","blocked":true}}}`},
		"deleted": {func(t *testing.T, c *company, client *management.Client) {
			require.NoError(t, client.DeleteUser(t.Context(), c.ada))
		}, `{"type":"user.deleted","data":{"object":{"user_id":"%[2]s"}}}`},
	} {
		for _, told := range []bool{true, false} {
			t.Run(fmt.Sprintf("%s, told %t", name, told), func(t *testing.T) {
				t.Parallel()
				synctest.Test(t, func(t *testing.T) {
					c := newCompany(auth0test.Options{})
					client := c.Management()
					x := c.extractor(t, tenancy.GuardConfig{Directory: client})
					h := x.require(tenancy.Authenticated())(http.NotFoundHandler())
					token := c.AccessToken(c.ada, c.acme, invoicesAPI)
					assert.Equal(t, 404, tenancyStatus(h, c.acme, token))
					do.change(t, c, client)
					assert.Equal(t, 404, tenancyStatus(h, c.acme, token), "nobody was told")
					if told {
						require.NoError(t, x.Observe(t.Context(), fmt.Appendf(nil, do.event, c.acme, c.ada)))
					} else {
						time.Sleep(5 * time.Minute)
					}
					assert.Equal(t, 403, tenancyStatus(h, c.acme, token))
				})
			})
		}
	}
}

// TestTenancyNamesThroughTheDirectory asks the tenant for the name.
func TestTenancyNamesThroughTheDirectory(t *testing.T) {
	t.Parallel()
	c := newCompany(auth0test.Options{})
	x := c.extractor(t, tenancy.GuardConfig{Directory: c.Management()})
	h := x.Require(tenancy.FromHeader("X-Org").ByName(), tenancy.Authenticated())(http.NotFoundHandler())
	token := c.AccessToken(c.ada, c.acme, invoicesAPI)
	for name, want := range map[string]string{"acme": "404 page not found\n", "globex": "", "nobody": ""} {
		w := tenancyAnswer(h, name, token)
		assert.Equal(t, 404, w.Code)
		assert.Equal(t, want != "", w.Body.String() == "404 page not found\n", name)
	}
}
