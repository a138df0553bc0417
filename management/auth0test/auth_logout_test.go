package auth0test_test

import (
	"encoding/json"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/auth0kit/auth0kit/management/auth0test"
	"github.com/auth0kit/auth0kit/management/resource"
)

// receiver is an application's endpoint of back-channel logout.
type receiver struct{ tokens chan string }

func (r *receiver) ServeHTTP(w http.ResponseWriter, req *http.Request) {
	r.tokens <- req.PostFormValue("logout_token")
}

// next waits for a logout token, or for all to come to rest.
func (r *receiver) next() string {
	synctest.Wait()
	select {
	case tok := <-r.tokens:
		return tok
	default:
		return ""
	}
}

// loggedIn is a scene whose application hears of logouts, with a browser that is
// logged in; it returns the session's id too.
func loggedIn(t *testing.T) (scene, *receiver, *http.Client, string) {
	t.Helper()
	r := &receiver{tokens: make(chan string, 100)}
	s := newScene(auth0test.Options{Outgoing: auth0test.HandlerTransport(r)})
	s.app = s.AddClient(auth0test.Application{CallbackURL: callback, LogoutURL: "https://app.example.com/", BackChannelLogoutURL: "https://app.example.com/bye"})
	browser := s.browser()
	_, body := s.redeem(t, s.code(t, browser))
	return s, r, browser, claims(t, s.Tenant, text(t, body, "id_token"))["sid"].(string)
}

func (s scene) wantLogoutToken(t *testing.T, token, sid string) {
	t.Helper()
	if token == "" {
		t.Fatal("no logout token came")
	}
	c := claims(t, s.Tenant, token)
	event := c["events"].(object)["http://schemas.openid.net/event/backchannel-logout"]
	if c["iss"] != home || c["aud"] != s.app.ID || c["sub"] != s.ada || c["sid"] != sid || c["jti"] == nil || c["nonce"] != nil ||
		event == nil || c["exp"].(float64)-c["iat"].(float64) != 120 {
		t.Errorf("logout token %v", c)
	}
}

func TestLogoutEndsTheSessionAndTellsTheApplication(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, r, browser, sid := loggedIn(t)
		res, err := browser.Get(home + "v2/logout?client_id=" + s.app.ID + "&returnTo=" + url.QueryEscape("https://app.example.com/"))
		if err != nil || res.StatusCode != 302 || res.Header.Get("Location") != "https://app.example.com/" {
			t.Fatalf("logout: %v, %v", res, err)
		}
		s.wantLogoutToken(t, r.next(), sid)
		if to, _ := s.authorize(t, browser, "prompt", "none"); to.Query().Get("error") != "login_required" {
			t.Errorf("after logout: %v", to)
		}
		res, err = browser.Get(home + "v2/logout?client_id=" + s.app.ID + "&returnTo=" + url.QueryEscape("https://evil.example.com/"))
		if err != nil || res.StatusCode != 400 {
			t.Errorf("a logout to anywhere: %v, %v", res, err)
		}
	})
}

func TestOIDCLogout(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, r, _, sid := loggedIn(t)
		hint := s.Sign(nil, object{"iss": home, "aud": s.app.ID, "sid": sid, "exp": 1})
		q := values("id_token_hint", hint, "post_logout_redirect_uri", "https://app.example.com/", "state", "a b")
		res, err := s.browser().Get(home + "oidc/logout?" + q.Encode())
		if err != nil || res.Header.Get("Location") != "https://app.example.com/?state=a+b" {
			t.Fatalf("logout: %v, %v", res, err)
		}
		s.wantLogoutToken(t, r.next(), sid)
		for name, v := range map[string]url.Values{
			"foreign hint": values("id_token_hint", auth0test.NewTenant(auth0test.Options{}).Sign(nil, object{"iss": home, "aud": s.app.ID})),
			"wrong client": values("id_token_hint", hint, "client_id", "other"),
			"redirect":     values("id_token_hint", hint, "post_logout_redirect_uri", "https://evil.example.com/"),
		} {
			if res, err := s.browser().Get(home + "oidc/logout?" + v.Encode()); err != nil || res.StatusCode != 400 {
				t.Errorf("%s: %v, %v", name, res, err)
			}
		}
	})
}

func TestWhatElseEndsSessions(t *testing.T) {
	for name, end := range map[string]func(s scene){
		"password change": func(s scene) {
			patch(s, "PATCH", "users/"+url.PathEscape(s.ada), `{"password":"Another-Passw0rd","connection":"`+auth0test.DefaultConnection+`"}`)
		},
		"email change":  func(s scene) { patch(s, "PATCH", "users/"+url.PathEscape(s.ada), `{"email":"ada2@example.com"}`) },
		"user deletion": func(s scene) { patch(s, "DELETE", "users/"+url.PathEscape(s.ada), "") },
		"expiry": func(s scene) {
			s.Advance(73 * time.Hour)
			s.HTTPClient().Get(home + ".well-known/jwks.json")
			s.Enroll(s.ada, "otp", "") // What is due is done before anything else.
		},
		"password reset": func(s scene) {
			postForm(s, "dbconnections/change_password", "client_id", s.app.ID, "connection", auth0test.DefaultConnection, "email", "ada@example.com")
			sent := s.Outbox()
			s.HTTPClient().PostForm(sent[len(sent)-1].URL, values("newPassword", "Another-Passw0rd", "confirmNewPassword", "Another-Passw0rd"))
		},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s, r, browser, sid := loggedIn(t)
				end(s)
				s.wantLogoutToken(t, r.next(), sid)
				if to, _ := s.authorize(t, browser, "prompt", "none"); to.Query().Get("error") != "login_required" {
					t.Errorf("the session lives on: %v", to)
				}
			})
		})
	}
}

