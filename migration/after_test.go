package migration_test

import (
	"errors"
	"maps"
	"slices"
	"testing"
	"testing/synctest"

	"github.com/auth0kit/auth0kit/audit"
	"github.com/auth0kit/auth0kit/management/auth0test"
	"github.com/auth0kit/auth0kit/management/resource"
	"github.com/auth0kit/auth0kit/migration"
	"github.com/auth0kit/auth0kit/migration/driver"
	"github.com/auth0kit/auth0kit/migration/internal/legacytest"
)

func TestVerifyNamesEveryDifference(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		tenant := legacytest.NewTenant(auth0test.Options{})
		client := legacytest.NewClient(t, tenant)
		r := legacytest.NewRunner(t, legacytest.NewTable(legacytest.Users(50)...), client, migration.NewMemoryLedger(), migration.Config{PageSize: 7})
		legacytest.Do(t, r)
		v, err := r.Verify(t.Context())
		if err != nil || v.Same != 50 || v.Checked != 50 || len(v.Differences) != 0 {
			t.Fatalf("right after the run: %+v, %v", v, err)
		}
		patch := resource.UserPatch{Blocked: new(true), AppMetadata: map[string]any{"plan": "silver"}}
		if _, err := client.UpdateUser(t.Context(), "auth0|u000003", patch); err != nil {
			t.Fatal(err)
		}
		if err := client.DeleteUser(t.Context(), "auth0|u000004"); err != nil {
			t.Fatal(err)
		}
		extra := tenant.AddUser(resource.User{Email: "native@example.com", Connection: legacytest.Connection}, "")
		v, err = r.Verify(t.Context())
		if !errors.Is(err, migration.ErrDifferent) {
			t.Fatalf("%v; want ErrDifferent", err)
		}
		if v.Checked != 50 || v.Same != 48 || v.Changed != 1 || v.Missing != 1 || v.Extra != 1 {
			t.Errorf("%+v", v)
		}
		kinds := make(map[string]migration.DifferenceKind)
		for _, d := range v.Differences {
			kinds[d.UserID] = d.Kind
			if d.Kind == migration.Changed && !slices.Equal(d.Fields, []string{"blocked", "app_metadata"}) {
				t.Errorf("changed fields %v", d.Fields)
			}
		}
		want := map[string]migration.DifferenceKind{
			"auth0|u000003": migration.Changed, "auth0|u000004": migration.Missing, extra: migration.Extra,
		}
		if !maps.Equal(kinds, want) {
			t.Errorf("differences %v; want %v", kinds, want)
		}
	})
}

func TestSyncBringsChanges(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		tenant := legacytest.NewTenant(auth0test.Options{})
		client := legacytest.NewClient(t, tenant)
		src, ledger := legacytest.NewTable(legacytest.Users(20)...), migration.NewMemoryLedger()
		r := legacytest.NewRunner(t, src, client, ledger, migration.Config{})
		legacytest.Do(t, r)
		foreign := resource.UserPatch{AppMetadata: map[string]any{"by_action": true}}
		if _, err := client.UpdateUser(t.Context(), "auth0|u000001", foreign); err != nil {
			t.Fatal(err)
		}
		src.Change("u000001", func(r *migration.Record) { r.AppMetadata = map[string]any{"plan": "platinum", "seats": 1} })
		src.Change("u000002", func(r *migration.Record) { r.Email, r.EmailVerified = "new@example.com", true })
		src.Change("u000003", func(r *migration.Record) { r.Email = "user4@example.com" }) // somebody else's
		src.Change("u000005", func(r *migration.Record) { r.Phone = "+4930123456" })
		src.Insert(legacytest.User(100))
		res, err := r.Sync(t.Context())
		if err != nil || res.Migrated != 21 || res.Updated != 2 || res.Kept != 0 {
			t.Fatalf("%+v, %v", res, err)
		}
		there := usersOf(t, client)
		if m := there["u000001"].AppMetadata; m["plan"] != "platinum" || m["by_action"] != true || m["auth0kit"] == nil {
			t.Errorf("metadata %v", m)
		}
		if u := there["u000002"]; u.Email != "new@example.com" || !u.EmailVerified {
			t.Errorf("email %+v", u)
		}
		o := outcomesOf(t, ledger)
		if o["u000003"].Code != "NOT_PATCHED" || o["u000005"].Code != "NOT_PATCHED" || o["u000005"].Path != "phone_number" || o["u000001"].Code != "" {
			t.Errorf("outcomes %+v, %+v", o["u000003"], o["u000005"])
		}
		again, err := r.Sync(t.Context())
		if err != nil || again.Updated != 0 {
			t.Errorf("a second sync: %+v, %v", again, err)
		}
	})
}

