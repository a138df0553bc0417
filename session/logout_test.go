package session_test

import (
	"context"
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"io"
	"maps"
	"math/big"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/auth0kit/auth0kit/audit"
	"github.com/auth0kit/auth0kit/session"
)

const (
	clientID    = "my-client"
	logoutEvent = "http://schemas.openid.net/event/backchannel-logout"
)

var signingKey = sync.OnceValue(func() *rsa.PrivateKey {
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		panic(err)
	}
	return key
})

// provider is an issuer with keys, as far as the receiver sees one.
type provider struct {
	issuer string
	down   atomic.Bool
}

func newProvider(t testing.TB) *provider {
	t.Helper()
	p := &provider{}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if p.down.Load() || r.URL.Path != "/.well-known/jwks.json" {
			http.Error(w, "no", http.StatusInternalServerError)
			return
		}
		public := signingKey().PublicKey
		_ = json.NewEncoder(w).Encode(map[string]any{"keys": []any{map[string]any{
			"kid": "k1", "kty": "RSA", "alg": "RS256", "use": "sig",
			"n": base64.RawURLEncoding.EncodeToString(public.N.Bytes()),
			"e": base64.RawURLEncoding.EncodeToString(big.NewInt(int64(public.E)).Bytes()),
		}}})
	}))
	t.Cleanup(server.Close)
	p.issuer = server.URL + "/"
	return p
}

// claims are those of a good logout token, with changes; nil takes one away.
func (p *provider) claims(changes map[string]any) map[string]any {
	c := map[string]any{
		"iss": p.issuer, "aud": clientID, "iat": start.Unix(), "exp": start.Add(2 * time.Minute).Unix(), "jti": rand.Text(),
		"sub": "auth0|1", "sid": "sid1", "events": map[string]any{logoutEvent: map[string]any{}},
	}
	maps.Copy(c, changes)
	maps.DeleteFunc(c, func(_ string, v any) bool { return v == nil })
	return c
}

func sign(t testing.TB, typ string, claims map[string]any) string {
	t.Helper()
	part := func(v any) string {
		text, err := json.Marshal(v)
		if err != nil {
			t.Fatal(err)
		}
		return base64.RawURLEncoding.EncodeToString(text)
	}
	input := part(map[string]any{"alg": "RS256", "kid": "k1", "typ": typ}) + "." + part(claims)
	sum := sha256.Sum256([]byte(input))
	signature, err := rsa.SignPKCS1v15(nil, signingKey(), crypto.SHA256, sum[:])
	if err != nil {
		t.Fatal(err)
	}
	return input + "." + base64.RawURLEncoding.EncodeToString(signature)
}

func receiver(t testing.TB, m *session.Manager, p *provider, cfg session.LogoutConfig) http.Handler {
	t.Helper()
	h, err := session.BackChannelLogout(m, p.issuer, clientID, cfg)
	if err != nil {
		t.Fatal(err)
	}
	return h
}

func post(h http.Handler, form url.Values) *httptest.ResponseRecorder {
	w := httptest.NewRecorder()
	r := httptest.NewRequestWithContext(context.Background(), "POST", "/backchannel", strings.NewReader(form.Encode()))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	h.ServeHTTP(w, r)
	return w
}

func postToken(h http.Handler, token string) *httptest.ResponseRecorder {
	return post(h, url.Values{"logout_token": {token}})
}

// TestBackChannelLogout: 7.4.1, 10.5.5: a good token ends what it says and is
// answered 200 with no-store.
func TestBackChannelLogout(t *testing.T) {
	t.Parallel()
	p, log := newProvider(t), audit.NewMemory()
	m := newSetup(t, session.Config{Recorder: log})
	h := receiver(t, m.Manager, p, session.LogoutConfig{})
	sid1, sid2 := m.login(t, session.Login{UserID: "auth0|1", SID: "sid1"}), m.login(t, session.Login{UserID: "auth0|1", SID: "sid2"})
	other := m.login(t, session.Login{UserID: "auth0|2", SID: "sid3"})

	w := postToken(h, sign(t, "logout+jwt", p.claims(nil)))
	if w.Code != http.StatusOK || w.Header().Get("Cache-Control") != "no-store" {
		t.Fatalf("answer = %d %v %s", w.Code, w.Header(), w.Body)
	}
	wantInvalid(t, m.Manager, sid1, session.ErrRevoked)
	wantValid(t, m.Manager, sid2)
	_, _, err := m.Create(t.Context(), session.Login{UserID: "auth0|1", SID: "sid1"})
	wantErr(t, "a login with the session that has ended", err, session.ErrRevoked)

	if w := postToken(h, sign(t, "application/logout+jwt", p.claims(map[string]any{"sid": nil, "aud": []string{"other", clientID}}))); w.Code != http.StatusOK {
		t.Fatalf("with sub alone: %d %s", w.Code, w.Body)
	}
	wantInvalid(t, m.Manager, sid2, session.ErrRevoked)
	wantValid(t, m.Manager, other)
	if w := postToken(h, sign(t, "logout+jwt", p.claims(map[string]any{"sub": nil, "sid": "sid3"}))); w.Code != http.StatusOK {
		t.Fatalf("with sid alone: %d %s", w.Code, w.Body)
	}
	wantInvalid(t, m.Manager, other, session.ErrRevoked)
	if last := log.Events()[len(log.Events())-2]; last.Action != "session.backchannel_logout" || last.Outcome != audit.Success {
		t.Fatalf("events = %v", log.Actions())
	}
}

