package guardian

import (
	"bytes"
	"context"
	"crypto/pbkdf2"
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"errors"
	"strings"
	"time"

	"github.com/auth0kit/auth0kit/guardian/driver"
)

const (
	recoveryCodes = 10
	recoverySize  = 16 // base32 letters: 80 random bits, in groups that people can copy.

	// recoveryRounds are those of PBKDF2, which NIST SP 800-63B-4 section 3.1.2 asks
	// for below 112 bits. SP 800-132 wants 1,000 at least; 80 random bits need no more,
	// and the record is sealed besides.
	recoveryRounds = 1000
)

// recoveryState is the record of KindRecovery.
type recoveryState struct {
	Salt      []byte
	Hashes    [][]byte
	CreatedAt time.Time
}

func recoveryKey(userID string) driver.Key {
	return driver.Key{Subject: userID, Kind: driver.KindRecovery}
}

// newCode returns a code as it is shown.
func newCode() string {
	var b [recoverySize * 5 / 8]byte
	rand.Read(b[:])
	return grouped(base32NoPadding.EncodeToString(b[:]), "-")
}

func (st *recoveryState) hash(userID, code string) []byte {
	sum, err := pbkdf2.Key(sha256.New, userID+"\x00"+code, st.Salt, recoveryRounds, sha256.Size)
	if err != nil {
		panic(err) // Only of a salt that FIPS 140 forbids, and ours are long.
	}
	return sum
}

// cleanCode reads a code as people type it; empty means that it is none.
func cleanCode(typed string) string {
	if len(typed) > 16*recoverySize {
		return ""
	}
	code := strings.ReplaceAll(strings.ToUpper(squeeze(typed)), "0", "O") // 0 is not in the alphabet.
	if b, err := base32NoPadding.DecodeString(code); err != nil || len(code) != recoverySize || len(b) != recoverySize*5/8 {
		return ""
	}
	return code
}

// renew gives the user a new set of codes in place of the old.
func (st *recoveryState) renew(userID string, now time.Time) (shown []string) {
	*st = recoveryState{CreatedAt: now, Salt: make([]byte, 16)}
	rand.Read(st.Salt)
	for range recoveryCodes {
		code := newCode()
		shown = append(shown, code)
		st.Hashes = append(st.Hashes, st.hash(userID, cleanCode(code)))
	}
	return shown
}

// find compares all hashes, whatever matches.
func (st *recoveryState) find(hash []byte) (at int, ok bool) {
	for i, h := range st.Hashes {
		if subtle.ConstantTimeCompare(h, hash) == 1 {
			at, ok = i, true
		}
	}
	return at, ok
}

// localRecovery verifies LocalRecovery.
type localRecovery struct{ s *Service }

func (l localRecovery) precheck(ctx context.Context, r Request) (weight int, err error) {
	var st recoveryState
	if _, err := l.s.read(ctx, recoveryKey(r.UserID), &st); err != nil {
		return 0, err
	}
	if len(st.Hashes) == 0 {
		return 0, ErrNotEnrolled
	}
	if cleanCode(r.Code) == "" {
		return 0, ErrWrongCode
	}
	return 1, nil
}

// Verify replaces the code, on condition that nobody else has changed the record.
func (l localRecovery) Verify(ctx context.Context, r Request) (*Verification, error) {
	v := &Verification{UserID: r.UserID, NewRecoveryCode: newCode()}
	var salt, spent, fresh []byte // Hashed once, however often the update is repeated.
	err := update(ctx, l.s, recoveryKey(r.UserID), func(st *recoveryState) (until time.Time, err error) {
		if len(st.Hashes) == 0 {
			return until, ErrNotEnrolled
		}
		if !bytes.Equal(salt, st.Salt) {
			salt, spent, fresh = st.Salt, st.hash(r.UserID, cleanCode(r.Code)), st.hash(r.UserID, cleanCode(v.NewRecoveryCode))
		}
		at, ok := st.find(spent)
		if !ok {
			return until, ErrWrongCode
		}
		st.Hashes[at] = fresh
		return until, nil
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
	s.notify(ctx, userID, "recovery_codes", LocalRecovery, "")
	return shown, s.resetAttempts(ctx, userAttempts(userID, LocalRecovery))
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
		if _, ok := st.find(st.hash(userID, cleanCode(shown[0]))); !ok {
			return time.Time{}, errUnchanged
		}
		*st = old
		if len(old.Hashes) == 0 {
			return s.now(), nil
		}
		return time.Time{}, nil
	})
}
