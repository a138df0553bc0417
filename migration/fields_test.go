package migration_test

import (
	"context"
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/auth0kit/auth0kit/management/auth0test"
	"github.com/auth0kit/auth0kit/management/resource"
	"github.com/auth0kit/auth0kit/migration"
	"github.com/auth0kit/auth0kit/migration/internal/legacytest"
	"github.com/auth0kit/auth0kit/migration/passhash"
)

// What a job would refuse is a problem of the plan, with Auth0's code; nothing that
// the plan passes is refused.
func TestPlanKnowsTheSchema(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		edit func(r *migration.Record)
		rule migration.Rule
		path string
	}{
		"a key with a space":  {func(r *migration.Record) { r.Key = "u 1" }, migration.RuleKey, "user_id"},
		"a long name":         {func(r *migration.Record) { r.Name = strings.Repeat("n", 301) }, migration.RuleLength, "name"},
		"a long given name":   {func(r *migration.Record) { r.GivenName = strings.Repeat("n", 151) }, migration.RuleLength, "given_name"},
		"localhost":           {func(r *migration.Record) { r.Email = "user@localhost" }, migration.RuleFormat, "email"},
		"one label":           {func(r *migration.Record) { r.Email = "user@example" }, migration.RuleFormat, "email"},
		"an address":          {func(r *migration.Record) { r.Email = "user@[10.0.0.1]" }, migration.RuleFormat, "email"},
		"a no-break space":    {func(r *migration.Record) { r.Email = "us\u00a0er@example.com" }, migration.RuleFormat, "email"},
		"a zero-width space":  {func(r *migration.Record) { r.Email = "user@exam\u200bple.com" }, migration.RuleFormat, "email"},
		"a username":          {func(r *migration.Record) { r.Username = "ada" }, migration.RuleUsername, "username"},
		"a free phone number": {func(r *migration.Record) { r.Phone = "0171 1234567" }, migration.RuleFormat, "phone_number"},
		"bytes in metadata":   {func(r *migration.Record) { r.UserMetadata = map[string]any{"a": []any{"\xff"}} }, migration.RuleText, "user_metadata"},
		"a picture":           {func(r *migration.Record) { r.Picture = "me.png" }, migration.RuleFormat, "picture"},
		"an email factor":     {func(r *migration.Record) { r.MFAEmails = []string{"x"} }, migration.RuleFormat, "mfa_factors.email.value"},
		"a row of the source": {func(r *migration.Record) {
			r.Problem = &migration.RowError{Rule: migration.RuleText, Path: "name", Err: errors.New("not UTF-8")}
		}, migration.RuleText, "name"},
		"another of the source":   {func(r *migration.Record) { r.Problem = errors.New("x") }, migration.RuleRow, ""},
		"dots, as carriers had":   {func(r *migration.Record) { r.Email = "dot..dot.@example.jp" }, "", ""},
		"an international domain": {func(r *migration.Record) { r.Email = "ada@bücher.example" }, "", ""},
	} {
		rec := legacytest.User(1)
		c.edit(&rec)
		err := legacytest.Run().Prepare(&rec, nil)
		if c.rule == "" {
			assert.NoError(t, err, name)
			continue
		}
		p, ok := errors.AsType[*migration.Problem](err)
		require.True(t, ok, name)
		assert.Equal(t, []any{c.rule, c.path}, []any{p.Rule, p.Path}, name)
	}
}

