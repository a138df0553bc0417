package guardian_test

import (
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/auth0kit/auth0kit/audit"
	"github.com/auth0kit/auth0kit/guardian"
	"github.com/auth0kit/auth0kit/management/auth0test"
)

func TestEnrollVerifyReplay(t *testing.T) {
	onStage(t, guardian.Config{}, func(s *stage) {
		secret, codes := s.enroll(nil)
		if len(codes) != 10 || len(secret) != 32 {
			s.Fatalf("%d recovery codes, a secret of %d letters", len(codes), len(secret))
		}
		s.wantEvent("guardian.confirm", audit.Success, "")
		code := s.otp(secret)
		v, err := s.verify(guardian.LocalTOTP, code)
		if err != nil || v.UserID != s.user || v.Factor != guardian.LocalTOTP || !slices.Equal(v.AMR, []string{"mfa", "otp"}) || !v.Time.Equal(time.Now()) {
			s.Fatalf("%+v, %v", v, err)
		}
		s.wantEvent("guardian.verify", audit.Success, "")
		v, err = s.verify(guardian.LocalTOTP, code)
		if v != nil {
			s.Error("a no has a verification")
		}
		if e := s.wantNo(err, guardian.ErrReplayed); e.AttemptsLeft != 100 {
			s.Errorf("a replay was counted as a failure: %d left", e.AttemptsLeft)
		}
		s.wantEvent("guardian.verify", audit.Failure, "replayed")
		_, err = s.verify(guardian.LocalTOTP, s.badOTP(secret))
		if e := s.wantNo(err, guardian.ErrWrongCode); e.AttemptsLeft != 99 || e.RetryAfter != 0 {
			s.Errorf("%+v", e)
		}
		s.mustVerify(secret)
	})
}

func TestConfirmationCodeIsSpent(t *testing.T) {
	onStage(t, guardian.Config{}, func(s *stage) {
		key, err := s.service.EnrollTOTP(s.Context(), s.user, "ada@example.com", nil)
		if err != nil {
			s.Fatal(err)
		}
		code := s.otp(key.Secret())
		if _, err := s.service.ConfirmTOTP(s.Context(), s.user, code); err != nil {
			s.Fatal(err)
		}
		_, err = s.verify(guardian.LocalTOTP, code)
		s.wantNo(err, guardian.ErrReplayed)
	})
}

// Only ConfirmTOTP ends pending: an attacker who enrolls with a stolen session
// cannot use the app by Verify.
func TestVerifyDoesNotConfirm(t *testing.T) {
	onStage(t, guardian.Config{}, func(s *stage) {
		key, err := s.service.EnrollTOTP(s.Context(), s.user, "ada@example.com", nil)
		if err != nil {
			s.Fatal(err)
		}
		s.wantEvent("guardian.enroll", audit.Success, "")
		for range 2 {
			_, err = s.verify(guardian.LocalTOTP, s.otp(key.Secret()))
			s.wantNo(err, guardian.ErrNotEnrolled)
		}
		all, err := s.service.Enrollments(s.Context(), s.user)
		if err != nil || len(all) != 0 {
			s.Errorf("a pending enrollment is listed: %v, %v", all, err)
		}
	})
}

func TestSecondFactorNeedsProof(t *testing.T) {
	onStage(t, guardian.Config{}, func(s *stage) {
		secret, _ := s.enroll(nil)
		refused := func(what string, proof *guardian.Verification) {
			s.Helper()
			if key, err := s.service.EnrollTOTP(s.Context(), s.user, "ada@example.com", proof); !errors.Is(err, guardian.ErrStepUp) || key != nil {
				s.Errorf("%s: %v, %v", what, key, err)
			}
			s.wantEvent("guardian.enroll", audit.Failure, "step_up_required")
		}
		refused("no proof", nil)
		refused("a literal", &guardian.Verification{UserID: s.user, AMR: []string{"mfa"}, Time: time.Now()})
		stale := s.mustVerify(secret)
		time.Sleep(10*time.Minute + time.Second)
		refused("an old proof", stale)
		other := *s.mustVerify(secret)
		other.UserID = "auth0|mallory"
		refused("the proof of somebody else", &other)

		again, codes := s.enroll(s.mustVerify(secret))
		if codes != nil {
			s.Error("a second enrollment makes new recovery codes in place of those that the user has")
		}
		s.mustVerify(again) // Both are factors.
		s.mustVerify(secret)
	})
}

