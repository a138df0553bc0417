package auditlog_test

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/auth0kit/auth0kit/audit"
	"github.com/auth0kit/auth0kit/audit/auditlog"
)

// everyThird fires at each third event of a user.
func everyThird() auditlog.Detection {
	return auditlog.Detection{Name: "every_third", Window: time.Hour, New: func() func(auditlog.Entry) []auditlog.Finding {
		seen := map[string][]string{}
		return func(e auditlog.Entry) []auditlog.Finding {
			if e.Type != "session" {
				return nil
			}
			if seen[e.Actor.ID] = append(seen[e.Actor.ID], e.ID); len(seen[e.Actor.ID])%3 != 0 {
				return nil
			}
			return []auditlog.Finding{{Subject: e.Actor, Because: seen[e.Actor.ID][len(seen[e.Actor.ID])-3:], Organization: e.Organization}}
		}
	}}
}

// Findings are recorded once, however often the process that looks is replaced, and a
// new one knows what came before.
func TestDetectionsSurviveRestarts(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		store, s := auditlog.NewMemoryStore(), newSeal(t)
		n := 0
		for range 7 { // processes, one after the other
			ctx, stop := context.WithCancel(t.Context())
			l := newLogWith(t, store, s, auditlog.Config{Detections: []auditlog.Detection{everyThird()}})
			done := make(chan error, 1)
			go func() { done <- l.Run(ctx) }()
			for range 4 {
				put(t, l, event(fmt.Sprint("e", n)))
				n++
				time.Sleep(700 * time.Millisecond)
			}
			time.Sleep(3 * time.Second)
			stop()
			<-done
		}
		l := newLogWith(t, store, s, auditlog.Config{})
		var because []string
		for e, err := range l.Query(t.Context(), auditlog.Filter{Action: "detection.every_third"}) {
			require.NoError(t, err)
			assert.Equal(t, "auth0|ann", e.Target.ID)
			because = append(because, e.Metadata["because"])
		}
		var want []string
		for i := 0; i+2 < n; i += 3 {
			want = append(want, fmt.Sprintf("e%d e%d e%d", i, i+1, i+2))
		}
		assert.Equal(t, want, because)
	})
}

func TestBadDetections(t *testing.T) {
	t.Parallel()
	good := everyThird()
	for _, all := range [][]auditlog.Detection{
		{good, good}, {{Name: "Bad Name", New: good.New}}, {{Name: "x"}}, {{Name: "x", New: good.New, Window: -1}}, {{New: good.New}}, {{Name: strings.Repeat("x", 100), New: good.New}},
	} {
		_, err := auditlog.New(auditlog.NewMemoryStore(), newSeal(t), auditlog.Config{Detections: all})
		require.ErrorContains(t, err, "Detections")
	}
	// A finding that no event can have does not stop the others.
	synctest.Test(t, func(t *testing.T) {
		bad := auditlog.Detection{Name: "bad", New: func() func(auditlog.Entry) []auditlog.Finding {
			return ofSessions(func(e auditlog.Entry) []auditlog.Finding {
				return []auditlog.Finding{{Subject: audit.Ref{Kind: "no kind", ID: "\n"}}, {Subject: e.Actor, Because: []string{e.ID}}}
			})
		}}
		ctx, stop := context.WithCancel(t.Context())
		l := newLog(t, auditlog.NewMemoryStore(), auditlog.Config{Detections: []auditlog.Detection{bad}})
		go l.Run(ctx)
		put(t, l, event("e1"))
		time.Sleep(5 * time.Second)
		n := 0
		for range l.Query(ctx, auditlog.Filter{Type: "detection"}) {
			n++
		}
		assert.Equal(t, 1, n)
		stop()
	})
}

// detecting runs a log with one rule until the events were looked at, and returns what was
// found and what a sink without Cleartext got of it.
func detecting(t *testing.T, rule func(auditlog.Entry) []auditlog.Finding, do func(l *auditlog.Log)) (found, sent []auditlog.Entry) {
	t.Helper()
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	r := newReceiver()
	l := newLog(t, auditlog.NewMemoryStore(), auditlog.Config{
		Detections: []auditlog.Detection{{Name: "x", New: func() func(auditlog.Entry) []auditlog.Finding { return ofSessions(rule) }}},
		Sinks:      []auditlog.Sink{{Name: "siem", Policy: auditlog.Durable, Filter: auditlog.Filter{Type: "detection"}, Deliver: r.deliver}},
	})
	go l.Run(ctx)
	time.Sleep(2 * time.Second)
	do(l)
	time.Sleep(10 * time.Second)
	for e, err := range l.Query(ctx, auditlog.Filter{Type: "detection"}) {
		require.NoError(t, err)
		found = append(found, e)
	}
	return found, r.entries()
}

