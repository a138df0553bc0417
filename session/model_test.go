package session_test

import (
	"testing"

	"pgregory.net/rapid"

	"github.com/auth0kit/auth0kit/session"
	"github.com/auth0kit/auth0kit/session/sessiontest"
)

func TestMemoryModel(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(rt *rapid.T) {
		pick := func(label string, n int) int { return rapid.IntRange(0, n-1).Draw(rt, label) }
		sessiontest.Model(rt, pick, sessiontest.Harness{Store: session.NewMemory()}, 60)
	})
}
