package delegation_test

import (
	"errors"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/auth0kit/auth0kit/audit"
	"github.com/auth0kit/auth0kit/management/auth0test"
	"github.com/auth0kit/auth0kit/management/resource"
	"github.com/auth0kit/auth0kit/tenancy/delegation"
)

func TestCreateAddsAnExistingUser(t *testing.T) {
	t.Parallel()
	w := newWorld(t, auth0test.Options{})
	ada, bob := w.admin("ada"), w.user("bob")
	admin := w.service(delegation.Config{Onboarding: w.invite()}).As(delegation.User(ada))

	c, err := admin.Create(t.Context(), w.org, "  Bob@ACME.test ")
	require.NoError(t, err)
	assert.Equal(t, delegation.ChangeKind("add_member"), c.Kind)
	assert.True(t, c.Done)
	assert.True(t, w.holds(bob))
	require.Len(t, w.notified, 1, "Auth0 tells nobody")
	assert.Empty(t, w.invitations())

	w.unchanged(func() {
		c, err = admin.Create(t.Context(), w.org, "bob@acme.test")
		require.NoError(t, err)
		assert.Equal(t, []any{delegation.ChangeKind("none"), "administrator", bob}, []any{c.Kind, c.Reason, c.UserID})
	})
	carl := w.user("carl")
	w.tenant.AddMember(w.org, carl)
	c, err = admin.Create(t.Context(), w.org, "carl@acme.test")
	require.NoError(t, err)
	assert.Equal(t, delegation.ChangeKind("add_role"), c.Kind)

	dora := w.user("dora")
	w.tenant.AddMember(w.org, dora)
	w.group("IT", dora)
	c, err = admin.Create(t.Context(), w.org, "dora@acme.test")
	require.NoError(t, err)
	assert.Equal(t, delegation.ChangeKind("inherited"), c.Kind)
}

// Auth0 finds an email as it was written, in lower case, or by search; each account
// of the person must be found by one of the three.
func TestCreateFindsEverySpelling(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, auth0test.Options{SearchDelay: time.Minute})
		ada := w.admin("ada")
		w.enable(w.tenant.AddConnection("acme-saml", "samlp"))
		admin := w.service(delegation.Config{Onboarding: w.invite()}).As(delegation.User(ada))
		time.Sleep(time.Hour)

		database := w.user("bob") // A moment ago: search does not know yet.
		c, err := admin.Create(t.Context(), w.org, "BOB@acme.test")
		require.NoError(t, err)
		assert.Equal(t, database, c.UserID)

		saml := w.tenant.AddUser(resource.User{Connection: "acme-saml", Email: "Eve@Acme.test"}, "")
		c, err = admin.Create(t.Context(), w.org, "Eve@Acme.test")
		require.NoError(t, err)
		assert.Equal(t, saml, c.UserID, "as it was written")

		w.tenant.AddUser(resource.User{Connection: "acme-saml", Email: "Fay@Acme.test"}, "")
		fay := w.user("fay")
		time.Sleep(time.Hour)
		_, err = admin.Create(t.Context(), w.org, "fay@acme.test")
		ambiguous, is := errors.AsType[*delegation.AmbiguousError](err)
		require.True(t, is, "one of the two is found by search alone: %v", err)
		assert.Len(t, ambiguous.UserIDs, 2)
		assert.Contains(t, ambiguous.UserIDs, fay)
	})
}

