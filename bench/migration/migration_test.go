// Package migration_test compares a migration by POST /users and one member a
// request, the loop that everybody writes first, with migration.Runner, on virtual
// time: the tenant is a model of Auth0's published limits, and no request leaves the
// process.
package migration_test

import (
	"context"
	"crypto/rand"
	"fmt"
	"iter"
	"maps"
	mathrand "math/rand/v2"
	"os"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/auth0kit/auth0kit/bench/internal/benchrow"
	"github.com/auth0kit/auth0kit/management/resource"
	"github.com/auth0kit/auth0kit/migration"
	"github.com/auth0kit/auth0kit/migration/passhash"
)

// plan has the limits of a plan: https://auth0.com/docs/troubleshoot/customer-support/operational-policies/rate-limit-policy
// for requests; the time of a job of 1,000 users is what Auth0's staff and customers
// report (docs/migration).
type plan struct {
	name    string
	creates float64       // POST /users a second
	job     time.Duration // for 1,000 users
	members float64       // requests about organizations a minute
}

var plans = []plan{
	{"Free", 2, 240 * time.Second, 120},
	{"Essentials, Professional", 200.0 / 60, time.Minute, 200},
	{"Enterprise", 16, 18 * time.Second, 200},
	{"Private, 100 RPS", 50, 18 * time.Second, 200},
	{"Private, 500 RPS", 250, 18 * time.Second, 1000},
}

// bucket is a limit without a burst.
type bucket struct {
	mu    sync.Mutex
	every time.Duration
	next  time.Time
}

func (b *bucket) wait() {
	b.mu.Lock()
	at := time.Now()
	if b.next.After(at) {
		at = b.next
	}
	b.next = at.Add(b.every)
	b.mu.Unlock()
	time.Sleep(time.Until(at))
}

// tenant is the model.
type tenant struct {
	migration.Target
	plan    plan
	spread  *mathrand.Rand // nil: equal files take equally long
	members bucket
	mu      sync.Mutex
	ends    map[string]time.Time
	sizes   map[string]int
	busy    time.Duration
}

func newTenant(p plan, varies bool) *tenant {
	t := &tenant{plan: p, ends: make(map[string]time.Time), sizes: make(map[string]int)}
	if varies {
		t.spread = mathrand.New(mathrand.NewPCG(1, 2))
	}
	t.members.every = time.Duration(float64(time.Minute) / p.members)
	return t
}

func (t *tenant) Issuer() string { return "https://tenant.eu.auth0.com/" }

func (t *tenant) DatabaseConnections(context.Context) ([]resource.Connection, error) {
	return []resource.Connection{{ID: "con_0000000000000001", Name: "customers", Strategy: "auth0", Options: map[string]any{"requires_username": true}}}, nil
}

func (t *tenant) ImportUsers(_ context.Context, i resource.Import) (*resource.Job, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	active := 0
	for _, end := range t.ends {
		if time.Now().Before(end) {
			active++
		}
	}
	if active >= 2 {
		return nil, &resource.Error{StatusCode: 429, Err: resource.ErrJobSlots}
	}
	id, users := rand.Text(), strings.Count(string(i.Users), `"user_id"`)
	took := time.Duration(float64(t.plan.job) * float64(users) / 1000)
	if t.spread != nil { // from half to one and a half of it
		took = took/2 + time.Duration(t.spread.Int64N(int64(took)))
	}
	t.ends[id], t.sizes[id] = time.Now().Add(took), users
	t.busy += took
	return &resource.Job{ID: id, Status: "pending"}, nil
}

func (t *tenant) Job(_ context.Context, id string) (*resource.Job, error) {
	time.Sleep(100 * time.Millisecond)
	t.mu.Lock()
	defer t.mu.Unlock()
	job := &resource.Job{ID: id, Status: "pending"}
	if !time.Now().Before(t.ends[id]) {
		job.Status, job.Inserted = "completed", t.sizes[id]
	}
	return job, nil
}

// occupancy is how much of the time both slots worked, until the first of them found
// nothing more to do.
func (t *tenant) occupancy(start time.Time) float64 {
	ends := slices.SortedFunc(maps.Values(t.ends), time.Time.Compare)
	last, before := ends[len(ends)-1], ends[len(ends)-2]
	return float64(t.busy-last.Sub(before)) / float64(2*before.Sub(start))
}

func (t *tenant) JobErrors(context.Context, string) ([]resource.JobError, error) { return nil, nil }

func (t *tenant) AddMembers(context.Context, string, ...string) error {
	t.members.wait()
	return nil
}

func (t *tenant) ExportUsers(context.Context, string, ...string) iter.Seq2[resource.User, error] {
	return func(func(resource.User, error) bool) {}
}

// rows is a source of so many users, each in one of ten organizations.
type rows struct {
	n      int
	onPage func() // may be nil
}

