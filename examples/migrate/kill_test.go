package main

import (
	"bufio"
	"context"
	"crypto/tls"
	"crypto/x509"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/auth0kit/auth0kit/management"
	"github.com/auth0kit/auth0kit/management/auth0test"
	"github.com/auth0kit/auth0kit/migration"
	"github.com/auth0kit/auth0kit/migration/driver"
	"github.com/auth0kit/auth0kit/migration/filesource"
	"github.com/auth0kit/auth0kit/migration/sqlmigration"
)

// place is what a process needs to go on with a run.
type place struct {
	Product, Address   string // the ledger
	Users              string // a CSV file
	Domain, ID, Secret string // the tenant
	CAPEM              []byte
	N                  int // users
}

func (p place) ledger() (l *sqlmigration.Ledger, db *sql.DB, err error) {
	dialect := map[string]sqlmigration.Dialect{"SQLite": sqlmigration.SQLite, "Postgres": sqlmigration.Postgres, "MariaDB": sqlmigration.MariaDB}[p.Product]
	if db, err = openSQLite(p.Address); p.Product != "SQLite" {
		db, _, err = openDatabase(p.Address)
	}
	if err != nil {
		return nil, nil, err
	}
	db.SetMaxOpenConns(8)
	l, err = sqlmigration.New(db, dialect, sqlmigration.Config{})
	return l, db, err
}

func (p place) runner(client *management.Client, l driver.Ledger) (*migration.Runner, error) {
	source, err := filesource.New(p.Users, filesource.CSV, migration.Columns{
		Key: "id", Email: "mail", Password: "hash", Memberships: "org", Roles: "roles",
	}, filesource.Config{})
	if err != nil {
		return nil, err
	}
	run := migration.Run{Source: "killed", Connection: "customers", KeyPrefix: "old|", Secret: []byte("0123456789abcdef0123456789abcdef")}
	return migration.NewRunner(source, client, l, run, migration.Config{FileBytes: 20_480, LeaseTTL: 3 * time.Second})
}

// membersFile has users of whom each is in one of three organizations, every second
// with a role there and every fifth with a role of the tenant.
func membersFile(t *testing.T, n int) string {
	t.Helper()
	var b strings.Builder
	b.WriteString("id,mail,hash,org,roles\n")
	for i := range n {
		editor, staff := "", ""
		if i%2 == 0 {
			editor = ":editor"
		}
		if i%5 == 0 {
			staff = "staff"
		}
		fmt.Fprintf(&b, "u%06d,user%d@example.com,$2a$10$65Vh/EP6EVid5PI3iAI2QeoB.c6XqKwgUkAsA2vnJhb03Bu5VfekS,org%d%s,%s\n", i, i, i%3, editor, staff)
	}
	path := filepath.Join(t.TempDir(), "users.csv")
	require.NoError(t, os.WriteFile(path, []byte(b.String()), 0o600))
	return path
}

// TestRunProcess is not a test: TestRunSurvivesSIGKILL runs it in a process of its
// own. It prints a line before each request and each write to the ledger, and runs
// until all is done or it is killed.
func TestRunProcess(t *testing.T) {
	var p place
	if json.Unmarshal([]byte(os.Getenv("AUTH0KIT_MIGRATION_RUN")), &p) != nil {
		t.Skip("runs in a process of its own")
	}
	l, _, err := p.ledger()
	require.NoError(t, err)
	pool := x509.NewCertPool()
	require.True(t, pool.AppendCertsFromPEM(p.CAPEM))
	client, err := management.New(management.Config{
		Domain: p.Domain, ClientID: p.ID, ClientSecret: p.Secret, MaxWait: -1,
		HTTPClient: &http.Client{Transport: saying{&http.Transport{TLSClientConfig: &tls.Config{RootCAs: pool}, ForceAttemptHTTP2: true}}},
	})
	require.NoError(t, err)
	r, err := p.runner(client, sayingLedger{l})
	require.NoError(t, err)
	for {
		_, err := r.Run(t.Context())
		if !errors.Is(err, migration.ErrLeased) {
			require.NoError(t, err)
			fmt.Println("step finished")
			return
		}
		time.Sleep(50 * time.Millisecond) // the lease of a process that was killed
	}
}

// saying prints each request before it is sent; of the many that look users up after a
// kill one in thirty, so that most kills come later.
type saying struct{ http.RoundTripper }

