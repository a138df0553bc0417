package slogaudit_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log"
	"log/slog"
	"os"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/auth0kit/auth0kit/audit"
	"github.com/auth0kit/auth0kit/audit/slogaudit"
)

func ExampleNew() {
	handler := slog.NewJSONHandler(os.Stdout, &slog.HandlerOptions{ReplaceAttr: withoutTime})
	events, err := slogaudit.New(handler)
	if err != nil {
		log.Fatal(err)
	}
	err = audit.Record(context.Background(), events, audit.Event{
		ID: "1", Type: "mfa", Action: "mfa.enroll", Outcome: audit.Success,
		Target: audit.Ref{Kind: "user", ID: "auth0|ann"}, Metadata: map[string]string{"factor": "phone"},
		Personal: map[string]string{"phone": "+15550100"},
	})
	fmt.Println(err)
	// Output:
	// {"level":"INFO","msg":"audit","id":"1","action":"mfa.enroll","outcome":"success","target":{"kind":"user","id":"auth0|ann"},"metadata":{"factor":"phone"}}
	// <nil>
}

func withoutTime(_ []string, a slog.Attr) slog.Attr {
	if a.Key == slog.TimeKey {
		return slog.Attr{}
	}
	return a
}

type full struct{ slog.Handler }

func (full) Handle(context.Context, slog.Record) error { return errors.New("disk full") }

func TestRefusals(t *testing.T) {
	t.Parallel()
	_, err := slogaudit.New(nil)
	require.Error(t, err)
	_, err = slogaudit.New(slog.NewTextHandler(&bytes.Buffer{}, &slog.HandlerOptions{Level: slog.LevelWarn}))
	require.ErrorContains(t, err, "level Info")

	var out bytes.Buffer
	events, err := slogaudit.New(slog.NewTextHandler(&out, nil))
	require.NoError(t, err)
	require.Error(t, events.Record(t.Context(), audit.Event{Type: "a", Action: "a.b"}), "without an id")
	require.Error(t, events.Record(t.Context(), audit.Event{ID: "1", Type: "a", Action: "b"}))
	assert.Empty(t, out.String())

	failing, err := slogaudit.New(full{slog.NewTextHandler(&out, nil)})
	require.NoError(t, err)
	require.ErrorIs(t, audit.Record(t.Context(), failing, audit.Event{Type: "a", Action: "a.b"}), audit.ErrNotRecorded)
}
