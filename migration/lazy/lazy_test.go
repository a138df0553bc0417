package lazy_test

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/auth0kit/auth0kit/audit"
	"github.com/auth0kit/auth0kit/management/auth0test"
	"github.com/auth0kit/auth0kit/management/resource"
	"github.com/auth0kit/auth0kit/migration"
	"github.com/auth0kit/auth0kit/migration/internal/legacytest"
	"github.com/auth0kit/auth0kit/migration/lazy"
	"github.com/auth0kit/auth0kit/migration/passhash"
)

// creator is nothing but a Creator.
type creator struct{ migration.Creator }

func newLazy(t testing.TB, src migration.Source, dst migration.Creator, cfg lazy.Config) *lazy.Lazy {
	t.Helper()
	l, err := lazy.New(src, dst, legacytest.Run(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	return l
}

// as is the login of a row with its right password.
func as(r migration.Record) migration.Credentials {
	return migration.Credentials{Identifier: r.Email, Password: legacytest.Password, IP: netip.MustParseAddr("192.0.2.1")}
}

// quick is a row whose hash is verified quickly.
func quick(n int) migration.Record {
	r := legacytest.User(n)
	r.Password = quickHash()
	return r
}

var quickHash = sync.OnceValue(func() passhash.Stored { return legacytest.Hashed(nil, legacytest.Password, 4) })

func TestLoginMigratesWhoProvesThePassword(t *testing.T) {
	t.Parallel()
	tenant := legacytest.NewTenant(auth0test.Options{})
	src, log := legacytest.NewTable(quick(1), quick(2)), audit.NewMemory()
	client := legacytest.NewClient(t, tenant)
	l := newLazy(t, src, client, lazy.Config{Recorder: log})
	u, err := l.Login(t.Context(), as(legacytest.User(1)))
	if err != nil {
		t.Fatal(err)
	}
	mark, _ := u.AppMetadata["auth0kit"].(map[string]any)
	if u.ID != "auth0|u000001" || u.Email != "user1@example.com" || u.AppMetadata["plan"] != "gold" || mark["via"] != "lazy" {
		t.Errorf("created %+v", u)
	}
	if src.Marks["u000001"] != 1 || len(usersOf(t, client)) != 1 {
		t.Errorf("marks %v", src.Marks)
	}
	if got := log.Actions(); !slices.Equal(got, []string{"migration.create", "migration.create", "migration.login"}) {
		t.Errorf("recorded %v", got)
	}
	for _, typed := range []string{legacytest.Password, "wrong"} { // Auth0 owns the user now
		c := as(legacytest.User(1))
		c.Password = typed
		if _, err := l.Login(t.Context(), c); !errors.Is(err, lazy.ErrMigrated) {
			t.Errorf("the next login with %q: %v; want ErrMigrated", typed, err)
		}
	}
	if _, err := newLazy(t, legacytest.Bare{Source: src}, client, lazy.Config{}).Login(t.Context(), as(legacytest.User(1))); !errors.Is(err, lazy.ErrMigrated) {
		t.Errorf("without the mark: %v; want ErrMigrated", err)
	}
}

// A wrong password, an unknown user, a broken hash, no hash and a blocked user
// are one answer, and create nothing.
func TestRefusalsAreOneAnswer(t *testing.T) {
	t.Parallel()
	tenant := legacytest.NewTenant(auth0test.Options{})
	broken, none, blocked := quick(2), quick(3), quick(4)
	broken.Password, none.Password, blocked.Blocked = legacytest.Garbled, passhash.Stored{}, true
	known := legacytest.User(1)
	known.Password = legacytest.Hashed(t, legacytest.Password, 8)
	log := audit.NewMemory()
	client := legacytest.NewClient(t, tenant)
	l := newLazy(t, legacytest.NewTable(known, broken, none, blocked), client, lazy.Config{Recorder: log})
	wrong := as(legacytest.User(1))
	wrong.Password = "wrong"
	empty := as(legacytest.User(1))
	empty.Password = ""
	long := as(legacytest.User(1))
	long.Password = strings.Repeat("x", 5000)
	cases := map[string]migration.Credentials{
		"wrong_password": wrong, "unknown_user": as(legacytest.User(99)), "unusable_hash": as(broken), "no_password": as(none),
		"blocked": as(blocked), "empty": empty, "long": long, "no_email": {Identifier: "nobody", Password: legacytest.Password},
	}
	took := make(map[string]time.Duration)
	for name, c := range cases {
		start := time.Now()
		u, err := l.Login(t.Context(), c)
		took[name] = time.Since(start)
		if u != nil || err == nil || err.Error() != lazy.ErrCredentials.Error() || !errors.Is(err, lazy.ErrCredentials) {
			t.Errorf("%s: %v, %v; want ErrCredentials alone", name, u, err)
		}
	}
	for name, d := range took { // bcrypt of cost 8 takes more than this; see TestRefusalsLastEquallyLong
		if d < 5*time.Millisecond {
			t.Errorf("%s was refused after %s", name, d)
		}
	}
	if n := len(usersOf(t, client)); n != 0 {
		t.Errorf("%d users were created", n)
	}
	for _, e := range log.Events() {
		if e.Outcome != audit.Failure || e.Reason == "" || e.IP == "" && e.Target.ID != "" {
			t.Errorf("event %+v", e)
		}
	}
}

// The formats of one source may cost from microseconds to a second. Refusals
// take as long as the slowest.
func TestCheapHashesAreNotRefusedFaster(t *testing.T) {
	t.Parallel()
	fast, slow := legacytest.User(1), legacytest.User(2)
	fast.Password.Value = "{SSHA}gPb32x1TbLA/t6ZrHBK6nqzyvABzYWx0" // the value does not matter
	slow.Password = legacytest.Hashed(t, legacytest.Password, 9)
	l := newLazy(t, legacytest.NewTable(fast, slow), legacytest.NewClient(t, legacytest.NewTenant(auth0test.Options{})), lazy.Config{})
	var took [3]time.Duration
	for i, who := range []migration.Record{fast, slow, legacytest.User(99)} {
		c := as(who)
		c.Password = "wrong"
		start := time.Now()
		if _, err := l.Login(t.Context(), c); !errors.Is(err, lazy.ErrCredentials) {
			t.Fatal(err)
		}
		took[i] = time.Since(start)
	}
	if took[0] < took[1]/2 || took[2] < took[1]/2 {
		t.Errorf("refusals of a cheap, a slow and no hash take %v", took)
	}
}

// Of many concurrent logins exactly those with the right password succeed, and
// one user comes of them.
func TestConcurrentLoginsOfOneUser(t *testing.T) {
	t.Parallel()
	tenant := legacytest.NewTenant(auth0test.Options{})
	tenant.Fault("POST /api/v2/users", auth0test.Fault{Latency: time.Second})
	client := legacytest.NewClient(t, tenant)
	l := newLazy(t, legacytest.NewTable(quick(1)), client, lazy.Config{})
	var right, wrong atomic.Int64
	var wg sync.WaitGroup
	for i := range 64 {
		wg.Go(func() {
			c := as(legacytest.User(1))
			if i%2 == 1 {
				c.Password = fmt.Sprintf("wrong %d", i)
			}
			u, err := l.Login(t.Context(), c)
			switch {
			case i%2 == 0 && err == nil && u.ID == "auth0|u000001":
				right.Add(1)
				u.AppMetadata["mine"] = i // each has its own copy
			case i%2 == 1 && errors.Is(err, lazy.ErrCredentials) && u == nil:
				wrong.Add(1)
			default:
				t.Errorf("login %d: %v, %v", i, u, err)
			}
		})
	}
	wg.Wait()
	if right.Load() != 32 || wrong.Load() != 32 || posts(tenant, "/api/v2/users") != 1 || len(usersOf(t, client)) != 1 {
		t.Errorf("%d succeeded, %d were refused, %d users were posted", right.Load(), wrong.Load(), posts(tenant, "/api/v2/users"))
	}
}

// A user who signed up at Auth0, or who was changed there, is Auth0's.
func TestAuth0sOwnUsersAreMigrated(t *testing.T) {
	t.Parallel()
	tenant := legacytest.NewTenant(auth0test.Options{})
	tenant.AddUser(resource.User{Email: "native@example.com", Connection: legacytest.Connection}, "x")
	tenant.AddUser(resource.User{Email: "user1@example.com", Connection: legacytest.Connection}, "x") // the row's email, another id
	tenant.AddUser(resource.User{Email: "user2@example.com", Username: "u2"}, "x")                    // another connection
	l := newLazy(t, legacytest.NewTable(quick(1), quick(2)), legacytest.NewClient(t, tenant), lazy.Config{})
	if _, err := l.Login(t.Context(), migration.Credentials{Identifier: "Native@example.com", Password: "?"}); !errors.Is(err, lazy.ErrMigrated) {
		t.Errorf("a native user: %v; want ErrMigrated", err)
	}
	if _, err := l.Login(t.Context(), as(legacytest.User(1))); !errors.Is(err, lazy.ErrMigrated) {
		t.Errorf("a row whose email is taken: %v; want ErrMigrated", err)
	}
	if u, err := l.Login(t.Context(), as(legacytest.User(2))); err != nil || u.ID != "auth0|u000002" {
		t.Errorf("a row whose email is in another connection: %v, %v", u, err)
	}
}

// Answers that are lost are looked into: the login succeeds and one user exists.
func TestLoginSurvivesFaults(t *testing.T) {
	t.Parallel()
	const create, read = "POST /api/v2/users", "GET /api/v2/users/{id}"
	faults := map[string]func(tenant *auth0test.Tenant){
		"cut after":  func(tn *auth0test.Tenant) { tn.Fault(create, auth0test.Fault{CutAfter: true, Times: 1}) },
		"cut before": func(tn *auth0test.Tenant) { tn.Fault(create, auth0test.Fault{CutBefore: true, Times: 1}) },
		"500":        func(tn *auth0test.Tenant) { tn.Fault(create, auth0test.Fault{Status: 500, Times: 1}) },
		"429": func(tn *auth0test.Tenant) {
			tn.Fault(create, auth0test.Fault{Status: 429, RetryAfter: time.Second, Times: 1})
		},
		"503 of the look": func(tn *auth0test.Tenant) { tn.Fault(read, auth0test.Fault{Status: 503, Times: 2}) },
		"expired token":   func(tn *auth0test.Tenant) { tn.Fault(create, auth0test.Fault{Status: 401, Times: 1}) },
		"cut after, and 50": func(tn *auth0test.Tenant) {
			tn.Fault(create, auth0test.Fault{CutAfter: true, Times: 1})
			tn.Fault(read, auth0test.Fault{Status: 500, Times: 1})
		},
	}
	for name, fault := range faults {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				tenant := legacytest.NewTenant(auth0test.Options{})
				fault(tenant)
				client := legacytest.NewClient(t, tenant)
				u, err := newLazy(t, legacytest.NewTable(quick(1)), client, lazy.Config{}).Login(t.Context(), as(legacytest.User(1)))
				if err != nil || u.ID != "auth0|u000001" {
					t.Errorf("%v, %v", u, err)
				}
				if n := len(usersOf(t, client)); n != 1 {
					t.Errorf("%d users", n)
				}
			})
		})
	}
}

