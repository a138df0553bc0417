package auth0test_test

import (
	"crypto/sha256"
	"encoding/base64"
	"html"
	"net/url"
	"testing"

	"github.com/auth0kit/auth0kit/management/auth0test"
)

func TestImplicitAndHybridAnswers(t *testing.T) {
	t.Parallel()
	s := newScene(auth0test.Options{})
	half := func(of string) string {
		sum := sha256.Sum256([]byte(of))
		return base64.RawURLEncoding.EncodeToString(sum[:16])
	}
	for _, types := range []string{"id_token", "token", "token id_token", "code id_token", "code token", "code token id_token"} {
		browser := s.browser()
		page, _ := s.authorize(t, browser, "response_type", types, "nonce", "n1", "audience", ordersAPI)
		to := enter(t, browser, page, "username", "ada@example.com", "password", "correct horse")
		v, err := url.ParseQuery(to.Fragment)
		if err != nil || v.Get("state") != "xyz" || to.RawQuery != "" {
			t.Fatalf("%s: %v, %v", types, to, err)
		}
		if raw := v.Get("id_token"); raw != "" {
			id := claims(t, s.Tenant, raw)
			atHash, _ := id["at_hash"].(string)
			cHash, _ := id["c_hash"].(string)
			if id["nonce"] != "n1" || id["sid"] == "" || (atHash != "") != v.Has("access_token") || (cHash != "") != v.Has("code") ||
				atHash != "" && atHash != half(v.Get("access_token")) || cHash != "" && cHash != half(v.Get("code")) {
				t.Errorf("%s: ID token %v", types, id)
			}
		}
		if v.Has("access_token") {
			if c := claims(t, s.Tenant, v.Get("access_token")); c["sub"] != s.ada || v.Get("token_type") != "Bearer" || v.Get("expires_in") != "7200" {
				t.Errorf("%s: access token %v, %v", types, c, v)
			}
		}
		if v.Has("code") {
			if status, b := s.redeem(t, v.Get("code")); status != 200 {
				t.Errorf("%s: code %d %v", types, status, b)
			}
		}
	}
}

func TestFormPostAnswers(t *testing.T) {
	t.Parallel()
	s := newScene(auth0test.Options{})
	browser := s.browser()
	s.code(t, browser)
	res, err := browser.Get(home + "authorize?" + values("response_type", "id_token", "response_mode", "form_post", "client_id", s.app.ID,
		"redirect_uri", callback, "scope", "openid", "nonce", "n1", "state", `"><script>`).Encode())
	if err != nil {
		t.Fatal(err)
	}
	status, page := body(t, res)
	if status != 200 || between(page, `action="`, `"`) != callback || html.UnescapeString(between(page, `name="state" value="`, `">`)) != `"><script>` {
		t.Fatalf("got %d %s", status, page)
	}
	claims(t, s.Tenant, between(page, `name="id_token" value="`, `"`))
}
