package delegation_test

import (
	"bytes"
	"context"
	"fmt"
	"net/url"
	"slices"
	"strings"
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

// declare declares people of acme.test.
func declare(names ...string) delegation.Declared {
	d := delegation.Declared{From: "admins.yaml@3f2a91c"}
	for _, n := range names {
		d.Emails = append(d.Emails, n+"@acme.test")
	}
	return d
}

// lines are changes in short, without the domain.
func lines(changes []delegation.Change) []string {
	out := []string{}
	for _, c := range changes {
		name, _, _ := strings.Cut(c.Email, "@")
		out = append(out, strings.TrimSpace(fmt.Sprintf("%s %s %s", name, c.Kind, c.Reason)))
	}
	slices.Sort(out)
	return out
}

// Every kind of change in one plan.
func TestPlan(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, auth0test.Options{})
		w.admin("ada")
		for _, n := range []string{"bob", "self"} {
			w.admin(n)
		}
		w.tenant.AddMember(w.org, w.user("member"))
		w.user("stranger")
		grouped, both := w.user("grouped"), w.admin("both")
		w.tenant.AddMember(w.org, grouped)
		w.group("IT", grouped, both)
		w.tenant.AddUser(resource.User{Email: "unverified@acme.test"}, "")
		invitation(w, "pending@acme.test", time.Hour)
		invitation(w, "dropped@acme.test", time.Hour)
		late, gone := invitation(w, "late@acme.test", time.Minute), invitation(w, "gone@acme.test", time.Minute)
		time.Sleep(2 * time.Minute)

		d := declare("ada", "ADA", "member", "stranger", "new", "unverified", "pending", "late")
		job := w.job(delegation.Config{Onboarding: w.invite()})
		var plan *delegation.Plan
		w.unchanged(func() {
			var err error
			plan, err = job.Plan(t.Context(), w.org, d)
			require.NoError(t, err)
		})
		assert.Equal(t, []string{
			"ada none administrator", "bob remove_role not_declared", "both remove_role not_declared", "dropped revoke_invitation not_declared",
			"grouped inherited group", "late reinvite expired", "member add_role", "new invite", "pending none invited", "self remove_role not_declared",
			"stranger add_member", "unverified refused unverified",
		}, lines(plan.Changes))
		assert.Equal(t, []int{5, 4}, []int{plan.Before, plan.Administrators}, "ada, bob, both, grouped, self; then ada, grouped, member, stranger: nobody who is invited")
		assert.False(t, plan.Empty())

		n := len(w.tenant.Requests())
		done, err := job.Apply(t.Context(), plan)
		require.NoError(t, err)
		for _, c := range done.Changes {
			assert.Equal(t, c.Kind.Gives() || c.Kind.Takes(), c.Done, c.Email)
		}
		assert.Equal(t, []string{"gone@acme.test", "late@acme.test", "new@acme.test", "pending@acme.test"}, w.invitations())
		_ = gone
		assert.True(t, w.isMember(both), "only the role goes")
		writes := strings.Join(w.writes(n), "\n")
		assert.NotContains(t, writes, "users/")
		assert.Less(t, strings.LastIndex(writes, "POST"), strings.Index(writes, "DELETE organizations/"+w.org+"/members"), "additions come first")
		assert.NotContains(t, w.invitations(), late)

		again, err := job.Plan(t.Context(), w.org, d)
		require.NoError(t, err)
		assert.True(t, again.Empty(), "%v", lines(again.Changes))
		w.unchanged(func() {
			_, err := job.Sync(t.Context(), w.org, d)
			require.NoError(t, err)
		})
	})
}

