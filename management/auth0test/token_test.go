package auth0test_test

import (
	"crypto"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"errors"
	"io"
	"math/big"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

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

// publicKeys fetches the published keys by their ids, in order.
func publicKeys(t testing.TB, tenant *auth0test.Tenant) (kids []string, keys map[string]*rsa.PublicKey) {
	t.Helper()
	res, err := tenant.HTTPClient().Get(home + ".well-known/jwks.json")
	if err != nil {
		t.Fatal(err)
	}
	_, body := answer(t, res)
	keys = map[string]*rsa.PublicKey{}
	for _, k := range body["keys"].([]any) {
		k := k.(object)
		n, err1 := base64.RawURLEncoding.DecodeString(text(t, k, "n"))
		der, err2 := base64.StdEncoding.DecodeString(k["x5c"].([]any)[0].(string))
		cert, err3 := x509.ParseCertificate(der)
		if err := errors.Join(err1, err2, err3); err != nil || k["e"] != "AQAB" || k["alg"] != "RS256" || k["use"] != "sig" {
			t.Fatalf("key %v: %v", k, err)
		}
		key := &rsa.PublicKey{N: new(big.Int).SetBytes(n), E: 65537}
		if !key.Equal(cert.PublicKey) {
			t.Error("x5c holds another key")
		}
		kid := text(t, k, "kid")
		kids, keys[kid] = append(kids, kid), key
	}
	return kids, keys
}

// check verifies a token against the published keys.
func check(t testing.TB, tenant *auth0test.Tenant, token string) error {
	t.Helper()
	_, keys := publicKeys(t, tenant)
	kid, _ := header(t, token)["kid"].(string)
	if keys[kid] == nil {
		return errors.New("the key is not published")
	}
	at := strings.LastIndexByte(token, '.')
	sig, err := base64.RawURLEncoding.DecodeString(token[at+1:])
	if err != nil {
		return err
	}
	digest := sha256.Sum256([]byte(token[:at]))
	return rsa.VerifyPKCS1v15(keys[kid], crypto.SHA256, digest[:], sig)
}

// claims verifies a token and returns what it says.
func claims(t testing.TB, tenant *auth0test.Tenant, token string) object {
	t.Helper()
	if err := check(t, tenant, token); err != nil {
		t.Fatalf("token does not verify: %v", err)
	}
	return segment(t, token, 1)
}

func header(t testing.TB, token string) object { t.Helper(); return segment(t, token, 0) }

// segment decodes a part of a token.
func segment(t testing.TB, token string, n int) object {
	t.Helper()
	raw, err := base64.RawURLEncoding.DecodeString(strings.Split(token, ".")[n])
	if err != nil {
		t.Fatal(err)
	}
	var o object
	if err := json.Unmarshal(raw, &o); err != nil {
		t.Fatal(err)
	}
	return o
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
	for _, issuer := range []string{home, "https://login.example.com/", "http://127.0.0.1:3000/"} {
		res, err := tenant.HTTPClient().Get(issuer + ".well-known/openid-configuration")
		if err != nil {
			t.Fatal(err)
		}
		_, doc := answer(t, res)
		if doc["issuer"] != issuer || doc["token_endpoint"] != issuer+"oauth/token" || doc["jwks_uri"] != issuer+".well-known/jwks.json" ||
			doc["backchannel_logout_supported"] != true || doc["backchannel_logout_session_supported"] != true {
			t.Errorf("discovery at %s says %v", issuer, doc)
		}
	}
}

func TestKeysRotateAndRevoke(t *testing.T) {
	t.Parallel()
	tenant, other := auth0test.NewTenant(auth0test.Options{}), auth0test.NewTenant(auth0test.Options{})
	before, _ := publicKeys(t, tenant)
	old := tenant.Sign(nil, object{"iss": home})
	tenant.RotateKeys()
	after, _ := publicKeys(t, tenant)
	if len(before) != 2 || len(after) != 3 || after[0] != before[1] || after[2] != before[0] {
		t.Errorf("keys before %v, after %v", before, after)
	}
	claims(t, tenant, old)
	if kid := header(t, tenant.Sign(nil, nil))["kid"]; kid != before[1] {
		t.Errorf("signs with %v, want what was the next key", kid)
	}
	tenant.RevokeKeys()
	if now, _ := publicKeys(t, tenant); len(now) != 2 || slices.Contains(now, before[0]) {
		t.Errorf("keys after revocation %v", now)
	}
	for name, bad := range map[string]string{"revoked key": old, "other tenant": other.Sign(object{"kid": after[0]}, object{"iss": home})} {
		if check(t, tenant, bad) == nil {
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
	c := tenant.AddClient(auth0test.Application{Grants: []string{"client_credentials"}})
	web := tenant.AddClient(auth0test.Application{Grants: []string{"authorization_code"}})
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

func TestDialectOfRFC9068(t *testing.T) {
	t.Parallel()
	s := newScene(auth0test.Options{})
	s.manage(t, "PATCH", "resource-servers/"+url.PathEscape(ordersAPI), `{"token_dialect":"rfc9068_profile_authz","token_lifetime":600}`)
	token := s.mustLogin(t, auth0test.Login{Audience: ordersAPI}).Access
	c := claims(t, s.Tenant, token)
	if header(t, token)["typ"] != "at+jwt" || c["client_id"] != s.app.ID || c["azp"] != nil || c["jti"] == "" || c["permissions"] == nil ||
		c["exp"].(float64)-c["iat"].(float64) != 600 {
		t.Errorf("header %v, claims %v", header(t, token), c)
	}
	s.manage(t, "PATCH", "resource-servers/"+url.PathEscape(ordersAPI), `{"token_dialect":"access_token","enforce_policies":false}`)
	token = s.mustLogin(t, auth0test.Login{Audience: ordersAPI}).Access
	if c := claims(t, s.Tenant, token); c["permissions"] != nil || c["scope"] != "openid profile email offline_access read:orders write:orders" {
		t.Errorf("without RBAC: %v", c)
	}
}

func TestTokensOverTLS(t *testing.T) {
	t.Parallel()
	s := newScene(auth0test.Options{})
	server := s.Start()
	defer server.Close()
	tokens := s.mustLogin(t, auth0test.Login{Audience: ordersAPI})
	if got := segment(t, tokens.Access, 1)["iss"]; got != server.URL+"/" || s.Issuer() != got {
		t.Errorf("issuer %v of a tenant at %s", got, server.URL)
	}
	res, err := server.Client.PostForm(server.URL+"/oauth/token", values("grant_type", "password", "client_id", s.app.ID,
		"client_secret", s.app.Secret, "username", "ada@example.com", "password", "correct horse", "scope", "openid"))
	if err != nil {
		t.Fatal(err)
	}
	if status, b := answer(t, res); status != 200 || segment(t, text(t, b, "id_token"), 1)["iss"] != server.URL+"/" {
		t.Errorf("got %d %v", status, b)
	}
}

func TestTimeOfABubble(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newScene(auth0test.Options{})
		token := s.mustLogin(t, auth0test.Login{}).Access
		info := func() int {
			r, err := http.NewRequestWithContext(t.Context(), "GET", home+"userinfo", nil)
			if err != nil {
				t.Fatal(err)
			}
			r.Header.Set("Authorization", "Bearer "+token)
			res, err := s.HTTPClient().Do(r)
			if err != nil {
				t.Fatal(err)
			}
			res.Body.Close()
			return res.StatusCode
		}
		if got := info(); got != 200 {
			t.Errorf("a fresh token: %d", got)
		}
		time.Sleep(24 * time.Hour)
		if got := info(); got != 401 {
			t.Errorf("a token of yesterday: %d", got)
		}
	})
}
