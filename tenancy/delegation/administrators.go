package delegation

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/auth0kit/auth0kit/internal/secret"
	"github.com/auth0kit/auth0kit/management/resource"
)

// How somebody is an administrator.
const (
	direct     = "direct"
	byGroup    = "group"
	invited    = "invited"
	tenantWide = "tenant_wide"
)

// Administrator is somebody who holds the administrator role, or is invited to it.
type Administrator struct {
	UserID       string `json:"user_id,omitempty"` // Empty for an invitation.
	InvitationID string `json:"invitation_id,omitempty"`
	Email        string `json:"email,omitempty"`
	How          string `json:"how"`    // "direct"; "group", by which the role comes; "invited"; or, in a Review, "tenant_wide".
	Counts       bool   `json:"counts"` // As an administrator who can act.
	// Why says why somebody does not count: "invited", "expired", "blocked",
	// "deleted", "unverified", "connection" (the organization has not enabled
	// theirs), "not_a_member" or "tenant_wide".
	Why     string    `json:"why,omitempty"`
	Expires time.Time `json:"expires,omitzero"` // Of an invitation.
}

// Format hides the email.
func (a Administrator) Format(f fmt.State, _ rune) { secret.Format(f, a) }

// LogValue is what Format writes.
func (a Administrator) LogValue() slog.Value {
	return secret.Shown(slog.String("user_id", a.UserID), slog.String("invitation_id", a.InvitationID),
		slog.String("how", a.How), slog.Bool("counts", a.Counts), slog.String("why", a.Why))
}

// List returns the administrators of the organization: those who hold the role,
// directly or through a group, then pending invitations with the role. Each group
// is sorted by email. It reads the whole list of members: a request for every 100
// of them, and about eight.
func (a *Admin) List(ctx context.Context, orgID string) ([]Administrator, error) {
	o, err := a.look(ctx, orgID)
	if err != nil {
		return nil, err
	}
	return o.all(), nil
}

// look observes an organization for an actor who may.
func (a *Admin) look(ctx context.Context, orgID string) (*observation, error) {
	if err := named(orgID); err != nil {
		return nil, err
	}
	c := Change{Kind: kindRead, RoleID: a.s.role}
	if err := a.enters(ctx, orgID, c); err != nil {
		return nil, a.refuse(ctx, orgID, origin{}, &c, err)
	}
	return a.s.observe(ctx, orgID)
}

// observation is what Auth0 says about the administrators of an organization.
type observation struct {
	org         string
	holders     []Administrator       // Who hold the role, by id.
	invited     []Administrator       // Invitations with the role, by email.
	also        map[string][]string   // What other roles an invitation has, by its id.
	connections []resource.Connection // Enabled in the organization.
	noGroups    bool                  // Groups cannot be read.
}

func (o *observation) all() []Administrator {
	holders := slices.SortedFunc(slices.Values(o.holders), func(a, b Administrator) int {
		return cmp.Or(strings.Compare(a.Email, b.Email), strings.Compare(a.UserID, b.UserID))
	})
	return append(holders, o.invited...)
}

// counting returns how many administrators count.
func (o *observation) counting() (n int) {
	for _, h := range o.holders {
		if h.Counts {
			n++
		}
	}
	return n
}

func (o *observation) holder(userID string) *Administrator {
	i, found := slices.BinarySearchFunc(o.holders, userID, func(h Administrator, id string) int { return strings.Compare(h.UserID, id) })
	if !found {
		return nil
	}
	return &o.holders[i]
}

func (o *observation) invitation(id string) *Administrator {
	i := slices.IndexFunc(o.invited, func(a Administrator) bool { return a.InvitationID == id })
	if i < 0 {
		return nil
	}
	return &o.invited[i]
}

func (s *Service) observe(ctx context.Context, orgID string) (o *observation, err error) {
	o = &observation{org: orgID}
	if o.connections, err = s.dir.OrganizationConnections(ctx, orgID); err != nil {
		return nil, err
	}
	inGroups, groups, err := s.groupHolders(ctx, orgID)
	if err != nil {
		return nil, err
	}
	o.noGroups = !groups
	if o.holders, err = s.holders(ctx, o, inGroups); err != nil {
		return nil, err
	}
	if o.invited, o.also, err = s.invitations(ctx, orgID); err != nil {
		return nil, err
	}
	return o, s.judge(ctx, o)
}

