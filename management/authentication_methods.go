package management

import (
	"context"
	"net/url"

	sdk "github.com/auth0/go-auth0/management"

	"github.com/auth0kit/auth0kit/management/resource"
)

// AuthenticationMethods returns the authentication methods of a user. Auth0
// allows few reads of them per user and minute: cache them.
func (c *Client) AuthenticationMethods(ctx context.Context, userID string) ([]resource.AuthenticationMethod, error) {
	const op = "list authentication methods"
	return collect(byOffset(ctx, op, func(ctx context.Context, query url.Values) ([]resource.AuthenticationMethod, int, error) {
		var out sdk.AuthenticationMethodList
		if err := c.get(ctx, op, query, listOf("authenticators", "id", &out), "users", userID, "authentication-methods"); err != nil {
			return nil, 0, err
		}
		return convert(out.Authenticators, authenticationMethod), out.Total, nil
	}))
}

// CreateAuthenticationMethod registers a method that the user has proved
// elsewhere: Auth0 takes it as confirmed.
func (c *Client) CreateAuthenticationMethod(ctx context.Context, userID string, m resource.NewAuthenticationMethod) (*resource.AuthenticationMethod, error) {
	const op = "create authentication method"
	if m.Type == "" {
		return nil, invalid(op, "NewAuthenticationMethod.Type is empty")
	}
	in := &sdk.AuthenticationMethod{
		Type: &m.Type, Name: optional(m.Name), TOTPSecret: optional(m.TOTPSecret),
		PhoneNumber: optional(m.Phone), Email: optional(m.Email),
	}
	var out sdk.AuthenticationMethod
	if err := c.send(ctx, op, "POST", in, objectWith("id", &out), "users", userID, "authentication-methods"); err != nil {
		return nil, err
	}
	return new(authenticationMethod(&out)), nil
}

// DeleteAuthenticationMethod removes one method of a user.
func (c *Client) DeleteAuthenticationMethod(ctx context.Context, userID, methodID string) error {
	return c.send(ctx, "delete authentication method", "DELETE", nil, nil, "users", userID, "authentication-methods", methodID)
}

// DeleteAuthenticators removes every second factor of a user, also those that
// AuthenticationMethods does not list.
func (c *Client) DeleteAuthenticators(ctx context.Context, userID string) error {
	return c.send(ctx, "delete authenticators", "DELETE", nil, nil, "users", userID, "authenticators")
}

func authenticationMethod(m *sdk.AuthenticationMethod) resource.AuthenticationMethod {
	return resource.AuthenticationMethod{
		ID: m.GetID(), Type: m.GetType(), Name: m.GetName(), Confirmed: m.GetConfirmed(), CreatedAt: m.GetCreatedAt(),
	}
}
