package auth0test_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/auth0kit/auth0kit/management/auth0test"
	"github.com/auth0kit/auth0kit/management/resource"
	"github.com/golang-jwt/jwt/v5"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// The tests of this file are settings that a kinder tenant would have kept and
// not heeded.

// password exchanges a password, at a realm unless that is empty.
func (s scene) password(t testing.TB, realm string) (int, object) {
	t.Helper()
	pairs := []string{"grant_type", "password", "client_id", s.app.ID, "client_secret", s.app.Secret, "username", "ada@example.com", "password", "correct horse"}
	if realm != "" {
		pairs = append(pairs, "realm", realm)
		pairs[1] = "http://auth0.com/oauth/grant-type/password-realm"
	}
	return exchange(t, s.Tenant, pairs...)
}

// connectionID is the id of a connection.
func connectionID(t *testing.T, g *guardianAPI, name string) string {
	t.Helper()
	var cons []struct{ ID string }
	require.NoError(t, json.Unmarshal([]byte(g.want("GET", "/connections?name="+name, "", 200, "")), &cons))
	require.Len(t, cons, 1)
	return cons[0].ID
}

// TestConnectionNotEnabledLogsNobodyIn: at no door.
func TestConnectionNotEnabledLogsNobodyIn(t *testing.T) {
	t.Parallel()
	s := newScene(auth0test.Options{})
	g := newAPI(t, s.Tenant)
	s.mustLogin(t, auth0test.Login{})
	id := connectionID(t, g, auth0test.DefaultConnection)
	g.want("PATCH", "/connections/"+id+"/clients", `[{"client_id":"`+s.app.ID+`","status":false}]`, 204, "")

	for name, connection := range map[string]string{"any": "-", "by name": auth0test.DefaultConnection, "unknown": "nope"} {
		_, err := s.Login(t.Context(), auth0test.Login{Identifier: "ada@example.com", Password: "correct horse", Parameters: map[string]string{"connection": strings.TrimPrefix(connection, "-")}})
		refused, is := err.(*auth0test.LoginError)
		require.True(t, is, "%s: %v", name, err)
		want := map[string]string{"any": "no connections enabled for the client", "by name": "the connection was disabled", "unknown": "the connection was not found"}[name]
		assert.Equal(t, auth0test.LoginError{Code: "invalid_request", Description: want}, *refused, name)
	}
	for _, realm := range []string{"", auth0test.DefaultConnection} {
		status, body := s.password(t, realm)
		wantError(t, status, body, 400, "invalid_request", "the connection was disabled")
	}
	status, body, _ := ask(t, s.Tenant, "", "POST", "/dbconnections/signup", `{"client_id":"`+s.app.ID+`","connection":"`+auth0test.DefaultConnection+`","email":"new@example.com","password":"Correct-horse-1"}`)
	assert.Equal(t, 400, status)
	assert.Contains(t, body, "connection_disabled")
}

// TestConnectionNotEnabledByOtherDoors: by a code that was sent, and by a push.
func TestConnectionNotEnabledByOtherDoors(t *testing.T) {
	t.Parallel()
	s := newScene(auth0test.Options{})
	g := newAPI(t, s.Tenant)
	s.Enroll(s.ada, "push-notification", "")
	start := func() (int, object) {
		return post(t, s.Tenant, "passwordless/start", "client_id", s.app.ID, "connection", "email", "email", "ada@example.com", "send", "code")
	}
	push := func() (int, object) {
		return post(t, s.Tenant, "bc-authorize", "client_id", s.app.ID, "client_secret", s.app.Secret, "scope", "openid", "binding_message", "Pay?",
			"login_hint", `{"format":"iss_sub","iss":"`+home+`","sub":"`+s.ada+`"}`)
	}
	email := s.AddConnection("email", "email")
	status, body := start()
	require.Equal(t, 200, status, body)
	code := s.Outbox()[0].Code
	status, body = push()
	require.Equal(t, 200, status, body)
	for _, id := range []string{email, connectionID(t, g, auth0test.DefaultConnection)} {
		g.want("PATCH", "/connections/"+id+"/clients", `[{"client_id":"`+s.app.ID+`","status":false}]`, 204, "")
	}
	status, body = exchange(t, s.Tenant, "grant_type", "http://auth0.com/oauth/grant-type/passwordless/otp", "client_id", s.app.ID,
		"client_secret", s.app.Secret, "realm", "email", "username", "ada@example.com", "otp", code)
	wantError(t, status, body, 400, "invalid_request", "the connection was disabled")
	status, body = start()
	wantError(t, status, body, 400, "bad.connection", "Connection does not exist")
	status, body = push()
	wantError(t, status, body, 400, "invalid_request", "the connection was disabled")
}

