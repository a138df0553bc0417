package auth0test

import (
	"slices"
	"strconv"
	"strings"
	"time"
)

// caseless are the fields whose values match in any case.
var caseless = []string{"email", "email.domain", "name", "given_name", "family_name", "nickname"}

// matches decides whether a user fits a query.
func (t *Tenant) matches(q query, u *user) bool {
	switch q := q.(type) {
	case both:
		return t.matches(q.left, u) && t.matches(q.right, u)
	case either:
		return t.matches(q.left, u) || t.matches(q.right, u)
	case no:
		return !t.matches(q.inner, u)
	case every:
		return true
	case exists:
		return len(t.values(u, q.field)) > 0
	case term:
		return t.matchesTerm(q, u)
	case span:
		return !strings.HasPrefix(q.field, "user_metadata") && slices.ContainsFunc(t.values(u, q.field), q.contains)
	}
	return false
}

// bareFields are those that a term without a field is looked for in.
var bareFields = []string{"email", "name", "given_name", "family_name", "nickname", "username", "phone_number", "user_id", "app_metadata"}

func (t *Tenant) matchesTerm(q term, u *user) bool {
	fields := []string{q.field}
	if q.field == "" {
		fields = bareFields
	}
	for _, f := range fields {
		if q.wild != nil && strings.HasPrefix(f, "user_metadata") {
			continue // Not supported there.
		}
		if slices.ContainsFunc(t.values(u, f), func(v any) bool { return q.equals(v, slices.Contains(caseless, f)) }) {
			return true
		}
	}
	return false
}

func (q term) equals(v any, anyCase bool) bool {
	have, want := plain(v), q.text
	if anyCase {
		have, want = strings.ToLower(have), strings.ToLower(want)
	}
	if q.wild == nil {
		return have == want || sameTime(have, want)
	}
	return glob([]rune(want), q.wild, []rune(have))
}

// sameTime compares times written differently.
func sameTime(a, b string) bool {
	ta, okA := parseTime(a)
	tb, okB := parseTime(b)
	return okA && okB && len(b) > len("2006-01-02") && ta.Equal(tb)
}

// glob matches a pattern whose marked characters stand for any text. It works
// forward and returns to the last wildcard, so it takes at most len*len steps.
func glob(pattern []rune, wild []bool, s []rune) bool {
	p, i, star, mark := 0, 0, -1, 0
	for i < len(s) {
		switch {
		case p < len(pattern) && p < len(wild) && wild[p]:
			star, mark = p, i
			p++
		case p < len(pattern) && pattern[p] == s[i]:
			p, i = p+1, i+1
		case star >= 0:
			mark++
			p, i = star+1, mark
		default:
			return false
		}
	}
	for p < len(pattern) && p < len(wild) && wild[p] {
		p++
	}
	return p == len(pattern)
}

// contains compares numbers as numbers, times as times, and all else as text.
func (s span) contains(v any) bool {
	return s.above(v) && s.below(v)
}

func (s span) above(v any) bool {
	if s.from == "*" {
		return true
	}
	c, comparable := compare(v, s.from)
	return comparable && (c > 0 || c == 0 && s.fromIn)
}

func (s span) below(v any) bool {
	if s.to == "*" {
		return true
	}
	c, comparable := compare(v, s.to)
	return comparable && (c < 0 || c == 0 && s.toIn)
}

func compare(v any, bound string) (int, bool) {
	if n, isNumber := v.(float64); isNumber {
		b, err := strconv.ParseFloat(bound, 64)
		switch {
		case err != nil:
			return 0, false
		case n < b:
			return -1, true
		case n > b:
			return 1, true
		}
		return 0, true
	}
	have := plain(v)
	if a, ok := parseTime(have); ok {
		if b, ok := parseTime(bound); ok {
			return a.Compare(b), true
		}
	}
	return strings.Compare(have, bound), true
}

// parseTime reads a time or its beginning: "2018", "2018-02", "2018-02-03", …
func parseTime(s string) (time.Time, bool) {
	for _, layout := range []string{time.RFC3339Nano, "2006-01-02T15:04:05.000", "2006-01-02T15:04:05", "2006-01-02", "2006-01", "2006"} {
		if len(layout) >= 4 && len(s) >= 4 {
			if t, err := time.Parse(layout, s); err == nil {
				return t, true
			}
		}
	}
	return time.Time{}, false
}

// values are what a field holds, without nulls, empty arrays and objects, which
// Auth0 does not index.
func (t *Tenant) values(u *user, field string) []any {
	head, rest, _ := strings.Cut(field, ".")
	switch head {
	case "email":
		if rest == "domain" {
			_, domain, _ := strings.Cut(u.email, "@")
			return text(domain)
		}
		return text(u.email)
	case "user_id":
		return text(u.id)
	case "username":
		return text(u.username)
	case "phone_number":
		return text(u.phone)
	case "name":
		return text(u.shownName())
	case "nickname":
		return text(u.shownNickname())
	case "given_name":
		return text(u.given)
	case "family_name":
		return text(u.family)
	case "app_metadata":
		return descend(u.appMetadata, rest)
	case "user_metadata":
		return descend(u.userMetadata, rest)
	case "organization_id":
		return render(u.orgs, func(id string) any { return id })
	case "logins_count":
		return []any{float64(u.loginsCount)}
	case "created_at":
		return []any{stamp(u.createdAt)}
	case "updated_at":
		return []any{stamp(u.updatedAt)}
	case "last_login":
		if u.lastLogin.IsZero() {
			return nil
		}
		return []any{stamp(u.lastLogin)}
	case "email_verified":
		return []any{u.emailVerified}
	case "blocked":
		if !u.blockedSaid {
			return nil
		}
		return []any{u.blocked}
	}
	return descend(plainView(u, head), field)
}

func text(s string) []any {
	if s == "" {
		return nil
	}
	return []any{s}
}

// plainView shows the rarer fields alone.
func plainView(u *user, head string) any {
	v, has := u.view()[head]
	if !has {
		return nil
	}
	return map[string]any{head: v}
}

// descend follows a path through objects and through all items of arrays, whose
// levels the path does not name. Without a path it collects every value.
func descend(v any, path string) []any {
	switch v := v.(type) {
	case nil:
		return nil
	case []any:
		var out []any
		for _, item := range v {
			out = append(out, descend(item, path)...)
		}
		return out
	case map[string]any:
		return descendObject(v, path)
	case int:
		return descend(float64(v), path)
	}
	if path != "" || v == "" {
		return nil
	}
	return []any{v}
}

func descendObject(m map[string]any, path string) []any {
	if path == "" {
		var out []any
		for _, k := range sortedKeys(m) {
			out = append(out, descend(m[k], "")...)
		}
		return out
	}
	if v, has := m[path]; has {
		return descend(v, "")
	}
	head, rest, _ := strings.Cut(path, ".")
	return descend(m[head], rest)
}
