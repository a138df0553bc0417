package auth0test

import (
	"context"
	"errors"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/auth0kit/auth0kit/management/auth0test/internal/authapi"
	"github.com/auth0kit/auth0kit/management/auth0test/internal/state"
	"github.com/auth0kit/auth0kit/management/resource"
)

// stage is a tenant with an application and a user, seen from inside.
func stage(opts Options) (t *Tenant, app Application, userID string) {
	t = NewTenant(opts)
	app = t.AddClient(Application{CallbackURL: "https://app.example.com/callback"})
	return t, app, t.AddUser(resource.User{Email: "ada@example.com"}, "correct horse")
}

func ada(app Application) Login {
	return Login{ClientID: app.ID, Identifier: "ada@example.com", Password: "correct horse"}
}

func (t *Tenant) logCodes() (codes []string) {
	t.s.Lock()
	defer t.s.Unlock()
	for _, e := range t.s.Auth.Logs.Entries {
		codes = append(codes, e.Code)
	}
	return codes
}

func (t *Tenant) ask(test *testing.T, path string, pairs ...string) {
	test.Helper()
	v := url.Values{}
	for pair := range slices.Chunk(pairs, 2) {
		v.Set(pair[0], pair[1])
	}
	res, err := t.HTTPClient().PostForm(t.Issuer()+path, v)
	if err != nil {
		test.Fatal(err)
	}
	res.Body.Close()
}

// what gives the events of the log that some action causes.
func (t *Tenant) logOf(do func()) []string {
	before := len(t.logCodes())
	do()
	return t.logCodes()[before:]
}

func TestEventsAreLoggedWithTheirCodes(test *testing.T) {
	test.Parallel()
	t, app, id := stage(Options{})
	secret := t.Enroll(id, "otp", "")
	password := func(name, word string) {
		t.ask(test, "oauth/token", "grant_type", "password", "client_id", app.ID, "client_secret", app.Secret, "username", name, "password", word)
	}
	for _, c := range []struct {
		name string
		do   func()
		want string
	}{
		{"wrong password", func() { password("ada@example.com", "x") }, "fp"},
		{"unknown user", func() { password("eve@example.com", "x") }, "fu"},
		{"second factor due", func() { password("ada@example.com", "correct horse") }, "mfar"},
		{"hosted login", func() {
			l := ada(app)
			l.OTP = t.OTP(secret)
			if _, err := t.Login(context.Background(), l); err != nil {
				test.Fatal(err)
			}
		}, "gd_start_auth gd_auth_succeed s seacft"},
		{"wrong code", func() { l := ada(app); l.OTP = "x"; t.Login(context.Background(), l) }, "gd_start_auth gd_auth_failed"},
		{"bad code of a login", func() {
			t.ask(test, "oauth/token", "grant_type", "authorization_code", "client_id", app.ID, "client_secret", app.Secret, "code", "x")
		}, "feacft"},
		{"bad refresh token", func() {
			t.ask(test, "oauth/token", "grant_type", "refresh_token", "client_id", app.ID, "client_secret", app.Secret, "refresh_token", "x")
		}, "fertft"},
		{"machine", func() {
			m := t.Machine()
			t.ask(test, "oauth/token", "grant_type", "client_credentials", "client_id", m.ID, "client_secret", m.Secret, "audience", t.Issuer()+"api/v2/")
		}, "seccft"},
		{"bad machine", func() {
			t.ask(test, "oauth/token", "grant_type", "client_credentials", "client_id", app.ID, "client_secret", "x")
		}, "feccft"},
		{"silent login", func() {
			t.HTTPClient().Get(t.Issuer() + "authorize?response_type=code&prompt=none&client_id=" + app.ID)
		}, "fsa"},
		{"sign-up", func() {
			t.ask(test, "dbconnections/signup", "client_id", app.ID, "connection", DefaultConnection, "email", "b@example.com", "password", "Correct-H0rse")
		}, "ss"},
		{"logout", func() { t.HTTPClient().Get(t.Issuer() + "v2/logout") }, "slo"},
		{"password mail", func() {
			t.ask(test, "dbconnections/change_password", "client_id", app.ID, "connection", DefaultConnection, "email", "b@example.com")
		}, "scpr"},
	} {
		if got := strings.Join(t.logOf(c.do), " "); got != c.want {
			test.Errorf("%s: logged %q, want %q", c.name, got, c.want)
		}
	}
}

