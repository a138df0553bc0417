package guardian_test

import (
	"errors"
	"html"
	"html/template"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/auth0kit/auth0kit/guardian"
)

// browser uses the pages as a person does: it follows links and fills forms.
type browser struct {
	*stage
	pages   *guardian.Pages
	user    string
	session authentication
	last    *http.Response
	body    string
}

func newBrowser(s *stage, change func(*guardian.PagesConfig)) *browser {
	s.Helper()
	b := &browser{stage: s, user: s.user}
	cfg := guardian.PagesConfig{
		User: func(*http.Request) (string, string, error) {
			if b.user == "" {
				return "", "", errors.New("nobody")
			}
			return b.user, "ada@example.com", nil
		},
		Who: func(*http.Request) guardian.Authenticated { return &b.session },
		OnVerified: func(_ http.ResponseWriter, _ *http.Request, v *guardian.Verification) error {
			b.session = authentication{v.Time, v.AMR}
			return nil
		},
		Hidden: func(*http.Request) map[string]string { return map[string]string{"csrf_token": "token-of-the-session"} },
	}
	if change != nil {
		change(&cfg)
	}
	pages, err := guardian.NewPages(s.service, cfg)
	if err != nil {
		s.Fatal(err)
	}
	b.pages = pages
	return b
}

func (b *browser) do(method, path string, form url.Values, header ...string) int {
	b.Helper()
	r := httptest.NewRequest(method, "https://app.example.com/mfa"+path, strings.NewReader(form.Encode()))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	for i := 0; i < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	w := httptest.NewRecorder()
	http.StripPrefix("/mfa", b.pages).ServeHTTP(w, r)
	b.last = w.Result()
	raw, err := io.ReadAll(b.last.Body)
	if err != nil {
		b.Fatal(err)
	}
	b.body = string(raw)
	h := b.last.Header
	if h.Get("Cache-Control") != "no-store" || h.Get("Content-Security-Policy") == "" || h.Get("Referrer-Policy") != "no-referrer" {
		b.Errorf("%s %s: headers %v", method, path, h)
	}
	if strings.Contains(b.body, "<script") || strings.Contains(b.body, "javascript:") || strings.Contains(b.body, " on") && regexp.MustCompile(` on[a-z]+=`).MatchString(b.body) {
		b.Errorf("%s %s needs JavaScript", method, path)
	}
	return w.Code
}

func (b *browser) want(status, wanted int, parts ...string) {
	b.Helper()
	if status != wanted {
		b.Fatalf("status %d, want %d: %s", status, wanted, b.body)
	}
	for _, p := range parts {
		if !strings.Contains(html.UnescapeString(b.body), p) {
			b.Errorf("the page lacks %q: %s", p, b.body)
		}
	}
}

var keyOnPage = regexp.MustCompile(`<code>([A-Z2-7 ]{39})</code>`)
var codesOnPage = regexp.MustCompile(`<code>([A-Z2-7-]{19})</code>`)

func (b *browser) enroll() (secret string, codes []string) {
	b.Helper()
	b.want(b.do("POST", "/enroll", nil), 200, "<svg", `value="token-of-the-session"`)
	m := keyOnPage.FindStringSubmatch(b.body)
	if m == nil {
		b.Fatalf("the page has no key: %s", b.body)
	}
	secret = strings.ReplaceAll(m[1], " ", "")
	code := b.otp(secret)
	b.want(b.do("POST", "/confirm", url.Values{"code": {code[:3] + " " + code[3:]}}), 200, "recovery codes")
	for _, m := range codesOnPage.FindAllStringSubmatch(b.body, -1) {
		codes = append(codes, m[1])
	}
	return secret, codes
}

