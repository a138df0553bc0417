package guardiantest

import (
	"errors"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/auth0kit/auth0kit/guardian/driver"
)

var raceTests = map[string]func(*testing.T, Harness){
	"one of many makes a record":        testRaceCreate,
	"one of many changes a version":     testRaceChange,
	"no change is lost":                 testNoLostUpdate,
	"a deleted record stays deleted":    testRaceDelete,
	"what has been saved is seen after": testReadYourWrites,
}

const many = 32

// race calls f from many goroutines, half of them on the other handle, and
// returns how many had no error; the others must have ErrConflict.
func race(t *testing.T, h Harness, f func(s driver.Store, i int) error) int {
	t.Helper()
	var won atomic.Int64
	var wg sync.WaitGroup
	for i := range many {
		s := h.Store
		if i%2 == 1 {
			s = h.Again
		}
		wg.Go(func() {
			switch err := f(s, i); {
			case err == nil:
				won.Add(1)
			case !errors.Is(err, driver.ErrConflict):
				t.Error(err)
			}
		})
	}
	wg.Wait()
	return int(won.Load())
}

func testRaceCreate(t *testing.T, h Harness) {
	won := race(t, h, func(s driver.Store, i int) error {
		return s.Save(t.Context(), driver.Record{Key: key(), Version: int64(i + 1), Data: []byte{byte(i)}}, 0)
	})
	if won != 1 {
		t.Fatalf("%d of %d made the record, want 1", won, many)
	}
	r, err := h.Again.Load(t.Context(), key())
	if err != nil || len(r.Data) != 1 || r.Version != int64(r.Data[0])+1 {
		t.Errorf("Load = %+v, %v: parts of two records", r, err)
	}
}

func testRaceChange(t *testing.T, h Harness) {
	save(t, h.Store, driver.Record{Key: key(), Version: 1, Data: []byte("x")}, 0)
	for version := int64(1); version <= 5; version++ {
		won := race(t, h, func(s driver.Store, i int) error {
			return s.Save(t.Context(), driver.Record{Key: key(), Version: version + 1, Data: []byte{byte(i)}}, version)
		})
		if won != 1 {
			t.Fatalf("%d of %d changed the version %d, want 1", won, many, version)
		}
	}
}

// testNoLostUpdate: who has a conflict loads again, and all get through.
func testNoLostUpdate(t *testing.T, h Harness) {
	save(t, h.Store, driver.Record{Key: key(), Version: 1, Data: []byte{0}}, 0)
	race(t, h, func(s driver.Store, _ int) error {
		for {
			r, err := s.Load(t.Context(), key())
			if err != nil {
				return err
			}
			next := driver.Record{Key: key(), Version: r.Version + 1, Data: []byte{r.Data[0] + 1}}
			if err := s.Save(t.Context(), next, r.Version); !errors.Is(err, driver.ErrConflict) {
				return err
			}
		}
	})
	want(t, h.Again, driver.Record{Key: key(), Version: many + 1, Data: []byte{many}})
}

func testRaceDelete(t *testing.T, h Harness) {
	save(t, h.Store, driver.Record{Key: key(), Version: 1, Data: []byte("x")}, 0)
	race(t, h, func(s driver.Store, i int) error {
		if i == many/2 {
			return s.Forget(t.Context(), user)
		}
		r, err := s.Load(t.Context(), key())
		if errors.Is(err, driver.ErrNoRecord) {
			return nil
		}
		if err != nil {
			return err
		}
		return s.Save(t.Context(), driver.Record{Key: key(), Version: r.Version + 1, Data: []byte("y")}, r.Version)
	})
	wantNone(t, h.Store, key())
}

func testReadYourWrites(t *testing.T, h Harness) {
	for i := int64(1); i <= 20; i++ {
		r := driver.Record{Key: key(), Version: i, Data: []byte{byte(i)}}
		save(t, h.Store, r, i-1)
		want(t, h.Again, r)
	}
}
