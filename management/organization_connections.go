package management

import (
	"context"
	"net/url"

	sdk "github.com/auth0/go-auth0/management"

	"github.com/auth0kit/auth0kit/management/resource"
)

// OrganizationConnections returns the connections that are enabled in an
// organization, of which Auth0 allows 10.
func (c *Client) OrganizationConnections(ctx context.Context, orgID string) ([]resource.Connection, error) {
	const op = "list organization connections"
	return collect(byOffset(ctx, op, func(ctx context.Context, query url.Values) ([]resource.Connection, int, error) {
		var out sdk.OrganizationConnectionList
		if err := c.get(ctx, op, query, listOf("enabled_connections", "connection_id", &out), "organizations", orgID, "enabled_connections"); err != nil {
			return nil, 0, err
		}
		return convert(out.OrganizationConnections, func(o *sdk.OrganizationConnection) resource.Connection {
			return resource.Connection{ID: o.GetConnectionID(), Name: o.GetConnection().GetName(), Strategy: o.GetConnection().GetStrategy()}
		}), out.Total, nil
	}))
}
