package delegation_test

import (
	"net/http"
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

// Somebody is found by either spelling of a domain, whichever Auth0 stores.
func TestDomainsInBothSpellings(t *testing.T) {
	t.Parallel()
	for stored, declared := range map[string]string{
		"eve@bücher.example": "eve@xn--bcher-kva.example", "eve@xn--bcher-kva.example": "eve@bücher.example", "Eve@Bücher.example": "EVE@XN--BCHER-KVA.example",
	} {
		synctest.Test(t, func(t *testing.T) {
			for _, searched := range []bool{true, false} {
				w := newWorld(t, auth0test.Options{SearchDelay: time.Minute})
				w.admin("ada")
				w.enable(w.tenant.AddConnection("acme-saml", "samlp"))
				if !searched {
					time.Sleep(time.Hour)
				}
				eve := w.tenant.AddUser(resource.User{Connection: "acme-saml", Email: stored}, "")
				if searched {
					time.Sleep(time.Hour)
				} else if stored[0] == 'E' {
					continue // In capitals that nobody wrote, search alone finds them.
				}
				c, err := w.job(delegation.Config{Onboarding: w.invite()}).Create(t.Context(), w.org, declared)
				require.NoError(t, err)
				assert.Equal(t, eve, c.UserID, "%s as %s, searched %t", stored, declared, searched)
			}
		})
	}
}

// Spaces around an email are of the form that it was typed in.
func TestCreateTrims(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, auth0test.Options{SearchDelay: time.Minute})
		w.admin("ada")
		w.enable(w.tenant.AddConnection("acme-saml", "samlp"))
		time.Sleep(time.Hour)
		eve := w.tenant.AddUser(resource.User{Connection: "acme-saml", Email: "Eve@Acme.test"}, "") // Search does not know yet.
		c, err := w.job(delegation.Config{Onboarding: w.invite()}).Create(t.Context(), w.org, " Eve@Acme.test\n")
		require.NoError(t, err)
		assert.Equal(t, eve, c.UserID)
	})
}

// A declared person who holds the role and does not count is no administrator: the
// plan says so, or makes one of their other account.
func TestDeclaredPeopleWhoDoNotCount(t *testing.T) {
	t.Parallel()
	w := newWorld(t, auth0test.Options{})
	w.admin("ada")
	w.enable(w.tenant.AddConnection("acme-saml", "samlp"))
	w.tenant.AddConnection("elsewhere", "google-oauth2")
	holder := func(u resource.User) string {
		id := w.tenant.AddUser(u, "")
		w.tenant.AddMember(w.org, id, w.role)
		return id
	}
	blocked := holder(resource.User{Email: "blocked@acme.test", EmailVerified: true, Blocked: true})
	holder(resource.User{Email: "unverified@acme.test"})
	holder(resource.User{Email: "other@acme.test", EmailVerified: true, Connection: "elsewhere"})
	holder(resource.User{Email: "two@acme.test", EmailVerified: true, Blocked: true})
	second := w.tenant.AddUser(resource.User{Email: "Two@acme.test", Connection: "acme-saml"}, "")
	holder(resource.User{Email: "good@acme.test", EmailVerified: true, Blocked: true})
	holder(resource.User{Email: "good@acme.test", Connection: "acme-saml"})
	grouped := w.user("grouped") // By a group, and no member.
	w.group("IT", grouped)

	job := w.job(delegation.Config{Onboarding: w.invite()})
	d := declare("ada", "blocked", "unverified", "other", "two", "good", "grouped")
	plan, err := job.Plan(t.Context(), w.org, d)
	require.NoError(t, err)
	assert.Equal(t, []string{
		"ada none administrator", "blocked refused blocked", "good none administrator", "good refused blocked", "grouped add_member", "other refused connection",
		"two add_member", "unverified refused unverified",
	}, lines(plan.Changes))
	assert.Equal(t, []int{2, 4}, []int{plan.Before, plan.Administrators})
	_, err = job.Apply(t.Context(), plan)
	require.NoError(t, err)
	assert.True(t, w.holds(second))
	assert.True(t, w.isMember(grouped))

	c, err := job.Create(t.Context(), w.org, "blocked@acme.test")
	require.ErrorIs(t, err, delegation.ErrBlocked)
	assert.Equal(t, blocked, c.UserID)
	w.unchanged(func() {
		_, err := job.Sync(t.Context(), w.org, d)
		require.NoError(t, err)
	})
}