func TestGuardsOfPlans(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		cfg      delegation.Config
		admins   int
		group    bool // One more by a group.
		declared delegation.Declared
		want     error
		planned  bool
	}{
		"nobody is declared":                 {admins: 2, declared: declare(), want: delegation.ErrEmpty},
		"nobody, and that is meant":          {cfg: delegation.Config{AllowEmpty: true}, admins: 2, declared: declare(), want: delegation.ErrLastAdmin, planned: true},
		"nobody but a group":                 {cfg: delegation.Config{AllowEmpty: true}, admins: 2, group: true, declared: declare()},
		"nobody, without a minimum":          {cfg: delegation.Config{AllowEmpty: true, MinAdmins: -1}, admins: 2, declared: declare()},
		"only invitations would remain":      {admins: 2, declared: declare("new"), want: delegation.ErrLastAdmin, planned: true},
		"only somebody refused":              {admins: 2, declared: declare("unverified"), want: delegation.ErrLastAdmin, planned: true},
		"only somebody blocked":              {admins: 2, declared: declare("blocked"), want: delegation.ErrLastAdmin, planned: true},
		"one of two who must be two":         {cfg: delegation.Config{MinAdmins: 2}, admins: 2, declared: declare("a"), want: delegation.ErrLastAdmin, planned: true},
		"one of two":                         {admins: 2, declared: declare("a")},
		"somebody else":                      {admins: 2, declared: declare("member")},
		"six":                                {admins: 7, declared: declare("a"), want: delegation.ErrTooManyRemovals, planned: true},
		"five":                               {admins: 5, declared: declare("a")},
		"six, without a maximum":             {cfg: delegation.Config{MaxRemovals: -1}, admins: 7, declared: declare("a")},
		"two of at most one":                 {cfg: delegation.Config{MaxRemovals: 1}, admins: 3, declared: declare("a"), want: delegation.ErrTooManyRemovals, planned: true},
		"not an address":                     {admins: 2, declared: delegation.Declared{Emails: []string{"a@acme.test", "nobody"}}, want: delegation.ErrEmail},
		"nothing to remove, none can log in": {admins: 0, declared: declare("new", "blocked")},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, auth0test.Options{})
			for i := range c.admins {
				w.admin(string(rune('a' + i)))
			}
			w.tenant.AddMember(w.org, w.user("member"))
			w.tenant.AddUser(resource.User{Email: "unverified@acme.test"}, "")
			w.tenant.AddMember(w.org, w.tenant.AddUser(resource.User{Email: "blocked@acme.test", EmailVerified: true, Blocked: true}, ""), w.role)
			if c.group {
				id := w.user("grouped")
				w.tenant.AddMember(w.org, id)
				w.group("IT", id)
			}
			c.cfg.Onboarding = w.invite()
			job := w.job(c.cfg)
			if c.want == nil {
				_, err := job.Sync(t.Context(), w.org, c.declared)
				require.NoError(t, err)
				return
			}
			w.unchanged(func() {
				plan, err := job.Plan(t.Context(), w.org, c.declared)
				require.ErrorIs(t, err, c.want)
				assert.Equal(t, c.planned, plan != nil, "a plan can be shown")
				if plan != nil {
					_, err = job.Apply(t.Context(), plan)
					require.ErrorIs(t, err, c.want)
				}
				_, err = job.Sync(t.Context(), w.org, c.declared)
				require.ErrorIs(t, err, c.want)
			})
			e := w.audit.Events()
			assert.Equal(t, []any{"delegation.refuse", audit.Failure}, []any{e[len(e)-1].Action, e[len(e)-1].Outcome})
			assert.NotEmpty(t, e[len(e)-1].Reason)
		})
	}
}

func TestActorsOfPlans(t *testing.T) {
	t.Parallel()
	w := newWorld(t, auth0test.Options{})
	ada, bob := w.admin("ada"), w.admin("bob")
	w.tenant.AddMember(w.org, w.user("member"))
	s := w.service(delegation.Config{})
	plan, err := s.As(delegation.User(ada)).Plan(t.Context(), w.org, declare("bob"))
	require.NoError(t, err)
	assert.Equal(t, []string{"ada refused self", "bob none administrator"}, lines(plan.Changes))
	for _, actor := range []delegation.Actor{{}, delegation.Job("weekly"), delegation.User(w.user("eve"))} {
		_, err := s.As(actor).Plan(t.Context(), w.org, declare("bob"))
		require.ErrorIs(t, err, delegation.ErrNotAllowed)
		_, err = s.As(actor).List(t.Context(), w.org)
		require.ErrorIs(t, err, delegation.ErrNotAllowed)
	}

	// A policy of its own: nobody is removed, and jobs see it in the plan.
	careful, err := delegation.New(w.client, w.role, func(_ context.Context, _ delegation.Actor, _ string, c delegation.Change) error {
		if c.Kind.Takes() {
			return delegation.ErrNotAllowed
		}
		return nil
	}, delegation.Config{Recorder: w.audit})
	require.NoError(t, err)
	n := len(w.audit.Events())
	done, err := careful.As(delegation.Job("x")).Sync(t.Context(), w.org, declare("ada", "member"))
	require.NoError(t, err)
	assert.Equal(t, []string{"ada none administrator", "bob refused not_allowed", "member add_role"}, lines(done.Changes))
	assert.True(t, w.holds(bob))
	assert.Equal(t, []string{"remove_role failure not_allowed", "add_role unknown planned", "add_role success"}, w.events(n))
}

