package tenancy_test

import (
	"context"
	"slices"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/auth0kit/auth0kit/internal/jose/josetest"
	"github.com/auth0kit/auth0kit/tenancy"
)

// Handlers that ask for more than their route do get what a group gives, although
// the caller was admitted by the list of members, which has direct roles alone.
func TestHandlersSeeInheritedRoles(t *testing.T) {
	t.Parallel()
	i, d := josetest.NewIssuer(), newDirectory()
	d.roles[orgID+" auth0|2"] = d.roles[orgID+" auth0|1"]
	x := extractor(t, i, tenancy.FromToken, tenancy.GuardConfig{Directory: d})
	mustExtract(t, x, token(i, "sub", "auth0|1"))
	ctx, err := x.Admit(t.Context(), token(i, "sub", "auth0|2"), tenancy.Org{ID: orgID}, tenancy.Authenticated())
	require.NoError(t, err)
	tenant, _ := tenancy.FromContext(ctx)
	require.Equal(t, 1, d.listReads, "the list is read")
	assert.NoError(t, tenancy.AllOf("read:log").Check(ctx, tenant, tenancy.Request{}))
	assert.NoError(t, tenant.Check(ctx, orgID, tenancy.AllOf("read:log")))
	assert.Error(t, tenant.Check(ctx, orgID, tenancy.AllOf("delete:log")))
	d.set(func() { delete(d.roles, orgID+" auth0|2") })
	x.Invalidate(orgID, "auth0|2")
	assert.ErrorIs(t, tenant.Check(ctx, orgID, tenancy.AllOf("read:log")), tenancy.ErrForbidden, "removed meanwhile")
}

// So do rules of your own that refuse.
func TestCustomSeesInheritedRoles(t *testing.T) {
	t.Parallel()
	i, d := josetest.NewIssuer(), newDirectory()
	d.roles[orgID+" auth0|2"] = d.roles[orgID+" auth0|1"]
	x := extractor(t, i, tenancy.FromToken, tenancy.GuardConfig{Directory: d})
	h := x.require(tenancy.Custom(func(_ context.Context, t *tenancy.TenantContext, _ tenancy.Request) error {
		if slices.Contains(t.Roles, "auditor") {
			return nil
		}
		return tenancy.ErrForbidden
	}))(reached)
	wantStatus(t, ask(h, token(i, "sub", "auth0|1")), 200)
	wantStatus(t, ask(h, token(i, "sub", "auth0|2")), 200)
}