// Usernames follow the connection's options.
func TestUsernamesOfAConnection(t *testing.T) {
	t.Parallel()
	takes := &resource.Connection{Options: map[string]any{"requires_username": true}}
	long := &resource.Connection{Options: map[string]any{"requires_username": true, "validation": map[string]any{"username": map[string]any{"min": 3.0, "max": 40.0}}}}
	flexible := &resource.Connection{Options: map[string]any{"attributes": map[string]any{"username": map[string]any{
		"identifier": map[string]any{"active": true}, "validation": map[string]any{"min_length": 1.0, "max_length": 20.0},
	}}}}
	for _, c := range []struct {
		username string
		in       *resource.Connection
		good     bool
	}{
		{"ada", nil, false}, {"ada", takes, true}, {"sixteen-letters-", takes, false}, {"ada@example.com", long, false}, {"ada lovelace", long, false},
		{"ab", long, false}, {"a-long-name-that-fits", long, true}, {"ädä", long, false}, {"a.b_c+d!#$^`~@'", takes, true}, {"twenty-letters-long-", flexible, true},
	} {
		rec := legacytest.User(1)
		rec.Username = c.username
		err := legacytest.Run().Prepare(&rec, c.in)
		assert.Equal(t, c.good, err == nil, "%s: %v", c.username, err)
		run := legacytest.Run()
		run.Fields.Username = migration.Drop
		require.NoError(t, run.Prepare(&rec, c.in))
		assert.Equal(t, c.good, rec.Username != "", c.username)
	}
}

func TestFieldPolicies(t *testing.T) {
	t.Parallel()
	run := legacytest.Run()
	run.Fields = migration.Fields{Phone: migration.Normalize, Username: migration.Normalize, Name: migration.Normalize, Metadata: migration.Normalize, CallingCode: "+49"}
	for in, want := range map[string]string{
		"0171 1234567": "+491711234567", "+49 171/12-34.567": "+491711234567", "0049(0)171 1234567": "+491711234567", "+44 20 7946 0958": "+442079460958",
		"+491711234567": "+491711234567", "call me": "", "": "", "12345678901234567890": "", "030 123 ext 5": "+4930123",
	} {
		rec := legacytest.User(1)
		rec.Phone = in
		require.NoError(t, run.Prepare(&rec, nil), in)
		assert.Equal(t, want, rec.Phone, in)
	}
	rec := legacytest.User(1)
	rec.Name, rec.UserMetadata = "A\x00da\xff"+strings.Repeat("x", 400), map[string]any{"a.b": "\xff", "$c": 1, "ok": true}
	original := rec.UserMetadata
	require.NoError(t, run.Prepare(&rec, nil))
	assert.Equal(t, map[string]any{"a_b": "\uFFFD", "_c": 1, "ok": true}, rec.UserMetadata)
	assert.Contains(t, original, "a.b", "the source's map is not touched")
	assert.Len(t, []rune(rec.Name), 300)

	run.Fields = migration.Fields{Phone: migration.Drop, Name: migration.Drop, Metadata: migration.Drop}
	rec = legacytest.User(1)
	rec.Phone, rec.Picture, rec.AppMetadata = "none", "x", map[string]any{"user_id": 1, "plan": "gold"}
	require.NoError(t, run.Prepare(&rec, nil))
	assert.Empty(t, rec.Phone+rec.Picture)
	assert.Equal(t, map[string]any{"plan": "gold"}, rec.AppMetadata)
}

// Map has the last word; its error is a problem of that record.
func TestMap(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		tenant := legacytest.NewTenant(auth0test.Options{})
		rows := legacytest.Users(3)
		run := legacytest.Run()
		run.Map = func(r *migration.Record) error {
			if r.Key == "u000001" {
				return errors.New("staff log in through the directory")
			}
			r.Nickname = "n" + r.Key
			r.AppMetadata["mapped"] = true
			return nil
		}
		ledger := migration.NewMemoryLedger()
		r, err := migration.NewRunner(legacytest.NewTable(rows...), legacytest.NewClient(t, tenant), ledger, run, migration.Config{AllowSharedKeys: true})
		require.NoError(t, err)
		plan, err := r.Plan(t.Context())
		require.NoError(t, err)
		require.Equal(t, []migration.Problem{{Key: "u000001", Class: migration.Invalid, Rule: migration.RuleMap, Code: "staff log in through the directory"}}, plan.Problems)
		res, err := r.Run(t.Context())
		require.NoError(t, err)
		require.Equal(t, []int{2, 1}, []int{res.Migrated, res.Invalid})
		u, err := legacytest.NewClient(t, tenant).User(t.Context(), "auth0|u000002")
		require.NoError(t, err)
		require.Equal(t, "nu000002", u.Nickname)
		require.Equal(t, true, u.AppMetadata["mapped"])
		require.NotContains(t, rows[2].AppMetadata, "mapped", "the source's map is not touched")
		_, err = r.Verify(t.Context())
		require.NoError(t, err)
		res, err = r.Sync(t.Context())
		require.NoError(t, err)
		require.Zero(t, res.Updated)
	})
}

