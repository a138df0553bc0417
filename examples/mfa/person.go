package main

import (
	"fmt"
	"html"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"regexp"
	"strings"

	"github.com/auth0kit/auth0kit/management/auth0test"
)

const home = "https://shop.example.com"

// person is Ada with her browser and the authenticator app on her phone.
type person struct {
	shop    *shop
	browser *http.Client
	seed    string // What the app has scanned.
	csrf    string // Of the last page.
	page    string
}

func newPerson(s *shop) (*person, error) {
	h, err := s.handler()
	if err != nil {
		return nil, err
	}
	jar, err := cookiejar.New(nil)
	if err != nil {
		return nil, err
	}
	return &person{shop: s, browser: &http.Client{
		Transport: auth0test.HandlerTransport(h), Jar: jar,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}}, nil
}

var hiddenToken = regexp.MustCompile(`name="csrf_token" value="([^"]+)"`)

// get opens a page. It returns the status and where the shop sends the browser.
func (p *person) get(path string) (status int, to string, err error) {
	res, err := p.browser.Get(home + path)
	return p.read(res, err)
}

// post sends a form of the last page: names and values in turn.
func (p *person) post(path string, fields ...string) (status int, to string, err error) {
	form := url.Values{"csrf_token": {p.csrf}}
	for i := 0; i+1 < len(fields); i += 2 {
		form.Set(fields[i], fields[i+1])
	}
	res, err := p.browser.PostForm(home+path, form)
	return p.read(res, err)
}

func (p *person) read(res *http.Response, err error) (status int, to string, _ error) {
	if err != nil {
		return 0, "", err
	}
	defer res.Body.Close()
	raw, err := io.ReadAll(res.Body)
	p.page = html.UnescapeString(string(raw))
	if m := hiddenToken.FindStringSubmatch(p.page); m != nil {
		p.csrf = m[1]
	}
	return res.StatusCode, res.Header.Get("Location"), err
}

// code is what the app shows now.
func (p *person) code() string { return p.shop.tenant.OTP(p.seed) }

var (
	keyOnPage   = regexp.MustCompile(`<code>([A-Z2-7 ]{39})</code>`)
	codesOnPage = regexp.MustCompile(`<code>([A-Z2-7-]{19})</code>`)
)

// scan sets an app up: it takes the seed from the key beside the QR code.
func (p *person) scan() error {
	if status, to, err := p.post("/mfa/enroll"); err != nil || status != http.StatusSeeOther || to != "/mfa/enroll" {
		return fmt.Errorf("enrollment leads to %d %q, %w", status, to, err)
	}
	if _, _, err := p.get("/mfa/enroll"); err != nil {
		return err
	}
	m := keyOnPage.FindStringSubmatch(p.page)
	if m == nil || !strings.Contains(p.page, "<svg") {
		return fmt.Errorf("the page has no QR code")
	}
	p.seed = strings.ReplaceAll(m[1], " ", "")
	return nil
}

// codes are the recovery codes on the page.
func (p *person) codes() (codes []string) {
	for _, m := range codesOnPage.FindAllStringSubmatch(p.page, -1) {
		codes = append(codes, m[1])
	}
	return codes
}

var problemOnPage = regexp.MustCompile(`class="(?:problem|error)"[^>]*>([^<]+)</p>`)

// problem is what the page says is wrong.
func (p *person) problem() string {
	if m := problemOnPage.FindStringSubmatch(p.page); m != nil {
		return m[1]
	}
	return ""
}