// What a user who has logged in at Auth0 has there is not overwritten.
func TestSyncKeepsWhoHasLoggedIn(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		tenant := legacytest.NewTenant(auth0test.Options{})
		client := legacytest.NewClient(t, tenant)
		src := legacytest.NewTable(legacytest.User(1))
		r := legacytest.NewRunner(t, src, client, migration.NewMemoryLedger(), migration.Config{})
		legacytest.Do(t, r)
		logIn(t, tenant, "user1@example.com", legacytest.Password)
		src.Change("u000001", func(r *migration.Record) { r.Name = "Changed" })
		res, err := r.Sync(t.Context())
		if err != nil || res.Kept != 1 || res.Updated != 0 || usersOf(t, client)["u000001"].Name != "User 1" {
			t.Errorf("%+v, %v", res, err)
		}
	})
}

func TestRollbackDeletesOnlyOurs(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		tenant := legacytest.NewTenant(auth0test.Options{})
		client := legacytest.NewClient(t, tenant)
		lazy := legacytest.User(30)
		lazy.Password = legacytest.Phpass
		src, ledger, log := legacytest.NewTable(append(legacytest.Users(20), lazy)...), migration.NewMemoryLedger(), audit.NewMemory()
		native := tenant.AddUser(resource.User{Email: "native@example.com", Connection: legacytest.Connection}, "")
		r := legacytest.NewRunner(t, src, client, ledger, migration.Config{Recorder: log})
		legacytest.Do(t, r)
		if _, err := logInLazily(t, src, client, lazy); err != nil {
			t.Fatal(err)
		}
		logIn(t, tenant, "user1@example.com", legacytest.Password)
		plan, err := r.PlanRollback(t.Context())
		if err != nil || len(plan.Keys) != 19 || plan.Kept["logged_in"] != 1 || plan.Kept["lazy"] != 1 || len(usersOf(t, client)) != 22 {
			t.Fatalf("plan %d users, %d logged in, %d lazy; %v", len(plan.Keys), plan.Kept["logged_in"], plan.Kept["lazy"], err)
		}
		logIn(t, tenant, "user2@example.com", legacytest.Password) // after the plan was made
		res, err := r.Apply(t.Context(), plan)
		if err != nil || res.RolledBack != 18 {
			t.Fatalf("%+v, %v", res, err)
		}
		there := usersOf(t, client)
		if len(there) != 4 {
			t.Errorf("%d users are left", len(there))
		}
		if _, err := client.User(t.Context(), native); err != nil {
			t.Errorf("the native user: %v", err)
		}
		if src.Marks["u000005"] != 0 || src.Marks["u000002"] == 0 {
			t.Error("marks do not follow the rollback")
		}
		deleted := 0
		for _, a := range log.Actions() {
			if a == "migration.rolled_back" {
				deleted++
			}
		}
		if deleted != 18 {
			t.Errorf("%d deletions were recorded", deleted)
		}
		if res := legacytest.Do(t, r); res.Migrated != 21 || res.RolledBack != 0 { // with the one that Lazy has marked
			t.Errorf("a run after the rollback: %+v", res)
		}
	})
}

func TestRollbackNeedsItsOwnPlan(t *testing.T) {
	t.Parallel()
	client := legacytest.NewClient(t, legacytest.NewTenant(auth0test.Options{}))
	r := legacytest.NewRunner(t, legacytest.NewTable(), client, migration.NewMemoryLedger(), migration.Config{})
	for _, plan := range []*migration.Removal{nil, {Run: "another"}} {
		if _, err := r.Apply(t.Context(), plan); err == nil {
			t.Errorf("plan %v was applied", plan)
		}
	}
	type marker struct {
		migration.Source
		migration.Marker
	}
	src := legacytest.NewTable()
	r = legacytest.NewRunner(t, marker{src, src}, client, migration.NewMemoryLedger(), migration.Config{})
	if _, err := r.Apply(t.Context(), &migration.Removal{Run: legacytest.Connection, State: driver.StateRolledBack}); err == nil {
		t.Error("a source that cannot take marks back was rolled back")
	}
}

// The hashes that a run has imported are those of the users' passwords.
func TestImportedPasswordsLogIn(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		tenant := legacytest.NewTenant(auth0test.Options{})
		costly := legacytest.User(2)
		costly.Password = legacytest.Hashed(t, legacytest.Password, 5) // custom_password_hash
		legacytest.Do(t, legacytest.NewRunner(t, legacytest.NewTable(legacytest.User(1), costly), legacytest.NewClient(t, tenant), migration.NewMemoryLedger(), migration.Config{}))
		for _, email := range []string{"user1@example.com", "user2@example.com"} {
			logIn(t, tenant, email, legacytest.Password)
			if status := tryLogIn(t, tenant, email, "wrong"); status != 403 {
				t.Errorf("%s with a wrong password: %d; want 403", email, status)
			}
		}
	})
}
