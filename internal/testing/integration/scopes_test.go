package integration

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/auth0kit/auth0kit/actions"
	"github.com/auth0kit/auth0kit/anomaly"
	"github.com/auth0kit/auth0kit/management"
	"github.com/auth0kit/auth0kit/management/auth0test"
	"github.com/auth0kit/auth0kit/management/auth0test/scripts"
	"github.com/auth0kit/auth0kit/management/resource"
	"github.com/auth0kit/auth0kit/migration"
	"github.com/auth0kit/auth0kit/migration/customdb"
	"github.com/auth0kit/auth0kit/migration/lazy"
	"github.com/auth0kit/auth0kit/risk"
	"github.com/auth0kit/auth0kit/session"
	"github.com/auth0kit/auth0kit/tenancy"
)

// scoped is a package of the table of scopes in docs/production.md. run does what
// the package does at Auth0, through a client with those scopes alone.
type scoped struct {
	row    string // how the row begins
	tenant func(t *testing.T) *company
	run    func(t *testing.T, c *company, client *management.Client) error
}

func plainCompany(*testing.T) *company { return newCompany(auth0test.Options{JobTime: -1}) }

func scriptedCompany(t *testing.T) *company {
	c := plainCompany(t)
	engine, err := scripts.New(scripts.Config{})
	require.NoError(t, err)
	c.RunScripts(engine)
	c.AddConnection(migrationConnection, "auth0")
	return c
}

var scopedPackages = []scoped{
	{"`migration` |", scriptedCompany, scopesOfMigration},
	{"`migration/lazy` |", scriptedCompany, func(t *testing.T, _ *company, client *management.Client) error {
		l, err := lazy.New(newLegacyUsers(2), client, migrationRun, lazy.Config{})
		require.NoError(t, err)
		_, err = l.Login(t.Context(), migration.Credentials{Identifier: "user1@example.com", Password: "correct-Horse7"})
		return err
	}},
	{"`migration/customdb` (deployment) |", scriptedCompany, func(t *testing.T, _ *company, client *management.Client) error {
		d, err := customdb.NewDeployment(client, migrationConnection, "https://login.example.com/auth0/", [][]byte{sealKey}, customdb.DeploymentConfig{})
		require.NoError(t, err)
		p, err := d.Plan(t.Context())
		if err != nil {
			return err
		}
		return d.Apply(t.Context(), p)
	}},
	{"`tenancy` with a `Directory` |", plainCompany, scopesOfTenancy},
	{"`session` with a `Revoker` |", plainCompany, scopesOfSession},
	{"`actions` (deployment) |", scriptedCompany, scopesOfActions},
	{"`audit/auth0logs` |", plainCompany, func(t *testing.T, _ *company, client *management.Client) error {
		for _, err := range client.Logs(t.Context(), "") {
			return err
		}
		return nil
	}},
	{"`risk` with `Auth0Enforcer` and `FollowAuth0` |", plainCompany, func(t *testing.T, c *company, client *management.Client) error {
		enforcer, err := risk.Auth0Enforcer(client)
		require.NoError(t, err)
		detector, err := anomaly.New(anomaly.NewMemory(10), [][]byte{sealKey}, anomaly.Config{})
		require.NoError(t, err)
		engine, err := risk.New(detector, risk.Config{Enforcer: enforcer})
		require.NoError(t, err)
		if err := enforcer.SendVerification(t.Context(), risk.Decision{Login: risk.Login{Attempt: anomaly.Attempt{UserID: c.ada}}}); err != nil {
			return err
		}
		_, err = engine.FollowAuth0(t.Context(), client, "")
		return err
	}},
	{"`CheckSettings` |", plainCompany, func(t *testing.T, c *company, client *management.Client) error {
		app := c.AddClient(auth0test.Application{CallbackURL: "https://app.example.com/callback"})
		err := client.CheckSettings(t.Context(), management.NeedCallback(app.ID, "https://app.example.com/callback"), management.NeedRBAC(invoicesAPI),
			management.NeedFactor("otp"), management.NeedConnection(auth0test.DefaultConnection, app.ID))
		if errors.Is(err, management.ErrSettings) && !errors.Is(err, resource.ErrForbidden) && !strings.Contains(err.Error(), "403") {
			return nil // what is off is said, which is what was asked
		}
		return err
	}},
}