func postForm(s scene, path string, pairs ...string) {
	res, err := s.HTTPClient().PostForm(home+path, values(pairs...))
	if err != nil {
		panic(err)
	}
	res.Body.Close()
}

// patch changes something through the Management API.
func patch(s scene, method, path, body string) {
	m := s.Machine()
	res, err := s.HTTPClient().PostForm(home+"oauth/token", values("grant_type", "client_credentials", "client_id", m.ID, "client_secret", m.Secret, "audience", home+"api/v2/"))
	if err != nil {
		panic(err)
	}
	var token struct {
		Access string `json:"access_token"`
	}
	if err := json.NewDecoder(res.Body).Decode(&token); err != nil {
		panic(err)
	}
	r, err := http.NewRequest(method, home+"api/v2/"+path, strings.NewReader(body))
	if err != nil {
		panic(err)
	}
	r.Header.Set("Authorization", "Bearer "+token.Access)
	r.Header.Set("Content-Type", "application/json")
	if res, err = s.HTTPClient().Do(r); err != nil || res.StatusCode/100 != 2 {
		panic(res.Status)
	}
}

func TestRevokeAndUserInfo(t *testing.T) {
	t.Parallel()
	s := newScene(auth0test.Options{})
	tokens := s.mustLogin(t, auth0test.Login{Audience: ordersAPI})
	info := func(token string) (int, string) {
		r, err := http.NewRequestWithContext(t.Context(), "GET", home+"userinfo", nil)
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("Authorization", "Bearer "+token)
		res, err := s.HTTPClient().Do(r)
		if err != nil {
			t.Fatal(err)
		}
		return body(t, res)
	}
	if status, got := info(tokens.Access); status != 200 || !strings.Contains(got, `"sub":"`+s.ada+`"`) || !strings.Contains(got, `"email":"ada@example.com"`) {
		t.Errorf("user info %d %s", status, got)
	}
	for name, bad := range map[string]string{"garbage": "x", "other audience": s.Sign(nil, object{"iss": home, "aud": ordersAPI, "sub": s.ada, "scope": "openid", "exp": time.Now().Add(time.Hour)})} {
		if status, got := info(bad); status != 401 || got != "Unauthorized" {
			t.Errorf("%s: %d %s", name, status, got)
		}
	}
	refresh := func() int {
		status, b := exchange(t, s.Tenant, "grant_type", "refresh_token", "client_id", s.app.ID, "client_secret", s.app.Secret, "refresh_token", tokens.Refresh)
		if status == 200 {
			tokens.Refresh = text(t, b, "refresh_token")
		}
		return status
	}
	other := s.AddClient(auth0test.Application{})
	if status, _ := post(t, s.Tenant, "oauth/revoke", "client_id", other.ID, "client_secret", other.Secret, "token", tokens.Refresh); status != 200 || refresh() != 200 {
		t.Error("another application revoked the token")
	}
	if status, _ := post(t, s.Tenant, "oauth/revoke", "client_id", s.app.ID, "client_secret", s.app.Secret, "token", tokens.Refresh); status != 200 || refresh() != 403 {
		t.Error("the token is not revoked")
	}
	if status, _ := post(t, s.Tenant, "oauth/revoke", "client_id", s.app.ID, "client_secret", "x", "token", tokens.Refresh); status != 401 {
		t.Error("anybody may revoke")
	}
}

