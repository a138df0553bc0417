package main

import (
	"bytes"
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/auth0kit/auth0kit/anomaly"
)

// The page of the model has the weights and constants of the code: after a change,
// run go run ./risk -model > ../docs/risk/model.txt and put it into docs/risk/model.md.
func TestPageIsOfThisCode(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	require.NoError(t, printModel(&out, "../.."))
	for _, c := range constants {
		for _, name := range c.names {
			assert.Contains(t, out.String(), "| `"+name+"` (`"+c.file+"`) | ", "there is no such constant")
		}
	}
	meanings, err := evidenceComments("../../anomaly/evidence.go")
	require.NoError(t, err)
	require.Len(t, meanings, len(anomaly.EvidenceNames()))
	page, err := os.ReadFile("../../docs/risk/model.md")
	require.NoError(t, err)
	assert.True(t, strings.Contains(string(page), strings.TrimSpace(out.String())), "docs/risk/model.md is older than the code")
}
