package auth0logs_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/auth0kit/auth0kit/audit/auditlog"
	"github.com/auth0kit/auth0kit/audit/auth0logs"
	"github.com/auth0kit/auth0kit/management/resource"
)

func TestPollReadsEachEntryOnce(t *testing.T) {
	t.Parallel()
	w := newWorld(t, auth0logs.Config{})
	w.tenant.add(start.Add(-time.Hour), "s", `,"user_id":"auth0|ann"`)
	for i := range 1203 {
		w.tenant.add(start.Add(-30*time.Minute+time.Duration(i)*time.Second), "fp", `,"user_id":"auth0|ann"`)
	}
	late := w.tenant.add(start.Add(-20*time.Second), "slo", "")
	young := w.tenant.add(start.Add(-10*time.Second), "ss", "")
	w.tenant.hidden[late] = true
	w.poll()
	w.poll()
	assert.Len(t, w.events(auditlog.Filter{}), 1204, "what is younger than a minute waits")
	assert.Equal(t, []string{"-3600 to -60: not_read", "-1 to 0: not_read"}, w.holes())
	w.tenant.hidden[late] = false // an entry that becomes visible after a younger one
	w.now = start.Add(2 * time.Minute)
	w.poll()
	assert.Len(t, w.events(auditlog.Filter{Action: "logout.slo"}), 1)
	assert.Len(t, w.events(auditlog.Filter{Action: "signup.ss"}), 1)
	assert.Equal(t, []string{"-3600 to -60: not_read", fmt.Sprint(50.0/60) + " to 2: not_read"}, w.holes(), "a minute less than what Auth0's clock shows at least")
	_ = young
}

// A date that contradicts the id, or an entry without an id, neither stops the reading nor
// moves what is said to be complete.
func TestPollBelievesNoStrangeDates(t *testing.T) {
	t.Parallel()
	for name, date := range map[string]time.Time{
		"future": start.AddDate(900, 0, 0), "soon": start.Add(30 * time.Hour), "past": time.Unix(1, 0), "none": {},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, auth0logs.Config{})
			strange := func() { w.tenant.entries[len(w.tenant.entries)-1].Time = date }
			w.tenant.add(start.Add(-time.Hour), "s", "")
			strange() // the first, by which the beginning is known
			for i := range 500 {
				w.tenant.add(start.Add(-50*time.Minute+time.Duration(i)*time.Second), "fp", "")
			}
			strange() // the last of a batch
			w.tenant.add(start.Add(-10*time.Minute), "s", "")
			strange()
			w.tenant.add(start.Add(-5*time.Minute), "fp", "")
			w.poll()
			w.poll()
			assert.Len(t, w.events(auditlog.Filter{}), 503)
			assert.Equal(t, []string{"-3600 to -60: not_read", "-6 to 0: not_read"}, w.holes())
			w.now = start.Add(10 * time.Minute)
			w.tenant.add(start.Add(5*time.Minute), "ss", "")
			w.poll()
			assert.Len(t, w.events(auditlog.Filter{}), 504)
			assert.Equal(t, []string{"-3600 to -60: not_read", "4 to 10: not_read"}, w.holes())
		})
	}
}

// A reader that fails on the way gets on with each pass, also where many entries come in the
// time in which others may still become visible.
func TestPollGetsOnThroughFailures(t *testing.T) {
	t.Parallel()
	w := newWorld(t, auth0logs.Config{})
	for i := range 6000 {
		w.tenant.add(start.Add(-time.Hour+time.Duration(i)*100*time.Millisecond), "fp", "")
	}
	read := 0
	logs, err := auth0logs.New("shop.eu.auth0.com", readerFunc(func(ctx context.Context, from string) iter.Seq2[resource.LogEntry, error] {
		return func(yield func(resource.LogEntry, error) bool) {
			left := 1500
			for e, err := range w.tenant.Logs(ctx, from) {
				if left--; left < 0 {
					yield(resource.LogEntry{}, errors.New("429"))
					return
				}
				if read++; !yield(e, err) {
					return
				}
			}
		}
	}), w.log, auth0logs.Config{Now: func() time.Time { return w.now }})
	require.NoError(t, err)
	passes := 1
	for ; logs.Poll(t.Context()) != nil && passes < 20; passes++ {
	}
	assert.LessOrEqual(t, passes, 7)
	assert.Less(t, read, 10_000)
	assert.Equal(t, 6000, len(w.events(auditlog.Filter{})))
}

