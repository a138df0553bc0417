// Package tenancytest is the conformance suite of tenancy's stores, for whoever
// writes one:
//
//	func TestStore(t *testing.T) {
//		tenancytest.Run(t, func(t *testing.T) tenancytest.Store { return newStore(t) })
//	}
//
// It uses the standard library alone.
package tenancytest

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/auth0kit/auth0kit/tenancy"
)

// Store is what the suite tests: both, as tenancy.Memory and redistenancy.Store are.
type Store interface {
	tenancy.CutoffStore
	tenancy.Replay
}

// Run runs the suite. open returns an empty store, and is called in every subtest.
func Run(t *testing.T, open func(t *testing.T) Store) {
	for name, test := range map[string]func(*testing.T, Store){
		"cuts come back":                  cutsComeBack,
		"the latest stays":                latestStays,
		"the latest until stays":          latestUntilStays,
		"the cursor returns what is new":  cursor,
		"an unknown cursor returns all":   unknownCursor,
		"a changed cut comes again":       changedCut,
		"keys are any text":               keys,
		"nothing is lost in a crowd":      crowd,
		"an ended context is an error":    ended,
		"an id is spent once":             spentOnce,
		"an id is spent once by a crowd":  spentByOne,
		"an id may come again afterwards": spentAgain,
	} {
		t.Run(name, func(t *testing.T) { test(t, open(t)) })
	}
}

// base is a time that a store of whole milliseconds keeps.
var base = time.UnixMilli(time.Now().UnixMilli())

func cut(t *testing.T, s Store, key string, at time.Time) {
	t.Helper()
	if err := s.Cut(t.Context(), key, at, base.Add(time.Hour)); err != nil {
		t.Fatalf("Cut: %v", err)
	}
}

// all reads all pages.
func all(t *testing.T, s Store, after string) (map[string]time.Time, string) {
	t.Helper()
	found := make(map[string]time.Time)
	for range 1000 {
		page, err := s.Cuts(t.Context(), after)
		if err != nil {
			t.Fatalf("Cuts: %v", err)
		}
		for key, at := range page.At {
			found[key] = at
		}
		if !page.More {
			return found, page.Next
		}
		after = page.Next
	}
	t.Fatal("Cuts: the pages have no end")
	return nil, ""
}

func want(t *testing.T, found map[string]time.Time, key string, at time.Time) {
	t.Helper()
	if got, ok := found[key]; !ok || !got.Equal(at) {
		t.Fatalf("%q is cut at %v (%t), want %v", key, got, ok, at)
	}
}

func cutsComeBack(t *testing.T, s Store) {
	if found, _ := all(t, s, ""); len(found) != 0 {
		t.Fatalf("an empty store has %v", found)
	}
	cut(t, s, "s::a", base)
	cut(t, s, "s::b", base.Add(time.Second))
	found, _ := all(t, s, "")
	want(t, found, "s::a", base)
	want(t, found, "s::b", base.Add(time.Second))
	if len(found) != 2 {
		t.Fatalf("two cuts are %v", found)
	}
}

func latestStays(t *testing.T, s Store) {
	cut(t, s, "k", base.Add(time.Minute))
	cut(t, s, "k", base)
	found, _ := all(t, s, "")
	want(t, found, "k", base.Add(time.Minute))
}

// A store may drop what is over with every call.
func latestUntilStays(t *testing.T, s Store) {
	cut(t, s, "k", base)
	if err := s.Cut(t.Context(), "k", base, base.Add(-time.Second)); err != nil {
		t.Fatalf("Cut: %v", err)
	}
	cut(t, s, "another", base)
	found, _ := all(t, s, "")
	want(t, found, "k", base)
}

func cursor(t *testing.T, s Store) {
	cut(t, s, "a", base)
	_, next := all(t, s, "")
	cut(t, s, "b", base)
	found, next := all(t, s, next)
	want(t, found, "b", base)
	if _, ok := found["a"]; ok && len(found) == 1 {
		t.Fatal("the new cut is missing")
	}
	if found, _ := all(t, s, next); len(found) != 0 {
		t.Logf("cuts are returned again, which is allowed but costs: %v", found)
	}
}