// All properties of the import schema arrive.
func TestEveryFieldArrives(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		tenant := legacytest.NewTenant(auth0test.Options{})
		rec := legacytest.User(1)
		rec.GivenName, rec.FamilyName, rec.Nickname, rec.Picture = "Ada", "Lovelace", "countess", "https://example.com/a.png"
		rec.Phone, rec.PhoneVerified, rec.MFAEmails = "+4930123456", true, []string{"factor@example.com"}
		client := legacytest.NewClient(t, tenant)
		r := legacytest.NewRunner(t, legacytest.NewTable(rec), client, migration.NewMemoryLedger(), migration.Config{})
		legacytest.Do(t, r)
		u, err := client.User(t.Context(), "auth0|u000001")
		require.NoError(t, err)
		assert.Equal(t, []any{"Ada", "Lovelace", "countess", "https://example.com/a.png", "+4930123456", true},
			[]any{u.GivenName, u.FamilyName, u.Nickname, u.Picture, u.Phone, u.PhoneVerified})
		_, err = r.Verify(t.Context())
		require.NoError(t, err)
	})
}

// Two with one phone are two users where the policy lets the second one's go.
func TestSharedPhone(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		for _, policy := range []migration.FieldPolicy{migration.Refuse, migration.Drop} {
			tenant := legacytest.NewTenant(auth0test.Options{})
			rows := legacytest.Users(2)
			rows[0].Phone, rows[1].Phone = "+4930123456", "+4930123456"
			run := legacytest.Run()
			run.Fields.Phone = policy
			r, err := migration.NewRunner(legacytest.NewTable(rows...), legacytest.NewClient(t, tenant), migration.NewMemoryLedger(), run, migration.Config{AllowSharedKeys: true})
			require.NoError(t, err)
			res, err := r.Run(t.Context())
			require.NoError(t, err)
			want := map[migration.FieldPolicy][]int{migration.Refuse: {1, 1}, migration.Drop: {2, 0}}[policy]
			require.Equal(t, want, []int{res.Migrated, res.Duplicate}, policy)
			_, err = r.Verify(t.Context())
			require.NoError(t, err)
		}
	})
}

// Numbers that Auth0 rounds are a warning.
func TestRoundedNumbersAreAWarning(t *testing.T) {
	t.Parallel()
	rec := legacytest.User(1)
	rec.AppMetadata = map[string]any{"id": []any{json.Number("9007199254740993")}}
	r := legacytest.NewRunner(t, legacytest.NewTable(rec, legacytest.User(2)), legacytest.NewClient(t, legacytest.NewTenant(auth0test.Options{})), migration.NewMemoryLedger(), migration.Config{})
	plan, err := r.Plan(t.Context())
	require.NoError(t, err)
	require.Equal(t, 2, plan.Importable)
	require.Equal(t, []migration.Problem{{Key: "u000001", Class: migration.Direct, Rule: migration.RulePrecision, Path: "metadata", Code: "PRECISION"}}, plan.Problems)
}

// Hashes that nobody can verify can at least be reset.
func TestResetUnusable(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		rows := legacytest.Users(4)
		rows[0].Password = passhash.Stored{Value: "$unknown$hash"}
		rows[1].Password = passhash.Stored{Value: "$2b$17$nFguVi9LsCAcvTZFKQlRKeLVydo8ETv483lkNsSFI/Wl1Rz1Ypo1K"}
		rows[2].Password = passhash.Stored{}
		rows[3].Password = legacytest.Phpass
		for reset, want := range map[migration.Reset][]int{
			migration.ResetNone: {0, 2, 1, 1}, migration.ResetMissing: {1, 2, 0, 1}, migration.ResetUnusable: {3, 0, 0, 1},
		} {
			res := legacytest.Do(t, legacytest.NewRunner(t, legacytest.NewTable(rows...), legacytest.NewClient(t, legacytest.NewTenant(auth0test.Options{})), migration.NewMemoryLedger(), migration.Config{Reset: reset}))
			require.Equal(t, want, []int{res.Migrated, res.Invalid, res.Reset, res.Lazy}, reset)
		}
	})
}

