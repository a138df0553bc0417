package integration

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"regexp"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/pquerna/otp/totp"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/auth0kit/auth0kit/guardian"
	"github.com/auth0kit/auth0kit/management/auth0test"
	"github.com/auth0kit/auth0kit/management/resource"
	"github.com/auth0kit/auth0kit/session"
	"github.com/auth0kit/auth0kit/session/login"
)

var (
	_ guardian.Sessions = (*session.HTTP)(nil)
	_ guardian.Browser  = (*login.Held)(nil)
)

// factorsOf is a guardian.Service with a clock that can be moved.
func factorsOf(t require.TestingT, tenant *auth0test.Tenant) (*guardian.Service, func() time.Time, *atomic.Int64) {
	ahead := new(atomic.Int64)
	now := func() time.Time { return time.Now().Add(time.Duration(ahead.Load())) }
	s, err := guardian.New(tenant.Management(), guardian.Config{
		Store: guardian.NewMemory(), Keys: [][]byte{[]byte(strings.Repeat("k2", 16))}, Issuer: "Ledger", Now: now,
	})
	require.NoError(t, err)
	return s, now, ahead
}

// TestHeldLoginWithGuardian: guardian's verify page asks before there is a session,
// and a password alone enrolls nothing there.
func TestHeldLoginWithGuardian(t *testing.T) {
	t.Parallel()
	a := newLoginApp(t, login.Config{OnLogin: func(_ http.ResponseWriter, _ *http.Request, id *login.Identity) error {
		if !id.MFA {
			return login.Hold("/verify/")
		}
		return nil
	}})
	factors, now, ahead := factorsOf(t, a.tenant)
	pages, err := guardian.NewVerifyPages(factors, a.auth.Held(), guardian.PagesConfig{Path: "/verify"})
	require.NoError(t, err)
	a.mux.Handle("/verify/", pages)

	c := a.browser(t)
	page := a.signIn(t, c, "/account?tab=2")
	require.Equal(t, "/verify/", page.Request.URL.Path)
	page.Body.Close()
	for _, path := range []string{"enroll", "passkey", "recovery"} {
		res, err := c.PostForm(a.server.URL+"/verify/"+path, nil)
		require.NoError(t, err)
		assert.Equal(t, http.StatusNotFound, res.StatusCode, path)
		res.Body.Close()
	}

	key, err := factors.EnrollTOTP(t.Context(), a.ada, "Ada", nil)
	require.NoError(t, err)
	code, err := totp.GenerateCode(key.Secret(), now())
	require.NoError(t, err)
	_, err = factors.ConfirmTOTP(t.Context(), a.ada, code)
	require.NoError(t, err)
	ahead.Store(int64(31 * time.Second))
	code, err = totp.GenerateCode(key.Secret(), now())
	require.NoError(t, err)
	page = visit(t, c, a.server.URL+"/account?tab=2") // Auth0 knows Ada, so the page is there again
	require.Equal(t, "/verify/", page.Request.URL.Path)
	at, text := page.Request.URL, body(t, page)
	wrong := sendForm(t, c, text, at, "/verify/verify", url.Values{"code": {"000000"}})
	assert.NotEqual(t, http.StatusOK, wrong.StatusCode)
	wrong.Body.Close()
	list, err := a.sessions.List(t.Context(), a.ada)
	require.NoError(t, err)
	assert.Empty(t, list)
	res := sendForm(t, c, text, at, "/verify/verify", url.Values{"code": {code}})
	assert.Equal(t, a.server.URL+"/account?tab=2", res.Request.URL.String())
	assert.Contains(t, body(t, res), a.ada)
	res = visit(t, c, a.server.URL+"/payout")
	assert.Contains(t, body(t, res), "paid by")
}

var (
	anyForm     = regexp.MustCompile(`(?s)<form[^>]* action="([^"]*)".*?</form>`)
	hiddenField = regexp.MustCompile(`<input type="hidden" name="([^"]*)" value="([^"]*)"`)
)

// formOf returns what the form of a page with that action sends.
func formOf(text string, at *url.URL, action string) (*url.URL, url.Values) {
	for _, form := range anyForm.FindAllStringSubmatch(text, -1) {
		to, err := at.Parse(strings.ReplaceAll(form[1], "&amp;", "&"))
		if err != nil || to.Path != action {
			continue
		}
		v := url.Values{}
		for _, field := range hiddenField.FindAllStringSubmatch(form[0], -1) {
			v.Set(field[1], field[2])
		}
		return to, v
	}
	return nil, nil
}

