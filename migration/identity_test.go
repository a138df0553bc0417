package migration_test

import (
	"bytes"
	"fmt"
	"io"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/auth0kit/auth0kit/management"
	"github.com/auth0kit/auth0kit/management/auth0test"
	"github.com/auth0kit/auth0kit/management/resource"
	"github.com/auth0kit/auth0kit/migration"
	"github.com/auth0kit/auth0kit/migration/driver"
	"github.com/auth0kit/auth0kit/migration/internal/legacytest"
	"github.com/auth0kit/auth0kit/migration/lazy"
)

// tenantAt is a tenant of its own with a client for it.
func tenantAt(t *testing.T, domain string, connections ...string) (*auth0test.Tenant, *management.Client) {
	t.Helper()
	tenant := auth0test.NewTenant(auth0test.Options{Domain: domain})
	for _, name := range connections {
		tenant.AddConnection(name, "auth0")
	}
	machine := tenant.Machine()
	client, err := management.New(management.Config{
		Domain: domain, ClientID: machine.ID, ClientSecret: machine.Secret, HTTPClient: tenant.HTTPClient(), MaxWait: -1,
	})
	require.NoError(t, err)
	return tenant, client
}

// everybody is all users of a tenant.
func everybody(t *testing.T, c *management.Client) map[string]string {
	t.Helper()
	all := make(map[string]string)
	connections, err := c.DatabaseConnections(t.Context())
	require.NoError(t, err)
	for _, con := range connections {
		for u, err := range c.ExportUsers(t.Context(), con.ID) {
			require.NoError(t, err)
			all[u.ID] = fmt.Sprint(u.Email, u.Name, u.Blocked)
		}
	}
	return all
}

func writes(tenant *auth0test.Tenant) (all []string) {
	for _, q := range tenant.Requests() {
		if q.Method != "GET" && q.Path != "/oauth/token" && !strings.HasSuffix(q.Path, "users-exports") {
			all = append(all, q.Method+" "+q.Path)
		}
	}
	return all
}

// Two tenants, two connections, two sources, one ledger: whoever comes second is
// told what differs, and nothing is written, whatever the verb and the order.
func TestLedgerBelongsToOneRun(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		good := migration.Run{Name: "run", Source: "crm", Connection: "customers", KeyPrefix: "crm|", Secret: bytes.Repeat([]byte("k"), 32)}
		with := func(edit func(r *migration.Run)) migration.Run {
			r := good
			edit(&r)
			return r
		}
		type setting struct {
			domain string
			run    migration.Run
		}
		var settings []setting
		for _, domain := range []string{"staging.eu.auth0.com", "production.eu.auth0.com"} {
			for _, name := range []string{"customers", "staff"} {
				settings = append(settings, setting{domain, with(func(r *migration.Run) { r.Connection = name })})
			}
		}
		for _, edit := range []func(r *migration.Run){
			func(r *migration.Run) { r.Source = "shop" }, func(r *migration.Run) { r.KeyPrefix = "other|" }, func(r *migration.Run) { r.KeyPrefix = "" },
			func(r *migration.Run) { r.Secret = bytes.Repeat([]byte("x"), 32) }, func(r *migration.Run) { r.Secret = nil },
		} {
			settings = append(settings, setting{"staging.eu.auth0.com", with(edit)})
		}
		differs := func(a, b setting) string {
			switch {
			case a.domain != b.domain:
				return "tenant"
			case a.run.Connection != b.run.Connection:
				return "connection"
			case a.run.Source != b.run.Source:
				return "Run.Source"
			case a.run.KeyPrefix != b.run.KeyPrefix:
				return "Run.KeyPrefix"
			}
			return "Run.Secret"
		}
		for first, begin := range settings {
			for second, s := range settings {
				if first == second {
					continue
				}
				ledger := migration.NewMemoryLedger()
				tenant, client := tenantAt(t, begin.domain, "customers", "staff")
				r, err := migration.NewRunner(legacytest.NewTable(legacytest.Users(2)...), client, ledger, begin.run, migration.Config{AllowSharedKeys: true})
				require.NoError(t, err)
				_, err = r.Run(t.Context())
				require.NoError(t, err)
				removal, err := r.PlanRollback(t.Context())
				require.NoError(t, err)
				owner, noted := r, outcomesOf(t, ledger, "run")

				if s.domain != begin.domain {
					tenant, client = tenantAt(t, s.domain, "customers", "staff")
				}
				before, sent := everybody(t, client), len(writes(tenant))
				r, err = migration.NewRunner(legacytest.NewTable(legacytest.Users(3)...), client, ledger, s.run, migration.Config{AllowSharedKeys: true})
				require.NoError(t, err)
				_, planned := r.Plan(t.Context())
				_, ran := r.Run(t.Context())
				_, synced := r.Sync(t.Context())
				_, verified := r.Verify(t.Context())
				_, retried := r.RetryFailed(t.Context())
				_, rolled := r.PlanRollback(t.Context())
				_, gone := r.PlanDeletions(t.Context())
				_, applied := r.Apply(t.Context(), removal)
				_, status := r.Status(t.Context())
				forgotten := r.Forget(t.Context(), s.run.UserID("u000001"))
				logins, err := lazy.New(legacytest.NewTable(legacytest.Users(3)...), client, s.run, lazy.Config{Ledger: ledger})
				require.NoError(t, err)
				_, login := logins.Login(t.Context(), migration.Credentials{Identifier: "user2@example.com", Password: legacytest.Password})
				for verb, err := range map[string]error{
					"Plan": planned, "Run": ran, "Sync": synced, "Verify": verified, "RetryFailed": retried, "PlanRollback": rolled,
					"PlanDeletions": gone, "Apply": applied, "Status": status, "Login": login,
					"Forget": forgotten, "Export": r.Export(t.Context(), s.run.UserID("u000001"), io.Discard),
				} {
					require.ErrorIs(t, err, migration.ErrOtherRun, verb)
					assert.ErrorContains(t, err, "its "+differs(begin, s)+" is ", verb)
				}
				assert.Len(t, writes(tenant), sent)
				assert.Equal(t, before, everybody(t, client))
				assert.Equal(t, noted, outcomesOf(t, ledger, "run"))
				_, err = owner.Verify(t.Context())
				assert.NoError(t, err, "the first goes on")
			}
		}
	})
}

