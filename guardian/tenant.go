package guardian

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/auth0kit/auth0kit/audit"
	"github.com/auth0kit/auth0kit/management/resource"
)

// TenantFactors returns the factors of the tenant, whether on or off.
func (s *Service) TenantFactors(ctx context.Context) ([]resource.Factor, error) {
	if s.dir == nil {
		return nil, errNoDirectory
	}
	factors, err := s.dir.Factors(ctx)
	return factors, wrapped("list factors", err)
}

// EnrollmentTickets returns a ticket for each of the given factors of Auth0. Its
// URL lets this user enroll the factor, once and within five days; nothing is
// enrolled before. For an app whose seed you keep, see EnrollTOTP.
//
// If a factor is off for the tenant, EnrollmentTickets makes no ticket and returns
// ErrFactorDisabled: turn the factor on in the dashboard, or set
// Config.AllowTenantWideChange. A ticket that cannot be recorded is not returned,
// so nobody has its URL.
func (s *Service) EnrollmentTickets(ctx context.Context, userID string, f ...Factor) ([]resource.EnrollmentTicket, error) {
	if err := checkUser(userID); err != nil {
		return nil, err
	}
	if err := checkTickets(f); err != nil {
		return nil, err
	}
	if err := s.preflight(ctx, f); err != nil {
		return nil, s.ended(ctx, "enable", userID, f[0], err)
	}
	defer s.cache.Drop(userID)
	var tickets []resource.EnrollmentTicket
	for _, factor := range f {
		ticket, err := s.dir.CreateEnrollmentTicket(ctx, userID, names[factor].Ticket)
		if err := s.ended(ctx, "enable", userID, factor, wrapped("create ticket", err)); err != nil {
			return nil, err
		}
		tickets = append(tickets, *ticket)
	}
	return tickets, nil
}

func checkTickets(factors []Factor) error {
	if len(factors) == 0 {
		return invalid("EnrollmentTickets", "needs a factor")
	}
	for i, f := range factors {
		if slices.Contains(factors[:i], f) {
			return invalid("EnrollmentTickets", "was given a factor twice")
		}
		if names[f].Ticket == "" {
			return fmt.Errorf("guardian: EnrollmentTickets: there is no ticket for the factor %q; EnrollTOTP enrolls local-totp", f)
		}
	}
	return nil
}

// preflight sees to it that the tenant has the factors.
func (s *Service) preflight(ctx context.Context, factors []Factor) error {
	all, err := s.TenantFactors(ctx)
	if err != nil {
		return err
	}
	for _, f := range factors {
		name := names[f].Factor
		if slices.Contains(all, resource.Factor{Name: name, Enabled: true}) {
			continue
		}
		if !s.cfg.AllowTenantWideChange {
			return fmt.Errorf("%w: %s; turn it on under Security, Multi-factor Auth, or set Config.AllowTenantWideChange", ErrFactorDisabled, name)
		}
		if err := s.enableForTenant(ctx, f, name); err != nil {
			return err
		}
	}
	return nil
}

// enableForTenant turns a factor on, and off again when that cannot be recorded.
func (s *Service) enableForTenant(ctx context.Context, f Factor, name string) error {
	err := wrapped("turn factor on", s.dir.SetFactor(ctx, name, true))
	e := event("tenant_factor", "", f, err)
	e.Target = audit.Ref{Kind: "factor", ID: name}
	unrecorded := s.record(ctx, e)
	if err == nil && unrecorded != nil {
		return errors.Join(unrecorded, wrapped("undo", s.dir.SetFactor(context.WithoutCancel(ctx), name, false)))
	}
	return errors.Join(err, unrecorded)
}
