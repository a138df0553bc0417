package main

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net/http"

	"github.com/auth0kit/auth0kit/examples/internal/site"
	"github.com/auth0kit/auth0kit/risk"
)

// account is what the user may see and do about themselves.
func (p *portal) account(w http.ResponseWriter, r *http.Request) {
	v, s := profileOf(r)
	unusual, err := p.risk.History(r.Context(), s.UserID)
	if err != nil {
		p.broken(w, r, err)
		return
	}
	p.pages.Show(w, r, http.StatusOK, "account", site.Page{Title: v.Name, Lead: v.Email, Data: struct {
		profile
		Unusual []risk.Decision
	}{v, unusual[:min(len(unusual), 5)]}})
}

// data is all that is kept about the user, here and at Auth0, for them to take along.
func (p *portal) data(w http.ResponseWriter, r *http.Request) {
	_, s := profileOf(r)
	all := map[string]json.RawMessage{}
	for name, export := range map[string]func(context.Context, string, io.Writer) error{
		"sessions": p.sessions.Export, "factors": p.factors.Export, "sign-ins": p.risk.Export, "counts": p.logins.Export, "log": p.log.Export, "books": p.exportBooks, "account": p.exportAccount,
	} {
		var b bytes.Buffer
		if err := export(r.Context(), s.UserID, &b); err != nil {
			p.broken(w, r, err)
			return
		}
		all[name] = b.Bytes()
	}
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Content-Disposition", `attachment; filename="ledger-data.json"`)
	_ = json.NewEncoder(w).Encode(all) // an error means that the browser has gone
}

// exportAccount writes what Auth0 keeps.
func (p *portal) exportAccount(ctx context.Context, userID string, w io.Writer) error {
	user, err := p.client.User(ctx, userID)
	if err != nil {
		return err
	}
	orgs, err := p.client.UserOrganizations(ctx, userID)
	if err != nil {
		return err
	}
	return json.NewEncoder(w).Encode(map[string]any{"user": user, "organizations": orgs})
}
