package session_test

import (
	"testing"

	"github.com/auth0kit/auth0kit/session"
	"github.com/auth0kit/auth0kit/session/sessiontest"
)

func TestMemory(t *testing.T) {
	t.Parallel()
	sessiontest.Run(t, func(t *testing.T) sessiontest.Harness {
		return sessiontest.Harness{Store: session.NewMemory(), Sibling: session.NewMemory()}
	})
}
