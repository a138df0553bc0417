package integration

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/auth0kit/auth0kit/management"
	"github.com/auth0kit/auth0kit/management/auth0test"
	"github.com/auth0kit/auth0kit/management/resource"
	"github.com/auth0kit/auth0kit/session"
	"github.com/auth0kit/auth0kit/tenancy"
)

// The shared client is what tenancy reads roles from.
var (
	_ tenancy.Directory = (*management.Client)(nil)
	_ session.Revoker   = (*tenancy.Cutoff)(nil) // of session.Config.Cutoff
)

const invoicesAPI = "https://invoices.example.com"

// company is a tenant with two organizations and people in them.
type company struct {
	*auth0test.Tenant
	acme, globex                string
	clerk, auditor, staff       string // Roles. Staff is of another API.
	ada, bob                    string // Ada is a clerk of acme and an auditor of globex; Bob has no role inside of either.
	clerkMayRead, clerkMayWrite string
}

func newCompany(opts auth0test.Options) *company {
	c := &company{Tenant: auth0test.NewTenant(opts), clerkMayRead: "read:invoices", clerkMayWrite: "write:invoices"}
	c.AddAPI(invoicesAPI, "read:invoices", "write:invoices", "read:log")
	c.AddAPI("https://staff.example.com", "read:log")
	c.clerk = c.AddRole("clerk", invoicesAPI, "read:invoices", "write:invoices")
	c.auditor = c.AddRole("auditor", invoicesAPI, "read:log")
	c.staff = c.AddRole("staff", "https://staff.example.com", "read:log")
	c.acme, c.globex = c.AddOrganization("acme"), c.AddOrganization("globex")
	c.ada = c.AddUser(resource.User{Email: "ada@example.com", Username: "ada", EmailVerified: true}, "correct horse battery")
	c.bob = c.AddUser(resource.User{Email: "bob@example.com", Username: "bob", EmailVerified: true}, "correct horse battery")
	c.AddMember(c.acme, c.ada, c.clerk, c.staff)
	c.AddMember(c.globex, c.ada, c.auditor)
	c.AddMember(c.acme, c.bob)
	return c
}

func (c *company) extractor(t testing.TB, cfg tenancy.GuardConfig) apiRoutes {
	t.Helper()
	v, err := tenancy.NewVerifier(c.Issuer(), invoicesAPI, tenancy.VerifierConfig{HTTPClient: c.HTTPClient()})
	if err != nil {
		t.Fatal(err)
	}
	g, err := tenancy.NewGuard(v, cfg)
	if err != nil {
		t.Fatal(err)
	}
	return apiRoutes{g}
}

// apiRoutes is a Guard whose routes find the organization in a header.
type apiRoutes struct{ *tenancy.Guard }

func (r apiRoutes) require(first tenancy.Requirement, more ...tenancy.Requirement) func(http.Handler) http.Handler {
	return r.Require(tenancy.FromHeader("X-Org"), first, more...)
}

// extract admits a caller to their own organization.
func (r apiRoutes) extract(ctx context.Context, token string) (*tenancy.TenantContext, error) {
	ctx, err := r.AdmitCall(ctx, tenancy.Call{Token: token, Where: func(ctx context.Context) (tenancy.Org, error) {
		t, _ := tenancy.FromContext(ctx)
		return tenancy.Org{ID: t.TenantID}, nil
	}}, tenancy.Authenticated())
	if err != nil {
		return nil, err
	}
	t, _ := tenancy.FromContext(ctx)
	return t, nil
}

// requests counts what the tenant was asked, by the end of the path.
func (c *company) asked(suffix string) (n int) {
	for _, r := range c.Requests() {
		if strings.HasSuffix(r.Path, suffix) {
			n++
		}
	}
	return n
}

func permissionsOf(t *testing.T, x apiRoutes, token string) []string {
	t.Helper()
	tenant, err := x.extract(t.Context(), token)
	if err != nil {
		t.Fatal(err)
	}
	return slices.Sorted(slices.Values(tenant.Permissions))
}

func tenancyStatus(h http.Handler, orgID, token string) int {
	return tenancyAnswer(h, orgID, token).Code
}

func tenancyAnswer(h http.Handler, orgID, token string) *httptest.ResponseRecorder {
	r := httptest.NewRequest(http.MethodGet, "/", nil)
	r.Header.Set("Authorization", "Bearer "+token)
	r.Header.Set("X-Org", orgID)
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w
}

