package main

import (
	"context"
	"fmt"
	"net/http"
	"time"

	"github.com/auth0kit/auth0kit/internal/issuer"
	"github.com/auth0kit/auth0kit/internal/oauth"
	"github.com/auth0kit/auth0kit/management"
	"github.com/auth0kit/auth0kit/management/auth0test"
)

// An auth0Tenant is where the users go: one in this process, or a real one.
type auth0Tenant struct {
	client     *management.Client
	app        oauth.Client // logs users in
	connection string
	close      func()
}

const connectionName = "customers"

// localTenant starts a tenant on a socket of this machine and talks to it as to
// a real one: TLS, tokens, the SDK.
func localTenant() (*auth0Tenant, error) {
	t := auth0test.NewTenant(auth0test.Options{JobTime: 100 * time.Millisecond})
	t.AddConnection(connectionName, "auth0")
	server, err := t.Listen("127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	machine := t.Machine()
	local, err := connect(server.Domain, machine.ID, machine.Secret, connectionName, server.Client)
	if err != nil {
		server.Close()
		return nil, err
	}
	app := t.AddClient(auth0test.Application{Name: "login form"})
	local.app.ClientID, local.app.ClientSecret = app.ID, app.Secret
	local.close = server.Close
	return local, nil
}

// liveTenant reads the environment.
func liveTenant(env func(string) string) (*auth0Tenant, error) {
	names := []string{"AUTH0_DOMAIN", "AUTH0_CLIENT_ID", "AUTH0_CLIENT_SECRET", "AUTH0_CONNECTION"}
	for _, name := range names {
		if env(name) == "" {
			return nil, fmt.Errorf("%s is not set; -live needs %v", name, names)
		}
	}
	return connect(env(names[0]), env(names[1]), env(names[2]), env(names[3]), nil)
}

func connect(domain, id, secret, connection string, hc *http.Client) (*auth0Tenant, error) {
	client, err := management.New(management.Config{
		Domain: domain, ClientID: id, ClientSecret: secret, HTTPClient: hc,
		MaxWait: -1, // a bulk run waits for the tenant's bucket as long as it takes
	})
	if err != nil {
		return nil, err
	}
	tenant, err := issuer.Parse("domain", domain)
	if err != nil {
		return nil, err
	}
	return &auth0Tenant{
		client:     client,
		app:        oauth.Client{Issuer: tenant, ClientID: id, ClientSecret: secret, HTTPClient: hc},
		connection: connection,
		close:      func() {},
	}, nil
}

// login is what a login form does at the tenant: no code of the migration takes
// part in it.
func (t *auth0Tenant) login(ctx context.Context, email, password string) error {
	_, err := t.app.PasswordRealm(ctx, oauth.PasswordLogin{Realm: t.connection, Username: email, Password: password})
	return err
}