// A key that another connection has too is a stranger's: it is refused before
// anything is written, unless the keys are said to be unique.
func TestKeysOfSeveralConnections(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		tenant, client := tenantAt(t, "tenant.eu.auth0.com", "customers")
		stranger := tenant.AddUser(resource.User{ID: "u000001", Email: "stranger@example.com", Name: "S", Connection: auth0test.DefaultConnection}, "x")
		before := everybody(t, client)
		run := migration.Run{Source: "crm", Connection: "customers"}
		r, err := migration.NewRunner(legacytest.NewTable(legacytest.Users(3)...), client, migration.NewMemoryLedger(), run, migration.Config{})
		require.NoError(t, err)
		_, err = r.Plan(t.Context())
		require.ErrorContains(t, err, "Run.KeyPrefix")
		_, err = r.Run(t.Context())
		require.ErrorContains(t, err, "Run.KeyPrefix")
		assert.Empty(t, writes(tenant))
		assert.Equal(t, before, everybody(t, client))

		run.KeyPrefix = "crm|"
		r, err = migration.NewRunner(legacytest.NewTable(legacytest.Users(3)...), client, migration.NewMemoryLedger(), run, migration.Config{})
		require.NoError(t, err)
		res, err := r.Run(t.Context())
		require.NoError(t, err)
		assert.Equal(t, 3, res.Migrated)
		v, err := r.Verify(t.Context())
		require.NoError(t, err)
		assert.Equal(t, 3, v.Same)
		u, err := client.User(t.Context(), "auth0|crm|u000001")
		require.NoError(t, err)
		assert.Equal(t, "user1@example.com", u.Email)
		u, err = client.User(t.Context(), stranger)
		require.NoError(t, err)
		assert.Equal(t, "stranger@example.com", u.Email)
	})
}