// TestBadLogoutTokens: the thirteen that must be refused, and a few more. None
// of them ends anything.
func TestBadLogoutTokens(t *testing.T) {
	t.Parallel()
	p := newProvider(t)
	m := newSetup(t, session.Config{})
	h := receiver(t, m.Manager, p, session.LogoutConfig{})
	token := m.login(t, session.Login{UserID: "auth0|1", SID: "sid1"})
	with := func(changes map[string]any) string { return sign(t, "logout+jwt", p.claims(changes)) }
	replayed := with(map[string]any{"sid": "sid0", "sub": nil})
	if w := postToken(h, replayed); w.Code != http.StatusOK {
		t.Fatalf("the first use: %d %s", w.Code, w.Body)
	}
	good := with(nil)
	for name, bad := range map[string]struct{ token, reason string }{
		"wrong aud":         {with(map[string]any{"aud": "other"}), "audience"},
		"wrong iss":         {with(map[string]any{"iss": "https://evil.example/"}), "issuer"},
		"wrong typ":         {sign(t, "JWT", p.claims(nil)), "type"},
		"no event":          {with(map[string]any{"events": nil}), "event"},
		"nonce":             {with(map[string]any{"nonce": "n"}), "nonce"},
		"replayed jti":      {replayed, "replayed"},
		"old iat":           {with(map[string]any{"iat": start.Add(-2*time.Minute - time.Second).Unix()}), "age"},
		"no sid and no sub": {with(map[string]any{"sid": nil, "sub": nil}), "subject"},
		"bad signature":     {good[:len(good)-8] + "AAAAAAAA", "signature"},
		"ID token":          {sign(t, "logout+jwt", p.claims(map[string]any{"events": nil, "nonce": "n", "email": "a@b.c"})), "event"},
		"access token":      {sign(t, "at+jwt", p.claims(map[string]any{"events": nil, "scope": "openid"})), "type"},
		"future iat":        {with(map[string]any{"iat": start.Add(10 * time.Minute).Unix()}), "not_yet"},
		"oversized":         {with(map[string]any{"pad": strings.Repeat("x", 20<<10)}), "too_long"},

		"expired":            {with(map[string]any{"exp": start.Add(-time.Hour).Unix()}), "expired"},
		"no iat":             {with(map[string]any{"iat": nil}), "age"},
		"no jti":             {with(map[string]any{"jti": nil}), "jti"},
		"an empty jti":       {with(map[string]any{"jti": ""}), "jti"},
		"another event":      {with(map[string]any{"events": map[string]any{"x": map[string]any{}}}), "event"},
		"an event that is 1": {with(map[string]any{"events": map[string]any{logoutEvent: 1}}), "event"},
		"an event of null":   {with(map[string]any{"events": map[string]any{logoutEvent: nil}}), "event"},
		"events as a list":   {with(map[string]any{"events": []string{logoutEvent}}), "event"},
		"a nonce of null":    {sign(t, "logout+jwt", nonceOfNull(p)), "nonce"},
		"a sid of 1":         {with(map[string]any{"sid": 1}), "subject"},
		"a long sid":         {with(map[string]any{"sid": strings.Repeat("x", 256)}), "subject"},
		"nothing":            {"", "malformed"},
		"nonsense":           {"a.b.c", "malformed"},
	} {
		w := postToken(h, bad.token)
		var body struct{ Error, Error_description string }
		if err := json.NewDecoder(w.Body).Decode(&body); err != nil {
			t.Fatal(err)
		}
		if w.Code != http.StatusBadRequest || w.Header().Get("Cache-Control") != "no-store" || body.Error != "invalid_request" {
			t.Errorf("%s: %d %v %+v", name, w.Code, w.Header(), body)
		}
		if body.Error_description != bad.reason {
			t.Errorf("%s is refused for %q, want %q", name, body.Error_description, bad.reason)
		}
		wantValid(t, m.Manager, token)
	}
	if w := postToken(h, good); w.Code != http.StatusOK {
		t.Fatalf("the good one: %d %s", w.Code, w.Body)
	}
}

