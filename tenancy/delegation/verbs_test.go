package delegation_test

import (
	"errors"
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

func TestListShowsHowAndWhoCounts(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, auth0test.Options{SearchDelay: time.Second})
		ada := w.admin("ada")
		time.Sleep(time.Minute)
		add := func(u resource.User) string {
			id := w.tenant.AddUser(u, "")
			w.tenant.AddMember(w.org, id, w.role)
			return id
		}
		blocked := add(resource.User{Email: "blocked@acme.test", EmailVerified: true, Blocked: true})
		unverified := add(resource.User{Email: "unverified@acme.test"})
		w.tenant.AddConnection("elsewhere", "google-oauth2")
		other := add(resource.User{Email: "other@acme.test", EmailVerified: true, Connection: "elsewhere"})
		saml := w.tenant.AddConnection("acme-saml", "samlp")
		w.enable(saml)
		federated := add(resource.User{Email: "saml@acme.test", Connection: "acme-saml"})
		deleted := w.admin("deleted")
		bob, eve := w.user("bob"), w.user("eve")
		w.tenant.AddMember(w.org, bob)
		w.tenant.AddMember(w.org, w.user("plain"))
		w.group("IT", bob, eve, ada)
		time.Sleep(time.Minute)
		require.NoError(t, w.client.DeleteUser(t.Context(), deleted)) // The list of members does not know yet.
		invited := invitation(w, "guest@acme.test", 7*24*time.Hour)
		expired := invitation(w, "late@acme.test", time.Second)
		time.Sleep(100 * time.Millisecond)

		got, err := w.job(delegation.Config{}).List(t.Context(), w.org)
		require.NoError(t, err)
		type row struct {
			id, how string
			counts  bool
			why     string
		}
		rows := map[string]row{}
		for _, a := range got {
			rows[a.Email] = row{a.UserID + a.InvitationID, a.How, a.Counts, a.Why}
		}
		assert.Equal(t, map[string]row{
			"ada@acme.test":        {ada, "direct", true, ""},
			"blocked@acme.test":    {blocked, "direct", false, "blocked"},
			"unverified@acme.test": {unverified, "direct", false, "unverified"},
			"other@acme.test":      {other, "direct", false, "connection"},
			"saml@acme.test":       {federated, "direct", true, ""},
			"":                     {deleted, "direct", false, "deleted"},
			"bob@acme.test":        {bob, "group", true, ""},
			"eve@acme.test":        {eve, "group", false, "not_a_member"},
			"guest@acme.test":      {invited, "invited", false, "invited"},
			"late@acme.test":       {expired, "invited", false, "invited"},
		}, rows)

		time.Sleep(2 * time.Second)
		got, err = w.job(delegation.Config{}).List(t.Context(), w.org)
		require.NoError(t, err)
		last := got[len(got)-1]
		assert.Equal(t, []string{"late@acme.test", "expired"}, []string{last.Email, last.Why})
	})
}

// invitation invites somebody as an administrator.
func invitation(w *world, email string, ttl time.Duration) string {
	w.Helper()
	i, err := w.client.CreateInvitation(w.Context(), w.org, resource.NewInvitation{
		ClientID: w.portal, Inviter: "x", Email: email, RoleIDs: []string{w.role}, TTL: ttl, NoMail: true,
	})
	require.NoError(w, err)
	return i.ID
}

func TestListWithoutGroups(t *testing.T) {
	t.Parallel()
	for _, status := range []int{403, 404, 501} {
		w := newWorld(t, auth0test.Options{})
		ada := w.admin("ada")
		w.tenant.Fault("GET /api/v2/organizations/{id}/groups", auth0test.Fault{Status: status})
		got, err := w.job(delegation.Config{}).List(t.Context(), w.org)
		require.NoError(t, err)
		require.Len(t, got, 1)
		assert.Equal(t, ada, got[0].UserID)
	}
	w := newWorld(t, auth0test.Options{})
	w.tenant.Fault("GET /api/v2/organizations/{id}/groups", auth0test.Fault{Status: 400})
	_, err := w.job(delegation.Config{}).List(t.Context(), w.org)
	require.ErrorIs(t, err, resource.ErrInvalid)
}

