package integration

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/cdproto/webauthn"
	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"
	"github.com/pquerna/otp/totp"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/auth0kit/auth0kit/guardian"
	"github.com/auth0kit/auth0kit/guardian/passkey"
	"github.com/auth0kit/auth0kit/internal/testing/browser"
	"github.com/auth0kit/auth0kit/session"
)

// factorSite is an application with guardian's pages, as Chromium sees it: at
// localhost, where passkeys need no TLS.
type factorSite struct {
	*testing.T
	*browser.Page
	base string
}

func newFactorSite(t *testing.T, first *browser.Page, change func(*guardian.PagesConfig)) *factorSite {
	t.Helper()
	mux := http.NewServeMux()
	server := httptest.NewServer(mux)
	t.Cleanup(server.Close)
	s := &factorSite{T: t, base: strings.Replace(server.URL, "127.0.0.1", "localhost", 1)}
	if first != nil {
		s.Page = first.Another()
	} else {
		s.Page = browser.Start(t)
	}
	m, err := session.New(session.NewMemory(), session.Config{})
	require.NoError(t, err)
	web, err := session.NewHTTP(m, session.HTTPConfig{AllowInsecureCookie: true})
	require.NoError(t, err)
	factors, err := guardian.New(nil, guardian.Config{Store: guardian.NewMemory(), Keys: [][]byte{sealKey}, Issuer: "Example"})
	require.NoError(t, err)
	rp, err := passkey.New(factors, "localhost", []string{s.base}, passkey.Config{})
	require.NoError(t, err)
	cfg := guardian.PagesConfig{Passkeys: rp, Account: func(*http.Request) string { return "ada@example.com" }}
	if change != nil {
		change(&cfg)
	}
	pages, err := guardian.NewPages(factors, web, cfg)
	require.NoError(t, err)
	mux.Handle("GET /login", web.Load(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, err := web.Login(w, r, session.Login{UserID: "auth0|1", AuthTime: time.Now(), AMR: []string{"pwd"}})
		assert.NoError(t, err)
		http.Redirect(w, r, "/mfa/", http.StatusSeeOther)
	})))
	mux.Handle("/mfa/", web.Load(pages))
	vault := guardian.Require(guardian.UserVerified, 5*time.Minute, pages.StepUp)
	mux.Handle("GET /vault", web.Require(vault(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/html")
		fmt.Fprint(w, `<!doctype html><title>Vault</title><link rel="icon" href="data:,"><h1>The vault is open</h1>`)
	}))))
	return s
}

func (s *factorSite) open(path string) {
	s.Helper()
	require.NoError(s, chromedp.Do(s.Page, chromedp.Navigate(s.base+path)))
}

func onPage[T any](s *factorSite, js string) T {
	s.Helper()
	v, err := chromedp.Run(s.Page, chromedp.Evaluate[T](js, chromedp.EvalAwaitPromise))
	require.NoError(s, err, js)
	return v
}

// shows waits for a page with that heading.
func (s *factorSite) shows(heading string) {
	s.Helper()
	s.until(heading, func() bool {
		got, err := chromedp.Run(s.Page, chromedp.Evaluate[string](`document.readyState === "complete" ? document.querySelector("h1")?.textContent ?? "" : ""`))
		return err == nil && got == heading
	})
}

// says waits for a text.
func (s *factorSite) says(text string) {
	s.Helper()
	s.until(text, func() bool { return strings.Contains(s.text(), text) })
}

func (s *factorSite) until(what string, is func() bool) {
	s.Helper()
	for end := time.Now().Add(30 * time.Second); !is(); {
		if time.Now().After(end) {
			s.Fatalf("%s does not come; the page is %s", what, s.text())
		}
		time.Sleep(20 * time.Millisecond)
	}
}

func (s *factorSite) text() string {
	got, _ := chromedp.Run(s.Page, chromedp.Evaluate[string](`location.href + " " + document.body.innerText`))
	return got
}

