package guardian

import (
	"context"
	"encoding/base64"
	"errors"
	"slices"
	"strings"
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
	LastUsed  time.Time // Of local apps and passkeys; zero if it is not known.
	Cloned    bool      // A passkey whose counter went back: somebody may have a copy.
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
	out, mirrors, err := s.localEnrollments(ctx, userID)
	if err != nil {
		return nil, err
	}
	if s.dir == nil {
		return out, nil
	}
	methods, err := s.methods(ctx, userID, maxAge)
	if err != nil {
		return nil, err
	}
	for _, m := range methods {
		if f, known := FactorOfMethod(m.Type); known && !slices.Contains(mirrors, m.ID) {
			out = append(out, Enrollment{ID: m.ID, Factor: f, Name: m.Name, Confirmed: m.Confirmed, CreatedAt: m.CreatedAt})
		}
	}
	return out, nil
}

// localEnrollments returns those in the store, and the ids of their copies at Auth0.
func (s *Service) localEnrollments(ctx context.Context, userID string) (out []Enrollment, mirrors []string, err error) {
	if s.store == nil {
		return nil, nil, nil
	}
	var apps totpState
	var keys passkeyState
	var codes recoveryState
	_, err = s.read(ctx, totpKey(userID), &apps)
	_, err2 := s.read(ctx, passkeyKey(userID), &keys)
	_, err3 := s.read(ctx, recoveryKey(userID), &codes)
	if err := errors.Join(err, err2, err3); err != nil {
		return nil, nil, err
	}
	for _, c := range keys.Credentials {
		out = append(out, Enrollment{ID: passkeyID(c.ID), Factor: Passkey, Name: c.Name, Confirmed: true,
			CreatedAt: c.CreatedAt, LastUsed: c.LastUsed, Cloned: c.Cloned})
	}
	for _, a := range apps.Apps {
		out = append(out, Enrollment{ID: appID(a), Factor: LocalTOTP, Name: a.Name, Confirmed: true,
			Mirrored: a.Mirrored, CreatedAt: a.CreatedAt, LastUsed: a.LastUsed})
		if a.MirrorID != "" {
			mirrors = append(mirrors, a.MirrorID)
		}
	}
	if len(codes.Hashes) > 0 {
		out = append(out, Enrollment{ID: string(LocalRecovery), Factor: LocalRecovery, Confirmed: true, CreatedAt: codes.CreatedAt})
	}
	return out, mirrors, nil
}

func appID(a *seed) string { return string(LocalTOTP) + "|" + a.id() }

func passkeyID(id []byte) string {
	return string(Passkey) + "|" + base64.RawURLEncoding.EncodeToString(id)
}

// hasFactor reports whether the user has a confirmed factor, by what Auth0 says
// now.
func (s *Service) hasFactor(ctx context.Context, userID string) (bool, error) {
	all, err := s.enrollments(ctx, userID, freshAge)
	return slices.ContainsFunc(all, func(e Enrollment) bool { return e.Confirmed }), err
}

// Remove removes a factor of a user by the ID from Enrollments. A local app takes
// its copy at Auth0 with it, and the last local factor the recovery codes. Remove
// asks for no proof: let users remove their own factors only behind RequireMFA;
// otherwise whoever steals a session could remove the factor.
//
// If the event cannot be recorded, the factor stays removed and the error is
// returned.
func (s *Service) Remove(ctx context.Context, userID, enrollmentID string) error {
	if err := checkUser(userID); err != nil {
		return err
	}
	kind, _, _ := strings.Cut(enrollmentID, "|")
	switch f := Factor(kind); {
	case enrollmentID == "":
		return invalid("enrollmentID", "is empty")
	case f.local():
		name, err := s.removeLocal(ctx, userID, f, enrollmentID)
		if err == nil {
			s.notify(ctx, userID, "removed", f, name)
		}
		return s.ended(ctx, "remove", userID, f, err)
	case s.dir == nil:
		return errNoDirectory
	}
	s.cache.Drop(userID)
	defer s.cache.Drop(userID)
	err := s.dir.DeleteAuthenticationMethod(ctx, userID, enrollmentID)
	if errors.Is(err, resource.ErrNotFound) {
		err = ErrNotEnrolled
	}
	f, _ := FactorOfMethod(kind) // IDs begin with the type.
	if err == nil {
		s.notify(ctx, userID, "removed", f, "")
	}
	e := event("remove", userID, f, err)
	if len(enrollmentID) <= audit.MaxValue {
		e.Metadata = map[string]string{"enrollment": enrollmentID}
	}
	return errors.Join(wrapped("remove", err), s.record(ctx, e))
}