func TestTenancyPermissionsOfATokenAreThoseOfItsOrganization(t *testing.T) {
	t.Parallel()
	c := newCompany(auth0test.Options{})
	for name, cfg := range map[string]tenancy.GuardConfig{"claims": {}, "live": {Directory: c.Management()}} {
		t.Run(name, func(t *testing.T) {
			x := c.extractor(t, cfg)
			for token, want := range map[string][]string{
				c.AccessToken(c.ada, c.acme, invoicesAPI):   {"read:invoices", "write:invoices"},
				c.AccessToken(c.ada, c.globex, invoicesAPI): {"read:log"},
				c.AccessToken(c.bob, c.acme, invoicesAPI):   nil,
			} {
				if got := permissionsOf(t, x, token); !slices.Equal(got, want) {
					t.Errorf("got %q, want %q", got, want)
				}
			}
			h := x.require(tenancy.AllOf("read:invoices"))(http.NotFoundHandler())
			for orgID, want := range map[string]int{c.acme: 404, c.globex: 403} {
				if got := tenancyStatus(h, orgID, c.AccessToken(c.ada, c.acme, invoicesAPI)); got != want {
					t.Errorf("got %d, want %d", got, want)
				}
			}
		})
	}
}

func TestTenancySeesRolesOfGroups(t *testing.T) {
	t.Parallel()
	c := newCompany(auth0test.Options{})
	group := c.AddGroup("auditors", c.bob)
	api := c.Management().API()
	req, err := api.NewRequest(t.Context(), http.MethodPost, api.URI("organizations", c.acme, "groups", group, "roles"), map[string]any{"roles": []string{c.auditor}})
	if err != nil {
		t.Fatal(err)
	}
	resp, err := api.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	if err := resp.Body.Close(); err != nil || resp.StatusCode/100 != 2 {
		t.Fatalf("got %d (%v)", resp.StatusCode, err)
	}
	x := c.extractor(t, tenancy.GuardConfig{Directory: c.Management()})
	tenant, err := x.extract(t.Context(), c.AccessToken(c.bob, c.acme, invoicesAPI))
	if err != nil || !slices.Equal(tenant.Permissions, []string{"read:log"}) || !slices.Equal(tenant.Roles, []string{"auditor"}) {
		t.Errorf("got %+v, %v", tenant, err)
	}
}

func TestTenancyRemovedRole(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		c := newCompany(auth0test.Options{})
		client := c.Management()
		x := c.extractor(t, tenancy.GuardConfig{Directory: client, RoleTTL: time.Minute})
		h := x.require(tenancy.AllOf("read:invoices"))(http.NotFoundHandler())
		token := c.AccessToken(c.ada, c.acme, invoicesAPI)
		want := func(status int) {
			t.Helper()
			if got := tenancyStatus(h, c.acme, token); got != status {
				t.Errorf("got %d, want %d", got, status)
			}
		}
		want(404) // let in
		if err := client.RemoveMemberRoles(t.Context(), c.acme, c.ada, c.clerk); err != nil {
			t.Fatal(err)
		}
		want(404)
		time.Sleep(time.Minute)
		want(403)
		if err := client.AssignMemberRoles(t.Context(), c.acme, c.ada, c.clerk); err != nil {
			t.Fatal(err)
		}
		want(403)
		x.Invalidate(c.acme, c.ada)
		want(404)
		if err := client.RemoveMembers(t.Context(), c.acme, c.ada); err != nil {
			t.Fatal(err)
		}
		if err := x.Observe(t.Context(), []byte(`{"type":"organization.member.deleted","data":{"object":{"organization":{"id":"`+c.acme+`"},"user":{"user_id":"`+c.ada+`"}}}}`)); err != nil {
			t.Fatal(err)
		}
		want(403)
	})
}

func TestTenancyColdMemberCostsOneManagementCall(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		c := newCompany(auth0test.Options{})
		defer c.Fault("GET /api/v2/organizations/{id}/members/{user}/effective-roles", auth0test.Fault{Latency: 100 * time.Millisecond})()
		x := c.extractor(t, tenancy.GuardConfig{Directory: c.Management()})
		token := c.AccessToken(c.ada, c.acme, invoicesAPI)
		var wg sync.WaitGroup
		for range 64 {
			wg.Go(func() {
				if got := permissionsOf(t, x, token); len(got) != 2 {
					t.Errorf("got %q", got)
				}
			})
		}
		wg.Wait()
		if n := c.asked("/roles") + c.asked("/effective-roles"); n != 1 {
			t.Errorf("%d reads of member roles, want 1", n)
		}
		if n := c.asked("/permissions"); n != 2 {
			t.Errorf("%d reads of role permissions, want one for each role", n)
		}
		if n := c.asked("/.well-known/jwks.json"); n != 1 {
			t.Errorf("%d reads of the keys, want 1", n)
		}
	})
}

