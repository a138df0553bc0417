package main

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"html/template"
	"net/http"
	"net/netip"
	"net/url"
	"slices"
	"strings"

	"github.com/auth0kit/auth0kit/audit"
	"github.com/auth0kit/auth0kit/examples/internal/site"
	"github.com/auth0kit/auth0kit/guardian"
	"github.com/auth0kit/auth0kit/guardian/passkey"
	"github.com/auth0kit/auth0kit/risk"
	"github.com/auth0kit/auth0kit/session"
	"github.com/auth0kit/auth0kit/session/login"
	"github.com/auth0kit/auth0kit/tenancy"
)

// profile is what the pages call the user. It is sealed in the session.
type profile struct {
	Name, Email, Organization string
	Plan, Segment             string // claims of the Action
	Roles                     []string
	Unproved                  bool // until a second factor was proved: see settled
}

func profileOf(r *http.Request) (v profile, s *session.Session) {
	if s, _ = session.FromContext(r.Context()); s != nil {
		_ = json.Unmarshal(s.Payload, &v) // which onLogin wrote; without it pages lack a name
	}
	return v, s
}

func (p *portal) buildSignIn(_ context.Context, env func(string) string) (err error) {
	if p.address, err = addresses(env("TRUSTED_PROXIES"), p.plain()); err != nil {
		return err
	}
	if p.cutoff, err = tenancy.NewCutoff(p.cuts, tenancy.CutoffConfig{}); err != nil {
		return err
	}
	p.sessions, err = session.New(p.stores.sessions, session.Config{
		Keys: [][]byte{p.key}, Revoker: p.client, Outbox: p.stores.sessions, Cutoff: p.cutoff, Recorder: p.log,
	})
	if err != nil {
		return err
	}
	p.web, err = session.NewHTTP(p.sessions, session.HTTPConfig{
		LoginPath: "/auth/login", Render: p.refusal, ClientIP: p.clientIP,
		AllowInsecureCookie: p.plain(),
	})
	if err != nil {
		return err
	}
	p.login, err = login.New(p.web, p.Application, login.Config{
		Audience: p.audience, Scopes: []string{"read:invoices", "send:payouts", "manage:team", "read:audit"}, OnLogin: p.onLogin,
	})
	return err
}

// refusal is the page of what session and login refuse.
func (p *portal) refusal(r *http.Request, x session.Refusal) (contentType string, body []byte) {
	page := site.Page{Title: "This sign-in is too unusual", Data: "risk"}
	switch {
	case errors.Is(x.Err, risk.ErrDenied):
		page.Lead = "The place or the device is not one of yours, or nobody confirmed several such sign-ins. Sign in where you did before, or ask your administrator."
	case errors.Is(x.Err, errNoFactor):
		page.Lead = "You would have to confirm it with a second factor, and have none. Sign in where you did before, and set one up, or ask your administrator."
	default:
		return p.pages.Refusal(r, x)
	}
	body, err := p.pages.Body(r, "failed", page)
	if err != nil {
		return "text/plain; charset=utf-8", []byte(page.Title + "\n")
	}
	return "text/html; charset=utf-8", body
}

// addresses says where a client's address is: in X-Forwarded-For of the proxies named,
// or that of the connection. Browsers that come by https do so through a proxy: all
// would have its address, and share what one of them has used up.
func addresses(proxies string, plain bool) (func(*http.Request) netip.Addr, error) {
	if proxies == "" && plain {
		return session.Direct, nil
	}
	var trusted []netip.Prefix
	for text := range strings.SplitSeq(proxies, ",") {
		p, err := netip.ParsePrefix(strings.TrimSpace(text))
		if err != nil {
			return nil, errors.New("TRUSTED_PROXIES must name the networks of the proxies that speak https, such as 10.0.0.0/8,192.0.2.1/32")
		}
		trusted = append(trusted, p)
	}
	return session.Behind("X-Forwarded-For", trusted...)
}

// clientIP is the client's address or, in the demonstration, where the browser pretends
// to be.
func (p *portal) clientIP(r *http.Request) netip.Addr {
	if p.demo != nil {
		return p.demo.address(r)
	}
	return p.address(r)
}

