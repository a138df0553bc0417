package integration

import (
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/auth0kit/auth0kit/management/auth0test"
	"github.com/auth0kit/auth0kit/management/resource"
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

// A back-channel logout in one piece: the user signs out at the tenant, whose logout
// token ends the session here, and the access token of that session is refused at
// once, while that of another session of the user stays good.
func TestTenancyRefusesTokensAfterBackChannelLogout(t *testing.T) {
	t.Parallel()
	a := newSessionApp(t)
	ada := a.tenant.AddUser(resource.User{Email: "ada@example.com", Username: "ada"}, "correct horse")
	v, err := tenancy.NewVerifier(a.tenant.Issuer(), invoicesAPI, tenancy.VerifierConfig{HTTPClient: a.tenant.HTTPClient()})
	require.NoError(t, err)
	g, err := tenancy.NewGuard(v, tenancy.GuardConfig{Cutoff: a.cutoff})
	require.NoError(t, err)
	h := apiRoutes{g}.require(tenancy.Authenticated())(http.NotFoundHandler())
	access := func(s *session.Session) string { // as an Action writes sid into it
		at := time.Now().Add(-time.Minute).Unix()
		return a.tenant.Sign(nil, map[string]any{"iss": a.tenant.Issuer(), "aud": invoicesAPI, "sub": ada, "azp": a.client.ID, "scope": "openid",
			"org_id": "org_acme", "sid": s.SID, "iat": at, "exp": at + 3600})
	}
	_, one := a.login(t, "ada@example.com")
	_, two := a.login(t, "ada@example.com")
	ended, stays := access(one), access(two)
	assert.Equal(t, 404, tenancyStatus(h, "org_acme", ended))
	a.rpLogout(t, one)
	a.logoutToken(t)
	assert.Equal(t, 401, tenancyStatus(h, "org_acme", ended))
	assert.Equal(t, 404, tenancyStatus(h, "org_acme", stays))
}