// When Auth0 cannot be asked, the answer is neither a yes nor a no.
func TestOutageIsNoRefusal(t *testing.T) {
	t.Parallel()
	for _, route := range []string{"POST /api/v2/users", "GET /api/v2/users/{id}"} {
		synctest.Test(t, func(t *testing.T) {
			tenant := legacytest.NewTenant(auth0test.Options{})
			tenant.Fault(route, auth0test.Fault{Status: 503})
			l := newLazy(t, legacytest.NewTable(quick(1)), legacytest.NewClient(t, tenant), lazy.Config{AccountFailures: 1})
			for range 3 { // and counts as no guess
				_, err := l.Login(t.Context(), as(legacytest.User(1)))
				if !errors.Is(err, resource.ErrUnavailable) || errors.Is(err, lazy.ErrCredentials) {
					t.Errorf("%s: %v; want ErrUnavailable", route, err)
				}
			}
			_, err := l.Login(t.Context(), migration.Credentials{Identifier: "nobody", Password: legacytest.Password})
			if unknown := errors.Is(err, lazy.ErrCredentials); unknown != strings.HasPrefix(route, "POST") {
				t.Errorf("%s: an unknown user gets %v, where a known one gets no answer", route, err)
			}
		})
	}
}

// What only an import job can create goes by one, if there is an Importer.
func TestImportRoute(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		tenant := legacytest.NewTenant(auth0test.Options{JobTime: 5 * time.Second})
		factors := quick(1)
		factors.TOTPSecrets = []string{"JBSWY3DPEHPK3PXP"}
		src := legacytest.NewTable(factors)
		client := legacytest.NewClient(t, tenant)
		if _, err := newLazy(t, src, creator{client}, lazy.Config{}).Login(t.Context(), as(factors)); !errors.Is(err, lazy.ErrImportOnly) {
			t.Fatalf("without an Importer: %v; want ErrImportOnly", err)
		}
		if len(usersOf(t, client)) != 0 || len(src.Marks) != 0 {
			t.Error("a user was created without its second factor")
		}
		tenant.Fault("POST /api/v2/jobs/users-imports", auth0test.Fault{CutAfter: true, Times: 1})
		u, err := newLazy(t, src, client, lazy.Config{}).Login(t.Context(), as(factors))
		if err != nil || u.ID != "auth0|u000001" || src.Marks["u000001"] != 1 {
			t.Errorf("with an Importer: %v, %v", u, err)
		}
	})
}

