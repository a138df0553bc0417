package delegation_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/auth0kit/auth0kit/audit"
	"github.com/auth0kit/auth0kit/management/auth0test"
	"github.com/auth0kit/auth0kit/management/resource"
	"github.com/auth0kit/auth0kit/tenancy/delegation"
)

// verbs calls every verb of an actor, so that each must be refused alike.
func verbs(w *world, a *delegation.Admin, bob, invited string) map[string]error {
	ctx, errs := w.Context(), map[string]error{}
	_, errs["List"] = a.List(ctx, w.org)
	_, errs["Review"] = a.Review(ctx, w.org)
	errs["Grant"] = a.Grant(ctx, w.org, bob, w.role)
	errs["Revoke"] = a.Revoke(ctx, w.org, bob, w.role)
	_, errs["Create"] = a.Create(ctx, w.org, "new@acme.test")
	_, errs["Reinvite"] = a.Reinvite(ctx, w.org, invited)
	errs["RevokeInvitation"] = a.RevokeInvitation(ctx, w.org, invited)
	_, errs["Plan"] = a.Plan(ctx, w.org, declare("ada"))
	_, errs["Sync"] = a.Sync(ctx, w.org, declare("ada"))
	_, errs["PlanUndo"] = a.PlanUndo(ctx, &delegation.Applied{Plan: delegation.Plan{OrgID: w.org, RoleID: w.role}})
	return errs
}

// Whoever does not count as an administrator does not act as one either, and each
// attempt leaves an event.
func TestWhoDoesNotCountDoesNotAct(t *testing.T) {
	t.Parallel()
	w := newWorld(t, auth0test.Options{})
	w.admin("ada")
	bob := w.admin("bob")
	invited := invitation(w, "guest@acme.test", time.Hour)
	w.tenant.AddConnection("elsewhere", "google-oauth2")
	for name, u := range map[string]resource.User{
		"blocked":    {Email: "blocked@acme.test", EmailVerified: true, Blocked: true},
		"unverified": {Email: "unverified@acme.test"},
		"connection": {Email: "other@acme.test", EmailVerified: true, Connection: "elsewhere"},
	} {
		id := w.tenant.AddUser(u, "")
		w.tenant.AddMember(w.org, id, w.role)
		s := w.service(delegation.Config{Onboarding: w.invite()})
		w.unchanged(func() {
			n := len(w.audit.Events())
			errs := verbs(w, s.As(delegation.User(id)), bob, invited)
			for verb, err := range errs {
				assert.ErrorIs(t, err, delegation.ErrNotAllowed, "%s: %s", name, verb)
			}
			events := w.audit.Events()[n:]
			assert.Len(t, events, len(errs), name)
			for _, e := range events {
				assert.Equal(t, []any{audit.Failure, "not_allowed"}, []any{e.Outcome, e.Reason}, e.Action)
			}
		})
	}
	open := w.service(delegation.Config{AllowUnverifiedEmail: true})
	late := w.tenant.AddUser(resource.User{Email: "late@acme.test"}, "")
	w.tenant.AddMember(w.org, late, w.role)
	_, err := open.As(delegation.User(late)).List(t.Context(), w.org)
	require.NoError(t, err, "where unverified administrators count, they act")
}

// asked keeps what an Authorizer is asked.
type asked struct {
	changes []delegation.Change
	refuse  delegation.ChangeKind
	with    error
}

func (a *asked) may(_ context.Context, _ delegation.Actor, _ string, c delegation.Change) error {
	a.changes = append(a.changes, c)
	if c.Kind == a.refuse {
		return a.with
	}
	return nil
}

func (w *world) with(a *asked, cfg delegation.Config) *delegation.Admin {
	w.Helper()
	cfg.Recorder = w.audit
	s, err := delegation.New(w.client, w.role, a.may, cfg)
	require.NoError(w, err)
	return s.As(delegation.Job("x"))
}

// The Authorizer sees of each change whom it is about, with the email in the form
// in which emails are compared.
func TestTheAuthorizerSeesTheEmail(t *testing.T) {
	t.Parallel()
	w := newWorld(t, auth0test.Options{})
	w.admin("ada")
	w.enable(w.tenant.AddConnection("acme-saml", "samlp"))
	bob := w.tenant.AddUser(resource.User{Connection: "acme-saml", Email: "Bob@Acme.test"}, "")
	policy := &asked{}
	admin := w.with(policy, delegation.Config{Onboarding: w.invite()})
	require.NoError(t, admin.Grant(t.Context(), w.org, bob, w.role))
	first := invitation(w, "Bob@acme.test", time.Hour)
	c, err := admin.Reinvite(t.Context(), w.org, first)
	require.NoError(t, err)
	require.NoError(t, admin.RevokeInvitation(t.Context(), w.org, c.InvitationID))
	require.NoError(t, admin.Revoke(t.Context(), w.org, bob, w.role))
	require.NoError(t, admin.Grant(t.Context(), w.org, bob, w.role))
	_, err = admin.Sync(t.Context(), w.org, declare("ada"))
	require.NoError(t, err)
	require.NotEmpty(t, policy.changes)
	var kinds []delegation.ChangeKind
	for _, c := range policy.changes {
		kinds = append(kinds, c.Kind)
		if c.Kind != "read" {
			assert.Equal(t, "bob@acme.test", c.Email, c.Kind)
		}
	}
	assert.Equal(t, []delegation.ChangeKind{
		"add_member", "reinvite", "revoke_invitation", "revoke_invitation", "remove_role", "add_role", "read", "remove_role",
	}, kinds)
}

