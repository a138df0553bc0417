package guardian_test

import (
	"context"
	"encoding/json"
	"html"
	"html/template"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/netip"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/auth0kit/auth0kit/guardian"
	"github.com/auth0kit/auth0kit/guardian/driver"
	"github.com/auth0kit/auth0kit/management/auth0test"
	"github.com/auth0kit/auth0kit/session"
)

const site = "https://app.example.com"

// browser uses the pages behind real sessions as a person does.
type browser struct {
	*stage
	client *http.Client
	csrf   string
	form   string
	header http.Header
	last   *http.Response
	body   string
}

func newBrowser(s *stage, cfg guardian.PagesConfig) *browser {
	s.Helper()
	web, err := session.NewHTTP(manager(s.T, session.Config{Idle: 12 * time.Hour}), session.HTTPConfig{})
	require.NoError(s, err)
	if cfg.Account == nil {
		cfg.Account = func(*http.Request) string { return "ada@example.com" }
	}
	pages, err := guardian.NewPages(s.service, web, cfg)
	require.NoError(s, err)
	mux := http.NewServeMux()
	mux.Handle("GET /login", web.Load(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, err := web.Login(w, r, session.Login{UserID: s.user, AuthTime: time.Now(), AMR: []string{"pwd"}})
		assert.NoError(s, err)
	})))
	mux.Handle("/mfa/", web.Load(pages))
	pay := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, "paid") })
	mux.Handle("/pay", web.Require(guardian.RequireMFA(5*time.Minute, pages.StepUp)(pay)))
	mux.Handle("/shop/", http.StripPrefix("/shop", web.Require(guardian.RequireMFA(5*time.Minute, pages.StepUp)(pay))))
	mux.Handle("/vault", web.Require(guardian.Require(guardian.PhishingResistant, 5*time.Minute, pages.StepUp)(pay)))
	b := &browser{stage: s, header: http.Header{"Sec-Fetch-Mode": {"navigate"}, "Accept": {"text/html"}}}
	b.client = &http.Client{Transport: auth0test.HandlerTransport(mux), CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	b.client.Jar, err = cookiejar.New(nil)
	require.NoError(s, err)
	b.want(b.get("/login"), 200)
	return b
}

var formOnPage = regexp.MustCompile(`name="form" value="([^"]+)"`)
var csrfOnPage = regexp.MustCompile(`name="csrf_token" value="([^"]+)"`)

func (b *browser) do(method, path string, form url.Values) int {
	b.Helper()
	r, err := http.NewRequestWithContext(b.Context(), method, site+path, strings.NewReader(form.Encode()))
	require.NoError(b, err)
	r.Header = b.header.Clone()
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	b.last, err = b.client.Do(r)
	require.NoError(b, err)
	raw, err := io.ReadAll(b.last.Body)
	require.NoError(b, err)
	b.body = string(raw)
	if m := csrfOnPage.FindStringSubmatch(b.body); m != nil {
		b.csrf = m[1]
		b.form = formOnPage.FindStringSubmatch(b.body)[1]
	}
	if strings.HasPrefix(path, "/mfa") && b.last.StatusCode/100 != 3 {
		h := b.last.Header
		assert.Equal(b, "no-store", h.Get("Cache-Control"))
		assert.Equal(b, "no-referrer", h.Get("Referrer-Policy"))
		assert.NotEmpty(b, h.Get("Content-Security-Policy"))
		assert.NotRegexp(b, ` on[a-z]+=|javascript:|<script>`, b.body)
	}
	return b.last.StatusCode
}

func (b *browser) get(path string) int { return b.do("GET", path, nil) }

func (b *browser) post(path string, fields ...string) int {
	form := url.Values{"csrf_token": {b.csrf}, "form": {b.form}}
	for i := 0; i < len(fields); i += 2 {
		form.Set(fields[i], fields[i+1])
	}
	return b.do("POST", path, form)
}

func (b *browser) want(status, wanted int, parts ...string) {
	b.Helper()
	require.Equal(b, wanted, status, b.body)
	for _, p := range parts {
		assert.Contains(b, html.UnescapeString(b.body), p)
	}
}