// TestSessionOfAnotherConnection: what logged in to one application is nobody at
// one for which the connection is not enabled.
func TestSessionOfAnotherConnection(t *testing.T) {
	t.Parallel()
	s := newScene(auth0test.Options{})
	g := newAPI(t, s.Tenant)
	s.AddConnection("staff", "auth0")
	browser := s.browser()
	s.code(t, browser)
	silent := func() string {
		to, _ := s.authorize(t, browser, "prompt", "none")
		return to.Query().Get("error")
	}
	require.Empty(t, silent())
	id := connectionID(t, g, auth0test.DefaultConnection)
	g.want("PATCH", "/connections/"+id+"/clients", `[{"client_id":"`+s.app.ID+`","status":false}]`, 204, "")
	assert.Equal(t, "login_required", silent())
}

// TestOrganizationOffersItsConnections: another one of the application is
// refused, also by name.
func TestOrganizationOffersItsConnections(t *testing.T) {
	t.Parallel()
	s := newScene(auth0test.Options{})
	s.AddConnection("staff", "auth0")
	eve := s.AddUser(resource.User{Email: "eve@example.com", Connection: "staff"}, "correct horse")
	org := s.AddOrganization("acme")
	s.AddMember(org, eve)
	login := auth0test.Login{Identifier: "eve@example.com", Password: "correct horse", Connection: "staff"}
	_, err := s.Login(t.Context(), login)
	require.NoError(t, err, "without the organization")
	login.OrgID = org
	_, err = s.Login(t.Context(), login)
	require.ErrorContains(t, err, "no connections enabled for the client")
}

func TestSigningAlgorithms(t *testing.T) {
	t.Parallel()
	for _, alg := range []string{"RS256", "PS256", "RS512", "HS256"} {
		s := newScene(auth0test.Options{})
		g := newAPI(t, s.Tenant)
		const secret = "of sixteen characters or more"
		g.want("PATCH", "/resource-servers/"+strings.ReplaceAll(ordersAPI, "/", "%2F"), `{"signing_alg":"`+alg+`","signing_secret":"`+secret+`"}`, 200, "")
		g.want("PATCH", "/clients/"+s.app.ID, `{"jwt_configuration":{"alg":"`+alg+`"}}`, 200, "")
		tokens := s.mustLogin(t, auth0test.Login{Audience: ordersAPI})
		for kind, raw := range map[string]string{"access": tokens.Access, "ID": tokens.ID} {
			token, err := jwt.Parse(raw, func(token *jwt.Token) (any, error) {
				switch {
				case alg != "HS256":
					assert.NotEmpty(t, token.Header["kid"])
					_, keys := publicKeys(t, s.Tenant)
					return keys[token.Header["kid"].(string)], nil
				case kind == "ID":
					return []byte(s.app.Secret), nil
				}
				return []byte(secret), nil
			}, jwt.WithValidMethods([]string{alg}))
			require.NoError(t, err, "%s %s", alg, kind)
			if kind == "access" && alg == "HS256" {
				assert.Equal(t, ordersAPI, token.Claims.(jwt.MapClaims)["aud"], "/userinfo does not know the secret of an API")
			}
		}
	}
}

