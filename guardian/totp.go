package guardian

import (
	"crypto/rand"
	"crypto/subtle"
	"encoding/base32"
	"errors"
	"time"

	"github.com/pquerna/otp"
	"github.com/pquerna/otp/totp"
)

const (
	// secretSize and minSecret are in bytes. RFC 4226 section 4, R6: at least 128
	// bits, 160 recommended.
	secretSize = 20
	minSecret  = 16

	// driftLimit bounds, in steps, how far a clock is followed (RFC 6238 section 6).
	driftLimit = 4
)

var base32NoPadding = base32.StdEncoding.WithPadding(base32.NoPadding)

// errSecret guards every use of a secret: the library takes an empty one, and
// codes of that are known to everybody.
var errSecret = errors.New("guardian: TOTP secret is empty or shorter than 128 bits")

// scheme is how codes are made from a secret (RFC 6238). Authenticator apps, and
// Auth0, know only standard.
type scheme struct {
	period    int64 // seconds
	digits    otp.Digits
	algorithm otp.Algorithm
}

var standard = scheme{period: 30, digits: otp.DigitsSix, algorithm: otp.AlgorithmSHA1}

// newSecret returns 160 random bits.
func newSecret() []byte {
	secret := make([]byte, secretSize)
	rand.Read(secret)
	return secret
}

// step is the time step of a moment.
func (s scheme) step(t time.Time) int64 { return t.Unix() / s.period }

// code is the code of a step.
func (s scheme) code(secret []byte, step int64) (string, error) {
	if len(secret) < minSecret {
		return "", errSecret
	}
	if step < 0 {
		return "", errors.New("guardian: time is before 1970")
	}
	return totp.GenerateCodeCustom(base32NoPadding.EncodeToString(secret), time.Unix(step*s.period, 0),
		totp.ValidateOpts{Period: uint(s.period), Digits: s.digits, Algorithm: s.algorithm})
}

// match returns the highest step from first to last that has this code. Highest,
// because two steps may share a code, and spending the lower would leave the
// other to be spent again. All steps are computed, whatever matches.
func (s scheme) match(secret []byte, code string, first, last int64) (step int64, ok bool, err error) {
	well := s.wellFormed(code)
	for i := max(first, 0); i <= last; i++ {
		want, err := s.code(secret, i)
		if err != nil {
			return 0, false, err
		}
		if subtle.ConstantTimeCompare([]byte(want), []byte(code)) == 1 {
			step, ok = i, true
		}
	}
	if len(secret) < minSecret {
		return 0, false, errSecret
	}
	return step, ok && well, nil
}

// wellFormed accepts ASCII digits of the right number, and nothing around them.
func (s scheme) wellFormed(code string) bool {
	if len(code) != s.digits.Length() {
		return false
	}
	for i := range len(code) {
		if code[i] < '0' || code[i] > '9' {
			return false
		}
	}
	return true
}

// seed is an authenticator app of a user.
type seed struct {
	Secret    []byte
	CreatedAt time.Time
	LastStep  int64  // Of the last code that was accepted: no step up to it is accepted again.
	Drift     int64  // How many steps the app's clock is ahead.
	Mirrored  bool   // Auth0 knows the secret too,
	MirrorID  string // as this authentication method.

	// Of a pending one:
	ExpiresAt time.Time
	Failures  int
	Proved    bool // A factor was proved when it was made.
}

// totpState is the record of KindTOTP.
type totpState struct {
	Current *seed `json:",omitempty"`
	Pending *seed `json:",omitempty"`
}

// accept spends a code within window steps of where the app's clock is thought to
// be, and learns where it is.
func (s *seed) accept(code string, now time.Time, window int64) error {
	at := standard.step(now)
	step, ok, err := standard.match(s.Secret, code, at+s.Drift-window, at+s.Drift+window)
	switch {
	case err != nil:
		return err
	case !ok:
		return ErrWrongCode
	case step <= s.LastStep:
		return ErrReplayed
	}
	s.LastStep = step
	s.Drift = min(max(step-at, -driftLimit), driftLimit)
	return nil
}
