package delegation_test

import (
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/auth0kit/auth0kit/management/auth0test"
	"github.com/auth0kit/auth0kit/management/resource"
	"github.com/auth0kit/auth0kit/tenancy/delegation"
)

// organization is one of several in a world.
type organization struct {
	*world
	id string
}

// picture is all that a sync could change of an organization.
func (o organization) picture() string {
	var out []string
	for m, err := range o.client.Members(o.Context(), o.id) {
		require.NoError(o, err)
		out = append(out, fmt.Sprint(m.UserID, m.Roles))
	}
	for i, err := range o.client.Invitations(o.Context(), o.id) {
		require.NoError(o, err)
		out = append(out, fmt.Sprint(i.Email, i.ID, i.RoleIDs))
	}
	slices.Sort(out)
	return strings.Join(out, "\n")
}

// effective counts the administrators who can act.
func (o organization) effective(t *rapid.T) int {
	list, err := o.job(delegation.Config{}).List(o.Context(), o.id)
	require.NoError(t, err)
	n := 0
	for _, a := range list {
		if a.Counts {
			n++
		}
	}
	return n
}

// Random operations on two organizations that share members.
func TestOrganizationsAreApart(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(rt *rapid.T) {
		w := newWorld(t, auth0test.Options{})
		a, b := organization{w, w.org}, organization{w, w.tenant.AddOrganization("other")}
		var people, ids []string
		for i := range 6 {
			people = append(people, fmt.Sprint("p", i))
			ids = append(ids, w.user(people[i]))
		}
		for _, o := range []organization{a, b} { // p0 and p1 administer both.
			w.tenant.AddMember(o.id, ids[0], w.role)
			w.tenant.AddMember(o.id, ids[1], w.role)
			for _, id := range ids[2:4] {
				w.tenant.AddMember(o.id, id)
			}
		}
		anybody := rapid.SampledFrom(people)
		some := rapid.SliceOfNDistinct(rapid.SampledFrom(append([]string{"guest", "unknown"}, people...)), 0, 5, rapid.ID)
		job := w.job(delegation.Config{Onboarding: w.invite(), RemoveMembership: rapid.Bool().Draw(rt, "membership")})
		for range rapid.IntRange(1, 6).Draw(rt, "steps") {
			o, other := a, b
			if rapid.Bool().Draw(rt, "of the other") {
				o, other = b, a
			}
			untouched, before := other.picture(), o.effective(rt)
			step(rt, o, job, anybody, some, ids)
			require.Equal(rt, untouched, other.picture(), "the other organization")
			require.GreaterOrEqual(rt, o.effective(rt), min(before, 1))
		}
		// Syncs of both at once, two for each, with the same declaration.
		da, db := declare(some.Draw(rt, "a")...), declare(some.Draw(rt, "b")...)
		beforeA, beforeB := a.effective(rt), b.effective(rt)
		var wait sync.WaitGroup
		for range 2 {
			wait.Go(func() { job.Sync(t.Context(), a.id, da) })
			wait.Go(func() { job.Sync(t.Context(), b.id, db) })
		}
		wait.Wait()
		require.GreaterOrEqual(rt, a.effective(rt), min(beforeA, 1))
		require.GreaterOrEqual(rt, b.effective(rt), min(beforeB, 1))
		settled(rt, a, job, da)
		settled(rt, b, job, db)
		for _, r := range w.tenant.Requests() {
			require.False(rt, strings.Contains(r.Path, "/users/") && strings.HasSuffix(r.Path, "/roles") && !strings.Contains(r.Path, "/organizations/"), r.Path)
			require.False(rt, r.Method == "PATCH" && strings.Contains(r.Path, "/organizations"), r.Path)
		}
	})
}

// step does one thing to an organization.
func step(rt *rapid.T, o organization, job *delegation.Admin, anybody *rapid.Generator[string], some *rapid.Generator[[]string], ids []string) {
	w, ctx := o.world, o.Context()
	who := anybody.Draw(rt, "who")
	id := ids[int(who[1]-'0')]
	switch rapid.SampledFrom([]string{"sync", "sync", "grant", "revoke", "create", "self", "block"}).Draw(rt, "step") {
	case "sync":
		d := declare(some.Draw(rt, "declared")...)
		if _, err := job.Sync(ctx, o.id, d); err == nil {
			settled(rt, o, job, d)
		}
	case "grant":
		job.Grant(ctx, o.id, id, w.role)
	case "revoke":
		job.Revoke(ctx, o.id, id, w.role)
	case "create":
		job.Create(ctx, o.id, who+"@acme.test")
	case "self":
		s := w.service(delegation.Config{})
		require.Error(rt, s.As(delegation.User(id)).Revoke(ctx, o.id, id, w.role))
	case "block": // By support, of somebody who administers nothing here; and soon undone.
		if n := o.effective(rt); n > 1 {
			set := func(blocked bool) {
				_, err := w.client.UpdateUser(ctx, id, resource.UserPatch{Blocked: &blocked})
				require.NoError(rt, err)
			}
			set(true)
			if o.effective(rt) > 0 {
				job.Sync(ctx, o.id, declare(some.Draw(rt, "declared")...))
				require.GreaterOrEqual(rt, o.effective(rt), 1)
			}
			set(false)
		}
	}
}

// settled asserts that a second run does nothing.
func settled(rt *rapid.T, o organization, job *delegation.Admin, d delegation.Declared) {
	n := len(o.tenant.Requests())
	job.Sync(o.Context(), o.id, d)
	require.Empty(rt, o.writes(n))
}
