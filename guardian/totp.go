package guardian

import (
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base32"
	"encoding/hex"
	"errors"
	"slices"
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

	// spentFor is how many steps a spent code is remembered: those of a window and of a
	// clock at its limit, and as much again for servers whose clocks differ.
	spentFor = 4 * driftLimit

	// driftLogins is how many logins tell how far that is.
	driftLogins = 10
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

// match returns the steps among steps that have this code: two may share one. All
// codes are computed, whatever matches.
func (s scheme) match(secret []byte, code string, steps []int64) (matched []int64, err error) {
	if len(secret) < minSecret {
		return nil, errSecret
	}
	well := s.wellFormed(code)
	for _, step := range steps {
		if step < 0 {
			continue
		}
		want, err := s.code(secret, step)
		if err != nil {
			return nil, err
		}
		if subtle.ConstantTimeCompare([]byte(want), []byte(code)) == 1 && well {
			matched = append(matched, step)
		}
	}
	return matched, nil
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
	Name      string `json:",omitempty"`
	CreatedAt time.Time
	LastUsed  time.Time `json:",omitzero"`
	Spent     []int64   `json:",omitempty"` // Steps whose codes were accepted and could be again.
	Seen      []int64   `json:",omitempty"` // How early the last codes came; see clock.
	Mirrored  bool      // Auth0 knows the secret too,
	MirrorID  string    // as this authentication method.

	// Of a pending one:
	Account   string // What the app shows beside the issuer.
	ExpiresAt time.Time
	Failures  int
	Proved    bool // A factor was proved when it was made.
}

// totpState is the record of KindTOTP.
type totpState struct {
	Apps    []*seed `json:",omitempty"`
	Pending *seed   `json:",omitempty"`
}

// id names an app without telling its secret.
func (s *seed) id() string {
	sum := sha256.Sum256(append([]byte("auth0kit/guardian app v1\x00"), s.Secret...))
	return hex.EncodeToString(sum[:8])
}

// accept spends a code of any app. All are asked, whatever matches.
func (st *totpState) accept(code string, now time.Time, window int64) error {
	out := ErrWrongCode
	for _, app := range st.Apps {
		switch err := app.accept(code, now, window); {
		case err == nil:
			app.LastUsed, out = now, nil
		case sentinelOf(err) == nil:
			return err
		case err == ErrReplayed && out == ErrWrongCode:
			out = err
		}
	}
	return out
}

// weight is how many failures a wrong code counts for: one for each window that is
// open, because each makes a guess right as often as one window alone.
func (st *totpState) weight() (n int) {
	for _, app := range st.Apps {
		n += app.weight()
	}
	return n
}

// accept spends a code within window steps of now, or of where the app's clock is
// thought to be, and remembers how early it came.
func (s *seed) accept(code string, now time.Time, window int64) error {
	at := standard.step(now)
	steps := s.steps(at, window)
	matched, err := standard.match(s.Secret, code, steps)
	switch {
	case err != nil:
		return err
	case len(matched) == 0:
		return ErrWrongCode
	case slices.ContainsFunc(matched, func(step int64) bool { return slices.Contains(s.Spent, step) }):
		return ErrReplayed
	}
	s.Spent = slices.DeleteFunc(s.Spent, func(step int64) bool { return max(step-at, at-step) > spentFor })
	s.Spent = append(s.Spent, matched...)
	s.Seen = append(s.Seen, slices.Max(matched)*standard.period-now.Unix())
	s.Seen = s.Seen[max(0, len(s.Seen)-driftLogins):]
	return nil
}

// steps are those whose codes are accepted: around now, because a clock that was
// wrong may have been corrected, and around the app's clock.
func (s *seed) steps(at, window int64) (steps []int64) {
	first, last := s.clock()
	for off := -driftLimit - window; off <= driftLimit+window; off++ {
		if max(off, -off) <= window || window == 1 && first <= off && off <= last {
			steps = append(steps, at+off)
		}
	}
	return steps
}

// clock is between which steps, seen from now, the codes of the app are to be
// expected. A code comes at most as early as the app's clock is ahead: reading and
// typing make it later, never earlier. So the earliest of the last codes tells, and
// a single one that was typed at once shows that a clock is not behind. The fewer
// there are, the later they must be to show that it is, and the farther ahead of
// them it may be: nobody types as slowly as at the enrollment.
func (s *seed) clock() (first, last int64) {
	if len(s.Seen) == 0 {
		return 0, 0
	}
	n, earliest := int64(len(s.Seen)), slices.Max(s.Seen)
	first = -1
	switch {
	case earliest >= 5:
		first = earliest / standard.period
	case earliest <= -24-30/n:
		first = min(-2, -(5-earliest+standard.period-1)/standard.period)
	}
	return first, first + 2 + 2/n
}

// weight is the number of windows of three codes. The two more until the clock has
// shown itself are free: the longer delays pay for them.
func (s *seed) weight() int {
	codes := len(s.steps(driftLimit+1, 1))
	if len(s.Seen) < 3 && codes <= 5 {
		return 1
	}
	return (codes + 2) / 3
}