func unknownCursor(t *testing.T, s Store) {
	cut(t, s, "a", base)
	for _, after := range []string{"none of yours", "-1", "18446744073709551616", "999999999"} {
		found, _ := all(t, s, after)
		want(t, found, "a", base)
	}
}

func changedCut(t *testing.T, s Store) {
	cut(t, s, "a", base)
	_, next := all(t, s, "")
	cut(t, s, "a", base.Add(time.Minute))
	found, _ := all(t, s, next)
	want(t, found, "a", base.Add(time.Minute))
}

func keys(t *testing.T, s Store) {
	for _, key := range []string{"s::auth0|me@clients", "m:org_1:waad|x y", "%_*?[a]", "ä\x00\xff", "a{b}c", "|", "1:2"} {
		cut(t, s, key, base)
		found, _ := all(t, s, "")
		want(t, found, key, base)
	}
}

func crowd(t *testing.T, s Store) {
	const writers, each = 8, 25
	var wg sync.WaitGroup
	stop, seen := make(chan struct{}), make(map[string]time.Time)
	var reader sync.WaitGroup
	reader.Go(func() {
		after, last := "", false
		for {
			page, err := s.Cuts(t.Context(), after)
			if err != nil {
				t.Errorf("Cuts: %v", err)
				return
			}
			for key, at := range page.At {
				seen[key] = at
			}
			if last && !page.More {
				return
			}
			select {
			case <-stop:
				last = true // everything is written: read to the end
			default:
			}
			after = page.Next
		}
	})
	for w := range writers {
		wg.Go(func() {
			for n := range each {
				if err := s.Cut(t.Context(), fmt.Sprintf("%d-%d", w, n), base, base.Add(time.Hour)); err != nil {
					t.Errorf("Cut: %v", err)
				}
			}
		})
	}
	wg.Wait()
	close(stop)
	reader.Wait()
	if len(seen) != writers*each {
		t.Errorf("a reader that follows the cursor has seen %d cuts, want %d", len(seen), writers*each)
	}
}

func ended(t *testing.T, s Store) {
	if _, ok := s.(*tenancy.Memory); ok {
		t.Skip("a store in memory never waits")
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := s.Cut(ctx, "a", base, base.Add(time.Hour)); err == nil {
		t.Error("Cut: no error")
	}
	if _, err := s.Cuts(ctx, ""); err == nil {
		t.Error("Cuts: no error")
	}
	if err := s.Spend(ctx, "a", base.Add(time.Hour)); err == nil || errors.Is(err, tenancy.ErrReplayed) {
		t.Errorf("Spend: %v, want another error than ErrReplayed", err)
	}
}

func spentOnce(t *testing.T, s Store) {
	until := time.Now().Add(time.Hour)
	if err := s.Spend(t.Context(), "a", until); err != nil {
		t.Fatalf("Spend: %v", err)
	}
	for range 3 {
		if err := s.Spend(t.Context(), "a", until); !errors.Is(err, tenancy.ErrReplayed) {
			t.Fatalf("Spend again: %v, want ErrReplayed", err)
		}
	}
	if err := s.Spend(t.Context(), "b", until); err != nil {
		t.Fatalf("Spend of another id: %v", err)
	}
}

func spentByOne(t *testing.T, s Store) {
	var wg sync.WaitGroup
	results := make(chan error, 32)
	for range cap(results) {
		wg.Go(func() { results <- s.Spend(t.Context(), "a", time.Now().Add(time.Hour)) })
	}
	wg.Wait()
	first := 0
	for range cap(results) {
		switch err := <-results; {
		case err == nil:
			first++
		case !errors.Is(err, tenancy.ErrReplayed):
			t.Errorf("Spend: %v", err)
		}
	}
	if first != 1 {
		t.Errorf("%d of %d were the first", first, cap(results))
	}
}

func spentAgain(t *testing.T, s Store) {
	past := time.Now().Add(-time.Second)
	if err := s.Spend(t.Context(), "a", past); err != nil {
		t.Fatalf("Spend until a time that is over: %v", err)
	}
	if err := s.Spend(t.Context(), "a", past); err != nil {
		t.Fatalf("Spend when the time is over: %v", err)
	}
}
