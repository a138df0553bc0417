package auth0test_test

import (
	"encoding/base64"
	"encoding/json"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/coreos/go-oidc/v3/oidc"

	"github.com/auth0kit/auth0kit/management/auth0test"
	"github.com/auth0kit/auth0kit/management/resource"
)

const (
	home  = "https://" + auth0test.DefaultDomain + "/"
	realm = "http://auth0.com/oauth/grant-type/password-realm"
)

// object is a JSON object.
type object = map[string]any

// exchange posts a form to the token endpoint.
func exchange(t testing.TB, tenant *auth0test.Tenant, form ...string) (int, object) {
	t.Helper()
	return post(t, tenant, "oauth/token", form...)
}

// post posts a form, given as names and values in turn, and reads the answer.
func post(t testing.TB, tenant *auth0test.Tenant, path string, form ...string) (int, object) {
	t.Helper()
	res, err := tenant.HTTPClient().PostForm(home+path, values(form...))
	if err != nil {
		t.Fatal(err)
	}
	return answer(t, res)
}

func values(pairs ...string) url.Values {
	v := url.Values{}
	for pair := range slices.Chunk(pairs, 2) {
		v.Set(pair[0], pair[1])
	}
	return v
}

func answer(t testing.TB, res *http.Response) (int, object) {
	t.Helper()
	defer res.Body.Close()
	raw, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	var body object
	if len(raw) > 0 && strings.HasPrefix(res.Header.Get("Content-Type"), "application/json") {
		if err := json.Unmarshal(raw, &body); err != nil {
			t.Fatalf("answer %d is not an object: %v", res.StatusCode, err)
		}
	}
	return res.StatusCode, body
}

// claims verifies a token against the published keys, by a library that is not
// ours, and returns what it says.
func claims(t testing.TB, tenant *auth0test.Tenant, token string) object {
	t.Helper()
	ctx := oidc.ClientContext(t.Context(), tenant.HTTPClient())
	payload, err := oidc.NewRemoteKeySet(ctx, home+".well-known/jwks.json").VerifySignature(ctx, token)
	if err != nil {
		t.Fatalf("token does not verify: %v", err)
	}
	var c object
	if err := json.Unmarshal(payload, &c); err != nil {
		t.Fatal(err)
	}
	return c
}

func header(t testing.TB, token string) object {
	t.Helper()
	first, _, _ := strings.Cut(token, ".")
	raw, err := base64.RawURLEncoding.DecodeString(first)
	if err != nil {
		t.Fatal(err)
	}
	var h object
	if err := json.Unmarshal(raw, &h); err != nil {
		t.Fatal(err)
	}
	return h
}

func wantError(t testing.TB, status int, body object, wantStatus int, code, description string) {
	t.Helper()
	if status != wantStatus || body["error"] != code || body["error_description"] != description {
		t.Errorf("got %d %v\nwant %d %s %q", status, body, wantStatus, code, description)
	}
}

// text reads a string of a body.
func text(t testing.TB, body object, name string) string {
	t.Helper()
	s, _ := body[name].(string)
	if s == "" {
		t.Fatalf("no %s in %v", name, body)
	}
	return s
}

func TestDiscovery(t *testing.T) {
	t.Parallel()
	tenant := auth0test.NewTenant(auth0test.Options{})
	provider, err := oidc.NewProvider(oidc.ClientContext(t.Context(), tenant.HTTPClient()), home)
	if err != nil {
		t.Fatal(err)
	}
	var doc struct {
		Logout bool `json:"backchannel_logout_supported"`
		SID    bool `json:"backchannel_logout_session_supported"`
	}
	if err := provider.Claims(&doc); err != nil || !doc.Logout || !doc.SID {
		t.Errorf("discovery says %+v, %v", doc, err)
	}
	if got := provider.Endpoint().TokenURL; got != home+"oauth/token" {
		t.Errorf("token endpoint %s", got)
	}
	other, err := oidc.NewProvider(oidc.ClientContext(t.Context(), tenant.HTTPClient()), "https://login.example.com/")
	if err != nil || other.Endpoint().AuthURL != "https://login.example.com/authorize" {
		t.Errorf("the issuer does not follow the host: %v", err)
	}
}