func (s rows) Page(_ context.Context, after string, limit int) (page []migration.Record, err error) {
	if s.onPage != nil {
		s.onPage()
	}
	i := 0
	if after != "" {
		i, err = strconv.Atoi(after)
	}
	for i++; i <= s.n && len(page) < limit; i++ {
		page = append(page, migration.Record{
			Key: fmt.Sprintf("%08d", i), Email: fmt.Sprintf("user%d@example.com", i), Name: fmt.Sprintf("User %d", i),
			Username: fmt.Sprintf("user%d", i), Phone: fmt.Sprintf("+49%09d", i),
			Password:    passhash.Stored{Value: "$2a$10$N9qo8uLOickgx2ZMRZoMyeIjZAgcfl7p92ldGxad68LJZdL17lhWy"},
			Memberships: []migration.Membership{{OrgID: fmt.Sprintf("org_%016d", i%10)}},
			AppMetadata: map[string]any{"plan": "gold", "seats": i},
		})
	}
	return page, err
}

func (rows) Find(context.Context, string) (migration.Record, error) {
	return migration.Record{}, migration.ErrNoUser
}

func (rows) Get(context.Context, string) (migration.Record, error) {
	return migration.Record{}, migration.ErrNoUser
}

const n = 40_000

// run is a Runner's work on virtual time: how long users and all took, and how busy
// the slots were.
func run(t *testing.T, p plan, varies bool) (imported, all time.Duration, occupancy float64) {
	synctest.Test(t, func(t *testing.T) {
		target := newTenant(p, varies)
		r, err := migration.NewRunner(rows{n, nil}, target, migration.NewMemoryLedger(), migration.Run{Source: "bench", Connection: "customers"}, migration.Config{
			Progress: func(p migration.Progress) {
				if p.Migrated == n && imported == 0 {
					imported = p.Elapsed
				}
			},
		})
		require.NoError(t, err)
		start := time.Now()
		result, err := r.Run(t.Context())
		require.NoError(t, err)
		require.Equal(t, n, result.Migrated)
		all, occupancy = time.Since(start), target.occupancy(start)
	})
	return imported, all, occupancy
}

// TestUsersPerHour prints users and memberships an hour of the loop and of the
// Runner, and how busy the job slots are. AUTH0KIT_BENCH=1 runs it.
func TestUsersPerHour(t *testing.T) {
	if os.Getenv("AUTH0KIT_BENCH") == "" {
		t.Skip("set AUTH0KIT_BENCH=1")
	}
	fmt.Println("| plan | loop: users/h | ours: users/h | loop: memberships/h | ours: memberships/h | slots busy | with job times from half to one and a half |")
	fmt.Println("|---|---|---|---|---|---|---|")
	for _, p := range plans {
		imported, all, steady := run(t, p, false)
		_, _, varying := run(t, p, true)
		fmt.Printf("| %s | %.0f, without passwords | %.0f | %.0f | %.0f | %.3f | %.3f |\n", p.name, p.creates*3600, n/imported.Hours(),
			p.members*60, n/all.Hours(), steady, varying)
		assert.GreaterOrEqual(t, steady, .98, p.name)
		assert.GreaterOrEqual(t, varying, .95, p.name)
		loop := "POST /users and one member a request, " + p.name
		require.NoError(t, benchrow.Add(
			benchrow.Row{What: "migration of 40,000 users on virtual time", Unit: "users/h", Peer: loop, Theirs: p.creates * 3600, Ours: n / imported.Hours(), More: true},
			benchrow.Row{What: "their memberships", Unit: "memberships/h", Peer: loop, Theirs: p.members * 60, Ours: n / all.Hours(), More: true},
		))
	}
}

// TestMemoryOfAMillion prints what Plan of 1,000,000 users with email, username and
// phone needs over the start.
func TestMemoryOfAMillion(t *testing.T) {
	if os.Getenv("AUTH0KIT_BENCH") == "" {
		t.Skip("set AUTH0KIT_BENCH=1")
	}
	heap := func() uint64 {
		runtime.GC()
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		return m.HeapAlloc
	}
	before, most, pages := heap(), uint64(0), 0
	source := rows{1_000_000, func() {
		if pages++; pages%50 == 0 {
			most = max(most, heap())
		}
	}}
	r, err := migration.NewRunner(source, newTenant(plans[0], false), migration.NewMemoryLedger(), migration.Run{Source: "bench", Connection: "customers"}, migration.Config{})
	require.NoError(t, err)
	p, err := r.Plan(t.Context())
	require.NoError(t, err)
	require.Equal(t, 1_000_000, p.Direct)
	fmt.Printf("memory of Plan for 1,000,000 users with email, username and phone: %.1f MiB over the start\n", float64(most-before)/(1<<20))
	assert.LessOrEqual(t, most-before, uint64(64<<20))
}
