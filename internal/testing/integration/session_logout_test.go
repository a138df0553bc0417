package integration

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/coreos/go-oidc/v3/oidc"

	"github.com/auth0kit/auth0kit/management/auth0test"
	"github.com/auth0kit/auth0kit/management/resource"
	"github.com/auth0kit/auth0kit/session"
	"github.com/auth0kit/auth0kit/tenancy"
)

// sessionApp is an application with sessions at a tenant, whose logout tokens it
// keeps as they came.
type sessionApp struct {
	tenant   *auth0test.Tenant
	sessions *session.Manager
	receiver http.Handler
	client   auth0test.Application
	tokens   chan string
	cutoff   *tenancy.Cutoff // What ends here ends at the API.
}

func newSessionApp(t *testing.T) *sessionApp {
	t.Helper()
	a := &sessionApp{tokens: make(chan string, 10)}
	a.tenant = auth0test.NewTenant(auth0test.Options{
		Domain: "tenant.eu.auth0.com", Outgoing: auth0test.HandlerTransport(http.HandlerFunc(a.backChannel)),
	})
	a.client = a.tenant.AddClient(auth0test.Application{
		CallbackURL: "https://app.example/callback", BackChannelLogoutURL: "https://app.example/backchannel",
	})
	store := session.NewMemory()
	var err error
	if a.cutoff, err = tenancy.NewCutoff(tenancy.NewMemory(), tenancy.CutoffConfig{}); err != nil {
		t.Fatal(err)
	}
	a.sessions, err = session.New(store, session.Config{
		Revoker: a.tenant.Management(), Outbox: store, Cutoff: a.cutoff, Keys: [][]byte{[]byte("0123456789abcdef0123456789abcdef")},
	})
	if err != nil {
		t.Fatal(err)
	}
	a.receiver, err = session.BackChannelLogout(a.sessions, a.tenant.Issuer(), a.client.ID, session.LogoutConfig{HTTPClient: a.tenant.HTTPClient()})
	if err != nil {
		t.Fatal(err)
	}
	return a
}

func (a *sessionApp) backChannel(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	r.Body = io.NopCloser(strings.NewReader(string(body)))
	a.receiver.ServeHTTP(w, r)
	form, _ := url.ParseQuery(string(body))
	a.tokens <- form.Get("logout_token")
}

// login signs a user in at the tenant and starts a session here. The session's
// payload is the ID token.
func (a *sessionApp) login(t *testing.T, email string) (session.Token, *session.Session) {
	t.Helper()
	tokens, err := a.tenant.Login(t.Context(), auth0test.Login{ClientID: a.client.ID, Identifier: email, Password: "correct horse"})
	if err != nil {
		t.Fatal(err)
	}
	id, err := a.verifier(t).Verify(a.ctx(t), tokens.ID)
	if err != nil {
		t.Fatal(err)
	}
	var claims struct {
		SID string `json:"sid"`
	}
	if err := id.Claims(&claims); err != nil || claims.SID == "" {
		t.Fatalf("sid = %q, %v", claims.SID, err)
	}
	token, s, err := a.sessions.Create(t.Context(), session.Login{UserID: id.Subject, SID: claims.SID, Payload: []byte(tokens.ID)})
	if err != nil {
		t.Fatal(err)
	}
	return token, s
}

func (a *sessionApp) ctx(t *testing.T) context.Context {
	return oidc.ClientContext(t.Context(), a.tenant.HTTPClient())
}

// verifier is go-oidc's.
func (a *sessionApp) verifier(t *testing.T) *oidc.IDTokenVerifier {
	t.Helper()
	provider, err := oidc.NewProvider(a.ctx(t), a.tenant.Issuer())
	if err != nil {
		t.Fatal(err)
	}
	return provider.Verifier(&oidc.Config{ClientID: a.client.ID})
}

func (a *sessionApp) logoutToken(t *testing.T) string {
	t.Helper()
	select {
	case raw := <-a.tokens:
		return raw
	case <-time.After(20 * time.Second):
		t.Fatal("the tenant has sent no logout token")
		return ""
	}
}