func (s saying) RoundTrip(r *http.Request) (*http.Response, error) {
	if strings.HasPrefix(r.URL.Path, "/api/v2/users/") && r.Method == http.MethodGet && rand.N(30) > 0 {
		return s.RoundTripper.RoundTrip(r)
	}
	parts := strings.Split(strings.TrimPrefix(r.URL.Path, "/api/v2/"), "/")
	for i := range parts {
		if strings.ContainsAny(parts[i], "_|0123456789") {
			parts[i] = "…"
		}
	}
	fmt.Println("step", r.Method, strings.Join(parts, "/"))
	return s.RoundTripper.RoundTrip(r)
}

// sayingLedger prints each write before it is made.
type sayingLedger struct{ driver.Ledger }

func (l sayingLedger) PutBatch(ctx context.Context, f driver.Fence, b driver.Batch) error {
	fmt.Println("step ledger: batch", b.State)
	return l.Ledger.PutBatch(ctx, f, b)
}

func (l sayingLedger) PutOutcomes(ctx context.Context, f driver.Fence, o []driver.Outcome) error {
	fmt.Println("step ledger: outcomes")
	return l.Ledger.PutOutcomes(ctx, f, o)
}

// A run is killed at random points and started again by another process, while Auth0
// cuts connections and answers 429, 413 and 5xx: at the end every user and every
// membership is there once. AUTH0KIT_LONG=1 kills it fifty times for each ledger.
func TestRunSurvivesSIGKILL(t *testing.T) {
	t.Parallel()
	kills := 2
	if os.Getenv("AUTH0KIT_LONG") == "1" {
		kills = 50
	}
	for name, address := range map[string]func(*testing.T) string{
		"SQLite":   func(t *testing.T) string { return filepath.Join(t.TempDir(), "ledger.db") },
		"Postgres": func(t *testing.T) string { return legacyPostgres(t) },
		"MariaDB":  func(t *testing.T) string { return legacyMariaDB(t) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			n := 60 * kills
			killAgainAndAgain(t, place{Product: name, Address: address(t), Users: membersFile(t, n), N: n}, kills)
		})
	}
}

func killAgainAndAgain(t *testing.T, p place, kills int) {
	tenant, client, server := killTenant(t)
	machine := tenant.Machine()
	p.Domain, p.ID, p.Secret, p.CAPEM = server.Domain, machine.ID, machine.Secret, server.CAPEM
	l, db, err := p.ledger()
	require.NoError(t, err)
	t.Cleanup(func() { _ = db.Close() })
	require.NoError(t, l.CreateSchema(t.Context()))

	faulty, stop := context.WithCancel(t.Context())
	disturbed := make(chan bool)
	go func() { disturb(faulty, tenant); close(disturbed) }()
	at, killed := make(map[string]int), 0
	for done := false; !done; {
		after := 1 + rand.N(50) // fewer than sixty users take
		if killed == kills {
			after = 1 << 30 // this one may end
		}
		var last string
		if done, last = p.process(t, after); !done {
			at[last]++
			killed++
		}
	}
	stop()
	<-disturbed
	faults := faultsOf(tenant)
	require.Equal(t, kills, killed, "it was done before it was killed so often")
	everybodyOnce(t, p, client, l)
	t.Logf("%s: %d users and %d memberships once each after %d kills, with the faults %v", p.Product, p.N, p.N+(p.N+4)/5, killed, faults)
	for _, step := range slices.Sorted(maps.Keys(at)) {
		t.Logf("  killed %2d times after %s", at[step], step)
	}
}

func killTenant(t *testing.T) (*auth0test.Tenant, *management.Client, *auth0test.Server) {
	t.Helper()
	tenant := auth0test.NewTenant(auth0test.Options{JobTime: 100 * time.Millisecond})
	tenant.AddConnection("customers", "auth0")
	tenant.AddRole("editor", "")
	tenant.AddRole("staff", "")
	for i := range 3 {
		tenant.AddOrganization(fmt.Sprint("org", i))
	}
	server := tenant.Start()
	t.Cleanup(server.Close)
	machine := tenant.Machine()
	client, err := management.New(management.Config{
		Domain: server.Domain, ClientID: machine.ID, ClientSecret: machine.Secret, HTTPClient: server.Client, MaxWait: -1,
	})
	require.NoError(t, err)
	return tenant, client, server
}

