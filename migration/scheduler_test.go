package migration_test

import (
	"context"
	"crypto/rand"
	"errors"
	"iter"
	mathrand "math/rand/v2"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/auth0kit/auth0kit/management/auth0test"
	"github.com/auth0kit/auth0kit/management/resource"
	"github.com/auth0kit/auth0kit/migration"
	"github.com/auth0kit/auth0kit/migration/driver"
	"github.com/auth0kit/auth0kit/migration/internal/legacytest"
)

// slots is a tenant that only imports: two jobs at once, each as long as took says.
// It measures how long its slots work.
type slots struct {
	migration.Target
	took func() time.Duration

	mu           sync.Mutex
	ends         map[string]time.Time
	busy         time.Duration
	polls, files int
	sizes        map[string]int
}

func (s *slots) Issuer() string { return "https://tenant.eu.auth0.com/" }

func (s *slots) DatabaseConnections(context.Context) ([]resource.Connection, error) {
	return []resource.Connection{{ID: "con_0000000000000001", Name: legacytest.Connection, Strategy: "auth0"}}, nil
}

func (s *slots) ImportUsers(_ context.Context, i resource.Import) (*resource.Job, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	active := 0
	for _, end := range s.ends {
		if time.Now().Before(end) {
			active++
		}
	}
	if active >= 2 {
		return nil, &resource.Error{StatusCode: 429, Err: resource.ErrJobSlots}
	}
	id, took := rand.Text(), s.took()
	s.sizes[id] = strings.Count(string(i.Users), `"user_id"`)
	s.ends[id] = time.Now().Add(took)
	s.busy += took
	s.files++
	return &resource.Job{ID: id, Status: "pending"}, nil
}

func (s *slots) Job(_ context.Context, id string) (*resource.Job, error) {
	time.Sleep(100 * time.Millisecond) // the way there and back
	s.mu.Lock()
	defer s.mu.Unlock()
	s.polls++
	job := &resource.Job{ID: id, Status: "pending", Left: time.Hour} // an estimate that is far off
	if !time.Now().Before(s.ends[id]) {
		job.Status, job.Inserted = "completed", s.sizes[id]
	}
	return job, nil
}

// alone is how long the last job works beside an empty slot, which is no fault of a
// schedule.
func (s *slots) alone() time.Duration {
	var last, before time.Time
	for _, end := range s.ends {
		if end.After(last) {
			last, before = end, last
		} else if end.After(before) {
			before = end
		}
	}
	return last.Sub(before)
}

func (s *slots) JobErrors(context.Context, string) ([]resource.JobError, error) { return nil, nil }

// Both slots work at least 95% of the time when job times vary by half, and 98% when
// they are constant, whatever a job takes; and jobs are not asked for all the time.
func TestSlotsAreBusyWhateverJobsTake(t *testing.T) {
	t.Parallel()
	for _, average := range []time.Duration{18 * time.Second, time.Minute, 4 * time.Minute} {
		for _, varies := range []bool{false, true} {
			synctest.Test(t, func(t *testing.T) {
				random := mathrand.New(mathrand.NewPCG(1, 2))
				s := &slots{ends: make(map[string]time.Time), sizes: make(map[string]int), took: func() time.Duration {
					if !varies {
						return average
					}
					return average/2 + time.Duration(random.Int64N(int64(average)))
				}}
				r, err := migration.NewRunner(legacytest.NewTable(legacytest.Users(4000)...), s, migration.NewMemoryLedger(), legacytest.Run(), migration.Config{FileBytes: 25_000})
				require.NoError(t, err)
				start := time.Now()
				res, err := r.Run(t.Context())
				require.NoError(t, err)
				require.Equal(t, 4000, res.Migrated)
				share := float64(s.busy) / float64(2*time.Since(start)-s.alone())
				want := 0.98
				if varies {
					want = 0.95
				}
				t.Logf("jobs of %s, varying %t: %.3f busy, %d polls for %d files", average, varies, share, s.polls, s.files)
				assert.GreaterOrEqual(t, share, want)
				assert.Less(t, s.polls, 45*s.files)
			})
		}
	}
}

