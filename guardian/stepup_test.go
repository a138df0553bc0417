package guardian_test

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/auth0kit/auth0kit/guardian"
	"github.com/auth0kit/auth0kit/management/auth0test"
	"github.com/auth0kit/auth0kit/session"
	"github.com/auth0kit/auth0kit/tenancy"
)

func TestRequireMFA(t *testing.T) {
	inBubble(t, func(t *testing.T) {
		now := time.Now()
		var none *authentication
		for name, c := range map[string]struct {
			who    guardian.Authenticated
			maxAge time.Duration
			passes bool
		}{
			"fresh":            {&authentication{now.Add(-4 * time.Minute), []string{"pwd", "mfa"}}, 5 * time.Minute, true},
			"a tenant context": {&tenancy.TenantContext{AuthTime: now, AMR: []string{"mfa"}}, 5 * time.Minute, true},
			"too old":          {&authentication{now.Add(-5 * time.Minute), []string{"mfa"}}, 5 * time.Minute, false},
			"no second factor": {&authentication{now, []string{"pwd", "otp"}}, 5 * time.Minute, false},
			"no time":          {&authentication{time.Time{}, []string{"mfa"}}, 5 * time.Minute, false},
			"in the future":    {&authentication{now.Add(time.Hour), []string{"mfa"}}, 5 * time.Minute, false},
			"a clock ahead":    {&authentication{now.Add(30 * time.Second), []string{"mfa"}}, 5 * time.Minute, true},
			"nobody":           {nil, 5 * time.Minute, false},
			"a nil pointer":    {none, 5 * time.Minute, false},
			"no age":           {&authentication{now, []string{"mfa"}}, 0, false},
			"a negative age":   {&authentication{now, []string{"mfa"}}, -time.Hour, false},
		} {
			next := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(200) })
			challenge := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(401) })
			h := guardian.RequireMFA(c.maxAge, func(*http.Request) guardian.Authenticated { return c.who }, challenge)(next)
			w := httptest.NewRecorder()
			h.ServeHTTP(w, httptest.NewRequest("POST", "/transfer", nil))
			if passed := w.Code == 200; passed != c.passes {
				t.Errorf("%s: %d", name, w.Code)
			}
			if w.Code == 401 && w.Header().Get("Cache-Control") != "no-store" {
				t.Errorf("%s: the challenge may be cached", name)
			}
		}
	})
}

// A password typed again must not make the second factor of an hour ago fresh.
func TestRequireMFALooksAtTheTimeOfTheFactor(t *testing.T) {
	t.Parallel()
	sessions, err := session.New(session.NewMemory(), session.Config{})
	if err != nil {
		t.Fatal(err)
	}
	token, _, err := sessions.Create(t.Context(), session.Login{
		UserID: "auth0|1", AMR: []string{"pwd", "mfa"}, AuthTime: time.Now().Add(-time.Hour),
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, step := range []struct {
		method string
		want   int
	}{{"pwd", 401}, {"mfa", 200}} {
		if token, err = sessions.StepUp(t.Context(), token, time.Now(), step.method); err != nil {
			t.Fatal(err)
		}
		current, err := sessions.Validate(t.Context(), token)
		if err != nil {
			t.Fatal(err)
		}
		if at, amr := current.Authentication(); time.Since(at) > time.Minute || !slices.Contains(amr, "mfa") {
			t.Fatalf("Authentication = %v, %v: the test shows nothing", at, amr)
		}
		challenge := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(401) })
		next := http.HandlerFunc(func(http.ResponseWriter, *http.Request) {})
		w := httptest.NewRecorder()
		who := func(*http.Request) guardian.Authenticated { return current }
		guardian.RequireMFA(5*time.Minute, who, challenge)(next).ServeHTTP(w, httptest.NewRequest("POST", "/transfer", nil))
		if w.Code != step.want {
			t.Errorf("after a step-up by %s: %d, want %d", step.method, w.Code, step.want)
		}
		if proof, err := guardian.Proven("auth0|1", current); err != nil || step.method == "pwd" && time.Since(proof.Time) < time.Minute {
			t.Errorf("after a step-up by %s: Proven = %v, %v", step.method, proof, err)
		}
	}
}

