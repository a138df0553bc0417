package state

import (
	"errors"
	"testing"
	"time"

	"github.com/auth0kit/auth0kit/management/auth0test/internal/keys"
)

func TestKeysAreRevokedByID(test *testing.T) {
	test.Parallel()
	t := New(Options{})
	first := t.Keys.Signer()
	token := t.Keys.Sign(nil, map[string]any{"exp": t.Now().Add(time.Hour)})
	if t.Keys.Revoke("nothing", t.Now()) != nil || t.Keys.Revoke(first.Kid, t.Now()) != first {
		test.Error("the wrong key was revoked")
	}
	if _, err := t.Verify(token); !errors.Is(err, keys.ErrSignature) || t.Keys.Signer() == first {
		test.Errorf("after the current key was revoked: %v", err)
	}
}