func TestPasswordThatThePolicyRefuses(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		client := legacytest.NewClient(t, legacytest.NewTenant(auth0test.Options{JobTime: 5 * time.Second}))
		weak := legacytest.User(1)
		weak.Password = legacytest.Hashed(t, "secret", 4)
		c := as(weak)
		c.Password = "secret"
		if _, err := newLazy(t, legacytest.NewTable(weak), creator{client}, lazy.Config{}).Login(t.Context(), c); !errors.Is(err, lazy.ErrImportOnly) {
			t.Errorf("without an Importer: %v; want ErrImportOnly", err)
		}
		u, err := newLazy(t, legacytest.NewTable(weak), client, lazy.Config{}).Login(t.Context(), c)
		if err != nil || u.ID != "auth0|u000001" {
			t.Errorf("with an Importer: %v, %v", u, err)
		}
	})
}

// Who is not recorded is not let in, and not created either.
func TestNothingWithoutTheLog(t *testing.T) {
	t.Parallel()
	client := legacytest.NewClient(t, legacytest.NewTenant(auth0test.Options{}))
	l := newLazy(t, legacytest.NewTable(quick(1)), client, lazy.Config{Recorder: full{}})
	if u, err := l.Login(t.Context(), as(legacytest.User(1))); u != nil || !errors.Is(err, audit.ErrNotRecorded) {
		t.Errorf("a right password: %v, %v; want ErrNotRecorded", u, err)
	}
	wrong := as(legacytest.User(1))
	wrong.Password = "wrong"
	if _, err := l.Login(t.Context(), wrong); !errors.Is(err, lazy.ErrCredentials) || !errors.Is(err, audit.ErrNotRecorded) {
		t.Errorf("a wrong password: %v; want ErrCredentials and ErrNotRecorded", err)
	}
	if n := len(usersOf(t, client)); n != 0 {
		t.Errorf("%d users", n)
	}
}

