package guardian_test

import (
	"errors"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/auth0kit/auth0kit/audit"
	"github.com/auth0kit/auth0kit/guardian"
	"github.com/auth0kit/auth0kit/guardian/driver"
)

func TestDelaysGrowAndSuccessResets(t *testing.T) {
	onStage(t, guardian.Config{}, func(s *stage) {
		secret, codes := s.enroll(nil)
		wrong := func() *guardian.VerifyError {
			s.Helper()
			_, err := s.verify(guardian.LocalTOTP, s.badOTP(secret))
			return s.wantNo(err, guardian.ErrWrongCode)
		}
		for i := range 4 {
			if e := wrong(); e.RetryAfter != 0 || e.AttemptsLeft != 99-i {
				s.Errorf("failure %d: %+v", i+1, e)
			}
		}
		for _, delay := range []time.Duration{30 * time.Second, time.Minute, 2 * time.Minute} {
			e := wrong()
			if e.RetryAfter != delay {
				s.Errorf("%+v, want a delay of %s", e, delay)
			}
			time.Sleep(delay - time.Second)
			_, err := s.verify(guardian.LocalTOTP, s.otp(secret)) // The right one is not heard.
			if e := s.wantNo(err, guardian.ErrThrottled); e.RetryAfter != time.Second {
				s.Errorf("a second before the end: %+v", e)
			}
			s.wantEvent("guardian.verify", audit.Failure, "throttled")
			time.Sleep(time.Second)
		}
		if _, err := s.verify(guardian.LocalRecovery, codes[0]); err != nil {
			s.Errorf("another factor is delayed too: %v", err)
		}
		_, err := s.verify(guardian.LocalTOTP, s.badOTP(secret))
		if e := s.wantNo(err, guardian.ErrWrongCode); e.RetryAfter != 4*time.Minute {
			s.Errorf("success with another factor reset this one: %+v", e)
		}
		time.Sleep(4 * time.Minute)
		s.mustVerify(secret)
		if e := wrong(); e.RetryAfter != 0 || e.AttemptsLeft != 99 {
			s.Errorf("after success: %+v", e)
		}
	})
}

func TestLockNeedsRebinding(t *testing.T) {
	onStage(t, guardian.Config{MaxFailures: 12}, func(s *stage) {
		secret, codes := s.enroll(nil)
		for i := range 12 {
			time.Sleep(4 * time.Hour)
			_, err := s.verify(guardian.LocalTOTP, s.badOTP(secret))
			if e := s.wantNo(err, guardian.ErrWrongCode); e.AttemptsLeft != 11-i {
				s.Errorf("failure %d: %+v", i+1, e)
			}
		}
		s.wantEvent("guardian.lock", audit.Success, "")
		for range 2 {
			time.Sleep(30 * 24 * time.Hour)
			_, err := s.verify(guardian.LocalTOTP, s.otp(secret))
			if e := s.wantNo(err, guardian.ErrLocked); e.AttemptsLeft != 0 {
				s.Errorf("%+v", e)
			}
		}
		s.wantEvent("guardian.verify", audit.Failure, "locked")
		proof, err := s.verify(guardian.LocalRecovery, codes[0])
		if err != nil {
			s.Fatal(err)
		}
		again, _ := s.enroll(proof)
		s.mustVerify(again)
		_, err = s.verify(guardian.LocalTOTP, s.otp(secret))
		s.wantNo(err, guardian.ErrWrongCode)
	})
}

// Somebody who fails on purpose locks no recovery codes: a right one cannot be guessed,
// so it is heard whatever came before. Wrong ones are counted, and their user is told.
func TestRecoveryCodesCannotBeLocked(t *testing.T) {
	onStage(t, guardian.Config{MaxFailures: 12}, func(s *stage) {
		_, codes := s.enroll(nil)
		for _, pause := range []time.Duration{0, 4 * time.Hour} { // Delayed, and locked.
			for range 30 {
				_, err := s.verify(guardian.LocalRecovery, "AAAA-AAAA-AAAA-AAAA")
				if err == nil {
					s.Fatal("a wrong code was accepted")
				}
				time.Sleep(pause)
			}
			want := guardian.ErrThrottled
			if pause > 0 {
				want = guardian.ErrLocked
			}
			_, err := s.verify(guardian.LocalRecovery, "AAAA-AAAA-AAAA-AAAA")
			s.wantNo(err, want)
			v, err := s.verify(guardian.LocalRecovery, codes[0])
			if err != nil {
				s.Fatalf("the right code is refused after pauses of %s: %v", pause, err)
			}
			_, err = s.verify(guardian.LocalRecovery, codes[0])
			s.wantNo(err, guardian.ErrWrongCode)
			codes[0] = v.NewRecoveryCode
		}
		locks := 0
		for _, action := range s.log.Actions() {
			if action == "guardian.lock" {
				locks++
			}
		}
		if locks != 1 {
			s.Errorf("%d locks were recorded", locks)
		}
	})
}

func localService(t testing.TB, store driver.Store) *guardian.Service {
	t.Helper()
	s, err := guardian.New(nil, guardian.Config{Store: store, Keys: [][]byte{newKey()}, Issuer: "Example"})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// enrollLocal gives a user an app and returns its secret.
func enrollLocal(t testing.TB, s *guardian.Service, user string) string {
	t.Helper()
	key, err := s.EnrollTOTP(t.Context(), user, "ada@example.com", nil)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.ConfirmTOTP(t.Context(), user, codeNow(t, key.Secret())); err != nil {
		t.Fatal(err)
	}
	return key.Secret()
}

// guess is a day of guessing at one user, as fast as the service hears it.
func guess(s *guardian.Service, user string, t *testing.T) (heard int) {
	t.Helper()
	end := time.Now().Add(24 * time.Hour)
	for time.Now().Before(end) {
		_, err := s.Verify(t.Context(), guardian.Request{UserID: user, Factor: guardian.LocalTOTP, Code: fmt.Sprintf("%06d", heard)})
		e, isNo := errors.AsType[*guardian.VerifyError](err)
		switch {
		case err == nil:
			heard++
		case !isNo:
			t.Fatal(err)
		case e.Err == guardian.ErrLocked:
			return heard
		case e.Err == guardian.ErrThrottled:
			time.Sleep(e.RetryAfter)
		default:
			heard++
		}
	}
	return heard
}

// TestBruteForce: a day of guessing must succeed at most as often as at Auth0,
// where ten guesses are free and one more comes every six minutes.
func TestBruteForce(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		const accepted, codes = 3, 1_000_000 // One step before and after the current one.
		ours, auth0 := 0, 10+24*10
		for range 20 {
			service := localService(t, guardian.NewMemory())
			enrollLocal(t, service, "auth0|1")
			ours = max(ours, guess(service, "auth0|1", t))
		}
		probability := func(guesses int) float64 { return float64(guesses) * accepted / codes }
		t.Logf("a day of guessing: %d guesses heard, success %.2e (1 in %.0f); Auth0's bucket: %d, %.2e (1 in %.0f)",
			ours, probability(ours), 1/probability(ours), auth0, probability(auth0), 1/probability(auth0))
		t.Logf("until the lock: 100 guesses, success %.2e", probability(100))
		if ours > auth0 || ours < 5 {
			t.Errorf("%d guesses were heard in a day", ours)
		}
	})
}
