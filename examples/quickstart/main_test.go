package main

import (
	"bytes"
	"encoding/json"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/auth0kit/auth0kit/management/auth0test"
)

// TestMain lets a test run this program as a process of its own.
func TestMain(m *testing.M) {
	if os.Getenv("QUICKSTART_RUN_MAIN") == "1" {
		main()
		return
	}
	os.Exit(m.Run())
}

func readReport(t *testing.T, out []byte) *report {
	t.Helper()
	r := &report{}
	if err := json.Unmarshal(out, r); err != nil {
		t.Fatalf("%v in %s", err, out)
	}
	return r
}

func checkReport(t *testing.T, r *report) {
	t.Helper()
	assert.NoError(t, r.check())
	if want := (planned{Direct: 48, Converted: 16, LazyOnly: 8, ResetOnly: 2, Invalid: 4, Duplicate: 2}); r.Plan != want {
		t.Errorf("plan %+v, want %+v", r.Plan, want)
	}
	if want := (bulk{Migrated: 66, Total: 66}); r.Bulk != want {
		t.Errorf("bulk %+v, want %+v", r.Bulk, want)
	}
	if r.Lazy.Migrated != 8 || r.Lazy.Rejected == 0 || r.Logins.Tried < 40 || r.Logins.OK != r.Logins.Tried {
		t.Errorf("lazy %+v, logins %+v", r.Lazy, r.Logins)
	}
	for _, l := range r.Listed {
		if l.Key == "" || l.Class == "" || l.Rule == "" {
			t.Errorf("a row is listed without its reason: %+v", l)
		}
	}
}

func TestJSON(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	require.NoError(t, run(t.Context(), []string{"-json", "-users", "80"}, os.Getenv, &out))
	checkReport(t, readReport(t, out.Bytes()))
	var objects map[string]json.RawMessage
	require.NoError(t, json.Unmarshal(out.Bytes(), &objects))
	assert.ElementsMatch(t, []string{ // Programs read these names.
		"source", "plan", "bulk", "lazy", "logins", "listed",
		"tenancy", "session", "guardian", "anomaly", "risk", "actions", "delegation", "audit",
	}, slices.Collect(maps.Keys(objects)))
}

func TestTranscript(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	require.NoError(t, run(t.Context(), []string{"-users", "40"}, os.Getenv, &out))
	for _, want := range []string{
		"33 migrated, 0 failed", "4 migrated, 1 wrong", "32 of 32, in 5 formats",
		"\ntenancy: ", "\nsession: ", "\nguardian: ", "\nanomaly: ", "\nrisk: ", "\nactions: ", "\ntenancy/delegation: ", "\naudit/auditlog: ",
	} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("the transcript does not say %q:\n%s", want, &out)
		}
	}
	assert.Less(t, strings.Count(out.String(), "\n"), 60, "about a page")
}

// The README shows what the program prints.
func TestTranscriptOfREADME(t *testing.T) {
	t.Parallel()
	readme, err := os.ReadFile("../../README.md")
	require.NoError(t, err)
	_, shown, found := strings.Cut(string(readme), "    $ go run ./examples/quickstart\n\n```text\n")
	require.True(t, found)
	shown, _, _ = strings.Cut(shown, "\n```")
	var out bytes.Buffer
	require.NoError(t, run(t.Context(), nil, os.Getenv, &out))
	assert.Equal(t, shown, strings.Trim(out.String(), "\n"))
}

// The tenant behind -live is one of another process's making, so that the
// program trusts it through SSL_CERT_FILE and knows nothing else of it.
func TestLive(t *testing.T) {
	t.Parallel()
	tenant := auth0test.NewTenant(auth0test.Options{JobTime: -1})
	tenant.AddConnection("imported", "auth0")
	server := tenant.Start()
	t.Cleanup(server.Close)
	ca := filepath.Join(t.TempDir(), "ca.pem")
	require.NoError(t, os.WriteFile(ca, server.CAPEM, 0o600))
	app := tenant.AddClient(auth0test.Application{Scopes: []string{"create:users", "read:users", "update:users", "delete:users", "read:connections"}})
	cmd := exec.CommandContext(t.Context(), os.Args[0], "-live", "-json", "-users", "80")
	cmd.Env = append(os.Environ(), "QUICKSTART_RUN_MAIN=1", "SSL_CERT_FILE="+ca, "AUTH0_DOMAIN="+server.Domain,
		"AUTH0_CLIENT_ID="+app.ID, "AUTH0_CLIENT_SECRET="+app.Secret, "AUTH0_CONNECTION=imported")
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("%v: %s", err, &stderr)
	}
	checkReport(t, readReport(t, out))
}

func TestBadConfiguration(t *testing.T) {
	t.Parallel()
	good := map[string]string{
		"AUTH0_DOMAIN": "tenant.eu.auth0.com", "AUTH0_CLIENT_ID": "id", "AUTH0_CLIENT_SECRET": "secret", "AUTH0_CONNECTION": "c",
	}
	for name := range good {
		env := func(key string) string {
			if key == name {
				return ""
			}
			return good[key]
		}
		err := run(t.Context(), []string{"-live"}, env, &bytes.Buffer{})
		if err == nil || !strings.Contains(err.Error(), name+" is not set") {
			t.Errorf("without %s: %v", name, err)
		}
	}
	if err := run(t.Context(), []string{"-users", "3"}, os.Getenv, &bytes.Buffer{}); err == nil || !strings.Contains(err.Error(), "-users") {
		t.Errorf("three users: %v", err)
	}
	target, err := localTenant()
	require.NoError(t, err)
	t.Cleanup(target.close)
	target.connection = "nowhere"
	_, err = migrate(t.Context(), newTranscript(&bytes.Buffer{}), 40, func() (*auth0Tenant, error) { return target, nil })
	if err == nil || !strings.Contains(err.Error(), "connection") {
		t.Errorf("an unknown connection: %v", err)
	}
}
