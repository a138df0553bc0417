package auth0test

import (
	"slices"
	"strings"
	"time"
)

// listUsers lists or searches users.
func listUsers(c *call) *reply {
	o, bad := c.offset(50, beyondUsers)
	if bad != nil {
		return bad
	}
	users, bad := c.searchUsers()
	if bad != nil {
		return bad
	}
	if by := c.query.Get("sort"); by != "" {
		if bad := c.t.sortUsers(users, by); bad != nil {
			return bad
		}
	}
	items := render(cut(o, users), func(u *user) any { return c.fields(u.view()) })
	if !o.totals {
		return ok(items)
	}
	return ok(map[string]any{"start": o.start, "limit": o.limit, "length": len(items), "users": items, "total": len(users)})
}

// searchUsers returns the users that the query's q finds, oldest first.
func (c *call) searchUsers() ([]*user, *reply) {
	q := c.query.Get("q")
	switch engine := c.query.Get("search_engine"); {
	case q != "" && engine == "":
		return nil, badRequest("The 'q' parameter is available only if you specify 'search_engine=v2|v3'.", "invalid_query_string")
	case engine == "v1" || engine == "v2":
		return nil, badRequest("Search engine "+engine+" is no longer supported. Use search_engine=v3.", "invalid_query_string")
	}
	parsed, err := parseQuery(q)
	if err != nil {
		return nil, badRequest("The query string in 'q' is not valid. See https://auth0.com/docs/users/search/v3/query-syntax.", "invalid_query_string")
	}
	return c.t.find(parsed), nil
}

// find evaluates a query over what search knows.
func (t *Tenant) find(q query) []*user {
	index := t.index()
	if _, all := q.(every); all {
		return index.all()
	}
	if candidates, indexed := index.candidates(q); indexed {
		return slices.DeleteFunc(candidates, func(u *user) bool { return !t.matches(q, u) })
	}
	var out []*user
	for _, u := range index.rows {
		if u != nil && t.matches(q, u) {
			out = append(out, u)
		}
	}
	return out
}

// candidates returns a superset of a query's matches by way of an index, if one
// serves. Users come without duplicates.
func (s *userStore) candidates(q query) ([]*user, bool) {
	switch q := q.(type) {
	case both:
		if l, indexed := s.candidates(q.left); indexed {
			return l, true
		}
		return s.candidates(q.right)
	case either:
		l, okL := s.candidates(q.left)
		r, okR := s.candidates(q.right)
		if !okL || !okR {
			return nil, false
		}
		for _, u := range r {
			if !slices.Contains(l, u) {
				l = append(l, u)
			}
		}
		return l, true
	case term:
		return s.byTerm(q)
	}
	return nil, false
}

func (s *userStore) byTerm(q term) ([]*user, bool) {
	if q.wild != nil {
		return nil, false
	}
	switch q.field {
	case "user_id":
		if u := s.get(q.text); u != nil {
			return []*user{u}, true
		}
		return nil, true
	case "email":
		return slices.Clone(s.byEmail[strings.ToLower(q.text)]), true
	case "username":
		return slices.Clone(s.byUsername[strings.ToLower(q.text)]), true
	case "phone_number":
		return slices.Clone(s.byPhone[q.text]), true
	}
	return nil, false
}

// sortUsers orders by "field:1" or "field:-1".
func (t *Tenant) sortUsers(users []*user, by string) *reply {
	field, order, found := strings.Cut(by, ":")
	if !found || field == "" || order != "1" && order != "-1" {
		v := violation{text: "String does not match pattern ^(.+:(1|-1))$", path: "sort"}
		return badRequest(v.message("Query"), "invalid_query_string")
	}
	sign := 1
	if order == "-1" {
		sign = -1
	}
	slices.SortStableFunc(users, func(a, b *user) int {
		va, vb := t.values(a, field), t.values(b, field)
		switch {
		case len(va) == 0 && len(vb) == 0:
			return 0
		case len(va) == 0:
			return 1 // Without a value last, in both directions.
		case len(vb) == 0:
			return -1
		}
		c, _ := compare(va[0], plain(vb[0]))
		return sign * c
	})
	return nil
}

// index is what search and lists see: the users, or with a SearchDelay their
// state of that time ago.
func (t *Tenant) index() *userStore {
	if t.opts.SearchDelay <= 0 {
		return &t.users
	}
	return &t.indexed
}

// searchable lets search see a change of a user, after the delay.
func (t *Tenant) searchable(u *user) {
	if t.opts.SearchDelay <= 0 {
		return
	}
	id, state := u.id, (*user)(nil)
	if t.users.get(id) == u {
		snapshot := *u
		state = &snapshot
	}
	t.timeline.at(t.now().Add(t.opts.SearchDelay), func(time.Time) {
		if old := t.indexed.get(id); old != nil {
			t.indexed.unindexAll(old)
		}
		if state == nil {
			t.indexed.delete(id)
			return
		}
		t.indexed.put(id, state)
		t.indexed.indexAll(state)
	})
}
