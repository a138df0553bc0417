package main

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// One comparison in its short form, from the program to its rows in the table.
func TestTable(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	require.NoError(t, run(t.Context(), settings{only: "tenancy", short: true}, &out), out.String())
	_, table, _ := strings.Cut(out.String(), "|---|")
	assert.Contains(t, table, "| us of CPU | golang-jwt 5")
	for line := range strings.Lines(table[strings.Index(table, "\n")+1:]) {
		if strings.HasPrefix(line, "|") {
			assert.Equal(t, 8, strings.Count(line, "|"), line)
			assert.True(t, strings.HasSuffix(line, "| `go run ./tenancy` |\n"), line)
		}
	}
	assert.Contains(t, out.String(), "**Made by the short form")
	assert.ErrorContains(t, run(t.Context(), settings{only: "nothing"}, &out), "no such comparison")
}

// Every folder of bench is in the table.
func TestEveryComparisonIsThere(t *testing.T) {
	t.Parallel()
	have := make(map[string]bool)
	for _, s := range steps {
		have[s.name] = true
	}
	folders, err := filepath.Glob("*/main*.go")
	require.NoError(t, err)
	for _, f := range append(folders, "migration/migration_test.go") {
		assert.True(t, have[filepath.Dir(f)], "%s has no row", f)
	}
}

// A program that fails leaves the file of the table as it was.
func TestFailureWritesNothing(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	file := filepath.Join(t.TempDir(), "table.md")
	require.Error(t, run(ctx, settings{out: file}, &bytes.Buffer{}))
	_, err := os.Stat(file)
	assert.ErrorIs(t, err, os.ErrNotExist)
}
