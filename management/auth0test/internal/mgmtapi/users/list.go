package users

import (
	"maps"
	"slices"
	"strings"

	"github.com/auth0kit/auth0kit/management/auth0test/internal/mgmtapi"
	"github.com/auth0kit/auth0kit/management/auth0test/internal/query"
	"github.com/auth0kit/auth0kit/management/auth0test/internal/schema"
	"github.com/auth0kit/auth0kit/management/auth0test/internal/state"
	"github.com/auth0kit/auth0kit/management/auth0test/internal/store"
)

// listUsers lists or searches users.
func listUsers(c *mgmtapi.Call) *mgmtapi.Reply {
	o, bad := c.Offset(50, mgmtapi.BeyondUsers)
	if bad != nil {
		return bad
	}
	parsed, bad := userQuery(c)
	if bad != nil {
		return bad
	}
	index, by := c.T.Index(), c.Query.Get("sort")
	if _, all := parsed.(query.Every); all && by == "" {
		return userPage(c, o, index.Some(o.Start, o.Limit), index.Len())
	}
	users := find(c.T, parsed)
	if by != "" {
		if users, bad = sortUsers(c.T, users, by); bad != nil {
			return bad
		}
	}
	return userPage(c, o, mgmtapi.Cut(o, users), len(users))
}

func userPage(c *mgmtapi.Call, o mgmtapi.Offset, users []*state.User, total int) *mgmtapi.Reply {
	items := store.Render(users, func(u *state.User) any { return c.Fields(viewUser(u)) })
	return mgmtapi.Answer(mgmtapi.Envelope[int]{Key: "users", Length: true}, o, items, total)
}

// userQuery reads q.
func userQuery(c *mgmtapi.Call) (query.Query, *mgmtapi.Reply) {
	q := c.Query.Get("q")
	switch engine := c.Query.Get("search_engine"); {
	case q != "" && engine == "":
		return nil, mgmtapi.BadRequest("The 'q' parameter is available only if you specify 'search_engine=v2|v3'.", "invalid_query_string")
	case engine == "v1" || engine == "v2":
		return nil, mgmtapi.BadRequest("Search engine "+engine+" is no longer supported. Use search_engine=v3.", "invalid_query_string")
	}
	parsed, err := query.Parse(q)
	if err != nil {
		return nil, mgmtapi.BadRequest("The query string in 'q' is not valid. See https://auth0.com/docs/users/search/v3/query-syntax.", "invalid_query_string")
	}
	return parsed, nil
}

// find evaluates a query over what search knows.
func find(t *state.Tenant, q query.Query) []*state.User {
	index := t.Index()
	if _, all := q.(query.Every); all {
		return index.All()
	}
	if candidates, indexed := candidates(index, q); indexed {
		return slices.DeleteFunc(candidates, func(u *state.User) bool { return !matches(t, q, u) })
	}
	var out []*state.User
	for _, u := range index.All() {
		if matches(t, q, u) {
			out = append(out, u)
		}
	}
	return out
}

// candidates returns a superset of a query's matches by way of an index, if one
// serves. Users come without duplicates.
func candidates(s *state.UserStore, q query.Query) ([]*state.User, bool) {
	switch q := q.(type) {
	case query.Both:
		if l, indexed := candidates(s, q.Left); indexed {
			return l, true
		}
		return candidates(s, q.Right)
	case query.Either:
		l, okL := candidates(s, q.Left)
		r, okR := candidates(s, q.Right)
		if !okL || !okR {
			return nil, false
		}
		for _, u := range r {
			if !slices.Contains(l, u) {
				l = append(l, u)
			}
		}
		return l, true
	case query.Term:
		return byTerm(s, q)
	}
	return nil, false
}

func byTerm(s *state.UserStore, q query.Term) ([]*state.User, bool) {
	if q.Wild != nil {
		return nil, false
	}
	switch q.Field {
	case "user_id":
		if u := s.Get(q.Text); u != nil {
			return []*state.User{u}, true
		}
		return nil, true
	case "email":
		return s.ByEmail.All(strings.ToLower(q.Text)), true
	case "username":
		return s.ByUsername.All(strings.ToLower(q.Text)), true
	case "phone_number":
		return s.ByPhone.All(q.Text), true
	}
	return nil, false
}