// TestAuthTimeIsAskedFor: by max_age or prompt=login, and else it is not there.
func TestAuthTimeIsAskedFor(t *testing.T) {
	t.Parallel()
	s := newScene(auth0test.Options{})
	for want, parameters := range map[bool][]map[string]string{
		false: {nil, {"prompt": "consent"}},
		true:  {{"max_age": "3600"}, {"max_age": "0"}, {"prompt": "login"}},
	} {
		for _, p := range parameters {
			id := claims(t, s.Tenant, s.mustLogin(t, auth0test.Login{Parameters: p}).ID)
			assert.Equal(t, want, id["auth_time"] != nil, "%v", p)
		}
	}
}

func TestPushedRequestsRequired(t *testing.T) {
	t.Parallel()
	for name, set := range map[string]func(*guardianAPI, scene){
		"by the client": func(g *guardianAPI, s scene) {
			g.want("PATCH", "/clients/"+s.app.ID, `{"require_pushed_authorization_requests":true,"par_request_expiry":90}`, 200, "")
		},
		"by the tenant": func(g *guardianAPI, _ scene) {
			g.want("PATCH", "/tenants/settings", `{"flags":{"require_pushed_authorization_requests":true}}`, 200, "")
		},
	} {
		s := newScene(auth0test.Options{})
		set(newAPI(t, s.Tenant), s)
		_, err := s.Login(t.Context(), auth0test.Login{Identifier: "ada@example.com", Password: "correct horse"})
		require.ErrorContains(t, err, "invalid_request", name)
		status, body, _ := ask(t, s.Tenant, "", "POST", "/oauth/par", `{"client_id":"`+s.app.ID+`","client_secret":"`+s.app.Secret+`","response_type":"code","redirect_uri":"`+callback+`"}`)
		require.Equal(t, 201, status, body)
		var pushed struct {
			URI     string `json:"request_uri"`
			Expires int    `json:"expires_in"`
		}
		require.NoError(t, json.Unmarshal([]byte(body), &pushed))
		assert.Equal(t, map[string]int{"by the client": 90, "by the tenant": 30}[name], pushed.Expires)
		_, page, _ := ask(t, s.Tenant, "", "GET", "/authorize?"+values("client_id", s.app.ID, "request_uri", pushed.URI).Encode(), "")
		assert.Contains(t, page, "Log in to Shop", name)
	}
}

func TestRequestObjectsAreNotRead(t *testing.T) {
	t.Parallel()
	s := newScene(auth0test.Options{})
	_, err := s.Login(t.Context(), auth0test.Login{Identifier: "ada@example.com", Password: "correct horse", Parameters: map[string]string{"request": "a.b.c"}})
	require.ErrorContains(t, err, "request_not_supported")
}

func TestDefaultOrganization(t *testing.T) {
	t.Parallel()
	s := newScene(auth0test.Options{})
	g := newAPI(t, s.Tenant)
	org := s.AddOrganization("acme")
	s.AddGrant(s.app.ID, ordersAPI, "read:orders")
	machine := func() any {
		status, body := exchange(t, s.Tenant, "grant_type", "client_credentials", "client_id", s.app.ID, "client_secret", s.app.Secret, "audience", ordersAPI)
		require.Equal(t, 200, status, body)
		return claims(t, s.Tenant, text(t, body, "access_token"))["org_id"]
	}
	assert.Nil(t, machine())
	g.want("PATCH", "/clients/"+s.app.ID, `{"default_organization":{"organization_id":"`+org+`","flows":["client_credentials"]}}`, 200, org)
	assert.Equal(t, org, machine())
}

