package auditlog_test

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
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

// sealed returns a log of n events, all of them sealed, and its checkpoint.
func sealed(t testing.TB, n int) (l *auditlog.Log, signed []byte) {
	t.Helper()
	l = newLog(t, auditlog.NewMemoryStore(), auditlog.Config{})
	for i := range n {
		require.NoError(t, audit.Record(t.Context(), l, event(fmt.Sprint("e", i))))
	}
	seal(t, l)
	signed, err := l.Checkpoint(t.Context())
	require.NoError(t, err)
	return l, signed
}

// seal runs the log until all is sealed.
func seal(t testing.TB, l *auditlog.Log) {
	t.Helper()
	ctx, stop := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- l.Run(ctx) }()
	for {
		s, err := l.Status(t.Context())
		require.NoError(t, err)
		if s.Unsealed == 0 {
			break
		}
		time.Sleep(time.Millisecond) // Run is in another goroutine
	}
	stop()
	<-done
}

// Whatever the text, only the leaf that was sealed is proved.
func FuzzProof(f *testing.F) {
	l, signed := sealed(f, 5)
	p, err := l.Prove(f.Context(), "e3")
	require.NoError(f, err)
	text, err := p.MarshalText()
	require.NoError(f, err)
	f.Add(text)
	f.Add(bytes.Replace(text, []byte("index 3"), []byte("index 2"), 1))
	f.Add(signed)
	f.Add([]byte("c2sp.org/tlog-proof@v1\nextra \nindex 0\n\n"))
	f.Fuzz(func(t *testing.T, text []byte) {
		var got auditlog.Proof
		if got.UnmarshalText(text) != nil {
			return
		}
		again, err := got.MarshalText()
		require.NoError(t, err)
		var back auditlog.Proof
		require.NoError(t, back.UnmarshalText(again))
		assert.Equal(t, got, back)
		if e, err := got.Verify(l.VerifierKey()); err == nil && e.ID != "e3" {
			t.Errorf("%q was proved", e.ID)
		}
	})
}

func FuzzVerifyArchive(f *testing.F) {
	l, signed := sealed(f, 5)
	var b bytes.Buffer
	require.NoError(f, l.Archive(f.Context(), &b, auditlog.Filter{Type: "session"}, signed))
	archive := b.String()
	f.Add(archive)
	f.Add(strings.Replace(archive, `"index":1`, `"index":0`, 1))
	f.Add(strings.Repeat(archive, 2))
	f.Add("{}\n")
	f.Fuzz(func(t *testing.T, text string) {
		v, err := auditlog.VerifyArchive(strings.NewReader(text), l.VerifierKey(), signed)
		if err == nil && (v.Size != 5 || v.Events > 5 || v.ProvedTo != 5) {
			t.Errorf("verified %+v", v)
		}
	})
}

func TestArchive(t *testing.T) {
	t.Parallel()
	l, first := sealed(t, 3)
	require.NoError(t, audit.Record(t.Context(), l, event("late"))) // not sealed
	var b bytes.Buffer
	require.NoError(t, l.Archive(t.Context(), &b, auditlog.Filter{Type: "session"}, first))
	archive := b.String()
	assert.NotContains(t, archive, "auth0|ann")
	assert.NotContains(t, archive, "203.0.113.7")
	check := func(text string, kept ...[]byte) (*auditlog.Verification, error) {
		return auditlog.VerifyArchive(strings.NewReader(text), l.VerifierKey(), kept...)
	}
	v, err := check(archive, first)
	require.NoError(t, err)
	assert.Equal(t, &auditlog.Verification{Size: 3, Events: 3, ProvedTo: 3, Unsealed: 1, Checkpoint: first}, v)

	lines := strings.SplitAfter(strings.TrimSuffix(archive, "\n"), "\n")
	lines[len(lines)-1] += "\n"
	require.Len(t, lines, 6) // head, consistency, three events, end
	for name, text := range map[string]string{
		"edited":          strings.Replace(archive, `session.create`, `session.revoke`, 1),
		"an event gone":   strings.Join(append(lines[:2:2], lines[3:]...), ""),
		"an event twice":  strings.Join([]string{lines[0], lines[2], lines[2], lines[3], lines[5]}, ""),
		"cut off":         strings.Join(lines[:5], ""),
		"no head":         strings.Join(lines[1:], ""),
		"after the end":   archive + lines[2],
		"other place":     strings.Replace(archive, `"index":1`, `"index":2`, 1),
		"other size":      strings.Replace(archive, `\n3\n`, `\n4\n`, 1),
		"not an archive":  "x",
		"empty":           "",
		"another's proof": strings.Replace(archive, lines[3][strings.Index(lines[3], `"proof"`):], lines[4][strings.Index(lines[4], `"proof"`):], 1),
	} {
		_, err := check(text, first)
		require.Error(t, err, name)
		require.NotErrorIs(t, err, auditlog.ErrTailNotProved, name)
	}
	other, foreign := sealed(t, 1)
	_, err = auditlog.VerifyArchive(strings.NewReader(archive), other.VerifierKey())
	require.ErrorIs(t, err, auditlog.ErrOtherLog)
	_, err = check(archive, foreign)
	require.ErrorIs(t, err, auditlog.ErrOtherLog)
	_, err = check(archive)
	require.ErrorIs(t, err, auditlog.ErrTailNotProved)
}