// sortUsers orders by "field:1" or "field:-1", or by several of them with commas
// between; users without a value come last.
func sortUsers(t *state.Tenant, users []*state.User, by string) ([]*state.User, *mgmtapi.Reply) {
	sorted := slices.Clone(users)
	for _, key := range slices.Backward(strings.Split(by, ",")) {
		field, order, found := strings.Cut(key, ":")
		if !found || field == "" || order != "1" && order != "-1" {
			v := schema.Violation{Text: "String does not match pattern ^(.+:(1|-1))$", Path: "sort"}
			return nil, mgmtapi.BadRequest(v.Message("Query"), "invalid_query_string")
		}
		firsts := make(map[*state.User][]any, len(sorted))
		for _, u := range sorted {
			firsts[u] = values(t, u, field)
		}
		slices.SortStableFunc(sorted, func(a, b *state.User) int {
			va, vb := firsts[a], firsts[b]
			if len(va) == 0 || len(vb) == 0 {
				return min(1, len(vb)) - min(1, len(va))
			}
			c, _ := query.Compare(va[0], schema.Plain(vb[0]))
			if order == "-1" {
				return -c
			}
			return c
		})
	}
	return sorted, nil
}

// caseless are the fields whose values match in any case.
var caseless = []string{"email", "email.domain", "name", "given_name", "family_name", "nickname"}

// matches decides whether a user fits a query.
func matches(t *state.Tenant, q query.Query, u *state.User) bool {
	return query.Match(q, func(q query.Query) bool {
		switch q := q.(type) {
		case query.Exists:
			return len(values(t, u, q.Field)) > 0
		case query.Term:
			return matchesTerm(t, q, u)
		case query.Span:
			return !strings.HasPrefix(q.Field, "user_metadata") && slices.ContainsFunc(values(t, u, q.Field), q.Contains)
		}
		return false
	})
}

// bareFields are those that a term without a field is looked for in.
var bareFields = []string{"email", "name", "given_name", "family_name", "nickname", "username", "phone_number", "user_id", "app_metadata"}

func matchesTerm(t *state.Tenant, q query.Term, u *state.User) bool {
	fields := []string{q.Field}
	if q.Field == "" {
		fields = bareFields
	}
	for _, f := range fields {
		if q.Wild != nil && strings.HasPrefix(f, "user_metadata") {
			continue // Not supported there.
		}
		if slices.ContainsFunc(values(t, u, f), func(v any) bool { return q.Equals(v, slices.Contains(caseless, f)) }) {
			return true
		}
	}
	return false
}

// values are what a field holds, without nulls, empty arrays and objects, which
// Auth0 does not index.
func values(t *state.Tenant, u *state.User, field string) []any {
	head, rest, _ := strings.Cut(field, ".")
	switch head {
	case "email":
		if rest == "domain" {
			_, domain, _ := strings.Cut(u.Email, "@")
			return query.Text(domain)
		}
		return query.Text(u.Email)
	case "user_id":
		return query.Text(u.ID)
	case "name":
		return query.Text(u.ShownName())
	case "app_metadata":
		return query.Descend(u.AppMetadata, rest)
	case "user_metadata":
		return query.Descend(u.UserMetadata, rest)
	case "organization_id":
		return store.Render(u.Orgs, func(id string) any { return id })
	case "logins_count":
		return []any{float64(u.LoginsCount)}
	case "email_verified":
		return []any{u.EmailVerified}
	case "nickname", "picture":
	default:
		if text := u.Texts()[head]; text != nil {
			return query.Text(*text)
		}
	}
	return query.Descend(plainView(u, head), field)
}

// plainView shows the rarer fields alone.
func plainView(u *state.User, head string) any {
	v, has := viewUser(u)[head]
	if !has {
		return nil
	}
	return map[string]any{head: v}
}

// viewUser is a user as the Management API shows it.
func viewUser(u *state.User) map[string]any {
	m := u.Said()
	store.Put(m, "last_ip", u.LastIP)
	maps.Copy(m, map[string]any{
		"user_id": u.ID, "identities": identityViews(u),
		"created_at": store.Stamp(u.CreatedAt), "updated_at": store.Stamp(u.UpdatedAt),
		"name": u.ShownName(), "nickname": u.ShownNickname(), "picture": u.ShownPicture(),
	})
	if u.BlockedSaid {
		m["blocked"] = u.Blocked
	}
	if u.AppMetadata != nil {
		m["app_metadata"] = u.AppMetadata
	}
	if u.UserMetadata != nil {
		m["user_metadata"] = u.UserMetadata
	}
	store.PutTime(m, "last_password_reset", u.LastPasswordReset)
	if !u.LastLogin.IsZero() {
		m["last_login"], m["logins_count"] = store.Stamp(u.LastLogin), u.LoginsCount
	}
	return m
}

func identityViews(u *state.User) []any {
	return store.Render(u.Identities, func(i state.Identity) any {
		m := map[string]any{"connection": i.Connection, "user_id": i.UserID, "provider": i.Provider, "isSocial": i.Social}
		if i.Profile != nil {
			m["profileData"] = i.Profile
		}
		return m
	})
}
