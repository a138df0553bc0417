package management

import (
	"context"
	"fmt"
	"net/url"

	sdk "github.com/auth0/go-auth0/management"

	"github.com/auth0kit/auth0kit/management/resource"
)

// Connection reads the connection with exactly that name. A missing one is
// ErrNotFound.
func (c *Client) Connection(ctx context.Context, name string) (*resource.Connection, error) {
	const op = "read connection"
	if name == "" {
		return nil, invalid(op, "the name is empty")
	}
	query := url.Values{
		"name": {name}, "fields": {"id,name,strategy"}, "include_fields": {"true"},
		"per_page": {"50"}, "include_totals": {"true"},
	}
	var out sdk.ConnectionList
	if err := c.get(ctx, op, query, listOf("connections", "id", &out), "connections"); err != nil {
		return nil, err
	}
	for _, found := range out.Connections {
		if found.GetName() == name {
			return &resource.Connection{ID: found.GetID(), Name: name, Strategy: found.GetStrategy()}, nil
		}
	}
	return nil, &resource.Error{Op: op, Err: fmt.Errorf("%w: no connection of the tenant has that name", resource.ErrNotFound)}
}

// DatabaseConnections returns the database connections of the tenant with their
// options; more than 1,000 are ErrInvalid.
func (c *Client) DatabaseConnections(ctx context.Context) ([]resource.Connection, error) {
	const op = "list database connections"
	return collect(byOffset(ctx, op, func(ctx context.Context, query url.Values) ([]resource.Connection, int, error) {
		query.Set("strategy", "auth0")
		var out struct {
			Total       int
			Connections []resource.Connection
		}
		err := c.get(ctx, op, query, listOf("connections", "id", &out), "connections")
		return out.Connections, out.Total, err
	}))
}

// SetConnectionOptions replaces all options of a connection, as Auth0's PATCH does:
// read them with DatabaseConnections, change what has to change, and give all back.
func (c *Client) SetConnectionOptions(ctx context.Context, id string, options map[string]any) error {
	const op = "set connection options"
	if id == "" || len(options) == 0 {
		return invalid(op, "the id or the options are empty")
	}
	return c.send(Idempotent(ctx), op, "PATCH", map[string]any{"options": options}, objectWith("id", new(sdk.Connection)), "connections", id)
}
