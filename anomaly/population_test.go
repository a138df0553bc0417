package anomaly_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/auth0kit/auth0kit/anomaly"
)

func TestConcurrent(t *testing.T) {
	t.Parallel()
	d := newDetector(t, anomaly.Config{})
	now := month(t, d)
	var wg sync.WaitGroup
	for i := range 16 {
		wg.Go(func() {
			for j := range 50 {
				a := login(now, "81.2.69.10", oslo, "laptop", chrome(j%5, 100+j))
				a.UserID = fmt.Sprint("auth0|", i)
				if _, err := d.Assess(t.Context(), a); err != nil {
					t.Error(err)
				}
				if err := d.Learn(t.Context(), a, anomaly.Trust(j%2)); err != nil {
					t.Error(err)
				}
				if i%4 == 0 && j%25 == 0 {
					if err := d.Merge(t.Context()); err != nil && !errors.Is(err, anomaly.ErrConflict) {
						t.Error(err)
					}
				}
			}
		})
	}
	wg.Wait()
}

// TestPopulationMerges: what one process learns is rare no longer in the other.
func TestPopulationMerges(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		store := anomaly.NewMemory(0)
		open := func() *anomaly.Detector {
			d, err := anomaly.New(store, keys, anomaly.Config{})
			if err != nil {
				t.Fatal(err)
			}
			return d
		}
		one, two := open(), open()
		ctx, cancel := context.WithCancel(t.Context())
		var wg sync.WaitGroup
		for _, d := range []*anomaly.Detector{one, two} {
			wg.Go(func() {
				if err := d.Run(ctx); !errors.Is(err, context.Canceled) {
					t.Errorf("Run: %v", err)
				}
			})
		}
		now := time.Now()
		for i := range 300 {
			a := login(now, fmt.Sprintf("81.2.%d.1", i%200), oslo, "x", firefox)
			a.UserID = fmt.Sprint("user ", i)
			if i%3 == 0 {
				a = login(now, fmt.Sprintf("177.1.%d.1", i%200), saoPaulo, "x", firefox)
				a.UserID = fmt.Sprint("user ", i)
			}
			learn(t, one, a, anomaly.Proved)
		}
		first := login(now, "177.1.1.1", saoPaulo, "x", firefox)
		before := assess(t, two, first).Score
		time.Sleep(3 * time.Minute)
		synctest.Wait()
		first.Time = time.Now()
		mine, theirs := assess(t, one, first).Score, assess(t, two, first).Score
		if theirs != mine {
			t.Errorf("scores differ after a merge: %v and %v (before: %v)", mine, theirs, before)
		}
		cancel()
		wg.Wait()
		restarted := open()
		if err := restarted.Merge(t.Context()); err != nil {
			t.Fatal(err)
		}
		if got := assess(t, restarted, first).Score; got != mine {
			t.Errorf("after a restart: %v, want %v", got, mine)
		}
	})
}

func TestAssessAllocatesNothing(t *testing.T) {
	d := newDetector(t, anomaly.Config{})
	a := login(month(t, d), "81.2.69.10", oslo, "laptop", firefox)
	n := testing.AllocsPerRun(1000, func() {
		if _, err := d.Assess(t.Context(), a); err != nil {
			t.Fatal(err)
		}
	})
	if n != 0 && !raceEnabled {
		t.Errorf("%v allocations per Assess", n)
	}
}

// faulty fails saves of the sketch as long as it is told to.
type faulty struct {
	anomaly.Store
	err error
}

func (f *faulty) Save(ctx context.Context, key anomaly.Key, blob []byte, version uint64) error {
	if f.err != nil && key == "" {
		return f.err
	}
	return f.Store.Save(ctx, key, blob, version)
}

// TestFailedMergeLosesNothing: what could not be saved is saved later.
// A store that has lost the sketch, because it evicts or was restored, gets it back
// from a process that has seen it.
func TestLostSketchComesBack(t *testing.T) {
	t.Parallel()
	store := anomaly.NewMemory(0)
	open := func() *anomaly.Detector {
		d, err := anomaly.New(store, keys, anomaly.Config{})
		require.NoError(t, err)
		require.NoError(t, d.Merge(t.Context()))
		return d
	}
	one := open()
	users := 0
	crowd := func() {
		for range 300 {
			users++
			a := login(start, "81.2.69.1", oslo, "x", firefox)
			a.UserID = fmt.Sprint("user ", users)
			learn(t, one, a, anomaly.Proved)
		}
	}
	crowd()
	require.NoError(t, one.Merge(t.Context()))
	two := open()
	crowd()
	probe := login(start, "177.1.1.1", saoPaulo, "x", firefox)
	before := assess(t, one, probe).Score
	require.NoError(t, store.Forget(t.Context(), ""))
	for _, d := range []*anomaly.Detector{one, two, one} {
		require.NoError(t, d.Merge(t.Context()))
	}
	assert.InDelta(t, before, assess(t, one, probe).Score, 1e-9)
	assert.InDelta(t, before, assess(t, open(), probe).Score, 1e-9, "another process")
}

