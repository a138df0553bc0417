package main

import (
	"bytes"
	"context"
	"errors"
	"net/http"
	"strings"

	"github.com/auth0kit/auth0kit/examples/internal/site"
	"github.com/auth0kit/auth0kit/session"
	"github.com/auth0kit/auth0kit/tenancy"
	"github.com/auth0kit/auth0kit/tenancy/delegation"
)

// adminRoleName is the role of administrators, as the Action's claim has it.
const adminRoleName = "Administrator"

func (p *portal) buildTeam(context.Context, func(string) string) (err error) {
	p.admins, err = delegation.New(p.client, p.adminRole, delegation.Holders(p.client, p.adminRole), delegation.Config{
		Onboarding: delegation.Invite{ClientID: p.ClientID, Inviter: "Ledger"}, Recorder: p.log, Locker: p.locker,
	})
	return err
}

// person is a row of the team.
type person struct {
	ID, Email, What string
	Admin, Me       bool
}

// as returns the verbs that whoever asks may use.
func (p *portal) as(r *http.Request) (admin *delegation.Admin, org string) {
	s, _ := session.FromContext(r.Context())
	caller, _ := tenancy.FromContext(r.Context())
	return p.admins.As(delegation.User(s.UserID)), caller.TenantID
}

// team shows who is in the organization, and who administers it.
func (p *portal) team(w http.ResponseWriter, r *http.Request) {
	p.showTeam(w, r, http.StatusOK, "", "")
}

func (p *portal) showTeam(w http.ResponseWriter, r *http.Request, status int, problem, declared string) {
	admin, org := p.as(r)
	list, err := admin.List(r.Context(), org)
	if err != nil {
		p.broken(w, r, err)
		return
	}
	s, _ := session.FromContext(r.Context())
	var people []person
	var emails []string
	listed := map[string]bool{}
	for _, a := range list {
		what := map[string]string{"": "Administrator", "invited": "Invited as administrator", "expired": "Invitation has expired"}[a.Why]
		if what == "" {
			what = "Administrator, does not count: " + strings.ReplaceAll(a.Why, "_", " ")
		}
		people = append(people, person{ID: a.UserID, Email: a.Email, What: what, Admin: true, Me: a.UserID == s.UserID})
		emails, listed[a.UserID] = append(emails, a.Email), true
	}
	for m, err := range p.client.Members(r.Context(), org) {
		if err != nil {
			p.broken(w, r, err)
			return
		}
		if !listed[m.UserID] {
			people = append(people, person{ID: m.UserID, Email: m.Email, What: "Member"})
		}
	}
	if declared == "" {
		declared = strings.Join(emails, "\n")
	}
	p.pages.Show(w, r, status, "team", site.Page{
		Title: "Team", Lead: "Who works here, and who may change that.", Problem: problem, Wide: true,
		Data: map[string]any{"Org": org, "People": people, "Declared": declared},
	})
}

// refusals of a declaration, in the words of this page.
var teamProblems = []struct {
	err  error
	text string
}{
	{delegation.ErrEmpty, "The list is empty. An organization needs an administrator."},
	{delegation.ErrEmail, "One of the lines is not an email address. Give one address a line."},
	{delegation.ErrLastAdmin, "Nobody would be left who can act as administrator. Add somebody first."},
	{delegation.ErrTooManyRemovals, "That removes more than five people at once. Do it in steps."},
	{delegation.ErrDrift, "Somebody else has changed the team meanwhile, and nothing was changed. Look at the new difference."},
	{delegation.ErrNotAllowed, "Only administrators may do this, and nothing was changed."},
}

func teamProblem(err error) string {
	for _, t := range teamProblems {
		if errors.Is(err, t.err) {
			return t.text
		}
	}
	return ""
}

// planTeam shows what would change for the administrators to be as declared.
func (p *portal) planTeam(w http.ResponseWriter, r *http.Request) {
	admin, org := p.as(r)
	declared := r.PostFormValue("emails")
	plan, err := admin.Plan(r.Context(), org, delegation.Declared{Emails: strings.Fields(declared), From: "the portal"})
	if err != nil {
		if problem := teamProblem(err); problem != "" {
			p.showTeam(w, r, http.StatusUnprocessableEntity, problem, declared)
			return
		}
		p.broken(w, r, err)
		return
	}
	page := site.Page{Title: "What would change", Lead: "Nothing is done yet."}
	if plan.Empty() {
		page.Title, page.Lead = "Nothing to change", "The administrators are as declared, or what differs cannot be done here."
	}
	var text, document bytes.Buffer
	if err := errors.Join(plan.WriteDiff(&text, false), plan.WriteJSON(&document)); err != nil {
		p.broken(w, r, err)
		return
	}
	page.Data = map[string]any{"Org": org, "Lines": lines(text.String()), "Plan": document.String(), "Empty": plan.Empty()}
	p.pages.Show(w, r, http.StatusOK, "plan", page)
}

// applyTeam does it. Of the plan that comes back from the browser, Apply believes the
// declaration alone, and compares the rest with what it sees.
func (p *portal) applyTeam(w http.ResponseWriter, r *http.Request) {
	admin, org := p.as(r)
	plan, err := delegation.ReadPlan(strings.NewReader(r.PostFormValue("plan")))
	if err != nil || plan.OrgID != org {
		p.pages.Failed(w, r, http.StatusBadRequest, "That is not the plan of this page", "Nothing was changed. Go back and plan again.", "plan")
		return
	}
	done, err := admin.Apply(r.Context(), plan)
	if done == nil {
		if problem := teamProblem(err); problem != "" {
			p.showTeam(w, r, http.StatusConflict, problem, strings.Join(plan.Declared, "\n"))
			return
		}
		p.broken(w, r, err)
		return
	}
	page := site.Page{Title: "The administrators are as declared", Done: "Done."}
	if err != nil {
		page = site.Page{Title: "Not all of it was done", Problem: "Plan again: the difference has what is left."}
	}
	for _, c := range done.Changes { // their next request is decided anew
		p.guard.Invalidate(org, c.UserID)
		p.api.Invalidate(org, c.UserID)
	}
	var text bytes.Buffer
	if err := done.WriteDiff(&text, false); err != nil {
		p.broken(w, r, err)
		return
	}
	page.Data = map[string]any{"Org": org, "Lines": lines(text.String()), "Empty": true}
	p.pages.Show(w, r, http.StatusOK, "plan", page)
}

// line is one of a difference.
type line struct{ Sign, Text string }

func lines(diff string) (list []line) {
	for text := range strings.Lines(diff) {
		text = strings.TrimRight(text, "\n")
		sign := strings.TrimSpace(text)
		if sign != "" {
			list = append(list, line{sign[:1], text})
		}
	}
	return list[1:] // the first names the organization
}
