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
	parsed, bad := c.userQuery()
	if bad != nil {
		return bad
	}
	index, by := c.t.index(), c.query.Get("sort")
	if _, all := parsed.(every); all && by == "" {
		return c.userPage(o, index.some(o.start, o.limit), index.len())
	}
	users := c.t.find(parsed)
	if by != "" {
		if users, bad = c.t.sortUsers(users, by); bad != nil {
			return bad
		}
	}
	return c.userPage(o, cut(o, users), len(users))
}

func (c *call) userPage(o offset, users []*user, total int) *reply {
	items := render(users, func(u *user) any { return c.fields(u.view()) })
	if !o.totals {
		return ok(items)
	}
	return ok(map[string]any{"start": o.start, "limit": o.limit, "length": len(items), "users": items, "total": total})
}

// userQuery reads q.
func (c *call) userQuery() (query, *reply) {
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
	return parsed, nil
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
		return s.byEmail.all(strings.ToLower(q.text)), true
	case "username":
		return s.byUsername.all(strings.ToLower(q.text)), true
	case "phone_number":
		return s.byPhone.all(q.text), true
	}
	return nil, false
}

// sortUsers orders by "field:1" or "field:-1"; users without a value come last.
func (t *Tenant) sortUsers(users []*user, by string) ([]*user, *reply) {
	field, order, found := strings.Cut(by, ":")
	if !found || field == "" || order != "1" && order != "-1" {
		v := violation{text: "String does not match pattern ^(.+:(1|-1))$", path: "sort"}
		return nil, badRequest(v.message("Query"), "invalid_query_string")
	}
	type keyed struct {
		u *user
		v any // Nil: none.
	}
	rows := render(users, func(u *user) any {
		k := keyed{u: u}
		if values := t.values(u, field); len(values) > 0 {
			k.v = values[0]
		}
		return k
	})
	slices.SortStableFunc(rows, func(a, b any) int {
		va, vb := a.(keyed).v, b.(keyed).v
		if va == nil || vb == nil {
			return boolCompare(va == nil, vb == nil)
		}
		c, _ := compare(va, plain(vb))
		if order == "-1" {
			return -c
		}
		return c
	})
	sorted := make([]*user, len(rows))
	for i, r := range rows {
		sorted[i] = r.(keyed).u
	}
	return sorted, nil
}

// boolCompare orders false before true.
func boolCompare(a, b bool) int {
	switch {
	case a == b:
		return 0
	case a:
		return 1
	}
	return -1
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
