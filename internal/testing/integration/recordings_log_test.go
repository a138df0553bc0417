package integration

import (
	"encoding/json"
	"io"
	"maps"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/auth0kit/auth0kit/management/auth0test"
)

// TestOwnLogEntries holds what the tenant logs by itself against what Auth0
// logged for the same: the replay only shows entries that were put in.
func TestOwnLogEntries(t *testing.T) {
	t.Parallel()
	tenant := auth0test.NewTenant(auth0test.Options{Domain: recordedHost, RefusedMail: []string{"example.com"}})
	token := machineToken(t, tenant)
	request(t, tenant, token, "POST", "/users",
		`{"connection":"Username-Password-Authentication","email":"ada@example.com","username":"ada","password":"Correct horse 1","verify_email":true}`)
	tenant.Advance(10 * time.Second)
	var own []map[string]any
	if err := json.Unmarshal(request(t, tenant, token, "GET", "/logs", ""), &own); err != nil {
		t.Fatal(err)
	}
	for code, recorded := range recordedEntries(t) {
		i := slices.IndexFunc(own, func(e map[string]any) bool { return e["type"] == code })
		if i < 0 {
			t.Errorf("the tenant logged no %s", code)
			continue
		}
		got, want := slices.Sorted(maps.Keys(own[i])), slices.Sorted(maps.Keys(recorded))
		if !slices.Equal(got, want) {
			t.Errorf("%s has the keys\n%q, recorded\n%q", code, got, want)
		}
		for _, k := range []string{"connection_id", "hostname", "isMobile", "location_info", "organization_id", "strategy", "strategy_type"} {
			if (own[i][k] == nil) != (recorded[k] == nil) || (own[i][k] == "") != (recorded[k] == "") {
				t.Errorf("%s: %s is %v, recorded %v", code, k, own[i][k], recorded[k])
			}
		}
	}
}

// recordedEntries is the latest recorded entry of each type.
func recordedEntries(t *testing.T) map[string]map[string]any {
	t.Helper()
	latest := make(map[string]map[string]any)
	for _, c := range readCassettes(t) {
		for _, x := range c.Interactions {
			var list []map[string]any
			if x.area() != "logs" || json.Unmarshal([]byte(x.Response.Body), &list) != nil {
				continue
			}
			for _, e := range list {
				code := e["type"].(string)
				if old := latest[code]; old == nil || old["log_id"].(string) < e["log_id"].(string) {
					latest[code] = e
				}
			}
		}
	}
	if len(latest) < 4 {
		t.Fatalf("only %d types are recorded", len(latest))
	}
	return latest
}

// loginRoute sets the tenant's default login route, which the recorded tenant has.
func loginRoute(t *testing.T, tenant *auth0test.Tenant, token string) {
	t.Helper()
	request(t, tenant, token, http.MethodPatch, "/tenants/settings", `{"default_redirection_uri":"https://mycompany.org/login"}`)
}

func request(t *testing.T, tenant *auth0test.Tenant, token, method, path, body string) []byte {
	t.Helper()
	r, err := http.NewRequest(method, tenant.Issuer()+"api/v2"+path, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Authorization", "Bearer "+token)
	r.Header.Set("Content-Type", "application/json")
	res, err := tenant.HTTPClient().Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	raw, err := io.ReadAll(res.Body)
	if err != nil || res.StatusCode >= 300 {
		t.Fatalf("%s %s: %d %v", method, path, res.StatusCode, err)
	}
	return raw
}
