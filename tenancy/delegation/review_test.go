package delegation_test

import (
	"context"
	"fmt"
	"iter"
	"net/http"
	"os"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/auth0kit/auth0kit/management"
	"github.com/auth0kit/auth0kit/management/auth0test"
	"github.com/auth0kit/auth0kit/management/resource"
	"github.com/auth0kit/auth0kit/tenancy/delegation"
)

// endless is a Directory with an invitation that never ends, which auth0test does
// not make.
type endless struct{ *management.Client }

func (e endless) Invitations(ctx context.Context, orgID string) iter.Seq2[resource.Invitation, error] {
	return func(yield func(resource.Invitation, error) bool) {
		for i, err := range e.Client.Invitations(ctx, orgID) {
			if i.Email == "endless@acme.test" {
				i.ExpiresAt = time.Time{}
			}
			if !yield(i, err) {
				return
			}
		}
	}
}

func TestReview(t *testing.T) {
	t.Parallel()
	w := newWorld(t, auth0test.Options{})
	ada, bob := w.admin("ada"), w.admin("bob")
	unverified := w.tenant.AddUser(resource.User{Email: "unverified@acme.test"}, "")
	w.tenant.AddMember(w.org, unverified, w.role)
	everywhere := w.user("everywhere")
	w.call(http.MethodPost, map[string]any{"users": []string{everywhere}}, nil, "roles", w.role, "users")
	_, err := w.client.CreateAuthenticationMethod(t.Context(), ada, resource.NewAuthenticationMethod{Type: "totp", TOTPSecret: "JBSWY3DPEHPK3PXP", Name: "app"})
	require.NoError(t, err)
	id := invitation(w, "endless@acme.test", time.Hour)
	invitation(w, "guest@acme.test", 30*24*time.Hour)

	read, manage := resource.Permission{Name: "read:members", Audience: "https://api.test"}, resource.Permission{Name: "manage:members", Audience: "https://api.test"}
	review := func(dir delegation.Directory, cfg delegation.Config) []string {
		t.Helper()
		s, err := delegation.New(dir, w.role, delegation.Jobs("nightly"), cfg)
		require.NoError(t, err)
		var r *delegation.Review
		w.unchanged(func() { r, err = s.As(delegation.Job("nightly")).Review(t.Context(), w.org) })
		require.NoError(t, err)
		var out []string
		for _, f := range r.Findings {
			assert.NotEmpty(t, f.Advice)
			out = append(out, fmt.Sprint(f.Rule, " ", f.UserID+f.InvitationID))
		}
		last := r.Administrators[len(r.Administrators)-1]
		if last.How == "tenant_wide" {
			assert.Equal(t, everywhere, last.UserID)
			assert.False(t, last.Counts)
		}
		return out
	}
	assert.ElementsMatch(t, []string{
		"tenant_wide " + everywhere, "unverified " + unverified, "no_second_factor " + bob, "no_second_factor " + unverified, "never_ends " + id,
	}, review(endless{w.client}, delegation.Config{Purpose: map[string][]resource.Permission{w.role: {manage}}}))
	assert.Contains(t, review(w.client, delegation.Config{Purpose: map[string][]resource.Permission{w.role: {read}}}), "excess_permissions ")
	assert.Contains(t, review(w.client, delegation.Config{MinAdmins: 3}), "too_few ")

	// What may not be read is a finding, and not silence.
	w.tenant.Fault("GET /api/v2/users/{id}/authentication-methods", auth0test.Fault{Status: 403})
	w.tenant.Fault("GET /api/v2/roles/{id}/users", auth0test.Fault{Status: 403})
	w.tenant.Fault("GET /api/v2/organizations/{id}/groups", auth0test.Fault{Status: 403})
	assert.ElementsMatch(t, []string{
		"tenant_wide_unknown ", "unverified " + unverified, "groups_unknown ",
		"second_factor_unknown " + ada, "second_factor_unknown " + bob, "second_factor_unknown " + unverified,
	}, review(w.client, delegation.Config{}))
	_, err = w.service(delegation.Config{}).As(delegation.User(everywhere)).Review(t.Context(), w.org)
	require.ErrorIs(t, err, delegation.ErrNotAllowed)
}

