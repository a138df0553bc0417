package contain_test

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/pquerna/otp/totp"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/auth0kit/auth0kit/audit"
	"github.com/auth0kit/auth0kit/examples/portal/contain"
	"github.com/auth0kit/auth0kit/guardian"
	"github.com/auth0kit/auth0kit/management"
	"github.com/auth0kit/auth0kit/management/auth0test"
	"github.com/auth0kit/auth0kit/management/resource"
	"github.com/auth0kit/auth0kit/session"
	"github.com/auth0kit/auth0kit/tenancy"
)

const api = "https://api.example.com"

// stolen is a tenant over TLS, an application and an API, and a thief who has copied
// the access token, the session token and the refresh token of a login.
type stolen struct {
	*testing.T
	tenant *auth0test.Tenant
	server *auth0test.Server
	client *management.Client
	app    auth0test.Application
	user   string
	org    string

	sessions *session.Manager
	cutoff   *tenancy.Cutoff
	factors  *guardian.Service
	guarded  http.Handler

	tokens  auth0test.Tokens
	session session.Token
}

func newStolen(t *testing.T) *stolen {
	t.Helper()
	s := &stolen{T: t, tenant: auth0test.NewTenant(auth0test.Options{})}
	s.tenant.AddAPI(api, "read:invoices")
	s.app = s.tenant.AddClient(auth0test.Application{CallbackURL: "https://app.example.com/callback"})
	s.org = s.tenant.AddOrganization("acme")
	s.user = s.tenant.AddUser(resource.User{Email: "ada@example.com"}, "correct horse")
	s.tenant.AddMember(s.org, s.user)
	s.server = s.tenant.Start()
	t.Cleanup(s.server.Close)
	machine := s.tenant.Machine()
	var err error
	s.client, err = management.New(management.Config{Domain: s.server.Domain, ClientID: machine.ID, ClientSecret: machine.Secret, HTTPClient: s.server.Client})
	require.NoError(t, err)
	s.cutoff, err = tenancy.NewCutoff(tenancy.NewMemory(), tenancy.CutoffConfig{})
	require.NoError(t, err)
	s.sessions, err = session.New(session.NewMemory(), session.Config{})
	require.NoError(t, err)
	s.factors, err = guardian.New(nil, guardian.Config{Store: guardian.NewMemory(), Keys: [][]byte{[]byte("0123456789abcdef0123456789abcdef")}, Issuer: "Example"})
	require.NoError(t, err)
	v, err := tenancy.NewVerifier(s.tenant.Issuer(), api, tenancy.VerifierConfig{HTTPClient: s.server.Client})
	require.NoError(t, err)
	g, err := tenancy.NewGuard(v, tenancy.GuardConfig{Cutoff: s.cutoff})
	require.NoError(t, err)
	s.guarded = g.Require(tenancy.FromToken, tenancy.Authenticated())(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))

	s.tokens, err = s.login(s.org)
	require.NoError(t, err)
	s.session, _, err = s.sessions.Create(t.Context(), session.Login{UserID: s.user, SID: "sid_1", AuthTime: time.Now()})
	require.NoError(t, err)
	key, err := s.factors.EnrollTOTP(t.Context(), s.user, "thief@example.com", nil) // The thief's own.
	require.NoError(t, err)
	code, err := totp.GenerateCode(key.Secret(), time.Now())
	require.NoError(t, err)
	_, err = s.factors.ConfirmTOTP(t.Context(), s.user, code)
	require.NoError(t, err)
	return s
}

func (s *stolen) login(org string) (auth0test.Tokens, error) {
	return s.tenant.Login(s.Context(), auth0test.Login{ClientID: s.app.ID, Audience: api, OrgID: org, Identifier: "ada@example.com", Password: "correct horse",
		Parameters: map[string]string{"scope": "openid offline_access"}})
}

// works says which of the stolen things still open something.
func (s *stolen) works() (access, cookie, refresh bool) {
	s.Helper()
	r, w := httptest.NewRequest("GET", "/", nil), httptest.NewRecorder()
	r.Header.Set("Authorization", "Bearer "+s.tokens.Access)
	s.guarded.ServeHTTP(w, r)
	_, err := s.sessions.Validate(s.Context(), s.session)
	answer, errForm := s.server.Client.PostForm(s.tenant.Issuer()+"oauth/token", url.Values{
		"grant_type": {"refresh_token"}, "client_id": {s.app.ID}, "client_secret": {s.app.Secret}, "refresh_token": {s.tokens.Refresh}})
	require.NoError(s, errForm)
	answer.Body.Close()
	return w.Code == 200, err == nil, answer.StatusCode == 200
}

