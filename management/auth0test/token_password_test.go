package auth0test_test

import (
	"testing"
	"time"

	"github.com/auth0kit/auth0kit/management/auth0test"
	"github.com/auth0kit/auth0kit/management/resource"
)

func TestPasswordGrants(t *testing.T) {
	t.Parallel()
	tenant := auth0test.NewTenant(auth0test.Options{})
	app := tenant.AddClient(auth0test.Application{})
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
	app := tenant.AddClient(auth0test.Application{})
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
	app := tenant.AddClient(auth0test.Application{RotateRefreshTokens: true})
	other := tenant.AddClient(auth0test.Application{})
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