// A factor at Auth0 counts as one: the first local app needs a proof of it.
func TestFactorAtAuth0NeedsProof(t *testing.T) {
	onStage(t, guardian.Config{}, func(s *stage) {
		seed := s.tenant.Enroll(s.user, "otp", "")
		if _, err := s.service.EnrollTOTP(s.Context(), s.user, "ada@example.com", nil); !errors.Is(err, guardian.ErrStepUp) {
			s.Fatalf("err = %v", err)
		}
		v, err := s.service.Verify(s.Context(), guardian.Request{UserID: s.user, Factor: guardian.OTP, MFAToken: s.mfaToken(), Code: s.otp(seed)})
		if err != nil {
			s.Fatal(err)
		}
		s.enroll(v)
	})
}

// A pending enrollment that needed no proof is not confirmed after another factor
// has come.
func TestPendingWithoutProofIsRefusedLater(t *testing.T) {
	onStage(t, guardian.Config{}, func(s *stage) {
		mallory, err := s.service.EnrollTOTP(s.Context(), s.user, "ada@example.com", nil)
		if err != nil {
			s.Fatal(err)
		}
		time.Sleep(time.Minute)
		s.tenant.Enroll(s.user, "sms", "+4930123456")
		_, err = s.service.ConfirmTOTP(s.Context(), s.user, s.otp(mallory.Secret()))
		s.wantNo(err, guardian.ErrStepUp)
		s.wantEvent("guardian.confirm", audit.Failure, "step_up_required")
	})
}

func TestConfirmRefuses(t *testing.T) {
	onStage(t, guardian.Config{}, func(s *stage) {
		_, err := s.service.ConfirmTOTP(s.Context(), s.user, "123456")
		s.wantNo(err, guardian.ErrNotEnrolled)
		key, err := s.service.EnrollTOTP(s.Context(), s.user, "ada@example.com", nil)
		if err != nil {
			s.Fatal(err)
		}
		for _, code := range []string{"", "12345", "1234567", "abcdef"} {
			_, err = s.service.ConfirmTOTP(s.Context(), s.user, code)
			s.wantNo(err, guardian.ErrWrongCode)
		}
		bad := s.badOTP(key.Secret())
		for left := 5; left >= 0; left-- {
			_, err = s.service.ConfirmTOTP(s.Context(), s.user, bad)
			if e := s.wantNo(err, guardian.ErrWrongCode); e.AttemptsLeft != left {
				s.Errorf("%d attempts left, want %d", e.AttemptsLeft, left)
			}
		}
		_, err = s.service.ConfirmTOTP(s.Context(), s.user, s.otp(key.Secret()))
		s.wantNo(err, guardian.ErrNotEnrolled)

		key, err = s.service.EnrollTOTP(s.Context(), s.user, "ada@example.com", nil)
		if err != nil {
			s.Fatal(err)
		}
		time.Sleep(15 * time.Minute)
		_, err = s.service.ConfirmTOTP(s.Context(), s.user, s.otp(key.Secret()))
		s.wantNo(err, guardian.ErrExpired)
	})
}

// A wrong clock is learnt at the enrollment, and followed after it.
func TestDrift(t *testing.T) {
	onStage(t, guardian.Config{}, func(s *stage) {
		ahead := auth0test.NewTenant(auth0test.Options{}) // the clock of the phone
		ahead.Advance(90 * time.Second)
		key, err := s.service.EnrollTOTP(s.Context(), s.user, "ada@example.com", nil)
		if err != nil {
			s.Fatal(err)
		}
		if _, err := s.service.ConfirmTOTP(s.Context(), s.user, ahead.OTP(key.Secret())); err != nil {
			s.Fatal(err)
		}
		for i := range 3 {
			time.Sleep(time.Hour)
			if i == 2 {
				ahead.Advance(30 * time.Second)
			}
			if _, err := s.verify(guardian.LocalTOTP, ahead.OTP(key.Secret())); err != nil {
				s.Errorf("the phone is 90 to 120 s ahead: %v", err)
			}
		}
	})
}