// TestReusedRefreshTokenEndsItsFamily, but not within the leeway.
func TestReusedRefreshTokenEndsItsFamily(t *testing.T) {
	t.Parallel()
	s := newScene(auth0test.Options{})
	g := newAPI(t, s.Tenant)
	g.want("PATCH", "/clients/"+s.app.ID, `{"refresh_token":{"rotation_type":"rotating","expiration_type":"expiring","leeway":10}}`, 200, "")
	refresh := func(token string) (int, object) {
		return exchange(t, s.Tenant, "grant_type", "refresh_token", "client_id", s.app.ID, "client_secret", s.app.Secret, "refresh_token", token)
	}
	first := s.mustLogin(t, auth0test.Login{Audience: ordersAPI}).Refresh
	status, body := refresh(first)
	require.Equal(t, 200, status, body)
	s.Advance(9 * time.Second)
	status, body = refresh(first)
	require.Equal(t, 200, status, "within the leeway: %v", body)
	latest := text(t, body, "refresh_token")
	s.Advance(10 * time.Second)
	status, body = refresh(first)
	wantError(t, status, body, 403, "invalid_grant", "Unknown or invalid refresh token.")
	status, body = refresh(latest)
	wantError(t, status, body, 403, "invalid_grant", "Unknown or invalid refresh token.")
}

func TestPasswordRules(t *testing.T) {
	t.Parallel()
	tenant := auth0test.NewTenant(auth0test.Options{})
	a := newAdmin(t, tenant)
	for name, options := range map[string]string{
		"old": `{"password_history":{"enable":true,"size":2},"password_no_personal_info":{"enable":true}}`,
		"new": `{"password_options":{"history":{"active":true,"size":2},"profile_data":{"active":true},"complexity":{"min_length":8}}}`,
	} {
		a.want(201, "POST", "/connections", `{"name":"`+name+`","strategy":"auth0","enabled_clients":["`+tenant.Machine().ID+`"],"options":`+options+`}`)
		user := a.want(201, "POST", "/users", `{"connection":"`+name+`","email":"grace@example.com","name":"Hopper","password":"First-password-1"}`)
		change := func(password string) (int, string) {
			return a.do("PATCH", "/users/"+strings.ReplaceAll(user["user_id"].(string), "|", "%7C"), `{"password":"`+password+`"}`)
		}
		for _, step := range []struct {
			password string
			status   int
			text     string
		}{
			{"First-password-1", 400, "PasswordHistoryError"},
			{"Second-password-1", 200, ""},
			{"First-password-1", 400, "PasswordHistoryError"},
			{"Third-password-1", 200, ""},
			{"First-password-1", 200, ""},
			{"xGRACEx-1", 400, "PasswordNoUserInfoError"},
			{"xhopper1X-", 400, "PasswordNoUserInfoError"},
		} {
			status, body := change(step.password)
			assert.Equal(t, step.status, status, "%s: %s %s", name, step.password, body)
			assert.Contains(t, body, step.text)
		}
	}
}

// TestUsernames: what a creation refuses, an import refuses too.
func TestUsernames(t *testing.T) {
	t.Parallel()
	tenant := auth0test.NewTenant(auth0test.Options{JobTime: -1})
	a := newAdmin(t, tenant)
	plain := a.want(201, "POST", "/connections", `{"name":"plain","strategy":"auth0","enabled_clients":["`+tenant.Machine().ID+`"]}`)["id"].(string)
	requiring := connectionID(t, newAPI(t, tenant), auth0test.DefaultConnection)
	for i, c := range []struct {
		connection, id, username string
		good                     bool
	}{
		{auth0test.DefaultConnection, requiring, "ada-1.b", true},
		{auth0test.DefaultConnection, requiring, "sixteencharacter", false},
		{auth0test.DefaultConnection, requiring, "a b", false},
		{auth0test.DefaultConnection, requiring, "a/b", false},
		{auth0test.DefaultConnection, requiring, "a@b.example", false},
		{"plain", plain, "ada", false},
	} {
		// The email addresses are new, so that only the username can be refused.
		status, body := a.do("POST", "/users", fmt.Sprintf(`{"connection":%q,"email":"post%d@example.com","username":%q,"password":"Correct-horse-1"}`, c.connection, i, c.username))
		assert.Equal(t, map[bool]int{true: 201, false: 400}[c.good], status, "POST %q: %s", c.username, body)
		failed := imported(t, tenant, c.id, fmt.Sprintf(`[{"email":"import%d@example.com","username":"x%s"}]`, i, c.username[1:]))
		assert.Equal(t, c.good, failed == 0, "import %q at %s", c.username, c.connection)
	}
	assert.Equal(t, 1, imported(t, tenant, requiring, `[{"email":"phone@example.com","phone_number":"0123"}]`))
}

