package main

import (
	"cmp"
	"context"
	"crypto/rand"
	"database/sql"
	"encoding/json"
	"errors"
	"log"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/auth0kit/auth0kit/examples/internal/site"
	"github.com/auth0kit/auth0kit/examples/portal/contain"
	"github.com/auth0kit/auth0kit/management/resource"
	"github.com/auth0kit/auth0kit/session"
	"github.com/auth0kit/auth0kit/tenancy"
)

// receiptsSchema keeps receipts with the books, so that another process can go on.
const receiptsSchema = `CREATE TABLE IF NOT EXISTS portal_receipts (id VARCHAR(255) PRIMARY KEY, receipt TEXT NOT NULL)`

// Save implements contain.Book.
func (s *stores) Save(ctx context.Context, r contain.Receipt) error {
	text, err := json.Marshal(r)
	if err != nil {
		return err
	}
	_, err = s.books.ExecContext(ctx, `INSERT INTO portal_receipts (id, receipt) VALUES ($1, $2) ON CONFLICT (id) DO UPDATE SET receipt = excluded.receipt`, r.ID, string(text))
	return err
}

// Load implements contain.Book.
func (s *stores) Load(ctx context.Context, id string) (r contain.Receipt, err error) {
	var text string
	err = s.books.QueryRowContext(ctx, `SELECT receipt FROM portal_receipts WHERE id = $1`, id).Scan(&text)
	if errors.Is(err, sql.ErrNoRows) {
		return r, contain.ErrNone
	}
	if err != nil {
		return r, err
	}
	return r, json.Unmarshal([]byte(text), &r)
}

// closed returns when somebody closed the account of a user, for their export.
func (s *stores) closed(ctx context.Context, userID string) (at []time.Time, err error) {
	rows, err := s.books.QueryContext(ctx, `SELECT receipt FROM portal_receipts ORDER BY id`)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, rows.Close()) }()
	for rows.Next() {
		var text []byte
		var r contain.Receipt
		if err := rows.Scan(&text); err != nil {
			return nil, err
		}
		if err := json.Unmarshal(text, &r); err != nil {
			return nil, err
		}
		if r.UserID == userID {
			at = append(at, r.Began)
		}
	}
	return at, rows.Err()
}

// closable returns the email of a member whose account the administrators of this
// organization may close: not their own, and of nobody who works for others too. What a
// receipt says was begun may be finished after the member has left.
func (p *portal) closable(r *http.Request, org, userID, receipt string) (email, problem string, err error) {
	names, err := p.names(r.Context(), org)
	if err != nil {
		return "", "", err
	}
	s, _ := session.FromContext(r.Context())
	email, member := names[userID]
	if !member {
		begun, err := p.Load(r.Context(), receipt)
		if err != nil && !errors.Is(err, contain.ErrNone) {
			return "", "", err
		}
		if begun.UserID != userID || userID == "" {
			return "", "This person does not work here any more.", nil
		}
	}
	if userID == s.UserID {
		return "", "This is your own account. Ask another administrator.", nil
	}
	orgs, err := p.client.UserOrganizations(r.Context(), userID)
	if errors.Is(err, resource.ErrNotFound) {
		return email, "", nil // deleted at Auth0, and open here still
	}
	if slices.ContainsFunc(orgs, func(o resource.Organization) bool { return o.ID != org }) {
		problem = "They work for other organizations too, which you do not administer. Ask the help desk."
	}
	return email, problem, err
}

// askContain asks once more, by name.
func (p *portal) askContain(w http.ResponseWriter, r *http.Request) {
	caller, _ := tenancy.FromContext(r.Context())
	user := r.URL.Query().Get("user")
	email, problem, err := p.closable(r, caller.TenantID, user, "")
	switch {
	case err != nil:
		p.broken(w, r, err)
	case problem != "":
		p.showTeam(w, r, http.StatusConflict, problem, "")
	default:
		p.pages.Show(w, r, http.StatusOK, "contain", site.Page{
			Title: "Close the account of " + email + "?", Lead: "For when somebody else may be in it: a stolen laptop, a password that was phished. Nobody gets in any more until the help desk opens it.",
			Data: map[string]any{"Org": caller.TenantID, "User": user, "Email": email, "ID": caller.TenantID + "-" + rand.Text()},
		})
	}
}