// Ids that differ behind what an event's id may have are of different gaps.
func TestGapsOfLongIDs(t *testing.T) {
	t.Parallel()
	w := newWorld(t, auth0logs.Config{Authorization: []string{secretValue}})
	for i, id := range []string{"a", "b"} {
		w.tenant.add(w.now, "s", "")
		w.tenant.entries[i].ID = strings.Repeat("0", 10_000) + id
		w.now = w.now.Add(time.Hour)
		w.poll()
	}
	assert.Len(t, w.events(auditlog.Filter{Type: "login"}), 2)
	assert.Len(t, w.events(auditlog.Filter{Action: "audit.stream_gap"}), 2)
}

func TestPollReadsEntriesWithoutAnID(t *testing.T) {
	t.Parallel()
	w := newWorld(t, auth0logs.Config{})
	w.tenant.add(start.Add(-3*time.Minute), "s", "")
	bare := resource.LogEntry{Type: "fp", Raw: json.RawMessage(`{"type":"fp"}`)}
	reader := readerFunc(func(ctx context.Context, from string) iter.Seq2[resource.LogEntry, error] {
		return func(yield func(resource.LogEntry, error) bool) {
			if from == "" && !yield(bare, nil) {
				return
			}
			w.tenant.Logs(ctx, from)(yield)
		}
	})
	logs, err := auth0logs.New("shop.eu.auth0.com", reader, w.log, auth0logs.Config{Now: func() time.Time { return w.now }})
	require.NoError(t, err)
	for range 2 {
		require.NoError(t, logs.Poll(t.Context()))
	}
	assert.Len(t, w.events(auditlog.Filter{}), 2)
}

type readerFunc func(ctx context.Context, from string) iter.Seq2[resource.LogEntry, error]

func (f readerFunc) Logs(ctx context.Context, from string) iter.Seq2[resource.LogEntry, error] {
	return f(ctx, from)
}

func TestPollAfterAnOutage(t *testing.T) {
	t.Parallel()
	w := newWorld(t, auth0logs.Config{Retention: 24 * time.Hour})
	w.tenant.add(start.Add(-time.Hour), "s", "")
	w.poll()
	// A weekend: Auth0 has removed what is older than a day.
	w.now = start.Add(60 * time.Hour)
	w.tenant.entries = nil
	w.tenant.add(start.Add(50*time.Hour), "s", "")
	w.tenant.fail = errors.New("429") // on the way
	require.Error(t, w.logs.Poll(t.Context()))
	w.tenant.fail = nil
	w.poll()
	assert.Equal(t, []string{"-3600 to -60: not_read", "-60 to 3000: retention", "3539 to 3600: not_read"}, w.holes())
	// A quiet time within retention is complete.
	w.now = start.Add(70 * time.Hour)
	w.poll()
	assert.Equal(t, []string{"-3600 to -60: not_read", "-60 to 3000: retention", "4139 to 4200: not_read"}, w.holes())
	// So long without an entry that nobody knows whether there were some.
	w.now = start.Add(200 * time.Hour)
	w.poll()
	w.poll()
	assert.Equal(t, []string{"-3600 to -60: not_read", "-60 to 3000: retention", "4139 to 10499: retention", "11939 to 12000: not_read"}, w.holes())
}

func TestEmptyTenant(t *testing.T) {
	t.Parallel()
	w := newWorld(t, auth0logs.Config{})
	w.poll()
	w.now = start.Add(time.Hour)
	w.poll()
	assert.Equal(t, []string{"-3600 to 60: not_read"}, w.holes(), "nothing says what Auth0's clock shows")
	w.tenant.add(start.Add(50*time.Minute), "s", "")
	w.poll()
	assert.Equal(t, []string{"-3600 to -1: not_read", "49 to 60: not_read"}, w.holes(), "complete from the first reading on")
}

