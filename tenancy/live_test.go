package tenancy_test

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"iter"
	"maps"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/auth0kit/auth0kit/internal/jose/josetest"
	"github.com/auth0kit/auth0kit/management/resource"
	"github.com/auth0kit/auth0kit/tenancy"
)

// directory is a small Directory that counts its reads.
type directory struct {
	mu          sync.Mutex
	roles       map[string][]resource.Role // by org, space, user
	permissions map[string][]resource.Permission
	err         error
	latency     time.Duration
	memberReads int
	roleReads   int
	listReads   int
	accounts    map[string]*resource.User // Nil: deleted. Who is not there is fine.
	name        string
}

func newDirectory() *directory {
	return &directory{
		roles: map[string][]resource.Role{orgID + " auth0|1": {{ID: "rol_clerk", Name: "clerk"}, {ID: "rol_auditor", Name: "auditor", Inherited: true}}},
		permissions: map[string][]resource.Permission{
			"rol_clerk":   {{Name: "write:invoices", Audience: audience}, {Name: "read:invoices", Audience: audience}, {Name: "read:users", Audience: "https://other.example.com"}},
			"rol_auditor": {{Name: "read:invoices", Audience: audience}, {Name: "read:log", Audience: audience}},
		},
	}
}

func (d *directory) MemberRoles(ctx context.Context, orgID, userID string) ([]resource.Role, error) {
	d.wait(&d.memberReads)
	d.mu.Lock()
	defer d.mu.Unlock()
	roles, ok := d.roles[orgID+" "+userID]
	if d.err == nil && !ok {
		return nil, &resource.Error{Op: "list member roles", StatusCode: http.StatusNotFound}
	}
	return roles, d.err
}

func (d *directory) RolePermissions(ctx context.Context, roleID string) ([]resource.Permission, error) {
	d.wait(&d.roleReads)
	d.mu.Lock()
	defer d.mu.Unlock()
	permissions, ok := d.permissions[roleID]
	if d.err == nil && !ok {
		return nil, &resource.Error{Op: "list role permissions", StatusCode: http.StatusNotFound}
	}
	return permissions, d.err
}

// Members yields the members by their direct roles.
func (d *directory) Members(ctx context.Context, orgID string) iter.Seq2[resource.Member, error] {
	return func(yield func(resource.Member, error) bool) {
		d.wait(&d.listReads)
		d.mu.Lock()
		roles, err := maps.Clone(d.roles), d.err
		d.mu.Unlock()
		if err != nil {
			yield(resource.Member{}, err)
			return
		}
		for key, of := range roles {
			org, user, _ := strings.Cut(key, " ")
			direct := slices.DeleteFunc(append([]resource.Role{}, of...), func(r resource.Role) bool { return r.Inherited })
			if org == orgID && !yield(resource.Member{UserID: user, Roles: direct}, nil) {
				return
			}
		}
	}
}

func (d *directory) UserOrganizations(_ context.Context, userID string) (orgs []resource.Organization, _ error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	for key := range d.roles {
		if org, user, _ := strings.Cut(key, " "); user == userID {
			orgs = append(orgs, resource.Organization{ID: org})
		}
	}
	return orgs, d.err
}

func (d *directory) User(_ context.Context, id string) (*resource.User, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	u, ok := d.accounts[id]
	switch {
	case d.err != nil:
		return nil, d.err
	case !ok:
		return &resource.User{ID: id}, nil
	case u == nil:
		return nil, &resource.Error{Op: "get user", StatusCode: http.StatusNotFound}
	}
	return u, nil
}

func (d *directory) Organization(_ context.Context, id string) (*resource.Organization, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.err != nil || d.name == "" {
		return nil, cmp.Or(d.err, error(&resource.Error{Op: "get organization", StatusCode: http.StatusNotFound}))
	}
	return &resource.Organization{ID: id, Name: d.name}, nil
}

func (d *directory) wait(reads *int) {
	d.mu.Lock()
	*reads++
	latency := d.latency
	d.mu.Unlock()
	time.Sleep(latency)
}

func (d *directory) set(change func()) {
	d.mu.Lock()
	defer d.mu.Unlock()
	change()
}

func (d *directory) reads() (member, role int) {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.memberReads, d.roleReads
}

func wantReads(t *testing.T, d *directory, member, role int) {
	t.Helper()
	if m, r := d.reads(); m != member || r != role {
		t.Fatalf("%d reads of members and %d of roles, want %d and %d", m, r, member, role)
	}
}

