package delegation_test

import (
	"bytes"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/auth0kit/auth0kit/management/auth0test"
	"github.com/auth0kit/auth0kit/management/resource"
	"github.com/auth0kit/auth0kit/tenancy/delegation"
)

// An undo plan reads the organization once, so that it is of one moment.
func TestUndoReadsOnce(t *testing.T) {
	t.Parallel()
	w := newWorld(t, auth0test.Options{})
	w.admin("ada")
	w.user("bob")
	job := w.job(delegation.Config{})
	done, err := job.Sync(t.Context(), w.org, declare("ada", "bob"))
	require.NoError(t, err)
	pages := func(f func() error) (n int) {
		before := len(w.tenant.Requests())
		require.NoError(t, f())
		for _, r := range w.tenant.Requests()[before:] {
			if strings.HasSuffix(r.Path, w.org+"/members") {
				n++
			}
		}
		return n
	}
	list := pages(func() error { _, err := job.List(t.Context(), w.org); return err })
	assert.Equal(t, list, pages(func() error { _, err := job.PlanUndo(t.Context(), done); return err }))

	// What was applied with another role is not undone with this one.
	done.Plan.RoleID = w.tenant.AddRole("Other", "")
	_, err = job.PlanUndo(t.Context(), done)
	require.ErrorContains(t, err, "another role")
}

// Undoing is about what was done: who holds the role and does not count is left as
// they are, and their other account gets nothing.
func TestUndoLeavesOthers(t *testing.T) {
	t.Parallel()
	w := newWorld(t, auth0test.Options{})
	w.admin("ada")
	w.user("bob")
	w.enable(w.tenant.AddConnection("acme-saml", "samlp"))
	job := w.job(delegation.Config{})
	done, err := job.Sync(t.Context(), w.org, declare("ada", "bob"))
	require.NoError(t, err)
	w.tenant.AddMember(w.org, w.tenant.AddUser(resource.User{Email: "two@acme.test", EmailVerified: true, Blocked: true}, ""), w.role)
	second := w.tenant.AddUser(resource.User{Email: "two@acme.test", Connection: "acme-saml"}, "")
	plan, err := job.PlanUndo(t.Context(), done)
	require.NoError(t, err)
	assert.Equal(t, []string{"ada none administrator", "bob remove_member not_declared", "two none blocked"}, lines(plan.Changes))

	var file bytes.Buffer
	require.NoError(t, plan.WriteJSON(&file))
	read, err := delegation.ReadPlan(&file)
	require.NoError(t, err)
	_, err = job.Apply(t.Context(), read)
	require.NoError(t, err)
	assert.False(t, w.holds(second))
}

// Too few administrators are reported, also where nothing can be refused for it.
func TestTooFewAdministratorsAreReported(t *testing.T) {
	t.Parallel()
	w := newWorld(t, auth0test.Options{})
	w.tenant.AddMember(w.org, w.tenant.AddUser(resource.User{Email: "ada@acme.test"}, ""), w.role)
	job := w.job(delegation.Config{MinAdmins: 2, Onboarding: w.invite()})
	done, err := job.Sync(t.Context(), w.org, declare("ada", "guest"))
	require.NoError(t, err)
	assert.Equal(t, []string{"ada refused unverified", "guest invite"}, lines(done.Changes))
	assert.Equal(t, 2, done.Plan.Missing)
	var diff, file bytes.Buffer
	require.NoError(t, done.WriteDiff(&diff, false))
	assert.Contains(t, diff.String(), "  ! too few: add 2 more who can log in; nobody who is invited counts\n")
	require.NoError(t, done.WriteJSON(&file))
	read, err := delegation.ReadApplied(&file)
	require.NoError(t, err)
	assert.Equal(t, 2, read.Plan.Missing)

	w.admin("bob")
	w.admin("eve")
	plan, err := job.Plan(t.Context(), w.org, declare("ada", "bob", "eve"))
	require.NoError(t, err)
	assert.Zero(t, plan.Missing)
}
