package archtest

import (
	"bufio"
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/mod/modfile"
)

// TestOnly are the modules that no package may reach outside of its tests,
// internal/testing apart, and examples that read YAML.
var TestOnly = []string{
	"github.com/chromedp/", "github.com/stretchr/testify", "go.yaml.in/yaml/", "pgregory.net/rapid",
}

func TestTestLibrariesStayInTests(t *testing.T) {
	t.Parallel()
	out, err := exec.Command("go", "list", "-f", `{{.ImportPath}}{{range .Deps}} {{.}}{{end}}`, Module+"/...").Output()
	require.NoError(t, err)
	lines := bufio.NewScanner(bytes.NewReader(out))
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		path, deps, _ := strings.Cut(lines.Text(), " ")
		if strings.HasPrefix(path, Module+"/internal/testing/") {
			continue
		}
		for dep := range strings.FieldsSeq(deps) {
			for _, banned := range TestOnly {
				if strings.HasPrefix(path, Module+"/examples/") && banned == "go.yaml.in/yaml/" {
					continue
				}
				assert.False(t, strings.HasPrefix(dep, banned), "%s reaches %s, which is for tests", path, dep)
			}
		}
	}
	require.NoError(t, lines.Err())
}

// A module that uses session gets golang-jwt beside this one.
func TestConsumerOfSession(t *testing.T) {
	t.Parallel()
	root, err := filepath.Abs("../..")
	require.NoError(t, err)
	dir := t.TempDir()
	write := func(name, content string) {
		require.NoError(t, os.WriteFile(filepath.Join(dir, name), []byte(content), 0o644))
	}
	write("main.go", "package main\n\nimport _ \""+Module+"/session\"\n\nfunc main() {}\n")
	write("go.mod", "module example.com/consumer\n\ngo 1.26.0\n\nrequire "+Module+" v0.0.0\n\nreplace "+Module+" => "+root+"\n")

	// A fresh machine has not downloaded everything that tidy looks at.
	out, err := tidy(dir, "GOPROXY=off", "GOSUMDB=off")
	if err != nil {
		out, err = tidy(dir)
	}
	require.NoError(t, err, out)

	content, err := os.ReadFile(filepath.Join(dir, "go.mod"))
	require.NoError(t, err)
	mod, err := modfile.Parse("go.mod", content, nil)
	require.NoError(t, err)
	var required []string
	for _, r := range mod.Require {
		required = append(required, r.Mod.Path)
	}
	assert.ElementsMatch(t, []string{Module, gojwt}, required)

	sums, err := os.ReadFile(filepath.Join(dir, "go.sum"))
	require.NoError(t, err)
	for _, driver := range slices.Concat(Drivers, []string{"github.com/dop251/"}) { // auth0test/scripts alone runs JavaScript.
		assert.NotContains(t, string(sums), driver)
	}
}

func tidy(dir string, env ...string) (string, error) {
	cmd := exec.Command("go", "mod", "tidy")
	cmd.Dir = dir
	cmd.Env = append(append(os.Environ(), "GOFLAGS=-mod=mod", "GOWORK=off"), env...)
	out, err := cmd.CombinedOutput()
	return string(out), err
}

// Every part of the module has a test that uses testify.
func TestTestLibraryIsUsed(t *testing.T) {
	t.Parallel()
	used := make(map[string]bool)
	for _, p := range load(t) {
		first, _, _ := strings.Cut(p.name(), "/")
		uses := slices.ContainsFunc(slices.Concat(p.TestImports, p.XTestImports), func(imported string) bool {
			return strings.HasPrefix(imported, "github.com/stretchr/testify/")
		})
		used[first] = used[first] || uses
	}
	for part, uses := range used {
		assert.True(t, uses, "no test of %s uses testify", part)
	}
}
