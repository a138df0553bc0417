package auth0test_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	sdk "github.com/auth0/go-auth0/management"

	"github.com/auth0kit/auth0kit/management/auth0test"
	"github.com/auth0kit/auth0kit/management/resource"
)

func TestAttackProtection(t *testing.T) {
	t.Parallel()
	tenant := auth0test.NewTenant(auth0test.Options{})
	tenant.AddClient(auth0test.Application{CallbackURL: "https://app.example.com/callback"})
	id := tenant.AddUser(resource.User{Email: "ada@example.com"}, "correct horse")
	g := newAPI(t, tenant)
	login := func(ip, password string) error {
		_, err := tenant.Login(t.Context(), auth0test.Login{Identifier: "ada@example.com", Password: password, IP: ip})
		return err
	}
	g.want("PATCH", "/attack-protection/brute-force-protection", `{"max_attempts":101}`, 400, "invalid_body")
	g.want("PATCH", "/attack-protection/brute-force-protection", `{"max_attempts":2,"allowlist":["198.51.100.0/24"]}`, 200, `"max_attempts":2,"mode":"count_per_identifier_and_ip"`)
	block := func() {
		for range 2 {
			if login("192.0.2.7", "wrong") == nil {
				t.Fatal("a wrong password logs in")
			}
		}
	}
	block()
	if login("192.0.2.7", "correct horse") == nil {
		t.Error("the user is not blocked")
	}
	if err := login("192.0.2.8", "correct horse"); err != nil {
		t.Errorf("blocked from another address: %v", err)
	}
	const blocked = `{"blocked_for":[{"identifier":"ada@example.com","ip":"192.0.2.7"}]}`
	g.want("GET", "/user-blocks/"+esc(id), "", 200, blocked)
	g.want("GET", "/user-blocks?identifier=ada%40example.com", "", 200, blocked)
	g.want("GET", "/user-blocks", "", 400, "invalid_query_string")
	g.want("GET", "/user-blocks/auth0%7Cnobody", "", 404, "inexistent_user")
	g.want("DELETE", "/user-blocks/auth0%7Cnobody", "", 404, "inexistent_user")
	g.want("DELETE", "/user-blocks/"+esc(id), "", 204, "")
	g.want("GET", "/user-blocks/"+esc(id), "", 200, `{"blocked_for":[]}`)
	if err := login("192.0.2.7", "correct horse"); err != nil {
		t.Errorf("unblocked: %v", err)
	}
	block()
	g.want("DELETE", "/user-blocks?identifier=ADA%40example.com", "", 204, "")
	block()
	g.want("PATCH", "/attack-protection/brute-force-protection", `{"max_attempts":3}`, 200, "")
	g.want("GET", "/user-blocks/"+esc(id), "", 200, `{"blocked_for":[]}`) // A higher threshold lifts the blocks.
	for range 4 {
		login("198.51.100.9", "wrong")
	}
	if err := login("198.51.100.9", "correct horse"); err != nil {
		t.Errorf("an allowed network is blocked: %v", err)
	}
	g.want("PATCH", "/attack-protection/brute-force-protection", `{"shields":[]}`, 200, `"shields":[]`)
	for range 3 {
		login("192.0.2.7", "wrong")
	}
	if err := login("192.0.2.7", "correct horse"); err != nil {
		t.Errorf("without the shield: %v", err)
	}
}

func TestSuspiciousAddresses(t *testing.T) {
	t.Parallel()
	tenant := auth0test.NewTenant(auth0test.Options{})
	tenant.AddClient(auth0test.Application{CallbackURL: "https://app.example.com/callback"})
	g := newAPI(t, tenant)
	g.want("PATCH", "/attack-protection/suspicious-ip-throttling", `{"stage":{"pre-login":{"max_attempts":2,"rate":34560}}}`, 200, `"pre-user-registration":{`)
	g.want("GET", "/anomaly/blocks/ips/192.0.2.7", "", 404, `"message":"Not Found"`)
	g.want("GET", "/anomaly/blocks/ips/nowhere", "", 400, "invalid_uri")
	for i := range 2 {
		tenant.Login(t.Context(), auth0test.Login{Identifier: fmt.Sprintf("u%d@example.com", i), Password: "wrong", IP: "192.0.2.7"})
	}
	g.want("GET", "/anomaly/blocks/ips/192.0.2.7", "", 200, "")
	g.want("DELETE", "/anomaly/blocks/ips/192.0.2.7", "", 204, "")
	g.want("GET", "/anomaly/blocks/ips/192.0.2.7", "", 404, "")
	g.want("PATCH", "/attack-protection/breached-password-detection",
		`{"enabled":true,"shields":["admin_notification"],"admin_notification_frequency":["daily"]}`, 200, `"admin_notification_frequency":["daily"]`)
	g.want("PATCH", "/attack-protection/breached-password-detection", `{"shields":["block"]}`, 200, `"admin_notification_frequency":[]`)
	if got := g.want("PATCH", "/attack-protection/captcha", `{"active_provider_id":"hcaptcha","hcaptcha":{"site_key":"k","secret":"s"}}`, 200, `"hcaptcha":{"site_key":"k"}`); strings.Contains(got, "secret") {
		t.Errorf("a secret is shown: %s", got)
	}
	g.want("PATCH", "/risk-assessments/settings/new-device", `{"remember_for":60}`, 200, `{"remember_for":60}`)
	g.want("GET", "/risk-assessments/settings", "", 200, `{"enabled":false}`)
}

