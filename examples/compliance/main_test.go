package main

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/auth0kit/auth0kit/audit/auditlog"
)

func TestRun(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	var out bytes.Buffer
	require.NoError(t, run(t.Context(), folder, &out), out.String())
	text := out.String()
	for _, want := range []string{
		"8 succeeded and", "wrong_password:", "detection.password_spray: address 203.0.113.99", "detection.refresh_token_reuse: client shop",
		"detection.attack_protection_off: user auth0|admin", "2 revocations", "are what was sealed", "was edited ([leaf",
	} {
		assert.Contains(t, text, want)
	}
	read := func(name string) []byte {
		content, err := os.ReadFile(filepath.Join(folder, name))
		require.NoError(t, err)
		return content
	}
	key := strings.TrimSpace(string(read("verifier-key.txt")))
	r, err := auditlog.VerifyReport(bytes.NewReader(read("report.json")), key)
	require.NoError(t, err)
	assert.Equal(t, 8, r.Attempts.Succeeded)
	v, err := auditlog.VerifyArchive(bytes.NewReader(read("archive.jsonl")), key, read("checkpoint.txt"))
	require.NoError(t, err)
	assert.NotZero(t, v.Events)
	assert.Contains(t, string(read("report.html")), "What is not known")
	assert.Contains(t, string(read("report.csv")), "attack_protection_off")
}
