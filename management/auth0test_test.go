package management_test

import (
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/auth0kit/auth0kit/management"
	"github.com/auth0kit/auth0kit/management/auth0test"
	"github.com/auth0kit/auth0kit/management/resource"
)

const connection = "Username-Password-Authentication"

func clientOf(t *testing.T, tenant *auth0test.Tenant, change func(*management.Config)) *management.Client {
	t.Helper()
	machine := tenant.Machine()
	cfg := management.Config{
		Domain: auth0test.DefaultDomain, ClientID: machine.ID, ClientSecret: machine.Secret, HTTPClient: tenant.HTTPClient(),
	}
	if change != nil {
		change(&cfg)
	}
	c, err := management.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// count returns how many requests of a method and path, a suffix, had status.
func count(tenant *auth0test.Tenant, method, suffix string, status int) int {
	n := 0
	for _, r := range tenant.Requests() {
		if (method == "" || r.Method == method) && strings.HasSuffix(r.Path, suffix) && (status < 0 || r.Status == status) {
			n++
		}
	}
	return n
}

// The whole way: TLS on a socket, the token, the SDK, and Auth0's errors.
func TestTenantOverTLS(t *testing.T) {
	t.Parallel()
	tenant := auth0test.NewTenant(auth0test.Options{})
	server := tenant.Start()
	defer server.Close()
	c := clientOf(t, tenant, func(cfg *management.Config) { cfg.Domain, cfg.HTTPClient = server.Domain, server.Client })
	ctx := t.Context()
	if err := c.Check(ctx, "create:users", "read:users", "delete:users"); err != nil {
		t.Fatal(err)
	}
	if err := c.Check(ctx, "no:such_scope"); !errors.Is(err, management.ErrForbidden) {
		t.Errorf("err = %v", err)
	}
	u, err := c.CreateUser(ctx, resource.NewUser{User: resource.User{ID: "a/b", Connection: connection, Email: "ada@example.com"}, Password: "Correct-horse-7"})
	if err != nil || u.ID != "auth0|a/b" {
		t.Fatalf("%v, %v", u, err)
	}
	if u, err = c.User(ctx, "auth0|a/b"); err != nil || u.Email != "ada@example.com" || u.Connection != connection {
		t.Errorf("%v, %v", u, err)
	}
	if err := c.DeleteUser(ctx, "auth0|a/b"); err != nil {
		t.Error(err)
	}
	if err := c.DeleteUser(ctx, "auth0|a/b"); err != nil { // Deleting is idempotent.
		t.Error(err)
	}
	_, err = c.User(ctx, "auth0|a/b")
	if e, ok := errors.AsType[*management.Error](err); !ok || e.Code != "inexistent_user" || !errors.Is(err, management.ErrNotFound) {
		t.Errorf("err = %v", err)
	}
	if n := count(tenant, "POST", "/oauth/token", 200); n != 1 {
		t.Errorf("%d token calls", n)
	}
}

func TestTenantCutsAfterTheWrite(t *testing.T) {
	t.Parallel()
	for _, sockets := range []bool{true, false} {
		tenant := auth0test.NewTenant(auth0test.Options{})
		c := clientOf(t, tenant, func(cfg *management.Config) {
			if sockets {
				server := tenant.Start()
				t.Cleanup(server.Close)
				cfg.Domain, cfg.HTTPClient = server.Domain, server.Client
			}
		})
		tenant.Fault("POST /api/v2/users", auth0test.Fault{CutAfter: true})
		_, err := c.CreateUser(t.Context(), resource.NewUser{User: resource.User{ID: "1", Connection: connection, Email: "ada@example.com"}, Password: "Correct-horse-7"})
		if !errors.Is(err, management.ErrOutcomeUnknown) || strings.Contains(err.Error(), "example.com") {
			t.Errorf("err = %v", err)
		}
		if n := count(tenant, "POST", "/api/v2/users", -1); n != 1 {
			t.Errorf("sent %d times", n)
		}
		if u, err := c.User(t.Context(), "auth0|1"); err != nil || u.ID != "auth0|1" {
			t.Errorf("%v, %v", u, err)
		}
	}
}

// Every plan lets a bulk run finish, and no request meets an empty bucket.
func TestTenantPlans(t *testing.T) {
	t.Parallel()
	plans := map[string]struct {
		plan  auth0test.Plan
		users int
		most  time.Duration
	}{
		"free":           {auth0test.Free, 8, 40 * time.Second},
		"professional":   {auth0test.Professional, 64, 2 * time.Minute},
		"enterprise":     {auth0test.Enterprise, 64, time.Minute},
		"enterprise dev": {auth0test.EnterpriseDev, 24, 2 * time.Minute},
		"private":        {auth0test.Private100, 64, time.Minute},
	}
	for name, tc := range plans {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				tenant := auth0test.NewTenant(auth0test.Options{Plan: tc.plan})
				c := clientOf(t, tenant, func(cfg *management.Config) { cfg.MaxWait = -1 })
				start := time.Now()
				var wg sync.WaitGroup
				for i := range tc.users {
					wg.Go(func() { cycle(t, c, i) })
				}
				wg.Wait()
				took, refused := time.Since(start), count(tenant, "", "", http.StatusTooManyRequests)
				t.Logf("%d users in %s, %d refused", tc.users, took, refused)
				if refused > 4 { // Each of the four operations may have to ask for its bucket.
					t.Errorf("%d requests met an empty bucket", refused)
				}
				if took > tc.most {
					t.Errorf("took %s", took)
				}
			})
		})
	}
}

