package migration_test

import (
	"context"
	"errors"
	"maps"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/auth0kit/auth0kit/audit"
	"github.com/auth0kit/auth0kit/management"
	"github.com/auth0kit/auth0kit/management/auth0test"
	"github.com/auth0kit/auth0kit/management/resource"
	"github.com/auth0kit/auth0kit/migration"
	"github.com/auth0kit/auth0kit/migration/driver"
	"github.com/auth0kit/auth0kit/migration/internal/legacytest"
	"github.com/auth0kit/auth0kit/migration/passhash"
)

// mixed is a source with every class, and what must become of each key.
func mixed() (rows []migration.Record, want map[string]migration.Class) {
	want = make(map[string]migration.Class)
	add := func(class migration.Class, key string, edit func(r *migration.Record)) {
		r := legacytest.User(len(rows))
		r.Key = key
		edit(&r)
		rows = append(rows, r)
		want[key] = class
	}
	nothing := func(*migration.Record) {}
	for _, key := range []string{"a1", "a2", "a3"} {
		add(migration.Direct, key, nothing)
	}
	add(migration.Converted, "b-django", func(r *migration.Record) {
		r.Password.Value = "pbkdf2_sha256$1000$salt$KO5FZHvZd3Y5hbWnVgrXc7hhdBgIsqwZlKzxUH2JFY8="
	})
	add(migration.LazyOnly, "c-phpass", func(r *migration.Record) { r.Password = legacytest.Phpass })
	add(migration.ResetOnly, "d-none", func(r *migration.Record) { r.Password = passhash.Stored{} })
	add(migration.Invalid, "e-legacytest.Garbled", func(r *migration.Record) { r.Password = legacytest.Garbled })
	add(migration.Invalid, "e-noemail", func(r *migration.Record) { r.Email = "" })
	add(migration.Invalid, "e-email", func(r *migration.Record) { r.Email = "nobody" })
	add(migration.Invalid, "e-phone", func(r *migration.Record) { r.Phone = "030 1234" })
	add(migration.Invalid, "e-totp", func(r *migration.Record) { r.TOTPSecrets = []string{"lower case"} })
	add(migration.Invalid, "e-meta", func(r *migration.Record) { r.AppMetadata = map[string]any{"user_id": 1} })
	add(migration.Invalid, "e-marker", func(r *migration.Record) { r.AppMetadata = map[string]any{"auth0kit": 1} })
	add(migration.Invalid, "e-json", func(r *migration.Record) { r.UserMetadata = map[string]any{"f": func() {}} })
	add(migration.Invalid, "e-large", func(r *migration.Record) { r.UserMetadata = map[string]any{"x": strings.Repeat("x", 10240)} })
	add(migration.Invalid, "auth0|e", nothing)
	add(migration.Duplicate, "f-email", func(r *migration.Record) { r.Email = "USER0@example.COM" })
	add(migration.Direct, "g-phone", func(r *migration.Record) { r.Phone = "+49301234567" })
	add(migration.Duplicate, "h-phone", func(r *migration.Record) { r.Phone = "+49301234567" })
	return rows, want
}

