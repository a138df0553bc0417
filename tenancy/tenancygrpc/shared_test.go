package tenancygrpc_test

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"google.golang.org/grpc/codes"

	"github.com/auth0kit/auth0kit/internal/jose/josetest"
	"github.com/auth0kit/auth0kit/management/resource"
	"github.com/auth0kit/auth0kit/tenancy"
	"github.com/auth0kit/auth0kit/tenancy/tenancygrpc"
)

// directory has one member, with a role that may be taken away.
type directory struct {
	tenancy.Directory // what is not asked here

	reads atomic.Int64
	gone  atomic.Bool
}

func (d *directory) MemberRoles(context.Context, string, string) ([]resource.Role, error) {
	d.reads.Add(1)
	if d.gone.Load() {
		return nil, &resource.Error{Op: "list member roles", StatusCode: http.StatusNotFound}
	}
	return []resource.Role{{ID: "rol_1", Name: "reader"}}, nil
}

func (d *directory) RolePermissions(context.Context, string) ([]resource.Permission, error) {
	d.reads.Add(1)
	return []resource.Permission{{Name: "read:health", Audience: audience}}, nil
}

func (d *directory) User(_ context.Context, id string) (*resource.User, error) {
	d.reads.Add(1)
	return &resource.User{ID: id}, nil
}

func (d *directory) UserOrganizations(context.Context, string) ([]resource.Organization, error) {
	return nil, errors.New("away") // not decided by it
}

// One Guard serves HTTP and gRPC at once: what one transport has read costs the other
// nothing, and what is taken away or cut off is gone for both.
func TestOneGuardForBothTransports(t *testing.T) {
	t.Parallel()
	i, d := josetest.NewIssuer(), &directory{}
	cutoff, err := tenancy.NewCutoff(tenancy.NewMemory(), tenancy.CutoffConfig{})
	require.NoError(t, err)
	g := tenancyGuard(t, i, tenancy.GuardConfig{Directory: d, Cutoff: cutoff})
	c := serveGuard(t, g, tenancygrpc.FromMetadata("organization"), map[string]tenancygrpc.Access{
		"/grpc.health.v1.Health/*": tenancygrpc.Require(tenancy.AllOf("read:health")),
	}, tenancygrpc.Config{})
	mux := http.NewServeMux()
	mux.Handle("GET /orgs/{org}/health", g.Require(tenancy.FromPath("org"), tenancy.AllOf("read:health"))(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {})))
	bearer := "Bearer " + token(i, "", nil)
	both := func() (int, codes.Code) {
		r, w := httptest.NewRequest("GET", "/orgs/org_acme/health", nil), httptest.NewRecorder()
		r.Header.Set("Authorization", bearer)
		mux.ServeHTTP(w, r)
		return w.Code, call(t, c, "authorization", bearer, "organization", "org_acme").Code()
	}
	want := func(status int, code codes.Code) {
		t.Helper()
		gotStatus, gotCode := both()
		assert.Equal(t, status, gotStatus)
		assert.Equal(t, code, gotCode)
	}
	want(200, codes.OK)
	first := d.reads.Load()
	want(200, codes.OK)
	assert.Equal(t, first, d.reads.Load(), "three calls by gRPC and one by HTTP have read nothing more")

	d.gone.Store(true)
	g.Invalidate("org_acme", "auth0|1")
	status, code := both()
	assert.NotEqual(t, 200, status)
	assert.NotEqual(t, codes.OK, code)

	d.gone.Store(false)
	g.Invalidate("org_acme", "auth0|1")
	want(200, codes.OK)
	require.NoError(t, cutoff.RevokeAccess(t.Context(), "auth0|1"))
	want(401, codes.Unauthenticated)
}
