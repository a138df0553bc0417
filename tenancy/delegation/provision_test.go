package delegation_test

import (
	"bytes"
	"context"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/auth0kit/auth0kit/audit"
	"github.com/auth0kit/auth0kit/management"
	"github.com/auth0kit/auth0kit/management/auth0test"
	"github.com/auth0kit/auth0kit/management/resource"
	"github.com/auth0kit/auth0kit/tenancy/delegation"
)

// Only an account that this package created for the same organization, in the same
// connection, and that nobody has used is taken for one whose provisioning was
// stopped. Every other one that is not verified may be a stranger's.
func TestOnlyItsOwnAccountsAreProvisionedFurther(t *testing.T) {
	t.Parallel()
	w := newWorld(t, auth0test.Options{})
	w.admin("ada")
	other := w.tenant.AddConnection("other", "auth0")
	w.enable(other)
	mark := func(org any) map[string]any {
		return map[string]any{"auth0kit_delegation": map[string]any{"provisioned_for": org}}
	}
	t.Run("linked", func(t *testing.T) {
		id := w.tenant.AddUser(resource.User{Email: "y@acme.test", AppMetadata: mark(w.org)}, "")
		second := w.tenant.AddUser(resource.User{Email: "z@acme.test", Connection: "other"}, "")
		w.call(http.MethodPost, map[string]any{"provider": "auth0", "user_id": strings.TrimPrefix(second, "auth0|")}, nil, "users", id, "identities")
		_, err := w.job(delegation.Config{Onboarding: provision}).Create(t.Context(), w.org, "y@acme.test")
		require.ErrorIs(t, err, delegation.ErrUnverified)
	})
	for name, c := range map[string]struct {
		user    resource.User
		refused error
	}{
		"unfinished":              {resource.User{AppMetadata: mark(w.org)}, nil},
		"of nobody":               {resource.User{}, delegation.ErrUnverified},
		"of the user's own":       {resource.User{UserMetadata: mark(w.org)}, delegation.ErrUnverified},
		"of another organization": {resource.User{AppMetadata: mark("org_other")}, delegation.ErrUnverified},
		"of no organization":      {resource.User{AppMetadata: mark(true)}, delegation.ErrUnverified},
		"of another shape":        {resource.User{AppMetadata: map[string]any{"auth0kit_delegation": w.org}}, delegation.ErrUnverified},
		"in another connection":   {resource.User{Connection: "other", AppMetadata: mark(w.org)}, delegation.ErrUnverified},
		"blocked":                 {resource.User{Blocked: true, AppMetadata: mark(w.org)}, delegation.ErrBlocked},
		"used":                    {resource.User{LastLogin: time.Now(), AppMetadata: mark(w.org)}, delegation.ErrUnverified},
	} {
		t.Log(name)
		c.user.Email = "x@acme.test"
		id := w.tenant.AddUser(c.user, "")
		change, err := w.job(delegation.Config{Onboarding: provision}).Create(t.Context(), w.org, "x@acme.test")
		require.ErrorIs(t, err, c.refused, name)
		assert.Equal(t, id, change.UserID, name)
		assert.Equal(t, c.refused == nil, w.holds(id), name)
		require.NoError(t, w.client.DeleteUser(t.Context(), id))
	}
}

// left is an account as a run leaves it that is stopped after creating it.
func (w *world) left(email string) string {
	w.Helper()
	admin := w.service(delegation.Config{Onboarding: provision}).As(delegation.Job("nightly"))
	w.tenant.Fault("POST /api/v2/organizations/{id}/members", auth0test.Fault{Status: 400, Times: 1})
	w.tenant.Fault("DELETE /api/v2/users/{id}", auth0test.Fault{Status: 400, Times: 1})
	c, err := admin.Create(w.Context(), w.org, email)
	require.ErrorContains(w, err, "left over")
	require.NotEmpty(w, c.UserID)
	return c.UserID
}