func TestPlanSortsAndWritesNothing(t *testing.T) {
	t.Parallel()
	rows, want := mixed()
	tenant := legacytest.NewTenant(auth0test.Options{})
	ledger := migration.NewMemoryLedger()
	streamed := 0
	r := legacytest.NewRunner(t, legacytest.NewTable(rows...), legacytest.NewClient(t, tenant), ledger, migration.Config{
		PageSize: 4, MaxProblems: 3, Problem: func(migration.Problem) { streamed++ },
	})
	p, err := r.Plan(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	count := func(c migration.Class) (n int) {
		for _, class := range want {
			if class == c {
				n++
			}
		}
		return n
	}
	got := map[migration.Class]int{
		migration.Direct: p.Direct, migration.Converted: p.Converted, migration.LazyOnly: p.LazyOnly,
		migration.ResetOnly: p.ResetOnly, migration.Invalid: p.Invalid, migration.Duplicate: p.Duplicate,
	}
	for class, n := range got {
		if n != count(class) {
			t.Errorf("%s: %d; want %d", class, n, count(class))
		}
	}
	if p.Total != len(rows) || p.Importable != p.Direct+p.Converted || p.Files != 1 || p.ETA <= 0 {
		t.Errorf("plan %+v", p)
	}
	if len(p.Problems) != 3 || streamed != p.Invalid+p.Duplicate {
		t.Errorf("%d problems listed and %d streamed; want 3 and %d", len(p.Problems), streamed, p.Invalid+p.Duplicate)
	}
	if p.Formats["bcrypt"] == 0 || p.Rules[migration.RuleTooLarge] != 1 || p.Rules[migration.RuleDuplicate] != 2 {
		t.Errorf("formats %v, rules %v", p.Formats, p.Rules)
	}
	for _, q := range tenant.Requests() {
		if q.Method != "GET" && q.Path != "/oauth/token" && q.Path != "/api/v2/jobs/users-exports" {
			t.Errorf("Plan sent %s %s", q.Method, q.Path)
		}
	}
	if n := len(outcomesOf(t, ledger)); n != 0 {
		t.Errorf("Plan wrote %d outcomes", n)
	}
}

// outcomesOf reads the ledger of the run, by default the one of testRun.
func outcomesOf(t testing.TB, l driver.Ledger, run ...string) map[string]driver.Outcome {
	t.Helper()
	all := make(map[string]driver.Outcome)
	for o, err := range l.Outcomes(t.Context(), append(run, legacytest.Connection)[0]) {
		if err != nil {
			t.Fatal(err)
		}
		all[o.Key] = o
	}
	return all
}

// usersOf reads all users of the connection by their keys.
func usersOf(t testing.TB, c *management.Client) map[string]resource.User {
	t.Helper()
	con, err := c.Connection(t.Context(), legacytest.Connection)
	if err != nil {
		t.Fatal(err)
	}
	all := make(map[string]resource.User)
	for u, err := range c.ExportUsers(t.Context(), con.ID) {
		if err != nil {
			t.Fatal(err)
		}
		all[strings.TrimPrefix(u.ID, "auth0|")] = u
	}
	return all
}

func TestRunLosesNobody(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		rows, want := mixed()
		tenant := legacytest.NewTenant(auth0test.Options{})
		src, ledger, log := legacytest.NewTable(rows...), migration.NewMemoryLedger(), audit.NewMemory()
		var last migration.Progress
		r := legacytest.NewRunner(t, src, legacytest.NewClient(t, tenant), ledger, migration.Config{
			PageSize: 5, Recorder: log, Progress: func(p migration.Progress) { last = p },
		})
		res := legacytest.Do(t, r)
		if res.Total != len(rows) || res.Total != res.Migrated+res.Failed+res.Lazy+res.Reset+res.Invalid+res.Duplicate {
			t.Errorf("%d rows became %+v", len(rows), res)
		}
		there := usersOf(t, legacytest.NewClient(t, tenant))
		for key, o := range outcomesOf(t, ledger) {
			importable := want[key] == migration.Direct || want[key] == migration.Converted
			u, exists := there[key]
			if importable != exists || importable != (o.State == driver.StateMigrated) {
				t.Errorf("%s (%s): outcome %s, at Auth0: %t", key, want[key], o.State, exists)
			}
			if !importable && o.Code == "" {
				t.Errorf("%s: no reason", key)
			}
			if importable && u.AppMetadata["plan"] != "gold" {
				t.Errorf("%s: metadata %v", key, u.AppMetadata)
			}
			if (src.Marks[key] > 0) != importable {
				t.Errorf("%s: marked %d times", key, src.Marks[key])
			}
		}
		if last.Read != len(rows) || last.Migrated != res.Migrated || last.Skipped != len(rows)-res.Migrated || last.Jobs != 0 {
			t.Errorf("progress ended at %+v", last)
		}
		actions := log.Actions()
		if want := []string{"migration.run.start", "migration.import.send", "migration.import.done", "migration.run.end"}; !slices.Equal(actions, want) {
			t.Errorf("recorded %v", actions)
		}
	})
}

func TestRunAgainChangesNothing(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		rows, _ := mixed()
		tenant := legacytest.NewTenant(auth0test.Options{})
		ledger := migration.NewMemoryLedger()
		src := legacytest.NewTable(rows...)
		first := legacytest.Do(t, legacytest.NewRunner(t, src, legacytest.NewClient(t, tenant), ledger, migration.Config{}))
		before := outcomesOf(t, ledger)
		second := legacytest.Do(t, legacytest.NewRunner(t, src, legacytest.NewClient(t, tenant), ledger, migration.Config{}))
		if *first != *second || !maps.Equal(before, outcomesOf(t, ledger)) {
			t.Errorf("the second run: %+v after %+v", second, first)
		}
		if n := posts(tenant, "/api/v2/jobs/users-imports"); n != 1 {
			t.Errorf("%d files were sent; want 1", n)
		}
	})
}

func posts(tenant *auth0test.Tenant, path string) (n int) {
	for _, q := range tenant.Requests() {
		if q.Method == "POST" && q.Path == path {
			n++
		}
	}
	return n
}