func (s *stolen) containment(book contain.Book) *contain.Containment {
	s.Helper()
	c, err := contain.New(book, audit.Discard, contain.Block(s.client), contain.RevokeAtAuth0(s.client), contain.EndSessions(s.sessions),
		contain.CutTokens(s.cutoff, 2*time.Second, 24*time.Hour), contain.ResetFactors(s.factors))
	require.NoError(s, err)
	return c
}

// cutShort is a book with which the process ends after so many writes.
type cutShort struct {
	*contain.Memory
	left int
	stop context.CancelFunc
}

func (b *cutShort) Save(ctx context.Context, r contain.Receipt) error {
	if b.left--; b.left < 0 {
		b.stop()
		return errors.Join(ctx.Err(), errors.New("the process has ended"))
	}
	return b.Memory.Save(ctx, r)
}

// Whatever a thief has copied is refused afterwards, within the times that the receipt
// states, also when the process ended after any of the steps and another went on.
func TestNothingStolenWorks(t *testing.T) {
	t.Parallel()
	for at := range 7 {
		s := newStolen(t)
		access, cookie, refresh := s.works()
		require.True(t, access && cookie && refresh, "before: %t %t %t", access, cookie, refresh)
		ctx, stop := context.WithCancel(t.Context())
		book := &cutShort{contain.NewMemory(), at, stop}
		_, _ = s.containment(book).Run(ctx, "i1", contain.Order{UserID: s.user, By: "auth0|admin", Reason: "phished"})
		stop()
		book.left = 100
		receipt, err := s.containment(book).Run(t.Context(), "i1", contain.Order{UserID: s.user, By: "auth0|admin", Reason: "phished"})
		require.NoError(t, err, at)
		require.True(t, receipt.Closed())
		open := receipt.Open(time.Now())
		require.Len(t, open, 1, "tokens at APIs without the cut-off")
		assert.WithinDuration(t, time.Now().Add(24*time.Hour), open[0].Till, time.Minute)

		// This process hears of the cut at once, others within 2 s. Auth0 carries the
		// order out soon after it has taken it.
		require.Eventually(t, func() bool {
			access, cookie, refresh := s.works()
			return !access && !cookie && !refresh
		}, 5*time.Second, 50*time.Millisecond)
		_, err = s.login("")
		require.Error(t, err, "the account is blocked")
		left, err := s.factors.Enrollments(t.Context(), s.user)
		require.NoError(t, err)
		assert.Empty(t, left)
	}
}

// Auth0 did not answer when it should have blocked the account, and the thief has signed
// in again after everything else was closed. Whoever goes on closes that too.
func TestLateBlock(t *testing.T) {
	t.Parallel()
	s := newStolen(t)
	block, away := contain.Block(s.client), true
	late := contain.Layer{Name: block.Name, Do: func(ctx context.Context, userID string) (contain.Done, error) {
		if away {
			return contain.Done{}, errors.New("away")
		}
		return block.Do(ctx, userID)
	}}
	c, err := contain.New(contain.NewMemory(), audit.Discard, late, contain.RevokeAtAuth0(s.client), contain.EndSessions(s.sessions), contain.CutTokens(s.cutoff, 2*time.Second, 24*time.Hour))
	require.NoError(t, err)
	order := contain.Order{UserID: s.user, By: "auth0|admin", Reason: "phished"}
	_, err = c.Run(t.Context(), "i1", order)
	require.Error(t, err)
	require.Eventually(t, func() bool { // a token of the second of the cut is refused too
		s.tokens, err = s.login(s.org)
		require.NoError(t, err)
		s.session, _, err = s.sessions.Create(t.Context(), session.Login{UserID: s.user, SID: "sid_2", AuthTime: time.Now()})
		require.NoError(t, err)
		access, cookie, refresh := s.works()
		return access && cookie && refresh
	}, 5*time.Second, 200*time.Millisecond)
	away = false
	receipt, err := c.Run(t.Context(), "i1", order)
	require.NoError(t, err)
	require.True(t, receipt.Closed())
	require.Eventually(t, func() bool {
		access, cookie, refresh := s.works()
		return !access && !cookie && !refresh
	}, 5*time.Second, 50*time.Millisecond)
}