// A ledger whose connection drops does not end a run of days.
func TestLedgerMayDrop(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		tenant := legacytest.NewTenant(auth0test.Options{JobTime: 10 * time.Second})
		ledger := migration.NewMemoryLedger()
		flaky := &dropping{Ledger: ledger}
		res := legacytest.Do(t, legacytest.NewRunner(t, legacytest.NewTable(legacytest.Users(200)...), legacytest.NewClient(t, tenant), flaky, migration.Config{FileBytes: 20_480, PageSize: 50}))
		require.Equal(t, 200, res.Migrated)
		require.Greater(t, flaky.n, 20)
		checkAll(t, tenant, ledger, 200)
	})
}

// dropping fails every other call.
type dropping struct {
	driver.Ledger
	mu sync.Mutex
	n  int
}

func (d *dropping) drop() error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.n++; d.n%2 == 0 {
		return errors.New("connection reset by peer")
	}
	return nil
}

func (d *dropping) PutBatch(ctx context.Context, f driver.Fence, b driver.Batch) error {
	return errors.Join(d.drop(), d.Ledger.PutBatch(ctx, f, b))
}

func (d *dropping) PutOutcomes(ctx context.Context, f driver.Fence, o []driver.Outcome) error {
	return errors.Join(d.Ledger.PutOutcomes(ctx, f, o), d.drop())
}

func (d *dropping) Outcomes(ctx context.Context, run string, keys ...string) iter.Seq2[driver.Outcome, error] {
	return func(yield func(driver.Outcome, error) bool) {
		for o, err := range d.Ledger.Outcomes(ctx, run, keys...) {
			if !yield(o, err) {
				return
			}
		}
		if err := d.drop(); err != nil {
			yield(driver.Outcome{}, err)
		}
	}
}

// An outage of a quarter of an hour does not end a run.
func TestOutageIsWaitedFor(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		tenant := legacytest.NewTenant(auth0test.Options{JobTime: 10 * time.Second})
		ledger := migration.NewMemoryLedger()
		for _, route := range []string{"GET /api/v2/jobs/{id}", "POST /api/v2/jobs/users-imports", "GET /api/v2/users/{id}"} {
			time.AfterFunc(15*time.Minute, tenant.Fault(route, auth0test.Fault{Status: 503}))
		}
		legacytest.Do(t, legacytest.NewRunner(t, legacytest.NewTable(legacytest.Users(100)...), legacytest.NewClient(t, tenant), ledger, migration.Config{}))
		checkAll(t, tenant, ledger, 100)
	})
}

// After its context has ended a run starts nothing, and sees what is in flight to its
// end.
func TestGrace(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		tenant := legacytest.NewTenant(auth0test.Options{JobTime: 20 * time.Second})
		src, ledger := legacytest.NewTable(legacytest.Users(400)...), migration.NewMemoryLedger()
		ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second) // in the second pair of jobs
		defer cancel()
		start := time.Now()
		_, err := legacytest.NewRunner(t, src, legacytest.NewClient(t, tenant), ledger, migration.Config{FileBytes: 20_480}).Run(ctx)
		require.ErrorIs(t, err, context.DeadlineExceeded)
		require.Less(t, time.Since(start), 45*time.Second)
		require.Equal(t, 4, posts(tenant, "/api/v2/jobs/users-imports"))
		for b, err := range ledger.Batches(t.Context(), legacytest.Connection) {
			require.NoError(t, err)
			require.Equal(t, driver.Settled, b.State)
		}
		legacytest.Do(t, legacytest.NewRunner(t, src, legacytest.NewClient(t, tenant), ledger, migration.Config{FileBytes: 20_480}))
		checkAll(t, tenant, ledger, 400)
	})
}

// After a 413 the files that follow are smaller.
func TestFilesStaySmallAfter413(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		refused := 0
		client := picky(t, legacytest.NewTenant(auth0test.Options{}), func(body []byte) (int, string) {
			if len(body) > 100_000 {
				refused++
				return 413, "Payload content length greater than maximum allowed: 100000"
			}
			return 0, ""
		})
		legacytest.Do(t, legacytest.NewRunner(t, legacytest.NewTable(legacytest.Users(6000)...), client, migration.NewMemoryLedger(), migration.Config{}))
		require.Less(t, refused, 12) // of 1.5 MB: those of 500 kB that were packed, and their halves
	})
}
