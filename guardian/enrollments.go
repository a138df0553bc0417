package guardian

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/auth0kit/auth0kit/audit"
	"github.com/auth0kit/auth0kit/management/resource"
)

// Enrollment is a second factor of a user.
type Enrollment struct {
	ID        string // For Remove.
	Factor    Factor
	Name      string // What the user called it; often empty.
	Confirmed bool
	Mirrored  bool // A local factor that is registered at Auth0 too.
	CreatedAt time.Time
}

// Enrollments returns the second factors of a user, local ones first. Auth0's
// answer is cached for a minute, unless a factor was changed here: Auth0 allows
// five reads a minute per user, and two on the free plan.
func (s *Service) Enrollments(ctx context.Context, userID string) ([]Enrollment, error) {
	return s.enrollments(ctx, userID, methodsAge)
}

func (s *Service) enrollments(ctx context.Context, userID string, maxAge time.Duration) ([]Enrollment, error) {
	if err := checkUser(userID); err != nil {
		return nil, err
	}
	var out []Enrollment
	mirror := ""
	if s.store != nil {
		var app totpState
		var codes recoveryState
		_, err := s.read(ctx, totpKey(userID), &app)
		_, err2 := s.read(ctx, recoveryKey(userID), &codes)
		if err := errors.Join(err, err2); err != nil {
			return nil, err
		}
		if c := app.Current; c != nil {
			out = append(out, Enrollment{ID: string(LocalTOTP), Factor: LocalTOTP, Confirmed: true, Mirrored: c.Mirrored, CreatedAt: c.CreatedAt})
			mirror = c.MirrorID
		}
		if len(codes.Hashes) > 0 {
			out = append(out, Enrollment{ID: string(LocalRecovery), Factor: LocalRecovery, Confirmed: true, CreatedAt: codes.CreatedAt})
		}
	}
	if s.dir == nil {
		return out, nil
	}
	methods, err := s.methods(ctx, userID, maxAge)
	if err != nil {
		return nil, err
	}
	for _, m := range methods {
		if f, known := FactorOfMethod(m.Type); known && (m.ID != mirror || mirror == "") {
			out = append(out, Enrollment{ID: m.ID, Factor: f, Name: m.Name, Confirmed: m.Confirmed, CreatedAt: m.CreatedAt})
		}
	}
	return out, nil
}

// hasFactor reports whether the user has a confirmed factor, by what Auth0 says
// now.
func (s *Service) hasFactor(ctx context.Context, userID string) (bool, error) {
	all, err := s.enrollments(ctx, userID, freshAge)
	return slices.ContainsFunc(all, func(e Enrollment) bool { return e.Confirmed }), err
}

// Remove removes a factor of a user by the ID from Enrollments. The local app
// takes its recovery codes and its copy at Auth0 with it. Remove asks for no
// proof: let users remove their own factors only behind RequireMFA; otherwise
// whoever steals a session could remove the factor.
//
// If the event cannot be recorded, the factor stays removed and the error is
// returned.
func (s *Service) Remove(ctx context.Context, userID, enrollmentID string) error {
	if err := checkUser(userID); err != nil {
		return err
	}
	switch f := Factor(enrollmentID); {
	case enrollmentID == "":
		return invalid("enrollmentID", "is empty")
	case f == LocalTOTP:
		return s.ended(ctx, "remove", userID, f, s.removeTOTP(ctx, userID))
	case f == LocalRecovery:
		return s.ended(ctx, "remove", userID, f, s.removeCodes(ctx, userID))
	case s.dir == nil:
		return errNoDirectory
	}
	s.cache.Drop(userID)
	defer s.cache.Drop(userID)
	err := s.dir.DeleteAuthenticationMethod(ctx, userID, enrollmentID)
	if errors.Is(err, resource.ErrNotFound) {
		err = ErrNotEnrolled
	}
	e := event("remove", userID, "", err)
	if len(enrollmentID) <= audit.MaxValue {
		e.Metadata = map[string]string{"enrollment": enrollmentID}
	}
	return errors.Join(wrapped("remove", err), s.record(ctx, e))
}

func (s *Service) removeTOTP(ctx context.Context, userID string) error {
	if s.store == nil {
		return errNoStore
	}
	var removed *seed
	err := update(ctx, s, totpKey(userID), func(st *totpState) (time.Time, error) {
		if removed = st.Current; removed == nil {
			return time.Time{}, ErrNotEnrolled
		}
		*st = totpState{}
		return s.now(), nil
	})
	if err != nil {
		return err
	}
	return errors.Join(s.removeCodes(ctx, userID), s.unmirror(ctx, userID, removed))
}

func (s *Service) removeCodes(ctx context.Context, userID string) error {
	if s.store == nil {
		return errNoStore
	}
	return update(context.WithoutCancel(ctx), s, recoveryKey(userID), func(st *recoveryState) (time.Time, error) {
		*st = recoveryState{}
		return s.now(), nil
	})
}

// Reset removes every factor of a user, here and at Auth0, and what browsers
// remember, and ends locks. It is for a user who has lost their factors and has
// proved their identity in another way, and for a user who has been deleted. If a
// part fails, the others are still done; call it again.
func (s *Service) Reset(ctx context.Context, userID string) error {
	if err := checkUser(userID); err != nil {
		return err
	}
	var errs []error
	if s.store != nil {
		errs = append(errs, wrapped("reset", s.store.Forget(ctx, userID)))
	}
	if s.dir != nil {
		for _, err := range []error{s.dir.DeleteAuthenticators(ctx, userID), s.dir.InvalidateRememberedBrowsers(ctx, userID)} {
			if !errors.Is(err, resource.ErrNotFound) { // The user is gone there.
				errs = append(errs, wrapped("reset", err))
			}
		}
		s.cache.Drop(userID)
	}
	return s.ended(ctx, "reset", userID, "", errors.Join(errs...))
}

// RegenerateRecoveryCode replaces Auth0's recovery code of a user and returns the
// new one, which is a secret. If the event cannot be recorded, the code is
// replaced once more and not returned. For local codes see RenewRecoveryCodes.
func (s *Service) RegenerateRecoveryCode(ctx context.Context, userID string) (string, error) {
	if err := checkUser(userID); err != nil {
		return "", err
	}
	if s.dir == nil {
		return "", errNoDirectory
	}
	defer s.cache.Drop(userID)
	code, err := s.dir.RegenerateRecoveryCode(ctx, userID)
	if err != nil {
		return "", s.ended(ctx, "recovery_codes", userID, RecoveryCode, wrapped("regenerate recovery code", err))
	}
	if err := s.record(ctx, event("recovery_codes", userID, RecoveryCode, nil)); err != nil {
		_, undo := s.dir.RegenerateRecoveryCode(context.WithoutCancel(ctx), userID)
		return "", errors.Join(err, wrapped("undo", undo))
	}
	return code, nil
}

// InvalidateRememberedBrowsers makes Auth0 ask the user for a second factor again
// in every browser.
func (s *Service) InvalidateRememberedBrowsers(ctx context.Context, userID string) error {
	if err := checkUser(userID); err != nil {
		return err
	}
	if s.dir == nil {
		return errNoDirectory
	}
	err := wrapped("invalidate remembered browsers", s.dir.InvalidateRememberedBrowsers(ctx, userID))
	return s.ended(ctx, "forget_browsers", userID, "", err)
}
