package delegation

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"time"

	"github.com/auth0kit/auth0kit/internal/secret"
	"github.com/auth0kit/auth0kit/management/resource"
)

// Review is who can administer an organization, and what is wrong with that.
type Review struct {
	OrgID          string          `json:"org_id"`
	At             time.Time       `json:"at"`
	Administrators []Administrator `json:"administrators"` // As List, then who holds the role in the whole tenant.
	Findings       []Finding       `json:"findings"`
}

// Format hides the emails.
func (r Review) Format(f fmt.State, _ rune) { secret.Format(f, r) }

// LogValue is what Format writes.
func (r Review) LogValue() slog.Value {
	return secret.Shown(slog.String("org_id", r.OrgID), slog.Int("administrators", len(r.Administrators)), slog.Int("findings", len(r.Findings)))
}

// Finding is something to look at. Rule is one of:
//
//   - "tenant_wide": the user holds the administrator role in the whole tenant
//   - "tenant_wide_unknown": who does could not be read; grant read:role_members
//   - "unverified": an administrator whose email is not verified
//   - "no_second_factor": an administrator without one at Auth0
//   - "second_factor_unknown": factors could not be read; grant read:authentication_methods
//   - "never_ends": an invitation without an end, or with one in more than 30 days
//   - "excess_permissions": a role has more than Config.Purpose says
//   - "no_such_role": the administrator role or one of Config.Purpose does not exist
//   - "too_few": fewer than Config.MinAdmins administrators count
//   - "groups_unknown": groups could not be read, so that administrators may be missing
type Finding struct {
	Rule         string `json:"rule"`
	UserID       string `json:"user_id,omitempty"`
	InvitationID string `json:"invitation_id,omitempty"`
	RoleID       string `json:"role_id,omitempty"`
	Advice       string `json:"advice"`
}

// Review returns the access review of the organization. It only reads: what List
// does, a request for each administrator, and some for roles. What it may not read
// is a finding.
func (a *Admin) Review(ctx context.Context, orgID string) (*Review, error) {
	o, err := a.look(ctx, orgID)
	if err != nil {
		return nil, err
	}
	r := &Review{OrgID: orgID, At: time.Now().UTC(), Administrators: o.all()}
	r.look(o, a.s.cfg.MinAdmins)
	for _, look := range []func(context.Context, *Review, *observation) error{a.s.reviewTenant, a.s.reviewFactors, a.s.reviewRoles} {
		if err := look(ctx, r, o); err != nil {
			return nil, err
		}
	}
	slices.SortStableFunc(r.Findings, func(a, b Finding) int {
		return strings.Compare(a.Rule+a.UserID+a.InvitationID+a.RoleID, b.Rule+b.UserID+b.InvitationID+b.RoleID)
	})
	r.Findings = slices.Compact(r.Findings) // A role is looked at in several ways.
	return r, nil
}

func (r *Review) add(f Finding) { r.Findings = append(r.Findings, f) }

// look finds what the observation itself shows.
func (r *Review) look(o *observation, least int) {
	if n := o.counting(); n < least {
		r.add(Finding{Rule: "too_few", Advice: fmt.Sprintf("%d of at least %d administrators count; add one", n, least)})
	}
	if o.noGroups {
		r.add(Finding{Rule: "groups_unknown", Advice: "groups could not be read; grant the scopes for groups if the tenant has them"})
	}
	for _, h := range o.holders {
		if h.Why == "unverified" {
			r.add(Finding{Rule: "unverified", UserID: h.UserID, Advice: "let the person verify the email, or take the role"})
		}
	}
	for _, i := range o.invited {
		if i.Expires.IsZero() || i.Expires.After(r.At.Add(maxTTL+time.Hour)) {
			r.add(Finding{Rule: "never_ends", InvitationID: i.InvitationID, Advice: "revoke the invitation and invite again with an end"})
		}
	}
}

// denied reports whether the token or the plan of the tenant has no such data.
func denied(err error) bool { return errors.Is(err, resource.ErrForbidden) }

func noSuchRole(id string) Finding {
	return Finding{Rule: "no_such_role", RoleID: id, Advice: "the tenant has no such role; correct the id where it is configured, or make the role again"}
}

// reviewTenant looks for those who hold the role in every organization-less login,
// whatever was granted in organizations.
func (s *Service) reviewTenant(ctx context.Context, r *Review, _ *observation) error {
	for u, err := range s.dir.RoleUsers(ctx, s.role) {
		if denied(err) {
			r.add(Finding{Rule: "tenant_wide_unknown", RoleID: s.role, Advice: "grant the scope read:role_members"})
			return nil
		}
		if errors.Is(err, resource.ErrNotFound) {
			r.add(noSuchRole(s.role))
			return nil
		}
		if err != nil {
			return err
		}
		r.Administrators = append(r.Administrators, Administrator{UserID: u.ID, Email: u.Email, How: tenantWide, Why: tenantWide})
		r.add(Finding{
			Rule: "tenant_wide", UserID: u.ID, RoleID: s.role,
			Advice: "take the role from the user in the tenant; grant it in the organizations that it is meant for",
		})
	}
	return nil
}

// reviewFactors looks for administrators without a second factor at Auth0. Those of
// an enterprise connection are asked by their own identity provider.
func (s *Service) reviewFactors(ctx context.Context, r *Review, o *observation) error {
	holders := slices.DeleteFunc(slices.Clone(o.holders), func(h Administrator) bool { return h.Why == "deleted" })
	found, err := inParallel(ctx, holders, func(ctx context.Context, h Administrator) (Finding, error) {
		methods, err := s.dir.AuthenticationMethods(ctx, h.UserID)
		switch {
		case denied(err):
			return Finding{Rule: "second_factor_unknown", UserID: h.UserID, Advice: "grant the scope read:authentication_methods"}, nil
		case err != nil && !errors.Is(err, resource.ErrNotFound):
			return Finding{}, err
		case slices.ContainsFunc(methods, secondFactor):
			return Finding{}, nil
		}
		return Finding{Rule: "no_second_factor", UserID: h.UserID, Advice: "let the person enroll a factor, unless their own identity provider asks for one"}, nil
	})
	for _, f := range found {
		if f.Rule != "" {
			r.add(f)
		}
	}
	return err
}

// secondFactor reports whether a method proves more than a password and its reset: a
// recovery code alone is a way back, and no factor.
func secondFactor(m resource.AuthenticationMethod) bool {
	switch m.Type {
	case "totp", "phone", "sms", "voice", "email", "push", "push-notification", "guardian", "webauthn-roaming", "webauthn-platform", "passkey":
		return m.Confirmed || m.Type == "passkey"
	}
	return false
}

// reviewRoles compares roles with their purpose.
func (s *Service) reviewRoles(ctx context.Context, r *Review, _ *observation) error {
	for id, purpose := range s.cfg.Purpose {
		has, err := s.dir.RolePermissions(ctx, id)
		if errors.Is(err, resource.ErrNotFound) {
			r.add(noSuchRole(id))
			continue
		}
		if err != nil {
			return err
		}
		var excess []string
		for _, p := range has {
			if !slices.Contains(purpose, p) {
				excess = append(excess, p.Name+" of "+p.Audience)
			}
		}
		if len(excess) > 0 {
			slices.Sort(excess)
			r.add(Finding{Rule: "excess_permissions", RoleID: id, Advice: "take " + strings.Join(excess, ", ") + " from the role, or add it to Config.Purpose"})
		}
	}
	return nil
}
