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
	"os"
	"strconv"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

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
	members bucket
	mu      sync.Mutex
	ends    map[string]time.Time
	sizes   map[string]int
	busy    time.Duration
	last    time.Time
}

func newTenant(p plan) *tenant {
	t := &tenant{plan: p, ends: make(map[string]time.Time), sizes: make(map[string]int)}
	t.members.every = time.Duration(float64(time.Minute) / p.members)
	return t
}

func (t *tenant) Issuer() string { return "https://tenant.eu.auth0.com/" }

func (t *tenant) DatabaseConnections(context.Context) ([]resource.Connection, error) {
	return []resource.Connection{{ID: "con_0000000000000001", Name: "customers", Strategy: "auth0"}}, nil
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
	t.ends[id], t.sizes[id] = time.Now().Add(took), users
	t.busy += took
	if end := t.ends[id]; end.After(t.last) {
		t.last = end
	}
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

func (t *tenant) JobErrors(context.Context, string) ([]resource.JobError, error) { return nil, nil }

func (t *tenant) AddMembers(context.Context, string, ...string) error {
	t.members.wait()
	return nil
}

func (t *tenant) ExportUsers(context.Context, string, ...string) iter.Seq2[resource.User, error] {
	return func(func(resource.User, error) bool) {}
}

// rows is a source of so many users, each in one of ten organizations.
type rows int

func (n rows) Page(_ context.Context, after string, limit int) (page []migration.Record, err error) {
	i := 0
	if after != "" {
		i, err = strconv.Atoi(after)
	}
	for i++; i <= int(n) && len(page) < limit; i++ {
		page = append(page, migration.Record{
			Key: fmt.Sprintf("%08d", i), Email: fmt.Sprintf("user%d@example.com", i), Name: fmt.Sprintf("User %d", i),
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

// TestUsersPerHour prints users and memberships an hour of the loop and of the
// Runner, and how busy the job slots are. AUTH0KIT_BENCH=1 runs it.
func TestUsersPerHour(t *testing.T) {
	if os.Getenv("AUTH0KIT_BENCH") == "" {
		t.Skip("set AUTH0KIT_BENCH=1")
	}
	const n = 40_000
	fmt.Println("| plan | loop: users/h | ours: users/h | loop: memberships/h | ours: memberships/h | slots busy |")
	fmt.Println("|---|---|---|---|---|---|")
	for _, p := range plans {
		synctest.Test(t, func(t *testing.T) {
			target := newTenant(p)
			var imported time.Duration
			r, err := migration.NewRunner(rows(n), target, migration.NewMemoryLedger(), migration.Run{Source: "bench", Connection: "customers"}, migration.Config{
				Progress: func(p migration.Progress) {
					if p.Migrated == n && imported == 0 {
						imported = p.Elapsed
					}
				},
			})
			if err != nil {
				t.Fatal(err)
			}
			start := time.Now()
			if _, err := r.Run(t.Context()); err != nil {
				t.Fatal(err)
			}
			all := time.Since(start)
			busy := float64(target.busy) / float64(2*target.last.Sub(start))
			fmt.Printf("| %s | %.0f, without passwords | %.0f | %.0f | %.0f | %.3f |\n", p.name, p.creates*3600, n/imported.Hours(),
				p.members*60, n/all.Hours(), busy)
			loop := "POST /users and one member a request, " + p.name
			if err := benchrow.Add(
				benchrow.Row{What: "migration of 40,000 users on virtual time", Unit: "users/h", Peer: loop, Theirs: p.creates * 3600, Ours: n / imported.Hours(), More: true},
				benchrow.Row{What: "their memberships", Unit: "memberships/h", Peer: loop, Theirs: p.members * 60, Ours: n / all.Hours(), More: true},
			); err != nil {
				t.Fatal(err)
			}
		})
	}
}
