package tenancy_test

import (
	"context"
	"fmt"
	"iter"
	"net/http"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/auth0kit/auth0kit/internal/jose/josetest"
	"github.com/auth0kit/auth0kit/management/resource"
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

// An event that makes a whole organization be read again must not have it read one
// by one for as long as the list from before would have been good.
func TestListAfterAnEvent(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		i, d := josetest.NewIssuer(), newDirectory()
		for n := range 250 {
			d.roles[fmt.Sprintf("%s auth0|%d", orgID, n+1)] = d.roles[orgID+" auth0|1"]
		}
		x := extractor(t, i, tenancy.FromToken, tenancy.GuardConfig{Directory: d})
		h := x.require(tenancy.AllOf("write:invoices"))(reached)
		everybody := func() (members, lists int) {
			members, lists = d.memberReads, d.listReads
			for n := range 250 {
				wantStatus(t, ask(h, token(i, "sub", fmt.Sprintf("auth0|%d", n+1))), 200)
			}
			return d.memberReads - members, d.listReads - lists
		}
		everybody()
		require.NoError(t, x.Observe(t.Context(), []byte(`{"type":"organization.group.role.assigned","data":{"object":{"organization":{"id":"org_acme"}}}}`)))
		wantStatus(t, ask(h, token(i, "", nil)), 200)
		wantStatus(t, ask(h, token(i, "sub", "auth0|2")), 200)
		assert.Equal(t, 2, d.listReads, "the list may lag behind the event, so it is not asked")
		time.Sleep(31 * time.Second)
		members, lists := everybody()
		assert.LessOrEqual(t, members+3*lists, 20, "%d members, %d lists", members, lists)
	})
}

// However many are removed at once, nobody who was is admitted by a list from before.
func TestManyRemovals(t *testing.T) {
	t.Parallel()
	i, d := josetest.NewIssuer(), newDirectory()
	for n := range 30 {
		d.roles[fmt.Sprintf("%s auth0|%d", orgID, n+1)] = d.roles[orgID+" auth0|1"]
	}
	x := extractor(t, i, tenancy.FromToken, tenancy.GuardConfig{Directory: d, MaxEntries: 10})
	h := x.require(tenancy.AllOf("write:invoices"))(reached)
	as := func(n int) *http.Response { return ask(h, token(i, "sub", fmt.Sprintf("auth0|%d", n+1))) }
	for n := range 30 {
		wantStatus(t, as(n), 200)
	}
	require.NotZero(t, d.listReads)
	for n := range 30 {
		user := fmt.Sprintf("auth0|%d", n+1)
		d.set(func() { delete(d.roles, orgID+" "+user) })
		require.NoError(t, x.Observe(t.Context(), fmt.Appendf(nil, `{"type":"organization.member.deleted","data":{"object":{"organization":{"id":"org_acme"},"user":{"user_id":%q}}}}`, user)))
	}
	for n := range 30 {
		wantStatus(t, as(n), 403)
	}
}

// hangingList is a Directory whose lists of members never come.
type hangingList struct{ *directory }

func (hangingList) Members(ctx context.Context, _ string) iter.Seq2[resource.Member, error] {
	return func(yield func(resource.Member, error) bool) {
		<-ctx.Done()
		yield(resource.Member{}, ctx.Err())
	}
}

func (d hangingList) MemberRoles(ctx context.Context, orgID, userID string) ([]resource.Role, error) {
	select {
	case <-time.After(time.Second):
		return d.directory.MemberRoles(ctx, orgID, userID)
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// A list that hangs leaves time to ask for the member alone.
func TestListHangs(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		i, d := josetest.NewIssuer(), newDirectory()
		x := extractor(t, i, tenancy.FromToken, tenancy.GuardConfig{Directory: hangingList{d}})
		h := x.require(tenancy.AllOf("write:invoices"))(reached)
		for n := range 3 {
			d.roles[fmt.Sprintf("%s auth0|%d", orgID, n+1)] = d.roles[orgID+" auth0|1"]
			wantStatus(t, ask(h, token(i, "sub", fmt.Sprintf("auth0|%d", n+1))), 200)
		}
		time.Sleep(time.Minute) // what hangs ends
	})
}