// holders reads the members, and who of them holds the role.
func (s *Service) holders(ctx context.Context, o *observation, inGroups map[string]bool) ([]Administrator, error) {
	found := make(map[string]Administrator)
	for id := range inGroups {
		found[id] = Administrator{UserID: id, How: byGroup, Why: "not_a_member"}
	}
	var unknown []resource.Member
	for m, err := range s.dir.Members(ctx, o.org) {
		if err != nil {
			return nil, err
		}
		switch {
		case slices.ContainsFunc(m.Roles, func(r resource.Role) bool { return r.ID == s.role }):
			found[m.UserID] = Administrator{UserID: m.UserID, Email: m.Email, How: direct}
		case inGroups[m.UserID]:
			found[m.UserID] = Administrator{UserID: m.UserID, Email: m.Email, How: byGroup}
		case m.Roles == nil:
			unknown = append(unknown, m)
		}
	}
	roles, err := inParallel(ctx, unknown, func(ctx context.Context, m resource.Member) (*resource.Role, error) {
		return holds(ctx, s.dir, o.org, m.UserID, s.role)
	})
	for i, role := range roles {
		if role != nil {
			found[unknown[i].UserID] = holding(unknown[i], role)
		}
	}
	out := make([]Administrator, 0, len(found))
	for _, h := range found {
		out = append(out, h)
	}
	slices.SortFunc(out, func(a, b Administrator) int { return strings.Compare(a.UserID, b.UserID) })
	return out, err
}

func holding(m resource.Member, r *resource.Role) Administrator {
	how := direct
	if r.Inherited {
		how = byGroup
	}
	return Administrator{UserID: m.UserID, Email: m.Email, How: how}
}

// groupHolders returns who holds the role through a group, and whether groups can
// be read at all: not every tenant has them, and not every token may.
func (s *Service) groupHolders(ctx context.Context, orgID string) (who map[string]bool, readable bool, err error) {
	ids, err := s.dir.GroupHolders(ctx, orgID, s.role)
	if e, ok := errors.AsType[*resource.Error](err); errors.Is(err, resource.ErrForbidden) || errors.Is(err, resource.ErrNotFound) || ok && e.StatusCode == http.StatusNotImplemented {
		return nil, false, nil
	}
	who = make(map[string]bool, len(ids))
	for _, id := range ids {
		who[id] = true
	}
	return who, true, err
}

// invitations reads the invitations that carry the role, and what others they carry.
func (s *Service) invitations(ctx context.Context, orgID string) (out []Administrator, also map[string][]string, err error) {
	also = make(map[string][]string)
	for i, err := range s.dir.Invitations(ctx, orgID) {
		if err != nil {
			return nil, nil, err
		}
		if slices.Contains(i.RoleIDs, s.role) {
			out = append(out, invitee(i))
			also[i.ID] = slices.DeleteFunc(slices.Clone(i.RoleIDs), func(id string) bool { return id == s.role })
		}
	}
	slices.SortFunc(out, func(a, b Administrator) int {
		return cmp.Or(strings.Compare(a.Email, b.Email), strings.Compare(a.InvitationID, b.InvitationID))
	})
	return out, also, nil
}

func invitee(i resource.Invitation) Administrator {
	a := Administrator{InvitationID: i.ID, Email: i.Email, How: invited, Why: "invited", Expires: i.ExpiresAt}
	if !i.ExpiresAt.IsZero() && !i.ExpiresAt.After(time.Now()) {
		a.Why = "expired"
	}
	return a
}

// judge says of each holder whether they count.
func (s *Service) judge(ctx context.Context, o *observation) error {
	var ids []string
	for _, h := range o.holders {
		ids = append(ids, h.UserID)
	}
	users, err := s.users(ctx, ids)
	if err != nil {
		return err
	}
	for i := range o.holders {
		h := &o.holders[i]
		u := users[h.UserID]
		if u != nil {
			h.Email = cmp.Or(u.Email, h.Email)
		}
		h.Why = cmp.Or(h.Why, s.flaw(u, o.connections))
		h.Counts = h.Why == ""
	}
	return nil
}
