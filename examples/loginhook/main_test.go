package main

import (
	"bytes"
	"context"
	"errors"
	"net"
	"net/http"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

const want = `Before:
  ada@example.com
  bob@example.com
  eve@example.com

Deployment:
auth0kit-post-login at post-login
  + Action, with the secret AUTH0KIT_KEY
  + timeout: 1s
  + without an answer: deny
  + suspended users are told: Your account is suspended.
  + sends organization.metadata
  + sends request.ip
  + sends request.user_agent
  + binding auth0kit-post-login

After:
`

func TestDemonstration(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	require.NoError(t, run(t.Context(), nil, &out))
	got := out.String()
	require.Greater(t, len(got), len(want), got)
	assert.Equal(t, want, got[:len(want)])
	for _, line := range []string{
		"  ada@example.com  plan=gold  segment=casual\n",
		"Your account is suspended.",
		"  eve@example.com  plan=trial  segment=casual\n",
		"After ten more logins of ada@example.com:\n  ada@example.com  plan=gold  segment=active\n",
		"Recorded: 13 logins\n",
		"in the shadow of 13 logins, would change:\n",
		"   1  denied: Your trial has ended.\n",
		"  12  second factor: required\n",
		"  12  ID token: + https://example.com/seats\n",
	} {
		assert.Contains(t, got, line)
	}
}

func TestFlags(t *testing.T) {
	for _, key := range []string{"not base64!", ""} {
		t.Setenv("LOGIN_KEY", key)
		assert.ErrorContains(t, run(t.Context(), []string{"-url", "https://login.example.com/"}, &bytes.Buffer{}), "LOGIN_KEY")
	}
	assert.Error(t, run(t.Context(), []string{"-nonsense"}, &bytes.Buffer{}))
}

// The pipeline answers before the Action is deployed, and not after that has failed.
func TestServeBeforeDeploy(t *testing.T) {
	t.Parallel()
	free, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	addr := free.Addr().String()
	require.NoError(t, free.Close())
	refused, answered := errors.New("no scope"), 0
	err = serve(t.Context(), addr, http.NotFoundHandler(), func(context.Context) error {
		r, err := http.Get("http://" + addr)
		if err != nil {
			return err
		}
		answered = r.StatusCode
		return errors.Join(refused, r.Body.Close())
	})
	require.ErrorIs(t, err, refused)
	assert.Equal(t, http.StatusNotFound, answered)
	_, err = http.Get("http://" + addr)
	require.Error(t, err)
}
