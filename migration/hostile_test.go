package migration_test

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/auth0kit/auth0kit/management"
	"github.com/auth0kit/auth0kit/management/auth0test"
	"github.com/auth0kit/auth0kit/management/resource"
	"github.com/auth0kit/auth0kit/migration"
	"github.com/auth0kit/auth0kit/migration/driver"
	"github.com/auth0kit/auth0kit/migration/internal/legacytest"
	"github.com/auth0kit/auth0kit/migration/passhash"
)

// Users whom a login has created are migrated for the next Run, too, and get their
// organizations.
func TestRunKnowsWhoHasCome(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		tenant := legacytest.NewTenant(auth0test.Options{})
		client := legacytest.NewClient(t, tenant)
		rows := legacytest.Users(3)
		org := tenant.AddOrganization("org")
		for i := range 2 {
			rows[i].Password = legacytest.Phpass
			rows[i].Memberships = []migration.Membership{{OrgID: org}}
		}
		src, ledger := legacytest.Bare{Source: legacytest.NewTable(rows...)}, migration.NewMemoryLedger()
		r := legacytest.NewRunner(t, src, client, ledger, migration.Config{BlockDeleted: true})
		res := legacytest.Do(t, r)
		require.Equal(t, []int{1, 2}, []int{res.Migrated, res.Lazy})
		_, err := logInLazily(t, src, client, rows[0])
		require.NoError(t, err)
		for range 2 {
			res = legacytest.Do(t, r)
			require.Equal(t, []int{2, 1, 0}, []int{res.Migrated, res.Lazy, res.Blocked})
		}
		require.Equal(t, driver.MembershipsDone, outcomesOf(t, ledger)["u000000"].Memberships)
		require.Contains(t, membersOf(t, client, org), "auth0|u000000")
	})
}

// md5$salt$digest is Django's or Werkzeug's, and only an account can tell: the other
// one would be imported and never log in.
func TestSpellingsOfTwoSystemsNeedAProof(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		tenant := legacytest.NewTenant(auth0test.Options{})
		rows := legacytest.Users(2)
		rows[1].Password = passhash.Stored{Value: "md5$seasalt$3f86d0d3d465b7b458c231bf3555c0e3"} // Django's, of "lètmein"
		r := legacytest.NewRunner(t, legacytest.NewTable(rows...), legacytest.NewClient(t, tenant), migration.NewMemoryLedger(), migration.Config{})
		_, err := r.Run(t.Context())
		require.ErrorIs(t, err, migration.ErrUnproved)
		require.ErrorContains(t, err, "django-md5")
		require.Empty(t, writes(tenant))
		known := []migration.Credentials{{Identifier: rows[0].Email, Password: legacytest.Password}, {Identifier: rows[1].Email, Password: "lètmein"}}
		res := legacytest.Do(t, legacytest.NewRunner(t, legacytest.NewTable(rows...), legacytest.NewClient(t, tenant), migration.NewMemoryLedger(), migration.Config{Known: known}))
		require.Equal(t, 2, res.Migrated)
	})
}

// boasting is a tenant whose jobs tell of more users than were sent, and of no error.
type boasting struct{ *management.Client }

func (b boasting) Job(ctx context.Context, id string) (*resource.Job, error) {
	j, err := b.Client.Job(ctx, id)
	if err == nil && j.Done() {
		j.Inserted, j.Failed = 10_000, 0
	}
	return j, err
}

func (boasting) JobErrors(context.Context, string) ([]resource.JobError, error) { return nil, nil }

// A summary that does not add up is not believed: the users are looked up.
func TestBoastingSummariesAreNotBelieved(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		tenant := legacytest.NewTenant(auth0test.Options{})
		client := legacytest.NewClient(t, tenant)
		tenant.AddUser(resource.User{ID: "other", Email: "user2@example.com", Connection: legacytest.Connection}, "")
		ledger := migration.NewMemoryLedger()
		res := legacytest.Do(t, legacytest.NewRunner(t, legacytest.NewTable(legacytest.Users(4)...), boasting{client}, ledger, migration.Config{}))
		assert.Equal(t, []int{3, 1}, []int{res.Migrated, res.Failed})
		assert.Equal(t, driver.StateFailed, outcomesOf(t, ledger)["u000002"].State)
	})
}

// holes is a source with rows whose key cannot be read at the ends of its pages.
type holes struct{ *legacytest.Table }

func (h holes) Page(ctx context.Context, after string, limit int) ([]migration.Record, error) {
	page, err := h.Table.Page(ctx, after, limit)
	if len(page) > 0 {
		bad := migration.Record{Problem: &migration.RowError{Rule: migration.RuleKey}}
		page = append(page, bad, bad)
	}
	return page, err
}

// strict refuses what Postgres does: two outcomes of one key in one statement.
type strict struct{ driver.Ledger }

func (s strict) PutOutcomes(ctx context.Context, f driver.Fence, outcomes []driver.Outcome) error {
	seen := make(map[string]bool)
	for _, o := range outcomes {
		if seen[o.Key] {
			return errors.New("two outcomes of one key")
		}
		seen[o.Key] = true
	}
	return s.Ledger.PutOutcomes(ctx, f, outcomes)
}

// Rows without a key at the end of a page do not begin the source again, and stop
// nobody.
func TestRowsWithoutKeyAnywhere(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		tenant := legacytest.NewTenant(auth0test.Options{})
		r := legacytest.NewRunner(t, holes{legacytest.NewTable(legacytest.Users(5)...)}, legacytest.NewClient(t, tenant), strict{migration.NewMemoryLedger()}, migration.Config{PageSize: 2})
		p, err := r.Plan(t.Context())
		require.NoError(t, err)
		require.Equal(t, []int{5, 6}, []int{p.Direct, p.Invalid})
		res := legacytest.Do(t, r)
		require.Equal(t, []int{5, 1}, []int{res.Migrated, res.Invalid})
	})
}

// Run.Map may change what a record refers to: the next scan of a source that holds
// its records sees them as they were.
func TestMapChangesNoSource(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		tenant := legacytest.NewTenant(auth0test.Options{})
		client := legacytest.NewClient(t, tenant)
		org := tenant.AddOrganization("eu-acme")
		rows := legacytest.Users(2)
		for i := range rows {
			rows[i].Memberships = []migration.Membership{{OrgName: "acme", RoleNames: []string{"x"}}}
			rows[i].MFAEmails = []string{"ada@example.com"}
		}
		legacy := legacytest.Run()
		legacy.Map = func(r *migration.Record) error {
			r.Memberships[0].OrgName = "eu-" + r.Memberships[0].OrgName
			r.Memberships[0].RoleNames[0] = ""
			r.MFAEmails[0] = "eu-" + r.MFAEmails[0]
			return nil
		}
		r, err := migration.NewRunner(legacytest.NewTable(rows...), client, migration.NewMemoryLedger(), legacy, migration.Config{AllowSharedKeys: true})
		require.NoError(t, err)
		_, err = r.Plan(t.Context())
		require.NoError(t, err)
		legacytest.Do(t, r)
		require.Len(t, membersOf(t, client, org), 2)
		require.Equal(t, []any{"acme", "x", "ada@example.com"}, []any{rows[0].Memberships[0].OrgName, rows[0].Memberships[0].RoleNames[0], rows[0].MFAEmails[0]})
	})
}