// leads opens where the last answer leads, over the page "done" and without the name
// of the form.
func (b *browser) leads(status int, to string) {
	b.Helper()
	require.Equal(b, http.StatusSeeOther, status, b.body)
	location := b.last.Header.Get("Location")
	if strings.HasPrefix(location, "/mfa/done?form=") {
		require.Equal(b, http.StatusSeeOther, b.get(location), b.body)
		location = b.last.Header.Get("Location")
	}
	path, _, _ := strings.Cut(location, "?form=")
	require.Equal(b, to, path)
	b.get(location)
}

var keyOnPage = regexp.MustCompile(`<code>([A-Z2-7 ]{39})</code>`)
var codesOnPage = regexp.MustCompile(`<code>([A-Z2-7-]{19})</code>`)

func (b *browser) shownCodes() (codes []string) {
	for _, m := range codesOnPage.FindAllStringSubmatch(b.body, -1) {
		codes = append(codes, m[1])
	}
	return codes
}

// scans opens the enrollment and returns the secret.
func (b *browser) scans() string {
	b.Helper()
	b.leads(b.post("/mfa/enroll"), "/mfa/enroll")
	m := keyOnPage.FindStringSubmatch(b.body)
	require.NotNil(b, m, b.body)
	require.Contains(b, b.body, `<svg role="img" aria-label=`)
	return strings.ReplaceAll(m[1], " ", "")
}

func (b *browser) enroll() (secret string, codes []string) {
	b.Helper()
	secret = b.scans()
	code := b.otp(secret)
	b.leads(b.post("/mfa/confirm", "code", code[:3]+"\u202f"+code[3:], "name", "  Phone\t"), "/mfa/codes")
	codes = b.shownCodes()
	require.Len(b, codes, 10)
	b.leads(b.post("/mfa/codes"), "/mfa/?done=added")
	return secret, codes
}

func TestPages(t *testing.T) {
	onStage(t, guardian.Config{}, func(s *stage) {
		b := newBrowser(s, guardian.PagesConfig{})
		b.want(b.get("/mfa/"), 200, "No method is set up", "Set up an authenticator app")
		b.leads(b.get("/pay"), "/mfa/verify?to=%2Fpay")
		b.want(200, 200, "No method is set up")
		secret, codes := b.enroll()
		b.want(200, 200, "The method is set up", "Authenticator app: Phone", "Recovery codes", "Add another")
		b.want(b.get("/pay"), 200, "paid") // The code that confirmed is a fresh proof.

		time.Sleep(time.Hour)
		b.leads(b.post("/mfa/enroll"), "/mfa/verify")
		b.want(b.get("/mfa/verify?to=/account%3Fa=b&x=y"), 200, `action="/mfa/verify?to=%2Faccount%3Fa%3Db"`)
		b.want(b.post("/mfa/verify?to=/account", "code", s.badOTP(secret)), 422, "not right", `aria-invalid="true" aria-describedby="code-error"`, "to=%2Faccount")
		arabic := strings.Map(func(r rune) rune { return r - '0' + '٠' }, s.otp(secret)) // As a keyboard of that language writes it.
		b.leads(b.post("/mfa/verify?to=/account", "code", arabic), "/account")
		time.Sleep(time.Minute)
		b.want(b.get("/mfa/"), 200, "last used")
		b.leads(b.post("/mfa/recovery"), "/mfa/codes")
		fresh := b.shownCodes()
		require.Len(s, fresh, 10)
		require.NotContains(s, fresh, codes[0])
		b.leads(b.get("/mfa/"), "/mfa/codes") // Until they are kept.
		require.Equal(s, fresh, b.shownCodes())
		b.leads(b.post("/mfa/recovery"), "/mfa/codes")
		require.Equal(s, fresh, b.shownCodes())
		b.want(b.get("/mfa/codes.txt"), 200, fresh[0], fresh[9])
		b.leads(b.get("/mfa/"), "/mfa/codes")
		b.leads(b.post("/mfa/codes"), "/mfa/")
		b.want(b.get("/mfa/codes.txt"), 404)

		b.get("/mfa/verify?to=//evil.example")
		time.Sleep(time.Hour)
		b.get("/mfa/verify?to=//evil.example")
		b.leads(b.post("/mfa/verify?to=//evil.example", "code", fresh[0], "factor", "local-recovery"), "/mfa/codes")
		require.Len(s, b.shownCodes(), 1)
		b.leads(b.post("/mfa/codes"), "/mfa/")
		for range 5 {
			b.post("/mfa/verify", "code", s.badOTP(secret))
		}
		b.want(b.post("/mfa/verify", "code", s.otp(secret)), 429, `role="alert" class="problem"`, "too many attempts", "Try again in 30s")
	})
}