func TestKeysRotateAndRevoke(t *testing.T) {
	t.Parallel()
	tenant, other := auth0test.NewTenant(auth0test.Options{}), auth0test.NewTenant(auth0test.Options{})
	kids := func() (kids []string) {
		res, err := tenant.HTTPClient().Get(home + ".well-known/jwks.json")
		if err != nil {
			t.Fatal(err)
		}
		_, body := answer(t, res)
		for _, k := range body["keys"].([]any) {
			kids = append(kids, k.(object)["kid"].(string))
		}
		return kids
	}
	before := kids()
	old := tenant.Sign(nil, object{"iss": home})
	tenant.RotateKeys()
	after := kids()
	if len(before) != 2 || len(after) != 3 || after[0] != before[1] || after[2] != before[0] {
		t.Errorf("keys before %v, after %v", before, after)
	}
	claims(t, tenant, old)
	if kid := header(t, tenant.Sign(nil, nil))["kid"]; kid != before[1] {
		t.Errorf("signs with %v, want what was the next key", kid)
	}
	tenant.RevokeKeys()
	if now := kids(); len(now) != 2 || slices.Contains(now, before[0]) {
		t.Errorf("keys after revocation %v", now)
	}
	ctx := oidc.ClientContext(t.Context(), tenant.HTTPClient())
	set := oidc.NewRemoteKeySet(ctx, home+".well-known/jwks.json")
	for name, bad := range map[string]string{"revoked key": old, "other tenant": other.Sign(object{"kid": after[0]}, object{"iss": home})} {
		if _, err := set.VerifySignature(ctx, bad); err == nil {
			t.Errorf("a token under the key of a %s verifies", name)
		}
	}
}

func TestAccessTokenFollowsRBAC(t *testing.T) {
	t.Parallel()
	const api = "https://orders.example.com"
	tenant := auth0test.NewTenant(auth0test.Options{})
	tenant.AddAPI(api, "read:orders", "write:orders", "delete:orders")
	reader := tenant.AddRole("reader", api, "read:orders")
	writer := tenant.AddRole("writer", api, "read:orders", "write:orders")
	ada := tenant.AddUser(resource.User{Email: "ada@example.com"}, "correct horse")
	acme, blue := tenant.AddOrganization("acme"), tenant.AddOrganization("blue")
	tenant.AddMember(acme, ada, writer)
	tenant.AddMember(blue, ada, reader)
	for _, c := range []struct {
		org         string
		permissions []any
	}{{"", []any{}}, {acme, []any{"read:orders", "write:orders"}}, {blue, []any{"read:orders"}}} {
		got := claims(t, tenant, tenant.AccessToken(ada, c.org, api))
		if !slices.Equal(got["permissions"].([]any), c.permissions) {
			t.Errorf("in %q permissions are %v, want %v", c.org, got["permissions"], c.permissions)
		}
		if org, _ := got["org_id"].(string); org != c.org {
			t.Errorf("org_id %q, want %q", org, c.org)
		}
		if got["iss"] != home || got["sub"] != ada || !slices.Equal(got["aud"].([]any), []any{api, home + "userinfo"}) {
			t.Errorf("claims %v", got)
		}
		for _, p := range c.permissions {
			if !slices.Contains(strings.Fields(got["scope"].(string)), p.(string)) {
				t.Errorf("scope %v lacks %v", got["scope"], p)
			}
		}
		if got["exp"].(float64)-got["iat"].(float64) != 86400 || got["azp"] == "" {
			t.Errorf("lifetime or azp in %v", got)
		}
	}
	mustPanic(t, "no member", func() { tenant.AccessToken(ada, tenant.AddOrganization("empty"), api) })
	mustPanic(t, "no API", func() { tenant.AccessToken(ada, "", "https://other.example.com") })
}

func mustPanic(t *testing.T, what string, f func()) {
	t.Helper()
	defer func() {
		if recover() == nil {
			t.Errorf("%s: no panic", what)
		}
	}()
	f()
}

func TestSignWrongTokens(t *testing.T) {
	t.Parallel()
	tenant := auth0test.NewTenant(auth0test.Options{})
	if tok := tenant.Sign(object{"alg": "none", "kid": nil}, object{"sub": "x"}); !strings.HasSuffix(tok, ".") || header(t, tok)["kid"] != nil {
		t.Errorf("unsigned token %s", tok)
	}
	at := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	if got := claims(t, tenant, tenant.Sign(object{"typ": "at+jwt"}, object{"exp": at}))["exp"]; got != float64(at.Unix()) {
		t.Errorf("a time became %v", got)
	}
}

