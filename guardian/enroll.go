package guardian

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/auth0kit/auth0kit/management/resource"
)

const (
	pendingAge      = 15 * time.Minute // how long a secret waits for its first code
	pendingFailures = 10               // how many wrong codes it survives
	maxApps         = 3                // of a user: each makes guessing easier
)

// EnrollTOTP returns the secret of a new authenticator app for a user. The
// enrollment is pending until ConfirmTOTP has accepted a code, and is forgotten
// after 15 minutes. The app shows account, such as the user's email, beside
// Config.Issuer. A colon in it becomes a period, because a colon separates the two.
//
// The first factor of a user needs no proof. If the user has a factor here or at
// Auth0, proof must be a [Verification] of this user that is at most ten minutes
// old; otherwise EnrollTOTP returns [ErrStepUp], so that whoever steals a session
// cannot enroll an app. A user has up to three apps, each of which makes a wrong
// code count once more.
func (s *Service) EnrollTOTP(ctx context.Context, userID, account string, proof *Verification) (*TOTPKey, error) {
	account = strings.ReplaceAll(account, ":", ".")
	if err := errors.Join(checkUser(userID), checkLabel("account", account)); err != nil {
		return nil, err
	}
	if s.store == nil {
		return nil, errNoStore
	}
	made, err := s.newPending(ctx, userID, account, proof)
	if err != nil {
		return nil, s.ended(ctx, "enroll", userID, LocalTOTP, err)
	}
	key, err := newKey(s.cfg.Issuer, account, made.Secret)
	if err == nil {
		err = s.record(ctx, event("enroll", userID, LocalTOTP, nil))
	}
	if err != nil {
		return nil, errors.Join(err, s.dropPending(ctx, userID, made))
	}
	return key, nil
}

func (s *Service) newPending(ctx context.Context, userID, account string, proof *Verification) (*seed, error) {
	proved, err := s.mayAdd(ctx, userID, proof)
	if err != nil {
		return nil, err
	}
	if s.cfg.MirrorTOTP {
		if err := s.preflight(ctx, []Factor{OTP}); err != nil {
			return nil, err
		}
	}
	now := s.now()
	made := &seed{Secret: newSecret(), Account: account, CreatedAt: now, ExpiresAt: now.Add(pendingAge), Proved: proved}
	return made, update(ctx, s, totpKey(userID), func(st *totpState) (time.Time, error) {
		if len(st.Apps) >= maxApps {
			return time.Time{}, invalid("EnrollTOTP", "is for "+strconv.Itoa(maxApps)+" apps; remove one first")
		}
		st.Pending = made
		return st.until(), nil
	})
}

// mayAdd reports whether there is a proof, and ErrStepUp if one is needed.
func (s *Service) mayAdd(ctx context.Context, userID string, proof *Verification) (proved bool, err error) {
	if proof != nil {
		return true, proof.check(userID, s.now())
	}
	return false, s.firstOrProved(ctx, userID, false)
}

// firstOrProved is asked when an enrollment begins and when it ends: a pending one
// that needed no proof must not be confirmed after another factor came.
func (s *Service) firstOrProved(ctx context.Context, userID string, proved bool) error {
	if proved {
		return nil
	}
	has, err := s.hasFactor(ctx, userID)
	if err == nil && has {
		err = ErrStepUp
	}
	return err
}

// until is how long the record is of use.
func (st *totpState) until() time.Time {
	if len(st.Apps) == 0 && st.Pending != nil {
		return st.Pending.ExpiresAt
	}
	return time.Time{}
}

func (s *Service) dropPending(ctx context.Context, userID string, made *seed) error {
	return update(context.WithoutCancel(ctx), s, totpKey(userID), func(st *totpState) (time.Time, error) {
		if !st.Pending.is(made) {
			return time.Time{}, errUnchanged
		}
		st.Pending = nil
		return st.until(), nil
	})
}

func (s *seed) is(other *seed) bool {
	return s != nil && other != nil && bytes.Equal(s.Secret, other.Secret)
}

// confirmation is what ConfirmTOTP changed, so that it can be undone.
type confirmation struct {
	name     string // What the user calls the app.
	current  *seed
	replaced []*seed       // What a lock ends.
	codes    []string      // New recovery codes, if there were none,
	before   recoveryState // in place of this.
}