// The salt on the wrong side passes every check but a proof.
func TestRunNeedsAProof(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		rows := legacytest.Users(3)
		for i := range rows { // md5(salt + password), for the password "hashcat"
			rows[i].Password = passhash.Stored{Scheme: "md5-salt-prefix", Value: "57ab8499d08c59a7211c77f557bf9425", Salt: "4247"}
		}
		known := []migration.Credentials{{Identifier: "user1@example.com", Password: "hashcat"}}
		wrong := func(r *migration.Record) { r.Password.Scheme = "md5-salt-suffix" }
		for name, c := range map[string]struct {
			edit func(r *migration.Record)
			cfg  migration.Config
			good bool
		}{
			"nobody proves":        {nil, migration.Config{}, false},
			"allowed":              {nil, migration.Config{AllowUnproved: []string{"md5-salt-prefix"}}, true},
			"all allowed":          {nil, migration.Config{AllowUnproved: []string{"*"}}, true},
			"proved":               {nil, migration.Config{Known: known}, true},
			"disproved":            {wrong, migration.Config{Known: known}, false},
			"disproved, allowed":   {wrong, migration.Config{Known: known, AllowUnproved: []string{"*"}}, false},
			"another wrong secret": {nil, migration.Config{Known: []migration.Credentials{{Identifier: "user1@example.com", Password: "no"}}}, false},
		} {
			for _, planned := range []bool{true, false} {
				tenant := legacytest.NewTenant(auth0test.Options{})
				src := legacytest.NewTable(slices.Clone(rows)...)
				if c.edit != nil {
					for i := range rows {
						src.Change(rows[i].Key, c.edit)
					}
				}
				r := legacytest.NewRunner(t, src, legacytest.NewClient(t, tenant), migration.NewMemoryLedger(), c.cfg)
				if planned {
					plan, err := r.Plan(t.Context())
					require.NoError(t, err)
					require.Equal(t, c.good, plan.Err() == nil, name)
				}
				_, err := r.Run(t.Context())
				if c.good {
					require.NoError(t, err, name)
					continue
				}
				require.ErrorIs(t, err, migration.ErrUnproved, name)
				require.Empty(t, writes(tenant), name)
			}
		}
		_, err := legacytest.NewRunner(t, legacytest.NewTable(rows...), legacytest.NewClient(t, legacytest.NewTenant(auth0test.Options{})), migration.NewMemoryLedger(), migration.Config{
			Known: []migration.Credentials{{Identifier: "nobody@example.com", Password: "x"}},
		}).Plan(t.Context())
		require.ErrorIs(t, err, migration.ErrNoUser)
		require.NotContains(t, err.Error(), "nobody")
	})
}

// Plan reads the connection's options and who is there already.
func TestPlanAsksTheTenant(t *testing.T) {
	t.Parallel()
	tenant := legacytest.NewTenant(auth0test.Options{})
	client := legacytest.NewClient(t, tenant)
	tenant.AddUser(resource.User{ID: "u000001", Email: "stranger@example.com", Connection: legacytest.Connection}, "")
	tenant.AddUser(resource.User{ID: "other", Email: "USER2@example.com", Connection: legacytest.Connection}, "")
	tenant.AddUser(resource.User{ID: "u000003", Email: "user3@example.com", Connection: legacytest.Connection, AppMetadata: ours()}, "")
	connections, err := client.DatabaseConnections(t.Context())
	require.NoError(t, err)
	for _, c := range connections {
		if c.Name == legacytest.Connection {
			c.Options["passwordPolicy"], c.Options["disable_signup"] = "excellent", true
			require.NoError(t, client.SetConnectionOptions(t.Context(), c.ID, c.Options))
		}
	}
	rows := legacytest.Users(5)
	rows[4].Username = "ada"
	r := legacytest.NewRunner(t, legacytest.NewTable(rows...), client, migration.NewMemoryLedger(), migration.Config{})
	plan, err := r.Plan(t.Context())
	require.NoError(t, err)
	require.Equal(t, 2, plan.Conflicts)
	require.Equal(t, []migration.Rule{migration.RuleConflict, migration.RuleConflict, migration.RuleUsername},
		[]migration.Rule{plan.Problems[0].Rule, plan.Problems[1].Rule, plan.Problems[2].Rule})
	said := strings.Join(plan.Options, "\n")
	for _, text := range []string{"takes no usernames", "1 users are refused", `"excellent"`, "Sign-up is off"} {
		require.Contains(t, said, text)
	}
	require.Empty(t, slicesWithout(writes(tenant), "PATCH"))
}