// cycle creates, reads, changes and deletes a user.
func cycle(t *testing.T, c *management.Client, i int) {
	ctx, id := t.Context(), fmt.Sprint("auth0|", i)
	_, err := c.CreateUser(ctx, resource.NewUser{User: resource.User{ID: fmt.Sprint(i), Connection: connection, Email: fmt.Sprintf("u%d@example.com", i)}, Password: "Correct-horse-7"})
	if err != nil {
		t.Error(err)
		return
	}
	if _, err := c.User(ctx, id); err != nil {
		t.Error(err)
	}
	if _, err := c.UpdateUser(ctx, id, resource.UserPatch{Name: new("Ada")}); err != nil {
		t.Error(err)
	}
	if err := c.DeleteUser(ctx, id); err != nil {
		t.Error(err)
	}
}

// A third import job is refused as such, while other calls go on.
func TestTenantJobSlots(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		tenant := auth0test.NewTenant(auth0test.Options{JobTime: time.Minute})
		c := clientOf(t, tenant, nil)
		found, err := c.Connection(t.Context(), connection)
		if err != nil {
			t.Fatal(err)
		}
		jobs := make([]*resource.Job, 2)
		for i := range jobs {
			jobs[i], err = c.ImportUsers(t.Context(), resource.Import{ConnectionID: found.ID, Users: fmt.Appendf(nil, `[{"user_id":"%d","email":"u%d@example.com"}]`, i, i)})
			if err != nil {
				t.Fatal(err)
			}
		}
		third := resource.Import{ConnectionID: found.ID, Users: []byte(`[{"user_id":"3","email":"u3@example.com"}]`)}
		start := time.Now()
		if _, err := c.ImportUsers(t.Context(), third); !errors.Is(err, management.ErrJobSlots) {
			t.Errorf("err = %v", err)
		}
		if waited := time.Since(start); waited > 0 {
			t.Errorf("waited %s for a slot", waited)
		}
		time.Sleep(time.Minute)
		if job, err := c.Job(t.Context(), jobs[0].ID); err != nil || !job.Done() || job.Inserted != 1 {
			t.Errorf("%+v, %v", job, err)
		}
		if _, err := c.ImportUsers(t.Context(), third); err != nil {
			t.Error(err)
		}
	})
}

// A run outlives its tokens, and faults on the way cost nothing but time.
func TestTenantLongRun(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		tenant := auth0test.NewTenant(auth0test.Options{})
		c := clientOf(t, tenant, func(cfg *management.Config) { cfg.MaxWait = -1 })
		tenant.Fault("GET /api/v2/users/{id}", auth0test.Fault{Status: 503, Times: 2})
		tenant.Fault("PATCH /api/v2/users/{id}", auth0test.Fault{CutAfter: true, Times: 2})
		tenant.Fault("DELETE /api/v2/users/{id}", auth0test.Fault{Status: 500, Times: 1})
		tenant.Fault("POST /api/v2/users", auth0test.Fault{RetryAfter: 30 * time.Second, Times: 3})
		tenant.Fault("POST /oauth/token", auth0test.Fault{Status: 503, Times: 1})
		for i := range 50 {
			cycle(t, c, i)
			time.Sleep(time.Hour)
		}
		tokens := count(tenant, "POST", "/oauth/token", 200)
		if tokens < 2 || tokens > 4 {
			t.Errorf("%d tokens in 50 hours", tokens)
		}
		if n := count(tenant, "", "", http.StatusUnauthorized); n > 0 {
			t.Errorf("%d requests had an expired token", n)
		}
	})
}

func TestTenantOrganization(t *testing.T) {
	t.Parallel()
	tenant := auth0test.NewTenant(auth0test.Options{})
	c, ctx := clientOf(t, tenant, nil), t.Context()
	tenant.AddAPI("https://api.example.com", "read:orders", "write:orders")
	org := tenant.AddOrganization("acme")
	admin := tenant.AddRole("Admin", "https://api.example.com", "read:orders", "write:orders")
	ids := make([]string, 25)
	for i := range ids {
		u, err := c.CreateUser(ctx, resource.NewUser{User: resource.User{ID: fmt.Sprint(i), Connection: connection, Email: fmt.Sprintf("u%d@example.com", i)}, Password: "Correct-horse-7"})
		if err != nil {
			t.Fatal(err)
		}
		ids[i] = u.ID
	}
	if err := c.AddMembers(ctx, org, ids...); err != nil {
		t.Fatal(err)
	}
	if err := c.AssignMemberRoles(ctx, org, ids[7], admin); err != nil {
		t.Fatal(err)
	}
	var members []string
	for m, err := range c.Members(ctx, org) {
		if err != nil {
			t.Fatal(err)
		}
		members = append(members, m.UserID)
		if got := len(m.Roles) == 1; got != (m.UserID == ids[7]) {
			t.Errorf("%s has %v", m.UserID, m.Roles)
		}
	}
	slices.Sort(members)
	slices.Sort(ids)
	if !slices.Equal(members, ids) {
		t.Errorf("members %v", members)
	}
	roles, err := c.MemberRoles(ctx, org, "auth0|7")
	if err != nil || len(roles) != 1 || roles[0].ID != admin {
		t.Errorf("%v, %v", roles, err)
	}
	permissions, err := c.RolePermissions(ctx, admin)
	if err != nil || len(permissions) != 2 || permissions[0].Audience != "https://api.example.com" {
		t.Errorf("%v, %v", permissions, err)
	}
	if err := c.RemoveMemberRoles(ctx, org, "auth0|7", admin); err != nil {
		t.Error(err)
	}
	if err := c.RemoveMembers(ctx, org, ids...); err != nil {
		t.Error(err)
	}
	for m, err := range c.Members(ctx, org) {
		t.Errorf("%v, %v is left", m, err)
	}
}