// ConfirmTOTP completes an enrollment with its first code: from then on the app is
// a factor beside those that the user has, or in place of them when they are
// locked. Rename gives it a name. ConfirmTOTP returns ten local recovery codes if the
// user had none; show them once.
//
// A refusal is a [*VerifyError]: [ErrWrongCode], which cancels the enrollment
// after ten times, [ErrExpired], [ErrNotEnrolled] when nothing is pending, or
// [ErrStepUp] when the user got another factor since EnrollTOTP was called without
// a proof. If the seed cannot be registered at Auth0 (Config.MirrorTOTP) or the
// event cannot be recorded, nothing is enrolled; call ConfirmTOTP again with the
// next code.
func (s *Service) ConfirmTOTP(ctx context.Context, userID, code string) (recovery []string, err error) {
	return s.confirmTOTP(ctx, userID, "", code)
}

func (s *Service) confirmTOTP(ctx context.Context, userID, name, code string) (recovery []string, err error) {
	if err := checkUser(userID); err != nil {
		return nil, err
	}
	if s.store == nil {
		return nil, errNoStore
	}
	c := &confirmation{name: cleanName(name)}
	err = s.confirm(ctx, userID, code, c)
	if err != nil {
		return nil, s.ended(ctx, "confirm", userID, LocalTOTP, err)
	}
	e := event("confirm", userID, LocalTOTP, nil)
	e.Metadata["recovery_codes"] = strconv.Itoa(len(c.codes))
	if err := s.record(ctx, e); err != nil {
		return nil, errors.Join(err, s.undo(ctx, userID, c))
	}
	s.notify(ctx, userID, "added", LocalTOTP, c.name)
	return c.codes, nil
}

// confirm makes the pending app the current one, then does what follows from it.
// The first is decided by one update; who loses it does none of the rest.
func (s *Service) confirm(ctx context.Context, userID, code string, c *confirmation) error {
	if err := s.promote(ctx, userID, code, c); err != nil {
		return err
	}
	err := s.mirror(ctx, userID, c.current)
	if err == nil {
		err = s.firstCodes(ctx, userID, c)
	}
	if err == nil {
		err = s.retire(ctx, userID, c)
	}
	if err != nil {
		return errors.Join(err, s.undo(ctx, userID, c))
	}
	return nil
}

func (s *Service) promote(ctx context.Context, userID, code string, c *confirmation) error {
	var st totpState
	if _, err := s.read(ctx, totpKey(userID), &st); err != nil {
		return err
	}
	if st.Pending == nil {
		return refuse(ErrNotEnrolled)
	}
	if err := s.firstOrProved(ctx, userID, st.Pending.Proved); err != nil {
		if errors.Is(err, ErrStepUp) {
			return refuse(ErrStepUp)
		}
		return err
	}
	var counted attempts
	if _, err := s.read(ctx, userAttempts(userID, LocalTOTP), &counted); err != nil {
		return err
	}
	locked := counted.Failures >= s.cfg.MaxFailures
	var no error // A wrong code is saved, so it must not be the error of the update.
	err := update(ctx, s, totpKey(userID), func(now *totpState) (time.Time, error) {
		if !now.Pending.is(st.Pending) { // Another one, whose proof was not looked at.
			return time.Time{}, refuse(ErrNotEnrolled)
		}
		no = now.try(code, s.now(), s.firstWindow(), locked, c)
		return now.until(), nil
	})
	return errors.Join(err, no)
}

// firstWindow is wider than that of Verify, to learn how wrong the app's clock is
// (RFC 6238 section 6): who enrolls has the secret anyway.
func (s *Service) firstWindow() int64 {
	if s.cfg.ExactTime {
		return 0
	}
	return driftLimit
}

// try tries the code of a pending app, and promotes or counts. A locked factor is
// bound anew: its apps go.
func (st *totpState) try(code string, now time.Time, window int64, locked bool, c *confirmation) error {
	p := st.Pending
	if !now.Before(p.ExpiresAt) {
		st.Pending = nil
		return refuse(ErrExpired)
	}
	if err := p.accept(code, now, window); err != nil {
		if sentinelOf(err) == nil {
			return err
		}
		p.Failures++
		left := pendingFailures - p.Failures
		if left == 0 {
			st.Pending = nil
		}
		return &VerifyError{Err: err, AttemptsLeft: left}
	}
	c.replaced = nil
	if locked {
		c.replaced, st.Apps = st.Apps, nil
	}
	p.Name = c.name
	p.CreatedAt, p.LastUsed, p.ExpiresAt, p.Failures = now, now, time.Time{}, 0
	st.Apps, st.Pending = append(st.Apps, p), nil
	c.current = new(*p)
	return nil
}

