//go:build unix

package integration

import (
	"net/http"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/auth0kit/auth0kit/internal/testing/node"
	"github.com/auth0kit/auth0kit/management/auth0test"
)

const readSignals = `
import { ManagementClient } from "auth0";
const [domain, clientId, clientSecret] = process.argv.slice(2);
const management = new ManagementClient({ domain, clientId, clientSecret });
await management.verifiableCredentials.verification.templates.list().then(() => console.log("answered"), e => console.log(e.statusCode, e.body.errorCode));
`

// TestMissingIsAskedForOnce: node-auth0 repeats what is answered by 500 and more.
func TestMissingIsAskedForOnce(t *testing.T) {
	t.Parallel()
	tenant := auth0test.NewTenant(auth0test.Options{Missing: http.StatusNotFound})
	server := tenant.Start()
	t.Cleanup(server.Close)
	ca := filepath.Join(t.TempDir(), "ca.pem")
	require.NoError(t, os.WriteFile(ca, server.CAPEM, 0o600))
	machine := tenant.Machine()
	cmd := node.Command(t, readSignals, server.Domain, machine.ID, machine.Secret)
	cmd.Env = append(cmd.Environ(), "NODE_EXTRA_CA_CERTS="+ca)
	out, err := cmd.CombinedOutput()
	require.NoError(t, err, string(out))
	assert.Equal(t, "404 auth0test_not_implemented\n", string(out))

	asked := 0
	for _, r := range tenant.Requests() {
		if r.Path == "/api/v2/verifiable-credentials/verification/templates" {
			asked++
		}
	}
	assert.Equal(t, 1, asked)
}
