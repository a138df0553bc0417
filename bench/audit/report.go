package main

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"runtime"
	"syscall"
	"time"

	"github.com/auth0kit/auth0kit/audit"
	"github.com/auth0kit/auth0kit/audit/auditlog"
	"github.com/auth0kit/auth0kit/audit/auditlog/driver"
)

// reported is what a report over many events took.
type reported struct {
	events           int
	full, once, week time.Duration // The whole log, the first time and again; a week of it.
	fill             time.Duration // Writing, sealing and summing.
	cpu              time.Duration // Of full, which a busy machine does not change.
	heap             uint64        // Bytes allocated for one report.
}

// measureReport fills a log with events of thirty days, 10,000 users and 100
// organizations, waits until all is sealed and summed, and makes reports.
func measureReport(ctx context.Context, p product, n int) (r reported, err error) {
	d, err := p.open(ctx)
	if err != nil {
		return r, err
	}
	defer d.close()
	log, stop, err := sealing(ctx, d.store)
	if err != nil {
		return r, err
	}
	defer stop()
	start := time.Now()
	first := time.Date(2026, 10, 1, 0, 0, 0, 0, time.UTC)
	if err := fill(ctx, d.store, first, n); err != nil {
		return r, err
	}
	if err := settle(ctx, log, n); err != nil {
		return r, err
	}
	r.fill = time.Since(start)
	make := func(p auditlog.Period, want int) (time.Duration, error) {
		start := time.Now()
		got, err := log.Report(ctx, p)
		if err == nil && want > 0 && (got.Attempts.Total == 0 || got.Attempts.Total >= got.Events || got.Events < want) {
			err = fmt.Errorf("a report counts %d events and %+v", got.Events, got.Attempts)
		}
		return time.Since(start), err
	}
	month := auditlog.Period{From: first, To: first.AddDate(0, 0, 30)}
	var err1, err2, err3 error
	r.once, err1 = make(month, n)
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	r.cpu = -cpu()
	r.full, err2 = make(month, n)
	r.cpu += cpu()
	runtime.ReadMemStats(&after)
	r.events, r.heap = n, after.TotalAlloc-before.TotalAlloc
	r.week, err3 = make(auditlog.Period{From: first, To: first.AddDate(0, 0, 7)}, 0)
	return r, errors.Join(err1, err2, err3)
}

// cpu is what this process has used.
func cpu() time.Duration {
	var u syscall.Rusage
	if syscall.Getrusage(syscall.RUSAGE_SELF, &u) != nil {
		return 0
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// fill writes n events, two of each login and some that a report lists.
func fill(ctx context.Context, store driver.Store, first time.Time, n int) error {
	const batch = 4000
	for from := 0; from < n; from += batch {
		b := driver.Batch{Events: events(min(batch, n-from))}
		for i := range b.Events {
			e, k := &b.Events[i], from+i
			e.At = first.Add(time.Duration(k) * (30 * 24 * time.Hour / time.Duration(n)))
			e.Actor = fmt.Sprintf("user:p_%026d", k/2*7919%10_000)
			e.Target, e.Organization, e.Correlation = e.Actor, fmt.Sprint("org_", k/2%100), fmt.Sprint("login ", k/2)
			switch {
			case k%10 == 9:
				e.Outcome, e.Reason = audit.Failure, "wrong_password"
			case k%1000 == 0:
				e.Type, e.Action = "admin", "admin.sapi"
			}
			h := sha256.Sum256(append([]byte{0}, e.Leaf...))
			b.Hashes = append(b.Hashes, h[:]...)
		}
		if err := store.Append(ctx, b); err != nil {
			return err
		}
	}
	return nil
}

// settle waits until all is sealed and in the sums, which are a minute apart at most.
func settle(ctx context.Context, log *auditlog.Log, n int) error {
	for range 6000 {
		s, err := log.Status(ctx)
		if err != nil {
			return err
		}
		if s.Unsealed == 0 && s.Size >= uint64(n) && s.Unsummed < 10_000 {
			return nil
		}
		time.Sleep(100 * time.Millisecond)
	}
	return errors.New("not sealed and summed within ten minutes")
}

func printReport(ctx context.Context, out io.Writer, p product, n int) error {
	r, err := measureReport(ctx, p, n)
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(out, "%s: report over %d events %v (first %v; CPU %v), one week %v, %d MB allocated; filled in %v\n", p.name, r.events,
		r.full.Round(time.Millisecond), r.once.Round(time.Millisecond), r.cpu.Round(time.Millisecond), r.week.Round(time.Millisecond), r.heap>>20, r.fill.Round(time.Second))
	return err
}
