package tenancy

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/auth0kit/auth0kit/internal/lru"
	"github.com/auth0kit/auth0kit/internal/once"
	"github.com/auth0kit/auth0kit/management/resource"
)

// membership is what is known about a member. The zero value is no member.
type membership struct {
	member bool
	roles  []resource.Role
	listed bool // Read from the list, which has no inherited roles.
}

// account is what is known about a user. The zero value has one in good standing.
type account struct{ gone, blocked bool }

// live answers from a Directory. What is known about members, users and roles is
// cached apart: there are few roles, and a user can be in several organizations.
type live struct {
	dir         Directory
	outage      Outage
	lists       listings
	members     *loader[member, membership]
	users       *loader[string, account]
	permissions *loader[string, []resource.Permission]
	names       *loader[string, string]
	changed     *lru.Cache[member, time.Time] // When Invalidate or Observe was told; see mark.
	marks       int                           // Of changed; it has room for more, so that it forgets none.
}

func newLive(cfg GuardConfig) *live {
	n := orDefault(cfg.MaxEntries, 10_000)
	roleTTL, permissionTTL := orDefault(cfg.RoleTTL, 5*time.Minute), orDefault(cfg.PermissionTTL, 15*time.Minute)
	l := &live{dir: cfg.Directory, outage: cfg.OnOutage, changed: lru.New[member, time.Time](2 * n), marks: n}
	l.lists = listings{dir: cfg.Directory, ttl: roleTTL, orgs: lru.New[string, *listing](n)}
	l.members = newLoader(n, roleTTL, cfg.OnOutage.stale, l.readMember)
	l.users = newLoader(n, roleTTL, cfg.OnOutage.stale, now(l.readUser))
	l.permissions = newLoader(n, permissionTTL, cfg.OnOutage.stale, now(l.readPermissions))
	l.names = newLoader(n, roleTTL, cfg.OnOutage.stale, now(l.readName))
	return l
}

// readMember asks for one member, or reads the list when more are missing. A
// refusal never rests on the list, which lags, and has no inherited roles.
func (l *live) readMember(ctx context.Context, m member) (loaded[membership], error) {
	settled := l.changedAt(member{orgID: m.orgID}).Add(listLag) // when a list has what happened to all of them
	o, misses := l.lists.missed(m.orgID, settled)
	byList := func() (loaded[membership], bool) {
		if time.Now().Before(settled) {
			return loaded[membership]{}, false
		}
		roles, asOf, ok := l.lists.find(ctx, o, misses, m, settled)
		return loaded[membership]{membership{true, roles, true}, asOf}, ok && asOf.After(l.changedAt(m).Add(listLag))
	}
	if misses > 1 {
		if got, ok := byList(); ok {
			return got, nil
		}
	}
	got, err := l.readOne(ctx, m)
	if err != nil && misses == 1 {
		if listed, ok := byList(); ok {
			return listed, nil
		}
	}
	return got, err
}

func (l *live) readOne(ctx context.Context, m member) (loaded[membership], error) {
	start := time.Now() // the value is at least as old as the question
	roles, err := l.dir.MemberRoles(ctx, m.orgID, m.userID)
	in := len(roles) > 0
	if err == nil && !in { // a member without roles, or none
		var orgs []resource.Organization
		orgs, err = l.dir.UserOrganizations(ctx, m.userID)
		in = slices.ContainsFunc(orgs, func(o resource.Organization) bool { return o.ID == m.orgID })
	}
	if errors.Is(err, resource.ErrNotFound) {
		in, err = false, nil // worth remembering
	}
	return loaded[membership]{membership{member: in && err == nil, roles: slices.Clone(roles)}, start}, err
}

func (l *live) readUser(ctx context.Context, userID string) (account, error) {
	u, err := l.dir.User(ctx, userID)
	switch {
	case errors.Is(err, resource.ErrNotFound):
		return account{gone: true}, nil
	case err != nil:
		return account{}, err
	case u == nil:
		return account{}, errors.New("tenancy: the Directory returned no user, and no error")
	}
	return account{blocked: u.Blocked}, nil
}

func (l *live) readPermissions(ctx context.Context, roleID string) ([]resource.Permission, error) {
	permissions, err := l.dir.RolePermissions(ctx, roleID)
	if errors.Is(err, resource.ErrNotFound) {
		return nil, nil
	}
	return slices.Clone(permissions), err
}

func (l *live) readName(ctx context.Context, orgID string) (string, error) {
	o, err := l.dir.Organization(ctx, orgID)
	switch {
	case errors.Is(err, resource.ErrNotFound):
		return "", nil
	case err != nil:
		return "", err
	case o == nil:
		return "", errors.New("tenancy: the Directory returned no organization, and no error")
	}
	return o.Name, nil
}