func TestNewRefuses(t *testing.T) {
	t.Parallel()
	good := newSeal(t)
	curve, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	for name, breakIt := range map[string]func(*auditlog.Seal){
		"Name":           func(s *auditlog.Seal) { s.Name = "" },
		"Name must":      func(s *auditlog.Seal) { s.Name = "a b" },
		"Signer is nil":  func(s *auditlog.Seal) { s.Signer = nil },
		"Signer must":    func(s *auditlog.Seal) { s.Signer = curve },
		"Keys is empty":  func(s *auditlog.Seal) { s.Keys = nil },
		"has 3 bytes":    func(s *auditlog.Seal) { s.Keys = [][]byte{[]byte("abc")} },
		"is there twice": func(s *auditlog.Seal) { s.Keys = [][]byte{s.Keys[0], s.Keys[0]} },
	} {
		s := good
		breakIt(&s)
		_, err := auditlog.New(auditlog.NewMemoryStore(), s, auditlog.Config{})
		assert.ErrorContains(t, err, name)
	}
	_, err = auditlog.New(nil, good, auditlog.Config{})
	require.ErrorContains(t, err, "store is nil")
	_, other, err := auditlog.GenerateKey("example.com/other")
	require.NoError(t, err)
	_, err = auditlog.New(auditlog.NewMemoryStore(), good, auditlog.Config{Retired: []string{other}})
	require.ErrorContains(t, err, "Config.Retired")
	_, _, err = auditlog.GenerateKey("a+b")
	require.Error(t, err)

	key, _, err := auditlog.GenerateKey("example.com/audit")
	require.NoError(t, err)
	for _, bad := range []string{"", "x", key[:len(key)-1], strings.Replace(key, "audit", "other", 1)} {
		_, err := auditlog.ParseSeal(bad)
		require.Error(t, err)
		if len(bad) > 1 {
			assert.NotContains(t, err.Error(), bad[len(bad)-10:])
		}
	}
}

// A process that sealed under a key before it was destroyed elsewhere stops within
// a minute.
func TestForgetReachesOtherProcesses(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		store, seal := auditlog.NewMemoryStore(), newSeal(t)
		here, there := newLogWith(t, store, seal, auditlog.Config{}), newLogWith(t, store, seal, auditlog.Config{})
		require.NoError(t, audit.Record(t.Context(), there, event("before")))
		require.NoError(t, here.Forget(t.Context(), "auth0|ann"))
		require.NoError(t, audit.Record(t.Context(), there, event("cached")))
		time.Sleep(time.Minute + time.Second)
		require.NoError(t, audit.Record(t.Context(), there, event("later")))
		names := make(map[string]string)
		for e, err := range there.Query(t.Context(), auditlog.Filter{Type: "session"}) {
			require.NoError(t, err)
			assert.True(t, e.Forgotten, e.ID)
			assert.Empty(t, e.IP, e.ID)
			names[e.ID] = e.Actor.ID
		}
		assert.Equal(t, names["before"], names["cached"])
		assert.NotEqual(t, names["before"], names["later"])
	})
}

// Whatever the bytes, sums are read as they were written or refused.
func FuzzSums(f *testing.F) {
	f.Add(auditlog.SomeSums())
	f.Add([]byte{1, 0xff, 0xff, 0xff, 0xff, 0x0f})
	f.Fuzz(func(t *testing.T, b []byte) {
		once, err := auditlog.DecodeSums(b)
		if err != nil {
			return
		}
		twice, err := auditlog.DecodeSums(once)
		require.NoError(t, err)
		require.Equal(t, once, twice)
	})
}
