package delegation

import (
	"context"
	"crypto/rand"
	"fmt"

	"github.com/auth0kit/auth0kit/management/resource"
)

// mark is the app_metadata of an account that provision creates for an organization.
// Only who has the Management API can write it, so that it tells who made the account.
// It stays: once somebody has used the account, it says nothing.
func mark(orgID string) map[string]any {
	return map[string]any{"auth0kit_delegation": map[string]any{"provisioned_for": orgID}}
}

// unfinished reports whether u is an account that provision created for the
// organization and that nobody has used. If it does not hold the role, which is
// given last, a run was stopped.
func (s *Service) unfinished(orgID string, u *resource.User) bool {
	p, is := s.cfg.Onboarding.(Provision)
	m, _ := u.AppMetadata["auth0kit_delegation"].(map[string]any)
	return is && m["provisioned_for"] == orgID && u.Connection == p.Connection && len(u.Linked) == 0 &&
		!u.EmailVerified && u.LoginsCount == 0 && u.LastLogin.IsZero()
}

// provision creates a user with the role, or goes on with one that a stopped run has
// left. The role comes last and says that all the rest is done: also that the person
// was told, because they can do nothing without the link.
func (a *Admin) provision(ctx context.Context, orgID string, c *Change) (undo func(context.Context) error, err error) {
	p, created := a.s.cfg.Onboarding.(Provision), c.UserID == ""
	undo = func(ctx context.Context) error { return a.s.takeBack(ctx, orgID, c, true) }
	if created {
		if undo, err = a.s.createUser(ctx, orgID, p.Connection, c); err != nil {
			return nil, err
		}
	}
	if err = a.s.dir.AddMembers(ctx, orgID, c.UserID); err == nil {
		c.InvitationURL, err = a.s.dir.PasswordTicket(ctx, c.UserID, p.TTL)
	}
	if err == nil {
		err = a.tell(ctx, orgID, c)
	}
	if err == nil { // Who was told gets the role, also when ctx has ended meanwhile.
		_, err = a.s.assign(context.WithoutCancel(ctx), orgID, c, false)
	}
	if err == nil {
		return undo, nil
	}
	c.InvitationURL, c.Err = "", nil
	if created {
		err = join(err, undo(context.WithoutCancel(ctx)))
	}
	return nil, err
}

// createUser creates the user of c and returns how to delete them.
func (s *Service) createUser(ctx context.Context, orgID, connection string, c *Change) (undo func(context.Context) error, err error) {
	u, err := s.dir.CreateUser(ctx, resource.NewUser{
		User: resource.User{Connection: connection, Email: c.Email, AppMetadata: mark(orgID)}, Password: rand.Text() + "-aA1",
	})
	if err != nil {
		return nil, err
	}
	c.UserID = u.ID
	return func(ctx context.Context) error {
		if err := s.dir.DeleteUser(ctx, u.ID); err != nil {
			return fmt.Errorf("delegation: a user was created and is left over, see Change.UserID: %w", err)
		}
		c.UserID = ""
		return nil
	}, nil
}

// tell notifies the person of c. That a Notifier fails does not undo the change; that
// ctx has ended does, so that the next run tells them.
func (a *Admin) tell(ctx context.Context, orgID string, c *Change) error {
	if err := context.Cause(ctx); err != nil {
		return err
	}
	c.Err = a.notify(ctx, orgID, *c)
	if cause := context.Cause(ctx); c.Err != nil && cause != nil {
		return cause
	}
	return nil
}