func TestClientCredentials(t *testing.T) {
	t.Parallel()
	const api = "https://orders.example.com"
	tenant := auth0test.NewTenant(auth0test.Options{})
	tenant.AddAPI(api, "read:orders", "write:orders")
	tenant.AddAPI("https://other.example.com")
	org := tenant.AddOrganization("acme")
	c := tenant.AddClient(auth0test.Client{Grants: []string{"client_credentials"}})
	web := tenant.AddClient(auth0test.Client{Grants: []string{"authorization_code"}})
	tenant.AddGrant(c.ID, api, "read:orders")
	with := func(more ...string) (int, object) {
		return exchange(t, tenant, append([]string{"grant_type", "client_credentials", "client_id", c.ID, "client_secret", c.Secret}, more...)...)
	}
	status, body := with("audience", api, "organization", org)
	if status != 200 || body["token_type"] != "Bearer" || body["expires_in"] != 86400.0 || body["scope"] != "read:orders" {
		t.Fatalf("got %d %v", status, body)
	}
	got := claims(t, tenant, text(t, body, "access_token"))
	if got["sub"] != c.ID+"@clients" || got["gty"] != "client-credentials" || got["org_id"] != org || got["aud"] != api || got["azp"] != c.ID {
		t.Errorf("claims %v", got)
	}
	for name, e := range map[string]struct {
		form        []string
		status      int
		code, words string
	}{
		"no audience":    {nil, 403, "access_denied", "Non-global clients are not allowed access to APIv1"},
		"unknown API":    {[]string{"audience", "https://none"}, 403, "access_denied", "Service not found: https://none"},
		"no grant":       {[]string{"audience", "https://other.example.com"}, 403, "access_denied", `Client is not authorized to access "https://other.example.com". You need to create a "client-grant" associated to this API. See: https://auth0.com/docs/api/v2#!/Client_Grants/post_client_grants`},
		"scope":          {[]string{"audience", api, "scope", "read:orders write:orders"}, 403, "access_denied", "Client has not been granted scopes: write:orders"},
		"secret":         {[]string{"audience", api, "client_secret", "wrong"}, 401, "access_denied", "Unauthorized"},
		"client":         {[]string{"audience", api, "client_id", "nobody"}, 401, "access_denied", "Unauthorized"},
		"no client":      {[]string{"client_id", ""}, 401, "invalid_client", "Missing client_id"},
		"no grant type":  {[]string{"grant_type", ""}, 400, "invalid_request", "Missing required parameter: grant_type"},
		"bad grant type": {[]string{"grant_type", "x"}, 403, "unsupported_grant_type", "Unsupported grant type: x"},
		"not allowed":    {[]string{"audience", api, "client_id", web.ID, "client_secret", web.Secret}, 403, "unauthorized_client", "Grant type 'client_credentials' not allowed for the client."},
	} {
		status, body := with(e.form...)
		t.Log(name)
		wantError(t, status, body, e.status, e.code, e.words)
	}
}

