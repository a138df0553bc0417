package auth0test

import (
	"slices"
	"time"
)

// organization is a customer of the tenant.
type organization struct {
	id, name    string
	doc         map[string]any // Without id and name.
	createdAt   time.Time
	members     table[member]
	listed      table[member]       // What member lists show, when there is a SearchDelay.
	early       map[string][]string // Roles given to users who are not members yet: Auth0 takes them.
	groupRoles  map[string][]string // Group id to role ids.
	connections table[orgConnection]
	invitations table[invitation]
	grants      []string // Ids of client grants.
	domains     table[discoveryDomain]
}

// member is a user in an organization.
type member struct {
	userID string
	at     time.Time
	roles  []string // Role ids, in the order of their assignment.
}

type orgConnection struct {
	id                                           string
	assignMembership, showAsButton, enableSignup bool
	signupSaid                                   bool // Shown, because a request named it.
}

type invitation struct {
	id, ticket string
	doc        map[string]any
	createdAt  time.Time
	expiresAt  time.Time
	roles      []string
	accepted   bool
}

type discoveryDomain struct {
	id, domain, status string
	doc                map[string]any
	createdAt          time.Time
}

// join makes a user a member, if it is not yet.
func (t *Tenant) join(o *organization, userID string, now time.Time) *member {
	if m := o.members.get(userID); m != nil {
		return m
	}
	m := &member{userID: userID, at: now, roles: o.early[userID]}
	delete(o.early, userID)
	o.members.put(userID, m)
	if u := t.users.get(userID); u != nil {
		u.orgs = append(slices.Clone(u.orgs), o.id)
		t.searchable(u)
	}
	t.later(func() { o.listed.put(userID, m) })
	return m
}

// leave ends a membership.
func (t *Tenant) leave(o *organization, userID string) {
	if o == nil || !o.members.delete(userID) {
		return
	}
	if u := t.users.get(userID); u != nil {
		u.orgs = slices.DeleteFunc(slices.Clone(u.orgs), func(id string) bool { return id == o.id })
		t.searchable(u)
	}
	t.later(func() { o.listed.delete(userID) })
}

// shown are the members that a list shows now.
func (t *Tenant) shown(o *organization) []*member {
	if t.opts.SearchDelay > 0 {
		return o.listed.all()
	}
	return o.members.all()
}

// later changes what lists show, after the delay; without one there is nothing
// to do.
func (t *Tenant) later(change func()) {
	if t.opts.SearchDelay > 0 {
		t.timeline.at(t.now().Add(t.opts.SearchDelay), func(time.Time) { change() })
	}
}
