package tenancy

import (
	"context"
	"fmt"
	"iter"
	"runtime"
	"testing"
	"time"

	"github.com/auth0kit/auth0kit/internal/jose"
	"github.com/auth0kit/auth0kit/management/resource"
)

// crowd is a Directory in which everybody is a clerk, and every answer is made
// anew, as a client does it.
type crowd struct{ reads int }

func (c *crowd) MemberRoles(_ context.Context, orgID, userID string) ([]resource.Role, error) {
	c.reads++
	return []resource.Role{{ID: fmt.Sprint("rol_", "clerk"), Name: fmt.Sprint("clerk of ", orgID)}, {ID: "rol_none", Name: userID}}, nil
}

func (*crowd) RolePermissions(_ context.Context, roleID string) ([]resource.Permission, error) {
	return []resource.Permission{{Name: "read:" + roleID, Audience: "api"}}, nil
}

func (*crowd) Members(context.Context, string) iter.Seq2[resource.Member, error] {
	return func(func(resource.Member, error) bool) {}
}

func (*crowd) UserOrganizations(context.Context, string) ([]resource.Organization, error) {
	return nil, nil
}

func (*crowd) User(_ context.Context, id string) (*resource.User, error) {
	return &resource.User{ID: id}, nil
}

func (*crowd) Organization(context.Context, string) (*resource.Organization, error) {
	return nil, resource.ErrNotFound
}

func TestTenThousandMembersStayWithinMemory(t *testing.T) {
	const entries, members = 500, 10_000
	dir := &crowd{}
	l := newLive(GuardConfig{Directory: dir, MaxEntries: entries, RoleTTL: time.Hour, PermissionTTL: time.Hour})
	ask := func(n int) {
		tenant := &TenantContext{TenantID: "org_acme", UserID: fmt.Sprintf("auth0|%024d", n), token: &jose.Token{Audiences: []string{"api"}}}
		if err := l.fill(t.Context(), tenant); err != nil || len(tenant.Permissions) != 2 {
			t.Fatalf("%d: %q %v", n, tenant.Permissions, err)
		}
	}
	before := heap()
	for n := range members {
		ask(n)
	}
	if grown := heap() - before; grown > entries<<10 {
		t.Errorf("the heap has grown by %d bytes, want at most 1 kB for each of %d entries", grown, entries)
	}
	if got := l.members.entries.Len(); got != entries {
		t.Errorf("%d members are kept, want %d", got, entries)
	}
	for n := range entries { // the newest are there
		ask(members - 1 - n)
	}
	if dir.reads != members {
		t.Errorf("%d reads, want one for each member", dir.reads)
	}
	ask(0) // the oldest is not
	if dir.reads != members+1 {
		t.Errorf("the first member was kept")
	}
	runtime.KeepAlive(l)
}

func heap() int64 {
	runtime.GC()
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}