// TestSessionEndsWithAuth0s ends a session at the tenant: its logout token ends
// the one here. go-oidc sees the same in the token.
func TestSessionEndsWithAuth0s(t *testing.T) {
	t.Parallel()
	a := newSessionApp(t)
	a.tenant.AddUser(resource.User{Email: "ada@example.com", Username: "ada"}, "correct horse")
	token, s := a.login(t, "ada@example.com")
	other, _ := a.login(t, "ada@example.com")
	a.rpLogout(t, s)
	raw := a.logoutToken(t)
	if _, err := a.sessions.Validate(t.Context(), token); !errors.Is(err, session.ErrRevoked) {
		t.Fatalf("Validate = %v", err)
	}
	if _, err := a.sessions.Validate(t.Context(), other); err != nil {
		t.Fatalf("another session of the user: %v", err)
	}
	logout, err := a.verifier(t).VerifyLogout(a.ctx(t), raw)
	if err != nil {
		t.Fatalf("go-oidc refuses what the receiver has accepted: %v", err)
	}
	if logout.SessionID != s.SID || logout.Subject != s.UserID {
		t.Fatalf("go-oidc sees %+v, the session was %+v", logout, s)
	}
	if w := a.post(raw); w.Code != http.StatusBadRequest {
		t.Fatalf("the same token again: %d", w.Code)
	}
}

// rpLogout signs the user out at the tenant, as a browser that is sent there does.
func (a *sessionApp) rpLogout(t *testing.T, s *session.Session) {
	t.Helper()
	target := a.tenant.Issuer() + "oidc/logout?" + url.Values{"id_token_hint": {string(s.Payload)}, "logout_hint": {s.SID}}.Encode()
	res, err := a.tenant.HTTPClient().Get(target)
	if err != nil {
		t.Fatal(err)
	}
	res.Body.Close()
}

func (a *sessionApp) post(raw string) *httptest.ResponseRecorder {
	w := httptest.NewRecorder()
	r := httptest.NewRequest("POST", "/backchannel", strings.NewReader(url.Values{"logout_token": {raw}}.Encode()))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	a.receiver.ServeHTTP(w, r)
	return w
}

// TestLogoutTokensLikeGoOIDC gives both the same tokens: what go-oidc refuses,
// the receiver does.
func TestLogoutTokensLikeGoOIDC(t *testing.T) {
	t.Parallel()
	a := newSessionApp(t)
	verifier := a.verifier(t)
	now := time.Now()
	good := func() map[string]any {
		return map[string]any{
			"iss": a.tenant.Issuer(), "aud": a.client.ID, "sub": "auth0|1", "sid": "s", "jti": uniqueName(), "iat": now,
			"exp": now.Add(time.Minute), "events": map[string]any{"http://schemas.openid.net/event/backchannel-logout": map[string]any{}},
		}
	}
	for name, change := range map[string]func(map[string]any){
		"good":      func(map[string]any) {},
		"no events": func(c map[string]any) { delete(c, "events") },
		"nonce":     func(c map[string]any) { c["nonce"] = "n" },
		"audience":  func(c map[string]any) { c["aud"] = "other" },
		"issuer":    func(c map[string]any) { c["iss"] = "https://other.example/" },
		"expired":   func(c map[string]any) { c["exp"] = now.Add(-time.Hour) },
	} {
		claims := good()
		change(claims)
		raw := a.tenant.Sign(map[string]any{"typ": "logout+jwt"}, claims)
		_, err := verifier.VerifyLogout(a.ctx(t), raw)
		if w := a.post(raw); (w.Code == http.StatusOK) != (err == nil) {
			t.Errorf("%s: the receiver answers %d %s, go-oidc %v", name, w.Code, w.Body, err)
		}
		if (err == nil) != (name == "good") {
			t.Errorf("%s: go-oidc says %v", name, err)
		}
	}
}

// TestAuth0EndsWithTheSession ends a session here: the outbox ends the tenant's,
// and the logout token that comes back harms nobody.
func TestAuth0EndsWithTheSession(t *testing.T) {
	t.Parallel()
	a := newSessionApp(t)
	a.tenant.AddUser(resource.User{Email: "ada@example.com", Username: "ada"}, "correct horse")
	token, s := a.login(t, "ada@example.com")
	if err := a.sessions.Revoke(t.Context(), token); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- a.sessions.Run(ctx) }()
	logout, err := a.verifier(t).VerifyLogout(a.ctx(t), a.logoutToken(t))
	if err != nil || logout.SessionID != s.SID {
		t.Fatalf("logout token = %+v, %v", logout, err)
	}
	cancel()
	if err := <-done; !errors.Is(err, context.Canceled) {
		t.Fatalf("Run = %v", err)
	}
	second, _ := a.login(t, "ada@example.com") // a new session at the tenant, so here too
	if _, err := a.sessions.Validate(t.Context(), second); err != nil {
		t.Fatal(err)
	}
}