func TestLogEntriesAreInOrder(test *testing.T) {
	test.Parallel()
	t, app, id := stage(Options{})
	if _, err := t.Login(context.Background(), Login{ClientID: app.ID, Identifier: "ada@example.com", Password: "correct horse", IP: "192.0.2.7", UserAgent: "Test/1"}); err != nil {
		test.Fatal(err)
	}
	t.s.Lock()
	defer t.s.Unlock()
	last := ""
	for _, e := range t.s.Auth.Logs.Entries {
		d, id := e.Doc(), e.ID()
		if id <= last || len(id) != 56 || !strings.HasPrefix(id, "900"+e.At.Format("20060102150405")) || d["log_id"] != id {
			test.Errorf("entry %v after %s", d, last)
		}
		last = id
	}
	s := t.s.Auth.Logs.Entries[0].Doc()
	if s["type"] != "s" || s["user_id"] != id || s["ip"] != "192.0.2.7" || s["user_agent"] != "Test/1" || s["client_id"] != app.ID ||
		s["connection"] != DefaultConnection || s["strategy_type"] != "database" || s["hostname"] != DefaultDomain {
		test.Errorf("entry %v", s)
	}
}

func TestRevokingSessionsAndAccess(test *testing.T) {
	test.Parallel()
	for name, c := range map[string]struct {
		revoke            func(t *Tenant, userID string, first *state.Session)
		sessions, refresh int // That are left of two each.
	}{
		"one session":          {func(t *Tenant, _ string, s *state.Session) { t.s.RevokeSession(s) }, 1, 1},
		"delete a session":     {func(t *Tenant, _ string, s *state.Session) { t.s.EndSession(s, "session-revoked") }, 1, 2},
		"all sessions":         {func(t *Tenant, id string, _ *state.Session) { t.s.DeleteUserSessions(id, "", "session-revoked") }, 0, 2},
		"all access":           {func(t *Tenant, id string, _ *state.Session) { t.s.RevokeUserAccess(id, "", false) }, 0, 0},
		"access of a session":  {func(t *Tenant, id string, s *state.Session) { t.s.RevokeUserAccess(id, s.ID, false) }, 1, 1},
		"access but no tokens": {func(t *Tenant, id string, _ *state.Session) { t.s.RevokeUserAccess(id, "", true) }, 0, 2},
		"password":             {func(t *Tenant, id string, _ *state.Session) { t.s.PasswordChanged(id) }, 0, 0},
		"no such user":         {func(t *Tenant, _ string, _ *state.Session) { t.s.DeleteUserSessions("nobody", "", "session-revoked") }, 2, 2},
	} {
		t, app, id := stage(Options{})
		for range 2 {
			if _, err := t.Login(context.Background(), ada(app)); err != nil {
				test.Fatal(err)
			}
		}
		now := t.s.Lock()
		c.revoke(t, id, t.s.SessionsOf(id, now)[0])
		if s, r := len(t.s.SessionsOf(id, now)), len(t.s.Auth.Refresh.Of(id)); s != c.sessions || r != c.refresh {
			test.Errorf("%s: %d sessions and %d refresh tokens are left", name, s, r)
		}
		t.s.Unlock()
	}
}

// scripts is an engine whose Actions are functions of Go, by their code.
type scripts map[string]func(event, api map[string]any) error

func (s scripts) Run(_ context.Context, code string, event, api any) error {
	return s[code](event.(map[string]any), api.(map[string]any))
}

func call2(api map[string]any, object, method string, args ...any) {
	switch f := api[object].(map[string]any)[method].(type) {
	case func(string):
		f(args[0].(string))
	case func(string, any):
		f(args[0].(string), args[1])
	case func(any):
		f(args[0])
	}
}

