package main

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/auth0kit/auth0kit/anomaly"
)

func TestDemo(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	model, page := filepath.Join(dir, "model.json"), filepath.Join(dir, "report.html")
	var out bytes.Buffer
	require.NoError(t, run(t.Context(), []string{"-demo", "-model", model, "-html", page}, &out))
	assert.Contains(t, out.String(), "genuine logins in the report")
	assert.Contains(t, out.String(), "another user's network and agent")
	raw, err := os.ReadFile(model)
	require.NoError(t, err)
	m, err := anomaly.ParseModel(raw)
	require.NoError(t, err)
	assert.NotEqual(t, anomaly.DefaultModel().WithDevice.Cuts, m.WithDevice.Cuts)
	html, err := os.ReadFile(page)
	require.NoError(t, err)
	assert.Contains(t, string(html), "<svg")
}

func TestFile(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "logins.jsonl")
	line := `{"user":"auth0|1","time":"2026-05-04T08:01:00Z","ip":"81.2.69.10","device":"d","agent":"Mozilla/5.0","country":"NO","lat":59.9,"lon":10.7,"asn":2119}` + "\n"
	require.NoError(t, os.WriteFile(path, []byte(strings.Repeat(line, 300)), 0o600))
	var out bytes.Buffer
	require.NoError(t, run(t.Context(), []string{"-in", path}, &out))
	assert.Contains(t, out.String(), "120 genuine logins in the report", "one user has no others")

	require.NoError(t, os.WriteFile(path, []byte(line+"{\n"), 0o600))
	require.ErrorContains(t, run(t.Context(), []string{"-in", path}, &out), "line 2")
	require.ErrorContains(t, run(t.Context(), nil, &out), "-in")
}
