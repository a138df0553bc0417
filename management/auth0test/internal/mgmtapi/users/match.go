package users

import (
	"slices"
	"strings"

	"github.com/auth0kit/auth0kit/management/auth0test/internal/query"
	"github.com/auth0kit/auth0kit/management/auth0test/internal/state"
	"github.com/auth0kit/auth0kit/management/auth0test/internal/store"
)

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
