package delegation

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/auth0kit/auth0kit/audit"
	"github.com/auth0kit/auth0kit/management/resource"
)

// Actor is who does something. The zero Actor may do nothing.
type Actor struct{ kind, id string }

// User returns the user with this id as an Actor. Take the id from the verified
// session or token, never from what the browser sent.
func User(id string) Actor { return Actor{"user", id} }

// Job returns a program of yours as an Actor. A job holds no role, so that of
// roles it may grant all of Config.GrantableRoles.
func Job(name string) Actor { return Actor{"job", name} }

func (a Actor) valid() bool { return a.kind != "" && a.id != "" }

// ref is empty for an actor without an id, whom an event cannot name.
func (a Actor) ref() audit.Ref {
	if !a.valid() {
		return audit.Ref{}
	}
	return audit.Ref{Kind: a.kind, ID: a.id}
}

// is reports whether the actor is that user.
func (a Actor) is(userID string) bool { return a == User(userID) }

// Authorizer decides whether an actor may do something to the administrators of an
// organization. It returns nil to allow it, and ErrNotAllowed to refuse. Any other
// error refuses too, and says that it failed: that is recorded with the reason
// "authorizer", and the verb returns the error. It is asked about every change, with
// its kind, the role, and the email in lower case and with the domain in ASCII, as far
// as there is one; and before something is read, with the kind "read". It must be
// safe for concurrent use.
//
// It need not ask for more than the actor's rights: a person acts with an account that
// would count as an administrator's, whatever the Authorizer says, and grants what
// they hold.
type Authorizer func(ctx context.Context, a Actor, orgID string, c Change) error

// Holders allows everything to persons who hold the role in that very
// organization, directly or through a group, and nothing to jobs. The Service refuses
// those who do not count.
func Holders(dir MemberRoles, roleID string) Authorizer {
	return func(ctx context.Context, a Actor, orgID string, _ Change) error {
		if a.kind != "user" || !a.valid() || roleID == "" {
			return ErrNotAllowed
		}
		held, err := holds(ctx, dir, orgID, a.id, roleID)
		switch {
		case err != nil:
			return err
		case held == nil:
			return fmt.Errorf("%w: the actor does not hold the role in this organization", ErrNotAllowed)
		}
		return nil
	}
}

// Jobs allows everything to jobs of these names, and nothing to persons.
func Jobs(names ...string) Authorizer {
	names = slices.Clone(names)
	return func(_ context.Context, a Actor, _ string, _ Change) error {
		if a.kind == "job" && a.valid() && slices.Contains(names, a.id) {
			return nil
		}
		return ErrNotAllowed
	}
}

// Either allows what one of several allows. Without any it allows nothing.
func Either(of ...Authorizer) Authorizer {
	of = slices.Clone(of)
	return func(ctx context.Context, a Actor, orgID string, c Change) error {
		refusal := ErrNotAllowed
		for _, may := range of {
			err := may(ctx, a, orgID, c)
			if err == nil {
				return nil
			}
			if !errors.Is(err, ErrNotAllowed) {
				refusal = err
			}
		}
		return refusal
	}
}

// holds returns the role if the user holds it in the organization, and else nil.
func holds(ctx context.Context, dir MemberRoles, orgID, userID, roleID string) (*resource.Role, error) {
	roles, err := dir.MemberRoles(ctx, orgID, userID)
	if err != nil {
		if errors.Is(err, resource.ErrNotFound) {
			return nil, nil // No member.
		}
		return nil, err
	}
	i := slices.IndexFunc(roles, func(r resource.Role) bool { return r.ID == roleID })
	if i < 0 {
		return nil, nil
	}
	return &roles[i], nil
}
