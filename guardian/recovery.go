package guardian

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"errors"
	"slices"
	"strings"
	"time"

	"github.com/auth0kit/auth0kit/guardian/driver"
)

const (
	recoveryCodes = 10
	recoverySize  = 26 // base32 letters, which hold the 128 bits of a code.
)

// recoveryState is the record of KindRecovery. The codes have 128 random bits, so
// that a plain hash of them cannot be searched (NIST SP 800-63B-4 section 3.1.2
// asks for a password hash below 112 bits only).
type recoveryState struct {
	Hashes    [][]byte
	CreatedAt time.Time
}

func recoveryKey(userID string) driver.Key {
	return driver.Key{Subject: userID, Kind: driver.KindRecovery}
}

// newCode returns a code as it is shown, and its hash.
func newCode(userID string) (shown string, hash []byte) {
	var b [16]byte
	rand.Read(b[:])
	code := base32NoPadding.EncodeToString(b[:])
	var groups []string
	for group := range slices.Chunk([]byte(code), 5) {
		groups = append(groups, string(group))
	}
	return strings.Join(groups, "-"), hashCode(userID, code)
}

func hashCode(userID, code string) []byte {
	sum := sha256.Sum256([]byte("auth0kit/guardian recovery v1\x00" + userID + "\x00" + code))
	return sum[:]
}

// cleanCode takes out what people add to a code; empty means that it is none.
func cleanCode(typed string) string {
	if len(typed) > 4*recoverySize {
		return ""
	}
	code := strings.Map(func(r rune) rune {
		switch {
		case r == '-' || r == ' ':
			return -1
		case 'a' <= r && r <= 'z':
			return r - 'a' + 'A'
		case r == '0': // not in the alphabet, so it must be this
			return 'O'
		}
		return r
	}, typed)
	if b, err := base32NoPadding.DecodeString(code); err != nil || len(b) != 16 || len(code) != recoverySize {
		return ""
	}
	return code
}

// renew gives the user a new set of codes in place of the old.
func (st *recoveryState) renew(userID string, now time.Time) (shown []string) {
	*st = recoveryState{CreatedAt: now}
	for range recoveryCodes {
		code, hash := newCode(userID)
		shown = append(shown, code)
		st.Hashes = append(st.Hashes, hash)
	}
	return shown
}

// spend replaces the code; all hashes are compared, whatever matches.
func (st *recoveryState) spend(userID, code string) (fresh string, err error) {
	hash, at := hashCode(userID, code), -1
	for i, h := range st.Hashes {
		if subtle.ConstantTimeCompare(h, hash) == 1 {
			at = i
		}
	}
	if at < 0 {
		return "", ErrWrongCode
	}
	fresh, st.Hashes[at] = newCode(userID)
	return fresh, nil
}

// localRecovery verifies LocalRecovery.
type localRecovery struct{ s *Service }

func (l localRecovery) precheck(ctx context.Context, r Request) error {
	var st recoveryState
	if _, err := l.s.read(ctx, recoveryKey(r.UserID), &st); err != nil {
		return err
	}
	if len(st.Hashes) == 0 {
		return ErrNotEnrolled
	}
	if cleanCode(r.Code) == "" {
		return ErrWrongCode
	}
	return nil
}

// Verify replaces the code, on condition that nobody else has changed the record.
func (l localRecovery) Verify(ctx context.Context, r Request) (*Verification, error) {
	v := &Verification{UserID: r.UserID}
	err := update(ctx, l.s, recoveryKey(r.UserID), func(st *recoveryState) (until time.Time, err error) {
		if len(st.Hashes) == 0 {
			return until, ErrNotEnrolled
		}
		v.NewRecoveryCode, err = st.spend(r.UserID, cleanCode(r.Code))
		return until, err
	})
	if err != nil {
		return nil, err
	}
	return v, nil
}

// RenewRecoveryCodes replaces the local recovery codes of a user by ten new ones
// and returns them, once. Without a fresh proof of a factor it returns ErrStepUp.
// If the event cannot be recorded, the old codes are put back.
func (s *Service) RenewRecoveryCodes(ctx context.Context, userID string, proof *Verification) ([]string, error) {
	if err := checkUser(userID); err != nil {
		return nil, err
	}
	if s.store == nil {
		return nil, errNoStore
	}
	if err := proof.check(userID, s.now()); err != nil {
		return nil, s.ended(ctx, "recovery_codes", userID, LocalRecovery, err)
	}
	old, shown, err := s.renewCodes(ctx, userID)
	if err != nil {
		return nil, err
	}
	if err := s.record(ctx, event("recovery_codes", userID, LocalRecovery, nil)); err != nil {
		return nil, errors.Join(err, s.putCodes(ctx, userID, shown, old))
	}
	return shown, s.userCounter(userID, LocalRecovery).reset(ctx)
}

// renewCodes returns what was there before, too.
func (s *Service) renewCodes(ctx context.Context, userID string) (old recoveryState, shown []string, err error) {
	err = update(ctx, s, recoveryKey(userID), func(st *recoveryState) (time.Time, error) {
		old = *st
		shown = st.renew(userID, s.now())
		return time.Time{}, nil
	})
	return old, shown, err
}

// putCodes puts old codes back, unless others than those shown are there now.
func (s *Service) putCodes(ctx context.Context, userID string, shown []string, old recoveryState) error {
	return update(context.WithoutCancel(ctx), s, recoveryKey(userID), func(st *recoveryState) (time.Time, error) {
		if _, err := st.spend(userID, cleanCode(shown[0])); err != nil {
			return time.Time{}, errUnchanged
		}
		*st = old
		return time.Time{}, nil
	})
}