// Nothing is taken that the Authorizer was not asked about.
func TestRevokeAsksAboutInvitations(t *testing.T) {
	t.Parallel()
	w := newWorld(t, auth0test.Options{})
	w.admin("ada")
	bob := w.admin("bob")
	pending := invitation(w, "bob@acme.test", time.Hour)
	admin := w.with(&asked{refuse: "revoke_invitation", with: delegation.ErrNotAllowed}, delegation.Config{Onboarding: w.invite()})
	w.unchanged(func() {
		require.ErrorIs(t, admin.Revoke(t.Context(), w.org, bob, w.role), delegation.ErrNotAllowed)
		_, err := admin.Reinvite(t.Context(), w.org, pending)
		require.ErrorIs(t, err, delegation.ErrNotAllowed)
	})
	assert.Equal(t, []string{"remove_role failure not_allowed", "reinvite failure not_allowed"}, w.events(0))
}

// An Authorizer that fails refuses those whom it fails for: the others go on, it is
// recorded, and the error is there.
func TestAnAuthorizerThatFails(t *testing.T) {
	t.Parallel()
	w := newWorld(t, auth0test.Options{})
	w.admin("ada")
	bob := w.admin("bob")
	w.tenant.AddMember(w.org, w.user("member"))
	outage := errors.New("the policy server is down")
	policy := &asked{refuse: "remove_role", with: outage}
	admin := w.with(policy, delegation.Config{})

	require.ErrorIs(t, admin.Revoke(t.Context(), w.org, bob, w.role), outage)
	assert.Equal(t, []string{"remove_role failure authorizer"}, w.events(0))

	plan, err := admin.Plan(t.Context(), w.org, declare("ada", "member"))
	require.NoError(t, err)
	assert.Equal(t, []string{"ada none administrator", "bob refused authorizer", "member add_role"}, lines(plan.Changes))
	policy.with = errors.New("the policy server is down, again") // The text is no drift.
	done, err := admin.Apply(t.Context(), plan)
	require.ErrorIs(t, err, policy.with)
	assert.Equal(t, lines(plan.Changes), lines(done.Changes))
	assert.Equal(t, []string{"remove_role failure authorizer", "add_role unknown planned", "add_role success"}, w.events(1))

	policy.refuse = "read"
	n := len(w.audit.Events())
	_, err = admin.List(t.Context(), w.org)
	require.ErrorIs(t, err, policy.with)
	_, err = admin.Sync(t.Context(), w.org, declare("ada"))
	require.ErrorIs(t, err, policy.with)
	assert.Equal(t, []string{"read failure authorizer", "refuse failure authorizer"}, w.events(n))

	// A decision in the Authorizer's own words is one all the same.
	policy.refuse, policy.with = "remove_role", errors.Join(delegation.ErrNotAllowed, errors.New("not on a Friday"))
	done, err = admin.Sync(t.Context(), w.org, declare("ada", "member"))
	require.NoError(t, err)
	assert.Contains(t, lines(done.Changes), "bob refused not_allowed")
}

// What was refused is recorded, reads too, and names the organization.
func TestRefusedReadsAreRecorded(t *testing.T) {
	t.Parallel()
	w := newWorld(t, auth0test.Options{})
	w.admin("ada")
	weekly := w.service(delegation.Config{}).As(delegation.Job("weekly"))
	_, err := weekly.List(t.Context(), w.org)
	require.ErrorIs(t, err, delegation.ErrNotAllowed)
	_, err = weekly.Review(t.Context(), w.org)
	require.ErrorIs(t, err, delegation.ErrNotAllowed)
	_, err = weekly.Plan(t.Context(), w.org, declare("ada"))
	require.ErrorIs(t, err, delegation.ErrNotAllowed)
	_, err = weekly.PlanUndo(t.Context(), &delegation.Applied{Plan: delegation.Plan{OrgID: w.org, RoleID: w.role}})
	require.ErrorIs(t, err, delegation.ErrNotAllowed)
	_, err = w.job(delegation.Config{}).Plan(t.Context(), w.org, declare())
	require.ErrorIs(t, err, delegation.ErrEmpty)
	c, err := w.job(delegation.Config{}).Create(t.Context(), w.org, "nobody")
	require.ErrorIs(t, err, delegation.ErrEmail)
	assert.Equal(t, []any{delegation.ChangeKind("refused"), "email", err}, []any{c.Kind, c.Reason, c.Err})
	assert.Equal(t, []string{
		"read failure not_allowed", "read failure not_allowed", "read failure not_allowed", "read failure not_allowed",
		"read failure empty", "add_member failure email",
	}, w.events(0))
	e := w.audit.Events()[0]
	assert.Equal(t, audit.Ref{Kind: "organization", ID: w.org}, e.Target)
	assert.Equal(t, audit.Ref{Kind: "job", ID: "weekly"}, e.Actor)
}