func TestCreateIsRefused(t *testing.T) {
	t.Parallel()
	w := newWorld(t, auth0test.Options{})
	ada := w.admin("ada")
	unverified := w.tenant.AddUser(resource.User{Email: "unverified@acme.test"}, "")
	w.tenant.AddUser(resource.User{Email: "blocked@acme.test", EmailVerified: true, Blocked: true}, "")
	w.tenant.AddConnection("second", "auth0")
	s := w.service(delegation.Config{})
	refused := func(email string, want error) delegation.Change {
		t.Helper()
		var c delegation.Change
		w.unchanged(func() {
			var err error
			c, err = s.As(delegation.User(ada)).Create(t.Context(), w.org, email)
			require.ErrorIs(t, err, want)
			assert.NotContains(t, err.Error(), "acme.test")
		})
		assert.False(t, c.Done)
		return c
	}
	assert.Equal(t, []any{delegation.ChangeKind("refused"), "unverified", unverified}, func(c delegation.Change) []any {
		return []any{c.Kind, c.Reason, c.UserID}
	}(refused("unverified@acme.test", delegation.ErrUnverified)))
	refused("blocked@acme.test", delegation.ErrBlocked)
	refused("nobody@acme.test", delegation.ErrUnknown)
	for _, email := range []string{"", "ada", "@acme.test", "a b@acme.test", `a"b@acme.test`, "a@b@acme.test", "a@" + string(make([]byte, 300)), `a" OR email:*@acme.test`} {
		w.unchanged(func() {
			_, err := s.As(delegation.User(ada)).Create(t.Context(), w.org, email)
			require.ErrorIs(t, err, delegation.ErrEmail, "%q", email)
		})
	}
	_, err := s.As(delegation.User(unverified)).Create(t.Context(), w.org, "x@acme.test")
	require.ErrorIs(t, err, delegation.ErrNotAllowed)

	open := w.service(delegation.Config{AllowUnverifiedEmail: true}).As(delegation.User(ada))
	_, err = open.Create(t.Context(), w.org, "unverified@acme.test")
	require.NoError(t, err)
	assert.True(t, w.holds(unverified))

	e := w.audit.Events()
	assert.Equal(t, "delegation.add_member", e[0].Action)
	assert.Equal(t, "unverified", e[0].Reason)
}

func TestCreateInvites(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, auth0test.Options{})
		ada := w.admin("ada")
		admin := w.service(delegation.Config{Onboarding: delegation.Invite{ClientID: w.portal, Inviter: "Example Inc.", TTL: time.Hour}}).As(delegation.User(ada))
		c, err := admin.Create(t.Context(), w.org, "guest@acme.test")
		require.NoError(t, err)
		assert.Equal(t, delegation.ChangeKind("invite"), c.Kind)
		assert.Empty(t, c.InvitationURL, "the mail has it")
		require.Len(t, w.tenant.Outbox(), 1)
		assert.Empty(t, w.notified)
		list, err := admin.List(t.Context(), w.org)
		require.NoError(t, err)
		assert.Equal(t, c.InvitationID, list[1].InvitationID)
		assert.Equal(t, time.Now().Add(time.Hour).UTC().Truncate(time.Second), list[1].Expires.Truncate(time.Second))

		w.unchanged(func() {
			again, err := admin.Create(t.Context(), w.org, "Guest@acme.test")
			require.NoError(t, err)
			assert.Equal(t, []any{delegation.ChangeKind("none"), "invited", c.InvitationID}, []any{again.Kind, again.Reason, again.InvitationID})
		})

		time.Sleep(2 * time.Hour)
		again, err := admin.Create(t.Context(), w.org, "guest@acme.test")
		require.NoError(t, err)
		assert.Equal(t, delegation.ChangeKind("reinvite"), again.Kind)
		assert.NotEqual(t, c.InvitationID, again.InvitationID)
		assert.Equal(t, []string{"guest@acme.test"}, w.invitations(), "the old one is gone")

		quiet := w.service(delegation.Config{Onboarding: delegation.Invite{ClientID: w.portal, Inviter: "x", NoMail: true}}).As(delegation.User(ada))
		c, err = quiet.Create(t.Context(), w.org, "other@acme.test")
		require.NoError(t, err)
		assert.Contains(t, c.InvitationURL, "invitation=")
		assert.NotContains(t, fmt.Sprintf("%+v", c), "invitation=")
		assert.Len(t, w.tenant.Outbox(), 2)
	})
}

func TestInvitations(t *testing.T) {
	t.Parallel()
	w := newWorld(t, auth0test.Options{})
	ada := w.admin("ada")
	admin := w.service(delegation.Config{Onboarding: w.invite()}).As(delegation.User(ada))
	first := invitation(w, "guest@acme.test", time.Hour)
	c, err := admin.Reinvite(t.Context(), w.org, first)
	require.NoError(t, err)
	assert.NotEqual(t, first, c.InvitationID)
	assert.Equal(t, []string{"guest@acme.test"}, w.invitations())
	w.unchanged(func() {
		_, err = admin.Reinvite(t.Context(), w.org, first)
		require.ErrorIs(t, err, delegation.ErrUnknown)
	})
	require.NoError(t, admin.RevokeInvitation(t.Context(), w.org, c.InvitationID))
	assert.Empty(t, w.invitations())

	// An invitation to something else is not theirs to touch.
	plain, err := w.client.CreateInvitation(t.Context(), w.org, resource.NewInvitation{ClientID: w.portal, Inviter: "x", Email: "plain@acme.test"})
	require.NoError(t, err)
	w.unchanged(func() {
		require.ErrorIs(t, admin.RevokeInvitation(t.Context(), w.org, plain.ID), delegation.ErrUnknown)
		_, err = admin.Reinvite(t.Context(), w.org, plain.ID)
		require.ErrorIs(t, err, delegation.ErrUnknown)
		require.ErrorIs(t, w.service(delegation.Config{}).As(delegation.User(w.user("bob"))).RevokeInvitation(t.Context(), w.org, plain.ID), delegation.ErrNotAllowed)
	})
	// An invitation is no administrator: the last one may go.
	last := invitation(w, "last@acme.test", time.Hour)
	require.NoError(t, w.client.RemoveMemberRoles(t.Context(), w.org, ada, w.role))
	require.NoError(t, w.job(delegation.Config{}).RevokeInvitation(t.Context(), w.org, last))
}