// again is another process, whose clock is ahead of the right one.
func (w *world) again(ahead time.Duration, cfg auth0logs.Config) *auth0logs.Ingester {
	w.Helper()
	cfg.Now = func() time.Time { return w.now.Add(ahead) }
	logs, err := auth0logs.New("shop.eu.auth0.com", w.tenant, w.log, cfg)
	require.NoError(w, err)
	return logs
}

func TestClockAhead(t *testing.T) {
	t.Parallel()
	for name, n := range map[string]int{"few": 3, "more than a batch": 700} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, auth0logs.Config{})
			w.tenant.add(start.Add(-time.Hour), "s", "")
			late := w.tenant.add(start.Add(-30*time.Second), "slo", "")
			w.tenant.hidden[late] = true
			for i := range n {
				w.tenant.add(start.Add(-10*time.Second), "fp", fmt.Sprintf(`,"user_id":"auth0|%d"`, i))
			}
			wrong := w.again(3*time.Hour, auth0logs.Config{Authorization: []string{secretValue}})
			for range 3 {
				require.NoError(t, wrong.Poll(t.Context()))
			}
			gaps := w.events(auditlog.Filter{Action: "audit.stream_gap"})
			w.now = start.Add(4 * time.Hour) // it has stopped at once
			assert.Len(t, w.events(auditlog.Filter{Type: "login"}), 1+n)
			assert.Equal(t, []string{"-3600 to -60: not_read", fmt.Sprint(-5-10.0/60) + " to 240: not_read"}, w.holes(), "Behind is five minutes with a stream")
			for _, g := range gaps {
				assert.Equal(t, "silent", g.Reason)
			}
			w.tenant.hidden[late] = false
			w.tenant.add(start.Add(4*time.Hour-10*time.Second), "s", "")
			w.poll()
			assert.Len(t, w.events(auditlog.Filter{Action: "logout.slo"}), 1, "it came behind others that were read")
			assert.Equal(t, []string{"-3600 to -60: not_read", "239 to 240: not_read"}, w.holes())
		})
	}
}

func TestRestartWhileNothingHappens(t *testing.T) {
	t.Parallel()
	w := newWorld(t, auth0logs.Config{})
	w.tenant.add(start.Add(-time.Hour), "s", "")
	w.tenant.add(start.Add(-10*time.Second), "s", "")
	w.poll()
	w.now = start.Add(5 * time.Hour)
	other := w.again(0, auth0logs.Config{})
	require.NoError(t, other.Poll(t.Context()))
	assert.Equal(t, []string{"-3600 to -60: not_read", "-1 to 300: not_read"}, w.holes(), "an entry of which nobody knows how old it is")
	w.now = start.Add(10 * time.Hour)
	require.NoError(t, other.Poll(t.Context()))
	assert.Equal(t, []string{"-3600 to -60: not_read", fmt.Sprint(299-10.0/60) + " to 600: not_read"}, w.holes(), "five hours older than when it was seen")
	w.tenant.add(start.Add(10*time.Hour), "s", "")
	require.NoError(t, w.again(0, auth0logs.Config{}).Poll(t.Context()))
	assert.Equal(t, []string{"-3600 to -60: not_read", "599 to 600: not_read"}, w.holes())
	assert.Len(t, w.events(auditlog.Filter{}), 2)
}

// Whoever says that the plan keeps entries for longer than it does is told by what is there.
func TestRetentionThatThePlanDoesNotHave(t *testing.T) {
	t.Parallel()
	for name, lost := range map[string][]string{"removed": {"-1 to 3000: retention"}, "kept": nil} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, auth0logs.Config{})
			w.tenant.add(start.Add(-time.Hour), "s", "")
			w.tenant.add(start.Add(-time.Second), "s", "")
			w.poll()
			w.now = start.Add(72 * time.Hour)
			if lost != nil {
				w.tenant.entries = nil
			}
			w.tenant.add(start.Add(50*time.Hour), "s", "")
			w.tenant.add(start.Add(72*time.Hour), "s", "")
			require.NoError(t, w.again(0, auth0logs.Config{Retention: 30 * 24 * time.Hour}).Poll(t.Context()))
			want := append(append([]string{"-3600 to -60: not_read"}, lost...), "4319 to 4320: not_read")
			assert.Equal(t, want, w.holes())
		})
	}
}