func TestApplyRefusesDrift(t *testing.T) {
	t.Parallel()
	for name, drift := range map[string]func(w *world, ids map[string]string){
		"another administrator": func(w *world, _ map[string]string) { w.admin("late") },
		"one less": func(w *world, ids map[string]string) {
			w.client.RemoveMemberRoles(w.Context(), w.org, ids["bob"], w.role)
		},
		"an invitation": func(w *world, _ map[string]string) { invitation(w, "guest@acme.test", time.Hour) },
		"somebody is blocked": func(w *world, ids map[string]string) {
			w.client.UpdateUser(w.Context(), ids["ada"], resource.UserPatch{Blocked: new(true)})
		},
		"the new one is": func(w *world, ids map[string]string) {
			w.client.UpdateUser(w.Context(), ids["new"], resource.UserPatch{Blocked: new(true)})
		},
		"the new one has become a member": func(w *world, ids map[string]string) { w.tenant.AddMember(w.org, ids["new"]) },
	} {
		w := newWorld(t, auth0test.Options{})
		ids := map[string]string{"ada": w.admin("ada"), "bob": w.admin("bob"), "new": w.user("new")}
		job := w.job(delegation.Config{})
		plan, err := job.Plan(t.Context(), w.org, declare("ada", "new"))
		require.NoError(t, err)
		drift(w, ids)
		w.unchanged(func() {
			_, err = job.Apply(t.Context(), plan)
			require.ErrorIs(t, err, delegation.ErrDrift, name)
		})
	}
	// What does not matter is no drift, and a plan survives a file.
	w := newWorld(t, auth0test.Options{})
	w.admin("ada")
	w.user("new")
	job := w.job(delegation.Config{})
	plan, err := job.Plan(t.Context(), w.org, declare("ada", "new"))
	require.NoError(t, err)
	w.tenant.AddMember(w.org, w.user("plain"))
	var file bytes.Buffer
	require.NoError(t, plan.WriteJSON(&file))
	read, err := delegation.ReadPlan(&file)
	require.NoError(t, err)
	assert.Equal(t, lines(plan.Changes), lines(read.Changes))

	// A file that was tampered with says other changes; the declaration alone counts.
	read.Changes = []delegation.Change{{Kind: "add_role", UserID: "auth0|mallory", RoleID: w.role}}
	done, err := job.Apply(t.Context(), read)
	require.NoError(t, err)
	assert.Equal(t, []string{"ada none administrator", "new add_member"}, lines(done.Changes))
	read.Declared = append(read.Declared, "mallory@acme.test")
	_, err = job.Apply(t.Context(), read)
	require.ErrorIs(t, err, delegation.ErrDrift)
	_, err = delegation.ReadPlan(strings.NewReader(`{"org_id":"x","extra":1}`))
	require.Error(t, err)
}

func TestRemoveMembership(t *testing.T) {
	t.Parallel()
	w := newWorld(t, auth0test.Options{})
	w.admin("ada")
	var gone []string
	for i := range 13 {
		gone = append(gone, w.admin(fmt.Sprint("x", i)))
	}
	n := len(w.tenant.Requests())
	done, err := w.job(delegation.Config{RemoveMembership: true, MaxRemovals: -1}).Sync(t.Context(), w.org, declare("ada"))
	require.NoError(t, err)
	assert.Equal(t, 13, strings.Count(strings.Join(lines(done.Changes), "\n"), "remove_member"))
	for _, id := range gone {
		assert.False(t, w.holds(id))
		assert.False(t, w.isMember(id))
	}
	var leaves int
	for _, r := range w.writes(n) {
		if r == "DELETE organizations/"+w.org+"/members" {
			leaves++
		}
	}
	assert.Equal(t, 2, leaves, "ten in a call")
}

// Ten are added in one call, and one of them who cannot be does not keep out the
// others; nobody is removed for whom nobody came.
func TestPartialFailure(t *testing.T) {
	t.Parallel()
	w := newWorld(t, auth0test.Options{})
	olds := []string{w.admin("old0"), w.admin("old1"), w.admin("old2")}
	var names []string
	for i := range 3 {
		names = append(names, fmt.Sprint("new", i))
		w.user(names[i])
	}
	broken := w.tenant.AddUser(resource.User{ID: "broken", Email: "broken@acme.test", EmailVerified: true}, "")
	w.tenant.Fault("POST /api/v2/organizations/{id}/members/"+url.PathEscape(broken)+"/roles", auth0test.Fault{Status: 409})
	job := w.job(delegation.Config{})
	d := declare(append(names, "broken")...)
	done, err := job.Sync(t.Context(), w.org, d)
	require.ErrorIs(t, err, resource.ErrConflict)
	assert.Equal(t, 3, strings.Count(strings.Join(lines(done.Changes), "\n"), "remove_role"), "three came: three may go")
	for _, id := range olds {
		assert.False(t, w.holds(id))
	}
	done, err = job.Sync(t.Context(), w.org, declare("broken", "new0"))
	require.ErrorIs(t, err, resource.ErrConflict)
	assert.Equal(t, []string{"broken add_role", "new0 none administrator", "new1 refused held_back", "new2 remove_role not_declared"}, heldBack(done.Changes))
}

