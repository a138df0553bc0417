package auth0test

import (
	"context"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/auth0kit/auth0kit/management/auth0test/internal/authapi/login"
	"github.com/auth0kit/auth0kit/management/auth0test/internal/pages"
	"github.com/auth0kit/auth0kit/management/auth0test/internal/state"
)

var secretOnPage = regexp.MustCompile(`id="secret">([A-Z0-9]+)<`)

// person opens a link and fills the forms that follow with what answer says.
func person(test *testing.T, t *Tenant, link string, answer func(page, html string) url.Values) (path, html string) {
	test.Helper()
	c := t.HTTPClient()
	jar, err := cookiejar.New(nil)
	if err != nil {
		test.Fatal(err)
	}
	c.Jar = jar
	res, err := c.Get(link)
	for range 5 {
		if err != nil {
			test.Fatal(err)
		}
		raw, err2 := io.ReadAll(res.Body)
		res.Body.Close()
		if err2 != nil {
			test.Fatal(err2)
		}
		path, html = strings.TrimPrefix(res.Request.URL.Path, "/u/"), string(raw)
		form := answer(path, html)
		if form == nil || strings.Contains(html, `id="done"`) {
			return path, html
		}
		form.Set("state", res.Request.URL.Query().Get("state"))
		res, err = c.PostForm(res.Request.URL.String(), form)
	}
	test.Fatal("the pages do not come to an end")
	return "", ""
}

func TestEnrollmentTicket(test *testing.T) {
	test.Parallel()
	t, app, id := stage(Options{})
	t.SetFactor("otp", true)
	t.SetFactor("sms", true)
	t.SetFactor("recovery-code", true)
	link := func(factor string) string {
		now := t.s.Lock()
		defer t.s.Unlock()
		k := t.s.NewTicket(state.TicketEnrollment, id, now.Add(time.Hour))
		if k.Set = map[string]any{}; factor != "" {
			k.Set["factor"] = factor
		}
		return t.Issuer() + "mfa/enrollment?ticket=" + k.ID
	}
	var secret string
	otp := link("")
	_, html := person(test, t, otp, func(page, html string) url.Values {
		switch page {
		case "mfa-otp-enrollment":
			secret = secretOnPage.FindStringSubmatch(html)[1]
			return url.Values{"code": {t.OTP(secret)}}
		case pages.Notice:
			return url.Values{}
		}
		return nil
	})
	if !strings.Contains(html, "You have been enrolled.") {
		test.Fatalf("the end of the enrollment is %s", html)
	}
	if path, _ := person(test, t, otp, func(string, string) url.Values { return nil }); path != "/mfa/enrollment" {
		test.Errorf("a spent ticket leads to %s", path)
	}
	person(test, t, link("phone"), func(page, html string) url.Values {
		if strings.Contains(html, `name="phone"`) {
			return url.Values{"phone": {"+49 30 123456"}}
		}
		if page == "mfa-sms-enrollment" {
			sent := t.Outbox()
			return url.Values{"code": {sent[len(sent)-1].Code}}
		}
		return nil
	})
	t.s.Lock()
	var kinds []string
	for _, e := range t.s.Auth.Factors.Usable(id) {
		kinds = append(kinds, e.Kind+" "+e.Masked())
	}
	t.s.Unlock()
	if want := []string{"totp ", "recovery-code ", "sms XXXXXXX3456"}; !slices.Equal(kinds, want) {
		test.Errorf("enrolled %q, want %q", kinds, want)
	}
	t.Advance(30 * time.Second)
	l := ada(app)
	l.OTP = t.OTP(secret)
	if _, err := t.Login(context.Background(), l); err != nil {
		test.Error(err)
	}
}

func TestPushedAuthorizationRequest(test *testing.T) {
	test.Parallel()
	t, app, _ := stage(Options{})
	c := t.HTTPClient()
	c.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	push := func(secret string) (int, string) {
		res, err := c.PostForm(t.Issuer()+"oauth/par", url.Values{"client_id": {app.ID}, "client_secret": {secret}, "response_type": {"code"},
			"redirect_uri": {"https://app.example.com/callback"}, "prompt": {"none"}, "state": {"s1"}})
		if err != nil {
			test.Fatal(err)
		}
		raw, err := io.ReadAll(res.Body)
		res.Body.Close()
		if err != nil {
			test.Fatal(err)
		}
		_, rest, _ := strings.Cut(string(raw), `"request_uri":"`)
		uri, _, _ := strings.Cut(rest, `"`)
		return res.StatusCode, uri
	}
	authorize := func(uri string) (int, string) {
		res, err := c.Get(t.Issuer() + "authorize?client_id=" + app.ID + "&request_uri=" + url.QueryEscape(uri))
		if err != nil {
			test.Fatal(err)
		}
		res.Body.Close()
		return res.StatusCode, res.Header.Get("Location")
	}
	if status, _ := push("wrong"); status != 401 {
		test.Errorf("pushed without the secret: %d", status)
	}
	status, uri := push(app.Secret)
	if status != 201 || !strings.HasPrefix(uri, login.RequestURIPrefix) {
		test.Fatalf("pushed: %d %s", status, uri)
	}
	if status, to := authorize(uri); status != 302 || !strings.Contains(to, "error=login_required") || !strings.HasSuffix(to, "&state=s1") {
		test.Errorf("authorized: %d %s", status, to)
	}
	if status, _ := authorize(uri); status != 400 {
		test.Errorf("a second use: %d", status)
	}
	_, uri = push(app.Secret)
	t.Advance(31 * time.Second)
	if status, _ := authorize(uri); status != 400 {
		test.Errorf("after its time: %d", status)
	}
}
