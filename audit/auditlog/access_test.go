package auditlog_test

import (
	"bytes"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/auth0kit/auth0kit/audit"
	"github.com/auth0kit/auth0kit/audit/auditlog"
)

// Whoever reads or changes the log is in the log.
func TestAccessIsRecorded(t *testing.T) {
	t.Parallel()
	l, signed := sealed(t, 3)
	auditor := audit.Ref{Kind: "user", ID: "auth0|auditor"}
	ctx := audit.NewContext(t.Context(), audit.Origin{Actor: auditor, IP: "192.0.2.1"})
	for range l.Query(ctx, auditlog.Filter{Subject: audit.Ref{Kind: "user", ID: "auth0|ann"}, Period: auditlog.Period{From: time.Unix(0, 0)}}) {
		break
	}
	_, err := l.Prove(ctx, "e1")
	require.NoError(t, err)
	require.NoError(t, l.Export(ctx, "auth0|ann", io.Discard))
	require.NoError(t, l.Archive(ctx, &bytes.Buffer{}, auditlog.Filter{Action: "session.create"}))
	_, err = l.Verify(ctx, signed)
	require.NoError(t, err)
	require.NoError(t, l.Hold(ctx, auditlog.Hold{Name: "case", Reason: "r", Filter: auditlog.Filter{Type: "other"}}))
	require.NoError(t, l.Release(ctx, "case", "r"))
	require.NoError(t, l.Forget(ctx, "auth0|ann"))

	var got []string
	for e, err := range l.Query(ctx, auditlog.Filter{Type: "audit", Subject: auditor}) {
		require.NoError(t, err)
		assert.Equal(t, auditor, e.Actor, e.Action)
		assert.Equal(t, "192.0.2.1", e.IP, e.Action)
		assert.Equal(t, audit.Success, e.Outcome, e.Action)
		for _, value := range e.Metadata {
			assert.NotContains(t, value, "auth0|")
		}
		got = append(got, strings.TrimPrefix(e.Action, "audit."))
	}
	assert.Equal(t, "query prove export archive verify hold release forget query", strings.Join(got, " "))
}

// Nothing is read when the reading cannot be recorded.
func TestNoReadingWithoutARecord(t *testing.T) {
	t.Parallel()
	store := &down{Store: auditlog.NewMemoryStore()}
	l := newLog(t, store, auditlog.Config{})
	require.NoError(t, audit.Record(t.Context(), l, event("e")))
	store.before.Store(true)
	var out bytes.Buffer
	for _, err := range l.Query(t.Context(), auditlog.Filter{}) {
		require.ErrorIs(t, err, audit.ErrNotRecorded)
	}
	require.ErrorIs(t, l.Export(t.Context(), "auth0|ann", &out), audit.ErrNotRecorded)
	require.ErrorIs(t, l.Archive(t.Context(), &out, auditlog.Filter{}), audit.ErrNotRecorded)
	assert.Empty(t, out.String())
}
