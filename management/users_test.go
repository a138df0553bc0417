package management

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"reflect"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/auth0kit/auth0kit/management/resource"
)

// bodyOf reads the JSON that a request brought.
func bodyOf(t *testing.T, r *http.Request) map[string]any {
	t.Helper()
	var body map[string]any
	if err := json.NewDecoder(r.Body).Decode(&body); err != nil {
		t.Errorf("%s %s: %v", r.Method, r.URL.Path, err)
	}
	return body
}

func TestCreateUser(t *testing.T) {
	t.Parallel()
	s := newScript(t)
	var got map[string]any
	s.handle("POST users", func(w http.ResponseWriter, r *http.Request) {
		got = bodyOf(t, r)
		reply(w, 201, map[string]any{"user_id": "auth0|7", "email": "ada@example.com", "logins_count": 0,
			"identities": []any{map[string]any{"connection": "Users", "user_id": 7}}})
	})
	u, err := s.client().CreateUser(t.Context(), resource.NewUser{
		User: resource.User{
			ID: "7", Connection: "Users", Email: "ada@example.com", Blocked: true, AppMetadata: map[string]any{"plan": "pro"},
			CreatedAt: time.Now(), LoginsCount: 3, // Ignored.
		},
		Password: "correct horse",
	})
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]any{
		"user_id": "7", "connection": "Users", "email": "ada@example.com", "email_verified": false, "blocked": true,
		"password": "correct horse", "app_metadata": map[string]any{"plan": "pro"},
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("sent %v", got)
	}
	if u.ID != "auth0|7" || u.Connection != "Users" {
		t.Errorf("user = %+v", u)
	}
}

func TestUpdateUser(t *testing.T) {
	t.Parallel()
	s := newScript(t)
	var got map[string]any
	s.handle("PATCH users/{id}", func(w http.ResponseWriter, r *http.Request) {
		got = bodyOf(t, r)
		reply(w, 200, map[string]any{"user_id": r.PathValue("id"), "email_verified": "true"})
	})
	u, err := s.client().UpdateUser(t.Context(), "auth0|7", resource.UserPatch{
		EmailVerified: new(false), AppMetadata: map[string]any{"plan": nil}, UserMetadata: map[string]any{},
	})
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]any{"email_verified": false, "app_metadata": map[string]any{"plan": nil}}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("sent %v", got)
	}
	if u.ID != "auth0|7" || !u.EmailVerified {
		t.Errorf("user = %+v", u)
	}
}

func TestUsersByEmail(t *testing.T) {
	t.Parallel()
	s := newScript(t)
	s.handle("GET users-by-email", func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Query().Get("email") != "a+b@example.com" {
			reply(w, 200, []any{})
			return
		}
		reply(w, 200, []any{map[string]any{"user_id": "auth0|1"}, map[string]any{"user_id": "google-oauth2|2"}})
	})
	c := s.client()
	users, err := c.UsersByEmail(t.Context(), "a+b@example.com")
	if err != nil || len(users) != 2 || users[1].ID != "google-oauth2|2" {
		t.Errorf("users = %v, %v", users, err)
	}
	users, err = c.UsersByEmail(t.Context(), "gone@example.com")
	if err != nil || len(users) != 0 {
		t.Errorf("users = %v, %v", users, err)
	}
}

// numbered answers page and per_page out of n items.
func numbered(n int, key string, item func(i int) any) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		page, _ := strconv.Atoi(r.URL.Query().Get("page"))
		size, _ := strconv.Atoi(r.URL.Query().Get("per_page"))
		if (page+1)*size > 1000 {
			fail(w, 400, "You can only page through the first 1000 records.", "invalid_paging")
			return
		}
		items := []any{}
		for i := page * size; i < min((page+1)*size, n); i++ {
			items = append(items, item(i))
		}
		reply(w, 200, map[string]any{"start": page * size, "limit": size, "length": len(items), "total": n, key: items})
	}
}

func numberedUser(i int) any { return map[string]any{"user_id": fmt.Sprint("auth0|", i)} }

