package guardian

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
			{errors.Join(ErrWrongCode, ErrLocked), "locked"},
			{errors.Join(ErrExpired, ErrReplayed), "replayed"},
			{errors.Join(ErrNotEnrolled, ErrWrongCode), "wrong_code"},
		} {
			assert.Equal(t, c.want, reasonOf(c.err), c.err)
			assert.ErrorIs(t, c.err, sentinelOf(c.err))
		}
	}
}
