package main

import (
	"context"
	"fmt"
	"os"
	"strings"

	"github.com/auth0kit/auth0kit/management/auth0test"
	"github.com/auth0kit/auth0kit/management/resource"
)

// offline is a tenant with two organizations: Ada keeps the books of acme, Bob
// may see the total of globex.
type offline struct {
	tenant *auth0test.Tenant
	app    string // Client id of the application that people log in with.
	vars   [][2]string
}

const password = "correct horse battery"

func newOffline(ctx context.Context, audience string) (*offline, error) {
	tenant := auth0test.NewTenant(auth0test.Options{})
	tenant.AddAPI(audience, "read:invoices", "write:invoices", "read:total")
	clerk := tenant.AddRole("clerk", audience, "read:invoices", "write:invoices")
	viewer := tenant.AddRole("viewer", audience, "read:total")
	acme, globex := tenant.AddOrganization("acme"), tenant.AddOrganization("globex")
	tenant.AddMember(acme, tenant.AddUser(resource.User{ID: "ada", Email: "ada@example.com", Username: "ada", EmailVerified: true}, password), clerk)
	tenant.AddMember(globex, tenant.AddUser(resource.User{ID: "bob", Email: "bob@example.com", Username: "bob", EmailVerified: true}, password), viewer)
	app := tenant.AddClient(auth0test.Application{CallbackURL: "http://127.0.0.1:3000/callback"})

	o := &offline{tenant: tenant, app: app.ID, vars: [][2]string{{"ACME", acme}, {"GLOBEX", globex}}}
	for name, login := range map[string]auth0test.Login{
		"ADA":     {OrgID: acme, Identifier: "ada@example.com"},
		"BOB":     {OrgID: globex, Identifier: "bob@example.com"},
		"ADA_OUT": {Identifier: "ada@example.com"}, // no organization
	} {
		login.ClientID, login.Audience, login.Password = app.ID, audience, password
		tokens, err := tenant.Login(ctx, login)
		if err != nil {
			return nil, fmt.Errorf("log %s in: %w", name, err)
		}
		o.vars = append(o.vars, [2]string{name, tokens.Access})
		if name == "ADA" {
			o.vars = append(o.vars, [2]string{"ADA_ID", tokens.ID})
		}
	}
	return o, nil
}

// writeEnv writes the variables that README.md uses.
func (o *offline) writeEnv(file, url string) error {
	var b strings.Builder
	for _, v := range append(o.vars, [2]string{"API", url}) {
		fmt.Fprintf(&b, "%s='%s'\n", v[0], v[1])
	}
	return os.WriteFile(file, []byte(b.String()), 0o600)
}