func TestLogStreams(t *testing.T) {
	t.Parallel()
	g := newAPI(t, auth0test.NewTenant(auth0test.Options{IgnoredSettings: []string{"log-streams"}, Outgoing: auth0test.HandlerTransport(http.NotFoundHandler())}))
	g.want("POST", "/log-streams", `{"type":"http","sink":{"httpEndpoint":"http://example.com"}}`, 400, "invalid_body")
	made := g.object("POST", "/log-streams", `{"name":"s","type":"mixpanel","isPriority":true,"sink":{"mixpanelRegion":"us","mixpanelProjectId":"1",
		"mixpanelServiceAccountUsername":"u","mixpanelServiceAccountPassword":"p"}}`, 200)
	path := "/log-streams/" + made["id"].(string)
	g.want("GET", path, "", 200, `"mixpanelServiceAccountPassword":"********"`)
	g.want("PATCH", path, `{"status":"paused","filters":[{"type":"category","name":"auth.login.fail"}]}`, 200, `"name":"security"`)
	g.want("GET", "/log-streams", "", 200, `"status":"paused"`)
	bridge := g.object("POST", "/log-streams", `{"name":"b","type":"eventbridge","sink":{"awsAccountId":"999999999999","awsRegion":"us-west-2"}}`, 200)
	if source, _ := bridge["sink"].(map[string]any)["awsPartnerEventSource"].(string); !strings.HasPrefix(source, "aws.partner/auth0.com/") {
		t.Errorf("event source %q", source)
	}
	g.want("PATCH", "/log-streams/"+bridge["id"].(string), `{"sink":{"httpEndpoint":"https://example.com"}}`, 400, "not permitted")
	g.want("DELETE", path, "", 204, "")
	g.want("DELETE", path, "", 204, "")
	g.want("GET", path, "", 404, `"The log stream does not exist."`)
	g.want("PATCH", path, `{"name":"x"}`, 404, `"The log stream does not exist."`)
}

func TestTenantSettings(t *testing.T) {
	t.Parallel()
	g, id, _ := twoLogins(t)
	const lifetimes = "/tenants/settings?fields=session_lifetime,idle_session_lifetime"
	g.want("GET", lifetimes, "", 200, `{"idle_session_lifetime":72,"session_lifetime":168}`)
	g.want("PATCH", "/tenants/settings", `{"friendly_name":"Mine","acr_values_supported":["foo"],"session_lifetime":2,"idle_session_lifetime_in_minutes":30,"flags":{"enable_sso":false}}`,
		200, `"idle_session_lifetime":0.5`)
	g.want("GET", lifetimes, "", 200, `{"idle_session_lifetime":0.5,"session_lifetime":2}`)
	g.want("GET", "/tenants/settings", "", 200, `"universal_login":true`)
	g.want("PATCH", "/tenants/settings", `{"acr_values_supported":null,"default_audience":"https://api.example.com"}`, 200, `"default_audience":"https://api.example.com"`)
	if got := g.want("GET", "/tenants/settings", "", 200, ""); strings.Contains(got, "acr_values") {
		t.Error("null did not remove a setting")
	}
	if _, err := g.tenant.Login(t.Context(), auth0test.Login{Identifier: "ada@example.com", Password: "correct horse"}); err != nil {
		t.Fatal(err)
	}
	sessions := g.page("/users/" + esc(id) + "/sessions").Sessions
	last := sessions[len(sessions)-1]
	begin, _ := time.Parse(time.RFC3339, last["created_at"].(string))
	end, _ := time.Parse(time.RFC3339, last["expires_at"].(string))
	if end.Sub(begin) != 2*time.Hour {
		t.Errorf("a session lasts %v, want 2 h", end.Sub(begin))
	}
	g.want("PATCH", "/branding", `{"colors":{"primary":"#ff0000"}}`, 200, `"primary":"#ff0000"`)
	g.want("PATCH", "/prompts", `{"identifier_first":true}`, 200, `"universal_login_experience":"new"`)
	g.want("PATCH", "/tenants/settings", `{"nothing":1}`, 400, "invalid_body")
}

