package migration_test

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/auth0kit/auth0kit/management"
	"github.com/auth0kit/auth0kit/management/auth0test"
	"github.com/auth0kit/auth0kit/management/resource"
	"github.com/auth0kit/auth0kit/migration"
	"github.com/auth0kit/auth0kit/migration/driver"
	"github.com/auth0kit/auth0kit/migration/internal/legacytest"
)

// checkAll demands that every row is at Auth0, with the mark, and in the ledger
// as migrated.
func checkAll(t testing.TB, tenant *auth0test.Tenant, ledger driver.Ledger, rows int) {
	t.Helper()
	there := usersOf(t, legacytest.NewClient(t, tenant))
	if len(there) != rows {
		t.Errorf("%d users at Auth0; want %d", len(there), rows)
	}
	for key, u := range there {
		mark, _ := u.AppMetadata["auth0kit"].(map[string]any)
		if mark["run"] != legacytest.Connection {
			t.Fatalf("%s has the mark %v", key, mark)
		}
	}
	migrated := 0
	for key, o := range outcomesOf(t, ledger) {
		if o.State != driver.StateMigrated {
			t.Fatalf("%s is %s (%s %s)", key, o.State, o.Code, o.Path)
		}
		if o.Digest == "" {
			t.Fatalf("%s has no digest", key)
		}
		migrated++
	}
	if migrated != rows {
		t.Errorf("%d users in the ledger; want %d", migrated, rows)
	}
	for b, err := range ledger.Batches(t.Context(), legacytest.Connection) {
		if err != nil || b.State != driver.Settled {
			t.Errorf("batch %d is left in state %s (%v)", b.N, b.State, err)
		}
	}
}

// Whatever goes wrong between us and Auth0, one Run loses nobody and migrates
// nobody twice.
func TestFaultsLoseNobody(t *testing.T) {
	t.Parallel()
	const imports, job, jobErrors, read = "POST /api/v2/jobs/users-imports", "GET /api/v2/jobs/{id}", "GET /api/v2/jobs/{id}/errors", "GET /api/v2/users/{id}"
	faults := map[string]auth0test.Fault{
		"cut before":              {CutBefore: true, Times: 2},
		"cut after":               {CutAfter: true, Times: 2},
		"429 with Retry-After":    {Status: 429, RetryAfter: 7 * time.Second, Times: 3},
		"429 without Retry-After": {Status: 429, Times: 3},
		"500":                     {Status: 500, Times: 2},
		"503":                     {Status: 503, Times: 2},
		"408":                     {Status: 408, Times: 2},
		"slow":                    {Latency: 20 * time.Second, Times: 2},
	}
	for name, fault := range faults {
		for _, route := range []string{imports, job, jobErrors, read, "GET /api/v2/connections", "POST /oauth/token"} {
			t.Run(name+" of "+route, func(t *testing.T) {
				t.Parallel()
				synctest.Test(t, func(t *testing.T) {
					tenant := legacytest.NewTenant(auth0test.Options{JobTime: 10 * time.Second})
					if route == read { // read only when something is to be reconciled
						tenant.Fault(imports, auth0test.Fault{CutAfter: true, Times: 1})
					}
					if route == jobErrors {
						tenant.AddUser(resource.User{ID: "u000001", Email: "user1@example.com", Connection: legacytest.Connection, AppMetadata: ours()}, "")
					}
					tenant.Fault(route, fault)
					ledger := migration.NewMemoryLedger()
					res := legacytest.Do(t, legacytest.NewRunner(t, legacytest.NewTable(legacytest.Users(120)...), legacytest.NewClient(t, tenant), ledger, migration.Config{FileBytes: 20_480}))
					if res.Migrated != 120 || res.Failed != 0 {
						t.Errorf("%+v", res)
					}
					checkAll(t, tenant, ledger, 120)
				})
			})
		}
	}
}

// ours is the mark of this run.
func ours() map[string]any {
	return map[string]any{"auth0kit": map[string]any{"run": legacytest.Connection, "source": "test", "via": "bulk"}}
}

