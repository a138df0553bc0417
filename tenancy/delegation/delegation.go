package delegation

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/auth0kit/auth0kit/audit"
	"github.com/auth0kit/auth0kit/management/resource"
)

// maxTTL is how long an invitation lives at most
// (https://auth0.com/docs/manage-users/organizations/configure-organizations/send-membership-invitations).
const maxTTL = 30 * 24 * time.Hour

// Config holds a Service's optional settings. The zero value uses the defaults.
type Config struct {
	// Onboarding brings in people without an account: Invite or Provision.
	// Defaults to none: they are ErrUnknown.
	Onboarding Onboarding
	// GrantableRoles may be granted and revoked. Defaults to the administrator
	// role alone, which is always one of them.
	GrantableRoles []string
	// MinAdmins is how many administrators who count an organization keeps.
	// Defaults to 1; negative is no minimum.
	MinAdmins int
	// MaxRemovals is how many people one plan may remove, invitations included.
	// Defaults to 5; negative is no maximum.
	MaxRemovals int
	// AllowEmpty allows a declaration of nobody.
	AllowEmpty bool
	// RemoveMembership makes plans end the membership of people who are not
	// declared. Defaults to taking the role only.
	RemoveMembership bool
	// AllowUnverifiedEmail adds accounts whose email is not verified and lets them
	// count. Whoever can sign up with somebody's address gets the role that was
	// meant for that person: leave it off unless sign-up is closed.
	AllowUnverifiedEmail bool
	// Purpose says which permissions a role is meant to have, by role id, for
	// Admin.Review. Roles that are missing here are not looked at.
	Purpose map[string][]resource.Permission
	// Notifier tells people who have an account, to whom Auth0 sends nothing.
	// Defaults to nobody.
	Notifier Notifier
	// Locker keeps changes of one organization apart. Defaults to one that all
	// Services of this process share.
	Locker Locker
	// Recorder gets two events for each change, one before and one after it, and
	// one for each that is refused. Defaults to audit.Discard.
	Recorder audit.Recorder
}

// Onboarding is Invite or Provision.
type Onboarding interface {
	onboards() ChangeKind
	validate() error
}

// Invite makes Auth0 invite people. The invitation carries the role.
type Invite struct {
	ClientID string        // Required: the application whose login accepts the invitation. It needs a login URI.
	Inviter  string        // Required: the name that the mail shows.
	TTL      time.Duration // From a second to 30 days. Defaults to Auth0's 7 days.
	NoMail   bool          // Auth0 sends nothing; Change.InvitationURL has the link.
}

func (Invite) onboards() ChangeKind { return kindInvite }

func (i Invite) validate() error {
	switch {
	case i.ClientID == "":
		return invalid("Invite.ClientID is empty; set the application that people log in to")
	case i.Inviter == "":
		return invalid("Invite.Inviter is empty; set the name that the mail shall show")
	case i.TTL != 0 && (i.TTL < time.Second || i.TTL > maxTTL):
		return invalid("Invite.TTL must be from a second to 30 days, or zero")
	}
	return nil
}

// Provision creates the user, makes a link on which they set a password,
// Change.InvitationURL, has the Notifier tell them, and then gives them the role. Without
// a Notifier, give the link to the person yourself; nobody else should see it. The link
// does not verify the email: the mail does that Auth0 sends to new users, and until then
// they do not count as an administrator. It is for connections without sign-up.
//
// The app_metadata of such a user is {"auth0kit_delegation": {"provisioned_for": the id
// of the organization}}. When a run was stopped, a later one with the same Connection
// knows by it that the account is its own, if nobody has verified its email or logged in,
// and goes on. Nobody but you can write app_metadata; keep Actions and database scripts
// from copying it out of what users enter.
type Provision struct {
	Connection string        // Required: the name of a database connection that the organization has enabled.
	TTL        time.Duration // Of the link. Defaults to Auth0's 5 days.
}

func (Provision) onboards() ChangeKind { return kindProvision }

func (p Provision) validate() error {
	switch {
	case p.Connection == "":
		return invalid("Provision.Connection is empty; set the name of a database connection")
	case p.TTL != 0 && p.TTL < time.Second:
		return invalid("Provision.TTL must be at least a second, or zero")
	}
	return nil
}

// Notifier tells people that they were made administrators: it gets changes of the
// kinds "add_member", "add_role" and "provision", the last one just before the role is
// given. A run that is stopped between the two leaves it to the next one to tell them
// again, with another link. It must be safe for concurrent use.
type Notifier interface {
	Notify(ctx context.Context, orgID string, c Change) error
}

// Service keeps administrators. It is safe for concurrent use.
type Service struct {
	dir  Directory
	role string
	may  Authorizer
	cfg  Config
}

// New returns a Service for the administrators who hold adminRole, the id of a
// role. may decides who may do what. New does no I/O.
func New(dir Directory, adminRole string, may Authorizer, cfg Config) (*Service, error) {
	switch {
	case dir == nil:
		return nil, invalid("New needs a Directory, such as a *management.Client")
	case adminRole == "":
		return nil, invalid("the administrator role is empty; set the id of a role")
	case may == nil:
		return nil, invalid("New needs an Authorizer, such as Holders")
	case slices.Contains(cfg.GrantableRoles, ""):
		return nil, invalid("Config.GrantableRoles has an empty id")
	}
	if cfg.Onboarding != nil {
		if err := cfg.Onboarding.validate(); err != nil {
			return nil, err
		}
	}
	cfg.GrantableRoles = append(slices.Clone(cfg.GrantableRoles), adminRole)
	if cfg.MinAdmins == 0 {
		cfg.MinAdmins = 1
	}
	if cfg.MaxRemovals == 0 {
		cfg.MaxRemovals = 5
	}
	if cfg.Locker == nil {
		cfg.Locker = process
	}
	return &Service{dir: dir, role: adminRole, may: may, cfg: cfg}, nil
}

// Admin has the verbs, done by one actor. It is safe for concurrent use.
type Admin struct {
	s     *Service
	actor Actor
}

// As returns the verbs for an actor. What the actor may do is asked at each verb.
func (s *Service) As(a Actor) *Admin { return &Admin{s, a} }

// locked runs f while nobody else changes the organization.
func (a *Admin) locked(ctx context.Context, orgID string, f func(ctx context.Context) error) error {
	held, unlock, err := a.s.cfg.Locker.Lock(ctx, orgID)
	if err != nil {
		return fmt.Errorf("delegation: the lock of the organization: %w", err)
	}
	defer unlock()
	err = f(held)
	if cause := context.Cause(held); err != nil && errors.Is(cause, ErrLockLost) {
		err = errors.Join(err, cause)
	}
	return err
}
