package guardian_test

import (
	"bytes"
	"io"
	"net/http"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/auth0kit/auth0kit/audit"
	"github.com/auth0kit/auth0kit/guardian"
	"github.com/auth0kit/auth0kit/management/auth0test"
)

// cibaStage has push by CIBA.
func cibaStage(t *testing.T, f func(s *stage)) {
	t.Helper()
	onStage(t, guardian.Config{}, func(s *stage) {
		service, err := guardian.New(s.tenant.Management(), guardian.Config{
			Store: s.store, Keys: [][]byte{newKey()}, Issuer: "Example", Recorder: s.log,
			Verifiers: map[guardian.Factor]guardian.Verifier{guardian.Push: s.ciba(s.api())},
		})
		if err != nil {
			s.Fatal(err)
		}
		s.service = service
		f(s)
	})
}

func (s *stage) ciba(api guardian.AuthAPI) *guardian.CIBA {
	s.Helper()
	v, err := guardian.NewCIBA(api)
	require.NoError(s, err)
	return v
}

func (s *stage) pay() (*guardian.Verification, error) {
	return s.service.Verify(s.Context(), guardian.Request{UserID: s.user, Factor: guardian.Push, Message: "Pay 10.00 EUR to ACME"})
}

func TestCIBA(t *testing.T) {
	cibaStage(t, func(s *stage) {
		_, err := s.pay()
		s.wantNo(err, guardian.ErrNotEnrolled)
		s.tenant.Enroll(s.user, "push-notification", "")
		s.answer(12*time.Second, func(m auth0test.Message) error {
			if m.Text != "Pay 10.00 EUR to ACME" {
				s.Errorf("the phone shows %q", m.Text)
			}
			return m.Approve()
		})
		v, err := s.pay()
		if err != nil || v.UserID != s.user || v.Tokens == nil {
			s.Fatalf("%v, %v", v, err)
		}
		s.answer(3*time.Second, auth0test.Message.Deny)
		_, err = s.pay()
		s.wantNo(err, guardian.ErrDenied)
		_, err = s.pay() // Nobody answers.
		if e := s.wantNo(err, guardian.ErrExpired); e.AttemptsLeft != 98 {
			s.Errorf("%+v", e)
		}
		s.wantEvent("guardian.verify", audit.Failure, "expired")
	})
}

// twice sends the first polls two times, so that Auth0 answers slow_down.
type twice struct {
	http.RoundTripper
	left     int
	slowDown int
}

func (d *twice) RoundTrip(r *http.Request) (*http.Response, error) {
	if r.URL.Path != "/oauth/token" || d.left == 0 {
		return d.RoundTripper.RoundTrip(r)
	}
	d.left--
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return nil, err
	}
	first := r.Clone(r.Context())
	first.Body = io.NopCloser(bytes.NewReader(body))
	res, err := d.RoundTripper.RoundTrip(first)
	if err != nil {
		return nil, err
	}
	res.Body.Close()
	r.Body = io.NopCloser(bytes.NewReader(body))
	res, err = d.RoundTripper.RoundTrip(r)
	if err != nil {
		return nil, err
	}
	answer, err := io.ReadAll(res.Body)
	if bytes.Contains(answer, []byte("slow_down")) {
		d.slowDown++
	}
	res.Body = io.NopCloser(bytes.NewReader(answer))
	return res, err
}

// slow_down makes the interval longer, for good.
func TestCIBASlowDown(t *testing.T) {
	cibaStage(t, func(s *stage) {
		s.tenant.Enroll(s.user, "push-notification", "")
		api := s.api()
		transport := &twice{RoundTripper: api.HTTPClient.Transport, left: 2}
		api.HTTPClient = &http.Client{Transport: transport}
		s.answer(40*time.Second, auth0test.Message.Approve)
		polls := s.count("POST", "/oauth/token")
		v, err := s.ciba(api).Verify(s.Context(), guardian.Request{UserID: s.user, Factor: guardian.Push, Message: "Pay"})
		if err != nil || v.UserID != s.user {
			s.Fatalf("%v, %v", v, err)
		}
		if transport.slowDown != 2 {
			s.Errorf("the tenant said slow_down %d times, want 2", transport.slowDown)
		}
		// Two polls are sent twice; 15 s after the second, then every 15 s until 40.
		if polls = s.count("POST", "/oauth/token") - polls; polls > 7 {
			s.Errorf("%d polls in 40 s with slow_down", polls)
		}
	})
}