func TestPages(t *testing.T) {
	onStage(t, guardian.Config{}, func(s *stage) {
		b := newBrowser(s, nil)
		b.want(b.do("GET", "/", nil), 200, "No method is set up", "Set up an authenticator app")
		secret, codes := b.enroll()
		if len(codes) != 10 || !b.session.at.Equal(time.Now()) {
			s.Fatalf("%d codes, session %v", len(codes), b.session)
		}
		b.want(b.do("GET", "/", nil), 200, "Authenticator app", "Recovery codes", "Replace")

		time.Sleep(time.Hour) // The proof of the session is old.
		for _, path := range []string{"/enroll", "/recovery", "/remove"} {
			b.want(b.do("POST", path, url.Values{"id": {"local-totp"}}), 303)
			if to := b.last.Header.Get("Location"); to != "verify" {
				s.Errorf("%s leads to %q", path, to)
			}
		}
		b.want(b.do("GET", "/verify?to=/account%3Fa=b", nil), 200, `value="/account?a=b"`)
		b.want(b.do("POST", "/verify", url.Values{"code": {s.badOTP(secret)}, "to": {"/account"}}), 422, "not right", `value="/account"`)
		b.want(b.do("POST", "/verify", url.Values{"code": {s.otp(secret)}, "to": {"/account"}}), 303)
		if to := b.last.Header.Get("Location"); to != "/account" {
			s.Errorf("after the code: %q", to)
		}
		b.want(b.do("POST", "/verify", url.Values{"code": {s.otp(secret)}}), 422, "used before")
		b.want(b.do("POST", "/recovery", nil), 200)
		fresh := codesOnPage.FindAllStringSubmatch(b.body, -1)
		if len(fresh) != 10 || fresh[0][1] == codes[0] {
			s.Errorf("%d new codes", len(fresh))
		}
		b.want(b.do("POST", "/verify", url.Values{"code": {fresh[0][1]}, "factor": {"local-recovery"}, "to": {"//evil.example"}}), 200, `href="./"`)
		if len(codesOnPage.FindAllString(b.body, -1)) != 1 {
			s.Error("the code in place of the spent one is not shown")
		}
		for range 5 {
			b.do("POST", "/verify", url.Values{"code": {s.badOTP(secret)}})
		}
		b.want(b.do("POST", "/verify", url.Values{"code": {s.otp(secret)}}), 429, "too many attempts", "Try again in 30s")
		b.want(b.do("POST", "/remove", url.Values{"id": {"sms|dev_1"}}), 422)
		b.want(b.do("POST", "/remove", url.Values{"id": {"local-totp"}}), 303)
		b.want(b.do("GET", "/", nil), 200, "No method is set up")
	})
}

func TestPagesConfirm(t *testing.T) {
	onStage(t, guardian.Config{}, func(s *stage) {
		b := newBrowser(s, nil)
		b.want(b.do("POST", "/confirm", url.Values{"code": {"123456"}}), 422, "not set up")
		b.want(b.do("POST", "/enroll", nil), 200)
		b.want(b.do("POST", "/confirm", url.Values{"code": {"12345"}}), 422, "not right")
		if strings.Contains(b.body, "<svg") {
			s.Error("the secret is shown twice")
		}
		if b.session.amr != nil {
			s.Error("a wrong code is a proof")
		}
	})
}

// Requests from other sites, of nobody, or too large, change nothing.
func TestPagesRefuse(t *testing.T) {
	onStage(t, guardian.Config{}, func(s *stage) {
		b := newBrowser(s, nil)
		b.want(b.do("POST", "/enroll", nil, "Sec-Fetch-Site", "cross-site"), 403)
		b.want(b.do("POST", "/enroll", nil, "Origin", "https://evil.example"), 403)
		b.want(b.do("GET", "/enroll", nil), 405)
		b.want(b.do("GET", "/none", nil), 404)
		b.want(b.do("POST", "/confirm", url.Values{"code": {strings.Repeat("1", 10_000)}}), 422)
		b.user = ""
		b.want(b.do("POST", "/enroll", nil), 401)
		if got := s.log.Actions(); len(got) != 1 || got[0] != "guardian.confirm" {
			s.Errorf("recorded %v", got)
		}
		for _, to := range []string{"https://evil.example", "//evil.example", `/\evil.example`, "evil", ""} {
			b.user = s.user
			b.want(b.do("GET", "/verify?to="+url.QueryEscape(to), nil), 200, `name="to" value="./"`)
		}
	})
}

func TestPagesAreRestyled(t *testing.T) {
	onStage(t, guardian.Config{}, func(s *stage) {
		b := newBrowser(s, func(cfg *guardian.PagesConfig) {
			cfg.Templates = template.Must(guardian.PageTemplates().Parse(
				`{{define "style"}}body { color: teal }{{end}}{{define "title"}}Zweiter Faktor{{end}}`))
			cfg.Policy = "default-src 'self'"
			cfg.Challenge = http.RedirectHandler("https://tenant.eu.auth0.com/authorize", http.StatusSeeOther)
		})
		b.want(b.do("GET", "/", nil), 200, "color: teal", "<h1>Zweiter Faktor</h1>")
		if b.last.Header.Get("Content-Security-Policy") != "default-src 'self'" {
			s.Error("the policy is another")
		}
		s.enroll(nil)
		b.want(b.do("POST", "/enroll", nil), 303)
		if to := b.last.Header.Get("Location"); to != "https://tenant.eu.auth0.com/authorize" {
			s.Errorf("the challenge leads to %q", to)
		}
		if _, err := guardian.NewPages(s.service, guardian.PagesConfig{}); err == nil {
			s.Error("pages for nobody were made")
		}
		bare, err := guardian.New(s.tenant.Management(), guardian.Config{})
		if err != nil {
			s.Fatal(err)
		}
		if _, err := guardian.NewPages(bare, guardian.PagesConfig{}); err == nil {
			s.Error("pages without a store were made")
		}
	})
}