// faultsOf counts what went wrong by status, 0 for connections that were cut: by the
// tenant, or by the end of a process.
func faultsOf(tenant *auth0test.Tenant) map[int]int {
	n := make(map[int]int)
	for _, r := range tenant.Requests() {
		if r.Status == 0 || r.Status == 413 || r.Status == 429 || r.Status >= 500 {
			n[r.Status]++
		}
	}
	return n
}

// disturb makes one route after the other fail until ctx ends.
func disturb(ctx context.Context, tenant *auth0test.Tenant) {
	routes := []string{
		"POST /api/v2/jobs/users-imports", "GET /api/v2/jobs/{id}", "GET /api/v2/jobs/{id}/errors", "GET /api/v2/users/{id}", "GET /api/v2/connections",
		"POST /oauth/token", "GET /api/v2/roles", "GET /api/v2/organizations/name/{name}", "POST /api/v2/organizations/{id}/members",
		"POST /api/v2/organizations/{id}/members/{user}/roles", "POST /api/v2/users/{id}/roles",
	}
	faults := []auth0test.Fault{{CutBefore: true}, {CutAfter: true}, {Status: 429}, {Status: 500}, {Status: 502}, {Status: 503}, {Status: 413}}
	for ctx.Err() == nil {
		i := rand.N(len(routes))
		f := faults[rand.N(len(faults)-min(i, 1))] // 413 is for files alone
		f.Times = 1
		remove := tenant.Fault(routes[i], f)
		select {
		case <-time.After(rand.N(60 * time.Millisecond)):
		case <-ctx.Done():
		}
		remove()
	}
}

// process goes on with the run in another process, and kills it soon after so many
// steps. It returns the last step, or that the run has ended.
func (p place) process(t *testing.T, steps int) (done bool, last string) {
	place, err := json.Marshal(p)
	require.NoError(t, err)
	cmd := exec.Command(os.Args[0], "-test.run=^TestRunProcess$", "-test.count=1")
	cmd.Env = append(os.Environ(), "AUTH0KIT_MIGRATION_RUN="+string(place))
	out, err := cmd.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, cmd.Start())
	var rest strings.Builder
	n := 0
	for lines := bufio.NewScanner(out); lines.Scan(); {
		step, ok := strings.CutPrefix(lines.Text(), "step ")
		if !ok {
			rest.WriteString(lines.Text() + "\n")
			continue
		}
		done, last = step == "finished", step
		if n++; n == steps {
			time.AfterFunc(rand.N(5*time.Millisecond), func() { _ = cmd.Process.Kill() })
		}
	}
	if err := cmd.Wait(); !done {
		require.ErrorContains(t, err, "killed", rest.String())
	}
	return done, last
}

func everybodyOnce(t *testing.T, p place, client *management.Client, l driver.Ledger) {
	t.Helper()
	r, err := p.runner(client, l)
	require.NoError(t, err)
	result, err := r.Status(t.Context())
	require.NoError(t, err)
	assert.Equal(t, migration.Result{Run: "customers", Migrated: p.N, Total: p.N}, *result)
	v, err := r.Verify(t.Context())
	require.NoError(t, err)
	assert.Equal(t, []int{p.N, p.N, 0}, []int{v.Checked, v.Same, v.Extra})
	for b, err := range l.Batches(t.Context(), "customers") {
		require.NoError(t, err)
		assert.Equal(t, driver.Settled, b.State, "batch %d", b.N)
	}
	editors, staff := 0, 0
	for i := range 3 {
		org, err := client.OrganizationByName(t.Context(), fmt.Sprint("org", i))
		require.NoError(t, err)
		members := make(map[string]int)
		for m, err := range client.Members(t.Context(), org.ID) {
			require.NoError(t, err)
			members[m.UserID]++
			editors += len(m.Roles)
		}
		want := make(map[string]int)
		for n := i; n < p.N; n += 3 {
			want[fmt.Sprintf("auth0|old|u%06d", n)] = 1
		}
		assert.Equal(t, want, members, org.Name)
	}
	role, err := client.RoleByName(t.Context(), "staff")
	require.NoError(t, err)
	for _, err := range client.RoleUsers(t.Context(), role.ID) {
		require.NoError(t, err)
		staff++
	}
	assert.Equal(t, []int{(p.N + 1) / 2, (p.N + 4) / 5}, []int{editors, staff})
}