var reasons = []string{"phished", "stolen_device", "other"}

// contain closes the account, or goes on with what is not closed yet: the id of the
// receipt comes with the form, so that a form that is sent twice is one order.
func (p *portal) contain(w http.ResponseWriter, r *http.Request) {
	caller, _ := tenancy.FromContext(r.Context())
	id, user := r.PostFormValue("id"), r.PostFormValue("user")
	if !strings.HasPrefix(id, caller.TenantID+"-") || len(id) > 100 || !slices.Contains(reasons, r.PostFormValue("reason")) {
		p.pages.Failed(w, r, http.StatusBadRequest, "That is not the form of this page", "Nothing was done. Go back and load the page again.", "form")
		return
	}
	_, problem, err := p.closable(r, caller.TenantID, user, id)
	if err != nil {
		p.broken(w, r, err)
		return
	}
	if problem != "" {
		p.showTeam(w, r, http.StatusConflict, problem, "")
		return
	}
	layers := []contain.Layer{
		contain.Block(p.client), contain.RevokeAtAuth0(p.client), contain.EndSessions(p.sessions), contain.CutTokens(p.cutoff, 2*time.Second, 24*time.Hour), contain.Distrust(p.risk),
	}
	if r.PostFormValue("factors") != "" {
		layers = append(layers, contain.ResetFactors(p.factors))
	}
	c, err := contain.New(p.stores, p.log, layers...)
	if err != nil {
		p.broken(w, r, err)
		return
	}
	// What was begun goes on although the browser is closed.
	receipt, err := c.Run(context.WithoutCancel(r.Context()), id, contain.Order{UserID: user, By: caller.UserID, Reason: r.PostFormValue("reason")})
	if receipt == nil {
		p.broken(w, r, err)
		return
	}
	if err != nil {
		log.Print("portal: ", err) // the receipt shows it
	}
	p.guard.Invalidate(caller.TenantID, user)
	p.api.Invalidate(caller.TenantID, user)
	http.Redirect(w, r, "/orgs/"+caller.TenantID+"/receipts/"+id, http.StatusSeeOther)
}

// receipt shows what each layer did, and what is open until when.
func (p *portal) receipt(w http.ResponseWriter, r *http.Request) {
	caller, _ := tenancy.FromContext(r.Context())
	id := r.PathValue("receipt")
	receipt, err := p.Load(r.Context(), id)
	if !strings.HasPrefix(id, caller.TenantID+"-") || errors.Is(err, contain.ErrNone) {
		p.pages.NotFound(w, r)
		return
	}
	names, err2 := p.names(r.Context(), caller.TenantID)
	if err = errors.Join(err, err2); err != nil {
		p.broken(w, r, err)
		return
	}
	name := func(userID string) string { return cmp.Or(names[userID], "somebody who has left") }
	page := site.Page{Title: "The account of " + name(receipt.UserID), Lead: "Ordered by " + name(receipt.By) + ", " + site.When(receipt.Began) + ".", Done: "It is closed."}
	if !receipt.Closed() {
		page.Done, page.Problem = "", "It is not closed everywhere. Go on until it is."
	}
	page.Data = map[string]any{
		"Org": caller.TenantID, "Receipt": receipt, "Closed": receipt.Closed(), "Open": receipt.Open(time.Now()),
		"Factors": slices.Contains(receipt.Layers, contain.ResetFactors(p.factors).Name),
	}
	p.pages.Show(w, r, http.StatusOK, "receipt", page)
}
