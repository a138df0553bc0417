package users

import (
	"slices"
	"testing"

	"github.com/auth0kit/auth0kit/management/auth0test/internal/query"
	"github.com/auth0kit/auth0kit/management/auth0test/internal/state"
)

// searchTenant has a few users that differ in what search can see.
func searchTenant(t testing.TB) *state.Tenant {
	t.Helper()
	tenant := state.New(state.Options{})
	now := tenant.Lock()
	defer tenant.Unlock()
	add := func(id string, change func(*state.User)) {
		u := &state.User{ID: "auth0|" + id, Email: id + "@Example.com", CreatedAt: now, UpdatedAt: now,
			Identities: []state.Identity{{Connection: state.DefaultConnection, Provider: "auth0", UserID: id}}}
		change(u)
		tenant.Users.Add(u)
	}
	add("ada", func(u *state.User) {
		u.Name, u.LoginsCount = "Ada Lovelace", 3
		u.AppMetadata = map[string]any{"plan": "pro", "tags": []any{"a", "b"}, "n": 5.0, "empty": []any{}, "none": nil}
	})
	add("bob", func(u *state.User) {
		u.Name, u.LoginsCount, u.Email, u.Blocked, u.BlockedSaid = "Bob", 300, "bob@corp.example.org", true, true
		u.UserMetadata = map[string]any{"color": "red", "addresses": []any{map[string]any{"city": "Oslo"}}}
	})
	add("cleo", func(u *state.User) {
		u.Name, u.Orgs, u.LastLogin = "cleo", []string{"org_abcdefghijklmnop"}, now
		u.CreatedAt = now.AddDate(-10, 0, 0)
		u.Identities[0].Connection = "other"
	})
	return tenant
}

func TestSearch(t *testing.T) {
	t.Parallel()
	tenant := searchTenant(t)
	for q, want := range map[string][]string{
		``:                                                     {"ada", "bob", "cleo"},
		`*`:                                                    {"ada", "bob", "cleo"},
		`email:"ADA@example.com"`:                              {"ada"}, // Any case in these fields.
		`user_id:"AUTH0|ada"`:                                  nil,     // Not in others.
		`user_id:"auth0|ada"`:                                  {"ada"},
		`name:"ada lovelace"`:                                  {"ada"},
		`name:ada*`:                                            {"ada"},
		`name:*lace`:                                           {"ada"},
		`email.domain:"corp.example.org"`:                      {"bob"},
		`app_metadata.plan:"pro"`:                              {"ada"},
		`app_metadata.plan:"PRO"`:                              nil,
		`app_metadata.tags:b`:                                  {"ada"},
		`app_metadata.n:5`:                                     {"ada"},
		`app_metadata.n:[4 TO 5]`:                              {"ada"},
		`app_metadata.n:{4 TO 5}`:                              nil,
		`app_metadata.n:>=5`:                                   {"ada"},
		`_exists_:app_metadata.plan`:                           {"ada"},
		`_exists_:app_metadata.empty`:                          nil,
		`_exists_:app_metadata.none`:                           nil,
		`NOT _exists_:app_metadata`:                            {"bob", "cleo"},
		`user_metadata.color:"red"`:                            {"bob"},
		`user_metadata.color:re*`:                              nil, // Not supported there.
		`user_metadata.color:[a TO z]`:                         nil,
		`user_metadata.addresses.city:"Oslo"`:                  {"bob"}, // The level of the array is not named.
		`blocked:true`:                                         {"bob"},
		`logins_count:[100 TO *]`:                              {"bob"},
		`logins_count:{* TO 300}`:                              {"ada", "cleo"},
		`organization_id:org_abcdefghijklmnop`:                 {"cleo"},
		`created_at:[* TO 2020-01]`:                            {"cleo"},
		`identities.connection:"other"`:                        {"cleo"},
		`email:(ada@example.com OR bob@corp.example.org)`:      {"ada", "bob"},
		`email:ada@example.com OR name:bob`:                    {"ada", "bob"},
		`name:bob name:cleo`:                                   {"bob", "cleo"}, // Nothing between is OR.
		`name:bob AND NOT blocked:true`:                        nil,
		`logins_count:[0 TO 1000] AND -blocked:true`:           {"ada", "cleo"},
		`(name:bob OR name:cleo) AND blocked:true`:             {"bob"},
		`name:bob OR name:cleo AND blocked:true`:               {"bob"}, // AND binds tighter.
		`email:"ada@example.com" AND app_metadata.plan:"free"`: nil,     // Found by index, then refused.
		`cleo`:                         {"cleo"}, // Any field …
		`red`:                          nil,      // … but user_metadata.
		`email:cleo\@example.com`:      {"cleo"},
		`last_login:[2000-01-01 TO *]`: {"cleo"},
	} {
		parsed, err := query.Parse(q)
		if err != nil {
			t.Errorf("%s: %v", q, err)
			continue
		}
		var got []string
		for _, u := range find(tenant, parsed) {
			got = append(got, u.Identities[0].UserID)
		}
		slices.Sort(got)
		if !slices.Equal(got, want) {
			t.Errorf("%s: got %v, want %v", q, got, want)
		}
	}
}

func TestSearchSyntaxErrors(t *testing.T) {
	t.Parallel()
	for _, q := range []string{
		`name:`, `:x`, `(name:a`, `name:a)`, `name:[a TO`, `name:[a b]`, `"open`, `AND`, `name:a OR`, `name:*ab`, `_exists_:`, `name:\`, `name:>`,
	} {
		if _, err := query.Parse(q); err == nil {
			t.Errorf("%s: parsed", q)
		}
	}
}

func FuzzParseQuery(f *testing.F) {
	for _, q := range []string{
		`email:"a@b.c" AND (name:*abc OR NOT _exists_:x)`, `logins_count:[1 TO 5}`, `a:>=5 b:<3`, `-x +y !z`, `((((`, `user_metadata.a.b:"c\"d"`, `last_login:2018-02-03T10:00:00Z`,
	} {
		f.Add(q)
	}
	tenant := searchTenant(f)
	f.Fuzz(func(t *testing.T, s string) {
		q, err := query.Parse(s)
		if err != nil {
			return
		}
		// An index must find what the scan finds.
		found := find(tenant, q)
		for _, u := range tenant.Users.All() {
			if matches(tenant, q, u) != slices.Contains(found, u) {
				t.Errorf("%q: scan and index differ on %s", s, u.ID)
			}
		}
	})
}