func TestCIBAMessage(t *testing.T) {
	cibaStage(t, func(s *stage) {
		for _, m := range []string{"", "Pay 10 €", "a\nb", "<b>", string(make([]byte, 65))} {
			if _, err := s.service.Verify(s.Context(), guardian.Request{UserID: s.user, Factor: guardian.Push, Message: m}); err == nil {
				s.Errorf("the message %q was sent", m)
			}
		}
		if n := s.count("POST", "/bc-authorize"); n != 0 {
			s.Errorf("%d requests", n)
		}
	})
}

// stormy gives the first polls answers that say nothing of the user.
type stormy struct {
	http.RoundTripper
	polls, storms int
}

var storms = []func() (*http.Response, error){
	func() (*http.Response, error) { return nil, syscall.ECONNRESET },
	func() (*http.Response, error) { return page(http.StatusServiceUnavailable, "<h1>Maintenance</h1>") },
	func() (*http.Response, error) { return page(http.StatusBadGateway, "<h1>Bad gateway</h1>") },
	func() (*http.Response, error) {
		return page(http.StatusTooManyRequests, `{"error":"access_denied","error_description":"Too many requests"}`)
	},
	func() (*http.Response, error) { return page(http.StatusOK, "<h1>Sign in to the guest network</h1>") },
}

func page(status int, body string) (*http.Response, error) {
	return &http.Response{StatusCode: status, Header: http.Header{}, Body: io.NopCloser(strings.NewReader(body))}, nil
}

func (s *stormy) RoundTrip(r *http.Request) (*http.Response, error) {
	if r.URL.Path != "/oauth/token" {
		return s.RoundTripper.RoundTrip(r)
	}
	if s.polls++; s.polls <= s.storms {
		return storms[(s.polls-1)%len(storms)]()
	}
	return s.RoundTripper.RoundTrip(r)
}

// What happens between us and Auth0 ends no approval that a user then gives, and a
// poll that gets no answer is repeated less often.
func TestApprovalsOutliveOutages(t *testing.T) {
	for name, ask := range map[string]func(s *stage, api guardian.AuthAPI) (*guardian.Verification, error){
		"CIBA": func(s *stage, api guardian.AuthAPI) (*guardian.Verification, error) {
			return s.ciba(api).Verify(s.Context(), guardian.Request{UserID: s.user, Factor: guardian.Push, Message: "Pay"})
		},
		"MFA": func(s *stage, api guardian.AuthAPI) (*guardian.Verification, error) {
			mfa, err := guardian.NewMFA(api)
			require.NoError(s, err)
			return mfa.Verify(s.Context(), guardian.Request{UserID: s.user, Factor: guardian.Push, MFAToken: s.mfaToken()})
		},
	} {
		t.Run(name, func(t *testing.T) {
			cibaStage(t, func(s *stage) {
				s.tenant.Enroll(s.user, "push-notification", "")
				api := s.api()
				storm := &stormy{RoundTripper: api.HTTPClient.Transport, storms: len(storms)}
				api.HTTPClient = &http.Client{Transport: storm}
				s.answer(2*time.Minute, auth0test.Message.Approve)
				v, err := ask(s, api)
				require.NoError(s, err)
				require.Equal(s, s.user, v.UserID)

				storm.polls, storm.storms = 0, 1000
				started := time.Now()
				_, err = ask(s, api)
				s.wantNo(err, guardian.ErrExpired)
				if took := time.Since(started); took > 5*time.Minute || storm.polls > 10 {
					s.Errorf("%d polls in %s of an outage", storm.polls, took)
				}
			})
		})
	}
}
