package delegation

import (
	"context"
	"errors"
	"fmt"
	"slices"
)

// permitted asks whether the actor may do c, and give or take its role.
func (a *Admin) permitted(ctx context.Context, orgID string, c Change) error {
	if err := a.enters(ctx, orgID, c); err != nil {
		return err
	}
	return a.grantable(ctx, orgID, c.RoleID)
}

// enters asks whether the actor may do c, with an account that would count.
func (a *Admin) enters(ctx context.Context, orgID string, c Change) error {
	if err := a.allowed(ctx, orgID, c); err != nil || a.actor.kind != "user" {
		return err
	}
	enabled, err := a.s.dir.OrganizationConnections(ctx, orgID)
	if err != nil {
		return err
	}
	u, err := a.s.user(ctx, a.actor.id)
	if err != nil {
		return err
	}
	if why := a.s.flaw(u, enabled); why != "" {
		return fmt.Errorf("%w: the account of the actor does not count: %s", ErrNotAllowed, why)
	}
	return nil
}

func named(ids ...string) error {
	if slices.Contains(ids, "") {
		return invalid("an id of an organization, a user, a role or an invitation is empty")
	}
	return nil
}

// allowed asks the Authorizer. What is not its ErrNotAllowed is errAuthorizer.
func (a *Admin) allowed(ctx context.Context, orgID string, c Change) error {
	if !a.actor.valid() {
		return ErrNotAllowed
	}
	err := a.s.may(ctx, a.actor, orgID, c)
	if err == nil || errors.Is(err, ErrNotAllowed) {
		return err
	}
	return fmt.Errorf("%w: %w", errAuthorizer, err)
}

// grantable reports by its error whether the actor may give or take the role: it
// is on the list, no other organization's, and a person grants what they hold.
func (a *Admin) grantable(ctx context.Context, orgID, roleID string) error {
	if !slices.Contains(a.s.cfg.GrantableRoles, roleID) {
		return fmt.Errorf("%w: the role is not in Config.GrantableRoles", ErrNotAllowed)
	}
	role, err := a.s.dir.Role(ctx, roleID)
	if err != nil {
		return err
	}
	if role.OwnerID != "" && role.OwnerID != orgID {
		return fmt.Errorf("%w: the role belongs to another organization", ErrNotAllowed)
	}
	if a.actor.kind != "user" {
		return nil
	}
	held, err := holds(ctx, a.s.dir, orgID, a.actor.id, roleID)
	if err == nil && held == nil {
		err = fmt.Errorf("%w: people grant only the roles that they hold", ErrNotAllowed)
	}
	return err
}
