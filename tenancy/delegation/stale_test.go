package delegation_test

import (
	"context"
	"iter"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/auth0kit/auth0kit/audit"
	"github.com/auth0kit/auth0kit/management"
	"github.com/auth0kit/auth0kit/management/auth0test"
	"github.com/auth0kit/auth0kit/management/resource"
	"github.com/auth0kit/auth0kit/tenancy/delegation"
)

// Search says that the one who stays is well, who was blocked a moment ago.
func TestSyncLooksAtThoseWhoStayAgain(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, auth0test.Options{SearchDelay: time.Minute})
		var all []string
		for i := range 12 { // More than are read one by one.
			all = append(all, w.admin(string(rune('a'+i))))
		}
		time.Sleep(time.Hour)
		_, err := w.client.UpdateUser(t.Context(), all[0], resource.UserPatch{Blocked: new(true)})
		require.NoError(t, err)
		w.unchanged(func() {
			done, err := w.job(delegation.Config{MaxRemovals: -1}).Sync(t.Context(), w.org, declare("a"))
			require.ErrorIs(t, err, delegation.ErrLastAdmin)
			assert.Equal(t, 11, strings.Count(strings.Join(lines(done.Changes), "\n"), "refused last_admin"))
		})
	})
}

// inflated is a Directory whose list of members has roles by groups as well; it is
// not documented whether Auth0's has.
type inflated struct {
	*management.Client
	role string
}

func (d inflated) GroupHolders(context.Context, string, string) ([]string, error) {
	return nil, &resource.Error{StatusCode: 403}
}

func (d inflated) Members(ctx context.Context, orgID string) iter.Seq2[resource.Member, error] {
	return func(yield func(resource.Member, error) bool) {
		for m, err := range d.Client.Members(ctx, orgID) {
			m.Roles = []resource.Role{{ID: d.role}}
			if !yield(m, err) {
				return
			}
		}
	}
}

func TestRolesByGroupInTheListOfMembers(t *testing.T) {
	t.Parallel()
	w := newWorld(t, auth0test.Options{})
	w.admin("ada")
	bob := w.user("bob")
	w.tenant.AddMember(w.org, bob)
	w.group("IT", bob)
	s, err := delegation.New(inflated{w.client, w.role}, w.role, delegation.Jobs("nightly"), delegation.Config{})
	require.NoError(t, err)
	plan, err := s.As(delegation.Job("nightly")).Plan(t.Context(), w.org, declare("ada"))
	require.NoError(t, err)
	assert.Equal(t, []string{"ada none administrator", "bob inherited group"}, lines(plan.Changes))
}

func TestAccountsWithoutAnEmailStay(t *testing.T) {
	t.Parallel()
	w := newWorld(t, auth0test.Options{})
	w.admin("ada")
	service := w.tenant.AddUser(resource.User{Username: "service"}, "")
	w.tenant.AddMember(w.org, service, w.role)
	done, err := w.job(delegation.Config{}).Sync(t.Context(), w.org, declare("ada"))
	require.NoError(t, err)
	assert.Equal(t, []string{"ada none administrator", "refused no_email"}, lines(done.Changes))
	assert.True(t, w.holds(service))
}

// An Authorizer that allows everything does not make somebody of nobody.
func TestTheZeroActorMayDoNothing(t *testing.T) {
	t.Parallel()
	w := newWorld(t, auth0test.Options{})
	w.admin("ada")
	s, err := delegation.New(w.client, w.role, func(context.Context, delegation.Actor, string, delegation.Change) error { return nil }, delegation.Config{})
	require.NoError(t, err)
	for _, actor := range []delegation.Actor{{}, delegation.User(""), delegation.Job("")} {
		_, err = s.As(actor).List(t.Context(), w.org)
		require.ErrorIs(t, err, delegation.ErrNotAllowed)
	}
	require.ErrorIs(t, delegation.Either()(t.Context(), delegation.Job("x"), w.org, delegation.Change{}), delegation.ErrNotAllowed)
}

// What gives is not even tried when it cannot be recorded.
func TestNothingIsGivenWithoutARecord(t *testing.T) {
	t.Parallel()
	w := newWorld(t, auth0test.Options{})
	w.admin("ada")
	w.user("bob")
	job := w.job(delegation.Config{Onboarding: w.invite(), Recorder: &failing{Recorder: w.audit}})
	w.unchanged(func() {
		for _, email := range []string{"bob@acme.test", "new@acme.test"} {
			_, err := job.Create(t.Context(), w.org, email)
			require.ErrorIs(t, err, audit.ErrNotRecorded)
		}
		_, err := job.Sync(t.Context(), w.org, declare("ada", "bob", "new"))
		require.ErrorIs(t, err, audit.ErrNotRecorded)
	})
}
