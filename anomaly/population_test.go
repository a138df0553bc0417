package anomaly_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"testing/synctest"
	"time"

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
				if j%10 == 0 {
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
			d, err := anomaly.New(store, anomaly.Config{})
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