// A user without a password is imported when the operator says so, also by a
// later run; a user whose hash only Lazy can verify never is.
func TestImportWithoutPassword(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		none, lazy := legacytest.User(1), legacytest.User(2)
		none.Password, lazy.Password = passhash.Stored{}, legacytest.Phpass
		tenant := legacytest.NewTenant(auth0test.Options{})
		src, ledger := legacytest.NewTable(none, lazy), migration.NewMemoryLedger()
		res := legacytest.Do(t, legacytest.NewRunner(t, src, legacytest.NewClient(t, tenant), ledger, migration.Config{}))
		if res.Reset != 1 || res.Lazy != 1 || res.Migrated != 0 {
			t.Errorf("without the switch: %+v", res)
		}
		res = legacytest.Do(t, legacytest.NewRunner(t, src, legacytest.NewClient(t, tenant), ledger, migration.Config{Reset: migration.ResetMissing}))
		if res.Reset != 0 || res.Lazy != 1 || res.Migrated != 1 {
			t.Errorf("with the switch: %+v", res)
		}
	})
}

// The imports table says how long the slots stand empty: both must work at least
// 98% of the time.
func TestBothSlotsAreBusy(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		const jobTime = 18 * time.Second
		tenant := legacytest.NewTenant(auth0test.Options{JobTime: jobTime})
		r := legacytest.NewRunner(t, legacytest.NewTable(legacytest.Users(4000)...), legacytest.NewClient(t, tenant), migration.NewMemoryLedger(), migration.Config{FileBytes: 25_000})
		p, err := r.Plan(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		start := time.Now()
		if res := legacytest.Do(t, r); res.Migrated != 4000 {
			t.Fatalf("%+v", res)
		}
		best := time.Duration((p.Files+1)/2) * jobTime
		if p.Files < 40 || time.Since(start) > best*100/98 {
			t.Errorf("%d files took %s; %s is possible", p.Files, time.Since(start), best)
		}
		polls := 0
		for _, q := range tenant.Requests() {
			if q.Method == "GET" && strings.HasPrefix(q.Path, "/api/v2/jobs/") && !strings.HasSuffix(q.Path, "errors") {
				polls++
			}
		}
		if polls > 12*p.Files {
			t.Errorf("%d polls for %d files", polls, p.Files)
		}
	})
}

// Slots that somebody else uses are waited for, without failing and without
// holding anything up for good.
func TestForeignJobsAreWaitedFor(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		tenant := legacytest.NewTenant(auth0test.Options{JobTime: 5 * time.Minute})
		client := legacytest.NewClient(t, tenant)
		con, err := client.Connection(t.Context(), legacytest.Connection)
		if err != nil {
			t.Fatal(err)
		}
		for _, email := range []string{"x@example.org", "y@example.org"} {
			if _, err := client.ImportUsers(t.Context(), resource.Import{ConnectionID: con.ID, ExternalID: "other", Users: []byte(`[{"email":"` + email + `"}]`)}); err != nil {
				t.Fatal(err)
			}
		}
		res := legacytest.Do(t, legacytest.NewRunner(t, legacytest.NewTable(legacytest.Users(10)...), client, migration.NewMemoryLedger(), migration.Config{}))
		if res.Migrated != 10 {
			t.Errorf("%+v", res)
		}
	})
}

// Whose id or email another hand has given away is not ours: listed, untouched,
// and migrated by RetryFailed once the way is free.
func TestConflictsAreAdjudicated(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		tenant := legacytest.NewTenant(auth0test.Options{})
		client := legacytest.NewClient(t, tenant)
		taken := tenant.AddUser(resource.User{ID: "u000001", Email: "stranger@example.com", Connection: legacytest.Connection}, "")
		tenant.AddUser(resource.User{ID: "other", Email: "user2@example.com", Connection: legacytest.Connection}, "")
		ledger := migration.NewMemoryLedger()
		r := legacytest.NewRunner(t, legacytest.NewTable(legacytest.Users(4)...), client, ledger, migration.Config{})
		res := legacytest.Do(t, r)
		if res.Migrated != 2 || res.Failed != 2 {
			t.Errorf("%+v", res)
		}
		o := outcomesOf(t, ledger)
		if o["u000001"].Code != "ID_TAKEN" || o["u000002"].Code != "DUPLICATED_USER" {
			t.Errorf("codes %q and %q", o["u000001"].Code, o["u000002"].Code)
		}
		if err := client.DeleteUser(t.Context(), taken); err != nil {
			t.Fatal(err)
		}
		if res = legacytest.Do(t, r); res.Failed != 2 {
			t.Errorf("Run has sent failed users again: %+v", res)
		}
		res, err := r.RetryFailed(t.Context())
		if err != nil || res.Migrated != 3 || res.Failed != 1 {
			t.Errorf("RetryFailed: %+v, %v", res, err)
		}
		if got := outcomesOf(t, ledger)["u000002"].Attempts; got != 2 {
			t.Errorf("%d attempts; want 2", got)
		}
	})
}

