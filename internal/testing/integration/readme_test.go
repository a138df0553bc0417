package integration

import (
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

var goBlock = regexp.MustCompile("(?s)```go\n(.*?)```")

// Every program of the README stands where it is compiled and run: in testdata, or
// in a package doc.
func TestREADME(t *testing.T) {
	t.Parallel()
	programs := readFile(t, smallestLogin) + regexp.MustCompile(`(?m)^//\t?`).ReplaceAllString(readFile(t, "../../../tenancy/doc.go"), "")
	blocks := goBlock.FindAllStringSubmatch(readFile(t, "../../../README.md"), -1)
	require.Len(t, blocks, 2)
	for _, block := range blocks {
		assert.Contains(t, programs, block[1])
	}
}

// The program to paste is built and run as it stands but for its port, and answers
// what the README shows.
func TestREADMEProgram(t *testing.T) {
	t.Parallel()
	readme := readFile(t, "../../../README.md")
	program := goBlock.FindStringSubmatch(readme)[1]
	_, shown, found := strings.Cut(readme, "    $ curl -i 127.0.0.1:8080/orgs/org_acme/invoices\n")
	require.True(t, found)
	shown, _, _ = strings.Cut(shown, "\n\n")
	want := strings.Split(regexp.MustCompile(`(?m)^    `).ReplaceAllString(shown, ""), "\n")
	require.Len(t, want, 3)

	listener, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	address := listener.Addr().String()
	require.NoError(t, listener.Close())
	dir := t.TempDir()
	require.Contains(t, program, `"127.0.0.1:8080"`)
	source := filepath.Join(dir, "main.go")
	require.NoError(t, os.WriteFile(source, []byte(strings.Replace(program, "127.0.0.1:8080", address, 1)), 0o600))
	build := exec.CommandContext(t.Context(), "go", "build", "-o", filepath.Join(dir, "program"), source)
	build.Dir = "../../.."
	out, err := build.CombinedOutput()
	require.NoError(t, err, "%s", out)
	run := exec.CommandContext(t.Context(), filepath.Join(dir, "program"))
	require.NoError(t, run.Start())
	t.Cleanup(func() { _ = run.Process.Kill(); _ = run.Wait() })

	var answer *http.Response
	require.Eventually(t, func() bool {
		r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://"+address+"/orgs/org_acme/invoices", nil)
		if err != nil {
			return false
		}
		answer, err = http.DefaultClient.Do(r)
		return err == nil
	}, time.Minute, 20*time.Millisecond)
	defer answer.Body.Close()
	body, err := io.ReadAll(answer.Body)
	require.NoError(t, err)
	assert.Equal(t, want, []string{answer.Proto + " " + answer.Status, "Www-Authenticate: " + answer.Header.Get("Www-Authenticate"), strings.TrimSpace(string(body))})
}

func readFile(t *testing.T, path string) string {
	t.Helper()
	content, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(content)
}
