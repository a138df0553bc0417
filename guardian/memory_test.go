package guardian_test

import (
	"testing"

	"github.com/auth0kit/auth0kit/guardian"
	"github.com/auth0kit/auth0kit/guardian/guardiantest"
)

func TestMemory(t *testing.T) {
	t.Parallel()
	guardiantest.Run(t, func(*testing.T) guardiantest.Harness {
		return guardiantest.Harness{Store: guardian.NewMemory(), Sibling: guardian.NewMemory()}
	})
}
