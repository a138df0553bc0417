package redissession_test

import (
	"crypto/rand"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/auth0kit/auth0kit/internal/testing/backends"
	"github.com/auth0kit/auth0kit/session/redissession"
	"github.com/auth0kit/auth0kit/session/sessiontest"
)

func TestModel(t *testing.T) {
	t.Parallel()
	addr := backends.Redis(t)
	for name, maxStale := range map[string]time.Duration{"without cache": 0, "with cache": time.Second} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			client := dial(t, addr)
			rapid.Check(t, func(rt *rapid.T) {
				pick := func(label string, n int) int { return rapid.IntRange(0, n-1).Draw(rt, label) }
				store := open(t, client, redissession.Config{Prefix: "test:" + rand.Text(), MaxStale: maxStale})
				sessiontest.Model(rt, pick, sessiontest.Harness{Store: store}, 60)
			})
		})
	}
}
