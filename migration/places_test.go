package migration_test

import (
	"fmt"
	"slices"
	"testing"
	"testing/synctest"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/auth0kit/auth0kit/management"
	"github.com/auth0kit/auth0kit/management/auth0test"
	"github.com/auth0kit/auth0kit/management/resource"
	"github.com/auth0kit/auth0kit/migration"
	"github.com/auth0kit/auth0kit/migration/internal/legacytest"
)

// membersOf are the members of an organization with the names of their roles.
func membersOf(t *testing.T, c *management.Client, org string) map[string][]string {
	t.Helper()
	all := make(map[string][]string)
	for m, err := range c.Members(t.Context(), org) {
		require.NoError(t, err)
		all[m.UserID] = nil
		for _, r := range m.Roles {
			all[m.UserID] = append(all[m.UserID], r.Name)
		}
	}
	return all
}

// Memberships and roles are carried out once for each user, also when they overflow
// the queue behind the import.
func TestMembershipsAreCarriedOutOnce(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		tenant := legacytest.NewTenant(auth0test.Options{JobTime: -1})
		org, role := tenant.AddOrganization("acme"), tenant.AddRole("admin", "")
		rows := legacytest.Users(6000)
		for i := range rows {
			rows[i].Memberships = []migration.Membership{{OrgID: org, RoleIDs: []string{role}}}
		}
		var last migration.Progress
		r := legacytest.NewRunner(t, legacytest.NewTable(rows...), legacytest.NewClient(t, tenant), migration.NewMemoryLedger(), migration.Config{Progress: func(p migration.Progress) { last = p }})
		legacytest.Do(t, r)
		assigned := make(map[string]int)
		for _, q := range tenant.Requests() {
			if q.Method == "POST" && len(q.Path) > 20 && q.Path[len(q.Path)-6:] == "/roles" {
				assigned[q.Path]++
			}
		}
		require.Len(t, assigned, 6000)
		for path, n := range assigned {
			require.Equal(t, 1, n, path)
		}
		require.Equal(t, []int{6000, 6000}, []int{last.Memberships, last.MembershipsTotal})
	})
}

// Organizations and roles by name are found or created; tenant roles are given;
// Verify sees all of them; Sync changes and takes back what this run gave, and
// nothing else.
func TestPlacesFollowTheSource(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		tenant := legacytest.NewTenant(auth0test.Options{})
		client := legacytest.NewClient(t, tenant)
		globex := tenant.AddOrganization("globex")
		foreign := tenant.AddOrganization("foreign")
		rows := legacytest.Users(12)
		for i := range rows {
			rows[i].Memberships = []migration.Membership{{OrgName: "acme", RoleNames: []string{"admin"}}, {OrgID: globex}}
			rows[i].RoleNames = []string{"staff"}
		}
		rows[3].Memberships, rows[3].RoleNames = nil, nil
		src, ledger := legacytest.NewTable(rows...), migration.NewMemoryLedger()
		r := legacytest.NewRunner(t, src, client, ledger, migration.Config{CreateMissing: true})
		res := legacytest.Do(t, r)
		require.Zero(t, res.MembershipsFailed)
		acme, err := client.OrganizationByName(t.Context(), "acme")
		require.NoError(t, err)
		require.Len(t, membersOf(t, client, acme.ID), 11)
		require.Equal(t, []string{"admin"}, membersOf(t, client, acme.ID)["auth0|u000001"])
		require.Len(t, membersOf(t, client, globex), 11)
		v, err := r.Verify(t.Context())
		require.NoError(t, err)
		require.Equal(t, 33, v.Memberships)

		require.NoError(t, client.AddMembers(t.Context(), foreign, "auth0|u000001"))
		require.NoError(t, client.RemoveMembers(t.Context(), globex, "auth0|u000002"))
		staff, err := client.RoleByName(t.Context(), "staff")
		require.NoError(t, err)
		require.NoError(t, client.RemoveRoles(t.Context(), "auth0|u000004", staff.ID))
		v, err = r.Verify(t.Context())
		require.ErrorIs(t, err, migration.ErrDifferent)
		require.Equal(t, 2, v.Outside)
		require.Equal(t, []migration.Difference{
			{UserID: "auth0|u000002", Kind: migration.Outside, Fields: []string{globex}},
			{UserID: "auth0|u000004", Kind: migration.Outside, Fields: []string{"tenant", staff.ID}},
		}, sorted(v.Differences))

		src.Change("u000001", func(r *migration.Record) {
			r.Memberships, r.RoleNames = []migration.Membership{{OrgName: "acme", RoleNames: []string{"viewer"}}}, nil
		})
		src.Change("u000003", func(r *migration.Record) { r.Memberships = []migration.Membership{{OrgID: globex}} })
		for range 2 { // the second has nothing to do
			_, err = r.Sync(t.Context())
			require.NoError(t, err)
		}
		require.Equal(t, []string{"viewer"}, membersOf(t, client, acme.ID)["auth0|u000001"])
		require.NotContains(t, membersOf(t, client, globex), "auth0|u000001")
		require.Contains(t, membersOf(t, client, globex), "auth0|u000003")
		require.Contains(t, membersOf(t, client, foreign), "auth0|u000001", "another hand has given it")
		for u, err := range client.RoleUsers(t.Context(), staff.ID) {
			require.NoError(t, err)
			require.NotEqual(t, "auth0|u000001", u.ID)
		}
		require.Equal(t, 2, posts(tenant, "/api/v2/organizations/"+globex+"/members")+posts(tenant, "/api/v2/organizations/"+acme.ID+"/members")-
			4, "two of eleven members each by the run, and one each by Sync and this test")
	})
}