// ofSessions leaves out what the log says of itself: that a test reads it may come before
// or after what it reads.
func ofSessions(rule func(auditlog.Entry) []auditlog.Finding) func(auditlog.Entry) []auditlog.Finding {
	return func(e auditlog.Entry) []auditlog.Finding {
		if e.Type != "session" {
			return nil
		}
		return rule(e)
	}
}

// An address that was found is as secret as the one of an event.
func TestFindingAboutAnAddress(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		found, sent := detecting(t, func(e auditlog.Entry) []auditlog.Finding {
			return []auditlog.Finding{{Subject: audit.Ref{Kind: "address", ID: e.IP}, Because: []string{e.ID}}}
		}, func(l *auditlog.Log) { put(t, l, event("e1")) })
		require.Len(t, found, 1)
		assert.Equal(t, "203.0.113.7", found[0].IP)
		require.Len(t, sent, 1)
		text, err := json.Marshal(sent)
		require.NoError(t, err)
		assert.NotContains(t, string(text), "203.0.113.7")
	})
}

func TestFindingWithLongIDs(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		id := strings.Repeat("ü", 120)
		found, _ := detecting(t, func(e auditlog.Entry) []auditlog.Finding {
			return []auditlog.Finding{{Subject: e.Actor, Because: []string{id + "1", id + "2", id + "3", id + "4", id + "5"}}}
		}, func(l *auditlog.Log) { put(t, l, event("e1")) })
		require.Len(t, found, 1)
		assert.Equal(t, id+"1 "+id+"2 "+id+"3 "+id+"4", found[0].Metadata["because"])
	})
}

// A finding about a pseudonym gives it no other one, under which their events would not
// be found any more.
func TestFindingAboutSomebodyForgotten(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		found, _ := detecting(t, func(e auditlog.Entry) []auditlog.Finding {
			if !e.Forgotten {
				return nil
			}
			return []auditlog.Finding{{Subject: e.Actor, Because: []string{e.ID}}}
		}, func(l *auditlog.Log) {
			put(t, l, event("e1"))
			require.NoError(t, l.Forget(t.Context(), "auth0|ann"))
			put(t, l, event("e2"))
			time.Sleep(10 * time.Second)
			for e, err := range l.Query(t.Context(), auditlog.Filter{Type: "session"}) {
				require.NoError(t, err)
				n := 0
				for again, err := range l.Query(t.Context(), auditlog.Filter{Subject: e.Actor, Type: "session"}) {
					require.NoError(t, err)
					assert.Equal(t, e.ID, again.ID)
					n++
				}
				assert.Equal(t, 1, n, e.ID)
			}
		})
		require.NotEmpty(t, found)
		assert.Equal(t, "pseudonym", found[0].Target.Kind)
	})
}

// An event of the future does not make a new process forget what came before it.
func TestDetectionsAfterAnEventOfTheFuture(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		store, s := auditlog.NewMemoryStore(), newSeal(t)
		for i := range 3 {
			ctx, stop := context.WithCancel(t.Context())
			l := newLogWith(t, store, s, auditlog.Config{Detections: []auditlog.Detection{everyThird()}})
			done := make(chan error, 1)
			go func() { done <- l.Run(ctx) }()
			put(t, l, event(fmt.Sprint("e", i)))
			far := event(fmt.Sprint("far", i))
			far.Type, far.Action, far.Time = "other", "other.thing", time.Now().AddDate(50, 0, 0)
			require.NoError(t, audit.Record(ctx, l, far))
			time.Sleep(5 * time.Second)
			stop()
			<-done
		}
		n := 0
		for _, err := range newLogWith(t, store, s, auditlog.Config{}).Query(t.Context(), auditlog.Filter{Type: "detection"}) {
			require.NoError(t, err)
			n++
		}
		assert.Equal(t, 1, n)
	})
}
