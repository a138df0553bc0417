package migration

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"

	"github.com/auth0kit/auth0kit/management/resource"
	"github.com/auth0kit/auth0kit/migration/driver"
	"github.com/auth0kit/auth0kit/migration/internal/jobs"
)

// places are where a user belongs, by id: organizations with roles there, and under
// the empty organization roles of the tenant. unknown is an organization or a role
// that the tenant does not have.
type places struct {
	roles   map[string][]string
	unknown string
}

func (p *places) put(org string, roles ...string) {
	if p.roles == nil {
		p.roles = make(map[string][]string)
	}
	all := append(p.roles[org], roles...)
	slices.Sort(all)
	p.roles[org] = slices.Compact(all)
}

func (p *places) orgs() []string {
	all := make([]string, 0, len(p.roles))
	for org := range p.roles {
		all = append(all, org)
	}
	slices.Sort(all)
	return all
}

// String is what the ledger keeps: "org_a:rol_x,rol_y;org_b".
func (p places) String() string {
	var parts []string
	for _, org := range p.orgs() {
		part := org
		if roles := p.roles[org]; len(roles) > 0 {
			part += ":" + strings.Join(roles, ",")
		}
		parts = append(parts, part)
	}
	return strings.Join(parts, ";")
}

func parsePlaces(s string) (p places) {
	for part := range strings.SplitSeq(s, ";") {
		if org, roles, ok := strings.Cut(part, ":"); ok {
			p.put(org, strings.Split(roles, ",")...)
		} else if org != "" {
			p.put(org)
		}
	}
	return p
}

func (p places) pending() driver.Memberships {
	if len(p.roles) > 0 || p.unknown != "" {
		return driver.MembershipsPending
	}
	return driver.MembershipsNone
}

// directory finds the ids of organizations and roles by their names, once each,
// and creates what is missing if it may. It is safe for concurrent use.
type directory struct {
	dst    MemberAdder
	create bool

	mu    sync.Mutex
	known map[string]string // "" is one that the tenant does not have
}

// creator is what a directory that creates needs besides.
type creator interface {
	CreateOrganization(ctx context.Context, o resource.Organization) (*resource.Organization, error)
	CreateRole(ctx context.Context, name string) (*resource.Role, error)
}

// of returns where a record belongs.
func (d *directory) of(ctx context.Context, r *Record) (p places, err error) {
	for _, m := range r.Memberships {
		org := m.OrgID
		if org == "" && m.OrgName != "" {
			if org, err = d.id(ctx, "organization "+m.OrgName, func() (string, error) { return d.organization(ctx, m.OrgName) }); err != nil {
				return p, err
			}
			p.miss(org, m.OrgName)
		}
		if org == "" {
			continue
		}
		roles, err := d.roles(ctx, &p, m.RoleIDs, m.RoleNames)
		if err != nil {
			return p, err
		}
		p.put(org, roles...)
	}
	roles, err := d.roles(ctx, &p, r.RoleIDs, r.RoleNames)
	if err == nil && len(roles) > 0 {
		p.put("", roles...)
	}
	return p, err
}

func (p *places) miss(id, name string) {
	if id == "" && p.unknown == "" {
		p.unknown = name
	}
}

func (d *directory) roles(ctx context.Context, p *places, ids, names []string) ([]string, error) {
	all := slices.Clone(ids)
	for _, name := range names {
		id, err := d.id(ctx, "role "+name, func() (string, error) { return d.role(ctx, name) })
		if err != nil {
			return nil, err
		}
		if p.miss(id, name); id != "" {
			all = append(all, id)
		}
	}
	return all, nil
}

func (d *directory) id(ctx context.Context, name string, ask func() (string, error)) (string, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if id, ok := d.known[name]; ok {
		return id, nil
	}
	id, err := jobs.Patiently(ctx, ask)
	if err != nil && !errors.Is(err, resource.ErrNotFound) && !errors.Is(err, resource.ErrInvalid) {
		return "", fmt.Errorf("migration: find or create an organization or a role: %w", err)
	}
	if err != nil {
		id = ""
	}
	if d.known == nil {
		d.known = make(map[string]string)
	}
	d.known[name] = id
	return id, nil
}

// organization finds one; a creation whose answer was lost, or that another process
// has won, is found by the next attempt.
func (d *directory) organization(ctx context.Context, name string) (string, error) {
	o, err := d.dst.OrganizationByName(ctx, name)
	if errors.Is(err, resource.ErrNotFound) && d.create {
		if o, err = d.dst.(creator).CreateOrganization(ctx, resource.Organization{Name: name, DisplayName: name}); errors.Is(err, resource.ErrConflict) {
			o, err = d.dst.OrganizationByName(ctx, name)
		}
	}
	if err != nil {
		return "", err
	}
	return o.ID, nil
}

func (d *directory) role(ctx context.Context, name string) (string, error) {
	r, err := d.dst.RoleByName(ctx, name)
	if errors.Is(err, resource.ErrNotFound) && d.create {
		if r, err = d.dst.(creator).CreateRole(ctx, name); errors.Is(err, resource.ErrConflict) {
			r, err = d.dst.RoleByName(ctx, name)
		}
	}
	if err != nil {
		return "", err
	}
	return r.ID, nil
}

// Join gives a user the organizations and the roles of a record, as a login does. It
// can be repeated. A name that the tenant does not have is resource.ErrNotFound.
func Join(ctx context.Context, dst MemberAdder, userID string, r *Record) error {
	d := directory{dst: dst}
	p, err := d.of(ctx, r)
	if err != nil {
		return err
	}
	if p.unknown != "" {
		return fmt.Errorf("migration: the tenant has no organization or role %q: %w", p.unknown, resource.ErrNotFound)
	}
	for _, org := range p.orgs() {
		if org == "" {
			err = dst.AssignRoles(ctx, userID, p.roles[org]...)
		} else if err = dst.AddMembers(ctx, org, userID); err == nil && len(p.roles[org]) > 0 {
			err = dst.AssignMemberRoles(ctx, org, userID, p.roles[org]...)
		}
		if err != nil {
			return fmt.Errorf("migration: give a user organizations and roles: %w", err)
		}
	}
	return nil
}
