// Package visitor is a person with a browser that runs no scripts, for the tests of
// the web examples.
package visitor

import (
	"context"
	"fmt"
	"html"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"regexp"
	"slices"
	"strings"
)

// Visitor has cookies, a user agent, and the page that they see.
type Visitor struct {
	Client *http.Client
	Agent  string
	Base   string // of the application

	Status int
	Page   string
	At     string // the address of Page
}

// New returns a visitor of the application at base, who has seen nothing yet.
func New(base, agent string) *Visitor {
	jar, _ := cookiejar.New(nil) // never fails without options
	return &Visitor{Client: &http.Client{Jar: jar}, Agent: agent, Base: base}
}

// Open opens a page as a navigation does; a path is one of the application.
func (v *Visitor) Open(ctx context.Context, address string) error {
	return v.ask(ctx, http.MethodGet, address, nil)
}

// Post sends a form that no page has.
func (v *Visitor) Post(ctx context.Context, address string, form url.Values) error {
	return v.ask(ctx, http.MethodPost, address, form)
}

func (v *Visitor) ask(ctx context.Context, method, address string, form url.Values) error {
	if strings.HasPrefix(address, "/") {
		address = v.Base + address
	}
	r, err := http.NewRequestWithContext(ctx, method, address, strings.NewReader(form.Encode()))
	if err != nil {
		return err
	}
	r.Header.Set("User-Agent", v.Agent)
	r.Header.Set("Accept", "text/html")
	if method == http.MethodPost {
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	res, err := v.Client.Do(r)
	if err != nil {
		return err
	}
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	v.Status, v.Page, v.At = res.StatusCode, string(text), res.Request.URL.String()
	return err
}

var (
	forms  = regexp.MustCompile(`(?s)<form[^>]*>.*?</form>`)
	action = regexp.MustCompile(`^<form[^>]* action="([^"]*)"`)
	method = regexp.MustCompile(`^<form[^>]* method="get"`)
	hidden = regexp.MustCompile(`<input type="hidden" name="([^"]*)"(?: value="([^"]*)")?`)
	button = regexp.MustCompile(`<button[^>]* name="([^"]*)" value="([^"]*)"`)
)

// Send fills the first form of the page whose action has this in it, with names and
// values in turn, and presses its first button.
func (v *Visitor) Send(ctx context.Context, to string, pairs ...string) error {
	for _, form := range forms.FindAllString(v.Page, -1) {
		m := action.FindStringSubmatch(form)
		if m == nil || !strings.Contains(m[1], to) {
			continue
		}
		from, err := url.Parse(v.At)
		if err != nil {
			return err
		}
		address, err := from.Parse(html.UnescapeString(m[1]))
		if err != nil {
			return err
		}
		fields := url.Values{}
		for _, f := range append(hidden.FindAllStringSubmatch(form, -1), button.FindAllStringSubmatch(form, 1)...) {
			fields.Set(f[1], html.UnescapeString(f[2]))
		}
		for pair := range slices.Chunk(pairs, 2) {
			fields.Set(pair[0], pair[1])
		}
		if method.MatchString(form) {
			address.RawQuery = fields.Encode()
			return v.Open(ctx, address.String())
		}
		return v.Post(ctx, address.String(), fields)
	}
	return fmt.Errorf("%d %s has no form to %q: %s", v.Status, v.At, to, v.Page)
}

// SignIn fills the login page of the tenant.
func (v *Visitor) SignIn(ctx context.Context, user, password string) error {
	return v.Send(ctx, "", "username", user, "password", password)
}