// Two connections of one tenant share a ledger under names of their own, with the same
// keys: in both orders each has its users, and a prefix that both have by mistake
// costs the second one its users and the first one nothing.
func TestTwoConnectionsInOneLedger(t *testing.T) {
	t.Parallel()
	for _, order := range [][]string{{"customers", "staff"}, {"staff", "customers"}} {
		for _, mistake := range []bool{false, true} {
			synctest.Test(t, func(t *testing.T) {
				tenant, client := tenantAt(t, "tenant.eu.auth0.com", order...)
				org, ledger := tenant.AddOrganization("acme"), migration.NewMemoryLedger()
				open := func(name string) (*migration.Runner, *legacytest.Table) {
					legacy := migration.Run{Source: name + "-db", Connection: name, KeyPrefix: name + "|", Secret: bytes.Repeat([]byte("k"), 32)}
					if mistake {
						legacy.KeyPrefix = "shop|"
					}
					rows := legacytest.Users(3)
					for i := range rows {
						rows[i].Email, rows[i].Memberships = name+rows[i].Email, []migration.Membership{{OrgID: org}}
					}
					src := legacytest.NewTable(rows...)
					r, err := migration.NewRunner(src, client, ledger, legacy, migration.Config{BlockDeleted: true})
					require.NoError(t, err)
					return r, src
				}
				first, _ := open(order[0])
				require.Equal(t, 3, legacytest.Do(t, first).Migrated)
				before, members := everybody(t, client), membersOf(t, client, org)
				second, src := open(order[1])
				res := legacytest.Do(t, second)
				require.Equal(t, map[bool][]int{false: {3, 0}, true: {0, 3}}[mistake], []int{res.Migrated, res.Failed})
				src.Change("u000001", func(r *migration.Record) { r.Name, r.Blocked = "Changed", true })
				src.Remove("u000002")
				_, err := second.Sync(t.Context())
				require.NoError(t, err)
				_, err = second.RetryFailed(t.Context())
				require.NoError(t, err)
				plan, err := second.PlanRollback(t.Context())
				require.NoError(t, err)
				_, err = second.Apply(t.Context(), plan)
				require.NoError(t, err)
				require.Equal(t, before, everybody(t, client))
				require.Equal(t, members, membersOf(t, client, org))
				v, err := first.Verify(t.Context())
				require.NoError(t, err)
				require.Equal(t, 3, v.Same)
			})
		}
	}
}

// A ledger may say that a user was migrated whom another hand has deleted and given
// away since. Sync, RetryFailed and Apply look whose user it is before they write.
func TestNoVerbTouchesAStranger(t *testing.T) {
	t.Parallel()
	for name, stranger := range map[string]resource.User{
		"another connection": {ID: "u000001", Email: "s@example.com", Name: "S", Connection: auth0test.DefaultConnection, AppMetadata: ours()},
		"no mark":            {ID: "u000001", Email: "s@example.com", Name: "S", Connection: legacytest.Connection},
		"another source": {ID: "u000001", Email: "s@example.com", Name: "S", Connection: legacytest.Connection,
			AppMetadata: map[string]any{"auth0kit": map[string]any{"run": legacytest.Connection, "source": "other", "via": "bulk"}}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				tenant := legacytest.NewTenant(auth0test.Options{})
				client := legacytest.NewClient(t, tenant)
				org := tenant.AddOrganization("acme")
				src, ledger := legacytest.NewTable(legacytest.Users(3)...), migration.NewMemoryLedger()
				r := legacytest.NewRunner(t, src, client, ledger, migration.Config{BlockDeleted: true})
				legacytest.Do(t, r)
				plan, err := r.PlanRollback(t.Context())
				require.NoError(t, err)
				require.NoError(t, client.DeleteUser(t.Context(), "auth0|u000001"))
				tenant.AddUser(stranger, "x")
				before := everybody(t, client)["auth0|u000001"]
				src.Change("u000001", func(r *migration.Record) {
					r.Email, r.Blocked, r.Memberships = "mine@example.com", true, []migration.Membership{{OrgID: org}}
				})
				_, err = r.Sync(t.Context())
				require.NoError(t, err)
				_, err = r.RetryFailed(t.Context())
				require.NoError(t, err)
				src.Remove("u000001")
				_, err = r.Sync(t.Context()) // which would block who is gone
				require.NoError(t, err)
				_, err = r.Apply(t.Context(), plan)
				require.NoError(t, err)
				assert.Equal(t, before, everybody(t, client)["auth0|u000001"])
				for m, err := range client.Members(t.Context(), org) {
					require.NoError(t, err)
					t.Errorf("%s is a member", m.UserID)
				}
			})
		})
	}
}

