package integration

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

var goBlock = regexp.MustCompile("(?s)```go\n(.*?)```")

// Every Go block of the README stands in readme_blocks_test.go, where the
// compiler reads it; only the indentation differs. A whole program stands in
// testdata, where another test runs it, or in a package doc, whose programs are
// compiled too.
func TestREADME(t *testing.T) {
	t.Parallel()
	compiled := readFile(t, "readme_blocks_test.go")
	comment := regexp.MustCompile(`(?m)^//\t?`)
	programs := readFile(t, smallestLogin) + comment.ReplaceAllString(readFile(t, "../../../tenancy/doc.go"), "")
	blocks := goBlock.FindAllStringSubmatch(readFile(t, "../../../README.md"), -1)
	if len(blocks) < 5 {
		t.Fatalf("README.md has %d Go blocks; is the pattern right?", len(blocks))
	}
	for _, block := range blocks {
		if strings.HasPrefix(block[1], "package main") {
			if !strings.Contains(programs, block[1]) {
				t.Errorf("this program of README.md does not stand elsewhere:\n%s", block[1])
			}
			continue
		}
		lines := strings.Split(strings.TrimRight(block[1], "\n"), "\n")
		for i, line := range lines {
			if line != "" {
				lines[i] = "\t" + line
			}
		}
		if code := strings.Join(lines, "\n"); !strings.Contains(compiled, code) {
			t.Errorf("this block of README.md does not stand in readme_blocks_test.go:\n%s", block[1])
		}
	}
}

var link = regexp.MustCompile(`\]\(([^)#]+)\)`)

// Links of the documents lead to files that are there.
func TestDocumentLinks(t *testing.T) {
	t.Parallel()
	for _, document := range []string{"README.md", "ARCHITECTURE.md", "CHANGELOG.md"} {
		for _, m := range link.FindAllStringSubmatch(goBlock.ReplaceAllString(readFile(t, filepath.Join("../../..", document)), ""), -1) {
			if strings.Contains(m[1], "://") {
				continue
			}
			if _, err := os.Stat(filepath.Join("../../..", m[1])); err != nil {
				t.Errorf("%s links to %s: %v", document, m[1], err)
			}
		}
	}
}

func readFile(t *testing.T, path string) string {
	t.Helper()
	content, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(content)
}
