package integration

import (
	"context"
	"encoding/json"
	"maps"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/auth0kit/auth0kit/internal/testing/backends"
	"github.com/auth0kit/auth0kit/management/auth0test"
	"github.com/auth0kit/auth0kit/management/resource"
	"github.com/auth0kit/auth0kit/migration/customdb"
	"github.com/auth0kit/auth0kit/migration/lazy"
)

// runScript calls a custom database script as Auth0 does: with the connection's
// configuration, and an error class that it knows.
const runScript = `
const { script, name, configuration, args } = JSON.parse(require('fs').readFileSync(0, 'utf8'));
global.configuration = configuration; global.require = require;
global.WrongUsernameOrPasswordError = class extends Error {};
const f = (0, eval)('(' + script + '\n)');
f(...args, (error, user) => console.log(JSON.stringify({
  user, error: error ? (error instanceof WrongUsernameOrPasswordError ? 'wrong' : 'failed') : undefined })));
`

type scriptAnswer struct {
	User  map[string]any `json:"user"`
	Error string         `json:"error"`
}

func callScript(t *testing.T, node string, options map[string]any, name string, args ...any) (out scriptAnswer) {
	t.Helper()
	dir := t.TempDir()
	harness := filepath.Join(dir, "run.js")
	require.NoError(t, os.WriteFile(harness, []byte(runScript), 0o600))
	input, err := json.Marshal(map[string]any{
		"script": options["customScripts"].(map[string]any)[name], "name": name, "configuration": options["configuration"], "args": args,
	})
	require.NoError(t, err)
	cmd := exec.CommandContext(t.Context(), node, harness)
	stdin, err := cmd.StdinPipe()
	require.NoError(t, err)
	go func() {
		_, _ = stdin.Write(input) // node fails with what it did not get
		_ = stdin.Close()
	}()
	raw, err := cmd.Output()
	require.NoError(t, err, "%s", raw)
	require.NoError(t, json.Unmarshal(raw, &out), "%s", raw)
	return out
}

// The scripts run in Node against the handler, in both signatures: the right password
// gives the user, with the id that get_user gives; a wrong one is Auth0's own error; a
// legacy side that is down, or that another key has signed for, is none of both.
func TestCustomDatabaseScripts(t *testing.T) {
	t.Parallel()
	node := backends.Program(t, "node", "nodejs")
	for _, withContext := range []bool{false, true} {
		tenant := auth0test.NewTenant(auth0test.Options{})
		tenant.AddConnection(migrationConnection, "auth0")
		client := tenant.Management()
		connection := &scriptedConnection{options: map[string]any{"enable_script_context": withContext}}
		users, err := lazy.New(newLegacyUsers(3), client, migrationRun, lazy.Config{})
		require.NoError(t, err)
		keys := [][]byte{[]byte("0123456789abcdef0123456789abcdef"), []byte("fedcba9876543210fedcba9876543210")}
		handler, err := customdb.Handler(users, keys, customdb.Config{})
		require.NoError(t, err)
		up := true
		server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if !up {
				w.WriteHeader(http.StatusBadGateway)
				return
			}
			handler.ServeHTTP(w, r)
		}))
		defer server.Close()
		deploy := func(keys ...[]byte) map[string]any {
			d, err := customdb.NewDeployment(connection, migrationConnection, server.URL+"/auth0/", keys, customdb.DeploymentConfig{})
			require.NoError(t, err)
			plan, err := d.Plan(t.Context())
			require.NoError(t, err)
			require.NoError(t, d.Apply(t.Context(), plan))
			return connection.options
		}
		args := func(values ...any) []any {
			if withContext {
				values = append(values, map[string]any{"request": map[string]any{"ip": "192.0.2.1"}})
			}
			return values
		}
		options := deploy(keys...)
		got := callScript(t, node, options, "login", args("user1@example.com", "correct-Horse7")...)
		require.Equal(t, "old|u000001", got.User["user_id"])
		require.Equal(t, "old|u000001", callScript(t, node, options, "get_user", args("user1@example.com")...).User["user_id"])
		require.Equal(t, scriptAnswer{Error: "wrong"}, callScript(t, node, options, "login", args("user1@example.com", "wrong")...))
		require.Equal(t, scriptAnswer{}, callScript(t, node, options, "get_user", args("nobody@example.com")...))
		require.Equal(t, "old|u000001", callScript(t, node, deploy(keys[1]), "login", args("user1@example.com", "correct-Horse7")...).User["user_id"], "keys rotate")
		require.Equal(t, scriptAnswer{Error: "failed"}, callScript(t, node, deploy([]byte("another key, of thirty-two bytes")), "login", args("user1@example.com", "correct-Horse7")...))
		up = false
		require.Equal(t, scriptAnswer{Error: "failed"}, callScript(t, node, options, "login", args("user1@example.com", "correct-Horse7")...))
	}
}

// scriptedConnection keeps the options of a connection, for scripts that Node runs;
// TestCustomDatabaseAtTheTenant has the tenant run them.
type scriptedConnection struct{ options map[string]any }

func (c *scriptedConnection) DatabaseConnections(context.Context) ([]resource.Connection, error) {
	return []resource.Connection{{ID: "con_0000000000000001", Name: migrationConnection, Options: maps.Clone(c.options)}}, nil
}

func (c *scriptedConnection) SetConnectionOptions(_ context.Context, _ string, options map[string]any) error {
	raw, err := json.Marshal(options)
	if err != nil {
		return err
	}
	c.options = nil
	return json.Unmarshal(raw, &c.options)
}