// heldBack sorts the one who was held back first: which of the two it is does not matter.
func heldBack(changes []delegation.Change) []string {
	out := lines(changes)
	if slices.Contains(out, "new2 refused held_back") {
		for i := range out {
			out[i] = strings.NewReplacer("new1 remove_role not_declared", "new2 remove_role not_declared", "new2 refused held_back", "new1 refused held_back").Replace(out[i])
		}
		slices.Sort(out)
	}
	return out
}

func TestUndo(t *testing.T) {
	t.Parallel()
	w := newWorld(t, auth0test.Options{})
	ada, bob, member, stranger := w.admin("ada"), w.admin("bob"), w.user("member"), w.user("stranger")
	w.tenant.AddMember(w.org, member)
	invitation(w, "dropped@acme.test", time.Hour)
	job := w.job(delegation.Config{Onboarding: w.invite()})
	done, err := job.Sync(t.Context(), w.org, declare("ada", "member", "stranger", "new"))
	require.NoError(t, err)
	late := w.admin("late") // Somebody who came afterwards stays.

	var file bytes.Buffer
	require.NoError(t, done.WriteJSON(&file))
	assert.NotContains(t, file.String(), "invitation=")
	read, err := delegation.ReadApplied(&file)
	require.NoError(t, err)
	plan, err := job.PlanUndo(t.Context(), read)
	require.NoError(t, err)
	assert.Equal(t, []string{
		"ada none administrator", "bob add_role", "dropped invite", "late none administrator", "member remove_role not_declared",
		"new revoke_invitation not_declared", "stranger remove_member not_declared",
	}, lines(plan.Changes))
	_, err = job.Apply(t.Context(), plan)
	require.NoError(t, err)
	for id, holds := range map[string]bool{ada: true, bob: true, late: true, member: false, stranger: false} {
		assert.Equal(t, holds, w.holds(id))
	}
	assert.True(t, w.isMember(member))
	assert.False(t, w.isMember(stranger), "they were no member before")
	assert.Equal(t, []string{"dropped@acme.test"}, w.invitations())

	_, err = job.PlanUndo(t.Context(), nil)
	require.Error(t, err)
}

// Auth0 removes an invitation that somebody tried with another account, so that
// gone does not mean accepted.
func TestAnInvitationThatIsGoneWasNotAccepted(t *testing.T) {
	t.Parallel()
	w := newWorld(t, auth0test.Options{})
	w.admin("ada")
	job := w.job(delegation.Config{Onboarding: w.invite()})
	_, err := job.Sync(t.Context(), w.org, declare("ada", "guest"))
	require.NoError(t, err)
	for i, err := range w.client.Invitations(t.Context(), w.org) {
		require.NoError(t, err)
		require.NoError(t, w.client.DeleteInvitation(t.Context(), w.org, i.ID))
	}
	done, err := job.Sync(t.Context(), w.org, declare("ada", "guest"))
	require.NoError(t, err)
	assert.Equal(t, []string{"ada none administrator", "guest invite"}, lines(done.Changes))
}

func TestWriteDiff(t *testing.T) {
	t.Parallel()
	p := &delegation.Plan{OrgID: "org_1", From: "admins.yaml@3f2a91c", Before: 3, Administrators: 3, Changes: []delegation.Change{
		{Kind: "none", Email: "ada@acme.test", Reason: "administrator"},
		{Kind: "remove_role", Email: "bob@acme.test", UserID: "auth0|bob", Reason: "not_declared"},
		{Kind: "add_member", Email: "carl.gustav@acme.test", UserID: "auth0|carl"},
		{Kind: "refused", Email: "eve\x1b[2J@acme.test", Reason: "unverified", Err: delegation.ErrUnverified},
		{Kind: "inherited", Email: "fay@acme.test", Reason: "group"},
	}}
	var plain, colored bytes.Buffer
	require.NoError(t, p.WriteDiff(&plain, false))
	assert.Equal(t, strings.TrimLeft(`
org_1, from admins.yaml@3f2a91c
  + carl.gustav@acme.test  add as a member with the role
  - bob@acme.test          remove the role
  = fay@acme.test          has the role by a group
  ! eve�[2J@acme.test      refused                        the email of the account is not verified; let the person verify it
    1 person unchanged
    administrators who count: 3 now, 3 afterwards
`, "\n"), plain.String())
	require.NoError(t, p.WriteDiff(&colored, true))
	assert.Contains(t, colored.String(), "\x1b[32m  + carl")
	assert.Equal(t, 4, strings.Count(colored.String(), "\x1b[0m"))
	assert.NotContains(t, fmt.Sprintf("%v %+v", p, *p), "acme.test")
}