// fill sets the roles and permissions of a user, or returns a *ForbiddenError when
// they are blocked or not a member.
func (l *live) fill(ctx context.Context, t *TenantContext) error {
	m := member{t.TenantID, t.UserID}
	l.users.start(ctx, m.userID) // at the same time
	held, err := l.members.get(ctx, m)
	known := !held.asOf.IsZero()
	if known && !held.value.member {
		return &ForbiddenError{Reason: "not_member"}
	}
	user, errUser := l.users.get(ctx, m.userID)
	switch {
	case user.value.gone:
		return &ForbiddenError{Reason: "not_member"}
	case user.value.blocked:
		return &ForbiddenError{Reason: "blocked"}
	}
	if errUser != nil && !l.trusts(t) {
		return errUser
	}
	var roles, permissions []string
	if err == nil {
		roles, permissions, err = l.of(ctx, held.value.roles, t.token.Audiences)
	}
	t.listed = held.value.listed
	if err != nil && l.trusts(t) {
		t.Roles = nil
		t.Permissions, err = t.token.Texts("permissions")
		return fromJose(err)
	}
	t.Roles, t.Permissions = roles, permissions
	return err
}

// trusts reports whether the token may stand in for the Directory.
func (l *live) trusts(t *TenantContext) bool {
	at := l.changedAt(member{t.TenantID, t.UserID})
	return l.outage.token && (at.IsZero() || t.IssuedAt.After(at.Add(clockSkew)))
}

// of returns the names of the roles and the union of their permissions for the
// APIs: a role can span several, and read:users of another one means nothing here.
func (l *live) of(ctx context.Context, held []resource.Role, audiences []string) (roles, permissions []string, err error) {
	for _, role := range held {
		of, err := l.permissions.get(ctx, role.ID)
		if err != nil {
			return nil, nil, err
		}
		roles = append(roles, role.Name)
		for _, p := range of.value {
			if slices.Contains(audiences, p.Audience) {
				permissions = append(permissions, p.Name)
			}
		}
	}
	slices.Sort(permissions)
	return roles, slices.Compact(permissions), nil
}

// confirm fills t again, and asks for the member alone if what is known about them
// comes from the list.
func (l *live) confirm(ctx context.Context, t *TenantContext) error {
	m := member{t.TenantID, t.UserID}
	alone := func(last once.Outcome[loaded[membership]]) bool {
		return l.members.serves(last) && (last.Err != nil || !last.Value.value.listed)
	}
	_, _ = l.members.entry(m).Do(ctx, alone, func(ctx context.Context) (loaded[membership], error) { return l.readOne(ctx, m) }) // fill sees how it ended
	return l.fill(ctx, t)
}

// named returns nil if the organization has that name.
func (l *live) named(ctx context.Context, orgID, name string) error {
	got, err := l.names.get(ctx, orgID)
	switch {
	case err != nil:
		return err
	case got.value != name || name == "":
		return fmt.Errorf("%w: the organization has another name", ErrNotFound)
	}
	return nil
}

// alive reads a user again who was blocked or deleted when they were last read. It
// believes nothing good: news can come late.
func (l *live) alive(userID string) {
	if entry, ok := l.users.entries.Get(userID); ok && entry.Last().Value.value != (account{}) {
		l.users.invalidate(func(id string) bool { return id == userID })
	}
}

// changedAt returns when something about the member was last said to have changed.
func (l *live) changedAt(m member) (latest time.Time) {
	for _, key := range [...]member{m, {orgID: m.orgID}, {userID: m.userID}, {}} {
		if at, ok := l.changed.Get(key); ok && at.After(latest) {
			latest = at
		}
	}
	return latest
}

// mark notes that something has changed. No mark may be lost, or a list of members
// from before would admit who was removed: of too many, one about everybody takes the
// place.
func (l *live) mark(m member) {
	if l.changed.Len() < l.marks {
		l.changed.Put(m, time.Now())
		return
	}
	l.changed.Put(member{}, time.Now())
	l.changed.DropIf(func(k member) bool { return k != member{} })
	l.changed.Put(member{}, time.Now()) // for marks that came meanwhile
}

// forget drops what is known about a member; an empty id stands for all.
func (l *live) forget(m member) {
	l.mark(m)
	l.members.invalidate(func(k member) bool {
		return (m.orgID == "" || k.orgID == m.orgID) && (m.userID == "" || k.userID == m.userID)
	})
	if m.orgID == "" {
		l.users.invalidate(func(id string) bool { return m.userID == "" || id == m.userID })
	}
	if m.userID == "" {
		l.names.invalidate(func(id string) bool { return m.orgID == "" || id == m.orgID })
	}
}
