//go:build unix

// Package node runs JavaScript clients in tests: those of the package-lock.json
// beside this file, installed once into the user's cache and never into the
// repository.
package node

import (
	"crypto/sha256"
	_ "embed"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/auth0kit/auth0kit/internal/testing/backends"
)

//go:embed package.json
var manifest []byte

//go:embed package-lock.json
var lock []byte

// Modules returns the directory node_modules with the clients, after installing
// them where that has not been done for this package-lock.json. Without Node, or
// without the clients and a registry to install them from, the test is skipped,
// or fails where everything is required.
func Modules(t testing.TB) string {
	t.Helper()
	backends.Program(t, "node", "nodejs")
	npm := backends.Program(t, "npm", "npm")
	cache, err := os.UserCacheDir()
	if err != nil {
		cache = os.TempDir()
	}
	root := filepath.Join(cache, "auth0kit", fmt.Sprintf("node-%x", sha256.Sum256(lock))[:17])
	if err := install(npm, root); err != nil {
		backends.Absent(t, fmt.Sprintf("the npm clients of internal/testing/node (%v)", err))
	}
	return filepath.Join(root, "node_modules")
}

// install fills root, which appears when it is complete.
func install(npm, root string) error {
	if err := os.MkdirAll(filepath.Dir(root), 0o755); err != nil {
		return err
	}
	guard, err := os.OpenFile(root+".lock", os.O_CREATE|os.O_RDWR, 0o644)
	if err != nil {
		return err
	}
	defer guard.Close() // which releases the lock too
	if err := syscall.Flock(int(guard.Fd()), syscall.LOCK_EX); err != nil {
		return err
	}
	if _, err := os.Stat(root); err == nil {
		return nil
	}
	part := root + ".part"
	if err := os.RemoveAll(part); err != nil {
		return err
	}
	if err := os.Mkdir(part, 0o755); err != nil {
		return err
	}
	for name, content := range map[string][]byte{"package.json": manifest, "package-lock.json": lock} {
		if err := os.WriteFile(filepath.Join(part, name), content, 0o644); err != nil {
			return err
		}
	}
	cmd := exec.Command(npm, "ci", "--ignore-scripts", "--no-audit", "--no-fund")
	cmd.Dir = part
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("npm ci: %w: %s", err, out)
	}
	return os.Rename(part, root)
}

// Command returns a command that runs an ES module, given as source, which may
// import the clients. The command ends with the test.
func Command(t testing.TB, source string, args ...string) *exec.Cmd {
	t.Helper()
	dir, err := os.MkdirTemp(filepath.Dir(Modules(t)), "script-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	script := filepath.Join(dir, "script.mjs")
	if err := os.WriteFile(script, []byte(source), 0o644); err != nil {
		t.Fatal(err)
	}
	return exec.CommandContext(t.Context(), "node", append([]string{script}, args...)...)
}

// Run runs Command to its end and returns what the module wrote to its standard
// output. A module that fails ends the test.
func Run(t testing.TB, source string, args ...string) string {
	t.Helper()
	var stderr strings.Builder
	cmd := Command(t, source, args...)
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("node: %v\n%s", err, stderr.String())
	}
	return string(out)
}
