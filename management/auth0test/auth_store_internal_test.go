package auth0test

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"
)

func TestTOTPVectors(test *testing.T) {
	test.Parallel()
	secret := base32NoPadding.EncodeToString([]byte("12345678901234567890")) // RFC 6238, appendix B.
	for at, want := range map[int64]string{59: "287082", 1111111109: "081804", 1234567890: "005924", 20000000000: "353130"} {
		if got := totpAt(secret, time.Unix(at, 0)); got != want {
			test.Errorf("at %d: %s, want %s", at, got, want)
		}
	}
	now := time.Unix(1234567890, 0)
	current := now.Unix() / 30
	for step, want := range map[int64]bool{-2: false, -1: true, 0: true, 1: true, 2: false} {
		if _, ok := checkTOTP(secret, totpCode(secret, current+step), 0, now); ok != want {
			test.Errorf("a code %d steps away: %v", step, ok)
		}
	}
	if _, ok := checkTOTP(secret, totpCode(secret, current), current, now); ok {
		test.Error("a spent code works")
	}
	if totpCode("not base32!", 1) != "" {
		test.Error("a code without a secret")
	}
}

func TestKeyPairsAreAllDifferent(test *testing.T) {
	test.Parallel()
	seen := map[[2]int]bool{}
	for n := range 1000 {
		i, j := pair(n)
		if i >= j || seen[[2]int{i, j}] {
			test.Fatalf("pair %d is %d, %d", n, i, j)
		}
		seen[[2]int{i, j}] = true
	}
	k := newRSAKey()
	if err := k.Validate(); err != nil || k.N.BitLen() != 2048 {
		test.Errorf("key of %d bits: %v", k.N.BitLen(), err)
	}
}

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

func TestFactorStore(test *testing.T) {
	test.Parallel()
	t, _, id := stage(Options{})
	t.Enroll(id, "otp", "")
	t.Enroll(id, "recovery-code", "")
	now := t.lock()
	defer t.mu.Unlock()
	s := &t.authState.factors
	e := s.byUser[id][0]
	if s.byID(e.id) != e || s.get(id, e.id) != e || s.get("auth0|other", e.id) != nil || s.byID("totp|dev_x") != nil {
		test.Error("an enrolment is not found by its id, or where it is not")
	}
	s.browsers["a"], s.browsers["b"] = rememberedBrowser{id, now}, rememberedBrowser{"auth0|other", now}
	if s.forgetBrowsers(id); len(s.browsers) != 1 {
		test.Errorf("browsers %v", s.browsers)
	}
	if n := s.remove(id, func(x *enrolment) bool { return x == e }); n != 1 || len(s.byUser[id]) != 0 {
		test.Error("the recovery code outlives the last factor")
	}
}

func TestKeysAreRevokedByID(test *testing.T) {
	test.Parallel()
	t := NewTenant(Options{})
	first := t.keys.signer()
	token := t.Sign(nil, map[string]any{"exp": t.now().Add(time.Hour)})
	if t.keys.revoke("nothing", t.now()) != nil || t.keys.revoke(first.kid, t.now()) != first {
		test.Error("the wrong key was revoked")
	}
	if _, err := t.verify(token); !errors.Is(err, errSignature) || t.keys.signer() == first {
		test.Errorf("after the current key was revoked: %v", err)
	}
}

func TestRefreshLeewayAllowsTheTokenBefore(test *testing.T) {
	test.Parallel()
	t, _, _ := stage(Options{})
	app := t.AddClient(Client{RotateRefreshTokens: true, CallbackURL: "https://app.example.com/callback"})
	t.lock()
	t.clients.get(app.ID).doc["refresh_token"].(map[string]any)["leeway"] = 30
	t.mu.Unlock()
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