// Removing asks once more, by name.
func TestPagesRemove(t *testing.T) {
	onStage(t, guardian.Config{}, func(s *stage) {
		b := newBrowser(s, guardian.PagesConfig{})
		b.get("/mfa/")
		b.enroll()
		id := regexp.MustCompile(`/mfa/remove\?id=(local-totp[^"]+)" aria-label="Remove Authenticator app: Phone"`).FindStringSubmatch(b.body)
		require.NotNil(s, id, b.body)
		time.Sleep(time.Hour)
		b.leads(b.get("/mfa/remove?id="+id[1]), "/mfa/verify?to="+url.QueryEscape("/mfa/remove?id="+id[1]))
		all, err := s.service.Enrollments(s.Context(), s.user)
		require.NoError(s, err)
		_, err = s.service.Verify(s.Context(), guardian.Request{UserID: s.user, Factor: guardian.LocalTOTP, Code: "000000"})
		require.Error(s, err)
		b.leads(b.post("/mfa/remove", "id", all[0].ID), "/mfa/verify")
	})
	onStage2(t, func(s *stage, b *browser) {
		b.enroll()
		all, err := s.service.Enrollments(s.Context(), s.user)
		require.NoError(s, err)
		b.want(b.get("/mfa/remove?id=local-totp|none"), 404, "There is no such page")
		b.want(b.get("/mfa/remove?id="+url.QueryEscape(all[0].ID)), 200, "Remove Authenticator app: Phone</button>", "your last method", "Keep it")
		b.want(b.post("/mfa/remove", "id", "sms|dev_1"), 422, "not set up")
		for range 2 { // The second is the same form again.
			b.leads(b.post("/mfa/remove", "id", all[0].ID, "others", "1"), "/mfa/?done=removed")
			b.want(200, 200, "The method was removed", "No method is set up")
		}
	})
}

// onStage2 is a stage with a browser.
func onStage2(t *testing.T, f func(s *stage, b *browser)) {
	t.Helper()
	t.Run("more", func(t *testing.T) {
		onStage(t, guardian.Config{}, func(s *stage) {
			b := newBrowser(s, guardian.PagesConfig{})
			b.get("/mfa/")
			f(s, b)
		})
	})
}

// The QR code and the key stay on the page after a wrong code, but only who proved
// the old factor sees those of a further one.
func TestPagesConfirm(t *testing.T) {
	onStage(t, guardian.Config{}, func(s *stage) {
		b := newBrowser(s, guardian.PagesConfig{})
		b.get("/mfa/")
		b.want(b.post("/mfa/confirm", "code", "123456"), 422, "not set up")
		secret := b.scans()
		b.want(b.post("/mfa/confirm", "code", "12345", "name", "My <phone>"), 422, "not right", "<svg", `aria-invalid="true"`, `value="My <phone>"`)
		require.Equal(s, secret, strings.ReplaceAll(keyOnPage.FindStringSubmatch(b.body)[1], " ", ""))
		b.leads(b.get("/pay"), "/mfa/verify?to=%2Fpay") // A wrong code is no proof.
		b.get("/mfa/enroll")
		b.leads(b.post("/mfa/confirm", "code", s.otp(secret)), "/mfa/codes")
		b.leads(b.post("/mfa/codes"), "/mfa/?done=added")
		b.scans()
		time.Sleep(11 * time.Minute)
		b.leads(b.get("/mfa/enroll"), "/mfa/verify?to=%2Fmfa%2Fenroll")
	})
}

