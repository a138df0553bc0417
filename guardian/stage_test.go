package guardian_test

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/pquerna/otp/totp"

	"github.com/stretchr/testify/require"

	"github.com/auth0kit/auth0kit/audit"
	"github.com/auth0kit/auth0kit/guardian"
	"github.com/auth0kit/auth0kit/guardian/driver"
	"github.com/auth0kit/auth0kit/internal/issuer"
	"github.com/auth0kit/auth0kit/internal/oauth"
	"github.com/auth0kit/auth0kit/management/auth0test"
	"github.com/auth0kit/auth0kit/management/resource"
)

const password = "correct horse"

// stage is a tenant with a user, and a Service on it. Its time is that of a
// bubble: sleeping costs nothing.
type stage struct {
	*testing.T
	tenant  *auth0test.Tenant
	app     auth0test.Application
	store   driver.Store
	log     *audit.Memory
	user    string
	service *guardian.Service
}

// newKey makes a key of 32 random bytes.
func newKey() []byte {
	key := make([]byte, 32)
	rand.Read(key)
	return key
}

// onStage runs f in a bubble.
func onStage(t *testing.T, cfg guardian.Config, f func(s *stage)) {
	t.Helper()
	t.Parallel()
	synctest.Test(t, func(t *testing.T) { f(newStage(t, cfg, auth0test.Options{})) })
}

