package delegation

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/auth0kit/auth0kit/management/resource"
)

// few is for how many people each is read by id, which sees every write at once.
// More are searched for, in requests of at most a page and a length that every
// proxy takes.
const (
	few      = 10
	page     = 100
	queryLen = 4000
)

// users reads users by their ids. Who is missing in the answer does not exist.
func (s *Service) users(ctx context.Context, ids []string) (map[string]*resource.User, error) {
	found := make(map[string]*resource.User, len(ids))
	if len(ids) > few {
		for rest := ids; len(rest) > 0; {
			n, err := s.search(ctx, rest, found)
			if err != nil {
				return nil, err
			}
			rest = rest[n:]
		}
	}
	missing := slices.DeleteFunc(slices.Clone(ids), func(id string) bool { return found[id] != nil })
	read, err := inParallel(ctx, missing, s.user)
	for _, u := range read {
		if u != nil {
			found[u.ID] = u
		}
	}
	return found, err
}

// search looks for the first of ids, and returns for how many.
func (s *Service) search(ctx context.Context, ids []string, found map[string]*resource.User) (n int, err error) {
	var query strings.Builder
	for ; n < min(page, len(ids)) && query.Len()+len(ids[n]) < queryLen; n++ {
		if !strings.ContainsAny(ids[n], `"\`) {
			fmt.Fprintf(&query, `%s"%s"`, map[bool]string{true: " OR "}[query.Len() > 0], ids[n])
		}
	}
	if query.Len() == 0 {
		return max(n, 1), nil // None that a search takes: each is read by id.
	}
	for u, err := range s.dir.SearchUsers(ctx, "user_id:("+query.String()+")") {
		if err != nil {
			return 0, err
		}
		if slices.Contains(ids[:n], u.ID) {
			found[u.ID] = &u
		}
	}
	return n, nil
}

// user reads a user, nil when there is none of that id: also when it was linked
// into another one.
func (s *Service) user(ctx context.Context, id string) (*resource.User, error) {
	u, err := s.dir.User(ctx, id)
	if errors.Is(err, resource.ErrNotFound) || err == nil && u.ID != id {
		return nil, nil
	}
	return u, err
}

// flaw returns why somebody does not count, or "".
func (s *Service) flaw(u *resource.User, enabled []resource.Connection) string {
	if u == nil {
		return "deleted"
	}
	switch {
	case u.Blocked:
		return "blocked"
	case !belongs(u, enabled):
		return "connection"
	case !u.EmailVerified && !vouched(u, enabled) && !s.cfg.AllowUnverifiedEmail:
		return "unverified"
	}
	return ""
}

// belongs reports whether a user can log in by one of these connections, with their
// first account or one that was linked to it.
func belongs(u *resource.User, enabled []resource.Connection) bool {
	return slices.ContainsFunc(enabled, func(c resource.Connection) bool {
		return c.Name == u.Connection || slices.Contains(u.Linked, c.Name)
	})
}

// vouched reports whether the organization's own identity provider says whose the
// email is: it is that of the first account.
func vouched(u *resource.User, enabled []resource.Connection) bool {
	return slices.ContainsFunc(enabled, func(c resource.Connection) bool { return c.Name == u.Connection && enterprise(c.Strategy) })
}

// isMember asks about one user. It sees every write at once, which the list of
// members does not, and Auth0 answers alike about the roles of a member who has none
// and of somebody who is none.
func (s *Service) isMember(ctx context.Context, orgID, userID string) (bool, error) {
	all, err := s.dir.UserOrganizations(ctx, userID)
	return slices.ContainsFunc(all, func(o resource.Organization) bool { return o.ID == orgID }), err
}

// enterprise reports whether the organization itself says who its people are: it
// enabled a connection to its own identity provider
// (https://auth0.com/docs/authenticate/identity-providers/enterprise-identity-providers).
func enterprise(strategy string) bool {
	switch strategy {
	case "ad", "adfs", "auth0-adldap", "google-apps", "office365", "oidc", "okta", "pingfederate", "samlp", "sharepoint", "waad":
		return true
	}
	return false
}
