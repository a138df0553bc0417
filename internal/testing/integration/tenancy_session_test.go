package integration

import (
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/auth0kit/auth0kit/management/auth0test"
	"github.com/auth0kit/auth0kit/session"
	"github.com/auth0kit/auth0kit/tenancy"
)

// What ends in the session store ends at the API: the access tokens that are out are
// refused, of the session or of the user, and later ones are not.
func TestTenancyRefusesTokensOfEndedSessions(t *testing.T) {
	t.Parallel()
	c := newCompany(auth0test.Options{})
	cutoff, err := tenancy.NewCutoff(tenancy.NewMemory(), tenancy.CutoffConfig{})
	require.NoError(t, err)
	sessions, err := session.New(session.NewMemory(), session.Config{Cutoff: cutoff})
	require.NoError(t, err)
	h := c.extractor(t, tenancy.GuardConfig{Cutoff: cutoff}).require(tenancy.AllOf("read:invoices"))(http.NotFoundHandler())
	issued := func(sid string, ago time.Duration) string {
		claims := claimsOf(t, c.AccessToken(c.ada, c.acme, invoicesAPI))
		claims["sid"], claims["iat"], claims["exp"] = sid, time.Now().Add(-ago).Unix(), time.Now().Add(time.Hour).Unix()
		return c.Sign(nil, claims)
	}
	one, two := issued("sid_1", time.Minute), issued("sid_2", time.Minute)
	login := func(sid string) session.Token {
		token, _, err := sessions.Create(t.Context(), session.Login{UserID: c.ada, SID: sid, AuthTime: time.Now()})
		require.NoError(t, err)
		return token
	}
	first := login("sid_1")
	login("sid_2")
	assert.Equal(t, 404, tenancyStatus(h, c.acme, one))
	require.NoError(t, sessions.Revoke(t.Context(), first))
	assert.Equal(t, 401, tenancyStatus(h, c.acme, one))
	assert.Equal(t, 404, tenancyStatus(h, c.acme, two))
	require.NoError(t, sessions.RevokeUser(t.Context(), c.ada))
	assert.Equal(t, 401, tenancyStatus(h, c.acme, two))
	assert.Equal(t, 404, tenancyStatus(h, c.acme, issued("sid_3", -time.Second)))
}
