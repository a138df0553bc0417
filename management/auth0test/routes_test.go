package auth0test

import (
	"io"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/auth0kit/auth0kit/management/auth0test/internal/schema"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// undescribed are routes that recorded traffic has and the description has not.
var undescribed = []string{"/blacklists/tokens", "/prompts/mfa-push", "/guardian/factors/webauthn-platform/settings", "/guardian/factors/webauthn-roaming/settings"}

// TestRoutesAreDescribed holds the routes to Auth0's description: a mistake in a
// pattern would switch scopes and validation off.
func TestRoutesAreDescribed(t *testing.T) {
	t.Parallel()
	for _, rt := range managementRoutes() {
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

// absent are the families of which the tenant has not all operations, with how
// many are missing.
var absent = map[string]int{
	"/clients/cimd": 2, "/connection-profiles/templates": 2, "directory-provisioning": 9, "/event-streams": 5, "/events": 1, "/experimentation": 23,
	"/flows/{flow_id}/executions": 3, "/rate-limit-policies": 5, "/roles/{id}/groups": 3, "/users/{id}/effective": 2, "/verifiable-credentials": 5,
}

// TestAbsentOperationsAreLoud holds Auth0's description to the routes: what it has
// and the tenant has not says so, and nothing becomes absent unseen.
func TestAbsentOperationsAreLoud(t *testing.T) {
	t.Parallel()
	tenant := NewTenant(Options{})
	client, machine := tenant.HTTPClient(), tenant.Machine()
	send := func(method, path, bearer string, form url.Values) (int, string) {
		r, err := http.NewRequestWithContext(t.Context(), method, tenant.Issuer()+path, strings.NewReader(form.Encode()))
		require.NoError(t, err)
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		r.Header.Set("Authorization", bearer)
		res, err := client.Do(r)
		require.NoError(t, err)
		defer res.Body.Close()
		body, err := io.ReadAll(res.Body)
		require.NoError(t, err)
		return res.StatusCode, string(body)
	}
	_, answer := send("POST", "oauth/token", "", url.Values{"grant_type": {"client_credentials"}, "client_id": {machine.ID}, "client_secret": {machine.Secret}, "audience": {tenant.Issuer() + "api/v2/"}})
	bearer := "Bearer " + regexp.MustCompile(`"access_token":"([^"]+)"`).FindStringSubmatch(answer)[1]

	var served []string
	for _, rt := range managementRoutes() {
		served = append(served, rt.Method+" "+rt.Pattern)
	}
	found := map[string]int{}
	for _, op := range schema.Operations() {
		if slices.Contains(served, op.Method+" "+op.Path) {
			continue
		}
		family := op.Path
		for f := range absent {
			if strings.Contains(op.Path, f) {
				family = f
			}
		}
		found[family]++
		status, body := send(op.Method, "api/v2"+strings.NewReplacer("{", "", "}", "").Replace(op.Path), bearer, nil)
		assert.Equal(t, 501, status, "%s %s", op.Method, op.Path)
		assert.Contains(t, body, `"errorCode":"auth0test_not_implemented"`, "%s %s", op.Method, op.Path)
	}
	assert.Equal(t, absent, found)
}