// A form that is sent twice, one after the other or both at once, shows its result.
func TestPagesShowTheSameResultTwice(t *testing.T) {
	onStage(t, guardian.Config{}, func(s *stage) {
		b := newBrowser(s, guardian.PagesConfig{})
		b.get("/mfa/")
		secret := b.scans()
		code := s.otp(secret)

		old := b.csrf
		// The first answer is lost, with whatever cookie it had.
		require.Equal(s, 303, b.post("/mfa/confirm", "code", code))
		require.Empty(s, b.last.Cookies())
		b.leads(b.post("/mfa/confirm", "code", code), "/mfa/codes")
		require.Len(s, b.shownCodes(), 10)
		b.leads(b.post("/mfa/codes"), "/mfa/?done=added")
		require.NotEqual(s, old, b.csrf, "the session has a new token")

		time.Sleep(time.Hour)
		b.get("/mfa/verify?to=/pay")
		code = s.otp(secret)
		require.Equal(s, 303, b.post("/mfa/verify?to=/pay", "code", code))
		done := b.last.Header.Get("Location")
		b.leads(b.post("/mfa/verify?to=/pay", "code", code), "/pay")
		b.want(b.last.StatusCode, 200, "paid")

		// The proof is taken once, and only for its form.
		b.get("/login")
		require.Equal(s, 303, b.get(done))
		b.leads(b.get("/pay"), "/mfa/verify?to=%2Fpay")
		b.leads(b.get("/mfa/done?form=another"), "/mfa/")
		b.leads(b.get("/pay"), "/mfa/verify?to=%2Fpay")
		b.want(b.post("/mfa/verify?to=/pay", "code", code), 422, "used before")
	})
}

// again asks twice for what is read, or sends a form twice: the first answer is lost,
// with the cookie that it has.
func (b *browser) again(f func() int) int {
	b.Helper()
	u, err := url.Parse(site)
	require.NoError(b, err)
	cookies := b.client.Jar.Cookies(u)
	f()
	b.client.Jar, _ = cookiejar.New(nil) // It has no error without options.
	for _, c := range cookies {
		c.Path, c.Secure = "/", true
	}
	b.client.Jar.SetCookies(u, cookies)
	return f()
}

// Each answer on the way from a form to its end is lost once. Nothing that is shown
// once is lost, and only the last step, which gives the session a new token, signs the
// user out: they go on after a login.
func TestPagesLoseAnswers(t *testing.T) {
	onStage(t, guardian.Config{}, func(s *stage) {
		b := newBrowser(s, guardian.PagesConfig{})
		onward := func(wanted string) {
			s.Helper()
			to := b.last.Header.Get("Location")
			require.Equal(s, wanted, strings.Split(to, "?form=")[0], b.body)
			require.Less(s, b.again(func() int { return b.get(to) }), 400, b.body)
		}
		shows := func(n int) {
			s.Helper()
			require.Len(s, b.shownCodes(), n)
			codes := b.last.Request.URL.RequestURI()
			require.Equal(s, 303, b.again(func() int { return b.post(codes) }))
		}
		signedOut := func(wanted string) {
			s.Helper()
			done := b.last.Header.Get("Location")
			require.Contains(s, done, "/mfa/done?form=")
			require.Equal(s, http.StatusSeeOther, b.again(func() int { return b.get(done) }), "the session asks to come back")
			time.Sleep(time.Minute)
			b.want(b.get(done), 401)
			b.get("/login")
			b.leads(b.get(done), wanted)
		}
		b.get("/mfa/")
		require.Equal(s, 303, b.again(func() int { return b.post("/mfa/enroll") }))
		onward("/mfa/enroll")
		secret := strings.ReplaceAll(keyOnPage.FindStringSubmatch(b.body)[1], " ", "")
		require.Equal(s, 303, b.again(func() int { return b.post("/mfa/confirm", "code", s.otp(secret), "others", "1") }))
		onward("/mfa/done")
		onward("/mfa/codes")
		codes := b.shownCodes()
		shows(10)
		signedOut("/mfa/?done=added")

		b.get("/mfa/verify?to=/pay")
		require.Equal(s, 303, b.again(func() int {
			return b.post("/mfa/verify?to=/pay", "code", codes[0], "factor", "local-recovery")
		}))
		onward("/mfa/done")
		onward("/mfa/codes")
		shows(1)
		b.leads(b.last.StatusCode, "/pay")
		b.want(b.last.StatusCode, 200, "paid")
		b.get("/mfa/")
		require.Equal(s, 303, b.again(func() int { return b.post("/mfa/recovery") }))
		onward("/mfa/codes")
		shows(10)
		all, err := s.service.Enrollments(s.Context(), s.user)
		require.NoError(s, err)
		require.Len(s, all, 2)
	})
}

