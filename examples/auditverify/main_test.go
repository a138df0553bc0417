package main

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/auth0kit/auth0kit/audit"
	"github.com/auth0kit/auth0kit/audit/auditlog"
)

func TestRun(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	write := func(name string, content []byte) string {
		path := filepath.Join(dir, name)
		require.NoError(t, os.WriteFile(path, content, 0o600))
		return path
	}
	var keys bytes.Buffer
	require.NoError(t, run([]string{"-genkey", "example.com/audit"}, &keys))
	private, public, ok := strings.Cut(strings.TrimPrefix(keys.String(), "AUDIT_KEY="), "\nAUDIT_VERIFIER_KEY=")
	require.True(t, ok)
	public = strings.TrimSpace(public)
	archive, first := makeArchive(t, private)
	file, kept := write("archive.jsonl", archive), write("kept.txt", first)

	var out bytes.Buffer
	require.NoError(t, run([]string{"-key", public, file, kept}, &out))
	assert.Equal(t, "2 events are in a log of 3\nthe log extends your checkpoints, up to 1\n", out.String())

	require.ErrorIs(t, run([]string{"-key", public, file}, &out), auditlog.ErrTailNotProved)
	edited := write("edited.jsonl", bytes.Replace(archive, []byte("session.create"), []byte("session.revoke"), 1))
	require.ErrorContains(t, run([]string{"-key", public, edited, kept}, &out), "line 3 of the archive: auditlog: the log was tampered with")
	require.Error(t, run(nil, &out))
}

// makeArchive returns an archive of two events of three, and the checkpoint of the
// first.
func makeArchive(t *testing.T, key string) (archive, first []byte) {
	synctest.Test(t, func(t *testing.T) {
		seal, err := auditlog.ParseSeal(key, []byte("0123456789abcdef0123456789abcdef"))
		require.NoError(t, err)
		events, err := auditlog.New(auditlog.NewMemoryStore(), seal, auditlog.Config{})
		require.NoError(t, err)
		ctx, stop := context.WithCancel(t.Context())
		defer stop()
		go events.Run(ctx)
		for i := range 3 {
			require.NoError(t, audit.Record(ctx, events, audit.Event{
				Type: "session", Action: "session.create", Actor: audit.Ref{Kind: "user", ID: "auth0|ann"}, Outcome: audit.Outcome(min(i, 1)),
			}))
			synctest.Wait()
			sleepUntilSealed(t, events)
			if i == 0 {
				first, err = events.Checkpoint(ctx)
				require.NoError(t, err)
			}
		}
		success := audit.Success
		var b bytes.Buffer
		require.NoError(t, events.Archive(ctx, &b, auditlog.Filter{Type: "session", Outcome: &success}, first))
		archive = b.Bytes()
	})
	return archive, first
}

func sleepUntilSealed(t *testing.T, events *auditlog.Log) {
	t.Helper()
	time.Sleep(2 * time.Second) // of the bubble
	synctest.Wait()
	s, err := events.Status(t.Context())
	require.NoError(t, err)
	require.Zero(t, s.Unsealed)
}