// removeLocal returns what the user called it.
func (s *Service) removeLocal(ctx context.Context, userID string, f Factor, enrollmentID string) (name string, err error) {
	if s.store == nil {
		return "", errNoStore
	}
	switch f {
	case LocalRecovery:
		return "", s.removeCodes(ctx, userID)
	case Passkey:
		name, err = s.removePasskey(ctx, userID, enrollmentID)
	default:
		name, err = s.removeTOTP(ctx, userID, enrollmentID)
	}
	if err != nil {
		return "", err
	}
	_, err = s.endCodes(ctx, userID)
	return name, err
}

// endCodes removes the recovery codes of a user who has no other local factor.
func (s *Service) endCodes(ctx context.Context, userID string) (ended bool, err error) {
	left, _, err := s.localEnrollments(context.WithoutCancel(ctx), userID)
	if err != nil || slices.ContainsFunc(left, func(e Enrollment) bool { return e.Factor != LocalRecovery }) {
		return false, err
	}
	return true, s.removeCodes(ctx, userID)
}

func (s *Service) removePasskey(ctx context.Context, userID, enrollmentID string) (name string, err error) {
	var keys passkeyState
	if _, err := s.read(ctx, passkeyKey(userID), &keys); err != nil {
		return "", err
	}
	for _, c := range keys.Credentials {
		if passkeyID(c.ID) == enrollmentID {
			return c.Name, (&Ceremonies{s}).drop(ctx, userID, c.ID)
		}
	}
	return "", ErrNotEnrolled
}

func (s *Service) removeTOTP(ctx context.Context, userID, enrollmentID string) (name string, err error) {
	var removed *seed
	err = update(ctx, s, totpKey(userID), func(st *totpState) (time.Time, error) {
		i := slices.IndexFunc(st.Apps, func(a *seed) bool { return appID(a) == enrollmentID })
		if i < 0 {
			return time.Time{}, ErrNotEnrolled
		}
		removed = st.Apps[i]
		st.Apps, st.Pending = slices.Delete(st.Apps, i, i+1), nil
		if len(st.Apps) == 0 {
			return s.now(), nil
		}
		return time.Time{}, nil
	})
	if err != nil {
		return "", err
	}
	return removed.Name, s.unmirror(ctx, userID, removed)
}

// Rename gives a local app or a passkey a name, which its user sees in lists and
// notices. Spaces are cleaned up, and a long name is cut.
func (s *Service) Rename(ctx context.Context, userID, enrollmentID, name string) error {
	if err := checkUser(userID); err != nil {
		return err
	}
	if s.store == nil {
		return errNoStore
	}
	if kind, _, _ := strings.Cut(enrollmentID, "|"); Factor(kind) == Passkey {
		return update(ctx, s, passkeyKey(userID), func(st *passkeyState) (time.Time, error) {
			for i := range st.Credentials {
				if c := &st.Credentials[i]; passkeyID(c.ID) == enrollmentID {
					c.Name = cleanName(name)
					return st.until(), nil
				}
			}
			return time.Time{}, ErrNotEnrolled
		})
	}
	return update(ctx, s, totpKey(userID), func(st *totpState) (time.Time, error) {
		for _, a := range st.Apps {
			if appID(a) == enrollmentID {
				a.Name = cleanName(name)
				return st.until(), nil
			}
		}
		return time.Time{}, ErrNotEnrolled
	})
}

func (s *Service) removeCodes(ctx context.Context, userID string) error {
	return update(context.WithoutCancel(ctx), s, recoveryKey(userID), func(st *recoveryState) (time.Time, error) {
		if len(st.Hashes) == 0 {
			return time.Time{}, errUnchanged
		}
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
	if err := errors.Join(errs...); err != nil {
		return s.ended(ctx, "reset", userID, "", err)
	}
	s.notify(ctx, userID, "reset", "", "")
	return s.ended(ctx, "reset", userID, "", nil)
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