// Codes that nobody has seen are shown after the next proof, with what that brings.
func TestPagesShowCodesThatWait(t *testing.T) {
	onStage(t, guardian.Config{}, func(s *stage) {
		b := newBrowser(s, guardian.PagesConfig{})
		b.get("/mfa/")
		secret := b.scans()
		require.Equal(s, 303, b.post("/mfa/confirm", "code", s.otp(secret))) // The answer is lost, and the page is closed.
		time.Sleep(time.Minute)
		b.get("/mfa/verify?to=/pay")
		b.leads(b.post("/mfa/verify?to=/pay", "code", s.otp(secret)), "/mfa/codes")
		codes := b.shownCodes()
		require.Len(s, codes, 10)
		b.get("/mfa/verify?to=/pay")
		b.leads(b.post("/mfa/verify?to=/pay", "code", codes[3], "factor", "local-recovery"), "/mfa/codes")
		fresh := b.shownCodes()
		require.Len(s, fresh, 10)
		require.NotContains(s, fresh, codes[3])
		require.Subset(s, append(codes, fresh[0]), fresh)
		b.leads(b.post("/mfa/codes"), "/pay")
		b.want(b.last.StatusCode, 200, "paid")
	})
}

// slowShown keeps results after a while.
type slowShown struct{ driver.Store }

func (s slowShown) Save(ctx context.Context, r driver.Record, old int64) error {
	if r.Key.Kind == driver.KindShown {
		time.Sleep(300 * time.Millisecond)
	}
	return s.Store.Save(ctx, r, old)
}

// The second of two submits finds the code spent before the first has kept its
// result, and waits for that.
func TestPagesShowAResultThatIsOnItsWay(t *testing.T) {
	onStage(t, guardian.Config{Store: slowShown{guardian.NewMemory()}}, func(s *stage) {
		b := newBrowser(s, guardian.PagesConfig{})
		b.get("/mfa/")
		code := s.otp(b.scans())
		first := *b
		go first.post("/mfa/confirm", "code", code)
		time.Sleep(100 * time.Millisecond)
		b.leads(b.post("/mfa/confirm", "code", code), "/mfa/codes")
		require.Len(s, b.shownCodes(), 10)
	})
}

// So it is with a recovery code, which is unknown once it is spent.
func TestPagesShowARecoveryCodeThatIsOnItsWay(t *testing.T) {
	onStage(t, guardian.Config{Store: slowShown{guardian.NewMemory()}}, func(s *stage) {
		b := newBrowser(s, guardian.PagesConfig{})
		b.get("/mfa/")
		_, codes := b.enroll()
		time.Sleep(time.Hour)
		b.get("/mfa/verify?to=/pay")
		first := *b
		go first.post("/mfa/verify?to=/pay", "factor", "local-recovery", "code", codes[0])
		time.Sleep(100 * time.Millisecond)
		b.leads(b.post("/mfa/verify?to=/pay", "factor", "local-recovery", "code", codes[0]), "/mfa/codes")
		require.Len(s, b.shownCodes(), 1)
	})
}