// The management token dies in the middle of a run.
func TestExpiringTokenLosesNobody(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		tenant := legacytest.NewTenant(auth0test.Options{JobTime: 10 * time.Second})
		ledger := migration.NewMemoryLedger()
		expired := 0
		r := legacytest.NewRunner(t, legacytest.NewTable(legacytest.Users(400)...), legacytest.NewClient(t, tenant), ledger, migration.Config{
			FileBytes: 20_480,
			Progress: func(p migration.Progress) {
				if p.Sent > 0 && expired == 0 {
					expired++
					tenant.RotateKeys()
					tenant.RevokeKeys()
				}
			},
		})
		legacytest.Do(t, r)
		if expired == 0 || posts(tenant, "/oauth/token") < 2 {
			t.Error("no token has expired")
		}
		checkAll(t, tenant, ledger, 400)
	})
}

// Auth0 forgets jobs after a day: their users are looked up.
func TestForgottenJobsAreReconciled(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		tenant := legacytest.NewTenant(auth0test.Options{JobTime: 10 * time.Second})
		src, ledger := legacytest.NewTable(legacytest.Users(100)...), migration.NewMemoryLedger()
		ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second) // dies while jobs run
		defer cancel()
		r := legacytest.NewRunner(t, src, legacytest.NewClient(t, tenant), ledger, migration.Config{FileBytes: 20_480, Grace: -1})
		if _, err := r.Run(ctx); !errors.Is(err, context.DeadlineExceeded) {
			t.Fatalf("the first run: %v", err)
		}
		if n := len(outcomesOf(t, ledger)); n != 0 {
			t.Fatalf("%d outcomes before any job has ended", n)
		}
		time.Sleep(48 * time.Hour)
		legacytest.Do(t, legacytest.NewRunner(t, src, legacytest.NewClient(t, tenant), ledger, migration.Config{FileBytes: 20_480}))
		checkAll(t, tenant, ledger, 100)
		if n := posts(tenant, "/api/v2/jobs/users-imports"); n > 6 {
			t.Errorf("%d files were sent for 4", n)
		}
	})
}

// A ledger that is lost costs conflicts, not users.
func TestLostLedgerMigratesNobodyTwice(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		tenant := legacytest.NewTenant(auth0test.Options{})
		src := legacytest.Bare{Source: legacytest.NewTable(legacytest.Users(60)...)}
		legacytest.Do(t, legacytest.NewRunner(t, src, legacytest.NewClient(t, tenant), migration.NewMemoryLedger(), migration.Config{}))
		ledger := migration.NewMemoryLedger()
		legacytest.Do(t, legacytest.NewRunner(t, src, legacytest.NewClient(t, tenant), ledger, migration.Config{}))
		checkAll(t, tenant, ledger, 60)
	})
}

// failingJobs is a client whose jobs fail as such when their file has a text.
func failingJobs(t testing.TB, tenant *auth0test.Tenant, poison string) *management.Client {
	t.Helper()
	inner := tenant.HTTPClient().Transport
	machine := tenant.Machine()
	var failed atomic.Value
	c, err := management.New(management.Config{
		Domain: auth0test.DefaultDomain, ClientID: machine.ID, ClientSecret: machine.Secret, MaxWait: -1,
		HTTPClient: &http.Client{Transport: roundTrip(func(r *http.Request) (*http.Response, error) {
			id, _ := failed.Load().(string)
			if id != "" && strings.HasSuffix(r.URL.Path, id) {
				return answer(r, 200, fmt.Sprintf(`{"id":%q,"type":"users_import","status":"failed"}`, id)), nil
			}
			if !strings.HasSuffix(r.URL.Path, "users-imports") {
				return inner.RoundTrip(r)
			}
			body, err := io.ReadAll(r.Body)
			if err != nil {
				return nil, err
			}
			if bytes.Contains(body, []byte(poison)) {
				id := "job_" + rand.Text()[:16]
				failed.Store(id)
				return answer(r, 202, fmt.Sprintf(`{"id":%q,"type":"users_import","status":"pending"}`, id)), nil
			}
			r.Body = io.NopCloser(bytes.NewReader(body))
			return inner.RoundTrip(r)
		})},
	})
	require.NoError(t, err)
	return c
}