// imported runs an import and returns how many rows failed.
func imported(t *testing.T, tenant *auth0test.Tenant, connection, users string) int {
	t.Helper()
	job, err := tenant.Management().ImportUsers(t.Context(), resource.Import{ConnectionID: connection, Users: []byte(users)})
	require.NoError(t, err)
	job, err = tenant.Management().Job(t.Context(), job.ID)
	require.NoError(t, err)
	require.Equal(t, "completed", job.Status)
	return job.Failed
}

// TestUnsupportedSettingsAnswerLoudly: each was accepted, shown and ignored.
func TestUnsupportedSettingsAnswerLoudly(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ method, path, body, setting string }{
		{"PATCH", "/clients/{client}", `{"signed_request_object":{"required":true}}`, "clients.signed_request_object"},
		{"PATCH", "/clients/{client}", `{"token_quota":{"client_credentials":{"per_hour":1,"enforce":true}}}`, "clients.token_quota"},
		{"POST", "/organizations", `{"name":"o","token_quota":{"client_credentials":{"per_hour":1,"enforce":true}}}`, "organizations.token_quota"},
		{"PATCH", "/clients/{client}", `{"compliance_level":"fapi1_adv_pkj_par"}`, "clients.compliance_level"},
		{"PATCH", "/resource-servers/{api}", `{"token_encryption":{"format":"compact-nested-jwe","encryption_key":{"name":"k","alg":"RSA-OAEP-256","pem":"x"}}}`, "resource-servers.token_encryption"},
		{"PATCH", "/resource-servers/{api}", `{"proof_of_possession":{"mechanism":"mtls","required":true}}`, "resource-servers.proof_of_possession.mechanism"},
		{"PATCH", "/tenants/settings", `{"default_token_quota":{"clients":{"client_credentials":{"per_hour":1,"enforce":true}}}}`, "tenants.default_token_quota"},
		{"PATCH", "/attack-protection/bot-detection", `{"challenge_password_policy":"always"}`, "bot-detection.challenge_password_policy"},
		{"POST", "/network-acls", `{"description":"n","active":true,"priority":1,"rule":{"action":{"block":true},"match":{"ipv4_cidrs":["127.0.0.0/8"]},"scope":"tenant"}}`, "network-acls.active"},
		{"POST", "/event-streams", `{"name":"n","subscriptions":[{"event_type":"user.created"}],"destination":{"type":"webhook","configuration":{"webhook_endpoint":"https://example.com","webhook_authorization":{"method":"bearer","token":"t"}}}}`, "event-streams.destination"},
		{"POST", "/log-streams", `{"type":"datadog","sink":{"datadogRegion":"eu","datadogApiKey":"k"}}`, "log-streams.type"},
		{"PATCH", "/actions/triggers/post-login/bindings", `{"bindings":[{"ref":{"type":"action_name","value":"a"}}]}`, "bindings.bindings"},
	} {
		s := newScene(auth0test.Options{})
		path := strings.NewReplacer("{client}", s.app.ID, "{api}", strings.ReplaceAll(ordersAPI, "/", "%2F")).Replace(c.path)
		g := newAPI(t, s.Tenant)
		before := g.want("GET", path, "", 200, "")
		body := g.want(c.method, path, c.body, 501, `"errorCode":"auth0test_setting_not_implemented"`)
		assert.Contains(t, body, "setting "+c.setting+";")
		g.want("GET", path, "", 200, before)
		if c.method == "PATCH" && c.setting != "bindings.bindings" {
			relaxed := newScene(auth0test.Options{IgnoredSettings: []string{c.setting}})
			path := strings.NewReplacer("{client}", relaxed.app.ID, "{api}", strings.ReplaceAll(ordersAPI, "/", "%2F")).Replace(c.path)
			newAPI(t, relaxed.Tenant).want(c.method, path, c.body, 200, "")
		}
	}
	g := newAPI(t, auth0test.NewTenant(auth0test.Options{}))
	acl, _ := made(t, g, "/network-acls", `{"description":"n","active":false,"priority":1,"rule":{"action":{"block":true},"match":{"ipv4_cidrs":["127.0.0.0/8"]},"scope":"tenant"}}`, 201)
	g.want("PATCH", "/network-acls/"+acl, `{"active":true}`, 501, "setting network-acls.active;")
	g.want("GET", "/network-acls/"+acl, "", 200, `"active":false`)
	served := auth0test.NewTenant(auth0test.Options{Missing: http.StatusNotFound})
	newAPI(t, served).want("PATCH", "/tenants/settings", `{"security_headers":{"x_xss_protection":{"enabled":true}}}`, 400, "auth0test_setting_not_implemented")
}

