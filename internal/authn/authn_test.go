package authn

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
)

type who struct {
	subject string
	at      map[string]time.Time
}

func (w who) Subject() string                    { return w.subject }
func (w who) AuthenticatedBy(m string) time.Time { return w.at[m] }

func TestContext(t *testing.T) {
	t.Parallel()
	early, late := time.Unix(1, 0), time.Unix(2, 0)
	_, ok := FromContext(t.Context())
	assert.False(t, ok, "no middleware was there")

	ctx := NewContext(t.Context(), who{})
	a, ok := FromContext(ctx)
	assert.True(t, ok)
	assert.Empty(t, a.Subject())
	assert.Zero(t, a.AuthenticatedBy("otp"))

	ctx = NewContext(ctx, who{"ada", map[string]time.Time{"otp": late, "pwd": early}})
	ctx = NewContext(ctx, who{"ada", map[string]time.Time{"otp": early, "hwk": early}})
	ctx = NewContext(ctx, who{})
	a, _ = FromContext(ctx)
	assert.Equal(t, "ada", a.Subject())
	assert.Equal(t, late, a.AuthenticatedBy("otp"), "two of one subject count together")
	assert.Equal(t, early, a.AuthenticatedBy("hwk"))
	assert.Equal(t, early, a.AuthenticatedBy("pwd"))

	ctx = NewContext(ctx, who{"bob", nil})
	a, _ = FromContext(ctx)
	assert.Equal(t, "bob", a.Subject())
	assert.Zero(t, a.AuthenticatedBy("otp"), "another subject replaces the first")
	a, _ = FromContext(NewContext(ctx, who{"ada", nil}))
	assert.Zero(t, a.AuthenticatedBy("otp"), "and does not come back")
}
