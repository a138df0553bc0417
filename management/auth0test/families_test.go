package auth0test_test

import (
	"strings"
	"testing"
	"time"

	"github.com/auth0kit/auth0kit/management/auth0test"
)

func TestFamilies(t *testing.T) {
	t.Parallel()
	tenant := auth0test.NewTenant(auth0test.Options{IgnoredSettings: []string{"network-acls", "event-streams"}})
	g := newAPI(t, tenant)
	for _, f := range []struct {
		path, body, key string
		list            string // Behind the path: paged with totals where there are pages.
		missing, again  int    // Deleting it once, and again.
	}{
		{"/flows", `{"name":"n"}`, `"flows":[`, "?include_totals=true", 204, 404},
		{"/flows/vault/connections", `{"name":"n","app_id":"HTTP","setup":{"type":"BEARER","token":"secret"}}`, `"connections":[`, "?include_totals=true", 204, 404},
		{"/forms", `{"name":"n"}`, `"forms":[`, "?include_totals=true", 204, 404},
		{"/network-acls", `{"description":"n","active":true,"priority":1,"rule":{"action":{"block":true},"match":{"geo_country_codes":["US"]},"scope":"management"}}`, `[{`, "", 200, 404},
		{"/self-service-profiles", `{"name":"n"}`, `"self_service_profiles":[`, "?include_totals=true", 204, 204},
		{"/token-exchange-profiles", `{"name":"name","subject_token_type":"urn:example:token","action_id":"a","type":"custom_authentication"}`, `"token_exchange_profiles":[`, "?take=10", 204, 204},
		{"/user-attribute-profiles", `{"name":"n","user_attributes":{"email":{"description":"d","label":"l","profile_required":true,"auth0_mapping":"email"}}}`, `"user_attribute_profiles":[`, "?take=10", 204, 204},
		{"/event-streams", `{"name":"n","subscriptions":[{"event_type":"user.created"}],"destination":{"type":"webhook","configuration":{"webhook_endpoint":"https://example.com","webhook_authorization":{"method":"bearer","token":"secret"}}}}`, `"eventStreams":[`, "?take=10", 204, 204},
	} {
		made := g.object("POST", f.path, f.body, 201)
		one := f.path + "/" + made["id"].(string)
		if got := g.want("GET", one, "", 200, `"id":"`+made["id"].(string)+`"`); strings.Contains(got, "secret") {
			t.Errorf("%s shows a secret: %s", one, got)
		}
		g.want("GET", f.path+f.list, "", 200, f.key)
		tenant.Advance(time.Second)
		change := `{"name":"changed"}`
		if f.path == "/network-acls" {
			change = `{"description":"changed"}`
			g.want("PUT", one, f.body, 200, `"description":"n"`)
		}
		g.want("PATCH", one, change, 200, `"changed"`)
		g.want("DELETE", one, "", f.missing, "")
		g.want("DELETE", one, "", f.again, "")
		g.want("GET", one, "", 404, "Not Found")
		g.want("PATCH", one, change, 404, "Not Found")
	}
}
