package guardian_test

import (
	"context"
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/auth0kit/auth0kit/audit"
	"github.com/auth0kit/auth0kit/guardian"
	"github.com/auth0kit/auth0kit/management/auth0test"
	"github.com/auth0kit/auth0kit/management/resource"
)

func (s *stage) request(f guardian.Factor, token string) guardian.Request {
	return guardian.Request{UserID: s.user, Factor: f, MFAToken: token}
}

func (s *stage) lastMessage() auth0test.Message {
	s.Helper()
	messages := s.tenant.Outbox()
	if len(messages) == 0 {
		s.Fatal("nothing was sent")
	}
	return messages[len(messages)-1]
}

// answer waits until the tenant has sent a push, and then for d.
func (s *stage) answer(d time.Duration, how func(auth0test.Message) error) {
	before := len(s.tenant.Outbox())
	go func() {
		for len(s.tenant.Outbox()) == before {
			time.Sleep(time.Second)
		}
		time.Sleep(d)
		if err := how(s.lastMessage()); err != nil {
			s.Error(err)
		}
	}()
}

func TestMFAOTP(t *testing.T) {
	onStage(t, guardian.Config{}, func(s *stage) {
		seed := s.tenant.Enroll(s.user, "otp", "")
		r := s.request(guardian.OTP, s.mfaToken())
		r.Code = "000000"
		_, err := s.service.Verify(s.Context(), r)
		if e := s.wantNo(err, guardian.ErrWrongCode); e.AttemptsLeft != 99 {
			s.Errorf("%+v", e)
		}
		r.Code = s.otp(seed)
		v, err := s.service.Verify(s.Context(), r)
		if err != nil || v.Tokens == nil || v.Tokens.Access == "" || v.Tokens.ID == "" || !slices.Equal(v.AMR, []string{"mfa", "otp"}) {
			s.Fatalf("%v, %v", v, err)
		}
		_, err = s.service.Verify(s.Context(), r) // The token is spent.
		s.wantNo(err, guardian.ErrExpired)
		r.MFAToken = s.mfaToken()
		time.Sleep(10*time.Minute + time.Second)
		_, err = s.service.Verify(s.Context(), r)
		s.wantNo(err, guardian.ErrExpired)
		if _, err := s.service.Verify(s.Context(), guardian.Request{UserID: s.user, Factor: guardian.OTP, Code: "123456"}); err == nil {
			s.Error("without a token it is a yes")
		}
	})
}

// The mfa_token says who logs in: it proves nothing of another user.
func TestMFAOfSomebodyElse(t *testing.T) {
	onStage(t, guardian.Config{}, func(s *stage) {
		seed := s.tenant.Enroll(s.user, "otp", "")
		r := s.request(guardian.OTP, s.mfaToken())
		r.Code, r.UserID = s.otp(seed), "auth0|somebody-else"
		v, err := s.service.Verify(s.Context(), r)
		s.wantNo(err, guardian.ErrWrongCode)
		if v != nil {
			s.Error("a no has a verification")
		}
	})
}

func TestMFAMessages(t *testing.T) {
	for factor, address := range map[guardian.Factor]string{guardian.SMS: "+4930123456", guardian.Email: "ada@example.com"} {
		t.Run(string(factor), func(t *testing.T) {
			onStage(t, guardian.Config{}, func(s *stage) {
				s.tenant.Enroll(s.user, string(factor), address)
				r := s.request(factor, s.mfaToken())
				if _, err := s.service.Verify(s.Context(), r); err == nil {
					s.Error("a request without a challenge is a yes")
				}
				c, err := s.service.Challenge(s.Context(), r)
				if err != nil || !c.NeedsCode {
					s.Fatalf("%v, %v", c, err)
				}
				s.wantEvent("guardian.challenge", audit.Success, "")
				r.OOBCode = c.OOBCode
				for _, bad := range []string{"", "000000x"} {
					r.Code = bad
					_, err = s.service.Verify(s.Context(), r)
					s.wantNo(err, guardian.ErrWrongCode)
				}
				r.Code = s.lastMessage().Code
				if v, err := s.service.Verify(s.Context(), r); err != nil || v.UserID != s.user {
					s.Errorf("%v, %v", v, err)
				}
				if _, err := s.service.Challenge(s.Context(), s.request(guardian.Push, s.mfaToken())); !errors.Is(err, guardian.ErrNotEnrolled) {
					s.Errorf("a challenge by a factor that the user does not have: %v", err)
				}
			})
		})
	}
}