// mirror registers the seed at Auth0.
func (s *Service) mirror(ctx context.Context, userID string, current *seed) error {
	if !s.cfg.MirrorTOTP {
		return nil
	}
	defer s.cache.Drop(userID)
	m, err := s.dir.CreateAuthenticationMethod(ctx, userID, resource.NewAuthenticationMethod{
		Type: names[OTP].Methods[0], TOTPSecret: base32NoPadding.EncodeToString(current.Secret),
	})
	if err != nil {
		return wrapped("register at Auth0", err)
	}
	current.Mirrored, current.MirrorID = true, m.ID
	return update(ctx, s, totpKey(userID), func(st *totpState) (time.Time, error) {
		app := st.find(current)
		if app == nil {
			return time.Time{}, fmt.Errorf("guardian: the enrollment was removed meanwhile: %w", ErrNotEnrolled)
		}
		app.Mirrored, app.MirrorID = true, m.ID
		return time.Time{}, nil
	})
}

// unmirror removes a seed from Auth0.
func (s *Service) unmirror(ctx context.Context, userID string, old *seed) error {
	if old == nil || old.MirrorID == "" || s.dir == nil {
		return nil
	}
	defer s.cache.Drop(userID)
	err := s.dir.DeleteAuthenticationMethod(context.WithoutCancel(ctx), userID, old.MirrorID)
	if errors.Is(err, resource.ErrNotFound) {
		return nil
	}
	return wrapped("remove from Auth0", err)
}

// firstCodes makes recovery codes for a user who has none. If their factor was removed
// meanwhile, the codes go with it.
func (s *Service) firstCodes(ctx context.Context, userID string, c *confirmation) error {
	err := update(ctx, s, recoveryKey(userID), func(st *recoveryState) (time.Time, error) {
		c.codes = nil
		if len(st.Hashes) > 0 {
			return time.Time{}, errUnchanged
		}
		c.before = *st
		c.codes = st.renew(userID, s.now())
		return time.Time{}, nil
	})
	if err != nil || len(c.codes) == 0 {
		return err
	}
	ended, err := s.endCodes(ctx, userID)
	if ended {
		c.codes = nil
		return errors.Join(refuse(ErrNotEnrolled), err)
	}
	return err
}

// undo makes the app pending again, its code spent, and brings the replaced ones back.
func (s *Service) undo(ctx context.Context, userID string, c *confirmation) error {
	ctx = context.WithoutCancel(ctx)
	err := update(ctx, s, totpKey(userID), func(st *totpState) (time.Time, error) {
		app := st.find(c.current)
		if app == nil {
			return time.Time{}, errUnchanged
		}
		again := *app
		again.ExpiresAt, again.Mirrored, again.MirrorID, again.Proved = s.now().Add(pendingAge), false, "", c.current.Proved
		st.Apps = append(slices.DeleteFunc(st.Apps, app.is), c.replaced...)
		st.Pending = &again
		return st.until(), nil
	})
	return errors.Join(err, s.unmirror(ctx, userID, c.current), s.undoCodes(ctx, userID, c))
}

// undoCodes takes the recovery codes back that came with a factor.
func (s *Service) undoCodes(ctx context.Context, userID string, c *confirmation) error {
	if len(c.codes) == 0 {
		return nil
	}
	return s.putCodes(ctx, userID, c.codes, c.before)
}

// retire ends the lock, which was one of the old apps, and takes those from Auth0.
func (s *Service) retire(ctx context.Context, userID string, c *confirmation) error {
	if err := s.resetAttempts(ctx, userAttempts(userID, LocalTOTP)); err != nil {
		return err
	}
	for _, old := range c.replaced {
		if err := s.unmirror(ctx, userID, old); err != nil {
			return err
		}
		old.Mirrored, old.MirrorID = false, ""
	}
	return nil
}

// find returns the app with that secret, or nil.
func (st *totpState) find(app *seed) *seed {
	if i := slices.IndexFunc(st.Apps, app.is); i >= 0 {
		return st.Apps[i]
	}
	return nil
}
