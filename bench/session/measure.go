package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"runtime"
	"slices"
	"strconv"
	"sync"
	"time"
)

var clients = []int{1, 16, 64}

type result struct {
	wall, cpu       []time.Duration // of one request, by number of clients
	allocs          uint64
	commands, bytes string
}

// measure lets the candidates take turns, so that what disturbs the machine
// disturbs all, and keeps the median of the rounds.
func measure(ctx context.Context, all []*candidate, redis *redisServer, length time.Duration, rounds int) ([]result, error) {
	results := make([]result, len(all))
	jobs := make([]*load, len(all))
	for i, c := range all {
		var err error
		if jobs[i], err = newLoad(c); err != nil {
			return nil, err
		}
	}
	for _, n := range clients {
		walls, cpus := make([][]time.Duration, len(all)), make([][]time.Duration, len(all))
		for range rounds {
			for i, j := range jobs {
				wall, cpu, err := j.run(ctx, redis, n, length)
				if err != nil {
					return nil, err
				}
				walls[i], cpus[i] = append(walls[i], wall), append(cpus[i], cpu)
			}
		}
		for i := range all {
			slices.Sort(walls[i])
			slices.Sort(cpus[i])
			results[i].wall = append(results[i].wall, walls[i][rounds/2])
			results[i].cpu = append(results[i].cpu, cpus[i][rounds/2])
		}
	}
	for i, j := range jobs {
		if err := j.count(redis, &results[i]); err != nil {
			return nil, err
		}
	}
	return results, nil
}

// load is requests of a few sessions of one candidate. What all candidates have in
// common, the making of requests and the writing of answers, costs next to
// nothing, so that it does not hide how they differ.
type load struct {
	app      *app
	requests []*http.Request
}

func newLoad(c *candidate) (*load, error) {
	l := &load{app: newApp(c)}
	for range 64 {
		r := httptest.NewRequest(http.MethodGet, "/user", nil)
		if c.login != nil {
			cookie, err := l.app.login()
			if err != nil {
				return nil, err
			}
			r.AddCookie(&http.Cookie{Name: cookie.Name, Value: cookie.Value})
		}
		l.requests = append(l.requests, r)
	}
	return l, nil
}

// answer is a ResponseWriter that keeps the status and the headers.
type answer struct {
	header http.Header
	status int
}

func (a *answer) Header() http.Header         { return a.header }
func (a *answer) Write(b []byte) (int, error) { return len(b), nil }
func (a *answer) WriteHeader(status int)      { a.status = status }

func (l *load) one(i int) error {
	r := *l.requests[i%len(l.requests)]
	w := answer{header: make(http.Header)}
	l.app.handler.ServeHTTP(&w, &r)
	if w.status != http.StatusOK {
		return fmt.Errorf("%s: status %d", l.app.c.name, w.status)
	}
	return nil
}

// run has n clients, each with a session of its own, for a while. It returns wall
// time and CPU time, of this process and Redis, for one request.
func (l *load) run(ctx context.Context, redis *redisServer, n int, length time.Duration) (wall, cpu time.Duration, err error) {
	ctx, cancel := context.WithTimeout(ctx, length)
	defer cancel()
	before, err := redis.cpu()
	if err != nil {
		return 0, 0, err
	}
	began := time.Now()
	total, err := l.all(ctx, n)
	if err != nil {
		return 0, 0, err
	}
	wall = time.Since(began)
	after, err := redis.cpu()
	return wall / time.Duration(total), (after - before) / time.Duration(total), err
}

// all runs n clients until ctx ends, and returns how many requests they made.
func (l *load) all(ctx context.Context, n int) (int, error) {
	var wg sync.WaitGroup
	var mu sync.Mutex
	total := 0
	var failed error
	for i := range n {
		wg.Go(func() {
			done, err := 0, error(nil)
			for ; done == 0 || ctx.Err() == nil && err == nil; done++ {
				err = l.one(i)
			}
			mu.Lock()
			defer mu.Unlock()
			total += done
			failed = errors.Join(failed, err)
		})
	}
	wg.Wait()
	return total, failed
}

// count is what 1000 requests cost besides time.
func (l *load) count(redis *redisServer, r *result) error {
	const n = 1000
	before, err := redis.stats()
	if err != nil {
		return err
	}
	var m0, m1 runtime.MemStats
	runtime.ReadMemStats(&m0)
	for i := range n {
		if err := l.one(i); err != nil {
			return err
		}
	}
	runtime.ReadMemStats(&m1)
	after, err := redis.stats()
	if err != nil {
		return err
	}
	r.allocs = (m1.Mallocs - m0.Mallocs) / n
	r.commands, r.bytes = "-", "-"
	if l.app.c.inRedis {
		r.commands = strconv.FormatFloat(float64(after.requests-before.requests)/n, 'f', 1, 64)
		r.bytes = strconv.FormatInt((after.bytes-before.bytes)/n, 10)
	}
	return nil
}

// memoryPerSession makes many sessions and returns what each needs.
func memoryPerSession(c *candidate, redis *redisServer, n int) (string, error) {
	if c.login == nil {
		return "-", nil
	}
	used := func() (int64, error) {
		if c.inRedis {
			s, err := redis.stats()
			return s.memory, err
		}
		runtime.GC()
		runtime.GC()
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		return int64(m.HeapAlloc), nil
	}
	before, err := used()
	if err != nil {
		return "", err
	}
	a := newApp(c)
	for range n {
		if _, err := a.login(); err != nil {
			return "", err
		}
	}
	after, err := used()
	return strconv.FormatInt((after-before)/int64(n), 10), err
}