func TestPushIsApproved(t *testing.T) {
	onStage(t, guardian.Config{}, func(s *stage) {
		s.tenant.Enroll(s.user, "push-notification", "")
		s.answer(17*time.Second, auth0test.Message.Approve)
		v, err := s.service.Verify(s.Context(), s.request(guardian.Push, s.mfaToken()))
		if err != nil || !slices.Equal(v.AMR, []string{"mfa", "swk"}) {
			s.Fatalf("%v, %v", v, err)
		}
		if n := s.count("POST", "/oauth/token"); n > 8 {
			s.Errorf("%d requests in 20 s", n)
		}
	})
}

func TestPushIsDenied(t *testing.T) {
	onStage(t, guardian.Config{}, func(s *stage) {
		s.tenant.Enroll(s.user, "push-notification", "")
		s.answer(7*time.Second, auth0test.Message.Deny)
		_, err := s.service.Verify(s.Context(), s.request(guardian.Push, s.mfaToken()))
		if e := s.wantNo(err, guardian.ErrDenied); e.AttemptsLeft != 99 {
			s.Errorf("%+v", e)
		}
		s.wantEvent("guardian.verify", audit.Failure, "denied")
	})
}

// Polls that Auth0 finds too many make it wait longer, not fail.
func TestPushSlowDown(t *testing.T) {
	onStage(t, guardian.Config{}, func(s *stage) {
		s.tenant.Enroll(s.user, "push-notification", "")
		token := s.mfaToken()
		mfa := s.mfa()
		c, err := mfa.Challenge(s.Context(), s.request(guardian.Push, token))
		if err != nil || c.NeedsCode {
			s.Fatalf("%v, %v", c, err)
		}
		r := s.request(guardian.Push, token)
		r.OOBCode = c.OOBCode
		short, stop := context.WithTimeout(s.Context(), time.Second)
		defer stop()
		for range 14 { // Each polls once; together they use up what is allowed.
			if _, err := mfa.Verify(short, r); !errors.Is(err, context.DeadlineExceeded) {
				s.Fatalf("err = %v", err)
			}
		}
		go func() {
			time.Sleep(20 * time.Second)
			if err := s.lastMessage().Approve(); err != nil {
				s.Error(err)
			}
		}()
		if _, err := s.service.Verify(s.Context(), r); err != nil {
			s.Errorf("after slow_down: %v", err)
		}
	})
}

// A context that ends is no yes, and a push that was not answered counts: else
// nothing would keep somebody from being asked until they say yes.
func TestPushIsNotAnswered(t *testing.T) {
	onStage(t, guardian.Config{}, func(s *stage) {
		s.tenant.Enroll(s.user, "push-notification", "")
		token := s.mfaToken()
		for range 5 {
			ctx, stop := context.WithTimeout(s.Context(), 13*time.Second)
			v, err := s.service.Verify(ctx, s.request(guardian.Push, token))
			stop()
			if v != nil || !errors.Is(err, context.DeadlineExceeded) {
				s.Fatalf("%v, %v", v, err)
			}
		}
		sent := len(s.tenant.Outbox())
		_, err := s.service.Verify(s.Context(), s.request(guardian.Push, token))
		s.wantNo(err, guardian.ErrThrottled)
		if len(s.tenant.Outbox()) != sent {
			s.Error("a throttled request reached the phone")
		}
	})
}

func TestRecoveryCodeOfAuth0(t *testing.T) {
	onStage(t, guardian.Config{}, func(s *stage) {
		s.tenant.Enroll(s.user, "otp", "")
		s.tenant.Enroll(s.user, "recovery-code", "")
		code, err := s.service.RegenerateRecoveryCode(s.Context(), s.user)
		if err != nil || len(code) != 24 {
			s.Fatalf("%d letters, %v", len(code), err)
		}
		s.wantEvent("guardian.recovery_codes", audit.Success, "")
		r := s.request(guardian.RecoveryCode, s.mfaToken())
		r.Code = code
		v, err := s.service.Verify(s.Context(), r)
		if err != nil || v.NewRecoveryCode == "" || v.NewRecoveryCode == code {
			s.Fatalf("%v, %v", v, err)
		}
		r.MFAToken = s.mfaToken()
		_, err = s.service.Verify(s.Context(), r)
		s.wantNo(err, guardian.ErrWrongCode)
		r.Code = v.NewRecoveryCode
		if _, err := s.service.Verify(s.Context(), r); err != nil {
			s.Errorf("the code in its place: %v", err)
		}
	})
}