func TestLivePermissionsAreOfThisAPIInThisOrganization(t *testing.T) {
	t.Parallel()
	i, d := josetest.NewIssuer(), newDirectory()
	x := extractor(t, i, tenancy.FromToken, tenancy.GuardConfig{Directory: d})
	tenant := mustExtract(t, x, token(i, "permissions", []string{"admin:all"}))
	if !slices.Equal(tenant.Permissions, []string{"read:invoices", "read:log", "write:invoices"}) {
		t.Errorf("permissions are %q: want those of the roles, for this API alone, none of the token", tenant.Permissions)
	}
	if !slices.Equal(tenant.Roles, []string{"clerk", "auditor"}) {
		t.Errorf("roles are %q, want the direct and the inherited one", tenant.Roles)
	}
	_, err := x.extract(t.Context(), token(i, "org_id", "org_other"))
	require.ErrorContains(t, err, "not a member")
}

func TestRemovedRoleStopsWithinTheTTL(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		i, d := josetest.NewIssuer(), newDirectory()
		x := extractor(t, i, tenancy.FromToken, tenancy.GuardConfig{Directory: d, RoleTTL: time.Minute})
		h := x.require(tenancy.AllOf("write:invoices"))(reached)
		good := token(i, "", nil)
		wantStatus(t, ask(h, good), http.StatusOK)
		d.set(func() { d.roles[orgID+" auth0|1"] = nil })
		time.Sleep(59 * time.Second)
		wantStatus(t, ask(h, good), http.StatusOK)
		time.Sleep(time.Second)
		wantStatus(t, ask(h, good), http.StatusForbidden)
		wantReads(t, d, 2, 2)
	})
}

func TestRemovedRoleStopsAtOnceAfterInvalidate(t *testing.T) {
	t.Parallel()
	i, d := josetest.NewIssuer(), newDirectory()
	x := extractor(t, i, tenancy.FromToken, tenancy.GuardConfig{Directory: d})
	h := x.require(tenancy.AllOf("write:invoices"))(reached)
	good := token(i, "", nil)
	wantStatus(t, ask(h, good), http.StatusOK)
	d.set(func() { d.roles[orgID+" auth0|1"] = nil })
	x.Invalidate(orgID, "auth0|2")
	x.Invalidate("org_other", "auth0|1")
	wantStatus(t, ask(h, good), http.StatusOK)
	x.Invalidate(orgID, "auth0|1")
	wantStatus(t, ask(h, good), http.StatusForbidden)
}

// What a read that began before Invalidate brings must not be kept.
func TestInvalidateDuringARead(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		i, d := josetest.NewIssuer(), newDirectory()
		slow := &slowAnswer{directory: d}
		x := extractor(t, i, tenancy.FromToken, tenancy.GuardConfig{Directory: slow})
		good := token(i, "", nil)
		var wg sync.WaitGroup
		wg.Go(func() { mustExtract(t, x, good) })
		synctest.Wait() // the roles are read, but on their way
		d.set(func() { d.roles[orgID+" auth0|1"] = nil })
		x.Invalidate(orgID, "auth0|1")
		if tenant := mustExtract(t, x, good); len(tenant.Permissions) != 0 {
			t.Errorf("after Invalidate: %q", tenant.Permissions)
		}
		wg.Wait()
		if tenant := mustExtract(t, x, good); len(tenant.Permissions) != 0 {
			t.Errorf("the old answer was kept: %q", tenant.Permissions)
		}
	})
}

// slowAnswer reads at once and answers after a second.
type slowAnswer struct{ *directory }

func (s *slowAnswer) MemberRoles(ctx context.Context, orgID, userID string) ([]resource.Role, error) {
	roles, err := s.directory.MemberRoles(ctx, orgID, userID)
	time.Sleep(time.Second)
	return roles, err
}

func TestChangedRolePermissions(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		i, d := josetest.NewIssuer(), newDirectory()
		x := extractor(t, i, tenancy.FromToken, tenancy.GuardConfig{Directory: d, RoleTTL: time.Minute, PermissionTTL: 10 * time.Minute})
		good := token(i, "", nil)
		mustExtract(t, x, good)
		d.set(func() { delete(d.permissions, "rol_clerk") })
		time.Sleep(5 * time.Minute)
		if got := mustExtract(t, x, good).Permissions; len(got) != 3 {
			t.Errorf("got %q before PermissionTTL", got)
		}
		x.InvalidateRole("rol_clerk")
		if got := mustExtract(t, x, good).Permissions; !slices.Equal(got, []string{"read:invoices", "read:log"}) {
			t.Errorf("got %q after InvalidateRole", got)
		}
		wantReads(t, d, 2, 3)
	})
}

func TestColdMemberCostsOneCallFor64Goroutines(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		i, d := josetest.NewIssuer(), newDirectory()
		d.latency = 50 * time.Millisecond
		x := extractor(t, i, tenancy.FromToken, tenancy.GuardConfig{Directory: d})
		h := x.require(tenancy.AllOf("write:invoices"))(reached)
		good := token(i, "", nil)
		var wg sync.WaitGroup
		for range 64 {
			wg.Go(func() { wantStatus(t, ask(h, good), http.StatusOK) })
		}
		wg.Wait()
		wantReads(t, d, 1, 2)
	})
}

