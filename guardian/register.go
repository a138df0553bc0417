package guardian

import (
	"context"
	"errors"
	"regexp"
	"strings"

	"github.com/auth0kit/auth0kit/management/resource"
)

// e164 is how Auth0 takes numbers.
var e164 = regexp.MustCompile(`^\+[1-9][0-9]{6,14}$`)

// Register enrolls SMS or Email for a user without a ticket. Verify the address
// yourself first: Auth0 treats it as confirmed at once. address is a number in
// E.164 format or an email address.
//
// It returns ErrFactorDisabled as EnrollmentTickets does, and needs a proof as
// EnrollTOTP does unless it is the user's first factor. If the event cannot be
// recorded, the factor is removed again.
func (s *Service) Register(ctx context.Context, userID string, f Factor, address string, proof *Verification) (*Enrollment, error) {
	if err := checkUser(userID); err != nil {
		return nil, err
	}
	m := resource.NewAuthenticationMethod{}
	switch {
	case s.dir == nil:
		return nil, errNoDirectory
	case f == SMS && e164.MatchString(address):
		m.Phone = address
	case f == Email && strings.Count(address, "@") == 1 && !strings.ContainsAny(address, " \r\n\t"):
		m.Email = address
	default:
		return nil, invalid("address", "must be a number such as +4930123456 for SMS, or an email address for Email; others have tickets, see EnrollmentTickets")
	}
	m.Type = names[f].Methods[0]
	made, err := s.register(ctx, userID, f, m, proof)
	if err != nil {
		return nil, s.ended(ctx, "register", userID, f, err)
	}
	if err := s.record(ctx, event("register", userID, f, nil)); err != nil {
		undo := s.dir.DeleteAuthenticationMethod(context.WithoutCancel(ctx), userID, made.ID)
		s.cache.Drop(userID)
		return nil, errors.Join(err, wrapped("undo", undo))
	}
	s.notify(ctx, userID, "added", f, made.Name)
	return &Enrollment{ID: made.ID, Factor: f, Name: made.Name, Confirmed: true, CreatedAt: made.CreatedAt}, nil
}

func (s *Service) register(ctx context.Context, userID string, f Factor, m resource.NewAuthenticationMethod, proof *Verification) (*resource.AuthenticationMethod, error) {
	if _, err := s.mayAdd(ctx, userID, proof); err != nil {
		return nil, err
	}
	if err := s.preflight(ctx, []Factor{f}); err != nil {
		return nil, err
	}
	defer s.cache.Drop(userID)
	made, err := s.dir.CreateAuthenticationMethod(ctx, userID, m)
	return made, wrapped("register", err)
}