func TestSearchUsers(t *testing.T) {
	t.Parallel()
	for _, n := range []int{0, 7, 100, 250, 999, 1000, 5000} {
		t.Run(fmt.Sprint(n), func(t *testing.T) {
			t.Parallel()
			s := newScript(t)
			s.handle("GET users", numbered(n, "users", numberedUser))
			got := 0
			var last error
			for u, err := range s.client().SearchUsers(t.Context(), `email:"x"`) {
				if last = err; err != nil {
					break
				}
				if u.ID != fmt.Sprint("auth0|", got) {
					t.Fatalf("user %d is %s", got, u.ID)
				}
				got++
			}
			if want := min(n, 1000); got != want {
				t.Errorf("%d users, want %d", got, want)
			}
			if more := n > 1000; errors.Is(last, ErrInvalid) != more {
				t.Errorf("err = %v", last)
			}
			for _, call := range s.asked() {
				if !strings.Contains(call, "search_engine=v3") || !strings.Contains(call, "q=email%3A%22x%22") {
					t.Errorf("asked %s", call)
				}
			}
		})
	}
}

func TestIteratorsStop(t *testing.T) {
	t.Parallel()
	s := newScript(t)
	s.handle("GET users", numbered(500, "users", numberedUser))
	all := s.client().SearchUsers(t.Context(), "")
	if len(s.asked()) != 0 {
		t.Error("asked before anybody ranged")
	}
	for range all {
		break
	}
	if got := s.asked(); len(got) != 1 || strings.Contains(got[0], "q=") {
		t.Errorf("asked %q", got)
	}
	failing := newScript(t)
	failing.handle("GET users", func(w http.ResponseWriter, r *http.Request) { fail(w, 403, "Insufficient scope", "insufficient_scope") })
	rounds := 0
	for u, err := range failing.client().SearchUsers(t.Context(), "") {
		rounds++
		if !errors.Is(err, ErrForbidden) || u.ID != "" {
			t.Errorf("%v, %v", u, err)
		}
	}
	if rounds != 1 {
		t.Errorf("%d rounds", rounds)
	}
}

func TestConnection(t *testing.T) {
	t.Parallel()
	s := newScript(t)
	s.handle("GET connections", func(w http.ResponseWriter, r *http.Request) {
		found := []any{}
		if r.URL.Query().Get("name") == "Users" {
			found = append(found, map[string]any{"id": "con_1", "name": "Users", "strategy": "auth0"})
		}
		reply(w, 200, map[string]any{"start": 0, "limit": 50, "total": len(found), "connections": found})
	})
	c := s.client()
	got, err := c.Connection(t.Context(), "Users")
	if err != nil || got.ID != "con_1" || got.Name != "Users" || got.Strategy != "auth0" {
		t.Errorf("%+v, %v", got, err)
	}
	_, err = c.Connection(t.Context(), "Gone")
	if e, ok := errors.AsType[*Error](err); !ok || !errors.Is(err, ErrNotFound) || e.Op != "read connection" {
		t.Errorf("err = %v", err)
	}
}

// An empty id would name the collection: "DELETE users/" is not "delete nobody".
func TestEmptyIDs(t *testing.T) {
	t.Parallel()
	s := newScript(t)
	c, ctx := s.client(), t.Context()
	errs := []error{
		c.DeleteUser(ctx, ""), c.DeleteUser(ctx, ".."), c.RevokeSession(ctx, ""), c.RevokeAccess(ctx, ""), c.RevokeRefreshTokens(ctx, ""),
		c.SetFactor(ctx, "", false), c.DeleteAuthenticators(ctx, ""), c.DeleteAuthenticationMethod(ctx, "auth0|1", ""),
		c.DeleteInvitation(ctx, "org_1", ""), c.AddMembers(ctx, "", "auth0|1"), c.RemoveMemberRoles(ctx, "org_1", "", "rol_1"),
		c.AssignMemberRoles(ctx, "org_1", "auth0|1", ""), c.DeleteAction(ctx, ""), c.SendVerificationEmail(ctx, ""),
		c.SetBindings(ctx, "post-login", []resource.Binding{{}}), c.InvalidateRememberedBrowsers(ctx, ""),
	}
	_, err := c.User(ctx, "")
	errs = append(errs, err)
	_, err = c.Job(ctx, "")
	errs = append(errs, err)
	_, err = c.PasswordTicket(ctx, "", 0)
	errs = append(errs, err)
	_, err = c.CreateEnrollmentTicket(ctx, "", "otp")
	errs = append(errs, err)
	_, err = c.UsersByEmail(ctx, "")
	errs = append(errs, err)
	for i, err := range errs {
		if !errors.Is(err, ErrInvalid) {
			t.Errorf("%d: err = %v", i, err)
		}
		checkSilent(t, err)
	}
	if len(s.asked()) != 0 || s.issued() != 0 {
		t.Errorf("asked %q", s.asked())
	}
}
