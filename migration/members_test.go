package migration_test

import (
	"fmt"
	"maps"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/auth0kit/auth0kit/management/auth0test"
	"github.com/auth0kit/auth0kit/migration"
	"github.com/auth0kit/auth0kit/migration/driver"
	"github.com/auth0kit/auth0kit/migration/internal/legacytest"
)

// withMemberships puts each row into one or two of five organizations, every
// third with a role.
func withMemberships(tenant *auth0test.Tenant, rows []migration.Record) []migration.Record {
	tenant.AddAPI("https://api.example.com", "read:orders")
	role := tenant.AddRole("buyer", "https://api.example.com", "read:orders")
	var orgs []string
	for i := range 5 {
		orgs = append(orgs, tenant.AddOrganization(fmt.Sprintf("org-%d", i)))
	}
	for i := range rows {
		m := []migration.Membership{{OrgID: orgs[i%5]}}
		if i%2 == 0 {
			m = append(m, migration.Membership{OrgID: orgs[(i+1)%5]})
		}
		if i%3 == 0 {
			m[0].RoleIDs = []string{role}
		}
		rows[i].Memberships = m
	}
	return rows
}

// checkMemberships demands what withMemberships asks for.
func checkMemberships(t testing.TB, tenant *auth0test.Tenant, ledger driver.Ledger, rows int) {
	t.Helper()
	client := legacytest.NewClient(t, tenant)
	members, roles := 0, 0
	wantMembers, wantRoles := rows+(rows+1)/2, (rows+2)/3
	for _, org := range organizations(t, tenant) {
		for m, err := range client.Members(t.Context(), org) {
			if err != nil {
				t.Fatal(err)
			}
			members++
			roles += len(m.Roles)
		}
	}
	if members != wantMembers || roles != wantRoles {
		t.Errorf("%d members with %d roles; want %d with %d", members, roles, wantMembers, wantRoles)
	}
	for key, o := range outcomesOf(t, ledger) {
		if o.Memberships != driver.MembershipsDone {
			t.Fatalf("%s: memberships %q (%s %s)", key, o.Memberships, o.Code, o.Path)
		}
	}
}

func organizations(t testing.TB, tenant *auth0test.Tenant) []string {
	t.Helper()
	list, err := legacytest.NewClient(t, tenant).API().Organization.List(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	var ids []string
	for _, o := range list.Organizations {
		ids = append(ids, o.GetID())
	}
	return ids
}

func TestMembershipsGoInTens(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		tenant := legacytest.NewTenant(auth0test.Options{})
		src, ledger := legacytest.NewTable(withMemberships(tenant, legacytest.Users(200))...), migration.NewMemoryLedger()
		legacytest.Do(t, legacytest.NewRunner(t, src, legacytest.NewClient(t, tenant), ledger, migration.Config{}))
		checkAll(t, tenant, ledger, 200)
		checkMemberships(t, tenant, ledger, 200)
		calls := 0
		for _, org := range organizations(t, tenant) {
			calls += posts(tenant, "/api/v2/organizations/"+org+"/members")
		}
		if calls > 35 { // 300 memberships
			t.Errorf("%d requests for 300 memberships", calls)
		}
	})
}

// One organization that does not exist keeps nobody else out, and RetryFailed
// repairs what was mended.
func TestRefusedMembershipIsTheUsersOwn(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		tenant := legacytest.NewTenant(auth0test.Options{})
		rows := withMemberships(tenant, legacytest.Users(30))
		good := rows[4].Memberships
		rows[4].Memberships = []migration.Membership{{OrgID: "org_0000000000000000"}, good[0]}
		src, ledger := legacytest.NewTable(rows...), migration.NewMemoryLedger()
		r := legacytest.NewRunner(t, src, legacytest.NewClient(t, tenant), ledger, migration.Config{})
		res := legacytest.Do(t, r)
		if res.Migrated != 30 || res.MembershipsFailed != 1 {
			t.Errorf("%+v", res)
		}
		if o := outcomesOf(t, ledger)["u000004"]; o.Memberships != driver.MembershipsFailed || o.Path != "org_0000000000000000" || o.Code == "" {
			t.Errorf("outcome %+v", o)
		}
		src.Change("u000004", func(r *migration.Record) { r.Memberships = good })
		res, err := r.RetryFailed(t.Context())
		if err != nil || res.MembershipsFailed != 0 {
			t.Errorf("RetryFailed: %+v, %v", res, err)
		}
		checkMemberships(t, tenant, ledger, 30)
	})
}

