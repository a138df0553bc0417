package auth0test_test

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/auth0kit/auth0kit/management/auth0test"
)

func TestHostedSecondFactors(t *testing.T) {
	t.Parallel()
	s := newScene(auth0test.Options{})
	secret := s.Enroll(s.ada, "otp", "")
	tokens := s.mustLogin(t, auth0test.Login{OTP: s.OTP(secret)})
	if id := claims(t, s.Tenant, tokens.ID); !slices.Equal(id["amr"].([]any), []any{"mfa"}) {
		t.Errorf("ID token %v", id)
	}
	for name, code := range map[string]string{"spent code": s.OTP(secret), "wrong code": "000000"} {
		_, err := s.login(t, auth0test.Login{OTP: code})
		if e, is := errors.AsType[*auth0test.LoginError](err); !is || e.Description != "The code you entered is invalid" {
			t.Errorf("%s: %v", name, err)
		}
	}
	s.Advance(30 * time.Second)
	s.mustLogin(t, auth0test.Login{OTP: s.OTP(secret)})
	for factor, to := range map[string]string{"sms": "+4930123456", "email": "ada@example.com", "push-notification": ""} {
		s := newScene(auth0test.Options{})
		s.Enroll(s.ada, factor, to)
		tokens := s.mustLogin(t, auth0test.Login{})
		if id := claims(t, s.Tenant, tokens.ID); !slices.Equal(id["amr"].([]any), []any{"mfa"}) {
			t.Errorf("%s: ID token %v", factor, id)
		}
	}
}

func TestHostedEnrollment(t *testing.T) {
	t.Parallel()
	s := newScene(auth0test.Options{})
	s.SetMFAPolicies("all-applications")
	if id := claims(t, s.Tenant, s.mustLogin(t, auth0test.Login{}).ID); id["amr"] != nil {
		t.Error("a policy without a factor asks for one")
	}
	s.SetFactor("otp", true)
	s.SetFactor("recovery-code", true)
	if id := claims(t, s.Tenant, s.mustLogin(t, auth0test.Login{}).ID); !slices.Equal(id["amr"].([]any), []any{"mfa"}) {
		t.Errorf("ID token %v", id)
	}
	_, err := s.login(t, auth0test.Login{})
	if e, is := errors.AsType[*auth0test.LoginError](err); !is || e.Code != "mfa_required" {
		t.Errorf("the second login of an enrolled user: %v", err)
	}
}

func TestSecondFactorIsAskedForWhenDue(t *testing.T) {
	t.Parallel()
	s := newScene(auth0test.Options{})
	secret := s.Enroll(s.ada, "otp", "")
	browser := s.browser()
	login := func(remember string) {
		t.Helper()
		page, _ := s.authorize(t, browser)
		if page.Path == "/u/login" {
			page = enter(t, browser, page, "username", "ada@example.com", "password", "correct horse")
		}
		if page.Path != "/u/mfa-otp-challenge" {
			t.Fatalf("the login leads to %v", page)
		}
		pairs := []string{"code", s.OTP(secret)}
		if remember != "" {
			pairs = append(pairs, "rememberBrowser", remember)
		}
		if to := enter(t, browser, page, pairs...); to == nil || to.Query().Get("code") == "" {
			t.Fatalf("the factor leads to %v", to)
		}
		s.Advance(30 * time.Second)
	}
	login("")
	if to, _ := s.authorize(t, browser, "prompt", "none"); to.Query().Get("code") == "" {
		t.Errorf("an enrolled user is asked twice in a session: %v", to)
	}
	to, _ := s.authorize(t, browser, "prompt", "none", "acr_values", acrMFA)
	if q := to.Query(); q.Get("error") != "login_required" || q.Get("error_description") != "Multifactor authentication required" {
		t.Errorf("silent step-up: %v", to)
	}
	page, _ := s.authorize(t, browser, "acr_values", acrMFA)
	to = enter(t, browser, page, "code", s.OTP(secret))
	_, body := s.redeem(t, to.Query().Get("code"))
	if id := claims(t, s.Tenant, text(t, body, "id_token")); id["acr"] != acrMFA || !slices.Equal(id["amr"].([]any), []any{"mfa"}) {
		t.Errorf("ID token after step-up %v", id)
	}
	s.Advance(30 * time.Second)
	s.SetMFAPolicies("all-applications")
	login("true")
	if to, _ := s.authorize(t, browser, "prompt", "none"); to.Query().Get("code") == "" {
		t.Errorf("a remembered browser is asked: %v", to)
	}
}

func TestChoosingAnotherFactor(t *testing.T) {
	t.Parallel()
	s := newScene(auth0test.Options{})
	s.Enroll(s.ada, "otp", "")
	s.Enroll(s.ada, "sms", "+4930123456")
	recovery := s.Enroll(s.ada, "recovery-code", "")
	browser := s.browser()
	page, _ := s.authorize(t, browser)
	page = enter(t, browser, page, "username", "ada@example.com", "password", "correct horse")
	options := *page
	options.Path = "/u/mfa-login-options"
	res, err := browser.Get(options.String())
	if err != nil {
		t.Fatal(err)
	}
	status, html := body(t, res)
	id := between(html, `value="recovery-code|`, `"`)
	if status != 200 || id == "" || !strings.Contains(html, "Text message (XXXXXXX3456)") {
		t.Fatalf("options: %d %s", status, html)
	}
	page = enter(t, browser, &options, "action", "recovery-code|"+id)
	if page.Path != "/u/mfa-recovery-code-challenge" {
		t.Fatalf("choice leads to %v", page)
	}
	page = enter(t, browser, page, "code", recovery)
	if page == nil || page.Path != "/u/mfa-recovery-code-enrollment" {
		t.Fatalf("recovery code leads to %v", page)
	}
	res, err = browser.Get(page.String())
	if err != nil {
		t.Fatal(err)
	}
	if _, html := body(t, res); len(between(html, `id="secret">`, "<")) != 24 || strings.Contains(html, recovery) {
		t.Errorf("no new recovery code in %s", html)
	}
	if to := enter(t, browser, page); to == nil || to.Query().Get("code") == "" {
		t.Errorf("the end is %v", to)
	}
}