func TestStats(t *testing.T) {
	t.Parallel()
	g, _, _ := twoLogins(t)
	g.want("GET", "/stats/active-users", "", 200, `1`)
	g.want("GET", "/stats/daily", "", 200, `"logins":2,"signups":0`)
	g.want("GET", "/stats/daily?to=20010101", "", 200, `[]`)
	g.want("GET", "/stats/daily?from=yesterday", "", 400, "invalid_query_string")
	g.tenant.Advance(31 * 24 * time.Hour)
	g.bearer = "Bearer " + token(t, g.tenant, g.tenant.Machine())
	g.want("GET", "/stats/active-users", "", 200, `0`)
}

// TestSigningKeys rotates and revokes by Auth0's own client.
func TestSigningKeys(t *testing.T) {
	t.Parallel()
	tenant := auth0test.NewTenant(auth0test.Options{})
	api := sdkClient(t, tenant, auth0test.DefaultDomain, tenant.HTTPClient())
	before, err := api.SigningKey.List(t.Context())
	if err != nil || len(before) != 2 || !before[0].GetCurrent() || !before[1].GetNext() || !strings.Contains(before[0].GetPKCS7(), "PKCS7") {
		t.Fatalf("keys: %v, %v", before, err)
	}
	rotated, err := api.SigningKey.Rotate(t.Context())
	if err != nil || rotated.GetKID() != before[1].GetKID() {
		t.Fatalf("rotated: %v, %v", rotated, err)
	}
	old, err := api.SigningKey.Read(t.Context(), before[0].GetKID())
	if err != nil || !old.GetPrevious() || old.GetCurrent() || old.GetRevoked() {
		t.Errorf("the earlier key: %v, %v", old, err)
	}
	g := newAPI(t, tenant)
	g.want("PUT", "/keys/signing/"+before[0].GetKID()+"/revoke", "", 200, `"revoked":true`)
	g.want("PUT", "/keys/signing/nothing/revoke", "", 404, "Signing key not found")
	g.want("GET", "/keys/signing/nothing", "", 404, "Signing key not found")
	_, err = api.SigningKey.List(t.Context())
	if failed, is := err.(sdk.Error); !is || failed.Status() != http.StatusUnauthorized {
		t.Errorf("a token of a revoked key: %v", err)
	}
	weak := tenant.AddClient(auth0test.Application{Scopes: []string{"create:signing_keys"}})
	g.bearer = "Bearer " + token(t, tenant, weak)
	g.want("POST", "/keys/signing/rotate", "", 403, "insufficient_scope")
}

func TestUserGrants(t *testing.T) {
	t.Parallel()
	g, id, _ := twoLogins(t)
	g.want("GET", "/grants?include_totals=true&user_id="+esc(id), "", 200, `"total":1`)
	g.want("GET", "/device-credentials?type=refresh_token&include_totals=true", "", 200, `"total":2`)
	g.want("GET", "/device-credentials?type=public_key", "", 200, `[]`)
	key := `{"device_name":"d","type":"public_key","value":"v","device_id":"abc","client_id":"client"}`
	made := g.object("POST", "/device-credentials", key, 201)
	g.want("POST", "/device-credentials", key, 409, "already exists")
	if got := g.want("GET", "/device-credentials?type=public_key", "", 200, `"device_name":"d"`); strings.Contains(got, `"value"`) {
		t.Errorf("the key is shown: %s", got)
	}
	g.want("DELETE", "/device-credentials/"+made["id"].(string), "", 204, "")
	g.want("GET", "/device-credentials?type=public_key", "", 200, `[]`)
	g.want("DELETE", "/grants?user_id="+esc(id), "", 204, "")
	g.want("GET", "/users/"+esc(id)+"/refresh-tokens", "", 200, `{"tokens":[]}`)
}