// A job that fails as such is taken apart, until the user at fault is alone.
func TestFailingJobsAreTakenApart(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		tenant := legacytest.NewTenant(auth0test.Options{JobTime: 5 * time.Second})
		ledger := migration.NewMemoryLedger()
		res := legacytest.Do(t, legacytest.NewRunner(t, legacytest.NewTable(legacytest.Users(64)...), failingJobs(t, tenant, "user7@"), ledger, migration.Config{Jobs: 1}))
		require.Equal(t, 63, res.Migrated)
		require.Equal(t, "JOB_FAILED", outcomesOf(t, ledger)["u000007"].Code)
	})
}

// When every job fails the users are not at fault: a million of them would cost
// four million jobs of up to two hours.
func TestFailureOfEveryJobEndsTheRun(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		tenant := legacytest.NewTenant(auth0test.Options{JobTime: 3 * time.Hour})
		src, ledger := legacytest.NewTable(legacytest.Users(400)...), migration.NewMemoryLedger()
		r := legacytest.NewRunner(t, src, legacytest.NewClient(t, tenant), ledger, migration.Config{FileBytes: 20_480})
		_, err := r.Run(t.Context())
		require.ErrorContains(t, err, "10 import jobs in a row failed")
		require.LessOrEqual(t, posts(tenant, "/api/v2/jobs/users-imports"), 14)
		require.Empty(t, outcomesOf(t, ledger), "nobody is written off")
	})
}

// roundTrip is a transport.
type roundTrip func(*http.Request) (*http.Response, error)

func (f roundTrip) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

// picky is a client whose import files pass through judge first, as a proxy
// before Auth0 would see them; a status other than zero is the answer.
func picky(t testing.TB, tenant *auth0test.Tenant, judge func(body []byte) (status int, message string)) *management.Client {
	t.Helper()
	inner := tenant.HTTPClient().Transport
	machine := tenant.Machine()
	var one sync.Mutex // Two files are sent at a time.
	c, err := management.New(management.Config{
		Domain: auth0test.DefaultDomain, ClientID: machine.ID, ClientSecret: machine.Secret, MaxWait: -1,
		HTTPClient: &http.Client{Transport: roundTrip(func(r *http.Request) (*http.Response, error) {
			if !strings.HasSuffix(r.URL.Path, "users-imports") {
				return inner.RoundTrip(r)
			}
			body, err := io.ReadAll(r.Body)
			if err != nil {
				return nil, err
			}
			one.Lock()
			status, message := judge(body)
			one.Unlock()
			if status == 0 {
				r.Body = io.NopCloser(bytes.NewReader(body))
				return inner.RoundTrip(r)
			}
			return answer(r, status, fmt.Sprintf(`{"statusCode":%d,"error":"x","message":%q}`, status, message)), nil
		})},
	})
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// Auth0 creates a user and fails to import its second factors: the retry brings
// the factors and nothing else.
func TestFailedFactorsAreSentAgain(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		tenant := legacytest.NewTenant(auth0test.Options{})
		inner := tenant.HTTPClient().Transport
		var last []byte
		machine := tenant.Machine()
		failing := true
		client, err := management.New(management.Config{
			Domain: auth0test.DefaultDomain, ClientID: machine.ID, ClientSecret: machine.Secret, MaxWait: -1,
			HTTPClient: &http.Client{Transport: roundTrip(func(r *http.Request) (*http.Response, error) {
				switch {
				case strings.HasSuffix(r.URL.Path, "users-imports"):
					body, err := io.ReadAll(r.Body)
					if err != nil {
						return nil, err
					}
					last, r.Body = body, io.NopCloser(bytes.NewReader(body))
				case strings.HasSuffix(r.URL.Path, "errors") && failing:
					return answer(r, 200, `[{"user":{"user_id":"u000001"},"errors":[{"code":"MFA_FACTORS_FAILED","message":"Unable to import factors"}]}]`), nil
				}
				return inner.RoundTrip(r)
			})},
		})
		if err != nil {
			t.Fatal(err)
		}
		rows := legacytest.Users(3)
		rows[1].TOTPSecrets = []string{"JBSWY3DPEHPK3PXP"}
		ledger := migration.NewMemoryLedger()
		r := legacytest.NewRunner(t, legacytest.NewTable(rows...), client, ledger, migration.Config{})
		if res := legacytest.Do(t, r); res.Failed != 1 || outcomesOf(t, ledger)["u000001"].Code != "MFA_FACTORS_FAILED" {
			t.Fatalf("%+v", res)
		}
		failing = false
		if _, err := r.RetryFailed(t.Context()); err != nil {
			t.Fatal(err)
		}
		checkAll(t, tenant, ledger, 3)
		if !bytes.Contains(last, []byte("\r\n\r\ntrue\r\n")) || !bytes.Contains(last, []byte("JBSWY3DPEHPK3PXP")) ||
			bytes.Contains(last, []byte("password")) || bytes.Contains(last, []byte("metadata")) {
			t.Errorf("the retry sent\n%s", last)
		}
		if u := usersOf(t, client)["u000001"]; u.AppMetadata["plan"] != "gold" {
			t.Errorf("the retry has changed %v", u.AppMetadata)
		}
	})
}