// Requests from other sites, of nobody, or too large, change nothing, and are
// answered with pages.
func TestPagesRefuse(t *testing.T) {
	onStage(t, guardian.Config{}, func(s *stage) {
		b := newBrowser(s, guardian.PagesConfig{})
		b.get("/mfa/")
		b.want(b.get("/mfa/none"), 404, "<h1>There is no such page</h1>", "width=device-width")
		b.want(b.do("PUT", "/mfa/enroll", url.Values{"csrf_token": {b.csrf}}), 405, "<h1>There is no such page</h1>")
		b.want(b.post("/mfa/confirm", "code", strings.Repeat("1", 200_000)), 422)
		b.client.Jar, _ = cookiejar.New(nil) // It has no error without options.
		b.want(b.get("/mfa/"), 401, "<h1>Please sign in</h1>")
		b.want(b.post("/mfa/enroll"), 401)
		b.header.Set("Sec-Fetch-Site", "cross-site")
		b.want(b.post("/mfa/enroll"), 403, "<h1>This form was not sent from here</h1>")
		b.header.Del("Sec-Fetch-Site")
		b.header.Set("Accept", "application/json")
		b.want(b.get("/mfa/"), 401, `{"error":"unauthorized"}`)
		assert.Equal(s, []string{"guardian.confirm"}, s.log.Actions())
	})
}

// Whatever an account is called, an app can be set up for it, and names change nothing
// around them.
func TestPagesOfOddNames(t *testing.T) {
	for name, account := range map[string]string{
		"long":       strings.Repeat("ä", 63) + strings.Repeat("long", 60) + "@example.com",
		"10 kB":      strings.Repeat("x", 10<<10),
		"control":    "ada\x00\x1b[2J\u0085@example.com",
		"broken":     "ada\xff\uFFFD@example.com",
		"colon":      "https://ada.example.com/",
		"right left": "ada\u202Egro.elpmaxe@\u2066",
		"nothing":    "\u202E",
	} {
		t.Run(name, func(t *testing.T) {
			onStage(t, guardian.Config{}, func(s *stage) {
				b := newBrowser(s, guardian.PagesConfig{Account: func(*http.Request) string { return account }})
				b.get("/mfa/")
				secret := b.scans()
				b.leads(b.post("/mfa/confirm", "code", s.otp(secret), "name", "\u202EPhone\u2067\x00\u0085 \u200Dx"+strings.Repeat("y", 10<<10)), "/mfa/codes")
				name := s.apps()[0].Name
				assert.True(s, strings.HasPrefix(name, "Phone \u200Dxy"), "%q", name)
				assert.Len(s, []rune(name), 64)
			})
		})
	}
}

// Programs get JSON at the same addresses.
func TestPagesAsJSON(t *testing.T) {
	onStage(t, guardian.Config{}, func(s *stage) {
		b := newBrowser(s, guardian.PagesConfig{})
		b.get("/mfa/")
		b.header = http.Header{"Accept": {"application/json"}}
		var out struct {
			Enrollments   []struct{ ID, Factor, Name string }
			Secret, To    string
			Error         string
			RecoveryCodes []string `json:"recovery_codes"`
			AttemptsLeft  int      `json:"attempts_left"`
		}
		ask := func(status, want int) {
			s.Helper()
			require.Equal(s, want, status, b.body)
			require.NoError(s, json.Unmarshal([]byte(b.body), &out))
		}
		ask(b.post("/mfa/enroll"), 200)
		ask(b.post("/mfa/confirm", "code", s.badOTP(out.Secret)), 422)
		require.Equal(s, "wrong_code", out.Error)
		ask(b.post("/mfa/confirm", "code", s.otp(out.Secret), "name", "Script"), 200)
		require.Len(s, out.RecoveryCodes, 10)

		b.header.Set("Accept", "text/html")
		b.get("/mfa/codes") // For the session's new CSRF token.
		b.header.Set("Accept", "application/json")
		ask(b.post("/mfa/codes"), 200)
		ask(b.get("/mfa/"), 200)
		require.Len(s, out.Enrollments, 2)
		require.Equal(s, "Script", out.Enrollments[0].Name)
		time.Sleep(time.Hour)
		ask(b.post("/mfa/recovery"), 401)
		require.Equal(s, "insufficient_user_authentication", out.Error)
		ask(b.post("/mfa/verify?to=/pay", "code", s.badOTP(out.Secret)), 422)
		require.Equal(s, 99, out.AttemptsLeft)
		ask(b.post("/mfa/verify?to=/pay", "code", s.otp(out.Secret)), 200)
		require.Equal(s, "/pay", out.To)
	})
}