func TestGrantMakesAMemberFirst(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, auth0test.Options{})
		ada, bob := w.admin("ada"), w.user("bob")
		// Auth0 does not see the membership at once.
		w.tenant.Fault("POST /api/v2/organizations/{id}/members/{user}/roles", auth0test.Fault{Status: 404, Times: 3})
		n := len(w.tenant.Requests())
		require.NoError(t, w.service(delegation.Config{}).As(delegation.User(ada)).Grant(t.Context(), w.org, bob, w.role))
		assert.True(t, w.holds(bob))
		assert.True(t, w.isMember(bob))
		writes := w.writes(n)
		assert.Equal(t, "POST organizations/"+w.org+"/members", writes[0])
		assert.Len(t, writes, 1+4)
		assert.Equal(t, []string{"add_member unknown planned", "add_member success"}, w.events(0))
		require.Len(t, w.notified, 1)
		assert.Equal(t, bob, w.notified[0].UserID)

		e := w.audit.Events()[1]
		assert.Equal(t, audit.Ref{Kind: "user", ID: ada}, e.Actor)
		assert.Equal(t, audit.Ref{Kind: "user", ID: bob}, e.Target)
		assert.Equal(t, w.org, e.Organization)
		assert.Equal(t, map[string]string{"email": "bob@acme.test"}, e.Personal)
		assert.Equal(t, map[string]string{"before": "none", "after": "holder", "role": w.role, "user": bob}, e.Metadata)
	})
}

func TestGrantIsRefused(t *testing.T) {
	t.Parallel()
	w := newWorld(t, auth0test.Options{})
	ada, bob := w.admin("ada"), w.user("bob")
	plain := w.user("plain")
	w.tenant.AddMember(w.org, plain)
	other := w.tenant.AddRole("Billing", "")
	org2 := w.tenant.AddOrganization("other")
	var owned struct {
		ID string `json:"id"`
	}
	w.call(http.MethodPost, map[string]any{"name": "Theirs", "type": "organization", "owner_id": org2}, &owned, "roles")
	blocked := w.tenant.AddUser(resource.User{Email: "blocked@acme.test", EmailVerified: true, Blocked: true}, "")
	unverified := w.tenant.AddUser(resource.User{Email: "unverified@acme.test"}, "")
	w.tenant.AddConnection("elsewhere", "google-oauth2")
	outside := w.tenant.AddUser(resource.User{Email: "outside@acme.test", EmailVerified: true, Connection: "elsewhere"}, "")
	s := w.service(delegation.Config{GrantableRoles: []string{owned.ID, other}})
	for name, c := range map[string]struct {
		actor      delegation.Actor
		user, role string
		want       error
	}{
		"no actor":                      {delegation.Actor{}, bob, w.role, delegation.ErrNotAllowed},
		"a user without an id":          {delegation.User(""), bob, w.role, delegation.ErrNotAllowed},
		"another job":                   {delegation.Job("weekly"), bob, w.role, delegation.ErrNotAllowed},
		"a member":                      {delegation.User(plain), bob, w.role, delegation.ErrNotAllowed},
		"nobody of the organization":    {delegation.User(bob), bob, w.role, delegation.ErrNotAllowed},
		"a role not on the list":        {delegation.User(ada), bob, "rol_0000000000000000", delegation.ErrNotAllowed},
		"a role that the actor has not": {delegation.User(ada), bob, other, delegation.ErrNotAllowed},
		"a role of another customer":    {delegation.Job("nightly"), bob, owned.ID, delegation.ErrNotAllowed},
		"blocked":                       {delegation.User(ada), blocked, w.role, delegation.ErrBlocked},
		"unverified":                    {delegation.User(ada), unverified, w.role, delegation.ErrUnverified},
		"another connection":            {delegation.User(ada), outside, w.role, delegation.ErrUnknown},
		"no such user":                  {delegation.User(ada), "auth0|nobody", w.role, delegation.ErrUnknown},
	} {
		n := len(w.audit.Events())
		w.unchanged(func() {
			require.ErrorIs(t, s.As(c.actor).Grant(t.Context(), w.org, c.user, c.role), c.want, name)
		})
		events := w.audit.Events()[n:]
		require.Len(t, events, 1, name)
		assert.Equal(t, audit.Failure, events[0].Outcome, name)
	}
	require.Error(t, s.As(delegation.User(ada)).Grant(t.Context(), "", bob, w.role))
	require.NoError(t, s.As(delegation.Job("nightly")).Grant(t.Context(), w.org, bob, other), "a job grants what is on the list")
}

// Onboarding is for people of whom only the email is known.
func TestOnlyWhoCouldBeBroughtInIsToldAboutOnboarding(t *testing.T) {
	t.Parallel()
	w := newWorld(t, auth0test.Options{})
	admin := w.service(delegation.Config{}).As(delegation.User(w.admin("ada")))
	_, reinvited := admin.Reinvite(t.Context(), w.org, "uinv_0000000000000000")
	for name, err := range map[string]error{
		"Grant": admin.Grant(t.Context(), w.org, "auth0|nobody", w.role), "Reinvite": reinvited,
		"RevokeInvitation": admin.RevokeInvitation(t.Context(), w.org, "uinv_0000000000000000"),
	} {
		require.ErrorIs(t, err, delegation.ErrUnknown, name)
		assert.Equal(t, "delegation: there is no such person or invitation", err.Error(), name)
	}
	_, err := admin.Create(t.Context(), w.org, "nobody@acme.test")
	require.ErrorIs(t, err, delegation.ErrUnknown)
	assert.Contains(t, err.Error(), "Config.Onboarding brings in nobody")
	_, err = admin.Reinvite(t.Context(), w.org, invitation(w, "guest@acme.test", time.Hour))
	require.ErrorIs(t, err, delegation.ErrUnknown)
	assert.Contains(t, err.Error(), "needs Config.Onboarding to be Invite")
}

