package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

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
		"/admins.yaml\n", "  + carl@example.com  add the role", "  + new@example.com   invite", "  - bob@example.com   remove the role",
		"  ! eve@example.com   refused", "exit code 3", "$ orgadmin plan " + os.TempDir(), "$ orgadmin undo " + os.TempDir(), "    undo with: orgadmin undo " + os.TempDir(), "exit code 0",
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
	now := func() time.Time { return time.Date(2026, 11, 28, 23, 8, 55, 0, time.UTC) }
	return program{admin: service.As(delegation.Job("orgadmin")), out: out, json: true, folder: t.TempDir(), now: now}, orgs
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

	applied := filepath.Join(p.folder, orgs[0]+".20261128T230855.applied.json")
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
	assert.Equal(t, string(before), string(after), "what was applied can still be read")
	require.FileExists(t, undoneName(applied))
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
		"organizations:\n  org_1: eve@example.com\n":                 "line 2: each organization needs a list of emails",
		"organizations:\n  org_1: [{a: eve@example.com}]\n":          "line 2: each organization needs a list of emails",
		"- org_1\n":                  "line 1: each organization needs a list of emails",
		"organizations:\n  org_1:\n": "org_1 has no list",
		"":                           "the file has no organizations",
		"# later\n":                  "the file has no organizations",
		"orgs: {}\n":                 `line 1: there is no key "orgs"; the only one is organizations`,
		"organizations:\n  org_1: [a@b.test]\n---\norganizations:\n  org_2: [c@d.test]\n": "after the first document",
		"organizations:\n  org_1: [a@b.test]\n---\n":                                      "after the first document",
		"organizations:\n  org_1: [a@b.test]\n...\n}":                                     "after the first document",
	} {
		_, err := readFile(write(t, "%s", text))
		require.ErrorContains(t, err, want, text)
		assert.NotContains(t, err.Error(), "eve@")
		assert.NotContains(t, err.Error(), "struct")
	}
	d, err := readFile(write(t, "---\norganizations:\n  org_1: []\n...\n"))
	require.NoError(t, err)
	assert.Regexp(t, `^admins\.yaml@[0-9a-f]{7}$`, d.of("org_1").From)
}

func TestArguments(t *testing.T) {
	t.Parallel()
	env := func(name string) string {
		return map[string]string{"AUTH0_DOMAIN": "tenant.eu.auth0.com", "AUTH0_CLIENT_ID": "x", "AUTH0_CLIENT_SECRET": "y", "ADMIN_ROLE_ID": "rol_1"}[name]
	}
	var out, log bytes.Buffer
	for _, args := range [][]string{{"plan"}, {"remove", "x"}, {"plan", "nowhere.yaml"}, {"undo", "nowhere.json"}, {"-wrong"}} {
		code, err := run(t.Context(), args, env, &out, &log)
		require.Error(t, err, args)
		assert.Equal(t, failed, code)
	}
	assert.Empty(t, out.String())
	for _, args := range [][]string{{"plan"}, {"apply", "-out", "x", "y"}, {"remove", "x"}, {"-max-removals", "0", "plan", "x"}} {
		_, err := run(t.Context(), args, none, &out, &log)
		require.Error(t, err)
		assert.NotContains(t, err.Error(), "environment", "arguments come first")
	}
	for _, help := range []string{"-h", "-help", "help"} {
		out.Reset()
		code, err := run(t.Context(), []string{help}, none, &out, &log)
		require.NoError(t, err)
		assert.Equal(t, asDeclared, code)
		for _, word := range []string{"plan FILE", "apply FILE", "undo RECORD", "scopes", "-max-removals", "-min-admins", "-allow-empty", "INVITER_NAME"} {
			assert.Contains(t, out.String(), word)
		}
	}
	assert.Empty(t, log.String())
}

func TestScopesNeedNoEnvironment(t *testing.T) {
	t.Parallel()
	var out, log bytes.Buffer
	code, err := run(t.Context(), []string{"scopes"}, none, &out, &log)
	require.NoError(t, err)
	assert.Equal(t, asDeclared, code)
	required, optional, two := strings.Cut(out.String(), "optional, without which less is seen:\n")
	require.True(t, two)
	assert.True(t, strings.HasPrefix(required, "required:\n"))
	assert.Contains(t, required, "  create:organization_member_roles\n")
	assert.Contains(t, required, "  create:organization_invitations (to invite: only with PORTAL_CLIENT_ID)\n")
	assert.Equal(t, 1, strings.Count(out.String(), "to invite"))
	assert.Contains(t, optional, "  read:group_members\n")
}

func TestEnvironment(t *testing.T) {
	t.Parallel()
	full := map[string]string{"AUTH0_DOMAIN": "tenant.eu.auth0.com", "AUTH0_CLIENT_ID": "x", "AUTH0_CLIENT_SECRET": "y", "ADMIN_ROLE_ID": "rol_1"}
	with := func(name, value string) error {
		_, err := program{}.live(func(n string) string {
			if n == name {
				return value
			}
			return full[n]
		}, io.Discard)
		return err
	}
	require.NoError(t, with("", ""))
	for name := range full {
		require.ErrorContains(t, with(name, ""), "the environment variable "+name+" is empty")
	}
	require.ErrorContains(t, with("AUTH0_DOMAIN", "not a domain"), "AUTH0_DOMAIN: ")
	require.ErrorContains(t, with("PORTAL_CLIENT_ID", "x"), "INVITER_NAME is not; set it")
	require.ErrorContains(t, with("INVITER_NAME", "x"), "PORTAL_CLIENT_ID is not; set it")
	invite, err := onboarding(func(name string) string { return "the " + name })
	require.NoError(t, err)
	assert.Equal(t, delegation.Invite{ClientID: "the PORTAL_CLIENT_ID", Inviter: "the INVITER_NAME"}, invite)
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

	// What cannot be written down is not done: that is a failure, whatever was refused.
	folder := p.folder
	p.folder = file
	code, err = p.declared(t.Context(), file, true)
	require.ErrorContains(t, err, "nothing was changed")
	assert.Equal(t, failed, code)
	code, err = p.declared(t.Context(), write(t, "organizations:\n  %s: [ada@acme.test]\n", orgs[0]), false)
	require.NoError(t, err)
	assert.Equal(t, changes, code, "bob is still there")

	p.folder = filepath.Join(folder, "new")
	out.Reset()
	code, err = p.declared(t.Context(), file, true)
	require.NoError(t, err)
	assert.Equal(t, refused, code)
	assert.Equal(t, 1, strings.Count(out.String(), orgs[0]+","), "the plan is not shown beside what became of it")
	assert.Contains(t, out.String(), "done")

	for err, want := range map[error]int{
		delegation.ErrDrift: refused, fmt.Errorf("%w: 1 would remain", delegation.ErrLastAdmin): refused,
		errors.Join(delegation.ErrNotAllowed, os.ErrPermission):        failed,
		errors.Join(delegation.ErrNotAllowed, delegation.ErrDrift):     refused,
		fmt.Errorf("%w: %w", delegation.ErrNotAllowed, os.ErrNotExist): failed,
		os.ErrNotExist: failed,
	} {
		assert.Equal(t, want, p.one(t.Context(), orgs[0], nil, err, "").code, "%v", err)
	}
}

// Too few administrators is nothing to be silent about.
func TestTooFew(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	p, orgs := small(t, &out)
	p.json = false
	plan := &delegation.Plan{OrgID: orgs[0], Missing: 1}
	r := p.one(t.Context(), orgs[0], plan, nil, "")
	assert.Equal(t, refused, r.code)
	assert.Contains(t, out.String(), "too few")
}