// Auth0's own limits are a no with a time.
func TestAuth0Throttles(t *testing.T) {
	onStage(t, guardian.Config{}, func(s *stage) {
		seed := s.tenant.Enroll(s.user, "otp", "")
		mfa := s.mfa()
		r := s.request(guardian.OTP, s.mfaToken())
		r.Code = s.badOTP(seed)
		for range 10 {
			if _, err := mfa.Verify(s.Context(), r); !errors.Is(err, guardian.ErrWrongCode) {
				s.Fatalf("err = %v", err)
			}
		}
		_, err := s.service.Verify(s.Context(), r)
		if e := s.wantNo(err, guardian.ErrThrottled); e.RetryAfter <= 0 || e.RetryAfter > 6*time.Minute || e.AttemptsLeft != 100 {
			s.Errorf("%+v", e)
		}
	})
}

func TestAssociate(t *testing.T) {
	onStage(t, guardian.Config{}, func(s *stage) {
		s.tenant.SetMFAPolicies("all-applications")
		s.tenant.SetFactor("otp", true)
		s.tenant.SetFactor("recovery-code", true)
		token := s.mfaToken()
		if _, err := s.service.Associate(s.Context(), s.user, token, guardian.SMS, "+4930123456"); !errors.Is(err, guardian.ErrFactorDisabled) {
			s.Errorf("sms is off: %v", err)
		}
		a, err := s.service.Associate(s.Context(), s.user, token, guardian.OTP, "")
		if err != nil || a.Key == nil || len(a.RecoveryCodes) != 1 {
			s.Fatalf("%v, %v", a, err)
		}
		s.wantEvent("guardian.associate", audit.Success, "")
		r := s.request(guardian.OTP, token)
		r.Code = s.otp(a.Key.Secret())
		if _, err := s.service.Verify(s.Context(), r); err != nil {
			s.Fatal(err)
		}
		all, err := s.service.Enrollments(s.Context(), s.user)
		if err != nil || len(all) != 2 || all[0].Factor != guardian.OTP || !all[0].Confirmed {
			s.Errorf("%+v, %v", all, err)
		}
		if _, err := s.service.Associate(s.Context(), s.user, s.mfaToken(), guardian.OTP, ""); !errors.Is(err, guardian.ErrStepUp) {
			s.Errorf("a second factor by an mfa_token: %v", err)
		}
		if _, err := s.service.Associate(s.Context(), s.user, token, guardian.RecoveryCode, ""); err == nil {
			s.Error("a recovery code was associated")
		}
	})
}

// An answer that is no answer is neither yes nor no, and no attempt.
func TestAuth0IsDown(t *testing.T) {
	onStage(t, guardian.Config{}, func(s *stage) {
		seed := s.tenant.Enroll(s.user, "otp", "")
		r := s.request(guardian.OTP, s.mfaToken())
		r.Code = s.otp(seed)
		remove := s.tenant.Fault("POST /oauth/token", auth0test.Fault{Status: 503})
		for range 8 {
			_, err := s.service.Verify(s.Context(), r)
			if _, isNo := errors.AsType[*guardian.VerifyError](err); err == nil || isNo {
				s.Fatalf("err = %v", err)
			}
		}
		s.wantEvent("guardian.verify", audit.Failure, "error")
		remove()
		if _, err := s.service.Verify(s.Context(), r); err != nil {
			s.Errorf("eight outages were counted as failures: %v", err)
		}
		down := s.tenant.Fault("GET /api/v2/users/{id}/authentication-methods", auth0test.Fault{Status: 503})
		defer down()
		time.Sleep(time.Hour)
		if _, err := s.service.EnrollTOTP(s.Context(), s.user, "ada@example.com", nil); !errors.Is(err, resource.ErrUnavailable) {
			s.Errorf("whether it is the first factor is not known: %v", err)
		}
	})
}

// own is a verifier of a user of this package.
type own struct{ user string }

func (o own) Verify(context.Context, guardian.Request) (*guardian.Verification, error) {
	if o.user == "" {
		return nil, nil
	}
	return &guardian.Verification{UserID: o.user}, nil
}

func TestOwnVerifier(t *testing.T) {
	t.Parallel()
	for user, yes := range map[string]bool{"auth0|1": true, "auth0|2": false, "": false} {
		s, err := guardian.New(nil, guardian.Config{Verifiers: map[guardian.Factor]guardian.Verifier{guardian.Duo: own{user}}})
		if err != nil {
			t.Fatal(err)
		}
		v, err := s.Verify(t.Context(), guardian.Request{UserID: "auth0|1", Factor: guardian.Duo})
		if (err == nil) != yes || (v != nil) != yes {
			t.Errorf("a verifier that proves %q: %v, %v", user, v, err)
		}
	}
}
