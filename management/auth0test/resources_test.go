package auth0test_test

import (
	"encoding/json"
	"net/url"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/auth0kit/auth0kit/management/auth0test"
)

// The recorded values in this file are those of the Terraform provider's test
// suite against Auth0, unless a line says otherwise.

func made(t *testing.T, g *guardianAPI, path, body string, status int) (string, map[string]any) {
	t.Helper()
	m := g.object("POST", path, body, status)
	for _, key := range []string{"id", "client_id", "token_id"} {
		if id, is := m[key].(string); is {
			return id, m
		}
	}
	require.Fail(t, "no id", "%v", m)
	return "", nil
}

func TestOrganizationConnectionsUnderTheirLaterPath(t *testing.T) {
	t.Parallel()
	g := newAPI(t, auth0test.NewTenant(auth0test.Options{}))
	org, _ := made(t, g, "/organizations", `{"name":"acme"}`, 201)
	con, _ := made(t, g, "/connections", `{"name":"db","strategy":"auth0"}`, 201)
	path := "/organizations/" + org + "/connections"
	g.want("GET", path+"?include_totals=true&is_enabled=true&page=0&per_page=50", "", 200, `{"connections":[],"limit":50,"start":0,"total":0}`)
	const shown = `"connection":{"name":"db","strategy":"auth0"},"connection_id":`
	g.want("POST", path, `{"is_enabled":true,"connection_id":"`+con+`"}`, 201, shown)
	one := g.want("GET", path+"/"+con, "", 200, `"is_enabled":true,"is_signup_enabled":false,"organization_access_level":"none","show_as_button":true`)
	g.want("POST", path, `{"connection_id":"`+con+`"}`, 409, "already been added")
	g.want("GET", path, "", 200, "["+one+"]")
	g.want("GET", path+"?include_totals=true&page=1", "", 200, `{"connections":[],"limit":50,"start":50,"total":1}`)
	g.want("PATCH", path+"/"+con, `{"assign_membership_on_login":true,"is_enabled":false}`, 200, `"assign_membership_on_login":true`)
	g.want("GET", path+"?is_enabled=true", "", 200, `[]`)
	g.want("GET", path+"?is_enabled=false", "", 200, `"is_enabled":false`)
	g.want("GET", "/organizations/"+org+"/enabled_connections/"+con, "", 200, shown)
	g.want("PATCH", path+"/"+con, `{"is_signup_enabled":true,"assign_membership_on_login":false}`, 400, "assign_membership_on_login = true")
	g.want("DELETE", path+"/"+con, "", 204, "")
	g.want("DELETE", path+"/"+con, "", 204, "")
	g.want("GET", path+"/"+con, "", 404, "No connection found by that id")
	g.want("GET", "/organizations/org_0000000000000000/connections", "", 404, "No organization found")
}

