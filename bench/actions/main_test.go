package main

import (
	"bytes"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestRun(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	require.NoError(t, run(t.Context(), &out, 2, 100))
	assert.Contains(t, out.String(), "pipeline of ten ready steps")
	assert.Contains(t, out.String(), "round trip on loopback")
}