// An account with a declared email that nobody has proved is no way to keep the role
// unseen: it is shown beside the one that counts.
func TestASecondAccountThatDoesNotCountIsShown(t *testing.T) {
	t.Parallel()
	w := newWorld(t, auth0test.Options{})
	ada := w.admin("ada")
	w.enable(w.tenant.AddConnection("social", "google-oauth2"))
	eve := w.tenant.AddUser(resource.User{Email: "Ada@acme.test", Connection: "social"}, "")
	w.tenant.AddMember(w.org, eve, w.role)
	plan, err := w.job(delegation.Config{}).Plan(t.Context(), w.org, declare("ada"))
	require.NoError(t, err)
	require.Equal(t, []string{"ada none administrator", "ada refused unverified"}, lines(plan.Changes))
	assert.Equal(t, []string{ada, eve}, []string{plan.Changes[0].UserID, plan.Changes[1].UserID})
	assert.True(t, plan.Empty())
}

// Somebody who logs in by a linked account belongs to the organization, but only
// the provider of the first account has said whose the email is.
func TestLinkedAccounts(t *testing.T) {
	t.Parallel()
	w := newWorld(t, auth0test.Options{})
	w.admin("ada")
	w.tenant.AddConnection("elsewhere", "google-oauth2")
	w.enable(w.tenant.AddConnection("acme-saml", "samlp"))
	linked := func(email, second string, verified bool) string {
		id := w.tenant.AddUser(resource.User{Email: email, EmailVerified: verified, Connection: "elsewhere"}, "")
		other := w.tenant.AddUser(resource.User{Email: email, Connection: second, EmailVerified: true}, "")
		provider, raw := "auth0", other[len("auth0|"):]
		if second == "acme-saml" {
			provider, raw = "samlp", other[len("samlp|"):]
		}
		w.call(http.MethodPost, map[string]any{"provider": provider, "user_id": raw}, nil, "users", id, "identities")
		return id
	}
	bob := linked("bob@acme.test", auth0test.DefaultConnection, true)
	eve := linked("eve@acme.test", "acme-saml", false)
	admin := w.job(delegation.Config{Onboarding: w.invite()})
	c, err := admin.Create(t.Context(), w.org, "bob@acme.test")
	require.NoError(t, err)
	assert.Equal(t, []any{delegation.ChangeKind("add_member"), bob}, []any{c.Kind, c.UserID})
	c, err = admin.Create(t.Context(), w.org, "eve@acme.test")
	require.ErrorIs(t, err, delegation.ErrUnverified)
	assert.Equal(t, eve, c.UserID)
	list, err := admin.List(t.Context(), w.org)
	require.NoError(t, err)
	assert.True(t, list[1].Counts, list[1].Why)
}

// A member without a role is a member, whatever Auth0 answers about their roles.
func TestGrantLeavesMembersWithoutRoles(t *testing.T) {
	t.Parallel()
	w := newWorld(t, auth0test.Options{})
	w.admin("ada")
	plain := w.user("plain")
	w.tenant.AddMember(w.org, plain)
	job := func() *delegation.Admin {
		return w.job(delegation.Config{Recorder: &failing{Recorder: w.audit, after: 1}})
	}
	require.ErrorIs(t, job().Grant(t.Context(), w.org, plain, w.role), audit.ErrNotRecorded)
	assert.False(t, w.holds(plain))
	assert.True(t, w.isMember(plain))
	_, err := job().Create(t.Context(), w.org, "plain@acme.test")
	require.ErrorIs(t, err, audit.ErrNotRecorded)
	assert.True(t, w.isMember(plain))
	_, err = job().Sync(t.Context(), w.org, declare("ada", "plain"))
	require.ErrorIs(t, err, audit.ErrNotRecorded)
	assert.True(t, w.isMember(plain))
}

// The list of members is late, so that somebody who joined a moment ago is not on it.
func TestMembershipIsAskedNotListed(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, auth0test.Options{SearchDelay: time.Minute})
		w.admin("ada")
		bob := w.user("bob")
		time.Sleep(time.Hour)
		w.tenant.AddMember(w.org, bob)
		plan, err := w.job(delegation.Config{}).Plan(t.Context(), w.org, declare("ada", "bob"))
		require.NoError(t, err)
		assert.Equal(t, []string{"ada none administrator", "bob add_role"}, lines(plan.Changes))
	})
}