func TestProvisioningGoesOn(t *testing.T) {
	t.Parallel()
	w := newWorld(t, auth0test.Options{})
	w.admin("ada")
	id := w.left("new@acme.test")
	job := w.job(delegation.Config{Onboarding: provision})
	plan, err := job.Plan(t.Context(), w.org, declare("ada", "new"))
	require.NoError(t, err)
	var diff bytes.Buffer
	require.NoError(t, plan.WriteDiff(&diff, false))
	assert.Contains(t, diff.String(), "an earlier run was stopped")

	// What is not recorded is taken back, but not the account: it may be in use by now.
	for after := range 2 {
		failing := delegation.Config{Onboarding: provision, Recorder: &failing{Recorder: w.audit, after: after}}
		_, err = w.job(failing).Create(t.Context(), w.org, "new@acme.test")
		require.ErrorIs(t, err, audit.ErrNotRecorded)
		assert.False(t, w.isMember(id))
	}
	// A step that fails again leaves what is there.
	w.tenant.Fault("POST /api/v2/tickets/password-change", auth0test.Fault{Status: 400, Times: 1})
	_, err = job.Create(t.Context(), w.org, "new@acme.test")
	require.ErrorIs(t, err, resource.ErrInvalid)
	assert.True(t, w.isMember(id))

	w.notified = nil
	done, err := job.Apply(t.Context(), plan)
	require.NoError(t, err)
	assert.True(t, w.holds(id))
	require.Len(t, w.notified, 1)
	assert.Equal(t, id, w.notified[0].UserID)
	assert.Contains(t, w.notified[0].InvitationURL, "ticket")

	// Nobody is told twice, however long they take to verify their email.
	w.unchanged(func() {
		_, err = job.Sync(t.Context(), w.org, declare("ada", "new"))
		require.NoError(t, err)
		_, err = job.Create(t.Context(), w.org, "new@acme.test")
		require.ErrorIs(t, err, delegation.ErrUnverified)
	})
	assert.Len(t, w.notified, 1)
	undo, err := job.PlanUndo(t.Context(), done)
	require.NoError(t, err)
	_, err = job.Apply(t.Context(), undo)
	require.NoError(t, err)
	assert.False(t, w.isMember(id))
}

// Nobody is told twice where the list of members does not show yet who has the role.
func TestProvisionedWhileTheListIsLate(t *testing.T) {
	t.Parallel()
	w := newWorld(t, auth0test.Options{SearchDelay: time.Hour})
	for _, want := range []error{nil, delegation.ErrUnverified} {
		_, err := w.job(delegation.Config{Onboarding: provision}).Create(t.Context(), w.org, "new@acme.test")
		require.ErrorIs(t, err, want)
	}
	assert.Len(t, w.notified, 1)
}

// Who was told by a run that was stopped then, and has verified their email since,
// is an account like any other.
func TestProvisioningGoesOnWithAVerifiedUser(t *testing.T) {
	t.Parallel()
	w := newWorld(t, auth0test.Options{})
	w.admin("ada")
	id := w.left("new@acme.test")
	verified := true
	_, err := w.client.UpdateUser(t.Context(), id, resource.UserPatch{EmailVerified: &verified})
	require.NoError(t, err)
	c, err := w.job(delegation.Config{Onboarding: provision}).Create(t.Context(), w.org, "new@acme.test")
	require.NoError(t, err)
	assert.Equal(t, delegation.ChangeKind("add_member"), c.Kind)
	assert.Empty(t, c.InvitationURL)
	assert.True(t, w.holds(id))
}

// ending is a Directory whose caller ends when there is a link.
type ending struct {
	*management.Client
	stop func()
}

func (e ending) PasswordTicket(ctx context.Context, userID string, ttl time.Duration) (string, error) {
	defer e.stop()
	return e.Client.PasswordTicket(ctx, userID, ttl)
}

// A run that ends before or while it tells somebody leaves it to the next one. Who was
// told gets the role. A Notifier that fails is the caller's to mend, who has the link.
func TestProvisionedAndNotTold(t *testing.T) {
	t.Parallel()
	w := newWorld(t, auth0test.Options{})
	w.admin("ada")
	ctx, stop := context.WithCancel(t.Context())
	s, err := delegation.New(ending{w.client, stop}, w.role, delegation.Jobs("nightly"), delegation.Config{Onboarding: provision, Notifier: w})
	require.NoError(t, err)
	_, err = s.As(delegation.Job("nightly")).Create(ctx, w.org, "new@acme.test")
	require.ErrorIs(t, err, context.Canceled)
	assert.Empty(t, w.notified)

	ctx, stop = context.WithCancel(t.Context())
	c, err := w.job(delegation.Config{Onboarding: provision, Notifier: interrupted{stop: stop}}).Create(ctx, w.org, "new@acme.test")
	require.ErrorIs(t, err, context.Canceled)
	require.NotErrorIs(t, err, delegation.ErrNotNotified)
	assert.False(t, c.Done)

	ctx, stop = context.WithCancel(t.Context())
	c, err = w.job(delegation.Config{Onboarding: provision, Notifier: interrupted{stop, true}}).Create(ctx, w.org, "newer@acme.test")
	require.NoError(t, err)
	assert.True(t, w.holds(c.UserID))

	c, err = w.job(delegation.Config{Onboarding: provision, Notifier: mute{}}).Create(t.Context(), w.org, "new@acme.test")
	require.ErrorIs(t, err, delegation.ErrNotNotified)
	assert.True(t, c.Done)
	assert.True(t, w.holds(c.UserID))
	assert.Contains(t, c.InvitationURL, "ticket")
}

// interrupted is a Notifier during which the process is told to stop.
type interrupted struct {
	stop  func()
	after bool // The person is told all the same.
}

func (i interrupted) Notify(ctx context.Context, _ string, _ delegation.Change) error {
	i.stop()
	if i.after {
		return nil
	}
	return ctx.Err()
}
