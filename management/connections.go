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
