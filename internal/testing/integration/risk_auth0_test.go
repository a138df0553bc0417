package integration

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/auth0kit/auth0kit/anomaly"
	"github.com/auth0kit/auth0kit/guardian"
	"github.com/auth0kit/auth0kit/management/auth0test"
	"github.com/auth0kit/auth0kit/management/resource"
	"github.com/auth0kit/auth0kit/risk"
	"github.com/auth0kit/auth0kit/risk/riskhttp"
	"github.com/auth0kit/auth0kit/session/login"
)

// TestVerificationMailOfAuth0: the mail of a prompt is Auth0's, its link counts only
// where the login came from, and wrong passwords at Universal Login are counted.
func TestVerificationMailOfAuth0(t *testing.T) {
	t.Parallel()
	tenant := auth0test.NewTenant(auth0test.Options{})
	ada := tenant.AddUser(resource.User{Email: "ada@example.com"}, "correct horse")
	tenant.AddClient(auth0test.Application{CallbackURL: "https://app.example.com/callback"})
	detector, err := anomaly.New(anomaly.NewMemory(0), [][]byte{sealKey}, anomaly.Config{})
	require.NoError(t, err)
	enforcer, err := risk.Auth0Enforcer(tenant.Management())
	require.NoError(t, err)
	engine, err := risk.New(detector, risk.Config{
		Enforcer: enforcer, Bands: risk.Bands{Prompt: 20, MFA: 99, Deny: 100}, OnFirst: risk.PromptVerification,
	})
	require.NoError(t, err)
	l := risk.Login{Attempt: anomaly.Attempt{UserID: ada, Time: time.Now(), IP: netip.MustParseAddr("81.2.69.10"), DeviceID: "laptop", UserAgent: "Firefox"}}
	apply(t, engine, l, risk.ErrChallenged)

	tenant.Advance(time.Second) // Sending is a job.
	mails := tenant.Outbox()
	require.Len(t, mails, 1)
	require.Equal(t, "ada@example.com", mails[0].To)
	read := ""
	follow := func() {
		t.Helper()
		var err error
		read, err = engine.FollowAuth0(t.Context(), tenant.Management(), read)
		require.NoError(t, err)
	}
	follow()
	history, err := engine.History(t.Context(), ada)
	require.NoError(t, err)
	require.Len(t, history, 1)
	assert.Empty(t, history[0].Ended, "nobody has opened it")

	r := httptest.NewRequest(http.MethodGet, strings.TrimSuffix(mails[0].URL, "#"), nil)
	r.RemoteAddr = "81.2.69.10:40000"
	w := httptest.NewRecorder()
	tenant.ServeHTTP(w, r)
	require.Less(t, w.Code, 400)
	follow()
	history, err = engine.History(t.Context(), ada)
	require.NoError(t, err)
	assert.Equal(t, "step_up_passed", history[0].Ended)
	l.Time = l.Time.Add(time.Minute)
	calm := apply(t, engine, l, nil)

	for range 6 {
		_, err := tenant.Login(t.Context(), auth0test.Login{Identifier: "ada@example.com", Password: "wrong"})
		require.Error(t, err)
	}
	follow()
	failed, err := engine.Evaluate(t.Context(), l)
	require.NoError(t, err)
	assert.NotContains(t, calm.Explain(), "failures")
	assert.Contains(t, failed.Explain(), "6 failures")
}

// TestRiskAsksAtAuth0: what risk challenges is asked for by Auth0, once, and
// completed by the login that comes back.
func TestRiskAsksAtAuth0(t *testing.T) {
	t.Parallel()
	detector, err := anomaly.New(anomaly.NewMemory(0), [][]byte{sealKey}, anomaly.Config{})
	require.NoError(t, err)
	factors := &lateFactors{}
	var engine *risk.Engine
	var gate *riskhttp.Gate
	var a *loginApp
	secret, asked := "", 0
	a = newLoginApp(t, login.Config{Factors: factors, OnLogin: func(w http.ResponseWriter, r *http.Request, id *login.Identity) error {
		err := gate.Check(w, r, riskhttp.Login{UserID: id.UserID, Email: id.Email, MFA: id.MFA})
		if errors.Is(err, risk.ErrChallenged) {
			asked++
			secret = a.tenant.Enroll(a.ada, "otp", "") // Before, the fake would have asked at once.
			return login.ErrMFARequired
		}
		return err
	}})
	factors.of, err = guardian.New(a.tenant.Management(), guardian.Config{})
	require.NoError(t, err)
	enforcer, err := risk.Auth0Enforcer(a.tenant.Management())
	require.NoError(t, err)
	engine, err = risk.New(detector, risk.Config{OnFirst: risk.MFARequired, Enforcer: enforcer})
	require.NoError(t, err)
	gate, err = riskhttp.New(engine, [][]byte{sealKey}, riskhttp.Config{
		AllowInsecureCookie: true, ClientIP: func(*http.Request) netip.Addr { return netip.MustParseAddr("81.2.69.10") },
	})
	require.NoError(t, err)

	c := a.browser(t)
	page := a.signIn(t, c, "/account")
	assert.True(t, strings.HasPrefix(page.Request.URL.String(), a.auth0.URL), "Auth0 asks: %s", page.Request.URL)
	page = submit(t, c, page, "username", "ada@example.com", "password", "correct horse")
	assert.Contains(t, body(t, submit(t, c, page, "code", a.tenant.OTP(secret))), a.ada)
	assert.Equal(t, 1, asked)
	history, err := engine.History(t.Context(), a.ada)
	require.NoError(t, err)
	require.Len(t, history, 1)
	assert.Equal(t, "step_up_passed", history[0].Ended)
}
