package session

import (
	"errors"
	"testing"

	"github.com/stretchr/testify/assert"
)

// A reason is the same each time, whatever order a map would have.
func TestReasonOfJoinedErrors(t *testing.T) {
	t.Parallel()
	for range 100 {
		for _, c := range []struct {
			err  error
			want string
		}{
			{errors.Join(ErrUnavailable, ErrRevoked), "revoked"},
			{errors.Join(ErrNone, ErrExpired), "expired"},
			{errors.Join(ErrUnavailable, ErrNone), "unknown"},
		} {
			assert.Equal(t, c.want, reasonOf(c.err), c.err)
		}
	}
}
