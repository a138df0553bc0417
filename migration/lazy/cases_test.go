package lazy_test

import (
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/auth0kit/auth0kit/management/auth0test"
	"github.com/auth0kit/auth0kit/management/resource"
	"github.com/auth0kit/auth0kit/migration"
	"github.com/auth0kit/auth0kit/migration/internal/legacytest"
	"github.com/auth0kit/auth0kit/migration/lazy"
	"github.com/auth0kit/auth0kit/migration/passhash"
)

// wrongly is the login of a row with a wrong password.
func wrongly(r migration.Record) migration.Credentials {
	c := as(r)
	c.Password = "wrong"
	return c
}

// A user of another connection who happens to have the id is not this one: a wrong
// password is refused like everybody's, and a right one says what is wrong.
func TestIDOfAnotherConnection(t *testing.T) {
	t.Parallel()
	tenant := legacytest.NewTenant(auth0test.Options{})
	client := legacytest.NewClient(t, tenant)
	tenant.AddUser(resource.User{ID: "u000001", Email: "customer@example.com"}, "x") // of the default connection
	l := newLazy(t, legacytest.NewTable(quick(1)), client, lazy.Config{})
	_, err := l.Login(t.Context(), wrongly(quick(1)))
	require.ErrorIs(t, err, lazy.ErrCredentials)
	_, err = l.Login(t.Context(), as(quick(1)))
	require.ErrorIs(t, err, lazy.ErrTaken)
	require.NotErrorIs(t, err, lazy.ErrMigrated)

	run := legacytest.Run()
	run.KeyPrefix = "staff|"
	l, err = lazy.New(legacytest.NewTable(quick(1)), client, run, lazy.Config{})
	require.NoError(t, err)
	u, err := l.Login(t.Context(), as(quick(1)))
	require.NoError(t, err)
	require.Equal(t, "auth0|staff|u000001", u.ID)
}

// Who is at Auth0 under another id gets the answer of everybody who is there,
// whatever they typed.
func TestEmailUnderAnotherID(t *testing.T) {
	t.Parallel()
	tenant := legacytest.NewTenant(auth0test.Options{})
	tenant.AddUser(resource.User{ID: "other", Email: "user1@example.com", Connection: legacytest.Connection}, "another")
	l := newLazy(t, legacytest.NewTable(quick(1)), legacytest.NewClient(t, tenant), lazy.Config{})
	for _, c := range []migration.Credentials{as(quick(1)), wrongly(quick(1))} {
		_, err := l.Login(t.Context(), c)
		require.ErrorIs(t, err, lazy.ErrMigrated)
	}
}

// Everybody costs the same two questions: with fewer for some, their answer would
// come sooner.
func TestEverybodyCostsTheSameQuestions(t *testing.T) {
	t.Parallel()
	tenant := legacytest.NewTenant(auth0test.Options{})
	username := quick(2)
	username.Email, username.Username = "", "ada"
	l := newLazy(t, legacytest.NewTable(quick(1), username), legacytest.NewClient(t, tenant), lazy.Config{})
	_, err := l.Login(t.Context(), wrongly(quick(1)))
	require.ErrorIs(t, err, lazy.ErrCredentials)
	asked := func(c migration.Credentials) (byID, byEmail int) {
		before := len(tenant.Requests())
		_, err := l.Login(t.Context(), c)
		require.ErrorIs(t, err, lazy.ErrCredentials)
		for _, q := range tenant.Requests()[before:] {
			if q.Path == "/api/v2/users-by-email" {
				byEmail++
			} else {
				byID++
			}
		}
		return byID, byEmail
	}
	for _, c := range []migration.Credentials{
		wrongly(quick(1)), {Identifier: "ada", Password: "x"}, {Identifier: "nobody", Password: "x"}, {Identifier: "nobody@example.com", Password: "x"},
	} {
		byID, byEmail := asked(c)
		assert.Equal(t, [2]int{1, 1}, [2]int{byID, byEmail}, c.Identifier)
	}
}

// With the ledger of the bulk run, who was migrated and deleted stays deleted, also
// where the source has no mark.
func TestDeletedUsersStayDeleted(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		tenant := legacytest.NewTenant(auth0test.Options{})
		client := legacytest.NewClient(t, tenant)
		src, ledger := legacytest.Bare{Source: legacytest.NewTable(quick(1), quick(2), quick(3))}, migration.NewMemoryLedger()
		r := legacytest.NewRunner(t, src, client, ledger, migration.Config{})
		legacytest.Do(t, r)
		require.NoError(t, client.DeleteUser(t.Context(), "auth0|u000001"))
		l := newLazy(t, src, client, lazy.Config{Ledger: ledger})
		_, err := l.Login(t.Context(), as(quick(1)))
		require.ErrorIs(t, err, lazy.ErrMigrated, "and Auth0 refuses")
		require.Len(t, usersOf(t, client), 2)
		_, err = l.Lookup(t.Context(), "user1@example.com")
		require.ErrorIs(t, err, migration.ErrNoUser)
		_, err = l.Authenticate(t.Context(), as(quick(1)))
		require.ErrorIs(t, err, lazy.ErrCredentials)

		plan, err := r.PlanRollback(t.Context())
		require.NoError(t, err)
		_, err = r.Apply(t.Context(), plan)
		require.NoError(t, err)
		u, err := l.Login(t.Context(), as(quick(2)))
		require.NoError(t, err, "rolled back users come again")
		require.Equal(t, "auth0|u000002", u.ID)

		other := legacytest.Run()
		other.Source = "another"
		l, err = lazy.New(src, client, other, lazy.Config{Ledger: ledger})
		require.NoError(t, err)
		_, err = l.Login(t.Context(), as(quick(3)))
		require.ErrorIs(t, err, migration.ErrOtherRun)
	})
}