func TestGrantIsTakenBackWhenItIsNotRecorded(t *testing.T) {
	t.Parallel()
	for fails, member := range map[int]bool{1: false, 2: false} {
		w := newWorld(t, auth0test.Options{})
		ada, bob := w.admin("ada"), w.user("bob")
		s := w.service(delegation.Config{Recorder: &failing{Recorder: w.audit, after: fails - 1}})
		err := s.As(delegation.User(ada)).Grant(t.Context(), w.org, bob, w.role)
		require.ErrorIs(t, err, audit.ErrNotRecorded)
		assert.False(t, w.holds(bob))
		assert.Equal(t, member, w.isMember(bob))
		assert.Empty(t, w.notified)

		// What takes away is done all the same.
		eve := w.admin("eve")
		s = w.service(delegation.Config{Recorder: &failing{Recorder: w.audit, after: fails - 1}})
		require.ErrorIs(t, s.As(delegation.User(ada)).Revoke(t.Context(), w.org, eve, w.role), audit.ErrNotRecorded)
		assert.False(t, w.holds(eve))
	}
}

// Whoever holds the role already loses nothing when the second record fails.
func TestGrantTakesBackOnlyWhatItGave(t *testing.T) {
	t.Parallel()
	w := newWorld(t, auth0test.Options{})
	ada, bob := w.admin("ada"), w.user("bob")
	other := w.tenant.AddRole("reader", "")
	w.tenant.AddMember(w.org, bob, other)
	s := func() *delegation.Service {
		return w.service(delegation.Config{Recorder: &failing{Recorder: w.audit, after: 1}})
	}
	require.ErrorIs(t, s().As(delegation.User(ada)).Grant(t.Context(), w.org, ada, w.role), audit.ErrNotRecorded)
	assert.True(t, w.holds(ada), "the last administrator stays one")
	assert.True(t, w.isMember(ada))
	require.ErrorIs(t, s().As(delegation.User(ada)).Grant(t.Context(), w.org, bob, w.role), audit.ErrNotRecorded)
	assert.False(t, w.holds(bob))
	assert.True(t, w.isMember(bob), "a membership that was there before stays")
}

func TestRevoke(t *testing.T) {
	t.Parallel()
	w := newWorld(t, auth0test.Options{})
	ada, bob := w.admin("ada"), w.admin("bob")
	invitation(w, "Bob@acme.test", time.Hour)
	invitation(w, "guest@acme.test", time.Hour)
	admin := w.service(delegation.Config{}).As(delegation.User(ada))
	require.NoError(t, admin.Revoke(t.Context(), w.org, bob, w.role))
	assert.False(t, w.holds(bob))
	assert.True(t, w.isMember(bob))
	assert.Equal(t, []string{"guest@acme.test"}, w.invitations(), "or bob would come back by the invitation")
	assert.Equal(t, []string{"revoke_invitation unknown planned", "revoke_invitation success", "remove_role unknown planned", "remove_role success"}, w.events(0))
	require.NoError(t, admin.Revoke(t.Context(), w.org, bob, w.role), "it is repeatable")
}

func TestRevokeIsRefused(t *testing.T) {
	t.Parallel()
	w := newWorld(t, auth0test.Options{})
	ada, bob, carl := w.admin("ada"), w.user("bob"), w.user("carl")
	w.tenant.AddMember(w.org, bob)
	s := w.service(delegation.Config{})
	refused := func(actor delegation.Actor, user string, want error) {
		t.Helper()
		w.unchanged(func() { require.ErrorIs(t, s.As(actor).Revoke(t.Context(), w.org, user, w.role), want) })
		e := w.audit.Events()
		assert.Equal(t, audit.Failure, e[len(e)-1].Outcome)
		assert.Equal(t, "delegation.remove_role", e[len(e)-1].Action)
	}
	refused(delegation.User(bob), ada, delegation.ErrNotAllowed)
	refused(delegation.User(ada), ada, delegation.ErrSelf)
	refused(delegation.Job("nightly"), ada, delegation.ErrLastAdmin)

	// Whoever is invited is no administrator, and neither is somebody blocked or unverified.
	invitation(w, "guest@acme.test", time.Hour)
	refused(delegation.Job("nightly"), ada, delegation.ErrLastAdmin)
	for _, u := range []resource.User{{Email: "blocked@acme.test", EmailVerified: true, Blocked: true}, {Email: "unverified@acme.test"}} {
		w.tenant.AddMember(w.org, w.tenant.AddUser(u, ""), w.role)
		refused(delegation.Job("nightly"), ada, delegation.ErrLastAdmin)
	}
	// By a group the role stays, and counts.
	w.tenant.AddMember(w.org, carl)
	w.group("IT", carl)
	refused(delegation.User(ada), carl, delegation.ErrInherited)
	require.NoError(t, s.As(delegation.Job("nightly")).Revoke(t.Context(), w.org, ada, w.role))
}