func scopesOfMigration(t *testing.T, _ *company, client *management.Client) error {
	users, ledger := newLegacyUsers(3), migration.NewMemoryLedger()
	runner := func() *migration.Runner {
		r, err := migration.NewRunner(users, client, ledger, migrationRun, migration.Config{})
		require.NoError(t, err)
		return r
	}
	if _, err := runner().Run(t.Context()); err != nil {
		return err
	}
	users[0].Name = "Another name"
	if _, err := runner().Sync(t.Context()); err != nil {
		return err
	}
	v, err := runner().Verify(t.Context())
	if err != nil {
		return err
	}
	require.NotNil(t, v)
	plan, err := runner().PlanRollback(t.Context())
	if err != nil {
		return err
	}
	gone, err := runner().Apply(t.Context(), plan)
	if err != nil {
		return err
	}
	if left, err := runner().PlanRollback(t.Context()); err != nil || len(fmt.Sprint(left)) == 0 || gone == nil {
		return errors.Join(err, errors.New("nothing was taken back"))
	}
	return nil
}

func scopesOfTenancy(t *testing.T, c *company, client *management.Client) error {
	for _, user := range []string{c.ada, c.bob} { // with roles, and without
		x := c.extractor(t, tenancy.GuardConfig{Directory: client})
		ctx, err := x.Admit(t.Context(), c.AccessToken(user, c.acme, invoicesAPI), tenancy.Org{Name: "acme"}, tenancy.Authenticated())
		if err != nil {
			return err
		}
		caller, _ := tenancy.FromContext(ctx)
		if user == c.ada && !slices.Contains(caller.Permissions, "read:invoices") {
			return errors.New("no permissions were read")
		}
	}
	for _, err := range client.Members(t.Context(), c.acme) {
		if err != nil {
			return err
		}
	}
	return nil
}

func scopesOfSession(t *testing.T, c *company, client *management.Client) error {
	app := c.AddClient(auth0test.Application{CallbackURL: "https://app.example.com/callback"})
	tokens, err := c.Login(t.Context(), auth0test.Login{ClientID: app.ID, Identifier: "ada@example.com", Password: "correct horse battery"})
	require.NoError(t, err)
	var told session.Revoker = client
	return errors.Join(told.RevokeSession(t.Context(), claimsOf(t, tokens.ID)["sid"].(string)), told.RevokeAccess(t.Context(), c.ada))
}

func scopesOfActions(t *testing.T, _ *company, client *management.Client) error {
	d := deployment(t, client, loginPipeline(t), actions.DeploymentConfig{})
	next := deployment(t, client, loginPipeline(t, actions.EmailVerified("Verify it.")), actions.DeploymentConfig{})
	for _, step := range []struct {
		of   *actions.Deployment
		plan func(context.Context) (*actions.Plan, error)
	}{{d, d.Plan}, {next, next.Plan}, {next, next.PlanRollback}, {next, next.PlanRemove}} {
		p, err := step.plan(t.Context())
		if err == nil {
			err = step.of.Apply(t.Context(), p)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// scopesOfRow reads what docs/production.md lists: in the tables, a row's code that is
// scopes. What follows a semicolon is for options.
func scopesOfRow(t *testing.T, row string) (scopes []string) {
	t.Helper()
	raw, err := os.ReadFile("../../../docs/production.md")
	require.NoError(t, err)
	for line := range strings.Lines(string(raw)) {
		rest, is := strings.CutPrefix(line, "| "+row)
		if !is {
			continue
		}
		rest, _, _ = strings.Cut(rest, ";")
		for i, part := range strings.Split(rest, "`") {
			if i%2 == 1 {
				scopes = append(scopes, strings.Fields(part)...)
			}
		}
		return scopes
	}
	t.Fatalf("docs/production.md has no row %s", row)
	return nil
}

// TestScopesAreLeast runs each package with the scopes that docs/production.md lists,
// and with each of them missing: all of them suffice, and none is there in vain.
// Delegation and guardian have tests of their own.
func TestScopesAreLeast(t *testing.T) {
	t.Parallel()
	for _, p := range scopedPackages {
		t.Run(p.row, func(t *testing.T) {
			t.Parallel()
			all := scopesOfRow(t, p.row)
			require.NotEmpty(t, all)
			run := func(scopes []string) error {
				c := p.tenant(t)
				machine := c.AddClient(auth0test.Application{Grants: []string{"client_credentials"}, Scopes: scopes})
				client, err := management.New(management.Config{Domain: auth0test.DefaultDomain, ClientID: machine.ID, ClientSecret: machine.Secret,
					HTTPClient: c.HTTPClient(), MaxWait: -1})
				require.NoError(t, err)
				return p.run(t, c, client)
			}
			require.NoError(t, run(all))
			for i, scope := range all {
				without := slices.Delete(slices.Clone(all), i, i+1)
				if len(without) == 0 {
					without = []string{"read:stats"}
				}
				assert.Error(t, run(without), "%s is listed and not needed", scope)
			}
		})
	}
}
