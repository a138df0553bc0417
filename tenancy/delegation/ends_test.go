package delegation_test

import (
	"context"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/auth0kit/auth0kit/audit"
	"github.com/auth0kit/auth0kit/management"
	"github.com/auth0kit/auth0kit/management/auth0test"
	"github.com/auth0kit/auth0kit/management/resource"
	"github.com/auth0kit/auth0kit/tenancy/delegation"
)

// blind is a Directory that carries out writes of roles, and then cannot be read.
type blind struct {
	*management.Client
	after bool
}

func (b *blind) AssignMemberRoles(ctx context.Context, orgID, userID string, roleIDs ...string) error {
	b.after = true
	return b.Client.AssignMemberRoles(ctx, orgID, userID, roleIDs...)
}

func (b *blind) RemoveMemberRoles(ctx context.Context, orgID, userID string, roleIDs ...string) error {
	b.after = true
	return b.Client.RemoveMemberRoles(ctx, orgID, userID, roleIDs...)
}

func (b *blind) MemberRoles(ctx context.Context, orgID, userID string) ([]resource.Role, error) {
	if b.after {
		return nil, resource.ErrUnavailable
	}
	return b.Client.MemberRoles(ctx, orgID, userID)
}

// What was written and could not be looked at is recorded as unknown, never as a
// failure: the role is there, or gone.
func TestWhatCouldNotBeLookedAtIsUnknown(t *testing.T) {
	t.Parallel()
	for name, f := range map[string]func(w *world, a *delegation.Admin) error{
		"grant": func(w *world, a *delegation.Admin) error {
			return a.Grant(w.Context(), w.org, w.user("bob"), w.role)
		},
		"revoke": func(w *world, a *delegation.Admin) error {
			return a.Revoke(w.Context(), w.org, w.admin("bob"), w.role)
		},
		"sync": func(w *world, a *delegation.Admin) error {
			w.user("bob")
			_, err := a.Sync(w.Context(), w.org, declare("ada", "bob"))
			return err
		},
		"leave": func(w *world, a *delegation.Admin) error {
			w.admin("bob")
			_, err := a.Sync(w.Context(), w.org, declare("ada"))
			return err
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, auth0test.Options{})
			w.admin("ada")
			s, err := delegation.New(&blind{Client: w.client}, w.role, delegation.Jobs("nightly"), delegation.Config{Recorder: w.audit, RemoveMembership: name == "leave"})
			require.NoError(t, err)
			err = f(w, s.As(delegation.Job("nightly")))
			require.ErrorIs(t, err, resource.ErrUnavailable)
			require.ErrorIs(t, err, resource.ErrOutcomeUnknown)
			events := w.audit.Events()
			assert.Equal(t, audit.Unknown, events[len(events)-1].Outcome)
		})
	}
}

// Where the list comes from keeps no event from being recorded.
func TestFromIsCleaned(t *testing.T) {
	t.Parallel()
	for _, from := range []string{"admins.yaml@3f2a91c\n", "a" + strings.Repeat("é", 600), "\xff"} {
		w := newWorld(t, auth0test.Options{})
		w.admin("ada")
		w.admin("old")
		bob := w.user("bob")
		d := declare("ada", "bob")
		d.From = from
		_, err := w.job(delegation.Config{}).Sync(t.Context(), w.org, d)
		require.NoError(t, err)
		assert.True(t, w.holds(bob))
		assert.Len(t, w.events(0), 4)
	}
}

// stubborn is a Directory in which the old invitation cannot be withdrawn.
type stubborn struct{ *management.Client }

func (stubborn) DeleteInvitation(context.Context, string, string) error {
	return resource.ErrUnavailable
}

func TestAnInvitationBesideTheOldOneIsRecorded(t *testing.T) {
	t.Parallel()
	w := newWorld(t, auth0test.Options{})
	w.admin("ada")
	c, err := w.job(delegation.Config{Onboarding: w.invite()}).Create(t.Context(), w.org, "guest@acme.test")
	require.NoError(t, err)
	n := len(w.audit.Events())
	s, err := delegation.New(stubborn{w.client}, w.role, delegation.Jobs("nightly"), delegation.Config{Onboarding: w.invite(), Recorder: w.audit})
	require.NoError(t, err)
	c, err = s.As(delegation.Job("nightly")).Reinvite(t.Context(), w.org, c.InvitationID)
	require.ErrorIs(t, err, resource.ErrUnavailable)
	require.Len(t, w.invitations(), 2)
	assert.True(t, c.Done)
	assert.Equal(t, []string{"reinvite unknown planned", "reinvite success"}, w.events(n))
}

// stopper ends the context with the first role that is given.
type stopper struct {
	*management.Client
	stop func()
}

func (s stopper) AssignMemberRoles(ctx context.Context, orgID, userID string, roleIDs ...string) error {
	s.stop()
	return ctx.Err()
}

// Each change that was begun has an event about its end, also when the run was stopped.
func TestStoppedChangesHaveTheirEnd(t *testing.T) {
	t.Parallel()
	w := newWorld(t, auth0test.Options{})
	w.admin("ada")
	names := []string{"ada"}
	for _, c := range "bcdefghi" {
		w.user(string(c))
		names = append(names, string(c))
	}
	ctx, stop := context.WithCancel(t.Context())
	s, err := delegation.New(stopper{w.client, stop}, w.role, delegation.Jobs("nightly"), delegation.Config{Recorder: w.audit})
	require.NoError(t, err)
	_, err = s.As(delegation.Job("nightly")).Sync(ctx, w.org, declare(names...))
	require.ErrorIs(t, err, context.Canceled)
	assert.Len(t, w.events(0), 16)
}

type panicking struct{}

func (panicking) Notify(context.Context, string, delegation.Change) error { panic("odd") }

// A panic of a Notifier is the caller's, on whose goroutine net/http recovers it.
func TestPanicsReachTheCaller(t *testing.T) {
	t.Parallel()
	w := newWorld(t, auth0test.Options{})
	w.admin("ada")
	w.user("bob")
	w.user("eve")
	job := w.job(delegation.Config{Notifier: panicking{}})
	require.PanicsWithValue(t, "odd", func() { job.Sync(t.Context(), w.org, declare("ada", "bob", "eve")) })
	_, err := w.job(delegation.Config{}).Sync(t.Context(), w.org, declare("ada", "bob", "eve"))
	require.NoError(t, err, "the lock is free")
}

// Who keeps the role by a group is no mere member in the event.
func TestARoleThatStaysIsRecorded(t *testing.T) {
	t.Parallel()
	w := newWorld(t, auth0test.Options{})
	w.admin("ada")
	bob := w.admin("bob")
	w.group("IT", bob)
	require.NoError(t, w.job(delegation.Config{}).Revoke(t.Context(), w.org, bob, w.role))
	require.True(t, w.holds(bob))
	events := w.audit.Events()
	last := events[len(events)-1]
	assert.Equal(t, audit.Success, last.Outcome)
	assert.Equal(t, []string{"group", "holder", "holder"}, []string{last.Reason, last.Metadata["before"], last.Metadata["after"]})
}
