package auth0test

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"html"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"regexp"
	"slices"
	"strings"

	"github.com/auth0kit/auth0kit/management/auth0test/internal/authapi"
	"github.com/auth0kit/auth0kit/management/auth0test/internal/pages"
	"github.com/auth0kit/auth0kit/management/auth0test/internal/state"
	"github.com/auth0kit/auth0kit/management/auth0test/internal/store"
)

// Login holds a login for Tenant.Login. Identifier and Password are
// required.
type Login struct {
	ClientID   string // Defaults to the first application with a CallbackURL.
	Audience   string // Defaults to none: the access token is then for /userinfo only.
	OrgID      string // Defaults to none.
	Identifier string // Email, username or phone number.
	Password   string
	OTP        string // Code of the second factor. Defaults to the one in the Outbox, where one was sent.
	IP         string // Where the browser is. Defaults to 127.0.0.1.
	UserAgent  string // Defaults to Go's.

	Connection string            // Defaults to DefaultConnection.
	Invitation string            // Ticket of an invitation to OrgID; an invitee without an account signs up first.
	Decline    bool              // Say no where the application asks for consent, which is given otherwise.
	Parameters map[string]string // More parameters of /authorize: acr_values, max_age, …
}

// Tokens holds what a login returns.
type Tokens struct {
	Access, ID, Refresh string // Refresh is empty where the API allows no offline access.
}

// LoginError says why a login failed, as the application would have been told.
type LoginError struct {
	Code        string // "access_denied", …; "login_failed" when a page refused what was entered.
	Description string
}

// Error returns the code and the description.
func (e *LoginError) Error() string {
	return "auth0test: login: " + e.Code + ": " + e.Description
}

// Login logs a user in as a browser would, in process: /authorize by code and
// PKCE with every scope of the API, the login page, and the second factor when
// one is due, where it accepts a push notification, reads a code from the
// Outbox, and enrolls an authenticator app if that is asked for. Each call is a
// browser of its own. Failures of the login are a *LoginError.
func (t *Tenant) Login(ctx context.Context, l Login) (Tokens, error) {
	app, err := t.loginApp(l.ClientID)
	if err != nil {
		return Tokens{}, err
	}
	d := &driver{t: t, l: l, app: app, base: t.Issuer(), verifier: store.RandomID(43), state: store.RandomID(16), started: len(t.Outbox())}
	d.client = d.browser()
	code, err := d.authorize(ctx)
	if err != nil {
		return Tokens{}, err
	}
	return d.exchange(ctx, code)
}

func (t *Tenant) loginApp(id string) (*state.App, error) {
	t.s.Lock()
	defer t.s.Unlock()
	a := t.s.App(id)
	if id == "" {
		a = authapi.DefaultApp(t.s)
	}
	if a == nil || len(a.Callbacks) == 0 {
		return nil, errors.New("auth0test: login: there is no such application with a CallbackURL: add one with AddClient")
	}
	return a, nil
}

// driver is a browser with the person before it.
type driver struct {
	t        *Tenant
	l        Login
	app      *state.App
	base     string
	verifier string
	state    string
	started  int // Messages before the login.
	client   *http.Client
}

func (d *driver) browser() *http.Client {
	jar, _ := cookiejar.New(nil) // It cannot fail.
	handler := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if d.l.IP != "" {
			r.RemoteAddr = d.l.IP + ":50000"
			if strings.Contains(d.l.IP, ":") {
				r.RemoteAddr = "[" + d.l.IP + "]:50000"
			}
		}
		if d.l.UserAgent != "" {
			r.Header.Set("User-Agent", d.l.UserAgent)
		}
		d.t.ServeHTTP(w, r)
	})
	return &http.Client{
		Jar: jar, Transport: transport{handler},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}

// authorize goes through the pages until the application is called back.
func (d *driver) authorize(ctx context.Context) (code string, err error) {
	next := step{method: http.MethodGet, url: d.base + "authorize?" + d.request().Encode()}
	for range 40 {
		to, err := url.Parse(next.url)
		if err != nil {
			return "", fmt.Errorf("auth0test: login: %w", err)
		}
		if !d.isTenant(to) {
			return d.callback(to)
		}
		if next, err = d.tenantStep(ctx, next); err != nil {
			return "", err
		}
	}
	return "", errors.New("auth0test: login: the pages do not come to an end")
}

func (d *driver) isTenant(u *url.URL) bool {
	return strings.HasPrefix(d.base, u.Scheme+"://"+u.Host+"/")
}