func sendForm(t *testing.T, c *http.Client, text string, at *url.URL, action string, v url.Values) *http.Response {
	t.Helper()
	to, fields := formOf(text, at, action)
	require.NotNil(t, to, text)
	for name, values := range v {
		fields[name] = values
	}
	res, err := c.PostForm(to.String(), fields)
	require.NoError(t, err)
	return res
}

// mfaSite is guardian's pages behind sessions, and one browser whose answers arrive
// in any order.
type mfaSite struct {
	t       *rapid.T
	handler http.Handler
	jar     string
	lossy   bool // Answers get lost, and the user asks again.
	flights []*mfaFlight
}

// mfaFlight is a request on its way, in its handler, or its answer on its way back.
type mfaFlight struct {
	request *http.Request
	answer  *httptest.ResponseRecorder
	entered chan bool
	goOn    chan struct{}
	done    chan struct{}
	state   int // 0 leaves, 1 in the handler, 2 answered, 3 arrived
}

type flightKey struct{}

// gate stands between the session and the pages.
func gate(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if f, ok := r.Context().Value(flightKey{}).(*mfaFlight); ok {
			f.entered <- true
			<-f.goOn
		}
		next.ServeHTTP(w, r)
	})
}

func (s *mfaSite) request(ctx context.Context, method string, to *url.URL, v url.Values) *http.Request {
	r := httptest.NewRequestWithContext(ctx, method, to.String(), strings.NewReader(v.Encode()))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	r.Header.Set("Sec-Fetch-Mode", "navigate")
	r.Header.Set("Sec-Fetch-Site", "same-origin")
	r.Header.Set("Accept", "text/html")
	if s.jar != "" {
		r.AddCookie(&http.Cookie{Name: "__Host-session", Value: s.jar})
	}
	return r
}

func (s *mfaSite) leave(method string, to *url.URL, v url.Values) {
	f := &mfaFlight{answer: httptest.NewRecorder(), entered: make(chan bool), goOn: make(chan struct{}), done: make(chan struct{})}
	f.request = s.request(context.WithValue(context.Background(), flightKey{}, f), method, to, v)
	s.flights = append(s.flights, f)
}

func (s *mfaSite) step(f *mfaFlight) {
	switch f.state {
	case 0:
		go func() { defer close(f.done); s.handler.ServeHTTP(f.answer, f.request) }()
		select {
		case <-f.entered:
			f.state = 1
		case <-f.done:
			f.state = 2
		}
	case 1:
		close(f.goOn)
		<-f.done
		f.state = 2
	case 2:
		s.take(f.answer)
		f.state = 3
	}
}

func (s *mfaSite) take(answer *httptest.ResponseRecorder) {
	for _, c := range answer.Result().Cookies() {
		if c.MaxAge < 0 {
			s.t.Fatal("an answer takes the cookie away")
		}
		s.jar = c.Value
	}
}

// follow goes where an answer leads, as the page that the user sees does.
func (s *mfaSite) follow(at *url.URL, answer *httptest.ResponseRecorder) (*url.URL, string) {
	for range 10 {
		to := answer.Header().Get("Location")
		if to == "" {
			return at, answer.Body.String()
		}
		at, _ = at.Parse(to)
		answer = s.ask(http.MethodGet, at, nil)
	}
	s.t.Fatal("the pages lead in a circle")
	return nil, ""
}

// ask sends a request, and once more when its answer is lost.
func (s *mfaSite) ask(method string, to *url.URL, v url.Values) *httptest.ResponseRecorder {
	if s.lossy && rapid.IntRange(0, 3).Draw(s.t, "lost") == 0 {
		s.handler.ServeHTTP(httptest.NewRecorder(), s.request(context.Background(), method, to, v))
	}
	answer := httptest.NewRecorder()
	s.handler.ServeHTTP(answer, s.request(context.Background(), method, to, v))
	s.take(answer)
	return answer
}

func (s *mfaSite) open(address string) (*url.URL, string) {
	at, _ := url.Parse("https://app.example" + address)
	return s.follow(at, s.ask(http.MethodGet, at, nil))
}

var recoveryCode = regexp.MustCompile(`[A-Z2-7]{4,}(?:-[A-Z2-7]+)+`)

