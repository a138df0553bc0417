package management

import (
	"context"
	"iter"
	"net/url"
	"time"

	sdk "github.com/auth0/go-auth0/management"

	"github.com/auth0kit/auth0kit/management/resource"
)

// maxInvitationTTL is Auth0's bound
// (https://auth0.com/docs/manage-users/organizations/configure-organizations/invite-members).
const maxInvitationTTL = 30 * 24 * time.Hour

// Invitations yields the pending invitations of an organization, newest first.
// Auth0 lists 1,000; when there may be more, the sequence ends with ErrInvalid.
func (c *Client) Invitations(ctx context.Context, orgID string) iter.Seq2[resource.Invitation, error] {
	const op = "list invitations"
	return byOffset(ctx, op, func(ctx context.Context, query url.Values) ([]resource.Invitation, int, error) {
		var out sdk.OrganizationInvitationList
		if err := c.get(ctx, op, query, listOf("invitations", "id", &out), "organizations", orgID, "invitations"); err != nil {
			return nil, 0, err
		}
		return convert(out.OrganizationInvitations, invitation), out.Total, nil
	})
}

// CreateInvitation invites somebody and returns the invitation with its link.
// After ErrOutcomeUnknown the mail may have been sent.
func (c *Client) CreateInvitation(ctx context.Context, orgID string, i resource.NewInvitation) (*resource.Invitation, error) {
	const op = "create invitation"
	switch {
	case i.ClientID == "":
		return nil, invalid(op, "NewInvitation.ClientID is empty")
	case i.Inviter == "":
		return nil, invalid(op, "NewInvitation.Inviter is empty")
	case i.Email == "":
		return nil, invalid(op, "NewInvitation.Email is empty")
	case i.TTL < 0 || i.TTL > maxInvitationTTL || i.TTL > 0 && i.TTL < time.Second:
		return nil, invalid(op, "NewInvitation.TTL must be from a second to 30 days, or zero")
	}
	in := &sdk.OrganizationInvitation{
		ClientID: &i.ClientID, Roles: i.RoleIDs, SendInvitationEmail: new(!i.NoMail),
		Inviter: &sdk.OrganizationInvitationInviter{Name: &i.Inviter},
		Invitee: &sdk.OrganizationInvitationInvitee{Email: &i.Email},
	}
	if i.TTL > 0 {
		in.TTLSec = new(int(i.TTL / time.Second))
	}
	var out sdk.OrganizationInvitation
	if err := c.send(ctx, op, "POST", in, objectWith("id", &out), "organizations", orgID, "invitations"); err != nil {
		return nil, err
	}
	return new(invitation(&out)), nil
}

// DeleteInvitation withdraws an invitation.
func (c *Client) DeleteInvitation(ctx context.Context, orgID, invitationID string) error {
	return c.send(ctx, "delete invitation", "DELETE", nil, nil, "organizations", orgID, "invitations", invitationID)
}

func invitation(i *sdk.OrganizationInvitation) resource.Invitation {
	return resource.Invitation{
		ID: i.GetID(), Email: i.GetInvitee().GetEmail(), URL: i.GetInvitationURL(), RoleIDs: i.Roles,
		ExpiresAt: timestamp(i.GetExpiresAt()),
	}
}

// timestamp reads the times that the SDK leaves as text; zero when it is none.
func timestamp(s string) time.Time {
	t, err := time.Parse(time.RFC3339Nano, s)
	if err != nil {
		return time.Time{}
	}
	return t.UTC()
}

// Organizations yields the organizations of the tenant.
func (c *Client) Organizations(ctx context.Context) iter.Seq2[resource.Organization, error] {
	const op = "list organizations"
	return byCheckpoint(ctx, op, func(ctx context.Context, query url.Values) ([]resource.Organization, string, error) {
		var out sdk.OrganizationList
		err := c.get(ctx, op, query, listOf("organizations", "id", &out), "organizations")
		return convert(out.Organizations, organization), out.Next, err
	})
}

// Organization reads an organization by id. A missing one is ErrNotFound.
func (c *Client) Organization(ctx context.Context, id string) (*resource.Organization, error) {
	var out sdk.Organization
	if err := c.get(ctx, "read organization", nil, objectWith("id", &out), "organizations", id); err != nil {
		return nil, err
	}
	return new(organization(&out)), nil
}

// OrganizationByName reads the organization with exactly that name. A missing one
// is ErrNotFound.
func (c *Client) OrganizationByName(ctx context.Context, name string) (*resource.Organization, error) {
	const op = "find organization"
	if name == "" {
		return nil, invalid(op, "the name is empty")
	}
	var out sdk.Organization
	if err := c.get(ctx, op, nil, objectWith("id", &out), "organizations", "name", name); err != nil {
		return nil, err
	}
	return new(organization(&out)), nil
}

// CreateOrganization creates an organization and returns it with its id; o.ID is
// ignored. A name that is taken is ErrConflict. After ErrOutcomeUnknown it may
// exist.
func (c *Client) CreateOrganization(ctx context.Context, o resource.Organization) (*resource.Organization, error) {
	const op = "create organization"
	if o.Name == "" {
		return nil, invalid(op, "Organization.Name is empty")
	}
	in := &sdk.Organization{Name: &o.Name, DisplayName: optional(o.DisplayName)}
	if len(o.Metadata) > 0 {
		in.Metadata = &o.Metadata
	}
	var out sdk.Organization
	if err := c.send(ctx, op, "POST", in, objectWith("id", &out), "organizations"); err != nil {
		return nil, err
	}
	return new(organization(&out)), nil
}

// UserOrganizations returns the organizations that a user is a member of; more
// than 1,000 are ErrInvalid.
func (c *Client) UserOrganizations(ctx context.Context, userID string) ([]resource.Organization, error) {
	const op = "list user organizations"
	return collect(byOffset(ctx, op, func(ctx context.Context, query url.Values) ([]resource.Organization, int, error) {
		var out sdk.OrganizationList
		err := c.get(ctx, op, query, listOf("organizations", "id", &out), "users", userID, "organizations")
		return convert(out.Organizations, organization), out.Total, err
	}))
}

func organization(o *sdk.Organization) resource.Organization {
	out := resource.Organization{ID: o.GetID(), Name: o.GetName(), DisplayName: o.GetDisplayName()}
	if o.Metadata != nil {
		out.Metadata = *o.Metadata
	}
	return out
}