func TestEmailProviderAndTemplates(t *testing.T) {
	t.Parallel()
	g := newAPI(t, auth0test.NewTenant(auth0test.Options{}))
	g.want("GET", "/emails/provider", "", 404, `"inexistent_email_provider"`)
	smtp := `{"name":"smtp","default_from_address":"a@example.com","credentials":{"smtp_host":"smtp.example.com","smtp_port":587,"smtp_user":"u","smtp_pass":"p"}}`
	if got := g.want("POST", "/emails/provider", smtp, 201, `"smtp_user":"u"`); strings.Contains(got, "smtp_pass") {
		t.Errorf("a password is shown: %s", got)
	}
	g.want("POST", "/emails/provider", smtp, 409, "An email provider is already configured: smtp")
	g.want("PATCH", "/emails/provider", `{"enabled":false}`, 200, `"enabled":false`)
	g.want("GET", "/emails/provider?fields=name,enabled", "", 200, `{"enabled":false,"name":"smtp"}`)
	g.want("DELETE", "/emails/provider", "", 204, "")
	g.want("DELETE", "/emails/provider", "", 204, "")
	template := `{"template":"verify_email","body":"<b>","from":"a@example.com","subject":"s","syntax":"liquid","enabled":true}`
	g.want("GET", "/email-templates/verify_email", "", 404, "inexistent_email_template")
	g.want("PUT", "/email-templates/verify_email", template, 404, "inexistent_email_template")
	g.want("POST", "/email-templates", template, 200, `"subject":"s"`)
	g.want("POST", "/email-templates", template, 409, "Template verify_email already exists.")
	g.want("PATCH", "/email-templates/verify_email", `{"enabled":false}`, 200, `"enabled":false`)
	g.want("GET", "/email-templates/verify_email", "", 200, `"enabled":false`)
}

func TestRulesAndHooks(t *testing.T) {
	t.Parallel()
	today := newAPI(t, auth0test.NewTenant(auth0test.Options{}))
	for _, path := range []string{"/rules", "/rules-configs", "/hooks"} {
		today.want("GET", path, "", 403, `"Insufficient privileges to use this deprecated feature"`)
	}
	g := newAPI(t, auth0test.NewTenant(auth0test.Options{RulesAndHooks: true}))
	rule := g.object("POST", "/rules", `{"name":"one","script":"x"}`, 201)
	g.want("POST", "/rules", `{"name":"one","script":"x"}`, 409, "already exists")
	g.want("POST", "/rules", `{"name":"two","script":"x","enabled":false}`, 201, `"order":2`)
	g.want("PATCH", "/rules/"+rule["id"].(string), `{"name":"two"}`, 409, "already exists")
	g.want("PATCH", "/rules/"+rule["id"].(string), `{"order":5}`, 200, `"order":5`)
	g.want("GET", "/rules?enabled=true&include_totals=true&fields=name", "", 200, `"rules":[{"name":"one"}]`)
	g.want("DELETE", "/rules/"+rule["id"].(string), "", 204, "")
	g.want("GET", "/rules/"+rule["id"].(string), "", 404, "inexistent_rule")
	g.want("PUT", "/rules-configs/KEY", `{"value":"v"}`, 200, `{"key":"KEY","value":"v"}`)
	g.want("GET", "/rules-configs", "", 200, `[{"key":"KEY"}]`)
	g.want("DELETE", "/rules-configs/KEY", "", 204, "")
	hook := g.object("POST", "/hooks", `{"name":"hook1","script":"x","triggerId":"pre-user-registration"}`, 201)
	path := "/hooks/" + hook["id"].(string)
	if hook["name"] != "hook-1" {
		t.Errorf("the hook is named %v", hook["name"])
	}
	g.want("POST", path+"/secrets", `{"A":"1","B":"2"}`, 201, `{}`)
	g.want("POST", path+"/secrets", `{"A":"1"}`, 409, "already exists")
	g.want("PATCH", path+"/secrets", `{"C":"1"}`, 404, "not found")
	g.want("DELETE", path+"/secrets", `["A"]`, 204, "")
	g.want("GET", path+"/secrets", "", 200, `{"B":"_VALUE_NOT_SHOWN_"}`)
	g.want("PATCH", path, `{"enabled":true}`, 200, `"enabled":true`)
	g.want("GET", "/hooks?triggerId=pre-user-registration", "", 200, `"id":"`+hook["id"].(string))
	g.want("DELETE", path, "", 204, "")
	g.want("DELETE", path, "", 404, "HookDoesNotExist")
}