func TestExactTime(t *testing.T) {
	onStage(t, guardian.Config{ExactTime: true}, func(s *stage) {
		secret, _ := s.enroll(nil)
		behind := s.otp(secret)
		time.Sleep(30 * time.Second)
		_, err := s.verify(guardian.LocalTOTP, behind)
		s.wantNo(err, guardian.ErrWrongCode)
		s.mustVerify(secret)
	})
}

// MirrorTOTP: one app serves the login at Auth0 and the backend.
func TestMirror(t *testing.T) {
	onStage(t, guardian.Config{MirrorTOTP: true}, func(s *stage) {
		if _, err := s.service.EnrollTOTP(s.Context(), s.user, "ada@example.com", nil); !errors.Is(err, guardian.ErrFactorDisabled) {
			s.Fatalf("the tenant has no otp: %v", err)
		}
		s.tenant.SetFactor("otp", true)
		secret, _ := s.enroll(nil)
		if err := s.login(s.badOTP(secret)); err == nil {
			s.Error("a login without the code passed")
		}
		if err := s.login(s.otp(secret)); err != nil {
			s.Errorf("login at Auth0 with the mirrored app: %v", err)
		}
		s.mustVerify(secret)
		all, err := s.service.Enrollments(s.Context(), s.user)
		if err != nil || len(all) != 2 || !all[0].Mirrored || all[0].Factor != guardian.LocalTOTP || all[1].Factor != guardian.LocalRecovery {
			s.Errorf("enrollments %+v, %v", all, err)
		}
		if err := s.service.Remove(s.Context(), s.user, all[0].ID); err != nil {
			s.Fatal(err)
		}
		if err := s.login(""); err != nil {
			s.Errorf("after the removal Auth0 asks for a factor: %v", err)
		}
	})
}

// What Auth0 refuses is undone here.
func TestMirrorFails(t *testing.T) {
	onStage(t, guardian.Config{MirrorTOTP: true}, func(s *stage) {
		s.tenant.SetFactor("otp", true)
		key, err := s.service.EnrollTOTP(s.Context(), s.user, "ada@example.com", nil)
		if err != nil {
			s.Fatal(err)
		}
		remove := s.tenant.Fault("POST /api/v2/users/{id}/authentication-methods", auth0test.Fault{Status: 403})
		if codes, err := s.service.ConfirmTOTP(s.Context(), s.user, s.otp(key.Secret())); err == nil || codes != nil {
			s.Fatalf("%v, %v", codes, err)
		}
		s.wantEvent("guardian.confirm", audit.Failure, "error")
		remove()
		_, err = s.verify(guardian.LocalTOTP, s.otp(key.Secret()))
		s.wantNo(err, guardian.ErrNotEnrolled)
		if all, err := s.service.Enrollments(s.Context(), s.user); err != nil || len(all) != 0 {
			s.Errorf("enrollments %+v, %v", all, err)
		}
		_, err = s.service.ConfirmTOTP(s.Context(), s.user, s.otp(key.Secret()))
		s.wantNo(err, guardian.ErrReplayed)
		time.Sleep(30 * time.Second)
		codes, err := s.service.ConfirmTOTP(s.Context(), s.user, s.otp(key.Secret()))
		if err != nil || len(codes) != 10 {
			s.Fatalf("the next code: %v, %v", codes, err)
		}
	})
}