func nonceOfNull(p *provider) map[string]any {
	c := p.claims(nil)
	c["nonce"] = nil
	return c
}

func TestBadLogoutRequests(t *testing.T) {
	t.Parallel()
	p := newProvider(t)
	m := newSetup(t, session.Config{})
	h := receiver(t, m.Manager, p, session.LogoutConfig{})
	good := sign(t, "logout+jwt", p.claims(nil))
	for name, form := range map[string]url.Values{
		"no token": {}, "two tokens": {"logout_token": {good, good}}, "a huge body": {"logout_token": {good}, "x": {strings.Repeat("x", 1<<20)}},
	} {
		if w := post(h, form); w.Code != http.StatusBadRequest || !strings.Contains(w.Body.String(), "form") {
			t.Errorf("%s: %d %s", name, w.Code, w.Body)
		}
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, httptest.NewRequest("GET", "/backchannel?logout_token="+good, nil))
	if w.Code != http.StatusMethodNotAllowed || w.Header().Get("Allow") != "POST" {
		t.Errorf("GET: %d %v", w.Code, w.Header())
	}
	w = httptest.NewRecorder() // the query is no form
	h.ServeHTTP(w, httptest.NewRequest("POST", "/backchannel?logout_token="+good, nil))
	if w.Code != http.StatusBadRequest {
		t.Errorf("POST with a query: %d", w.Code)
	}
}

// TestLogoutTokenOnce: of the same token posted many times at once, one counts.
func TestLogoutTokenOnce(t *testing.T) {
	t.Parallel()
	p := newProvider(t)
	h := receiver(t, newSetup(t, session.Config{}).Manager, p, session.LogoutConfig{})
	token := sign(t, "logout+jwt", p.claims(nil))
	var ok atomic.Int32
	var wg sync.WaitGroup
	for range 30 {
		wg.Go(func() {
			if postToken(h, token).Code == http.StatusOK {
				ok.Add(1)
			}
		})
	}
	wg.Wait()
	if ok.Load() != 1 {
		t.Fatalf("%d of 30 were accepted", ok.Load())
	}
}

// TestLogoutTypes: Auth0's documentation shows typ JWT; below auth0.com it is
// accepted, elsewhere only if asked for.
func TestLogoutTypes(t *testing.T) {
	t.Parallel()
	p := newProvider(t)
	m := newSetup(t, session.Config{})
	jwks := p.issuer + ".well-known/jwks.json"
	h := receiver(t, m.Manager, p, session.LogoutConfig{Types: []string{"logout+jwt", "JWT"}})
	if w := postToken(h, sign(t, "JWT", p.claims(nil))); w.Code != http.StatusOK {
		t.Errorf("JWT, asked for: %d %s", w.Code, w.Body)
	}
	p.issuer = "https://tenant.eu.auth0.com/"
	h = receiver(t, m.Manager, p, session.LogoutConfig{JWKS: jwks})
	for _, typ := range []string{"JWT", "logout+jwt"} {
		if w := postToken(h, sign(t, typ, p.claims(nil))); w.Code != http.StatusOK {
			t.Errorf("%s of a tenant: %d %s", typ, w.Code, w.Body)
		}
	}
	p.issuer = "https://notauth0.com/"
	h = receiver(t, m.Manager, p, session.LogoutConfig{JWKS: jwks})
	if w := postToken(h, sign(t, "JWT", p.claims(nil))); w.Code != http.StatusBadRequest {
		t.Errorf("JWT of another issuer: %d", w.Code)
	}
}

func TestLogoutConfig(t *testing.T) {
	t.Parallel()
	m := newSetup(t, session.Config{}).Manager
	noReplay, err := session.New(brokenStore{}, session.Config{})
	if err != nil {
		t.Fatal(err)
	}
	for name, f := range map[string]func() (http.Handler, error){
		"no manager": func() (http.Handler, error) {
			return session.BackChannelLogout(nil, "https://a.example/", "c", session.LogoutConfig{})
		},
		"no issuer": func() (http.Handler, error) { return session.BackChannelLogout(m, "", "c", session.LogoutConfig{}) },
		"path": func() (http.Handler, error) {
			return session.BackChannelLogout(m, "https://a.example/b", "c", session.LogoutConfig{})
		},
		"other provider": func() (http.Handler, error) {
			return session.BackChannelLogout(m, "a.example", "c", session.LogoutConfig{OtherProvider: true})
		},
		"no client": func() (http.Handler, error) {
			return session.BackChannelLogout(m, "https://a.example/", "", session.LogoutConfig{})
		},
		"no replay": func() (http.Handler, error) {
			return session.BackChannelLogout(noReplay, "https://a.example/", "c", session.LogoutConfig{})
		},
		"http": func() (http.Handler, error) {
			return session.BackChannelLogout(m, "http://a.example/", "c", session.LogoutConfig{})
		},
		"a day": func() (http.Handler, error) {
			return session.BackChannelLogout(m, "https://a.example/", "c", session.LogoutConfig{MaxAge: 24 * time.Hour})
		},
	} {
		if _, err := f(); err == nil {
			t.Errorf("%s is accepted", name)
		}
	}
}