func TestProven(t *testing.T) {
	t.Parallel()
	var none *authentication
	for name, a := range map[string]guardian.Authenticated{
		"nobody": nil, "a nil pointer": none, "a password": &authentication{time.Now(), []string{"pwd"}}, "no time": &authentication{amr: []string{"mfa"}},
	} {
		if v, err := guardian.Proven("auth0|1", a); !errors.Is(err, guardian.ErrStepUp) || v != nil {
			t.Errorf("%s: %v, %v", name, v, err)
		}
	}
	v, err := guardian.Proven("auth0|1", &authentication{time.Now(), []string{"mfa"}})
	if err != nil || v.UserID != "auth0|1" {
		t.Errorf("%v, %v", v, err)
	}
}

func validStepUp() guardian.StepUp {
	return guardian.StepUp{
		Issuer: "https://tenant.eu.auth0.com/", ClientID: "app", RedirectURI: "https://app.example.com/callback",
		State: "s", Nonce: "n", CodeChallenge: "c", MaxAge: 5 * time.Minute,
	}
}

func TestStepUpURL(t *testing.T) {
	t.Parallel()
	link, err := validStepUp().URL()
	if err != nil {
		t.Fatal(err)
	}
	u, err := url.Parse(link)
	if err != nil {
		t.Fatal(err)
	}
	q := u.Query()
	for name, want := range map[string]string{
		"acr_values": guardian.ACRMultiFactor, "max_age": "300", "response_type": "code", "code_challenge_method": "S256",
		"client_id": "app", "redirect_uri": "https://app.example.com/callback", "state": "s", "nonce": "n", "code_challenge": "c", "scope": "openid",
	} {
		if q.Get(name) != want {
			t.Errorf("%s is %q, want %q", name, q.Get(name), want)
		}
	}
	if !strings.HasPrefix(link, "https://tenant.eu.auth0.com/authorize?") {
		t.Error(link)
	}
	domain := validStepUp()
	domain.Issuer = "Tenant.eu.auth0.com"
	same, err := domain.URL()
	require.NoError(t, err)
	assert.Equal(t, link, same)
	for field, change := range map[string]func(*guardian.StepUp){
		"Issuer": func(u *guardian.StepUp) { u.Issuer = "http://tenant.eu.auth0.com/" }, "ClientID": func(u *guardian.StepUp) { u.ClientID = "" },
		"RedirectURI": func(u *guardian.StepUp) { u.RedirectURI = "" }, "State": func(u *guardian.StepUp) { u.State = "" },
		"Nonce": func(u *guardian.StepUp) { u.Nonce = "" }, "CodeChallenge": func(u *guardian.StepUp) { u.CodeChallenge = "" },
		"MaxAge": func(u *guardian.StepUp) { u.MaxAge = -1 },
	} {
		bad := validStepUp()
		change(&bad)
		if _, err := bad.URL(); err == nil || !strings.Contains(err.Error(), "StepUp."+field) {
			t.Errorf("%s: %v", field, err)
		}
	}
}

// A login with what StepUp sends is asked for the factor, and its ID token is what
// Check wants.
func TestStepUpAtTheTenant(t *testing.T) {
	onStage(t, guardian.Config{}, func(s *stage) {
		seed := s.tenant.Enroll(s.user, "otp", "")
		link, err := validStepUp().URL()
		if err != nil {
			s.Fatal(err)
		}
		u, err := url.Parse(link)
		if err != nil {
			s.Fatal(err)
		}
		sent := time.Now()
		tokens, err := s.tenant.Login(s.Context(), auth0test.Login{
			ClientID: s.app.ID, Identifier: "ada@example.com", Password: password, OTP: s.otp(seed),
			Parameters: map[string]string{"acr_values": u.Query().Get("acr_values"), "max_age": "0"},
		})
		if err != nil {
			s.Fatal(err)
		}
		raw, err := base64.RawURLEncoding.DecodeString(strings.Split(tokens.ID, ".")[1])
		if err != nil {
			s.Fatal(err)
		}
		var claims guardian.StepUpClaims
		if err := json.Unmarshal(raw, &claims); err != nil {
			s.Fatal(err)
		}
		at, amr, err := claims.Check(s.user, sent)
		if err != nil || !slices.Contains(amr, "mfa") || at.Before(sent.Add(-time.Second)) {
			s.Errorf("%v %v %v", at, amr, err)
		}
		for name, c := range map[string]guardian.StepUpClaims{
			"another user": {"auth0|2", claims.AuthTime, amr}, "no factor": {s.user, claims.AuthTime, nil},
			"no time": {s.user, 0, amr}, "before": {s.user, claims.AuthTime - 3600, amr},
		} {
			if _, _, err := c.Check(s.user, sent); !errors.Is(err, guardian.ErrStepUp) {
				s.Errorf("%s: %v", name, err)
			}
		}
	})
}