// full is a log that takes nothing.
type full struct{}

func (full) Record(context.Context, audit.Event) error { return errors.New("disk full") }

// Bulk and lazy work on one connection at once, and migrate nobody twice.
func TestLazyBesideBulk(t *testing.T) {
	t.Parallel()
	tenant := legacytest.NewTenant(auth0test.Options{JobTime: 300 * time.Millisecond})
	client := legacytest.NewClient(t, tenant)
	rows := legacytest.Users(60)
	for i := range rows {
		if i%3 == 0 {
			rows[i].Password = legacytest.Phpass
		}
	}
	src, ledger := legacytest.NewTable(rows...), migration.NewMemoryLedger()
	l := newLazy(t, src, client, lazy.Config{})
	var wg sync.WaitGroup
	wg.Go(func() {
		for i := range 12 {
			if _, err := l.Login(t.Context(), as(rows[i])); err != nil && !errors.Is(err, lazy.ErrMigrated) {
				t.Errorf("login %d: %v", i, err)
			}
		}
	})
	res := legacytest.Do(t, legacytest.NewRunner(t, src, client, ledger, migration.Config{FileBytes: 20_480}))
	wg.Wait()
	if res.Failed != 0 {
		t.Errorf("%+v", res)
	}
	res, err := legacytest.NewRunner(t, src, client, ledger, migration.Config{}).Sync(t.Context())
	if err != nil || res.Migrated != 44 || res.Lazy != 16 {
		t.Errorf("after a sync: %+v, %v", res, err)
	}
	if n := len(usersOf(t, client)); n != 44 {
		t.Errorf("%d users at Auth0; want 40 by bulk and 4 by login", n)
	}
}
