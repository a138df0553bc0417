package driver_test

import (
	"testing"
	"testing/synctest"

	"github.com/stretchr/testify/assert"

	"github.com/auth0kit/auth0kit/audit/auditlog/driver"
)

// A writer's blocks keep their order when the clock goes back, here to the year 2000.
func TestNewBlockAfterTheClockWentBack(t *testing.T) {
	t.Parallel()
	before := driver.NewBlock()
	synctest.Test(t, func(t *testing.T) {
		after := driver.NewBlock()
		assert.Greater(t, after, before)
		assert.Greater(t, driver.NewBlock(), after)
	})
}
