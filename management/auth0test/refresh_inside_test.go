package auth0test

import (
	"context"
	"slices"
	"strings"
	"testing"
	"time"
)

func TestLifetimesOfRefreshTokens(test *testing.T) {
	test.Parallel()
	t, app, _ := stage(Options{})
	tokens, err := t.Login(context.Background(), ada(app))
	if err != nil {
		test.Fatal(err)
	}
	works := func() bool {
		return slices.Equal(t.logOf(func() {
			t.ask(test, "oauth/token", "grant_type", "refresh_token", "client_id", app.ID, "client_secret", app.Secret, "refresh_token", tokens.Refresh)
		}), []string{"sertft"})
	}
	for range 2 {
		t.Advance(14 * 24 * time.Hour) // Idle tokens live 15 days.
		if !works() {
			test.Fatal("the token died of idleness")
		}
	}
	t.Advance(3 * 24 * time.Hour) // All live 30 days.
	if works() {
		test.Error("the token lives for ever")
	}
}

func TestRefreshLeewayAllowsTheTokenBefore(test *testing.T) {
	test.Parallel()
	t, _, _ := stage(Options{})
	app := t.AddClient(Application{RotateRefreshTokens: true, CallbackURL: "https://app.example.com/callback"})
	t.s.Lock()
	t.s.Clients.Get(app.ID).Doc["refresh_token"].(map[string]any)["leeway"] = 30
	t.s.Unlock()
	tokens, err := t.Login(context.Background(), ada(app))
	if err != nil {
		test.Fatal(err)
	}
	exchange := func() string {
		return strings.Join(t.logOf(func() {
			t.ask(test, "oauth/token", "grant_type", "refresh_token", "client_id", app.ID, "client_secret", app.Secret, "refresh_token", tokens.Refresh)
		}), " ")
	}
	if got := exchange() + " " + exchange(); got != "sertft sertft" {
		test.Errorf("within the leeway: %s", got)
	}
	t.Advance(time.Minute)
	if got := exchange(); got != "ferrt" {
		test.Errorf("after the leeway: %s", got)
	}
}