func newStage(t *testing.T, cfg guardian.Config, opts auth0test.Options) *stage {
	t.Helper()
	s := &stage{T: t, tenant: auth0test.NewTenant(opts), store: guardian.NewMemory(), log: audit.NewMemory()}
	s.app = s.tenant.AddClient(auth0test.Application{CallbackURL: "https://app.example.com/callback"})
	s.user = s.tenant.AddUser(resource.User{Email: "ada@example.com"}, password)
	if cfg.Store == nil {
		cfg.Store = s.store
	}
	if cfg.Keys == nil {
		cfg.Keys = [][]byte{newKey()}
	}
	if cfg.Recorder == nil {
		cfg.Recorder = s.log
	}
	if cfg.Verifiers == nil {
		mfa := s.mfa()
		cfg.Verifiers = map[guardian.Factor]guardian.Verifier{
			guardian.OTP: mfa, guardian.SMS: mfa, guardian.Email: mfa, guardian.Push: mfa, guardian.RecoveryCode: mfa,
		}
	}
	cfg.Issuer = "Example"
	service, err := guardian.New(s.tenant.Management(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	s.service = service
	return s
}

func (s *stage) mfa() *guardian.MFA {
	s.Helper()
	v, err := guardian.NewMFA(s.api())
	require.NoError(s, err)
	return v
}

// api is the application at the Authentication API.
func (s *stage) api() guardian.AuthAPI {
	return guardian.AuthAPI{Domain: auth0test.DefaultDomain, ClientID: s.app.ID, ClientSecret: s.app.Secret, HTTPClient: s.tenant.HTTPClient()}
}

// otp is the code that an app shows now.
func (s *stage) otp(secret string) string { return s.tenant.OTP(secret) }

// badOTP is a code that an app shows at no time near now.
func (s *stage) badOTP(secret string) string { return wrongCode(s.T, secret) }

// codeNow is the code that an app shows now.
func codeNow(t testing.TB, secret string) string { return codeAt(t, secret, time.Now()) }

func codeAt(t testing.TB, secret string, at time.Time) string {
	t.Helper()
	code, err := totp.GenerateCode(secret, at)
	if err != nil {
		t.Fatal(err)
	}
	return code
}

// wrongCode is a code that an app shows at no time near now.
func wrongCode(t testing.TB, secret string) string {
	t.Helper()
	near := make(map[string]bool)
	for step := -6; step <= 6; step++ {
		near[codeAt(t, secret, time.Now().Add(time.Duration(step)*30*time.Second))] = true
	}
	for i := 0; ; i++ {
		if code := fmt.Sprintf("%06d", i); !near[code] {
			return code
		}
	}
}

// enroll gives the user the local app.
func (s *stage) enroll(proof *guardian.Verification) (secret string, codes []string) {
	s.Helper()
	key, err := s.service.EnrollTOTP(s.Context(), s.user, "ada@example.com", proof)
	if err != nil {
		s.Fatal(err)
	}
	codes, err = s.service.ConfirmTOTP(s.Context(), s.user, s.otp(key.Secret()))
	if err != nil {
		s.Fatal(err)
	}
	time.Sleep(time.Minute) // The code is spent.
	return key.Secret(), codes
}

// apps are the user's local apps.
func (s *stage) apps() (apps []guardian.Enrollment) {
	s.Helper()
	all, err := s.service.Enrollments(s.Context(), s.user)
	require.NoError(s, err)
	return slices.DeleteFunc(all, func(e guardian.Enrollment) bool { return e.Factor != guardian.LocalTOTP })
}

func (s *stage) verify(f guardian.Factor, code string) (*guardian.Verification, error) {
	return s.service.Verify(s.Context(), guardian.Request{UserID: s.user, Factor: f, Code: code})
}

// mustVerify gives a proof by the local app, half a minute later.
func (s *stage) mustVerify(secret string) *guardian.Verification {
	s.Helper()
	time.Sleep(30 * time.Second)
	v, err := s.verify(guardian.LocalTOTP, s.otp(secret))
	if err != nil {
		s.Fatal(err)
	}
	return v
}

// wantNo compares the sentinel of a no and returns it.
func (s *stage) wantNo(err, want error) *guardian.VerifyError {
	s.Helper()
	e, is := errors.AsType[*guardian.VerifyError](err)
	if !is || !errors.Is(err, want) {
		s.Fatalf("err = %v, want a VerifyError with %v", err, want)
	}
	return e
}

// mfaToken logs in by password up to the second factor.
func (s *stage) mfaToken() string {
	s.Helper()
	a := s.api()
	app := &oauth.Client{Issuer: issuer.Issuer("https://" + a.Domain + "/"), ClientID: a.ClientID, ClientSecret: a.ClientSecret, HTTPClient: a.HTTPClient}
	_, err := app.PasswordRealm(s.Context(), oauth.PasswordLogin{
		Realm: auth0test.DefaultConnection, Username: "ada@example.com", Password: password, Scope: "openid offline_access",
	})
	e, is := errors.AsType[*oauth.Error](err)
	if !is || e.MFAToken == "" {
		s.Fatalf("the login did not stop at the second factor: %v", err)
	}
	return e.MFAToken
}

// login logs in with the hosted pages.
func (s *stage) login(otp string) error {
	_, err := s.tenant.Login(s.Context(), auth0test.Login{ClientID: s.app.ID, Identifier: "ada@example.com", Password: password, OTP: otp})
	return err
}

// count is how many requests the tenant got on a route, by the end of the path.
func (s *stage) count(method, suffix string) (n int) {
	for _, r := range s.tenant.Requests() {
		if r.Method == method && strings.HasSuffix(r.Path, suffix) {
			n++
		}
	}
	return n
}

// last is the last event.
func (s *stage) last() audit.Event {
	s.Helper()
	events := s.log.Events()
	if len(events) == 0 {
		s.Fatal("nothing was recorded")
	}
	return events[len(events)-1]
}

// wantEvent compares the last event.
func (s *stage) wantEvent(action string, outcome audit.Outcome, reason string) {
	s.Helper()
	if e := s.last(); e.Action != action || e.Outcome != outcome || e.Reason != reason {
		s.Errorf("the last event is %s %s %q, want %s %s %q", e.Action, e.Outcome, e.Reason, action, outcome, reason)
	}
}

var secretOnPage = regexp.MustCompile(`id="secret">([A-Z0-9]+)<`)

// walkTicket does what a user does who opens the link of a ticket, and returns
// the secret of the app.
func (s *stage) walkTicket(link string) (secret string) {
	s.Helper()
	c := s.tenant.HTTPClient()
	c.Jar, _ = cookiejar.New(nil) // It has no error without options.
	res, err := c.Get(link)
	for range 5 {
		if err != nil {
			s.Fatal(err)
		}
		raw, err2 := io.ReadAll(res.Body)
		res.Body.Close()
		if err2 != nil {
			s.Fatal(err2)
		}
		form := url.Values{"state": {res.Request.URL.Query().Get("state")}}
		switch m := secretOnPage.FindSubmatch(raw); {
		case m != nil:
			secret = string(m[1])
			form.Set("code", s.otp(secret))
		case strings.Contains(string(raw), "You have been enrolled."):
			return secret
		case res.StatusCode != http.StatusOK:
			s.Fatalf("the ticket leads to %d %s", res.StatusCode, raw)
		}
		res, err = c.PostForm(res.Request.URL.String(), form)
	}
	s.Fatal("the enrollment does not end")
	return ""
}

// failing is a recorder that fails while it is told to.
type failing struct {
	audit.Recorder
	down bool
}

func (f *failing) Record(ctx context.Context, e audit.Event) error {
	if f.down {
		return errors.New("the log is full")
	}
	return f.Recorder.Record(ctx, e)
}