// Search is late, so that a member blocked a moment ago still looks well there.
func TestTheLastAdministratorIsLookedAtAgain(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, auth0test.Options{SearchDelay: time.Minute})
		var all []string
		for i := range 12 { // More than are read one by one.
			all = append(all, w.admin(string(rune('a'+i))))
		}
		time.Sleep(time.Hour)
		for _, id := range all[1:] {
			_, err := w.client.UpdateUser(t.Context(), id, resource.UserPatch{Blocked: new(true)})
			require.NoError(t, err)
		}
		w.unchanged(func() {
			require.ErrorIs(t, w.job(delegation.Config{}).Revoke(t.Context(), w.org, all[0], w.role), delegation.ErrLastAdmin)
		})
	})
}

func TestMinAdmins(t *testing.T) {
	t.Parallel()
	w := newWorld(t, auth0test.Options{})
	ada, bob := w.admin("ada"), w.admin("bob")
	require.ErrorIs(t, w.job(delegation.Config{MinAdmins: 2}).Revoke(t.Context(), w.org, ada, w.role), delegation.ErrLastAdmin)
	require.NoError(t, w.job(delegation.Config{}).Revoke(t.Context(), w.org, ada, w.role))
	require.ErrorIs(t, w.job(delegation.Config{}).Revoke(t.Context(), w.org, bob, w.role), delegation.ErrLastAdmin)
	require.NoError(t, w.job(delegation.Config{MinAdmins: -1}).Revoke(t.Context(), w.org, bob, w.role))
}

// Two administrators remove each other at the same time.
func TestAdministratorsCannotRemoveEachOther(t *testing.T) {
	t.Parallel()
	w := newWorld(t, auth0test.Options{})
	ada, bob := w.admin("ada"), w.admin("bob")
	s := w.service(delegation.Config{})
	failed := make(chan error, 2)
	for actor, target := range map[string]string{ada: bob, bob: ada} {
		go func() { failed <- s.As(delegation.User(actor)).Revoke(t.Context(), w.org, target, w.role) }()
	}
	one, two := <-failed, <-failed
	require.True(t, (one == nil) != (two == nil), "%v, %v", one, two)
	require.ErrorIs(t, errors.Join(one, two), delegation.ErrNotAllowed)
}

func TestNew(t *testing.T) {
	t.Parallel()
	w := newWorld(t, auth0test.Options{})
	everybody := delegation.Jobs("x")
	for name, make := range map[string]func() error{
		"Directory":          func() error { _, err := delegation.New(nil, "rol_1", everybody, delegation.Config{}); return err },
		"administrator role": func() error { _, err := delegation.New(w.client, "", everybody, delegation.Config{}); return err },
		"Authorizer":         func() error { _, err := delegation.New(w.client, "rol_1", nil, delegation.Config{}); return err },
		"GrantableRoles": func() error {
			_, err := delegation.New(w.client, "rol_1", everybody, delegation.Config{GrantableRoles: []string{""}})
			return err
		},
		"Invite.ClientID": func() error {
			_, err := delegation.New(w.client, "rol_1", everybody, delegation.Config{Onboarding: delegation.Invite{Inviter: "x"}})
			return err
		},
		"Invite.Inviter": func() error {
			_, err := delegation.New(w.client, "rol_1", everybody, delegation.Config{Onboarding: delegation.Invite{ClientID: "x"}})
			return err
		},
		"Invite.TTL": func() error {
			_, err := delegation.New(w.client, "rol_1", everybody, delegation.Config{Onboarding: delegation.Invite{ClientID: "x", Inviter: "x", TTL: 31 * 24 * time.Hour}})
			return err
		},
		"Provision.Connection": func() error {
			_, err := delegation.New(w.client, "rol_1", everybody, delegation.Config{Onboarding: delegation.Provision{}})
			return err
		},
		"Provision.TTL": func() error {
			_, err := delegation.New(w.client, "rol_1", everybody, delegation.Config{Onboarding: delegation.Provision{Connection: "x", TTL: 1}})
			return err
		},
	} {
		require.ErrorContains(t, make(), name)
	}
}