// to moves the focus to an element by the keyboard alone.
func (s *factorSite) to(css string) {
	s.Helper()
	for range 40 {
		if onPage[bool](s, `document.activeElement.matches(`+"`"+css+"`"+`)`) {
			return
		}
		require.NoError(s, chromedp.Do(s.Page, chromedp.KeyEvent(kb.Tab)))
	}
	s.Fatalf("the keyboard does not reach %s on %s", css, s.text())
}

// press is Enter on an element.
func (s *factorSite) press(css string) {
	s.Helper()
	s.to(css)
	require.NoError(s, chromedp.Do(s.Page, chromedp.KeyEvent(kb.Enter)))
}

func (s *factorSite) write(css, text string) {
	s.Helper()
	s.to(css)
	require.NoError(s, chromedp.Do(s.Page, chromedp.KeyEvent(text)))
}

// quiet reports what the console complained about, statuses apart.
func (s *factorSite) quiet() {
	s.Helper()
	for _, e := range s.ConsoleErrors() {
		if !strings.Contains(e, "status of 4") {
			assert.Fail(s, "console", e)
		}
	}
}

// TestGuardianInChromium enrolls an app and two passkeys, steps up with either,
// removes one and loses the other, by the keyboard alone.
func TestGuardianInChromium(t *testing.T) {
	t.Parallel()
	s := newFactorSite(t, nil, nil)
	s.open("/mfa/")
	s.shows("Please sign in")
	s.Inspect("401")
	s.open("/mfa/none")
	s.shows("There is no such page")
	s.Inspect("404")
	s.open("/login")
	s.shows("Second factors")
	s.Inspect("empty")

	s.open("/vault") // Nothing is strong enough yet.
	s.shows("Confirm that it is you")
	s.Inspect("nothing")
	s.open("/mfa/")
	s.press(`form[action$="/enroll"] button`)
	s.shows("Set up an authenticator app")
	secret := strings.ReplaceAll(onPage[string](s, `document.querySelector("code").textContent`), " ", "")
	s.Inspect("enroll")
	s.write("#code", "000000"+kb.Enter)
	s.says("That code is not right")
	s.until("the focus on the input that failed", func() bool { return onPage[string](s, `document.activeElement.id`) == "code" })
	s.Inspect("enroll-wrong")
	s.write("#name", "Phone")
	s.open("/mfa/enroll")
	require.Equal(t, secret, strings.ReplaceAll(onPage[string](s, `document.querySelector("code").textContent`), " ", ""))
	code, err := totp.GenerateCode(secret, time.Now())
	require.NoError(t, err)
	s.write("#code", code)
	s.write("#name", "Phone")
	// Impatient people send the form twice.
	require.NoError(t, chromedp.Do(s.Page, chromedp.Evaluate[chromedp.Void](`{ const f = document.querySelector("form[action$='/confirm']"); f.submit(); setTimeout(() => f.submit(), 15); }`)))
	s.shows("Your recovery codes")
	codes := regexp.MustCompile(`[A-Z2-7]{4}(?:-[A-Z2-7]{4}){3}`).FindAllString(s.text(), -1)
	require.Len(t, codes, 10)
	s.Inspect("codes")
	s.press(`form[action$="/codes"] button`)
	s.shows("Second factors")
	s.Inspect("list")

	first := s.AddAuthenticator()
	s.addPasskey("Laptop", "passkey")
	s.presence(first, false)
	added, err := chromedp.Call(s.Page, webauthn.AddVirtualAuthenticator, webauthn.AddVirtualAuthenticatorParams{Options: &webauthn.VirtualAuthenticatorOptions{
		Protocol: webauthn.AuthenticatorProtocolCtap2, Transport: webauthn.AuthenticatorTransportUsb,
		HasResidentKey: true, HasUserVerification: true, IsUserVerified: true, AutomaticPresenceSimulation: true,
	}})
	require.NoError(t, err)
	second := added.AuthenticatorID
	s.addPasskey("Key ring", "")
	s.quiet()

	s.stepUp("verify") // With the second.
	s.presence(first, true)
	s.presence(second, false)
	s.stepUp("")

	s.open("/mfa/")
	s.press(`a[aria-label="Remove Passkey: Key ring"]`)
	s.shows("Remove this method?")
	s.Inspect("remove")
	s.press("button.danger")
	s.shows("Second factors")
	require.Contains(t, s.text(), "The method was removed")
	require.NotContains(t, s.text(), "Key ring")
	s.stepUp("")

	// Both are lost, and the app too: a recovery code lets in.
	_, err = chromedp.Call(s.Page, webauthn.ClearCredentials, webauthn.ClearCredentialsParams{AuthenticatorID: first})
	require.NoError(t, err)
	s.open("/login")
	s.open("/mfa/verify")
	s.press("summary")
	s.write("#recovery", "nonsense"+kb.Enter)
	s.says("none of your codes")
	s.Inspect("verify-wrong")
	s.write("#recovery", strings.ReplaceAll(strings.ToLower(codes[0]), "-", " ")+kb.Enter)
	s.shows("Your recovery codes")
	s.Inspect("code")
	s.press(`form[action$="/codes"] button`)
	s.shows("Second factors")
	s.addPasskey("New laptop", "")
	s.stepUp("")
	s.quiet()
}

