package auth0test

import (
	"context"
	"errors"
	"fmt"
	"html"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"regexp"
	"strings"
)

// Browse goes to a page of an application that logs users in by itself, and
// through the tenant's pages back to the application, as a browser does: what
// the application's own code sends to /authorize and does at its callback is what
// happens. It returns the application's first answer that is no redirect, whose
// body the caller closes.
//
// client reaches the application, and its cookie jar is the browser's; without a
// jar the cookies last for this walk. Over plain http a jar of net/http/cookiejar
// sends no Secure cookies, so set session.HTTPConfig.AllowInsecureCookie or use
// httptest.NewTLSServer. Requests ask for HTML, as a browser's navigations do.
//
// The tenant is reached in process, by the host of Issuer. Of the login it takes
// what a person would know or enter: Identifier, Password, OTP, IP and UserAgent.
// Failures of the login are a *LoginError where the tenant shows them; what the
// tenant tells the application is the application's to answer.
func (t *Tenant) Browse(ctx context.Context, client *http.Client, startURL string, l Login) (*http.Response, error) {
	d := &driver{t: t, l: l, base: t.Issuer(), started: len(t.Outbox())}
	d.client = d.browser()
	app := *client
	app.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	if app.Jar == nil {
		app.Jar, _ = cookiejar.New(nil) // It cannot fail.
	}
	next := step{method: http.MethodGet, url: startURL}
	for range 40 {
		to, err := url.Parse(next.url)
		if err != nil {
			return nil, fmt.Errorf("auth0test: browse: %w", err)
		}
		if d.isTenant(to) {
			next, err = d.tenantStep(ctx, next)
		} else {
			var res *http.Response
			if res, next, err = appStep(ctx, &app, next); err == nil && next.url == "" {
				return res, nil
			}
		}
		if err != nil {
			return nil, err
		}
	}
	return nil, errors.New("auth0test: browse: the application and the tenant send the browser to each other without end")
}

// step is what a browser does next.
type step struct {
	method, url string
	form        url.Values // Nil without a body.
}

func (s step) request(ctx context.Context) (*http.Request, error) {
	r, err := http.NewRequestWithContext(ctx, s.method, s.url, strings.NewReader(s.form.Encode()))
	if err != nil {
		return nil, fmt.Errorf("auth0test: %w", err)
	}
	if s.form != nil {
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	return r, nil
}

// tenantStep visits the tenant and does what the person does at its page.
func (d *driver) tenantStep(ctx context.Context, s step) (step, error) {
	v, err := d.send(ctx, s.method, s.url, s.form)
	switch {
	case err != nil:
		return step{}, err
	case v.location != nil:
		return step{method: http.MethodGet, url: v.location.String()}, nil
	case v.problem != "":
		return step{}, &LoginError{"login_failed", v.problem}
	}
	if to, form, is := selfSubmitting(v.body); is {
		return step{http.MethodPost, to, form}, nil
	}
	page, found := strings.CutPrefix(v.url.Path, "/u/")
	if !found {
		return step{}, fmt.Errorf("auth0test: login: %s answered %d", v.url.Path, v.status)
	}
	form, err := d.fill(page, v.body)
	if err != nil {
		return step{}, err
	}
	form.Set("state", v.url.Query().Get("state"))
	return step{http.MethodPost, v.url.String(), form}, nil
}

var (
	formAction  = regexp.MustCompile(`onload="document\.forms\[0\]\.submit\(\)"><form method="post" action="([^"]*)"`)
	hiddenField = regexp.MustCompile(`<input type="hidden" name="([^"]*)" value="([^"]*)">`)
)

// selfSubmitting reads the page of response_mode=form_post.
func selfSubmitting(body string) (to string, form url.Values, is bool) {
	action := formAction.FindStringSubmatch(body)
	if action == nil {
		return "", nil, false
	}
	form = url.Values{}
	for _, f := range hiddenField.FindAllStringSubmatch(body, -1) {
		form.Set(html.UnescapeString(f[1]), html.UnescapeString(f[2]))
	}
	return html.UnescapeString(action[1]), form, true
}

// appStep visits the application; without a redirect the next step is empty.
func appStep(ctx context.Context, client *http.Client, s step) (*http.Response, step, error) {
	r, err := s.request(ctx)
	if err != nil {
		return nil, step{}, err
	}
	r.Header.Set("Accept", "text/html") // Applications send only navigations to their login.
	res, err := client.Do(r)
	if err != nil {
		return nil, step{}, fmt.Errorf("auth0test: browse: %w", err)
	}
	to, err := res.Location()
	if err != nil || res.StatusCode/100 != 3 {
		return res, step{}, nil
	}
	res.Body.Close()
	return nil, step{method: http.MethodGet, url: to.String()}, nil
}