// Auth0 keeps roles that were given before somebody became a member.
func TestARoleWithoutMembershipIsNotEnough(t *testing.T) {
	t.Parallel()
	w := newWorld(t, auth0test.Options{})
	w.admin("ada")
	for _, name := range []string{"bob", "eve"} {
		id := w.user(name)
		require.NoError(t, w.client.AssignMemberRoles(t.Context(), w.org, id, w.role))
		if name == "bob" {
			require.NoError(t, w.job(delegation.Config{}).Grant(t.Context(), w.org, id, w.role))
		} else {
			_, err := w.job(delegation.Config{}).Sync(t.Context(), w.org, declare("ada", "bob", "eve"))
			require.NoError(t, err)
		}
		assert.True(t, w.isMember(id), name)
		assert.True(t, w.holds(id), name)
	}
}

// A new invitation has the roles of the one that it replaces, if the actor may give
// them.
func TestReinviteKeepsRoles(t *testing.T) {
	t.Parallel()
	w := newWorld(t, auth0test.Options{})
	ada, reader := w.admin("ada"), w.tenant.AddRole("Reader", "")
	both := func() string {
		i, err := w.client.CreateInvitation(t.Context(), w.org, resource.NewInvitation{
			ClientID: w.portal, Inviter: "x", Email: "guest@acme.test", RoleIDs: []string{reader, w.role}, TTL: time.Hour, NoMail: true,
		})
		require.NoError(t, err)
		return i.ID
	}
	cfg := delegation.Config{Onboarding: w.invite(), GrantableRoles: []string{reader}}
	c, err := w.job(cfg).Reinvite(t.Context(), w.org, both())
	require.NoError(t, err)
	for i, err := range w.client.Invitations(t.Context(), w.org) {
		require.NoError(t, err)
		assert.Equal(t, c.InvitationID, i.ID)
		assert.ElementsMatch(t, []string{w.role, reader}, i.RoleIDs)
	}
	require.NoError(t, w.job(cfg).RevokeInvitation(t.Context(), w.org, c.InvitationID))
	old := both()
	w.unchanged(func() {
		_, err = w.service(cfg).As(delegation.User(ada)).Reinvite(t.Context(), w.org, old)
		require.ErrorIs(t, err, delegation.ErrNotAllowed, "ada does not hold it")
		_, err = w.job(delegation.Config{Onboarding: w.invite()}).Reinvite(t.Context(), w.org, old)
		require.ErrorIs(t, err, delegation.ErrNotAllowed, "it is not on the list")
	})
}

// A sync does not throw away an expired invitation that had other roles as well.
func TestSyncLeavesExpiredInvitationsWithOtherRoles(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, auth0test.Options{})
		w.admin("ada")
		reader := w.tenant.AddRole("Reader", "")
		_, err := w.client.CreateInvitation(t.Context(), w.org, resource.NewInvitation{
			ClientID: w.portal, Inviter: "x", Email: "guest@acme.test", RoleIDs: []string{reader, w.role}, TTL: time.Minute, NoMail: true,
		})
		require.NoError(t, err)
		time.Sleep(time.Hour)
		done, err := w.job(delegation.Config{Onboarding: w.invite()}).Sync(t.Context(), w.org, declare("ada", "guest"))
		require.NoError(t, err)
		assert.Equal(t, []string{"ada none administrator", "guest invite"}, lines(done.Changes))
		assert.Len(t, w.invitations(), 2)
	})
}

// An administrator whose account was linked into another one is nobody any more.
func TestAnAccountThatWasLinkedIsGone(t *testing.T) {
	t.Parallel()
	w := newWorld(t, auth0test.Options{})
	w.admin("ada")
	bob, other := w.admin("bob"), w.user("other")
	w.call(http.MethodPost, map[string]any{"provider": "auth0", "user_id": bob[len("auth0|"):]}, nil, "users", other, "identities")
	list, err := w.job(delegation.Config{}).List(t.Context(), w.org)
	require.NoError(t, err)
	for _, a := range list {
		if a.UserID == bob {
			assert.Equal(t, []any{false, "deleted"}, []any{a.Counts, a.Why})
		}
	}
	require.ErrorIs(t, w.job(delegation.Config{}).Grant(t.Context(), w.org, bob, w.role), delegation.ErrUnknown)
}