func TestPagesAreRestyled(t *testing.T) {
	onStage(t, guardian.Config{}, func(s *stage) {
		b := newBrowser(s, guardian.PagesConfig{
			Templates: template.Must(guardian.PageTemplates().Parse(
				`{{define "style"}}body { color: teal }{{end}}{{define "title"}}Zweiter Faktor{{end}}`)),
			Challenge: func(w http.ResponseWriter, r *http.Request) {
				http.Redirect(w, r, "https://tenant.eu.auth0.com/authorize", http.StatusSeeOther)
			},
			Origins: []string{"https://tenant.eu.auth0.com"},
		})
		b.want(b.get("/mfa/"), 200, "color: teal", "<h1>Zweiter Faktor</h1>")
		assert.Contains(s, b.last.Header.Get("Content-Security-Policy"), "form-action 'self' https://tenant.eu.auth0.com")
		s.enroll(nil)
		require.Equal(s, 303, b.post("/mfa/enroll"))
		assert.Equal(s, "https://tenant.eu.auth0.com/authorize", b.last.Header.Get("Location"))
	})
}

func TestNewPages(t *testing.T) {
	t.Parallel()
	web, err := session.NewHTTP(manager(t, session.Config{}), session.HTTPConfig{})
	require.NoError(t, err)
	s := localService(t, guardian.NewMemory())
	bare, err := guardian.New(nil, guardian.Config{Verifiers: map[guardian.Factor]guardian.Verifier{guardian.Duo: strange{}}})
	require.NoError(t, err)
	for name, make := range map[string]func() (*guardian.Pages, error){
		"Service":          func() (*guardian.Pages, error) { return guardian.NewPages(nil, web, guardian.PagesConfig{}) },
		"Sessions":         func() (*guardian.Pages, error) { return guardian.NewPages(s, nil, guardian.PagesConfig{}) },
		"Browser":          func() (*guardian.Pages, error) { return guardian.NewVerifyPages(s, nil, guardian.PagesConfig{}) },
		"Config.Store":     func() (*guardian.Pages, error) { return guardian.NewPages(bare, web, guardian.PagesConfig{}) },
		"PagesConfig.Path": func() (*guardian.Pages, error) { return guardian.NewPages(s, web, guardian.PagesConfig{Path: "//x"}) },
		"PagesConfig.Origins": func() (*guardian.Pages, error) {
			return guardian.NewPages(s, web, guardian.PagesConfig{Origins: []string{"https://a.example/"}})
		},
		"PagesConfig.Template": func() (*guardian.Pages, error) {
			return guardian.NewPages(s, web, guardian.PagesConfig{Templates: template.New("x")})
		},
	} {
		p, err := make()
		assert.ErrorContains(t, err, name)
		assert.Nil(t, p)
	}
}

// waiting is a login that waits for its second factor, as session/login keeps one.
type waiting struct {
	user   string
	proved []string
	steps  int
}

func (h *waiting) UserID(*http.Request) (string, error) { return h.user, nil }
func (h *waiting) CSRF(*http.Request) (field, token string) {
	return "csrf_token", "token-of-the-login"
}
func (h *waiting) ClientIP(*http.Request) (unknown netip.Addr) { return unknown }
func (h *waiting) StepUp(_ http.ResponseWriter, _ *http.Request, _ time.Time, amr ...string) error {
	h.proved = amr
	h.steps++
	return nil
}

