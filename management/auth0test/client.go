package auth0test

import "github.com/auth0kit/auth0kit/management"

// Client returns a client of the Management API with every scope, in process:
// its requests cross no socket, so that it works in a testing/synctest bubble.
// Each call returns a new client.
func (t *Tenant) Client() *management.Client {
	c, err := management.New(management.Config{
		Domain:       t.opts.Domain,
		ClientID:     t.opts.ClientID,
		ClientSecret: t.opts.ClientSecret,
		HTTPClient:   t.HTTPClient(),
		Budget:       1,
	})
	if err != nil {
		panic("auth0test: Client: " + err.Error()) // Options.Domain is not a host.
	}
	return c
}