// Who was migrated earlier may be somebody else by now: what is left to do for them,
// organizations, roles and second factors, goes to nobody else by their id or email.
func TestWhatIsLeftGoesToNoStranger(t *testing.T) {
	t.Parallel()
	there := resource.User{ID: "u000001", Email: "user1@example.com", Connection: legacytest.Connection, AppMetadata: ours()}
	unmarked, other, moved := there, there, there
	unmarked.AppMetadata, other.ID, other.AppMetadata, moved.Email = nil, "other", nil, "moved@example.com"
	left := map[string]driver.Outcome{
		"pending": {State: driver.StateMigrated, Memberships: driver.MembershipsPending},
		"refused": {State: driver.StateMigrated, Memberships: driver.MembershipsFailed, Given: "org_0000000000000000"},
		"factors": {State: driver.StateFailed, Code: "MFA_FACTORS_FAILED"},
	}
	for name, strangers := range map[string][]resource.User{"another mark": {unmarked}, "another id": {other}, "another email": {moved, other}, "nobody": {there}} {
		for what, o := range left {
			synctest.Test(t, func(t *testing.T) {
				tenant := legacytest.NewTenant(auth0test.Options{})
				client, ledger := legacytest.NewClient(t, tenant), migration.NewMemoryLedger()
				org, role := tenant.AddOrganization("acme"), tenant.AddRole("admin", "")
				for _, u := range strangers {
					tenant.AddUser(u, "")
				}
				fence, err := ledger.Lease(t.Context(), legacytest.Connection, "x", time.Minute)
				require.NoError(t, err)
				o.Key = "u000001"
				require.NoError(t, ledger.PutOutcomes(t.Context(), fence, []driver.Outcome{o}))
				_, err = ledger.Lease(t.Context(), legacytest.Connection, "x", 0)
				require.NoError(t, err)
				row := legacytest.User(1)
				row.TOTPSecrets, row.RoleIDs, row.Memberships = []string{"JBSWY3DPEHPK3PXP"}, []string{role}, []migration.Membership{{OrgID: org}}
				_, err = legacytest.NewRunner(t, legacytest.NewTable(row), client, ledger, migration.Config{}).RetryFailed(t.Context())
				require.NoError(t, err)
				want := map[string][]string{}
				if name == "nobody" || name == "another email" && what != "factors" {
					want["auth0|u000001"] = []string(nil)
				}
				assert.Equal(t, want, membersOf(t, client, org), "%s, %s", name, what)
				after := outcomesOf(t, ledger)["u000001"]
				assert.Equal(t, len(want) == 1, after.State == driver.StateMigrated && after.Memberships == driver.MembershipsDone, "%s, %s: %+v", name, what, after)
			})
		}
	}
}

// The ledger confirms no guess: digests are keyed, and without a secret there are
// none.
func TestLedgerTellsNothing(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		digests := make(map[string]string)
		for _, secret := range []string{"", "a", "b"} {
			ledger := migration.NewMemoryLedger()
			_, client := tenantAt(t, "tenant.eu.auth0.com", "customers")
			row := legacytest.User(1)
			row.Phone = "+4917012345"
			r, err := migration.NewRunner(legacytest.NewTable(row), client, ledger, migration.Run{
				Name: legacytest.Connection, Source: "crm", Connection: "customers", KeyPrefix: "c|", Secret: bytes.Repeat([]byte(secret), 32)[:32*len(secret)],
			}, migration.Config{})
			require.NoError(t, err)
			_, err = r.Run(t.Context())
			require.NoError(t, err)
			digests[secret] = outcomesOf(t, ledger)["u000001"].Digest
		}
		assert.Empty(t, digests[""])
		assert.NotEmpty(t, digests["a"])
		for i := 0; i < len(digests["a"]); i += 8 {
			assert.NotEqual(t, digests["a"][i:i+8], digests["b"][i:i+8], "part %d", i/8)
		}
	})
}

// Without a secret Sync and Verify compare with an export, and find the same.
func TestSyncWithoutASecret(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		_, client := tenantAt(t, "tenant.eu.auth0.com", "customers")
		src := legacytest.NewTable(legacytest.Users(30)...)
		r, err := migration.NewRunner(src, client, migration.NewMemoryLedger(), migration.Run{Source: "crm", Connection: "customers", KeyPrefix: "c|"}, migration.Config{PageSize: 7})
		require.NoError(t, err)
		legacytest.Do(t, r)
		res, err := r.Sync(t.Context())
		require.NoError(t, err)
		require.Zero(t, res.Updated)
		_, err = r.Verify(t.Context())
		require.NoError(t, err)
		src.Change("u000003", func(r *migration.Record) { r.Name, r.GivenName, r.Blocked = "New", "N", true })
		v, err := r.Verify(t.Context())
		require.ErrorIs(t, err, migration.ErrDifferent)
		require.Equal(t, []migration.Difference{{UserID: "auth0|c|u000003", Kind: migration.Changed, Fields: []string{"name", "given_name", "blocked"}}}, v.Differences)
		res, err = r.Sync(t.Context())
		require.NoError(t, err)
		require.Equal(t, 1, res.Updated)
		_, err = r.Verify(t.Context())
		require.NoError(t, err)
		u, err := client.User(t.Context(), "auth0|c|u000003")
		require.NoError(t, err)
		require.Equal(t, []any{"New", "N", true}, []any{u.Name, u.GivenName, u.Blocked})
	})
}
