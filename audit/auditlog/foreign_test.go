package auditlog_test

import (
	"context"
	"encoding/base64"
	"fmt"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"

	"github.com/auth0kit/auth0kit/audit"
	"github.com/auth0kit/auth0kit/audit/auditlog"
	"github.com/auth0kit/auth0kit/audit/auditlog/driver"
)

func newLog(t testing.TB, store driver.Store, cfg auditlog.Config) *auditlog.Log {
	t.Helper()
	return newLogWith(t, store, newSeal(t), cfg)
}

func newSeal(t testing.TB) auditlog.Seal {
	t.Helper()
	key, _, err := auditlog.GenerateKey("example.com/audit")
	require.NoError(t, err)
	seal, err := auditlog.ParseSeal(key, []byte("0123456789abcdef0123456789abcdef"))
	require.NoError(t, err)
	return seal
}

func newLogWith(t testing.TB, store driver.Store, seal auditlog.Seal, cfg auditlog.Config) *auditlog.Log {
	t.Helper()
	l, err := auditlog.New(store, seal, cfg)
	require.NoError(t, err)
	return l
}

func event(id string) audit.Event {
	return audit.Event{
		ID: id, Type: "session", Action: "session.create", Outcome: audit.Success, Actor: audit.Ref{Kind: "user", ID: "auth0|ann"}, IP: "203.0.113.7",
	}
}

// tree reads a signed checkpoint with x/mod alone.
func tree(t *testing.T, signed []byte, key string) tlog.Tree {
	t.Helper()
	verifier, err := note.NewVerifier(key)
	require.NoError(t, err)
	n, err := note.Open(signed, note.VerifierList(verifier))
	require.NoError(t, err)
	lines := strings.Split(n.Text, "\n")
	require.Len(t, lines, 4)
	assert.Equal(t, verifier.Name(), lines[0])
	size, err := strconv.ParseInt(lines[1], 10, 64)
	require.NoError(t, err)
	root, err := base64.StdEncoding.DecodeString(lines[2])
	require.NoError(t, err)
	return tlog.Tree{N: size, Hash: tlog.Hash(root)}
}

func hashes(in [][]byte) (out []tlog.Hash) {
	for _, h := range in {
		out = append(out, tlog.Hash(h))
	}
	return out
}

// A verifier that shares no code with ours accepts every proof, and no other.
func TestTlogAcceptsOurProofs(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		ctx, stop := context.WithCancel(t.Context())
		l := newLog(t, auditlog.NewMemoryStore(), auditlog.Config{})
		go l.Run(ctx)
		var checkpoints [][]byte
		const events = 700 // more than two tiles, in steps of odd sizes
		for n, step := 0, 1; n < events; step = step*2 + 1 {
			for range step {
				require.NoError(t, audit.Record(ctx, l, event(fmt.Sprint("e", n))))
				n++
			}
			time.Sleep(2 * time.Second)
			signed, err := l.Checkpoint(ctx)
			require.NoError(t, err)
			checkpoints = append(checkpoints, signed)
		}
		stop()
		synctest.Wait()
		newest := tree(t, checkpoints[len(checkpoints)-1], l.VerifierKey())
		for n := range int64(events) {
			p, err := l.Prove(t.Context(), fmt.Sprint("e", n))
			require.NoError(t, err)
			require.Equal(t, checkpoints[len(checkpoints)-1], p.Checkpoint)
			leaf := tlog.RecordHash(p.Leaf)
			require.NoError(t, tlog.CheckRecord(hashes(p.Hashes), newest.N, newest.Hash, int64(p.Index), leaf))
			require.Error(t, tlog.CheckRecord(hashes(p.Hashes), newest.N, newest.Hash, int64(p.Index)^1, leaf))
		}
		for _, signed := range checkpoints {
			p, err := l.ProveConsistency(t.Context(), signed)
			require.NoError(t, err)
			require.NoError(t, p.Verify(l.VerifierKey()))
			old := tree(t, signed, l.VerifierKey())
			require.NoError(t, tlog.CheckTree(hashes(p.Hashes), newest.N, newest.Hash, old.N, old.Hash))
			old.Hash[0] ^= 1
			require.Error(t, tlog.CheckTree(hashes(p.Hashes), newest.N, newest.Hash, old.N, old.Hash))
		}
	})
}