func slicesWithout(all []string, prefix string) (rest []string) {
	for _, s := range all {
		if !strings.HasPrefix(s, prefix) {
			rest = append(rest, s)
		}
	}
	return rest
}

// A role goes out alone: the estimate has a request for each user with roles, and one
// for ten members.
func TestPlanReckonsRolesOneByOne(t *testing.T) {
	t.Parallel()
	tenant := legacytest.NewTenant(auth0test.Options{})
	org, role := tenant.AddOrganization("acme"), tenant.AddRole("admin", "")
	rows := legacytest.Users(1000)
	for i := range rows {
		rows[i].Memberships = []migration.Membership{{OrgID: org, RoleIDs: []string{role}}}
	}
	r := legacytest.NewRunner(t, legacytest.NewTable(rows...), legacytest.NewClient(t, tenant), migration.NewMemoryLedger(), migration.Config{})
	plan, err := r.Plan(t.Context())
	require.NoError(t, err)
	require.Equal(t, 1000, plan.Memberships)
	require.Equal(t, []int{100, 1000}, []int{plan.Stages[1].Requests, plan.Stages[2].Requests})
	require.Equal(t, 5*time.Minute+30*time.Second, plan.ETA) // 1,100 requests at 200 a minute
}

// Sources that can be checked are.
func TestPlanAndRunCheckTheSource(t *testing.T) {
	t.Parallel()
	tenant := legacytest.NewTenant(auth0test.Options{})
	r := legacytest.NewRunner(t, checked{legacytest.NewTable(legacytest.Users(1)...)}, legacytest.NewClient(t, tenant), migration.NewMemoryLedger(), migration.Config{})
	_, err := r.Plan(t.Context())
	require.ErrorIs(t, err, errCrash)
	_, err = r.Run(t.Context())
	require.ErrorIs(t, err, errCrash)
	require.Empty(t, writes(tenant))
}

type checked struct{ migration.Source }

func (checked) Check(context.Context) error { return errCrash }

// The ledger's state, problems and what it knows of one user can be read.
func TestStatusProblemsExportForget(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		rows, _ := mixed()
		tenant := legacytest.NewTenant(auth0test.Options{})
		ledger := migration.NewMemoryLedger()
		r := legacytest.NewRunner(t, legacytest.NewTable(rows...), legacytest.NewClient(t, tenant), ledger, migration.Config{})
		res := legacytest.Do(t, r)
		status, err := r.Status(t.Context())
		require.NoError(t, err)
		require.Equal(t, res, status)
		n := 0
		for p, err := range r.Problems(t.Context()) {
			require.NoError(t, err)
			require.NotEmpty(t, p.Rule, p.Key)
			n++
		}
		require.Equal(t, res.Invalid+res.Duplicate, n)
		var b strings.Builder
		require.NoError(t, r.Export(t.Context(), "auth0|a1", &b))
		require.Contains(t, b.String(), `"State":"migrated"`)
		require.NoError(t, r.Forget(t.Context(), "auth0|a1"))
		require.NoError(t, r.Forget(t.Context(), "google|a1"))
		b.Reset()
		require.NoError(t, r.Export(t.Context(), "auth0|a1", &b))
		require.Equal(t, "null\n", b.String())
	})
}