// Memberships are slower than the import: they must neither hold up the job
// slots nor be forgotten.
func TestSlowMembershipsDoNotHoldUpTheImport(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		tenant := legacytest.NewTenant(auth0test.Options{JobTime: 18 * time.Second})
		rows := legacytest.Users(6000)
		org := tenant.AddOrganization("org")
		for i := range rows {
			rows[i].Memberships = []migration.Membership{{OrgID: org}}
		}
		tenant.Fault("POST /api/v2/organizations/{id}/members", auth0test.Fault{Latency: 300 * time.Millisecond})
		ledger := migration.NewMemoryLedger()
		var imported, left, done time.Duration
		r := legacytest.NewRunner(t, legacytest.NewTable(rows...), legacytest.NewClient(t, tenant), ledger, migration.Config{
			Progress: func(p migration.Progress) {
				if p.Migrated == 6000 && imported == 0 {
					imported, left = p.Elapsed, p.Left
				}
				done = p.Elapsed
			},
		})
		legacytest.Do(t, r)
		if imported > 45*time.Second || done < 2*time.Minute {
			t.Errorf("imported after %s, members after %s", imported, done)
		}
		if rest := done - imported; left < rest/2 || left > 3*rest {
			t.Errorf("%s are said to be left; it takes %s", left, rest)
		}
		states := make(map[driver.Memberships]int)
		for _, o := range outcomesOf(t, ledger) {
			states[o.Memberships]++
		}
		if !maps.Equal(states, map[driver.Memberships]int{driver.MembershipsDone: 6000}) {
			t.Errorf("memberships %v", states)
		}
		if !slices.Equal(organizations(t, tenant), []string{org}) {
			t.Error("organizations have changed")
		}
	})
}

// Users whom Lazy has created come into their organizations by the next Sync,
// whether the source marks them or not.
func TestSyncGivesLazyUsersTheirMemberships(t *testing.T) {
	t.Parallel()
	for _, marks := range []bool{true, false} {
		synctest.Test(t, func(t *testing.T) {
			tenant := legacytest.NewTenant(auth0test.Options{})
			client := legacytest.NewClient(t, tenant)
			org := tenant.AddOrganization("org")
			lazy := legacytest.User(1)
			lazy.Password = legacytest.Phpass
			lazy.Memberships = []migration.Membership{{OrgID: org}}
			var src migration.Source = legacytest.NewTable(lazy)
			if !marks {
				src = legacytest.Bare{Source: src}
			}
			ledger := migration.NewMemoryLedger()
			r := legacytest.NewRunner(t, src, client, ledger, migration.Config{})
			legacytest.Do(t, r)
			if _, err := logInLazily(t, src, client, lazy); err != nil {
				t.Fatal(err)
			}
			for range 2 { // the second one has nothing to do
				if _, err := r.Sync(t.Context()); err != nil {
					t.Fatal(err)
				}
			}
			if o := outcomesOf(t, ledger)["u000001"]; o.State != driver.StateMigrated || o.Memberships != driver.MembershipsDone {
				t.Errorf("marks %t: %+v", marks, o)
			}
			if n := posts(tenant, "/api/v2/organizations/"+org+"/members"); n != 1 {
				t.Errorf("marks %t: %d requests for one membership", marks, n)
			}
		})
	}
}