func TestActionModules(t *testing.T) {
	t.Parallel()
	g := newAPI(t, auth0test.NewTenant(auth0test.Options{JobTime: -time.Second}))
	g.want("GET", "/actions/modules", "", 200, `{"modules":[],"page":0,"per_page":20,"total":0}`)
	id, m := made(t, g, "/actions/modules", `{"name":"m","code":"1"}`, 201)
	delete(m, "id")
	delete(m, "created_at")
	delete(m, "updated_at")
	assert.Equal(t, map[string]any{
		"name": "m", "code": "1", "dependencies": []any{}, "secrets": []any{}, "all_changes_published": false, "actions_using_module_total": 0.0,
	}, m)
	g.want("POST", "/actions/modules", `{"name":"m","code":"1"}`, 409, "already exists")
	one := "/actions/modules/" + id
	assert.NotContains(t, g.want("PATCH", one, `{"secrets":[{"name":"K","value":"hidden"}]}`, 200, `"secrets":[{"name":"K","updated_at":`), "hidden")
	version := g.object("POST", one+"/versions", "", 200)
	assert.Equal(t, 1.0, version["version_number"])
	g.want("POST", one+"/versions", "", 409, "No draft version")
	g.want("GET", one+"/versions?page=1&per_page=50", "", 200, `{"page":1,"per_page":50,"total":0,"versions":[]}`)
	g.want("GET", one+"/versions", "", 200, `"total":1`)
	g.want("GET", one+"/versions/"+version["id"].(string), "", 200, `"version_number":1`)
	g.want("GET", one, "", 200, `"latest_version_number":1`)
	g.want("PATCH", one, `{"code":"2"}`, 200, `"all_changes_published":false`)
	g.want("POST", one+"/rollback", `{"module_version_id":"`+version["id"].(string)+`"}`, 200, `"code":"1"`)
	g.want("POST", one+"/rollback", `{"module_version_id":"none"}`, 404, "does not exist")

	action := g.object("POST", "/actions/actions", `{"name":"a","code":"","supported_triggers":[{"id":"post-login"}],"modules":[{"module_id":"`+id+`","module_version_id":"`+version["id"].(string)+`"}]}`, 201)
	assert.Equal(t, []any{map[string]any{"module_id": id, "module_name": "m", "module_version_id": version["id"], "module_version_number": 1.0}}, action["modules"])
	g.want("GET", one+"/actions", "", 200, `"module_version_number":1`)
	g.want("GET", one+"/actions?page=1&per_page=50", "", 200, `{"actions":[],"page":1,"per_page":50}`)
	g.want("DELETE", one, "", 412, "in use")
	g.want("DELETE", "/actions/actions/"+action["id"].(string), "", 204, "")
	g.want("DELETE", one, "", 204, "")
	g.want("DELETE", one, "", 404, "does not exist")
	g.want("POST", "/actions/modules", `{"name":"n","code":"1","publish":true}`, 201, `"latest_version_number":1`)
}

func TestSCIM(t *testing.T) {
	t.Parallel()
	tenant := auth0test.NewTenant(auth0test.Options{})
	g := newAPI(t, tenant)
	db, _ := made(t, g, "/connections", `{"name":"db","strategy":"auth0"}`, 201)
	con, _ := made(t, g, "/connections", `{"name":"okta","strategy":"okta","options":{}}`, 201)
	path := "/connections/" + con + "/scim-configuration"
	g.want("POST", "/connections/con_0000000000000000/scim-configuration", "", 404, "inexistent_connection")
	g.want("POST", "/connections/"+db+"/scim-configuration", "", 404, "This connection type does not support SCIM.")
	g.want("GET", path, "", 404, `"message":"Not Found"`)
	first := g.object("POST", path, "", 201)
	assert.Equal(t, "externalId", first["user_id_attribute"])
	assert.Len(t, first["mapping"], 32)
	assert.Equal(t, "okta", first["connection_name"])
	g.want("GET", path+"/default-mapping", "", 200, `{"auth0":"app_metadata.employee_id","scim":"urn:ietf:params:scim:schemas:extension:enterprise:2.0:User.employeeNumber"}`)
	tenant.Advance(time.Second)
	changed := g.object("PATCH", path, `{"user_id_attribute":"u","mapping":[{"auth0":"a","scim":"s"}]}`, 200)
	assert.Equal(t, []any{map[string]any{"auth0": "a", "scim": "s"}}, changed["mapping"])
	assert.NotEqual(t, changed["created_at"], changed["updated_on"])
	g.want("GET", "/connections-scim-configurations", "", 200, `{"scim_configurations":[{"connection_id":"`+con)

	token, m := made(t, g, path+"/tokens", `{"scopes":["get:users"],"token_lifetime":900}`, 201)
	assert.Regexp(t, `^`+token+`\.[0-9a-f]{64}$`, m["token"])
	assert.NotContains(t, g.want("GET", path+"/tokens", "", 200, `"token_id":"`+token+`","valid_until":`), `"token":`)
	made(t, g, path+"/tokens", `{}`, 201)
	g.want("POST", path+"/tokens", `{}`, 409, "Maximum of 2 tokens")
	g.want("DELETE", path+"/tokens/"+token, "", 204, "")
	g.want("DELETE", path, "", 204, "")
	g.want("DELETE", path, "", 204, "")
	g.want("DELETE", "/connections/"+con, "", 202, "")
	g.want("GET", "/connections-scim-configurations", "", 200, `{"scim_configurations":[]}`)
}

