package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"regexp"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/auth0kit/auth0kit/management/auth0test"
	"github.com/auth0kit/auth0kit/management/resource"
	"github.com/auth0kit/auth0kit/tenancy/delegation"
)

// failing fails to give roles.
type failing struct {
	delegation.Directory
	err error
}

func (f *failing) AssignMemberRoles(ctx context.Context, orgID, userID string, roleIDs ...string) error {
	if f.err != nil {
		return f.err
	}
	return f.Directory.AssignMemberRoles(ctx, orgID, userID, roleIDs...)
}

func TestErrorsForWhoWritesTheFile(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	p, orgs := small(t, &out)
	wrong := func(emails string) error {
		t.Helper()
		_, err := p.declared(t.Context(), write(t, "organizations:\n  %s: %s\n", orgs[0], emails), false)
		require.Error(t, err)
		return err
	}
	err := wrong("[ada@acme.test, bob.acme.test]")
	require.ErrorIs(t, err, delegation.ErrEmail)
	assert.Contains(t, err.Error(), orgs[0]+": ")
	assert.Contains(t, err.Error(), "admins.yaml: entry 2 of this organization is not an email address")
	assert.NotContains(t, err.Error(), "bob.acme")

	err = wrong("[]")
	require.ErrorIs(t, err, delegation.ErrEmpty)
	assert.Contains(t, err.Error(), "-allow-empty")
	err = wrong("[nobody@acme.test]")
	require.ErrorIs(t, err, delegation.ErrLastAdmin)
	assert.Contains(t, err.Error(), "-min-admins")
	for _, kept := range []bool{true, false} {
		out.Reset()
		p.json = kept
		_, err = p.declared(t.Context(), write(t, "organizations:\n  %s: [ada@acme.test, nobody@acme.test]\n", orgs[0]), false)
		require.NoError(t, err)
		assert.Contains(t, out.String(), "PORTAL_CLIENT_ID is not set")
		assert.NotContains(t, out.String(), "Config.")
	}

	_, err = p.declared(t.Context(), write(t, "organizations:\n  org_nowhere: [ada@acme.test]\n"), false)
	require.EqualError(t, err, "org_nowhere: there is no such organization")
	tenant := auth0test.NewTenant(auth0test.Options{})
	org := tenant.AddOrganization("acme")
	service, err := delegation.New(tenant.Management(), "rol_nowhere", delegation.Jobs("orgadmin"), delegation.Config{})
	require.NoError(t, err)
	p.admin = service.As(delegation.Job("orgadmin"))
	_, err = p.declared(t.Context(), write(t, "organizations:\n  %s: [ada@acme.test]\n", org), false)
	require.EqualError(t, err, org+": ADMIN_ROLE_ID: there is no such role")
}

// The flags of the guards reach the Service of a tenant, and errors name them.
func TestGuards(t *testing.T) {
	t.Parallel()
	tenant := auth0test.NewTenant(auth0test.Options{})
	server := tenant.StartHTTP()
	t.Cleanup(server.Close)
	var log, printed bytes.Buffer
	_, err := run(t.Context(), []string{"scopes"}, none, &printed, &log)
	require.NoError(t, err)
	scopes := regexp.MustCompile(`[a-z]+:[a-z_]+`).FindAllString(printed.String(), -1)
	app := tenant.AddClient(auth0test.Application{Name: "orgadmin", Grants: []string{"client_credentials"}, Scopes: scopes})
	portal := tenant.AddClient(auth0test.Application{Name: "portal", LoginURL: "https://portal.example.com/login"}).ID
	role, org := tenant.AddRole("Administrator", ""), tenant.AddOrganization("acme")
	for i := range 8 {
		user := resource.User{Email: fmt.Sprintf("user%d@acme.test", i), EmailVerified: true}
		tenant.AddMember(org, tenant.AddUser(user, ""), role)
	}
	env := map[string]string{
		"AUTH0_DOMAIN": server.URL, "AUTH0_CLIENT_ID": app.ID, "AUTH0_CLIENT_SECRET": app.Secret, "ADMIN_ROLE_ID": role,
		"PORTAL_CLIENT_ID": portal, "INVITER_NAME": "Acme Ltd.",
	}
	one := write(t, "organizations:\n  %s: [user0@acme.test, new@acme.test]\n", org)
	empty := write(t, "organizations:\n  %s: []\n", org)
	for _, c := range []struct {
		args []string
		code int
		err  string
	}{
		{[]string{"plan", one}, refused, "-max-removals: 7, at most 5"},
		{[]string{"-max-removals", "7", "plan", one}, changes, ""},
		{[]string{"-max-removals", "-1", "plan", one}, changes, ""},
		{[]string{"-max-removals", "7", "-min-admins", "2", "plan", one}, refused, "-min-admins"},
		{[]string{"-max-removals", "8", "plan", empty}, refused, "-allow-empty"},
		{[]string{"-max-removals", "8", "-allow-empty", "plan", empty}, refused, "-min-admins"},
		{[]string{"-max-removals", "8", "-allow-empty", "-min-admins", "0", "plan", empty}, changes, ""},
		{[]string{"-max-removals", "7", "-out", t.TempDir(), "apply", one}, asDeclared, ""},
	} {
		code, err := run(t.Context(), c.args, func(name string) string { return env[name] }, io.Discard, &log)
		assert.Equal(t, c.code, code, c.args)
		if c.err == "" {
			require.NoError(t, err, c.args)
		} else {
			require.ErrorContains(t, err, c.err, c.args)
			assert.NotContains(t, err.Error(), "Config.")
		}
	}
	for i, err := range tenant.Management().Invitations(t.Context(), org) {
		require.NoError(t, err)
		assert.Equal(t, "new@acme.test", i.Email)
	}
	assert.Contains(t, log.String(), "delegation.invite", "events")
}