// TestBrowserModelOfGuardiansPages: a code that confirms an app is sent twice, while
// other requests are under way, and answers arrive in any order or are lost: the user
// sees the ten recovery codes, which are shown once, and is signed in with the factor.
//
// It is 500 schedules, and 10,000 where AUTH0KIT_LONG=1: one takes 15 ms of CPU without
// the race detector, for the QR code and for hashing the recovery codes, so that 10,000
// are 155 s.
func TestBrowserModelOfGuardiansPages(t *testing.T) {
	t.Parallel()
	hundreds := 5
	if os.Getenv("AUTH0KIT_LONG") == "1" {
		hundreds = 100
	}
	tenant := auth0test.NewTenant(auth0test.Options{})
	users := 0
	for range hundreds {
		guardianSchedules(t, tenant, &users)
	}
}

func guardianSchedules(t *testing.T, tenant *auth0test.Tenant, users *int) {
	rapid.Check(t, func(rt *rapid.T) {
		*users++
		user := tenant.AddUser(resource.User{Email: fmt.Sprintf("u%d@example.com", *users)}, "correct horse")
		factors, now, _ := factorsOf(rt, tenant)
		sessions, err := session.New(session.NewMemory(), session.Config{})
		require.NoError(rt, err)
		web, err := session.NewHTTP(sessions, session.HTTPConfig{})
		require.NoError(rt, err)
		pages, err := guardian.NewPages(factors, web, guardian.PagesConfig{})
		require.NoError(rt, err)
		s := &mfaSite{t: rt, handler: web.Require(gate(pages)), lossy: true}
		token, _, err := sessions.Create(context.Background(), session.Login{UserID: user, AuthTime: time.Now(), AMR: []string{"pwd"}})
		require.NoError(rt, err)
		s.jar = string(token)

		at, text := s.open("/mfa/")
		to, v := formOf(text, at, "/mfa/enroll")
		require.NotNil(rt, to, text)
		at, text = s.follow(to, s.ask(http.MethodPost, to, v))
		secret := regexp.MustCompile(`secret=([A-Z2-7]+)`).FindStringSubmatch(text)
		if secret == nil {
			grouped := regexp.MustCompile(`(?:[A-Z2-7]{4} ){3,}[A-Z2-7]{1,4}`).FindString(text)
			secret = []string{"", strings.ReplaceAll(grouped, " ", "")}
		}
		code, err := totp.GenerateCode(secret[1], now())
		require.NoError(rt, err, text)
		to, v = formOf(text, at, "/mfa/confirm")
		require.NotNil(rt, to, text)
		v.Set("code", code)

		// Two clicks, and what the page polls meanwhile.
		list, _ := url.Parse("https://app.example/mfa/")
		plan := []func(){func() { s.leave(http.MethodPost, to, v) }, func() { s.leave(http.MethodPost, to, v) }, func() { s.leave(http.MethodGet, list, nil) }}
		open := func() (all []*mfaFlight) {
			for _, f := range s.flights {
				if f.state < 3 {
					all = append(all, f)
				}
			}
			return all
		}
		for len(plan) > 0 || len(open()) > 0 {
			way := open()
			if len(plan) > 0 && (len(way) == 0 || rapid.Bool().Draw(rt, "next leaves")) {
				i := rapid.IntRange(0, len(plan)-1).Draw(rt, "who")
				plan[i]()
				plan = slices.Delete(plan, i, i+1)
				continue
			}
			s.step(way[rapid.IntRange(0, len(way)-1).Draw(rt, "which")])
		}
		// The browser shows the answer to the second click.
		var last *mfaFlight
		for _, f := range s.flights {
			if f.request.Method == http.MethodPost {
				last = f
			}
		}
		where, text := s.follow(to, last.answer)
		if got := len(recoveryCode.FindAllString(text, -1)); got < 10 {
			rt.Fatalf("%d recovery codes at %s (the second click was answered %d):\n%s", got, where, last.answer.Code, text)
		}
		to, v = formOf(text, where, "/mfa/codes")
		kept := s.ask(http.MethodPost, to, v)
		s.lossy = false // The next answer has the session's new token.
		if where, text = s.follow(to, kept); where.RequestURI() != "/mfa/?done=added" || !strings.Contains(text, "Authenticator app") {
			rt.Fatalf("after the codes comes %s:\n%s", where, text)
		}
		now1, err := sessions.Validate(context.Background(), session.Token(s.jar))
		if err != nil || now1.AuthenticatedBy("mfa").IsZero() {
			rt.Fatalf("who has proved a factor is not signed in with it: %+v, %v", now1, err)
		}
	})
}