// A login that is held gets verify pages alone, and a code sent twice goes on twice.
func TestVerifyPages(t *testing.T) {
	onStage(t, guardian.Config{}, func(s *stage) {
		secret, codes := s.enroll(nil)
		held := &waiting{user: s.user}
		pages, err := guardian.NewVerifyPages(s.service, held, guardian.PagesConfig{Path: "/verify"})
		require.NoError(s, err)
		b := &browser{stage: s, header: http.Header{}, client: &http.Client{
			Transport:     auth0test.HandlerTransport(pages),
			CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		}}
		for _, path := range []string{"/verify/enroll", "/verify/recovery", "/verify/remove", "/verify/passkey", "/verify/confirm"} {
			b.want(b.post(path), 404)
		}
		b.want(b.get("/verify/?to=/auth/login"), 200, "Code of your authenticator app", `action="/verify/verify?to=%2Fauth%2Flogin"`)
		b.want(b.post("/verify/verify?to=/auth/login", "code", s.badOTP(secret)), 422)
		require.Zero(s, held.steps)
		code, sent := s.otp(secret), b.form
		for i := range 2 {
			require.Equal(s, 303, b.post("/verify/verify?to=/auth/login", "code", code))
			require.Equal(s, "/auth/login", b.last.Header.Get("Location"))
			require.Equal(s, i+1, held.steps)
		}
		require.Equal(s, []string{"mfa", "otp"}, held.proved)
		for range 2 {
			b.leads(b.post("/verify/verify?to=/auth/login", "code", codes[0], "factor", "local-recovery"), "/verify/codes")
			b.form = sent
			require.Len(s, b.shownCodes(), 1)
		}
		b.want(b.post("/verify/verify?to=/auth/login", "code", codes[0], "factor", "local-totp"), 422)
		b.form = sent
		require.Equal(s, 303, b.post("/verify/codes"))
		require.Equal(s, "/auth/login", b.last.Header.Get("Location"))
		b.form = "another"
		b.want(b.post("/verify/verify", "code", codes[0], "factor", "local-recovery"), 422, "none of your codes")
	})
}

// leaving is a store whose user goes away when the app is saved.
type leaving struct {
	driver.Store
	leave func()
}

func (l *leaving) Save(ctx context.Context, r driver.Record, old int64) error {
	err := l.Store.Save(ctx, r, old)
	if l.leave != nil && r.Key.Kind == driver.KindTOTP {
		l.leave()
	}
	return err
}

// A browser that goes away while its form is worked on, as a second click makes it,
// leaves nothing half done.
func TestPagesFinishWhatWasBegun(t *testing.T) {
	store := &leaving{Store: guardian.NewMemory()}
	onStage(t, guardian.Config{Store: store}, func(s *stage) {
		b := newBrowser(s, guardian.PagesConfig{})
		b.get("/mfa/")
		secret := b.scans()
		ctx, leave := context.WithCancel(s.Context())
		store.leave = leave
		form := url.Values{"csrf_token": {b.csrf}, "code": {s.otp(secret)}}
		r, err := http.NewRequestWithContext(ctx, "POST", site+"/mfa/confirm", strings.NewReader(form.Encode()))
		require.NoError(s, err)
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		_, _ = b.client.Do(r) // Whatever comes is not heard.
		require.Error(s, ctx.Err())
		all, err := s.service.Enrollments(s.Context(), s.user)
		require.NoError(s, err)
		require.Len(s, all, 2)
	})
}

// TestStepUpBelowAPrefix comes back to the page that the browser has asked for.
func TestStepUpBelowAPrefix(t *testing.T) {
	onStage(t, guardian.Config{}, func(s *stage) {
		b := newBrowser(s, guardian.PagesConfig{})
		b.want(b.get("/shop/pay?order=7"), http.StatusSeeOther)
		assert.Equal(t, "/mfa/verify?to="+url.QueryEscape("/shop/pay?order=7"), b.last.Header.Get("Location"))
	})
}