func answer(r *http.Request, status int, body string) *http.Response {
	return &http.Response{
		StatusCode: status, Header: http.Header{"Content-Type": {"application/json"}}, Request: r,
		Body: io.NopCloser(strings.NewReader(body)),
	}
}

func TestPoisonIsFoundByHalves(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		tenant := legacytest.NewTenant(auth0test.Options{})
		client := picky(t, tenant, func(body []byte) (int, string) {
			if bytes.Contains(body, []byte("user7@")) || bytes.Contains(body, []byte("user33@")) {
				return 400, "Payload validation error"
			}
			return 0, ""
		})
		ledger := migration.NewMemoryLedger()
		res := legacytest.Do(t, legacytest.NewRunner(t, legacytest.NewTable(legacytest.Users(64)...), client, ledger, migration.Config{}))
		o := outcomesOf(t, ledger)
		if res.Migrated != 62 || res.Failed != 2 || o["u000007"].Code != "FILE_REFUSED" || o["u000033"].Code != "FILE_REFUSED" {
			t.Errorf("%+v: %v, %v", res, o["u000007"], o["u000033"])
		}
	})
}

func TestTooLargeFilesAreHalved(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		tenant := legacytest.NewTenant(auth0test.Options{})
		largest := 0
		client := picky(t, tenant, func(body []byte) (int, string) {
			if len(body) > 9_000 {
				return 413, "Payload content length greater than maximum allowed: 9000"
			}
			largest = max(largest, len(body))
			return 0, ""
		})
		ledger := migration.NewMemoryLedger()
		legacytest.Do(t, legacytest.NewRunner(t, legacytest.NewTable(legacytest.Users(200)...), client, ledger, migration.Config{Jobs: 1}))
		checkAll(t, tenant, ledger, 200)
		if largest < 4_500 {
			t.Errorf("the largest file has %d bytes: split too often", largest)
		}
	})
}

// When everything is refused the users are not at fault, and are not written off.
func TestRefusalOfEverythingEndsTheRun(t *testing.T) {
	t.Parallel()
	for _, message := range []string{"Payload validation error", "Connection must be enabled."} {
		synctest.Test(t, func(t *testing.T) {
			tenant := legacytest.NewTenant(auth0test.Options{})
			refusing := true
			client := picky(t, tenant, func([]byte) (int, string) {
				if refusing {
					return 400, message
				}
				return 0, ""
			})
			src, ledger := legacytest.NewTable(legacytest.Users(100)...), migration.NewMemoryLedger()
			r := legacytest.NewRunner(t, src, client, ledger, migration.Config{})
			if _, err := r.Run(t.Context()); !errors.Is(err, resource.ErrInvalid) {
				t.Fatalf("Run: %v", err)
			}
			if n := len(outcomesOf(t, ledger)); n > 10 {
				t.Errorf("%d users were written off", n)
			}
			refusing = false
			if _, err := r.RetryFailed(t.Context()); err != nil {
				t.Fatal(err)
			}
			checkAll(t, tenant, ledger, 100)
		})
	}
}