func TestNewMemberWithKnownRolesCostsOneCall(t *testing.T) {
	t.Parallel()
	i, d := josetest.NewIssuer(), newDirectory()
	d.roles[orgID+" auth0|2"] = d.roles[orgID+" auth0|1"]
	x := extractor(t, i, tenancy.FromToken, tenancy.GuardConfig{Directory: d})
	mustExtract(t, x, token(i, "", nil))
	mustExtract(t, x, token(i, "sub", "auth0|2"))
	wantReads(t, d, 1, 2)
	require.Equal(t, 1, d.listReads, "the list is read in place of the second member")
}

func TestStrangersAreRememberedToo(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		i, d := josetest.NewIssuer(), newDirectory()
		x := extractor(t, i, tenancy.FromToken, tenancy.GuardConfig{Directory: d})
		h := x.require(tenancy.AllOf("read:invoices"))(reached)
		stranger := token(i, "sub", "auth0|stranger")
		for range 100 {
			wantStatus(t, ask(h, stranger), http.StatusForbidden, "not a member")
		}
		wantReads(t, d, 1, 0)
	})
}

func TestDirectoryFailureIs503AndNotRepeatedAtOnce(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		i, d := josetest.NewIssuer(), newDirectory()
		d.err = &resource.Error{Op: "list member roles", StatusCode: http.StatusTooManyRequests, RetryAfter: 7 * time.Second}
		x := extractor(t, i, tenancy.FromToken, tenancy.GuardConfig{Directory: d})
		h := x.require(tenancy.AllOf("read:invoices"))(reached)
		good := token(i, "", nil)
		for range 50 {
			resp := ask(h, good)
			wantStatus(t, resp, http.StatusServiceUnavailable)
			if got := resp.Header.Get("Retry-After"); got != "7" {
				t.Errorf("Retry-After is %q", got)
			}
		}
		wantReads(t, d, 1, 0)
		d.set(func() { d.err = nil })
		time.Sleep(7 * time.Second)
		wantStatus(t, ask(h, good), http.StatusOK)
	})
}

func TestCancelledRequestDoesNotFailTheOthers(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		i, d := josetest.NewIssuer(), newDirectory()
		d.latency = time.Second
		x := extractor(t, i, tenancy.FromToken, tenancy.GuardConfig{Directory: d})
		good := token(i, "", nil)
		ctx, cancel := context.WithCancel(t.Context())
		var wg sync.WaitGroup
		wg.Go(func() {
			if _, err := x.extract(ctx, good); !errors.Is(err, context.Canceled) || !errors.Is(err, tenancy.ErrUnavailable) {
				t.Errorf("got %v", err)
			}
		})
		synctest.Wait()
		for range 10 {
			wg.Go(func() { mustExtract(t, x, good) })
		}
		synctest.Wait()
		cancel()
		wg.Wait()
		wantReads(t, d, 1, 2)
	})
}

// Clients and agents are no members: asking for their roles would cost calls and
// say 404.
func TestLiveIsForUsersAlone(t *testing.T) {
	t.Parallel()
	i, d := josetest.NewIssuer(), newDirectory()
	x := extractor(t, i, tenancy.FromToken, tenancy.GuardConfig{Directory: d})
	c := josetest.With(claims(i), "sub", "kJ3client@clients")
	c["gty"], c["scope"] = "client-credentials", "read:invoices"
	tenant := mustExtract(t, x, i.Token(josetest.Header("rs"), c))
	if err := tenant.Check(t.Context(), orgID, tenancy.AllOf("read:invoices")); err != nil || tenant.Kind != tenancy.Client {
		t.Errorf("a client: %v %v", tenant.Kind, err)
	}
	wantReads(t, d, 0, 0)
}

func TestDirectoryUnderConcurrency(t *testing.T) {
	t.Parallel()
	i, d := josetest.NewIssuer(), newDirectory()
	x := extractor(t, i, tenancy.FromToken, tenancy.GuardConfig{Directory: d, MaxEntries: 4})
	var tokens []string
	for n := range 8 {
		d.roles[fmt.Sprintf("%s auth0|%d", orgID, n)] = []resource.Role{{ID: "rol_clerk", Name: "clerk"}}
		tokens = append(tokens, token(i, "sub", fmt.Sprintf("auth0|%d", n)))
	}
	var wg sync.WaitGroup
	for g := range 64 {
		wg.Go(func() {
			for n := range 40 {
				k := (g + n) % len(tokens)
				if n%10 == 0 {
					x.Invalidate(orgID, fmt.Sprintf("auth0|%d", k))
				}
				tenant := mustExtract(t, x, tokens[k])
				if want := fmt.Sprintf("auth0|%d", k); tenant.UserID != want || len(tenant.Permissions) != 2 {
					t.Errorf("got %q with %q, want %q", tenant.UserID, tenant.Permissions, want)
				}
			}
		})
	}
	wg.Wait()
}
