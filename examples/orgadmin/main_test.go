package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/auth0kit/auth0kit/management/auth0test"
	"github.com/auth0kit/auth0kit/management/resource"
	"github.com/auth0kit/auth0kit/tenancy/delegation"
)

func none(string) string { return "" }

func TestDemo(t *testing.T) {
	t.Parallel()
	var out, log bytes.Buffer
	code, err := run(t.Context(), []string{"-color", "always"}, none, &out, &log)
	require.NoError(t, err)
	assert.Equal(t, asDeclared, code)
	text := regexp.MustCompile(`\x1b\[\d+m`).ReplaceAllString(out.String(), "")
	for _, line := range []string{
		"$ orgadmin plan admins.yaml", "  + carl@example.com  add the role", "  + new@example.com   invite", "  - bob@example.com   remove the role",
		"  ! eve@example.com   refused", "exit code 3", "$ orgadmin undo", "exit code 0",
	} {
		assert.Contains(t, text, line)
	}
	assert.Contains(t, out.String(), "\x1b[32m  + carl")
}

// small is a program on a tenant with an administrator in each of two organizations.
func small(t *testing.T, out *bytes.Buffer) (p program, orgs []string) {
	t.Helper()
	tenant := auth0test.NewTenant(auth0test.Options{})
	role := tenant.AddRole("Administrator", "")
	for _, name := range []string{"acme", "globex"} {
		orgs = append(orgs, tenant.AddOrganization(name))
		for _, who := range []string{"ada", "bob"} {
			tenant.AddMember(orgs[len(orgs)-1], tenant.AddUser(resource.User{Email: who + "@" + name + ".test", EmailVerified: true}, ""), role)
		}
	}
	service, err := delegation.New(tenant.Management(), role, delegation.Jobs("orgadmin"), delegation.Config{})
	require.NoError(t, err)
	return program{admin: service.As(delegation.Job("orgadmin")), out: out, json: true, folder: t.TempDir()}, orgs
}

func write(t *testing.T, text string, args ...any) string {
	t.Helper()
	name := filepath.Join(t.TempDir(), "admins.yaml")
	require.NoError(t, os.WriteFile(name, fmt.Appendf(nil, text, args...), 0o600))
	return name
}

func TestSeveralOrganizations(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	p, orgs := small(t, &out)
	outcomes := func() map[string]string {
		t.Helper()
		var doc struct {
			Organizations []struct {
				Org     string `json:"org_id"`
				Outcome string
				Plan    struct{ From string }
			}
		}
		require.NoError(t, json.Unmarshal(out.Bytes(), &doc), out.String())
		out.Reset()
		found := map[string]string{}
		for _, r := range doc.Organizations {
			found[r.Org] = r.Outcome
		}
		return found
	}
	// JSON is YAML too.
	file := write(t, `{"organizations": {%q: ["ada@acme.test"], %q: ["nobody@globex.test"]}}`, orgs[0], orgs[1])
	code, err := p.declared(t.Context(), file, false)
	require.ErrorIs(t, err, delegation.ErrLastAdmin)
	assert.Equal(t, refused, code)
	assert.Equal(t, map[string]string{orgs[0]: "changes", orgs[1]: "refused"}, outcomes())

	code, err = p.declared(t.Context(), file, true)
	require.ErrorIs(t, err, delegation.ErrLastAdmin)
	assert.Equal(t, refused, code)
	assert.Equal(t, map[string]string{orgs[0]: "applied", orgs[1]: "refused"}, outcomes(), "one does not keep the other")

	file = write(t, "organizations:\n  %s:\n    - ada@acme.test\n", orgs[0])
	code, err = p.declared(t.Context(), file, false)
	require.NoError(t, err)
	assert.Equal(t, asDeclared, code)
	outcomes()

	applied := filepath.Join(p.folder, orgs[0]+".applied.json")
	info, err := os.Stat(applied)
	require.NoError(t, err)
	assert.Equal(t, os.FileMode(0o600), info.Mode().Perm())
	before, err := os.ReadFile(applied)
	require.NoError(t, err)
	code, err = p.undo(t.Context(), applied)
	require.NoError(t, err)
	assert.Equal(t, asDeclared, code)
	assert.Equal(t, map[string]string{orgs[0]: "applied"}, outcomes())
	after, err := os.ReadFile(applied)
	require.NoError(t, err)
	assert.Equal(t, string(before), string(after), "an undo that stopped halfway can run again")
	require.FileExists(t, filepath.Join(p.folder, orgs[0]+".applied.2.json"))
	code, err = p.declared(t.Context(), file, false)
	require.NoError(t, err)
	assert.Equal(t, changes, code, "bob is back")
}