func sorted(all []migration.Difference) []migration.Difference {
	slices.SortFunc(all, func(a, b migration.Difference) int { return len(a.Fields) - len(b.Fields) })
	return all
}

// Without CreateMissing a name that the tenant lacks keeps nobody out but says so.
func TestUnknownPlaces(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		tenant := legacytest.NewTenant(auth0test.Options{})
		client := legacytest.NewClient(t, tenant)
		org := tenant.AddOrganization("acme")
		rows := legacytest.Users(2)
		rows[1].Memberships = []migration.Membership{{OrgID: org}, {OrgName: "nowhere"}}
		ledger := migration.NewMemoryLedger()
		res := legacytest.Do(t, legacytest.NewRunner(t, legacytest.NewTable(rows...), client, ledger, migration.Config{}))
		require.Equal(t, []int{2, 1}, []int{res.Migrated, res.MembershipsFailed})
		o := outcomesOf(t, ledger)["u000001"]
		require.Equal(t, []string{"NOT_IN_TENANT", "nowhere"}, []string{o.Code, o.Path})
		require.Len(t, membersOf(t, client, org), 1)
		res, err := legacytest.NewRunner(t, legacytest.NewTable(rows...), client, ledger, migration.Config{CreateMissing: true}).RetryFailed(t.Context())
		require.NoError(t, err)
		require.Zero(t, res.MembershipsFailed)
	})
}

// Who is gone from the source stays, is blocked by choice, and deleted by
// PlanDeletions and Apply alone. An empty source blocks and deletes nobody.
func TestGoneFromTheSource(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		tenant := legacytest.NewTenant(auth0test.Options{})
		client := legacytest.NewClient(t, tenant)
		rows := legacytest.Users(6)
		src, ledger := legacytest.NewTable(slices.Clone(rows)...), migration.NewMemoryLedger()
		r := legacytest.NewRunner(t, src, client, ledger, migration.Config{})
		legacytest.Do(t, r)
		logIn(t, tenant, "user2@example.com", legacytest.Password)
		for _, key := range []string{"u000001", "u000002", "u000003"} {
			src.Remove(key)
		}
		_, err := r.Sync(t.Context())
		require.NoError(t, err)
		require.False(t, usersOf(t, client)["u000001"].Blocked)

		blocking := legacytest.NewRunner(t, src, client, ledger, migration.Config{BlockDeleted: true})
		res, err := blocking.Sync(t.Context())
		require.NoError(t, err)
		require.Equal(t, []int{2, 1}, []int{res.Blocked, res.Kept})
		there := usersOf(t, client)
		require.Equal(t, []bool{true, false, true, false}, []bool{there["u000001"].Blocked, there["u000002"].Blocked, there["u000003"].Blocked, there["u000004"].Blocked})
		src.Insert(rows[1])
		for range 2 {
			_, err = blocking.Sync(t.Context())
			require.NoError(t, err)
		}
		require.False(t, usersOf(t, client)["u000001"].Blocked, "it is back")

		plan, err := r.PlanDeletions(t.Context())
		require.NoError(t, err)
		require.Equal(t, []string{"u000003"}, plan.Keys)
		require.Equal(t, map[string]int{"logged_in": 1}, plan.Kept)
		plan.Keys = append(plan.Keys, "u000004") // is in the source: Apply asks again
		res, err = r.Apply(t.Context(), plan)
		require.NoError(t, err)
		require.Equal(t, 1, res.Deleted)
		require.NotContains(t, usersOf(t, client), "u000003")
		src.Insert(rows[3])
		res = legacytest.Do(t, r)
		require.Equal(t, 1, res.Deleted, "stays deleted")

		empty := legacytest.NewRunner(t, legacytest.NewTable(), client, ledger, migration.Config{BlockDeleted: true})
		before := fmt.Sprint(usersOf(t, client))
		_, err = empty.PlanDeletions(t.Context())
		require.ErrorContains(t, err, "no records at all")
		_, err = empty.Sync(t.Context())
		require.ErrorContains(t, err, "no records at all")
		require.Equal(t, before, fmt.Sprint(usersOf(t, client)))
	})
}

// A login that fails after the switch is told with its format, and whether the hash
// is the likely cause.
func TestFailedLogins(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		tenant := legacytest.NewTenant(auth0test.Options{})
		client := legacytest.NewClient(t, tenant)
		r := legacytest.NewRunner(t, legacytest.NewTable(legacytest.Users(3)...), client, migration.NewMemoryLedger(), migration.Config{})
		legacytest.Do(t, r)
		tenant.AddUser(resource.User{Email: "native@example.com", Connection: legacytest.Connection}, "x")
		logIn(t, tenant, "user2@example.com", legacytest.Password)
		for _, email := range []string{"user1@example.com", "user2@example.com", "native@example.com", "nobody@example.com"} {
			tryLogIn(t, tenant, email, "wrong")
		}
		var got []string
		for f, err := range r.FailedLogins(t.Context(), client, "") {
			require.NoError(t, err)
			got = append(got, fmt.Sprint(f.Key, " ", f.Format, " ", f.Hash, " ", f.LogID != ""))
			if len(got) == 2 {
				break
			}
		}
		assert.Equal(t, []string{"u000001 bcrypt true true", "u000002 bcrypt false true"}, got)
	})
}