func TestAnInvitationThatIsNotRecordedIsWithdrawn(t *testing.T) {
	t.Parallel()
	w := newWorld(t, auth0test.Options{})
	ada := w.admin("ada")
	for after := range 2 {
		s := w.service(delegation.Config{Onboarding: w.invite(), Recorder: &failing{Recorder: w.audit, after: after}})
		c, err := s.As(delegation.User(ada)).Create(t.Context(), w.org, "guest@acme.test")
		require.ErrorIs(t, err, audit.ErrNotRecorded)
		assert.False(t, c.Done)
		assert.Empty(t, w.invitations())
	}
}

func TestCreateProvisions(t *testing.T) {
	t.Parallel()
	w := newWorld(t, auth0test.Options{})
	ada := w.admin("ada")
	provision := delegation.Config{Onboarding: delegation.Provision{Connection: auth0test.DefaultConnection}}
	admin := w.service(provision).As(delegation.User(ada))
	c, err := admin.Create(t.Context(), w.org, "new@acme.test")
	require.NoError(t, err)
	assert.Equal(t, delegation.ChangeKind("provision"), c.Kind)
	assert.Contains(t, c.InvitationURL, "ticket")
	assert.True(t, w.holds(c.UserID))
	require.Len(t, w.notified, 1)
	assert.Equal(t, c.InvitationURL, w.notified[0].InvitationURL)
	list, err := admin.List(t.Context(), w.org)
	require.NoError(t, err)
	assert.Equal(t, "unverified", list[1].Why, "until they verify the email")

	elsewhere := w.service(delegation.Config{Onboarding: delegation.Provision{Connection: "elsewhere"}}).As(delegation.User(ada))
	w.unchanged(func() {
		_, err = elsewhere.Create(t.Context(), w.org, "other@acme.test")
		require.ErrorContains(t, err, "has not enabled Provision.Connection")
	})
}

// Whatever fails after the user was created, the user is gone again; if even that
// fails, the change names the one who is left over.
func TestProvisionIsCompensated(t *testing.T) {
	t.Parallel()
	for _, route := range []string{
		"POST /api/v2/organizations/{id}/members", "POST /api/v2/organizations/{id}/members/{user}/roles", "POST /api/v2/tickets/password-change",
	} {
		w := newWorld(t, auth0test.Options{})
		ada := w.admin("ada")
		w.tenant.Fault(route, auth0test.Fault{Status: 400})
		admin := w.service(delegation.Config{Onboarding: delegation.Provision{Connection: auth0test.DefaultConnection}}).As(delegation.User(ada))
		c, err := admin.Create(t.Context(), w.org, "new@acme.test")
		require.ErrorIs(t, err, resource.ErrInvalid, route)
		assert.Empty(t, c.UserID)
		users, err := w.client.UsersByEmail(t.Context(), "new@acme.test")
		require.NoError(t, err)
		assert.Empty(t, users, route)

		w.tenant.Fault("DELETE /api/v2/users/{id}", auth0test.Fault{Status: 400})
		c, err = admin.Create(t.Context(), w.org, "new@acme.test")
		require.ErrorContains(t, err, "left over")
		assert.NotEmpty(t, c.UserID)
		assert.Empty(t, c.InvitationURL)
	}
}

func TestNotNotified(t *testing.T) {
	t.Parallel()
	w := newWorld(t, auth0test.Options{})
	ada, bob := w.admin("ada"), w.user("bob")
	admin := w.service(delegation.Config{Notifier: mute{}}).As(delegation.User(ada))
	c, err := admin.Create(t.Context(), w.org, "bob@acme.test")
	require.ErrorIs(t, err, delegation.ErrNotNotified)
	assert.True(t, c.Done)
	assert.True(t, w.holds(bob))
}