func TestTenancyRateLimitOfTheTenantIs503(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		c := newCompany(auth0test.Options{})
		client, err := management.New(management.Config{Domain: c.Issuer(),
			ClientID: c.Machine().ID, ClientSecret: c.Machine().Secret, HTTPClient: c.HTTPClient(), MaxWait: time.Second})
		if err != nil {
			t.Fatal(err)
		}
		x := c.extractor(t, tenancy.GuardConfig{Directory: client})
		token := c.AccessToken(c.ada, c.acme, invoicesAPI)
		remove := []func(){
			c.Fault("GET /api/v2/organizations/{id}/members/{user}/effective-roles", auth0test.Fault{RetryAfter: 20 * time.Second}),
			c.Fault("GET /api/v2/organizations/{id}/members/{user}/roles", auth0test.Fault{RetryAfter: 20 * time.Second}),
			c.Fault("GET /api/v2/organizations/{id}/members", auth0test.Fault{RetryAfter: 20 * time.Second}),
		}
		h := x.require(tenancy.Authenticated())(http.NotFoundHandler())
		if got := tenancyStatus(h, c.acme, token); got != http.StatusServiceUnavailable {
			t.Errorf("got %d, want 503", got)
		}
		before := len(c.Requests())
		for range 100 {
			if got := tenancyStatus(h, c.acme, token); got != http.StatusServiceUnavailable {
				t.Errorf("got %d, want 503", got)
			}
		}
		if n := len(c.Requests()) - before; n != 0 {
			t.Errorf("%d more requests to a tenant that said to wait", n)
		}
		for _, r := range remove {
			r()
		}
		time.Sleep(30 * time.Second)
		if got := tenancyStatus(h, c.acme, token); got != http.StatusNotFound {
			t.Errorf("got %d, want 404 of the handler", got)
		}
	})
}

func TestTenancyRotatedAndRevokedKeys(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		c := newCompany(auth0test.Options{})
		x := c.extractor(t, tenancy.GuardConfig{})
		old := c.AccessToken(c.ada, c.acme, invoicesAPI)
		permissionsOf(t, x, old)
		for range 3 { // the first next key is published ahead, the others are not
			c.RotateKeys()
			permissionsOf(t, x, c.AccessToken(c.ada, c.acme, invoicesAPI))
		}
		c.RevokeKeys()
		time.Sleep(5 * time.Minute)
		if _, err := x.extract(t.Context(), old); !errors.Is(err, tenancy.ErrInvalidToken) {
			t.Errorf("a token of a revoked key: %v", err)
		}
	})
}

func TestTenancyIssuerOutage(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		c := newCompany(auth0test.Options{})
		remove := c.Fault("GET /.well-known/jwks.json", auth0test.Fault{Status: http.StatusServiceUnavailable})
		h := c.extractor(t, tenancy.GuardConfig{}).require(tenancy.Authenticated())(http.NotFoundHandler())
		token := c.AccessToken(c.ada, c.acme, invoicesAPI)
		if got := tenancyStatus(h, c.acme, token); got != http.StatusServiceUnavailable {
			t.Errorf("got %d, want 503", got)
		}
		remove()
		time.Sleep(5 * time.Second)
		if got := tenancyStatus(h, c.acme, token); got != http.StatusNotFound {
			t.Errorf("got %d, want 404 of the handler", got)
		}
		defer c.Fault("GET /.well-known/jwks.json", auth0test.Fault{CutBefore: true})()
		for range 10 {
			time.Sleep(time.Hour)
			token = c.AccessToken(c.ada, c.acme, invoicesAPI)
			if got := tenancyStatus(h, c.acme, token); got != http.StatusNotFound {
				t.Errorf("got %d in the outage, want 404 of the handler", got)
			}
		}
	})
}

// What a login gives: the access token opens the API, its ID token does not.
func TestTenancyTokensOfALogin(t *testing.T) {
	t.Parallel()
	c := newCompany(auth0test.Options{})
	app := c.AddClient(auth0test.Application{CallbackURL: "https://app.example.com/callback"})
	x := c.extractor(t, tenancy.GuardConfig{})
	login := auth0test.Login{ClientID: app.ID, Audience: invoicesAPI, OrgID: c.acme, Identifier: "ada@example.com", Password: "correct horse battery"}
	tokens, err := c.Login(t.Context(), login)
	if err != nil {
		t.Fatal(err)
	}
	if got := permissionsOf(t, x, tokens.Access); len(got) != 2 {
		t.Errorf("got %q", got)
	}
	if _, err := x.extract(t.Context(), tokens.ID); !errors.Is(err, tenancy.ErrInvalidToken) {
		t.Errorf("the ID token: %v", err)
	}
	login.OrgID = ""
	if tokens, err = c.Login(t.Context(), login); err != nil {
		t.Fatal(err)
	}
	if _, err := x.extract(t.Context(), tokens.Access); !errors.Is(err, tenancy.ErrNoTenant) {
		t.Errorf("a login without organization: %v", err)
	}
	login.Audience = ""
	if tokens, err = c.Login(t.Context(), login); err != nil {
		t.Fatal(err)
	}
	if found, _ := x.Diagnose(t.Context(), tokens.Access); len(found) != 1 || !strings.Contains(found[0], "opaque") {
		t.Errorf("a login without audience: %q", found)
	}
}