// acting is a stage with an API whose login runs Actions; seen gets the event.
func acting(seen *map[string]any) (t *Tenant, l Login, userID string) {
	t, app, id := stage(Options{})
	t.AddAPI("https://api.example.com", "read:orders")
	t.RunScripts(scripts{
		"claims": func(event, api map[string]any) error {
			*seen = event
			call2(api, "idToken", "setCustomClaim", "https://x/plan", "gold")
			call2(api, "accessToken", "setCustomClaim", "https://x/ip", event["request"].(map[string]any)["ip"])
			call2(api, "accessToken", "addScope", "extra")
			call2(api, "accessToken", "removeScope", "profile")
			call2(api, "user", "setAppMetadata", "seen", true)
			return nil
		},
		"deny": func(event, api map[string]any) error { call2(api, "access", "deny", "not today"); return nil },
		"mfa":  func(event, api map[string]any) error { call2(api, "multifactor", "enable", "any", nil); return nil },
		"boom": func(event, api map[string]any) error { return errors.New("boom") },
	})
	l = ada(app)
	l.Audience, l.IP = "https://api.example.com", "192.0.2.9"
	return t, l, id
}

// bind puts Actions into the flow.
func (t *Tenant) bind(codes ...string) {
	t.s.Lock()
	defer t.s.Unlock()
	t.s.Auth.Actions.Bound = func(trigger string) (list []state.Action) {
		for _, c := range codes {
			list = append(list, state.Action{ID: c, Name: c, Code: c, Secrets: map[string]string{"key": "value"}})
		}
		return list
	}
}

func TestActionsChangeTokensAndMetadata(test *testing.T) {
	test.Parallel()
	var seen map[string]any
	t, l, id := acting(&seen)
	t.bind("claims")
	tokens, err := t.Login(context.Background(), l)
	if err != nil {
		test.Fatal(err)
	}
	idToken, err1 := t.s.Verify(tokens.ID)
	access, err2 := t.s.Verify(tokens.Access)
	if err := errors.Join(err1, err2); err != nil {
		test.Fatal(err)
	}
	if idToken["https://x/plan"] != "gold" || access["https://x/ip"] != "192.0.2.9" || access["scope"] != "openid email offline_access extra" {
		test.Errorf("ID token %v, access token %v", idToken, access)
	}
	if seen["user"].(map[string]any)["user_id"] != id || seen["secrets"].(map[string]string)["key"] != "value" ||
		seen["transaction"].(map[string]any)["protocol"] != "oidc-basic-profile" ||
		seen["authentication"].(map[string]any)["methods"].([]any)[0].(map[string]any)["name"] != "pwd" {
		test.Errorf("event %v", seen)
	}
	t.s.Lock()
	defer t.s.Unlock()
	if t.s.Users.Get(id).AppMetadata["seen"] != true {
		test.Error("the metadata is not there")
	}
}

func TestActionsRefuseAndAskForMore(test *testing.T) {
	test.Parallel()
	var seen map[string]any
	t, l, _ := acting(&seen)
	for code, want := range map[string]LoginError{
		"deny": {"access_denied", "not today"}, "boom": {"access_denied", "Unauthorized"},
	} {
		t.bind(code, "claims")
		_, err := t.Login(context.Background(), l)
		if e, is := errors.AsType[*LoginError](err); !is || *e != want {
			test.Errorf("%s: %v", code, err)
		}
	}
	t.SetFactor("otp", true)
	t.bind("mfa")
	tokens, err := t.Login(context.Background(), l)
	if err != nil {
		test.Fatal(err)
	}
	if claims, _ := t.s.Verify(tokens.ID); claims["amr"] == nil {
		test.Errorf("after an Action asked for a second factor: %v", claims)
	}
	if got := t.logOf(func() {
		app := authapi.DefaultApp(t.s)
		t.ask(test, "oauth/token", "grant_type", "refresh_token", "client_id", app.ID, "client_secret", app.Secret, "refresh_token", tokens.Refresh)
	}); !slices.Equal(got, []string{"mfar"}) {
		test.Errorf("a refresh under that Action logged %v", got)
	}
}
