package main

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/url"
	"time"

	"github.com/auth0kit/auth0kit/examples/internal/site"
	"github.com/auth0kit/auth0kit/session"
	"github.com/auth0kit/auth0kit/session/login"
	"github.com/auth0kit/auth0kit/tenancy"
)

// buildGuards: pages and programs are admitted by the same rules. A page's token is
// that of its session.
func (p *portal) buildGuards(context.Context, func(string) string) error {
	v, err := tenancy.NewVerifier(p.Domain, p.audience, tenancy.VerifierConfig{HTTPClient: p.HTTPClient})
	if err != nil {
		return err
	}
	cfg := tenancy.GuardConfig{
		FirstParty: []string{p.ClientID}, Directory: p.client, RoleTTL: time.Minute,
		Cutoff: p.cutoff, Recorder: p.log, Render: tenancy.Problem,
	}
	if p.api, err = tenancy.NewGuard(v, cfg); err != nil {
		return err
	}
	cfg.Render = p.refused
	cfg.Token = func(r *http.Request) (string, error) {
		token, err := p.login.AccessToken(r.Context(), p.audience)
		if errors.Is(err, login.ErrLoginRequired) {
			return "", nil
		}
		return token, err
	}
	p.guard, err = tenancy.NewGuard(v, cfg)
	return err
}

// member admits the members of the organization in the path who have the permission
// there. Whoever is not signed in signs in to that organization.
func (p *portal) member(permission string, page http.HandlerFunc) http.Handler {
	checked := p.web.Require(p.settled(p.guard.Require(tenancy.FromPath("org"), tenancy.AllOf(permission))(page)))
	return p.web.Load(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, err := p.web.UserID(r)
		if r.Method == http.MethodGet && err != nil && !errors.Is(err, session.ErrUnavailable) {
			http.Redirect(w, r, again(r, r.PathValue("org")).Href, http.StatusSeeOther)
			return
		}
		checked.ServeHTTP(w, r)
	}))
}

// refused is the page of who is not admitted.
func (p *portal) refused(r *http.Request, x tenancy.Refusal) (contentType string, body []byte) {
	page := site.Page{Title: "You may not do this here", Lead: "Your role in this organization does not include it. Ask an administrator.", Data: signIn{}}
	switch {
	case x.Status == http.StatusServiceUnavailable:
		page.Title, page.Lead = "That did not work", "Something that we need does not answer. Try again in a moment."
	case x.Status == http.StatusUnauthorized:
		link := again(r, r.PathValue("org"))
		link.Text = "Sign in"
		page.Title, page.Lead, page.Data = "Please sign in again", "Your access was ended, here or at Auth0.", link
	case x.Reason == "other_org", x.Reason == "no_organization":
		page.Title, page.Lead = "This page belongs to another organization", "You are signed in to another one. You can switch to this one if you are a member."
		page.Data = again(r, r.PathValue("org"))
	case x.Reason == "not_member":
		page.Lead = "You are not a member of this organization any more."
	}
	body, err := p.pages.Body(r, "refused", page)
	if err != nil {
		return "text/plain; charset=utf-8", []byte(page.Title + "\n")
	}
	return "text/html; charset=utf-8", body
}

// signIn is a link that signs in and comes back; empty: none.
type signIn struct{ Href, Text string }

func again(r *http.Request, org string) signIn {
	q := url.Values{"to": {"/"}}
	if r.Method == http.MethodGet {
		q.Set("to", r.URL.RequestURI())
	}
	q.Set("organization", org)
	return signIn{"/auth/login?" + q.Encode(), "Switch to it"}
}

// home leads whoever is signed in to their organization.
func (p *portal) home(w http.ResponseWriter, r *http.Request) {
	switch s, ok := session.FromContext(r.Context()); {
	case !ok:
		p.pages.Show(w, r, http.StatusOK, "home", site.Page{Title: "Invoices, paid by the right people", Lead: "Sign in with the name of your company."})
	case s.OrgID == "":
		http.Redirect(w, r, "/organizations", http.StatusSeeOther)
	default:
		http.Redirect(w, r, "/orgs/"+s.OrgID+"/", http.StatusSeeOther)
	}
}

// choose lists the organizations of the user. Each link is a login, since a session
// is of one organization.
func (p *portal) choose(w http.ResponseWriter, r *http.Request) {
	s, _ := session.FromContext(r.Context())
	list, err := p.client.UserOrganizations(r.Context(), s.UserID)
	if err != nil {
		p.broken(w, r, err)
		return
	}
	type choice struct {
		Name, Href string
		Here       bool
	}
	var choices []choice
	for _, o := range list {
		choices = append(choices, choice{o.Name, "/auth/login?" + url.Values{"organization": {o.ID}, "to": {"/orgs/" + o.ID + "/"}}.Encode(), o.ID == s.OrgID})
	}
	p.pages.Show(w, r, http.StatusOK, "organizations", site.Page{Title: "Your organizations", Lead: "You work for one at a time.", Data: choices})
}

// invoicesAPI is what programs read, with an access token of their own.
func (p *portal) invoicesAPI(w http.ResponseWriter, r *http.Request) {
	caller, _ := tenancy.FromContext(r.Context())
	list, err := p.invoices(r.Context(), caller.TenantID)
	if err != nil {
		p.api.Refuse(w, r, &tenancy.UnavailableError{RetryAfter: 5 * time.Second, Err: err})
		return
	}
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(append([]invoice{}, list...)) // the client has gone
}
