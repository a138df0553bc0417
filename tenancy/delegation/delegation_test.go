package delegation_test

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/auth0kit/auth0kit/audit"
	"github.com/auth0kit/auth0kit/management"
	"github.com/auth0kit/auth0kit/management/auth0test"
	"github.com/auth0kit/auth0kit/management/resource"
	"github.com/auth0kit/auth0kit/tenancy/delegation"
)

// world is a tenant with one organization and an administrator role.
type world struct {
	testing.TB
	tenant   *auth0test.Tenant
	client   *management.Client
	org      string
	role     string
	audit    *audit.Memory
	portal   string
	mu       sync.Mutex
	notified []delegation.Change
}

func newWorld(t testing.TB, opts auth0test.Options) *world {
	w := &world{TB: t, tenant: auth0test.NewTenant(opts), audit: audit.NewMemory()}
	w.client = w.tenant.Management()
	w.org = w.tenant.AddOrganization("acme")
	w.tenant.AddAPI("https://api.test", "manage:members", "read:members")
	w.role = w.tenant.AddRole("Administrator", "https://api.test", "manage:members")
	w.portal = w.tenant.AddClient(auth0test.Application{Name: "portal", LoginURL: "https://portal.test/login", CallbackURL: "https://portal.test/callback"}).ID
	return w
}

// user adds a user whose email is verified.
func (w *world) user(name string) string {
	return w.tenant.AddUser(resource.User{Email: name + "@acme.test", EmailVerified: true}, "")
}

// admin adds a user who administers the organization.
func (w *world) admin(name string) string {
	id := w.user(name)
	w.tenant.AddMember(w.org, id, w.role)
	return id
}

func (w *world) invite() delegation.Onboarding {
	return delegation.Invite{ClientID: w.portal, Inviter: "Example Inc."}
}

// service returns a Service that lets the job "nightly" and holders do everything.
func (w *world) service(cfg delegation.Config) *delegation.Service {
	w.Helper()
	if cfg.Recorder == nil {
		cfg.Recorder = w.audit
	}
	if cfg.Notifier == nil {
		cfg.Notifier = w
	}
	s, err := delegation.New(w.client, w.role, delegation.Either(delegation.Jobs("nightly"), delegation.Holders(w.client, w.role)), cfg)
	require.NoError(w, err)
	return s
}

func (w *world) job(cfg delegation.Config) *delegation.Admin {
	w.Helper()
	return w.service(cfg).As(delegation.Job("nightly"))
}

// Notify implements delegation.Notifier.
func (w *world) Notify(_ context.Context, _ string, c delegation.Change) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.notified = append(w.notified, c)
	return nil
}

// roles returns the roles that a user holds in the organization.
func (w *world) roles(userID string) []string {
	w.Helper()
	roles, err := w.client.MemberRoles(w.Context(), w.org, userID)
	require.NoError(w, err)
	ids := []string{}
	for _, r := range roles {
		ids = append(ids, r.ID)
	}
	return ids
}

func (w *world) holds(userID string) bool { return slices.Contains(w.roles(userID), w.role) }

func (w *world) isMember(userID string) bool {
	w.Helper()
	for m, err := range w.client.Members(w.Context(), w.org) {
		require.NoError(w, err)
		if m.UserID == userID {
			return true
		}
	}
	return false
}

// invitations returns the emails of the pending invitations.
func (w *world) invitations() []string {
	w.Helper()
	emails := []string{}
	for i, err := range w.client.Invitations(w.Context(), w.org) {
		require.NoError(w, err)
		emails = append(emails, i.Email)
	}
	slices.Sort(emails)
	return emails
}

// call makes a call that Client has no method for.
func (w *world) call(method string, in, out any, path ...string) {
	w.Helper()
	api := w.client.API()
	req, err := api.NewRequest(w.Context(), method, api.URI(path...), in)
	require.NoError(w, err)
	res, err := api.Do(req)
	require.NoError(w, err)
	defer res.Body.Close()
	require.Less(w, res.StatusCode, 300)
	if out != nil {
		require.NoError(w, json.NewDecoder(res.Body).Decode(out))
	}
}

// enable enables a connection in the organization.
func (w *world) enable(connectionID string) {
	w.Helper()
	w.call(http.MethodPost, map[string]any{"connection_id": connectionID}, nil, "organizations", w.org, "enabled_connections")
}

// group makes a group that holds the role in the organization.
func (w *world) group(name string, userIDs ...string) string {
	w.Helper()
	id := w.tenant.AddGroup(name, userIDs...)
	w.call(http.MethodPost, map[string]any{"roles": []string{w.role}}, nil, "organizations", w.org, "groups", id, "roles")
	return id
}

// writes returns what changed something at the tenant since the first n requests.
func (w *world) writes(n int) []string {
	var out []string
	for _, r := range w.tenant.Requests()[n:] {
		if r.Method != http.MethodGet && !strings.HasPrefix(r.Path, "/oauth/") {
			out = append(out, r.Method+" "+strings.TrimPrefix(r.Path, "/api/v2/"))
		}
	}
	return out
}

// unchanged asserts that f writes nothing.
func (w *world) unchanged(f func()) {
	w.Helper()
	n := len(w.tenant.Requests())
	f()
	require.Empty(w, w.writes(n))
}

// events returns actions, outcomes and reasons, without those before n.
func (w *world) events(n int) (out []string) {
	for _, e := range w.audit.Events()[n:] {
		line := strings.TrimPrefix(e.Action, "delegation.") + " " + e.Outcome.String()
		if e.Reason != "" {
			line += " " + e.Reason
		}
		out = append(out, line)
	}
	return out
}

// failing is a Recorder that fails after some events.
type failing struct {
	audit.Recorder
	after int
}

func (f *failing) Record(ctx context.Context, e audit.Event) error {
	if f.after--; f.after < 0 {
		return errors.New("the disk is full")
	}
	return f.Recorder.Record(ctx, e)
}

// mute is a Notifier that reaches nobody.
type mute struct{}

func (mute) Notify(context.Context, string, delegation.Change) error {
	return errors.New("no mail today")
}
