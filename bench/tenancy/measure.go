package main

import (
	"context"
	"fmt"
	"runtime"
	"slices"
	"syscall"
	"time"
)

// candidate is one way to verify the token.
type candidate struct {
	name   string
	verify func(ctx context.Context, token string) error
	token  string
}

// result is what one verification costs.
type result struct {
	rounds        []time.Duration // sorted
	bytes, allocs uint64
}

func (r result) best() time.Duration { return r.rounds[0] }

func (r result) median() time.Duration { return r.rounds[len(r.rounds)/2] }

// ratio compares the fastest rounds, which the rest of the machine disturbed
// least.
func (r result) ratio(floor result) float64 {
	return float64(r.best()) / float64(floor.best())
}

// measure lets the candidates take turns, so that a slow moment of the machine
// does not fall on one of them alone.
func measure(ctx context.Context, candidates []candidate, rounds, count int) ([]result, error) {
	results := make([]result, len(candidates))
	for round := range rounds + 1 {
		for i, c := range candidates {
			r, err := once(ctx, c, count)
			if err != nil {
				return nil, fmt.Errorf("%s: %w", c.name, err)
			}
			if round == 0 { // warms up: keys are fetched, pools filled
				continue
			}
			results[i].rounds = append(results[i].rounds, r.rounds...)
			results[i].bytes, results[i].allocs = r.bytes, r.allocs
		}
	}
	for i := range results {
		slices.Sort(results[i].rounds)
	}
	return results, nil
}

func once(ctx context.Context, c candidate, count int) (result, error) {
	runtime.GC()
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	start := cpu()
	for range count {
		if err := c.verify(ctx, c.token); err != nil {
			return result{}, err
		}
	}
	took := cpu() - start
	runtime.ReadMemStats(&after)
	n := uint64(count)
	return result{
		rounds: []time.Duration{took / time.Duration(count)},
		bytes:  (after.TotalAlloc - before.TotalAlloc) / n,
		allocs: (after.Mallocs - before.Mallocs) / n,
	}, nil
}

// cpu is the time that the process has computed so far, on all cores.
func cpu() time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		panic(err) // it takes no other arguments
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}
