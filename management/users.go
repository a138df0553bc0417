package management

import (
	"context"
	"iter"
	"net/url"

	sdk "github.com/auth0/go-auth0/management"

	"github.com/auth0kit/auth0kit/management/resource"
)

// User reads a user by id. A missing one is ErrNotFound. Unlike a search it
// sees every write at once.
func (c *Client) User(ctx context.Context, id string) (*resource.User, error) {
	var out sdk.User
	if err := c.get(ctx, "read user", nil, objectWith("user_id", &out), "users", id); err != nil {
		return nil, err
	}
	return new(user(&out)), nil
}

// UsersByEmail returns the users with that email in all connections, which may be
// none. Auth0 compares with upper and lower case as stored; in database connections
// it stores lower case. It sees every write at once.
func (c *Client) UsersByEmail(ctx context.Context, email string) ([]resource.User, error) {
	const op = "find users by email"
	if email == "" {
		return nil, invalid(op, "the email is empty")
	}
	var out []*sdk.User
	if err := c.get(ctx, op, url.Values{"email": {email}}, listOf("", "user_id", &out), "users-by-email"); err != nil {
		return nil, err
	}
	return convert(out, user), nil
}

// SearchUsers yields the users that match query, in the syntax of
// https://auth0.com/docs/manage-users/user-search/user-search-query-syntax;
// empty matches all. The index lags behind writes by seconds. Auth0 shows the
// first 1,000 matches; when there may be more, the sequence ends with
// ErrInvalid after them: narrow the query or use ExportUsers.
func (c *Client) SearchUsers(ctx context.Context, query string) iter.Seq2[resource.User, error] {
	const op = "search users"
	return byOffset(ctx, op, func(ctx context.Context, values url.Values) ([]resource.User, int, error) {
		if query != "" {
			values.Set("q", query)
		}
		values.Set("search_engine", "v3")
		var out sdk.UserList
		if err := c.get(ctx, op, values, listOf("users", "user_id", &out), "users"); err != nil {
			return nil, 0, err
		}
		return convert(out.Users, user), out.Total, nil
	})
}

// CreateUser creates a user and returns it with its id. ErrConflict means that
// the connection has one with the same email, username, phone or id. After
// ErrOutcomeUnknown the user may exist.
func (c *Client) CreateUser(ctx context.Context, u resource.NewUser) (*resource.User, error) {
	const op = "create user"
	if u.Connection == "" {
		return nil, invalid(op, "NewUser.Connection is empty")
	}
	in := &sdk.User{
		ID: optional(u.ID), Connection: &u.Connection, Email: optional(u.Email), Username: optional(u.Username),
		PhoneNumber: optional(u.Phone), Name: optional(u.Name), GivenName: optional(u.GivenName), FamilyName: optional(u.FamilyName),
		Nickname: optional(u.Nickname), Picture: optional(u.Picture), Password: optional(u.Password),
		AppMetadata: metadata(u.AppMetadata), UserMetadata: metadata(u.UserMetadata),
	}
	if u.Email != "" {
		in.EmailVerified = &u.EmailVerified
	}
	if u.PhoneVerified {
		in.PhoneVerified = &u.PhoneVerified
	}
	if u.Blocked {
		in.Blocked = &u.Blocked
	}
	var out sdk.User
	if err := c.send(ctx, op, "POST", in, objectWith("user_id", &out), "users"); err != nil {
		return nil, err
	}
	return new(user(&out)), nil
}

// UpdateUser changes what p names and returns the user. Empty metadata is not
// sent: Auth0 would take it to mean that all metadata goes.
func (c *Client) UpdateUser(ctx context.Context, id string, p resource.UserPatch) (*resource.User, error) {
	in := &sdk.User{
		Email: p.Email, Name: p.Name, GivenName: p.GivenName, FamilyName: p.FamilyName, Nickname: p.Nickname, Picture: p.Picture,
		Password: p.Password, EmailVerified: p.EmailVerified, Blocked: p.Blocked,
		AppMetadata: metadata(p.AppMetadata), UserMetadata: metadata(p.UserMetadata),
	}
	var out sdk.User
	if err := c.send(ctx, "update user", "PATCH", in, objectWith("user_id", &out), "users", id); err != nil {
		return nil, err
	}
	return new(user(&out)), nil
}

// DeleteUser deletes a user. It succeeds when there is no such user.
func (c *Client) DeleteUser(ctx context.Context, id string) error {
	return c.send(ctx, "delete user", "DELETE", nil, nil, "users", id)
}

// SendVerificationEmail makes Auth0 send the mail that verifies the address of
// a user. It is queued when this returns.
func (c *Client) SendVerificationEmail(ctx context.Context, userID string) error {
	const op = "send verification email"
	if userID == "" {
		return invalid(op, "the user id is empty")
	}
	return c.send(ctx, op, "POST", map[string]string{"user_id": userID}, objectWith("id", new(sdk.Job)), "jobs", "verification-email")
}

func user(u *sdk.User) resource.User {
	out := resource.User{
		ID: u.GetID(), Connection: u.GetConnection(), Email: u.GetEmail(), Username: u.GetUsername(),
		Phone: u.GetPhoneNumber(), Name: u.GetName(), GivenName: u.GetGivenName(), FamilyName: u.GetFamilyName(),
		Nickname: u.GetNickname(), Picture: u.GetPicture(), PhoneVerified: u.GetPhoneVerified(), EmailVerified: u.GetEmailVerified(), Blocked: u.GetBlocked(),
		CreatedAt: u.GetCreatedAt(), UpdatedAt: u.GetUpdatedAt(), LastLogin: u.GetLastLogin(),
		LoginsCount: int(u.GetLoginsCount()),
	}
	if len(u.Identities) > 0 {
		out.Connection = u.Identities[0].GetConnection()
		out.Linked = convert(u.Identities[1:], (*sdk.UserIdentity).GetConnection)
	}
	if u.AppMetadata != nil {
		out.AppMetadata = *u.AppMetadata
	}
	if u.UserMetadata != nil {
		out.UserMetadata = *u.UserMetadata
	}
	return out
}

func metadata(m map[string]any) *map[string]any {
	if len(m) == 0 {
		return nil
	}
	return &m
}

func optional(s string) *string {
	if s == "" {
		return nil
	}
	return &s
}
