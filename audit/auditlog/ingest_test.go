package auditlog_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/auth0kit/auth0kit/audit"
	"github.com/auth0kit/auth0kit/audit/auditlog"
)

func TestIngest(t *testing.T) {
	t.Parallel()
	store := auditlog.NewMemoryStore()
	s := newSeal(t)
	l, again := newLogWith(t, store, s, auditlog.Config{}), newLogWith(t, store, s, auditlog.Config{})
	day := time.Date(2026, 11, 24, 0, 0, 0, 0, time.UTC)
	hour := func(n int) time.Time { return day.Add(time.Duration(n) * time.Hour) }
	with := func(id string) audit.Event { e := event(id); e.Time = hour(1); return e }
	ctx := t.Context()

	n, err := l.Ingest(ctx, auditlog.Batch{
		Source: "auth0:t", Cursor: "c1", Covered: auditlog.Period{From: hour(0), To: hour(6)}, Events: []audit.Event{with("a"), with("b"), with("a")},
	})
	require.NoError(t, err)
	assert.Equal(t, 2, n)
	// Another process that did not know about it stores nothing.
	_, err = again.Ingest(ctx, auditlog.Batch{Source: "auth0:t", Cursor: "c1", Events: []audit.Event{with("z")}})
	require.ErrorIs(t, err, auditlog.ErrCursorMoved)
	cursor, err := again.Cursor(ctx, "auth0:t")
	require.NoError(t, err)
	assert.Equal(t, "c1", cursor)
	// Events without an order: what is there already is left out.
	n, err = again.Ingest(ctx, auditlog.Batch{Source: "auth0:t", Events: []audit.Event{with("b"), with("c")}})
	require.NoError(t, err)
	assert.Equal(t, 1, n)
	// One bad event refuses all.
	_, err = l.Ingest(ctx, auditlog.Batch{Source: "auth0:t", After: "c1", Cursor: "c2", Events: []audit.Event{with("d"), {ID: "x", Time: hour(1)}}})
	require.Error(t, err)
	_, err = l.Ingest(ctx, auditlog.Batch{Cursor: "c1"})
	require.Error(t, err)
	many := make([]audit.Event, 4097)
	for i := range many {
		many[i] = with(fmt.Sprint("many", i))
	}
	_, err = l.Ingest(ctx, auditlog.Batch{Source: "auth0:t", Events: many})
	require.ErrorContains(t, err, "4097 events")
	n, err = l.Ingest(ctx, auditlog.Batch{Source: "auth0:t", Events: many[1:]})
	require.NoError(t, err)
	assert.Equal(t, 4096, n)
	cursor, err = l.Cursor(ctx, "auth0:t")
	require.NoError(t, err)
	assert.Equal(t, "c1", cursor)

	_, err = l.Ingest(ctx, auditlog.Batch{
		Source: "auth0:t", After: "c1", Cursor: "c2", Covered: auditlog.Period{From: hour(10), To: hour(12)},
		Lost: []auditlog.Hole{{Period: auditlog.Period{From: hour(6), To: hour(9)}, Reason: "retention"}},
	})
	require.NoError(t, err)
	r, err := l.Report(ctx, auditlog.Period{From: day.AddDate(0, 0, -1), To: day.AddDate(0, 0, 1)})
	require.NoError(t, err)
	require.Len(t, r.Coverage, 1)
	assert.Equal(t, "auth0:t", r.Coverage[0].Source)
	var holes []string
	for _, h := range r.Coverage[0].Holes {
		holes = append(holes, fmt.Sprint(h.From.Sub(day), " ", h.To.Sub(day), " ", h.Reason))
	}
	assert.Equal(t, []string{"-24h0m0s 0s not_read", "6h0m0s 9h0m0s retention", "9h0m0s 10h0m0s not_read", "12h0m0s 24h0m0s not_read"}, holes)
	// A hole is filled.
	_, err = l.Ingest(ctx, auditlog.Batch{Source: "auth0:t", After: "c2", Cursor: "c3", Covered: auditlog.Period{From: hour(5), To: hour(24)}})
	require.NoError(t, err)
	r, err = l.Report(ctx, auditlog.Period{From: day, To: day.AddDate(0, 0, 1)})
	require.NoError(t, err)
	assert.Empty(t, r.Coverage[0].Holes)
}