func TestWrongFilesAndArguments(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"organizations:\n  org_1: [a@b.test]\n  org_1: [c@d.test]\n": "already defined",
		"organisations:\n  org_1: [a@b.test]\n":                      "organisations",
		"organizations: {}\n":                                        "no organizations",
		"organizations:\n  ../../etc: [a@b.test]\n":                  "is not the id",
		"organizations:\n  org_1: ada\n":                             "org_1",
	} {
		_, err := readFile(write(t, "%s", text))
		require.Error(t, err, text)
		if !strings.Contains(want, "org_1") {
			require.ErrorContains(t, err, want)
		}
	}
	env := func(name string) string {
		return map[string]string{"AUTH0_DOMAIN": "tenant.eu.auth0.com", "AUTH0_CLIENT_ID": "x", "AUTH0_CLIENT_SECRET": "y", "ADMIN_ROLE_ID": "rol_1"}[name]
	}
	var out, log bytes.Buffer
	for _, args := range [][]string{{"plan"}, {"remove", "x"}, {"plan", "nowhere.yaml"}, {"undo", "nowhere.json"}, {"-wrong"}} {
		code, err := run(t.Context(), args, env, &out, &log)
		require.Error(t, err, args)
		assert.Equal(t, failed, code)
	}
	_, err := run(t.Context(), []string{"plan", "x"}, none, &out, &log)
	require.ErrorContains(t, err, "Domain")
	code, err := run(t.Context(), []string{"scopes"}, env, &out, &log)
	require.NoError(t, err)
	assert.Equal(t, asDeclared, code)
	assert.Contains(t, out.String(), "create:organization_member_roles\n")
}

// The gravest of what happened decides, in one organization as in several.
func TestExitCodes(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	p, orgs := small(t, &out)
	p.json = false

	// Something to do and somebody refused: who is declared without an account.
	file := write(t, "organizations:\n  %s: [ada@acme.test, nobody@acme.test]\n", orgs[0])
	code, err := p.declared(t.Context(), file, false)
	require.NoError(t, err)
	assert.Equal(t, refused, code)

	// It was applied, and that cannot be written down: that is a failure, whatever was refused.
	p.folder = filepath.Join(t.TempDir(), "missing")
	out.Reset()
	code, err = p.declared(t.Context(), file, true)
	require.ErrorIs(t, err, os.ErrNotExist)
	assert.Equal(t, failed, code)
	assert.Equal(t, 1, strings.Count(out.String(), orgs[0]), "the plan is not shown beside what became of it")
	assert.Contains(t, out.String(), "done")

	for err, want := range map[error]int{
		delegation.ErrDrift: refused, fmt.Errorf("%w: 1 would remain", delegation.ErrLastAdmin): refused,
		errors.Join(delegation.ErrNotAllowed, os.ErrPermission):        failed,
		errors.Join(delegation.ErrNotAllowed, delegation.ErrDrift):     refused,
		fmt.Errorf("%w: %w", delegation.ErrNotAllowed, os.ErrNotExist): failed,
		os.ErrNotExist: failed,
	} {
		assert.Equal(t, want, p.one(t.Context(), orgs[0], nil, err, false).code, "%v", err)
	}
}

// Too few administrators is nothing to be silent about.
func TestTooFew(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	p, orgs := small(t, &out)
	p.json = false
	plan := &delegation.Plan{OrgID: orgs[0], Missing: 1}
	r := p.one(t.Context(), orgs[0], plan, nil, false)
	assert.Equal(t, refused, r.code)
	assert.Contains(t, out.String(), "too few")
}