// Of two rows with one email in two spellings the first counts, in the plan and at
// the login alike.
func TestDuplicatesAreDecidedAlike(t *testing.T) {
	t.Parallel()
	client := legacytest.NewClient(t, legacytest.NewTenant(auth0test.Options{}))
	first, second := legacytest.User(1), legacytest.User(2)
	first.Password, second.Password, second.Email = legacytest.Phpass, legacytest.Phpass, "USER1@example.com"
	src := legacytest.NewTable(first, second)
	plan, err := legacytest.NewRunner(t, src, client, migration.NewMemoryLedger(), migration.Config{}).Plan(t.Context())
	require.NoError(t, err)
	require.Equal(t, []int{1, 1}, []int{plan.LazyOnly, plan.Duplicate})
	require.Equal(t, "u000002", plan.Problems[0].Key)
	u, err := newLazy(t, src, client, lazy.Config{}).Login(t.Context(), as(first))
	require.NoError(t, err)
	require.Equal(t, "auth0|u000001", u.ID)
}

// Organizations and roles come with the login; until they are there it is no success
// and the next login goes on.
func TestMembershipsAtTheLogin(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		tenant := legacytest.NewTenant(auth0test.Options{})
		client := legacytest.NewClient(t, tenant)
		org, role := tenant.AddOrganization("acme"), tenant.AddRole("admin", "")
		row := quick(1)
		row.Memberships = []migration.Membership{{OrgName: "acme", RoleNames: []string{"admin"}}}
		row.RoleIDs = []string{role}
		l := newLazy(t, legacytest.Bare{Source: legacytest.NewTable(row)}, client, lazy.Config{Members: client})
		heal := tenant.Fault("POST /api/v2/organizations/{id}/members", auth0test.Fault{Status: 403})
		_, err := l.Login(t.Context(), as(row))
		require.ErrorIs(t, err, lazy.ErrMemberships)
		heal()
		time.Sleep(time.Minute)
		_, err = l.Login(t.Context(), as(row))
		require.ErrorIs(t, err, lazy.ErrMigrated)
		var members []string
		for m, err := range client.Members(t.Context(), org) {
			require.NoError(t, err)
			members = append(members, fmt.Sprint(m.UserID, m.Roles[0].Name))
		}
		require.Equal(t, []string{"auth0|u000001admin"}, members)
		for u, err := range client.RoleUsers(t.Context(), role) {
			require.NoError(t, err)
			require.Equal(t, "auth0|u000001", u.ID)
		}
	})
}

// The policies of the run hold at the login too: a username that the connection does
// not take, a phone in free text.
func TestFieldsAtTheLogin(t *testing.T) {
	t.Parallel()
	client := legacytest.NewClient(t, legacytest.NewTenant(auth0test.Options{}))
	row := quick(1)
	row.Username, row.Phone = "ada lovelace", "0171 1234567"
	_, err := newLazy(t, legacytest.NewTable(row), client, lazy.Config{}).Login(t.Context(), as(row))
	require.ErrorContains(t, err, "username")
	require.NotErrorIs(t, err, lazy.ErrCredentials)
	_, err = newLazy(t, legacytest.NewTable(row), client, lazy.Config{}).Login(t.Context(), wrongly(row))
	require.ErrorIs(t, err, lazy.ErrCredentials, "the rule is nobody's business who has no password")
	run := legacytest.Run()
	run.Fields = migration.Fields{Username: migration.Drop, Phone: migration.Normalize, CallingCode: "+49"}
	l, err := lazy.New(legacytest.NewTable(row), client, run, lazy.Config{})
	require.NoError(t, err)
	u, err := l.Login(t.Context(), as(row))
	require.NoError(t, err)
	require.Equal(t, []string{"", "+491711234567"}, []string{u.Username, u.Phone})
}

// A proof creates nothing, and is refused where a login would be.
func TestAuthenticateCreatesNothing(t *testing.T) {
	t.Parallel()
	client := legacytest.NewClient(t, legacytest.NewTenant(auth0test.Options{}))
	none, blocked := quick(2), quick(3)
	none.Password, blocked.Blocked = passhash.Stored{}, true
	l := newLazy(t, legacytest.NewTable(quick(1), none, blocked), client, lazy.Config{AccountFailures: 3})
	u, err := l.Authenticate(t.Context(), as(quick(1)))
	require.NoError(t, err)
	require.Equal(t, []string{"u000001", "user1@example.com", legacytest.Connection}, []string{u.ID, u.Email, u.Connection})
	for _, c := range []migration.Credentials{wrongly(quick(1)), as(none), as(blocked), as(legacytest.User(99))} {
		_, err := l.Authenticate(t.Context(), c)
		require.ErrorIs(t, err, lazy.ErrCredentials)
	}
	for range 2 {
		_, err = l.Authenticate(t.Context(), wrongly(quick(1)))
		require.Error(t, err)
	}
	_, err = l.Authenticate(t.Context(), wrongly(quick(1)))
	require.ErrorAs(t, err, new(*lazy.ThrottledError))
	require.Empty(t, usersOf(t, client))
}
