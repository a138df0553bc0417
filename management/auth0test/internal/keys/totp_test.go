package keys

import (
	"testing"
	"time"
)

func TestTOTPVectors(test *testing.T) {
	test.Parallel()
	secret := base32NoPadding.EncodeToString([]byte("12345678901234567890")) // RFC 6238, appendix B.
	for at, want := range map[int64]string{59: "287082", 1111111109: "081804", 1234567890: "005924", 20000000000: "353130"} {
		if got := TOTPAt(secret, time.Unix(at, 0)); got != want {
			test.Errorf("at %d: %s, want %s", at, got, want)
		}
	}
	now := time.Unix(1234567890, 0)
	current := now.Unix() / 30
	for step, want := range map[int64]bool{-2: false, -1: true, 0: true, 1: true, 2: false} {
		if _, ok := CheckTOTP(secret, totpCode(secret, current+step), 0, now); ok != want {
			test.Errorf("a code %d steps away: %v", step, ok)
		}
	}
	if _, ok := CheckTOTP(secret, totpCode(secret, current), current, now); ok {
		test.Error("a spent code works")
	}
	if totpCode("not base32!", 1) != "" {
		test.Error("a code without a secret")
	}
}