// presence switches an authenticator's user on and off.
func (s *factorSite) presence(id webauthn.AuthenticatorID, on bool) {
	s.Helper()
	_, err := chromedp.Call(s.Page, webauthn.SetAutomaticPresenceSimulation, webauthn.SetAutomaticPresenceSimulationParams{AuthenticatorID: id, Enabled: on})
	require.NoError(s, err)
}

func (s *factorSite) addPasskey(name, picture string) {
	s.Helper()
	s.open("/mfa/")
	s.press(`form[action$="/passkey"] button`)
	s.shows("Add a passkey")
	if picture != "" {
		s.Inspect(picture)
	}
	s.write("#name", name)
	s.press("button.primary")
	s.shows("Second factors")
	require.Contains(s, s.text(), "Passkey: "+name)
}

// stepUp opens the vault in a new session.
func (s *factorSite) stepUp(picture string) {
	s.Helper()
	s.open("/login")
	s.open("/vault")
	s.shows("Confirm that it is you")
	if picture != "" {
		s.Inspect(picture)
	}
	s.press("button.primary")
	s.shows("The vault is open")
}

// A form may lead to the tenant's origin where Challenge does, and nowhere else.
func TestGuardianFormsLeadToTheTenant(t *testing.T) {
	t.Parallel()
	var first *browser.Page
	for _, allowed := range []bool{true, false} {
		tenant := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "text/html")
			fmt.Fprint(w, `<!doctype html><title>Tenant</title><link rel="icon" href="data:,"><h1>Tenant</h1>`)
		}))
		t.Cleanup(tenant.Close)
		s := newFactorSite(t, first, func(cfg *guardian.PagesConfig) {
			cfg.Challenge = func(w http.ResponseWriter, r *http.Request) {
				http.Redirect(w, r, tenant.URL+"/authorize", http.StatusSeeOther)
			}
			if allowed {
				cfg.Origins = []string{tenant.URL}
			}
		})
		first = s.Page
		s.open("/login")
		s.press(`form[action$="/enroll"] button`)
		s.shows("Set up an authenticator app")
		code, err := totp.GenerateCode(strings.ReplaceAll(onPage[string](s, `document.querySelector("code").textContent`), " ", ""), time.Now())
		require.NoError(t, err)
		s.write("#code", code+kb.Enter)
		s.shows("Your recovery codes")
		s.press(`form[action$="/codes"] button`)
		s.shows("Second factors")
		s.open("/login") // A session without a proof.
		s.press(`form[action$="/recovery"] button`)
		if allowed {
			s.shows("Tenant")
			continue
		}
		s.until("the policy's refusal", func() bool {
			errors := s.ConsoleErrors()
			return len(errors) > 0 && strings.Contains(errors[0], "form-action")
		})
	}
}
