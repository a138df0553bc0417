package archtest

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.yaml.in/yaml/v3"
)

// Neither compose.yaml nor the workflows run where the tests do. These tests
// compare what they say with .ci/run, which does.

type container struct {
	Image            string
	Env, Environment map[string]string
	Ports            []string
}

type workflow struct {
	On   map[string]any
	Jobs map[string]struct {
		Services map[string]container
		Steps    []struct {
			Uses, Run string
			With      map[string]string
		}
	}
}

func read(t *testing.T, name string) string {
	t.Helper()
	content, err := os.ReadFile(filepath.Join("../..", name))
	require.NoError(t, err)
	return string(content)
}

func parse[T any](t *testing.T, name string) (v T) {
	t.Helper()
	require.NoError(t, yaml.Unmarshal([]byte(read(t, name)), &v), name)
	return v
}

// services are the names and ports of .ci/run.
func services(t *testing.T) map[string]string {
	ports := make(map[string]string)
	for _, m := range regexp.MustCompile(`(?m)^\s*service (\w+) (\d+) `).FindAllStringSubmatch(read(t, ".ci/run"), -1) {
		ports[strings.ToLower(m[1])] = m[2]
	}
	require.NotEmpty(t, ports)
	return ports
}

func TestServicesAgree(t *testing.T) {
	t.Parallel()
	compose := parse[struct{ Services map[string]container }](t, "compose.yaml")
	inWorkflow := parse[workflow](t, ".github/workflows/test.yml").Jobs["test"].Services
	addresses := read(t, "internal/testing/backends/backends.go")
	ports := services(t)
	assert.Len(t, compose.Services, len(ports))
	assert.Len(t, inWorkflow, len(ports))
	for name, port := range ports {
		assert.Equal(t, []string{"127.0.0.1:" + port + ":" + port}, compose.Services[name].Ports, name)
		assert.Equal(t, []string{port + ":" + port}, inWorkflow[name].Ports, name)
		assert.Equal(t, compose.Services[name].Image, inWorkflow[name].Image, name)
		assert.Equal(t, compose.Services[name].Environment, inWorkflow[name].Env, name)
		assert.Contains(t, addresses, "127.0.0.1:"+port, name)
	}
	for _, database := range []string{compose.Services["postgres"].Environment["POSTGRES_DB"], compose.Services["mariadb"].Environment["MARIADB_DATABASE"]} {
		assert.Contains(t, addresses, "/"+database)
	}
}

func TestWorkflowsCallTheSameCommands(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob("../../.github/workflows/*.yml")
	require.NoError(t, err)
	require.Len(t, files, 2)
	var commands []string
	for _, file := range files {
		for _, job := range parse[workflow](t, ".github/workflows/"+filepath.Base(file)).Jobs {
			for _, step := range job.Steps {
				commands = append(commands, step.Run)
				if strings.HasPrefix(step.Uses, "actions/setup-go@") {
					assert.Equal(t, map[string]string{"go-version-file": "go.mod"}, step.With, file)
				}
			}
		}
	}
	assert.True(t, slices.ContainsFunc(commands, func(c string) bool { return strings.HasSuffix(c, " .ci/run") }), "%q", commands)
	assert.True(t, slices.ContainsFunc(commands, func(c string) bool { return c == ".ci/run vuln" }), "%q", commands)
	assert.Contains(t, parse[workflow](t, ".github/workflows/govulncheck.yml").On, "schedule")
}

func TestMakefileCallsCI(t *testing.T) {
	t.Parallel()
	makefile, ci := read(t, "Makefile"), read(t, ".ci/run")
	assert.Contains(t, makefile, "\ntest race bench lint doc vuln:\n\t.ci/run $@\n")
	for part := range strings.FieldsSeq("test race bench lint doc vuln") {
		assert.Contains(t, ci, "\n"+part+"() {\n")
	}
	// The command of the README is that of .ci/run.
	assert.Contains(t, ci, "\n  go test ./...\n")
	assert.Contains(t, read(t, "README.md"), "\n    go test ./...\n")
}

func TestDependabotLeavesTheSDKAlone(t *testing.T) {
	t.Parallel()
	config := parse[struct {
		Updates []struct {
			Ecosystem string `yaml:"package-ecosystem"`
			Directory string
			Ignore    []struct {
				Name string `yaml:"dependency-name"`
			}
		}
	}](t, ".github/dependabot.yml")
	ignored := false
	for _, u := range config.Updates {
		assert.DirExists(t, filepath.Join("../..", u.Directory))
		for _, i := range u.Ignore {
			ignored = ignored || u.Ecosystem == "gomod" && u.Directory == "/" && i.Name == sdk
		}
	}
	assert.True(t, ignored)
}

func TestExamplesAreListed(t *testing.T) {
	t.Parallel()
	index := read(t, "examples/README.md")
	for _, p := range load(t) {
		if name, ok := strings.CutPrefix(p.name(), "examples/"); ok && !strings.Contains(name, "/") {
			assert.Contains(t, index, "]("+name+")")
		}
	}
}