// TestIssuerIsReadAsEverywhere: an issuer without its slash once refused each
// token of the tenant, so users stayed signed in after their logout.
func TestIssuerIsReadAsEverywhere(t *testing.T) {
	t.Parallel()
	p := newProvider(t)
	origin := strings.TrimSuffix(p.issuer, "/")
	realm := origin + "/realms/Acme"
	for _, c := range []struct {
		written, iss string
		cfg          session.LogoutConfig
		want         int
	}{
		{origin, origin + "/", session.LogoutConfig{}, http.StatusOK},
		{origin + "/", origin + "/", session.LogoutConfig{}, http.StatusOK},
		{strings.ToUpper(origin), origin + "/", session.LogoutConfig{}, http.StatusOK},
		{origin, origin, session.LogoutConfig{}, http.StatusBadRequest},
		{realm, realm, session.LogoutConfig{OtherProvider: true, JWKS: origin + "/.well-known/jwks.json"}, http.StatusOK},
		{realm, realm + "/", session.LogoutConfig{OtherProvider: true, JWKS: origin + "/.well-known/jwks.json"}, http.StatusBadRequest},
	} {
		m := newSetup(t, session.Config{})
		h, err := session.BackChannelLogout(m.Manager, c.written, clientID, c.cfg)
		require.NoError(t, err, c.written)
		token := m.login(t, session.Login{UserID: "auth0|1", SID: "sid1"})
		w := postToken(h, sign(t, "logout+jwt", p.claims(map[string]any{"iss": c.iss})))
		assert.Equal(t, c.want, w.Code, "%s: %s", c.written, w.Body)
		_, err = m.Validate(t.Context(), token)
		assert.Equal(t, c.want == http.StatusOK, errors.Is(err, session.ErrRevoked) || errors.Is(err, session.ErrNone), "%s: %v", c.written, err)
	}
}

// TestLogoutWhenNobodyCanTell: keys or store are away: 400, and a hint.
func TestLogoutWhenNobodyCanTell(t *testing.T) {
	t.Parallel()
	p := newProvider(t)
	p.down.Store(true)
	m := newSetup(t, session.Config{})
	w := postToken(receiver(t, m.Manager, p, session.LogoutConfig{}), sign(t, "logout+jwt", p.claims(nil)))
	if body, _ := io.ReadAll(w.Body); w.Code != http.StatusBadRequest || !strings.Contains(string(body), "temporarily_unavailable") {
		t.Fatalf("without keys: %d %s", w.Code, body)
	}
	p.down.Store(false)
	broken, err := session.New(brokenStore{errors.New("down")}, session.Config{Now: m.clock.Now})
	if err != nil {
		t.Fatal(err)
	}
	began := time.Now()
	w = postToken(receiver(t, broken, p, session.LogoutConfig{Replay: m.store}), sign(t, "logout+jwt", p.claims(nil)))
	if body, _ := io.ReadAll(w.Body); w.Code != http.StatusBadRequest || !strings.Contains(string(body), "temporarily_unavailable") {
		t.Fatalf("without a store: %d %s", w.Code, body)
	}
	if took := time.Since(began); took > 5*time.Second {
		t.Fatalf("the answer took %v; Auth0 waits 5 s", took)
	}
}

// FuzzBackChannelLogout: whatever is posted, only a signed token ends a session.
func FuzzBackChannelLogout(f *testing.F) {
	p := newProvider(f)
	m, err := session.New(session.NewMemory(), session.Config{Now: func() time.Time { return start }})
	if err != nil {
		f.Fatal(err)
	}
	h := receiver(f, m, p, session.LogoutConfig{})
	token, _, err := m.Create(f.Context(), session.Login{UserID: "auth0|1", SID: "sid1"})
	if err != nil {
		f.Fatal(err)
	}
	good := sign(f, "logout+jwt", p.claims(nil))
	f.Add("logout_token=" + good[:len(good)-4])
	f.Add("logout_token=a.b.c&logout_token=")
	f.Add("%zz")
	f.Add("logout_token=" + sign(f, "logout+jwt", p.claims(map[string]any{"aud": "x"})))
	f.Fuzz(func(t *testing.T, body string) {
		w := httptest.NewRecorder()
		r := httptest.NewRequest("POST", "/", strings.NewReader(body))
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		h.ServeHTTP(w, r)
		if _, err := m.Validate(t.Context(), token); err != nil || w.Code != http.StatusBadRequest {
			t.Fatalf("%q: %d, %v", body, w.Code, err)
		}
	})
}