func TestConnectionKeys(t *testing.T) {
	t.Parallel()
	g := newAPI(t, auth0test.NewTenant(auth0test.Options{}))
	con, _ := made(t, g, "/connections", `{"name":"c","strategy":"oidc","options":{}}`, 201)
	path := "/connections/" + con + "/keys"
	list := func() (out []map[string]any) {
		require.NoError(t, json.Unmarshal([]byte(g.want("GET", path, "", 200, "")), &out))
		return out
	}
	before := list()
	require.Len(t, before, 2)
	assert.Equal(t, true, before[0]["current"])
	assert.Equal(t, true, before[1]["next"])
	assert.Equal(t, "/CN=c", before[0]["subject_dn"])
	assert.Contains(t, before[0]["pkcs"], "BEGIN PKCS7")
	next := g.object("POST", path+"/rotate", "", 201)
	assert.Equal(t, true, next["next"])
	after := list()
	require.Len(t, after, 3)
	assert.Equal(t, []any{before[1]["kid"], before[0]["kid"], next["kid"]}, []any{after[0]["kid"], after[1]["kid"], after[2]["kid"]})
	assert.Equal(t, true, after[1]["previous"])
	g.want("POST", path, "", 409, "already been created")
	db, _ := made(t, g, "/connections", `{"name":"db","strategy":"auth0"}`, 201)
	g.want("GET", "/connections/"+db+"/keys", "", 200, `[]`)
	g.want("POST", "/connections/"+db+"/keys", "", 201, `"current":true`)
	g.want("GET", "/connections/con_0000000000000000/keys", "", 404, "inexistent_connection")
}

func TestConnectionFieldsKeepTheID(t *testing.T) {
	t.Parallel()
	g := newAPI(t, auth0test.NewTenant(auth0test.Options{}))
	id, _ := made(t, g, "/connections", `{"name":"c","strategy":"auth0"}`, 201)
	g.want("GET", "/connections/"+id+"?fields="+url.QueryEscape("strategy,name")+"&include_fields=true", "", 200,
		`{"id":"`+id+`","is_domain_connection":false,"name":"c","strategy":"auth0"}`)
	g.want("GET", "/connections?fields=name&name=c", "", 200, `[{"id":"`+id+`","is_domain_connection":false,"name":"c"}]`)
}

func TestClientsAsRecorded(t *testing.T) {
	t.Parallel()
	g := newAPI(t, auth0test.NewTenant(auth0test.Options{}))
	global := g.object("GET", "/clients?fields=client_id&include_fields=true&include_totals=true&is_global=true&per_page=50", "", 200)
	assert.Equal(t, 1.0, global["total"])
	id := global["clients"].([]any)[0].(map[string]any)["client_id"].(string)
	assert.NotContains(t, g.want("GET", "/clients", "", 200, "Machine"), id)
	g.want("PATCH", "/clients/"+id, `{"custom_login_page":"<html></html>"}`, 200, `"custom_login_page":"\u003chtml`)

	public := []any{"authorization_code", "implicit", "refresh_token"}
	confidential := append(public[:3:3], "client_credentials")
	for _, c := range []struct {
		kind           string
		grants         []any
		lifetime, idle float64
	}{
		{"spa", public, 2592000, 1296000}, {"native", public, 2592000, 1296000}, {"sso_integration", confidential, 2592000, 1296000},
		{"regular_web", confidential, 31557600, 2592000}, {"non_interactive", confidential, 31557600, 2592000},
		{"express_configuration", []any{"authorization_code", "client_credentials"}, 2592000, 1296000},
	} {
		_, m := made(t, g, "/clients", `{"name":"n","app_type":"`+c.kind+`"}`, 201)
		assert.Equal(t, c.grants, m["grant_types"], c.kind)
		refresh := m["refresh_token"].(map[string]any)
		assert.Equal(t, []any{c.lifetime, c.idle}, []any{refresh["token_lifetime"], refresh["idle_token_lifetime"]}, c.kind)
	}
	made(t, g, "/resource-servers", `{"identifier":"https://api.example.com"}`, 201)
	_, linked := made(t, g, "/clients", `{"name":"n","app_type":"resource_server","resource_server_identifier":"https://api.example.com"}`, 201)
	assert.Equal(t, []any{}, linked["grant_types"])
	assert.Equal(t, map[string]any{"alg": "RS256", "secret_encoded": false}, linked["jwt_configuration"])
	spa, first := made(t, g, "/clients", `{"name":"n","app_type":"spa","identity_assertion_authorization_grant":{"active":true}}`, 201)
	assert.Equal(t, map[string]any{"lifetime_in_seconds": 36000.0, "secret_encoded": false}, first["jwt_configuration"])
	got := g.object("PATCH", "/clients/"+spa, `{"jwt_configuration":{"alg":"RS256"}}`, 200)
	assert.Equal(t, map[string]any{"alg": "RS256", "lifetime_in_seconds": 36000.0, "secret_encoded": false}, got["jwt_configuration"])
	assert.Equal(t, map[string]any{"active": true}, got["identity_assertion_authorization_grant"])
}