// onLogin runs before there is a session. What risk and judge decide is a refusal; where a
// store or Auth0 does not answer, the visitor is told to try again.
func (p *portal) onLogin(w http.ResponseWriter, r *http.Request, id *login.Identity) (err error) {
	v := profile{Name: cmp.Or(id.Name, id.Email), Email: id.Email, Organization: cmp.Or(id.OrgName, id.OrgID)}
	for name, to := range map[string]any{"plan": &v.Plan, "segment": &v.Segment, "roles": &v.Roles} {
		_ = id.Claim(namespace+name, to) // which a tenant without the Action does not send
	}
	r = r.WithContext(audit.NewContext(r.Context(), audit.Origin{
		Actor: audit.Ref{Kind: "user", ID: id.UserID}, Organization: id.OrgID, IP: p.clientIP(r).String(), UserAgent: r.UserAgent(),
	}))
	if v.Unproved, err = p.judge(w, r, id); err != nil { // last: it learns
		return err
	}
	id.Payload, err = json.Marshal(v)
	return err
}

// buildFactors are the second factors that this application keeps: an app, passkeys
// and recovery codes.
func (p *portal) buildFactors(context.Context, func(string) string) (err error) {
	p.factors, err = guardian.New(p.client, guardian.Config{Store: p.stores.factors, Keys: [][]byte{p.key}, Issuer: "Ledger", Recorder: p.log})
	if err != nil {
		return err
	}
	host, _, _ := strings.Cut(strings.TrimPrefix(strings.TrimPrefix(p.base, "https://"), "http://"), ":")
	passkeys, err := passkey.New(p.factors, host, []string{p.base}, passkey.Config{Name: "Ledger"})
	if err != nil {
		return err
	}
	around, err := guardian.PageTemplates().Parse(`{{define "foot"}}{{if eq .Page "list"}}<p><a href="/account">Back to your account</a></p>{{end}}</main>` + string(p.foot()) + `</body></html>{{end}}`)
	if err != nil {
		return err
	}
	p.verify, err = guardian.NewVerifyPages(p.factors, p.login.Held(), guardian.PagesConfig{
		Path: "/verify", Passkeys: passkeys, Templates: around, Origins: []string{p.origin}, // where the login goes on
	})
	if err != nil {
		return err
	}
	p.mfa, err = guardian.NewPages(p.factors, p.web, guardian.PagesConfig{
		Passkeys: passkeys, Templates: around,
		Account: func(r *http.Request) string { v, _ := profileOf(r); return v.Email },
	})
	return err
}

// stepUp asks for a second factor and comes back. A form that was sent when the last one
// was not fresh any more leads to its page, which asks, and shows the form once more.
func (p *portal) stepUp(w http.ResponseWriter, r *http.Request) {
	if r.Method != http.MethodPost {
		p.mfa.StepUp(w, r)
		return
	}
	to := r.URL.Path
	if user := r.PostFormValue("user"); user != "" {
		to += "?" + url.Values{"user": {user}}.Encode()
	}
	http.Redirect(w, r, to, http.StatusSeeOther)
}

// frame is what surrounds every page: where one may go.
func (p *portal) frame(r *http.Request, page *site.Page) {
	page.Foot = p.foot()
	v, s := profileOf(r)
	if s == nil {
		return
	}
	page.Organization = v.Organization
	if s.OrgID != "" {
		org := "/orgs/" + s.OrgID
		page.Nav = []site.Link{{Text: "Invoices", Href: org + "/"}}
		if len(v.Roles) == 0 || slices.Contains(v.Roles, adminRoleName) { // the guard decides, this only spares a way
			page.Nav = append(page.Nav, site.Link{Text: "Team", Href: org + "/team"}, site.Link{Text: "Audit", Href: org + "/audit"})
		}
	}
	page.Nav = append(page.Nav, site.Link{Text: "Account", Href: "/account"})
	for i, link := range page.Nav {
		page.Nav[i].Here = link.Href == r.URL.Path || len(link.Href) > len("/orgs/")+30 && strings.HasPrefix(r.URL.Path, link.Href)
	}
}

// foot is below every page.
func (p *portal) foot() template.HTML {
	if p.demo == nil {
		return ""
	}
	return demoFoot
}
