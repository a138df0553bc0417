package main

import (
	"context"
	"net/http"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/auth0kit/auth0kit/audit"
	"github.com/auth0kit/auth0kit/management/auth0test"
	"github.com/auth0kit/auth0kit/risk"
	"github.com/auth0kit/auth0kit/risk/riskhttp"
)

// away is a store of decisions, or a recorder, that does not answer.
type away struct {
	risk.Decisions
	audit.Recorder
}

func (away) Put(context.Context, string, risk.Record) error { return context.DeadlineExceeded }

func (away) Record(context.Context, audit.Event) error { return context.DeadlineExceeded }

// TestSignInWhileAway: whoever signs in while something that decides about it is away is
// told to try again, and gets in when it is back: it is no decision about them.
func TestSignInWhileAway(t *testing.T) {
	t.Parallel()
	p := start(t)
	gate := p.gate
	users, err := p.client.UsersByEmail(t.Context(), bob)
	require.NoError(t, err)
	require.NoError(t, p.past(t.Context(), users[0].ID))
	engine := func(cfg risk.Config) func() {
		cfg.Keys = [][]byte{p.key}
		e, err := risk.New(p.detector, cfg)
		require.NoError(t, err)
		blind, err := riskhttp.New(e, [][]byte{p.key}, riskhttp.Config{ClientIP: p.clientIP, AllowInsecureCookie: true})
		require.NoError(t, err)
		p.gate = blind
		return func() { p.gate = gate }
	}
	for name, cut := range map[string]func() func(){
		"the log":                 func() func() { return engine(risk.Config{Recorder: away{}}) },
		"the store of challenges": func() func() { return engine(risk.Config{Decisions: away{}}) },
		"Auth0": func() func() {
			return p.demo.tenant.Fault("GET /api/v2/users/{id}/authentication-methods", auth0test.Fault{Status: http.StatusForbidden})
		},
	} {
		v := p.guest(t, demoAgent)
		v.moves()
		back := cut()
		v.signsIn("acme", bob, password)
		back()
		assert.Equal(t, http.StatusServiceUnavailable, v.Status, name)
		assert.Contains(t, v.Page, "Try again in a moment", name)
		list, err := p.sessions.List(t.Context(), users[0].ID)
		require.NoError(t, err)
		assert.Empty(t, list, name)
	}
	v := p.guest(t, demoAgent)
	v.moves()
	v.signsIn("acme", bob, password)
	assert.Equal(t, http.StatusForbidden, v.Status)
	assert.Contains(t, v.Page, "have none", "now it is decided")
}