// TestSubjectTypes: an API says which kinds of tokens there are for it.
func TestSubjectTypes(t *testing.T) {
	t.Parallel()
	s := newScene(auth0test.Options{})
	g := newAPI(t, s.Tenant)
	s.AddGrant(s.app.ID, ordersAPI, "read:orders")
	set := func(user, client string) {
		g.want("PATCH", "/resource-servers/"+strings.ReplaceAll(ordersAPI, "/", "%2F"), `{"subject_type_authorization":{"user":{"policy":"`+user+`"},"client":{"policy":"`+client+`"}}}`, 200, "")
	}
	try := func() (user, machine bool) {
		_, err := s.Login(t.Context(), auth0test.Login{Audience: ordersAPI, Identifier: "ada@example.com", Password: "correct horse"})
		status, _ := exchange(t, s.Tenant, "grant_type", "client_credentials", "client_id", s.app.ID, "client_secret", s.app.Secret, "audience", ordersAPI)
		return err == nil, status == 200
	}
	for _, c := range []struct {
		user, client string
		users, apps  bool
	}{
		{"allow_all", "require_client_grant", true, true}, {"deny_all", "require_client_grant", false, true},
		{"allow_all", "deny_all", true, false}, {"require_client_grant", "deny_all", false, false},
	} {
		set(c.user, c.client)
		users, apps := try()
		assert.Equal(t, c.users, users, "users: %v", c)
		assert.Equal(t, c.apps, apps, "machines: %v", c)
	}
	g.want("POST", "/client-grants", `{"client_id":"`+s.app.ID+`","audience":"`+ordersAPI+`","scope":[],"subject_type":"user"}`, 201, "")
	users, _ := try()
	assert.True(t, users, "with a grant for users")
}

// TestSmallRefusals are the minor findings: each answered otherwise.
func TestSmallRefusals(t *testing.T) {
	t.Parallel()
	tenant := auth0test.NewTenant(auth0test.Options{})
	g := newAPI(t, tenant)
	for _, u := range []resource.User{{Email: "b@example.com", Name: "x"}, {Email: "a@example.com", Name: "x"}, {Email: "c@example.com", Name: "y"}} {
		tenant.AddUser(u, "")
	}
	order := func(by string) (emails []string) {
		var users []struct{ Email string }
		require.NoError(t, json.Unmarshal([]byte(g.want("GET", "/users?sort="+by, "", 200, "")), &users))
		for _, u := range users {
			emails = append(emails, u.Email[:1])
		}
		return emails
	}
	assert.Equal(t, []string{"a", "b", "c"}, order("name:1,email:1"))
	assert.Equal(t, []string{"c", "a", "b"}, order("name:-1,email:1"))
	g.want("GET", "/users?sort=name:1,email", "", 400, "String does not match pattern")
	g.want("POST", "/client-grants", `{"client_id":"`+tenant.Machine().ID+`","audience":"https://`+auth0test.DefaultDomain+`/api/v2/","scope":[]}`, 409, "already exists")
	g.want("POST", "/tickets/password-change", `{}`, 400, "Missing required property")
}
