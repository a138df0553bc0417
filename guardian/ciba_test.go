package guardian_test

import (
	"bytes"
	"io"
	"net/http"
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
