//go:build unix

package node_test

import (
	"encoding/json"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/auth0kit/auth0kit/internal/testing/node"
)

// The secret and the code are those of RFC 6238, appendix B.
const totp = `
import { TOTP, Secret } from "otpauth";
const secret = Secret.fromLatin1("12345678901234567890");
console.log(new TOTP({ secret, digits: 8 }).generate({ timestamp: Number(process.argv[2]) }));
`

func TestRun(t *testing.T) {
	t.Parallel()
	assert.Equal(t, "94287082\n", node.Run(t, totp, "59000"))
}

// Each client can be imported by the Node that is installed.
func TestClientsLoad(t *testing.T) {
	t.Parallel()
	var manifest struct{ Dependencies map[string]string }
	content, err := os.ReadFile("package.json")
	require.NoError(t, err)
	require.NoError(t, json.Unmarshal(content, &manifest))
	require.NotEmpty(t, manifest.Dependencies)
	names := slices.Collect(maps.Keys(manifest.Dependencies))
	node.Run(t, `for (const name of process.argv.slice(2)) await import(name)`, names...)
}

func TestModulesStayOutOfTheTree(t *testing.T) {
	t.Parallel()
	repository, err := filepath.Abs("../../..")
	require.NoError(t, err)
	var wg sync.WaitGroup
	for range 4 { // at the same time
		wg.Go(func() {
			modules := node.Modules(t)
			assert.False(t, strings.HasPrefix(modules, repository+string(filepath.Separator)), modules)
			assert.FileExists(t, filepath.Join(modules, "axe-core", "axe.min.js"))
		})
	}
	wg.Wait()
	assert.NoDirExists(t, "node_modules")
}