func TestBadConfiguration(t *testing.T) {
	t.Parallel()
	tenant := legacytest.NewTenant(auth0test.Options{})
	client, src, ledger := legacytest.NewClient(t, tenant), legacytest.NewTable(), migration.NewMemoryLedger()
	good := legacytest.Run()
	with := func(edit func(r *migration.Run)) migration.Run {
		r := good
		edit(&r)
		return r
	}
	for field, err := range map[string]error{
		"src":                     second(migration.NewRunner(nil, client, ledger, good, migration.Config{})),
		"dst":                     second(migration.NewRunner(src, nil, ledger, good, migration.Config{})),
		"ledger":                  second(migration.NewRunner(src, client, nil, good, migration.Config{})),
		"Run.Connection":          second(migration.NewRunner(src, client, ledger, with(func(r *migration.Run) { r.Connection = "" }), migration.Config{})),
		"Run.Source":              second(migration.NewRunner(src, client, ledger, with(func(r *migration.Run) { r.Source = "" }), migration.Config{})),
		"Run.Name":                second(migration.NewRunner(src, client, ledger, with(func(r *migration.Run) { r.Name = "a\nb" }), migration.Config{})),
		"Run.KeyPrefix":           second(migration.NewRunner(src, client, ledger, with(func(r *migration.Run) { r.KeyPrefix = "auth0|" }), migration.Config{})),
		"Run.Secret":              second(migration.NewRunner(src, client, ledger, with(func(r *migration.Run) { r.Secret = []byte("short") }), migration.Config{})),
		"Run.Fields.Phone":        second(migration.NewRunner(src, client, ledger, with(func(r *migration.Run) { r.Fields.Phone = "x" }), migration.Config{})),
		"Run.Fields.CallingCode":  second(migration.NewRunner(src, client, ledger, with(func(r *migration.Run) { r.Fields.CallingCode = "49" }), migration.Config{})),
		"Config.PageSize":         second(migration.NewRunner(src, client, ledger, good, migration.Config{PageSize: -1})),
		"Config.FileBytes":        second(migration.NewRunner(src, client, ledger, good, migration.Config{FileBytes: 512_000})),
		"Config.Jobs":             second(migration.NewRunner(src, client, ledger, good, migration.Config{Jobs: 3})),
		"Config.LeaseTTL":         second(migration.NewRunner(src, client, ledger, good, migration.Config{LeaseTTL: 1})),
		"Config.MaxProblems":      second(migration.NewRunner(src, client, ledger, good, migration.Config{MaxProblems: -1})),
		"Config.UsersPerSecond":   second(migration.NewRunner(src, client, ledger, good, migration.Config{UsersPerSecond: -1})),
		"Config.MembersPerMinute": second(migration.NewRunner(src, client, ledger, good, migration.Config{MembersPerMinute: -1})),
		"Config.Reset":            second(migration.NewRunner(src, client, ledger, good, migration.Config{Reset: 9})),
	} {
		require.ErrorContains(t, err, field)
	}
	tenant.AddConnection("google", "google-oauth2")
	for _, name := range []string{"nowhere", "google"} {
		r, err := migration.NewRunner(src, client, ledger, with(func(r *migration.Run) { r.Connection = name }), migration.Config{})
		require.NoError(t, err)
		_, err = r.Run(t.Context())
		require.ErrorIs(t, err, resource.ErrNotFound)
		require.ErrorContains(t, err, `"`+name+`"`)
	}
}

func second(_ any, err error) error { return err }

// full is a log that takes nothing.
type full struct{}

func (full) Record(context.Context, audit.Event) error { return errors.New("disk full") }

// What is not recorded is not done.
func TestNoRunWithoutTheLog(t *testing.T) {
	t.Parallel()
	tenant := legacytest.NewTenant(auth0test.Options{})
	r := legacytest.NewRunner(t, legacytest.NewTable(legacytest.Users(3)...), legacytest.NewClient(t, tenant), migration.NewMemoryLedger(), migration.Config{Recorder: full{}})
	if _, err := r.Run(t.Context()); !errors.Is(err, audit.ErrNotRecorded) {
		t.Errorf("%v; want ErrNotRecorded", err)
	}
	if n := posts(tenant, "/api/v2/jobs/users-imports"); n != 0 {
		t.Errorf("%d files were sent", n)
	}
}
