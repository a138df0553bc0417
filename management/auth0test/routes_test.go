package auth0test

import (
	"slices"
	"testing"

	"github.com/auth0kit/auth0kit/management/auth0test/internal/schema"
)

// undescribed are routes that recorded traffic has and the description has not.
var undescribed = []string{"/blacklists/tokens", "/prompts/mfa-push", "/guardian/factors/webauthn-platform/settings", "/guardian/factors/webauthn-roaming/settings"}

// TestRoutesAreDescribed holds the routes to Auth0's description: a mistake in a
// pattern would switch scopes and validation off.
func TestRoutesAreDescribed(t *testing.T) {
	t.Parallel()
	for _, rt := range managementRoutes() {
		if rt.Open {
			continue
		}
		op := schema.Lookup(rt.Method, rt.Pattern)
		if op.Path == "" && !slices.Contains(undescribed, rt.Pattern) {
			t.Errorf("%s %s is not in the description", rt.Method, rt.Pattern)
		}
		if op.Path == "" {
			continue
		}
		if len(op.Scopes) == 0 && len(rt.Scopes) == 0 {
			t.Errorf("%s %s needs no scope", rt.Method, rt.Pattern)
		}
	}
}