// A role that somebody deleted, or wrote wrongly, is a finding, and the rest of the
// review is there.
func TestReviewOfRolesThatAreNotThere(t *testing.T) {
	t.Parallel()
	w := newWorld(t, auth0test.Options{})
	ada := w.admin("ada")
	purpose := map[string][]resource.Permission{"rol_gone": nil, "rol_none": nil, w.role: nil}
	review := func() (rules []string) {
		t.Helper()
		r, err := w.job(delegation.Config{Purpose: purpose}).Review(t.Context(), w.org)
		require.NoError(t, err)
		for _, f := range r.Findings {
			rules = append(rules, f.Rule+" "+f.UserID+f.RoleID)
		}
		return rules
	}
	assert.Equal(t, []string{"excess_permissions " + w.role, "no_second_factor " + ada, "no_such_role rol_gone", "no_such_role rol_none"}, review())
	w.call(http.MethodDelete, nil, nil, "roles", w.role)
	assert.ElementsMatch(t, []string{"no_such_role " + w.role, "no_such_role rol_gone", "no_such_role rol_none", "too_few "}, review())
}

// The page names every scope that a Service may ask for.
func TestThePageNamesTheScopes(t *testing.T) {
	t.Parallel()
	page, err := os.ReadFile("../../docs/delegation/README.md")
	require.NoError(t, err)
	w := newWorld(t, auth0test.Options{})
	for _, onboarding := range []delegation.Onboarding{w.invite(), delegation.Provision{Connection: auth0test.DefaultConnection}} {
		s := w.service(delegation.Config{Onboarding: onboarding})
		for _, scope := range append(s.Scopes(), s.OptionalScopes()...) {
			assert.Contains(t, string(page), "`"+scope+"`")
		}
	}
}

// A client of just the scopes that the Service names can do everything.
func TestScopes(t *testing.T) {
	t.Parallel()
	for name, onboarding := range map[string]func(w *world) delegation.Onboarding{
		"none": func(*world) delegation.Onboarding { return nil }, "invite": (*world).invite,
		"provision": func(*world) delegation.Onboarding {
			return delegation.Provision{Connection: auth0test.DefaultConnection}
		},
	} {
		for _, optional := range []bool{false, true} {
			t.Run(fmt.Sprint(name, optional), func(t *testing.T) {
				t.Parallel()
				w := newWorld(t, auth0test.Options{})
				ada, bob := w.admin("ada"), w.user("bob")
				cfg := delegation.Config{Onboarding: onboarding(w), RemoveMembership: true}
				all := w.service(cfg)
				scopes := all.Scopes()
				if optional {
					scopes = append(scopes, all.OptionalScopes()...)
				}
				w.client = w.scoped(scopes...)
				everyVerb(t, w, cfg, ada, bob)
				for _, r := range w.tenant.Requests() {
					assert.False(t, optional && r.Status == http.StatusForbidden, "%s %s", r.Method, r.Path)
				}
			})
		}
	}
}

// scoped returns a client that may do no more than the scopes say.
func (w *world) scoped(scopes ...string) *management.Client {
	w.Helper()
	app := w.tenant.AddClient(auth0test.Application{Name: "orgadmin", Grants: []string{"client_credentials"}, Scopes: scopes})
	client, err := management.New(management.Config{
		Domain: auth0test.DefaultDomain, ClientID: app.ID, ClientSecret: app.Secret, HTTPClient: w.tenant.HTTPClient(),
	})
	require.NoError(w, err)
	return client
}

func everyVerb(t *testing.T, w *world, cfg delegation.Config, ada, bob string) {
	ctx := t.Context()
	admin := w.service(cfg).As(delegation.User(ada))
	must := func(err error) { t.Helper(); require.NoError(t, err) }
	must(admin.Grant(ctx, w.org, bob, w.role))
	must(admin.Revoke(ctx, w.org, bob, w.role))
	_, err := admin.List(ctx, w.org)
	must(err)
	_, err = admin.Review(ctx, w.org)
	must(err)
	d := declare("ada", "bob")
	if cfg.Onboarding != nil {
		c, err := admin.Create(ctx, w.org, "new@acme.test")
		must(err)
		if c.InvitationID != "" {
			c, err = admin.Reinvite(ctx, w.org, c.InvitationID)
			must(err)
			must(admin.RevokeInvitation(ctx, w.org, c.InvitationID))
		}
		d = declare("ada", "bob", "newer")
	}
	done, err := admin.Sync(ctx, w.org, d)
	must(err)
	plan, err := admin.PlanUndo(ctx, done)
	must(err)
	_, err = admin.Apply(ctx, plan)
	must(err)
}