func TestDefaultsAsRecorded(t *testing.T) {
	t.Parallel()
	g := newAPI(t, auth0test.NewTenant(auth0test.Options{IgnoredSettings: []string{"log-streams"}}))
	role, m := made(t, g, "/roles", `{"name":"r"}`, 200)
	assert.Contains(t, m, "description")
	assert.Nil(t, m["description"])
	g.want("GET", "/roles/"+role, "", 200, `"description":""`)

	settings := g.object("GET", "/tenants/settings", "", 200)
	for key, want := range map[string]any{
		"session_lifetime": 168.0, "idle_session_lifetime": 72.0, "ephemeral_session_lifetime": 72.0, "idle_ephemeral_session_lifetime": 24.0,
		"change_password": map[string]any{"enabled": false}, "guardian_mfa_page": map[string]any{"enabled": false},
		"oidc_logout": map[string]any{"rp_logout_end_session_endpoint_discovery": true}, "allowed_logout_urls": []any{}, "default_directory": "",
	} {
		assert.Equal(t, want, settings[key], key)
	}

	_, api := made(t, g, "/resource-servers", `{"identifier":"https://api","token_encryption":null}`, 201)
	assert.NotContains(t, api, "token_encryption")
	assert.Equal(t, map[string]any{
		"user": map[string]any{"policy": "allow_all"}, "client": map[string]any{"policy": "require_client_grant"},
	}, api["subject_type_authorization"])

	_, stream := made(t, g, "/log-streams", `{"name":"s","type":"splunk","filters":[],"sink":{"splunkDomain":"d","splunkPort":"1","splunkToken":"t","splunkSecure":true}}`, 200)
	for _, key := range []string{"isPriority", "filters", "pii_config"} {
		assert.NotContains(t, stream, key)
	}
	_, stream = made(t, g, "/log-streams", `{"name":"h","type":"http","sink":{"httpEndpoint":"https://e"}}`, 200)
	assert.Equal(t, false, stream["isPriority"])

	g.want("GET", "/attack-protection/captcha", "", 200, `{"active_provider_id":"auth_challenge","arkose":{"client_subdomain":"client-api","fail_open":false,"site_key":"","verify_subdomain":"verify-api"},`+
		`"auth_challenge":{"fail_open":false},"friendly_captcha":{"site_key":""},"hcaptcha":{"site_key":""},"recaptcha_enterprise":{"project_id":"","site_key":""},"recaptcha_v2":{"site_key":""},"simple_captcha":{}}`)
	g.want("GET", "/attack-protection/bot-detection", "", 200, `{"allowlist":[],"bot_detection_level":"medium","challenge_password_policy":"never","challenge_password_reset_policy":"never",`+
		`"challenge_passwordless_policy":"never","monitoring_mode_enabled":false}`)
	g.want("GET", "/actions/triggers/custom-token-exchange/bindings?page=0&per_page=100", "", 200, `{"bindings":[],"per_page":100}`)
}