func TestClientAuthenticationByBasicAndJSON(t *testing.T) {
	t.Parallel()
	tenant := auth0test.NewTenant(auth0test.Options{})
	m := tenant.Machine()
	body := `{"grant_type":"client_credentials","audience":"` + home + `api/v2/"}`
	for secret, want := range map[string]int{m.Secret: 200, "wrong": 401} {
		r, err := http.NewRequestWithContext(t.Context(), "POST", home+"oauth/token", strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("Content-Type", "application/json")
		r.SetBasicAuth(url.QueryEscape(m.ID), url.QueryEscape(secret))
		res, err := tenant.HTTPClient().Do(r)
		if err != nil {
			t.Fatal(err)
		}
		if status, _ := answer(t, res); status != want {
			t.Errorf("got %d, want %d", status, want)
		}
	}
}

func TestPasswordGrants(t *testing.T) {
	t.Parallel()
	tenant := auth0test.NewTenant(auth0test.Options{})
	app := tenant.AddClient(auth0test.Client{})
	ada := tenant.AddUser(resource.User{Email: "ada@example.com", Username: "ada"}, "correct horse")
	tenant.AddUser(resource.User{Email: "bad@example.com", Blocked: true}, "correct horse")
	with := func(user, password string, more ...string) (int, object) {
		return exchange(t, tenant, append([]string{"grant_type", realm, "realm", auth0test.DefaultConnection, "client_id", app.ID,
			"client_secret", app.Secret, "username", user, "password", password}, more...)...)
	}
	for _, name := range []string{"ada@example.com", "ADA@example.com", "ada"} {
		status, body := with(name, "correct horse", "scope", "openid email offline_access")
		if status != 200 || body["scope"] != "openid email offline_access" || body["refresh_token"] == nil {
			t.Fatalf("%s: got %d %v", name, status, body)
		}
		id := claims(t, tenant, text(t, body, "id_token"))
		if id["sub"] != ada || id["aud"] != app.ID || id["email"] != "ada@example.com" || id["name"] != nil || id["amr"] != nil {
			t.Errorf("ID token %v", id)
		}
	}
	for name, e := range map[string]struct {
		user, password string
		more           []string
		status         int
		code, words    string
	}{
		"wrong password": {"ada@example.com", "wrong", nil, 403, "invalid_grant", "Wrong email or password."},
		"unknown user":   {"eve@example.com", "correct horse", nil, 403, "invalid_grant", "Wrong email or password."},
		"blocked user":   {"bad@example.com", "correct horse", nil, 403, "unauthorized", "user is blocked"},
		"no password":    {"ada@example.com", "", nil, 400, "invalid_request", "Missing required parameter: password"},
		"unknown API":    {"ada@example.com", "correct horse", []string{"audience", "https://none"}, 400, "invalid_request", "Service not found: https://none"},
	} {
		status, body := with(e.user, e.password, e.more...)
		t.Log(name)
		wantError(t, status, body, e.status, e.code, e.words)
	}
	status, body := exchange(t, tenant, "grant_type", "password", "client_id", app.ID, "client_secret", app.Secret,
		"username", "ada", "password", "correct horse")
	if status != 200 || body["scope"] != "openid profile email address phone" {
		t.Errorf("without a scope: %d %v", status, body)
	}
}

func TestBruteForceProtection(t *testing.T) {
	t.Parallel()
	tenant := auth0test.NewTenant(auth0test.Options{})
	app := tenant.AddClient(auth0test.Client{})
	tenant.AddUser(resource.User{Email: "ada@example.com"}, "correct horse")
	login := func(password string) (int, object) {
		return exchange(t, tenant, "grant_type", "password", "client_id", app.ID, "client_secret", app.Secret,
			"username", "ada@example.com", "password", password)
	}
	for range 10 {
		if status, _ := login("wrong"); status != 403 {
			t.Fatalf("got %d", status)
		}
	}
	status, body := login("correct horse")
	wantError(t, status, body, 429, "too_many_attempts", "Your account has been blocked after multiple consecutive login attempts. We've sent you an email with instructions on how to unblock it.")
	mails := tenant.Outbox()
	if len(mails) != 1 || mails[0].Kind != "blocked_account" || mails[0].To != "ada@example.com" {
		t.Errorf("outbox %v", mails)
	}
	tenant.Advance(30 * 24 * time.Hour)
	if status, body := login("correct horse"); status != 200 {
		t.Errorf("after 30 days: %d %v", status, body)
	}
}

func TestRefreshTokenRotation(t *testing.T) {
	t.Parallel()
	tenant := auth0test.NewTenant(auth0test.Options{})
	app := tenant.AddClient(auth0test.Client{RotateRefreshTokens: true})
	other := tenant.AddClient(auth0test.Client{})
	tenant.AddUser(resource.User{Email: "ada@example.com"}, "correct horse")
	_, body := exchange(t, tenant, "grant_type", "password", "client_id", app.ID, "client_secret", app.Secret,
		"username", "ada@example.com", "password", "correct horse", "scope", "openid email offline_access")
	first := text(t, body, "refresh_token")
	refresh := func(token string, more ...string) (int, object) {
		return exchange(t, tenant, append([]string{"grant_type", "refresh_token", "client_id", app.ID, "client_secret", app.Secret, "refresh_token", token}, more...)...)
	}
	status, body := refresh(first, "client_id", other.ID, "client_secret", other.Secret)
	wantError(t, status, body, 403, "invalid_grant", "Unknown or invalid refresh token.")
	status, body = refresh(first, "scope", "openid")
	if status != 200 || body["scope"] != "openid" {
		t.Fatalf("got %d %v", status, body)
	}
	second := text(t, body, "refresh_token")
	if second == first {
		t.Fatal("the token did not rotate")
	}
	status, body = refresh(first)
	wantError(t, status, body, 403, "invalid_grant", "Unknown or invalid refresh token.")
	status, body = refresh(second)
	wantError(t, status, body, 403, "invalid_grant", "Unknown or invalid refresh token.")
}