// Of an account that was deleted at Auth0 meanwhile, the rest is closed all the same.
func TestDeletedMeanwhile(t *testing.T) {
	t.Parallel()
	s := newStolen(t)
	require.NoError(t, s.client.DeleteUser(t.Context(), s.user))
	receipt, err := s.containment(contain.NewMemory()).Run(t.Context(), "i1", contain.Order{UserID: s.user, By: "auth0|admin"})
	require.NoError(t, err)
	require.True(t, receipt.Closed())
	assert.Equal(t, "there is no such user", receipt.Answers[0].Did)
	access, cookie, refresh := s.works()
	assert.False(t, access || cookie || refresh)
}

// Auth0 throttles, fails, or answers nobody in one of the steps: everything else is
// closed, the receipt says what is open, and another process goes on.
func TestAuth0FailsInOneStep(t *testing.T) {
	t.Parallel()
	for _, route := range []string{
		"PATCH /api/v2/users/{id}", "POST /api/v2/users/{id}/revoke-access",
		"DELETE /api/v2/users/{id}/authenticators",
	} {
		for name, fault := range map[string]auth0test.Fault{"429": {RetryAfter: time.Hour}, "503": {Status: 503}, "no answer": {CutAfter: true}} {
			if !strings.HasPrefix(route, "P") && name != "429" {
				continue // each takes as long as the client tries
			}
			t.Run(name+" "+route, func(t *testing.T) {
				t.Parallel()
				s := newStolen(t)
				book, order := contain.NewMemory(), contain.Order{UserID: s.user, By: "auth0|admin", Reason: "phished"}
				remove := s.tenant.Fault(route, fault)
				receipt, err := s.process(book, s.tenant.Machine()).Run(t.Context(), "i1", order)
				require.Error(t, err)
				assert.False(t, receipt.Closed())
				failed := 0
				for _, a := range receipt.Answers {
					if a.Failed != "" {
						failed++
					}
				}
				assert.Equal(t, 1, failed, "no other step")
				access, cookie, _ := s.works()
				assert.False(t, access || cookie)
				remove()
				receipt, err = s.process(book, s.tenant.Machine()).Run(t.Context(), "i1", order)
				require.NoError(t, err)
				assert.True(t, receipt.Closed())
				require.Eventually(t, func() bool {
					access, cookie, refresh := s.works()
					return !access && !cookie && !refresh
				}, 5*time.Second, 50*time.Millisecond)
				_, err = s.login("")
				require.Error(t, err)
			})
		}
	}
}

// process is one of the application, with a client of its own.
func (s *stolen) process(book contain.Book, machine auth0test.Application) *contain.Containment {
	s.Helper()
	client, err := management.New(management.Config{Domain: s.server.Domain, ClientID: machine.ID, ClientSecret: machine.Secret, HTTPClient: s.server.Client, MaxWait: 100 * time.Millisecond})
	require.NoError(s, err)
	factors, err := guardian.New(client, guardian.Config{Store: guardian.NewMemory(), Keys: [][]byte{[]byte("0123456789abcdef0123456789abcdef")}, Issuer: "Example"})
	require.NoError(s, err)
	c, err := contain.New(book, audit.Discard, contain.Block(client), contain.RevokeAtAuth0(client), contain.EndSessions(s.sessions),
		contain.CutTokens(s.cutoff, 2*time.Second, 24*time.Hour), contain.ResetFactors(factors))
	require.NoError(s, err)
	return c
}

// TestScopes: the scopes that docs/containment lists suffice, and none is listed in vain.
func TestScopes(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("../../../docs/containment/README.md")
	require.NoError(t, err)
	scopes := regexp.MustCompile(`(?:read|update|delete):[a-z_]+`).FindAllString(string(text), -1)
	slices.Sort(scopes)
	scopes = slices.Compact(scopes)
	require.Len(t, scopes, 4)
	run := func(scopes []string) error {
		s := newStolen(t)
		s.tenant.Enroll(s.user, "otp", "")
		machine := s.tenant.AddClient(auth0test.Application{Grants: []string{"client_credentials"}, Scopes: scopes})
		_, err := s.process(contain.NewMemory(), machine).Run(t.Context(), "i1", contain.Order{UserID: s.user, By: "auth0|admin"})
		return err
	}
	require.NoError(t, run(scopes))
	for i, scope := range scopes {
		assert.ErrorIs(t, run(slices.Delete(slices.Clone(scopes), i, i+1)), resource.ErrForbidden, scope)
	}
}
