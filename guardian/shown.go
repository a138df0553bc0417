package guardian

import (
	"bytes"
	"context"
	"slices"
	"time"

	"github.com/auth0kit/auth0kit/guardian/driver"
)

// shownAge is how long recovery codes wait for their user to say that they are kept.
const shownAge = 10 * time.Minute

// shown is the record of KindShown: the result of a form, which a page shows once
// more when the form is sent twice or the answer is lost.
type shown struct {
	Codes     []string  `json:",omitempty"` // Until the user says that they are kept.
	To        string    // Where to go on.
	For       []byte    // Which form it was,
	Answer    []byte    // and what was answered.
	At        time.Time // The proof it gave; zero when a session has taken it.
	AMR       []string
	Others    bool // The other sessions end then.
	ExpiresAt time.Time
}

func shownKey(userID string) driver.Key {
	return driver.Key{Subject: userID, Kind: driver.KindShown}
}

// keepShown keeps a result, unless its codes have been replaced meanwhile. Codes of
// before that nobody has seen stay with it.
func (s *Service) keepShown(ctx context.Context, userID string, what shown) error {
	return update(ctx, s, shownKey(userID), func(v *shown) (time.Time, error) {
		if len(what.Codes) > 0 {
			if valid, err := s.validCode(ctx, userID, what.Codes[0]); err != nil || !valid {
				return time.Time{}, orUnchanged(err)
			}
		}
		next := what
		next.Codes, next.ExpiresAt = slices.Clone(what.Codes), s.now().Add(shownAge)
		for _, code := range v.Codes {
			valid, err := s.validCode(ctx, userID, code)
			if err != nil {
				return time.Time{}, err
			}
			if valid && s.now().Before(v.ExpiresAt) {
				next.Codes = append(next.Codes, code)
			}
		}
		*v = next
		return v.ExpiresAt, nil
	})
}

func orUnchanged(err error) error {
	if err == nil {
		return errUnchanged
	}
	return err
}

// validCode reports whether a code is one of the user's now.
func (s *Service) validCode(ctx context.Context, userID, code string) (bool, error) {
	var st recoveryState
	if _, err := s.read(ctx, recoveryKey(userID), &st); err != nil || len(st.Hashes) == 0 {
		return false, err
	}
	_, ok := st.find(st.hash(userID, cleanCode(code)))
	return ok, nil
}

// lastShown returns the last result, unless it has expired or its codes are others by
// now.
func (s *Service) lastShown(ctx context.Context, userID string) (v shown, ok bool, err error) {
	if _, err := s.read(ctx, shownKey(userID), &v); err != nil || !s.now().Before(v.ExpiresAt) {
		return shown{}, false, err
	}
	if len(v.Codes) == 0 {
		return v, true, nil
	}
	ok, err = s.validCode(ctx, userID, v.Codes[0])
	return v, ok, err
}

// changeShown changes a result whose proof nobody has taken.
func (s *Service) changeShown(ctx context.Context, userID string, last shown, f func(*shown)) error {
	return update(ctx, s, shownKey(userID), func(v *shown) (time.Time, error) {
		if v.At.IsZero() || !bytes.Equal(v.For, last.For) {
			return time.Time{}, refuse(ErrExpired)
		}
		f(v)
		return v.ExpiresAt, nil
	})
}

// forgetShown removes the codes that were shown, and leaves where to go on.
func (s *Service) forgetShown(ctx context.Context, userID string, last shown) error {
	return update(ctx, s, shownKey(userID), func(v *shown) (time.Time, error) {
		if len(v.Codes) == 0 {
			return time.Time{}, errUnchanged
		}
		v.Codes = slices.DeleteFunc(v.Codes, func(code string) bool { return slices.Contains(last.Codes, code) })
		return v.ExpiresAt, nil
	})
}

// pending returns the key of an enrollment that waits for its code, nil for none.
func (s *Service) pending(ctx context.Context, userID string) (key *TOTPKey, proved bool, err error) {
	var st totpState
	if _, err := s.read(ctx, totpKey(userID), &st); err != nil {
		return nil, false, err
	}
	p := st.Pending
	if p == nil || !s.now().Before(p.ExpiresAt) {
		return nil, false, nil
	}
	key, err = newKey(s.cfg.Issuer, p.Account, p.Secret)
	return key, p.Proved, err
}