func TestRecoveryCodes(t *testing.T) {
	onStage(t, guardian.Config{}, func(s *stage) {
		_, codes := s.enroll(nil)
		for i, code := range codes {
			if len(code) != 19 || slices.Index(codes, code) != i {
				s.Errorf("code of %d letters, or twice there", len(code))
			}
		}
		v, err := s.verify(guardian.LocalRecovery, codes[0])
		if err != nil || !slices.Equal(v.AMR, []string{"mfa"}) || v.NewRecoveryCode == "" || slices.Contains(codes, v.NewRecoveryCode) {
			s.Fatalf("%v, %v", v, err)
		}
		_, err = s.verify(guardian.LocalRecovery, codes[0])
		s.wantNo(err, guardian.ErrWrongCode)
		if _, err := s.verify(guardian.LocalRecovery, " "+v.NewRecoveryCode[:4]+" "+v.NewRecoveryCode[5:]); err != nil {
			s.Errorf("the new code, typed with spaces: %v", err)
		}
		for _, bad := range []string{"", "AAAAA", codes[1] + "A", "9999-9999-9999-9999"} {
			_, err = s.verify(guardian.LocalRecovery, bad)
			s.wantNo(err, guardian.ErrWrongCode)
		}
		if fresh, err := s.service.RenewRecoveryCodes(s.Context(), s.user, nil); !errors.Is(err, guardian.ErrStepUp) || fresh != nil {
			s.Errorf("%v, %v", fresh, err)
		}
		fresh, err := s.service.RenewRecoveryCodes(s.Context(), s.user, v)
		if err != nil || len(fresh) != 10 {
			s.Fatalf("%v, %v", fresh, err)
		}
		_, err = s.verify(guardian.LocalRecovery, codes[2])
		s.wantNo(err, guardian.ErrWrongCode)
		if _, err := s.verify(guardian.LocalRecovery, fresh[9]); err != nil {
			s.Error(err)
		}
	})
}

// Rule 9: what gives somebody more is undone when it cannot be recorded.
func TestUnrecordedEnrollmentIsUndone(t *testing.T) {
	log := &failing{Recorder: audit.NewMemory()}
	onStage(t, guardian.Config{Recorder: log, MirrorTOTP: true}, func(s *stage) {
		s.tenant.SetFactor("otp", true)
		ctx := s.Context()
		unrecorded := func(what string, err error) {
			s.Helper()
			if !errors.Is(err, audit.ErrNotRecorded) {
				s.Errorf("%s: %v", what, err)
			}
			log.down = false
		}
		log.down = true
		key, err := s.service.EnrollTOTP(ctx, s.user, "ada@example.com", nil)
		unrecorded("EnrollTOTP", err)
		if key != nil {
			s.Error("an unrecorded enrollment has a key")
		}
		_, err = s.service.ConfirmTOTP(ctx, s.user, "123456")
		s.wantNo(err, guardian.ErrNotEnrolled)

		key, err = s.service.EnrollTOTP(ctx, s.user, "ada@example.com", nil)
		if err != nil {
			s.Fatal(err)
		}
		log.down = true
		codes, err := s.service.ConfirmTOTP(ctx, s.user, s.otp(key.Secret()))
		unrecorded("ConfirmTOTP", err)
		if codes != nil {
			s.Error("an unrecorded enrollment has recovery codes")
		}
		if all, err := s.service.Enrollments(ctx, s.user); err != nil || len(all) != 0 {
			s.Errorf("enrollments %+v, %v", all, err)
		}
		time.Sleep(30 * time.Second)
		if codes, err = s.service.ConfirmTOTP(ctx, s.user, s.otp(key.Secret())); err != nil {
			s.Fatal(err)
		}
		time.Sleep(30 * time.Second)
		log.down = true
		v, err := s.verify(guardian.LocalTOTP, s.otp(key.Secret()))
		unrecorded("Verify", err)
		if v != nil {
			s.Error("an unrecorded proof is one")
		}
		proof := s.mustVerify(key.Secret())
		log.down = true
		_, err = s.service.RenewRecoveryCodes(ctx, s.user, proof)
		unrecorded("RenewRecoveryCodes", err)
		if _, err := s.verify(guardian.LocalRecovery, codes[0]); err != nil {
			s.Errorf("the old codes are gone: %v", err)
		}
		log.down = true
		_, err = s.service.EnrollmentTickets(ctx, s.user, guardian.OTP)
		unrecorded("EnrollmentTickets", err)
		log.down = true
		code, err := s.service.RegenerateRecoveryCode(ctx, s.user)
		unrecorded("RegenerateRecoveryCode", err)
		if code != "" {
			s.Error("an unrecorded code was returned")
		}
		log.down = true
		unrecorded("Remove", s.service.Remove(ctx, s.user, s.apps()[0].ID))
		_, err = s.verify(guardian.LocalTOTP, "123456")
		s.wantNo(err, guardian.ErrNotEnrolled)
		log.down = true
		unrecorded("Reset", s.service.Reset(ctx, s.user))
	})
}