func TestFailedMergeLosesNothing(t *testing.T) {
	t.Parallel()
	store := &faulty{Store: anomaly.NewMemory(0)}
	d, err := anomaly.New(store, keys, anomaly.Config{})
	if err != nil {
		t.Fatal(err)
	}
	for i := range 300 {
		a := login(start, "81.2.69.1", oslo, "x", firefox)
		a.UserID = fmt.Sprint("user ", i)
		learn(t, d, a, anomaly.Proved)
	}
	probe := login(start, "177.1.1.1", saoPaulo, "x", firefox)
	before := assess(t, d, probe).Score
	for _, fault := range []error{errors.New("disk full"), anomaly.ErrConflict} {
		store.err = fault
		if err := d.Merge(t.Context()); !errors.Is(err, fault) {
			t.Errorf("Merge: %v, want %v", err, fault)
		}
		if got := assess(t, d, probe).Score; got != before {
			t.Errorf("a failed merge changed a score from %v to %v", before, got)
		}
	}
	store.err = nil
	if err := d.Merge(t.Context()); err != nil {
		t.Fatal(err)
	}
	other, err := anomaly.New(store, keys, anomaly.Config{})
	if err != nil {
		t.Fatal(err)
	}
	if err := other.Merge(t.Context()); err != nil {
		t.Fatal(err)
	}
	if mine, theirs := assess(t, d, probe).Score, assess(t, other, probe).Score; mine != theirs {
		t.Errorf("the merge after failures has lost something: %v, %v", mine, theirs)
	}
}

func TestDamagedPopulationStopsRun(t *testing.T) {
	t.Parallel()
	store := anomaly.NewMemory(0)
	if err := store.Save(t.Context(), "", []byte("not a sketch"), 0); err != nil {
		t.Fatal(err)
	}
	d, err := anomaly.New(store, keys, anomaly.Config{MergeEvery: time.Millisecond})
	if err != nil {
		t.Fatal(err)
	}
	if err := d.Run(t.Context()); !errors.Is(err, anomaly.ErrDamaged) {
		t.Errorf("Run: %v", err)
	}
}

// TestPopulationFades: what nobody has any more is rare again.
// sweeping is a store that counts its sweeps, all of which fail.
type sweeping struct {
	*anomaly.Memory
	at []time.Time
}

func (s *sweeping) Sweep(_ context.Context, now time.Time) (int, error) {
	s.at = append(s.at, now)
	return 0, errors.New("no")
}

func TestRunSweeps(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		store := &sweeping{Memory: anomaly.NewMemory(0)}
		d, err := anomaly.New(store, keys, anomaly.Config{})
		require.NoError(t, err)
		start := time.Now()
		ctx, cancel := context.WithTimeout(t.Context(), 2*time.Hour+time.Second)
		defer cancel()
		require.ErrorIs(t, d.Run(ctx), context.DeadlineExceeded)
		assert.Equal(t, []time.Time{start, start.Add(time.Hour), start.Add(2 * time.Hour)}, store.at)
	})
}

func TestPopulationFades(t *testing.T) {
	t.Parallel()
	now := start
	d := newDetector(t, anomaly.Config{Now: func() time.Time { return now }})
	crowd := func(place anomaly.Place, ip string) {
		for i := range 200 {
			a := login(now, ip, place, "x", firefox)
			a.UserID = fmt.Sprint(ip, i)
			learn(t, d, a, anomaly.Proved)
		}
		if err := d.Merge(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	rarity := func() float64 {
		e, _, err := d.Evidence(t.Context(), login(now, "177.1.1.1", saoPaulo, "x", firefox))
		if err != nil {
			t.Fatal(err)
		}
		for i, name := range anomaly.EvidenceNames() {
			if name == "country_rare" {
				return e[i]
			}
		}
		return -1
	}
	crowd(saoPaulo, "177.1.1.1")
	common := rarity()
	for range 12 {
		now = now.AddDate(0, 0, 50)
		crowd(oslo, "81.2.69.1")
	}
	if faded := rarity(); common != 0 || faded < 1 {
		t.Errorf("rarity of a country that all had was %v, is %v", common, faded)
	}
}