func TestSignupAndPasswordReset(t *testing.T) {
	t.Parallel()
	s := newScene(auth0test.Options{})
	form := []string{"client_id", s.app.ID, "connection", auth0test.DefaultConnection, "email", "New@example.com", "password", "Correct-H0rse"}
	status, b := post(t, s.Tenant, "dbconnections/signup", form...)
	if status != 200 || b["email"] != "new@example.com" || b["email_verified"] != false || len(text(t, b, "_id")) != 24 {
		t.Fatalf("signup %d %v", status, b)
	}
	status, b = post(t, s.Tenant, "dbconnections/signup", form...)
	if status != 400 || b["code"] != "invalid_signup" || b["description"] != "Invalid sign up" || b["name"] != "BadRequestError" {
		t.Errorf("second signup %d %v", status, b)
	}
	status, b = post(t, s.Tenant, "dbconnections/signup", append(form, "password", "weak", "email", "weak@example.com")...)
	if status != 400 || b["code"] != "invalid_password" {
		t.Errorf("weak password %d %v", status, b)
	}
	sent := s.Outbox()
	if res, err := s.HTTPClient().Get(sent[len(sent)-1].URL); err != nil || res.StatusCode != 200 {
		t.Errorf("verification link: %v", err)
	}
	if id := claims(t, s.Tenant, s.mustLogin(t, auth0test.Login{Identifier: "new@example.com", Password: "Correct-H0rse"}).ID); id["email_verified"] != true {
		t.Errorf("ID token %v", id)
	}
	for _, email := range []string{"nobody@example.com", "new@example.com"} {
		res, err := s.HTTPClient().PostForm(home+"dbconnections/change_password", values("client_id", s.app.ID, "connection", auth0test.DefaultConnection, "email", email))
		if err != nil {
			t.Fatal(err)
		}
		if status, got := body(t, res); status != 200 || got != "We've just sent you an email to reset your password." {
			t.Errorf("%s: %d %s", email, status, got)
		}
	}
	reset := s.Outbox()[len(sent)].URL
	for _, c := range []struct {
		one, two string
		status   int
	}{{"Next-Passw0rd", "other", 400}, {"weak", "weak", 400}, {"Next-Passw0rd", "Next-Passw0rd", 200}, {"Next-Passw0rd", "Next-Passw0rd", 400}} {
		res, err := s.HTTPClient().PostForm(reset, values("newPassword", c.one, "confirmNewPassword", c.two))
		if err != nil || res.StatusCode != c.status {
			t.Errorf("reset with %q: %v, %v", c.one, res.StatusCode, err)
		}
	}
	s.mustLogin(t, auth0test.Login{Identifier: "new@example.com", Password: "Next-Passw0rd"})
}

func TestUnblockLink(t *testing.T) {
	t.Parallel()
	s := newScene(auth0test.Options{})
	for range 10 {
		s.login(t, auth0test.Login{Identifier: "ada@example.com", Password: "wrong", IP: "192.0.2.1"})
	}
	_, err := s.login(t, auth0test.Login{IP: "192.0.2.1"})
	if err == nil || !strings.Contains(err.Error(), "blocked after multiple consecutive login attempts") {
		t.Fatalf("not blocked: %v", err)
	}
	s.mustLogin(t, auth0test.Login{IP: "192.0.2.2"})
	sent := s.Outbox()
	if res, err := s.HTTPClient().Get(sent[len(sent)-1].URL); err != nil || res.StatusCode != 200 {
		t.Fatalf("unblock: %v", err)
	}
	s.mustLogin(t, auth0test.Login{IP: "192.0.2.1"})
}

func TestPasswordless(t *testing.T) {
	t.Parallel()
	s := newScene(auth0test.Options{})
	s.AddConnection("email", "email")
	start := func() auth0test.Message {
		t.Helper()
		status, b := post(t, s.Tenant, "passwordless/start", "client_id", s.app.ID, "connection", "email", "email", "eve@example.com", "send", "code")
		if status != 200 || b["email"] != "eve@example.com" {
			t.Fatalf("start %d %v", status, b)
		}
		sent := s.Outbox()
		return sent[len(sent)-1]
	}
	with := func(otp string) (int, object) {
		return exchange(t, s.Tenant, "grant_type", "http://auth0.com/oauth/grant-type/passwordless/otp", "client_id", s.app.ID,
			"client_secret", s.app.Secret, "realm", "email", "username", "eve@example.com", "otp", otp, "scope", "openid email")
	}
	code := start().Code
	status, b := with("x")
	wantError(t, status, b, 403, "invalid_grant", "Wrong email or verification code.")
	status, b = with(code)
	if status != 200 || claims(t, s.Tenant, text(t, b, "id_token"))["email_verified"] != true {
		t.Fatalf("got %d %v", status, b)
	}
	if status, _ := with(code); status != 403 {
		t.Error("a code works twice")
	}
	code = start().Code
	for range 3 {
		with("x")
	}
	if status, _ := with(code); status != 403 {
		t.Error("a code survives three guesses")
	}
}

func TestSuspiciousAddressIsThrottled(t *testing.T) {
	t.Parallel()
	s := newScene(auth0test.Options{})
	var users []string
	for i := range 101 {
		users = append(users, s.AddUser(resource.User{Email: "user" + string(rune('a'+i%26)) + string(rune('a'+i/26)) + "@example.com"}, ""))
	}
	try := func(name string) (int, object) {
		return exchange(t, s.Tenant, "grant_type", "password", "client_id", s.app.ID, "client_secret", s.app.Secret, "username", name, "password", "wrong")
	}
	for _, u := range users[:100] {
		if status, _ := try(u); status != 403 {
			t.Fatalf("got %d", status)
		}
	}
	status, b := try("ada@example.com")
	wantError(t, status, b, 429, "too_many_attempts", "We have detected suspicious login behavior and further attempts will be blocked. Please contact the administrator.")
	s.Advance(15 * time.Minute)
	if status, _ := try("ada@example.com"); status != 403 {
		t.Errorf("after a while: %d", status)
	}
}
