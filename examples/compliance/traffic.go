package main

import (
	"context"
	"errors"
	"fmt"

	"github.com/auth0kit/auth0kit/audit"
	"github.com/auth0kit/auth0kit/management/auth0test"
	"github.com/auth0kit/auth0kit/management/resource"
	"github.com/auth0kit/auth0kit/session"
)

// traffic is a tenant with some users.
type traffic struct {
	tenant *auth0test.Tenant
	users  []string
}

const password = "Correct horse 1"

func newTraffic() *traffic {
	t := &traffic{tenant: auth0test.NewTenant(auth0test.Options{})}
	t.tenant.AddClient(auth0test.Application{ID: "shop", CallbackURL: "https://shop.example.com/callback"})
	for i := range 20 {
		t.users = append(t.users, t.tenant.AddUser(resource.User{Email: email(i), EmailVerified: true}, password))
	}
	return t
}

func email(i int) string { return fmt.Sprintf("user%d@example.com", i) }

// happen is a day: logins and sessions, somebody who tries one password on every
// account, a refresh token that is used twice, and an administrator who switches
// protection off.
func (t *traffic) happen(ctx context.Context, events audit.Recorder) error {
	sessions, err := session.New(session.NewMemory(), session.Config{Recorder: events})
	if err != nil {
		return err
	}
	for i, id := range t.users[:8] {
		if err := t.login(ctx, i, password, fmt.Sprintf("198.51.100.%d", i+1)); err != nil {
			return err
		}
		token, _, err := sessions.Create(ctx, session.Login{UserID: id})
		if err != nil {
			return err
		}
		if i%4 == 0 {
			if err := sessions.Revoke(ctx, token); err != nil {
				return err
			}
		}
	}
	for i := range t.users {
		if err := t.login(ctx, i, "Winter2026!", "203.0.113.99"); err != nil {
			return err
		}
	}
	// What the tenant in this process does not do by itself.
	t.tenant.AddLog(map[string]any{"type": "ferrt", "client_id": "shop", "user_id": t.users[0], "ip": "203.0.113.99"})
	t.tenant.AddLog(map[string]any{
		"type": "sapi", "client_id": "dashboard", "ip": "203.0.113.99", "details": map[string]any{"request": map[string]any{
			"method": "patch", "path": "/api/v2/attack-protection/brute-force-protection", "body": map[string]any{"enabled": false},
			"auth": map[string]any{"user": map[string]any{"user_id": "auth0|admin"}},
		}},
	})
	return nil
}

// login logs a user in. That the tenant refuses is a part of the day.
func (t *traffic) login(ctx context.Context, i int, password, ip string) error {
	_, err := t.tenant.Login(ctx, auth0test.Login{Identifier: email(i), Password: password, IP: ip})
	if _, refused := errors.AsType[*auth0test.LoginError](err); refused {
		return nil
	}
	return err
}