func (d *driver) request() url.Values {
	sum := sha256.Sum256([]byte(d.verifier))
	scopes := []string{"openid", "profile", "email", "offline_access"}
	d.t.s.Lock()
	if api := d.t.s.APIView(d.l.Audience, d.base); api != nil {
		scopes = append(scopes, api.Scopes...)
	}
	d.t.s.Unlock()
	v := url.Values{
		"response_type": {"code"}, "client_id": {d.app.ID}, "redirect_uri": {d.app.Callbacks[0]},
		"scope": {strings.Join(scopes, " ")}, "state": {d.state}, "nonce": {store.RandomID(16)},
		"code_challenge": {base64.RawURLEncoding.EncodeToString(sum[:])}, "code_challenge_method": {"S256"},
	}
	for name, value := range map[string]string{
		"audience": d.l.Audience, "organization": d.l.OrgID, "invitation": d.l.Invitation, "connection": d.l.Connection,
	} {
		if value != "" {
			v.Set(name, value)
		}
	}
	for name, value := range d.l.Parameters {
		v.Set(name, value)
	}
	return v
}

// fill does what the person does at a page.
func (d *driver) fill(page, body string) (url.Values, error) {
	switch page {
	case pages.Login:
		return url.Values{"username": {d.l.Identifier}, "password": {d.l.Password}}, nil
	case pages.Signup:
		return url.Values{"email": {d.l.Identifier}, "password": {d.l.Password}}, nil
	case pages.Notice:
		return url.Values{}, nil
	case pages.Consent:
		if d.l.Decline {
			return url.Values{"action": {"deny"}}, nil
		}
		return url.Values{"action": {"accept"}}, nil
	case "mfa-push-challenge", "mfa-push-enrollment":
		m, err := d.message(func(m Message) bool { return m.push != nil })
		if err != nil {
			return nil, err
		}
		return url.Values{}, m.Approve()
	case "mfa-otp-enrollment":
		if m := secretElement.FindStringSubmatch(body); m != nil {
			return url.Values{"code": {d.t.OTP(m[1])}}, nil
		}
	}
	if !strings.HasPrefix(page, "mfa-") {
		return nil, &LoginError{"interaction_required", "the login asks for the page " + page}
	}
	if d.l.OTP != "" {
		return url.Values{"code": {d.l.OTP}}, nil
	}
	m, err := d.message(func(m Message) bool { return m.Kind == "mfa_oob_code" })
	return url.Values{"code": {m.Code}}, err
}

var (
	secretElement  = regexp.MustCompile(`<code id="secret">([A-Z2-7]+)</code>`)
	problemElement = regexp.MustCompile(`id="error(?:_description)?">([^<]*)<`)
)

// message finds the last message of this login.
func (d *driver) message(is func(Message) bool) (Message, error) {
	for _, m := range slices.Backward(d.t.Outbox()[d.started:]) {
		if is(m) {
			return m, nil
		}
	}
	return Message{}, &LoginError{"mfa_required", "a code is needed that is not in the Outbox: set Login.OTP"}
}

// callback reads what the application is told.
func (d *driver) callback(to *url.URL) (code string, err error) {
	v := to.Query()
	if e := v.Get("error"); e != "" {
		return "", &LoginError{e, v.Get("error_description")}
	}
	if v.Get("state") != d.state {
		return "", errors.New("auth0test: login: the state came back changed")
	}
	return v.Get("code"), nil
}

// exchange exchanges the code, as the application.
func (d *driver) exchange(ctx context.Context, code string) (Tokens, error) {
	form := url.Values{
		"grant_type": {authapi.GrantCode}, "client_id": {d.app.ID}, "code": {code},
		"code_verifier": {d.verifier}, "redirect_uri": {d.app.Callbacks[0]},
	}
	if d.app.AuthMethod != "none" {
		form.Set("client_secret", d.app.Secret)
	}
	res, err := d.send(ctx, http.MethodPost, d.base+"oauth/token", form)
	if err != nil {
		return Tokens{}, err
	}
	var answer struct {
		authapi.TokenSet
		Error       string `json:"error"`
		Description string `json:"error_description"`
	}
	if err := json.Unmarshal([]byte(res.body), &answer); err != nil {
		return Tokens{}, fmt.Errorf("auth0test: login: the token endpoint answered %d without JSON", res.status)
	}
	if answer.Error != "" {
		return Tokens{}, &LoginError{answer.Error, answer.Description}
	}
	return Tokens{Access: answer.Access, ID: answer.ID, Refresh: answer.Refresh}, nil
}

// visit is an answer that was read.
type visit struct {
	url      *url.URL
	location *url.URL // Nil where the answer is no redirect.
	status   int
	body     string
	problem  string // What an HTML page complains of.
}

func (d *driver) send(ctx context.Context, method, to string, form url.Values) (*visit, error) {
	r, err := step{method, to, form}.request(ctx)
	if err != nil {
		return nil, err
	}
	res, err := d.client.Do(r)
	if err != nil {
		return nil, fmt.Errorf("auth0test: login: %w", err)
	}
	defer res.Body.Close()
	b, err := io.ReadAll(res.Body)
	if err != nil {
		return nil, fmt.Errorf("auth0test: login: %w", err)
	}
	v := &visit{url: r.URL, status: res.StatusCode, body: string(b)}
	v.location, _ = res.Location()
	if all := problemElement.FindAllStringSubmatch(v.body, -1); len(all) > 0 {
		v.problem = html.UnescapeString(all[len(all)-1][1])
	}
	return v, nil
}
