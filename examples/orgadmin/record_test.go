package main

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/auth0kit/auth0kit/management/auth0test"
	"github.com/auth0kit/auth0kit/management/resource"
	"github.com/auth0kit/auth0kit/tenancy/delegation"
)

// names are the files of a folder.
func names(t *testing.T, folder string) (out []string) {
	t.Helper()
	entries, err := os.ReadDir(folder)
	require.NoError(t, err)
	for _, e := range entries {
		out = append(out, e.Name())
	}
	return out
}

func TestNoRecordIsOverwritten(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	p, orgs := small(t, &out)
	both := write(t, "organizations:\n  %s: [ada@acme.test, bob@acme.test]\n", orgs[0])
	ada := write(t, "organizations:\n  %s: [ada@acme.test]\n", orgs[0])
	does := func(file string, apply bool, want int) {
		t.Helper()
		code, err := p.declared(t.Context(), file, apply)
		require.NoError(t, err)
		assert.Equal(t, want, code)
	}
	first := filepath.Join(p.folder, orgs[0]+".20261128T230855.applied.json")
	does(ada, true, asDeclared)
	assert.Contains(t, out.String(), `"record": "`+first+`"`)
	text, err := os.ReadFile(first)
	require.NoError(t, err)

	// Another one in the same second, with something to do, is not done.
	later := p
	later.now = func() time.Time { return p.now().Add(time.Second) }
	code, err := p.declared(t.Context(), both, true)
	require.ErrorContains(t, err, "nothing was changed")
	assert.Equal(t, failed, code)
	does(ada, false, asDeclared)

	code, err = p.undo(t.Context(), first)
	require.NoError(t, err)
	assert.Equal(t, asDeclared, code)
	does(both, false, asDeclared)
	code, err = p.undo(t.Context(), first)
	require.ErrorContains(t, err, "was undone already")
	assert.Equal(t, refused, code)
	does(both, false, asDeclared)

	code, err = later.declared(t.Context(), ada, true)
	require.NoError(t, err)
	assert.Equal(t, asDeclared, code)
	assert.Equal(t, []string{
		orgs[0] + ".20261128T230855.applied.json", orgs[0] + ".20261128T230855.undone.json", orgs[0] + ".20261128T230856.applied.json",
	}, names(t, p.folder))
	again, err := os.ReadFile(first)
	require.NoError(t, err)
	assert.Equal(t, text, again)

	// The record of an undo can be undone, by its own name.
	code, err = p.undo(t.Context(), undoneName(first))
	require.NoError(t, err)
	assert.Equal(t, asDeclared, code)
	does(ada, false, asDeclared)
}

func TestNotARecord(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	p, orgs := small(t, &out)
	var plan bytes.Buffer
	made, err := p.admin.Plan(t.Context(), orgs[0], delegation.Declared{Emails: []string{"ada@acme.test"}})
	require.NoError(t, err)
	require.NoError(t, made.WriteJSON(&plan))
	for _, text := range []string{"", "{}", "organizations: {}", plan.String()} {
		code, err := p.undo(t.Context(), write(t, "%s", text))
		require.ErrorContains(t, err, "is not a record of apply")
		assert.Equal(t, failed, code)
	}
	assert.Empty(t, names(t, p.folder))
}

// A plan that is refused when it is applied leaves no empty record.
func TestNoRecordOfNothing(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	p, orgs := small(t, &out)
	plan, err := p.admin.Plan(t.Context(), orgs[0], delegation.Declared{Emails: []string{"ada@acme.test"}})
	require.NoError(t, err)
	plan.State = "as it was before"
	r := p.one(t.Context(), orgs[0], plan, nil, p.appliedName(orgs[0]))
	require.ErrorIs(t, r.err, delegation.ErrDrift)
	assert.Equal(t, refused, r.code)
	assert.Empty(t, r.Record)
	assert.Empty(t, names(t, p.folder))
}

// An undo that stopped halfway is completed by the next one.
func TestUndoAfterAnUndoThatFailed(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	tenant := auth0test.NewTenant(auth0test.Options{})
	role, org := tenant.AddRole("Administrator", ""), tenant.AddOrganization("acme")
	for _, who := range []string{"ada", "bob"} {
		tenant.AddMember(org, tenant.AddUser(resource.User{Email: who + "@acme.test", EmailVerified: true}, ""), role)
	}
	dir := &failing{Directory: tenant.Management()}
	service, err := delegation.New(dir, role, delegation.Jobs("orgadmin"), delegation.Config{})
	require.NoError(t, err)
	p := program{admin: service.As(delegation.Job("orgadmin")), out: &out, folder: t.TempDir(), now: time.Now}
	file := write(t, "organizations:\n  %s: [ada@acme.test]\n", org)
	code, err := p.declared(t.Context(), file, true)
	require.NoError(t, err)
	assert.Equal(t, asDeclared, code)
	record := filepath.Join(p.folder, names(t, p.folder)[0])
	assert.Contains(t, out.String(), "undo with: orgadmin undo "+record+"\n")

	dir.err = os.ErrDeadlineExceeded
	code, err = p.undo(t.Context(), record)
	require.ErrorIs(t, err, os.ErrDeadlineExceeded)
	assert.Equal(t, failed, code)
	assert.NoFileExists(t, undoneName(record))
	dir.err = nil
	code, err = p.undo(t.Context(), record)
	require.NoError(t, err)
	assert.Equal(t, asDeclared, code)
	assert.Len(t, names(t, p.folder), 3)
}
