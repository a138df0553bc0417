package auth0test

import (
	"github.com/auth0kit/auth0kit/management"
)

// Management returns a client of the Management API with every scope, in process:
// its requests cross no socket, so that it works in a testing/synctest bubble.
// Each call returns a new client.
func (t *Tenant) Management() *management.Client {
	c, err := management.New(management.Config{
		Domain:       t.s.Options.Domain,
		ClientID:     t.s.Options.ClientID,
		ClientSecret: t.s.Options.ClientSecret,
		HTTPClient:   t.HTTPClient(),
		Budget:       1,
	})
	if err != nil {
		panic("auth0test: Management: " + err.Error()) // Options.Domain is not a host.
	}
	return c
}
