package auditlog_test

import (
	"context"
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
			return func(e auditlog.Entry) []auditlog.Finding {
				return []auditlog.Finding{{Subject: audit.Ref{Kind: "no kind", ID: "\n"}}, {Subject: e.Actor, Because: []string{e.ID}}}
			}
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
