package management

import (
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/auth0kit/auth0kit/management/resource"
)

// checkpointed answers take and from out of n items, and names a next page
// after the last one, as Auth0 does for members.
func checkpointed(n int, key string, item func(i int) any) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		from, _ := strconv.Atoi(strings.TrimPrefix(r.URL.Query().Get("from"), "after|"))
		take, _ := strconv.Atoi(r.URL.Query().Get("take"))
		items := []any{}
		for i := from; i < min(from+take, n); i++ {
			items = append(items, item(i))
		}
		answer := map[string]any{key: items}
		if len(items) > 0 {
			answer["next"] = fmt.Sprint("after|", from+len(items))
		}
		reply(w, 200, answer)
	}
}

func TestMembers(t *testing.T) {
	t.Parallel()
	s := newScript(t)
	s.handle("GET organizations/{org}/members", checkpointed(2345, "members", func(i int) any {
		return map[string]any{"user_id": fmt.Sprint("auth0|", i), "email": "ada@example.com", "roles": []any{map[string]any{"id": "rol_1", "name": "Admin"}}}
	}))
	var got []resource.Member
	for m, err := range s.client().Members(t.Context(), "org_1") {
		if err != nil {
			t.Fatal(err)
		}
		got = append(got, m)
	}
	if len(got) != 2345 || got[2344].UserID != "auth0|2344" || got[0].Roles[0] != (resource.Role{ID: "rol_1", Name: "Admin"}) {
		t.Errorf("%d members, first %+v", len(got), got[0])
	}
	if calls := s.asked(); len(calls) != 25 || !strings.Contains(calls[0], "fields=user_id%2Cemail%2Croles") {
		t.Errorf("%d calls, first %s", len(calls), calls[0])
	}
}

func TestRoleUsersAndPermissions(t *testing.T) {
	t.Parallel()
	s := newScript(t)
	s.handle("GET roles/{id}/users", checkpointed(1500, "users", numberedUser))
	s.handle("GET roles/{id}/permissions", numbered(150, "permissions", func(i int) any {
		return map[string]any{"permission_name": fmt.Sprint("read:", i), "resource_server_identifier": "https://api"}
	}))
	c := s.client()
	users, err := collect(c.RoleUsers(t.Context(), "rol_1"))
	if err != nil || len(users) != 1500 {
		t.Errorf("%d users, %v", len(users), err)
	}
	permissions, err := c.RolePermissions(t.Context(), "rol_1")
	if err != nil || len(permissions) != 150 || permissions[149] != (resource.Permission{Name: "read:149", Audience: "https://api"}) {
		t.Errorf("%d permissions, %v", len(permissions), err)
	}
}

func TestMembersInTens(t *testing.T) {
	t.Parallel()
	s := newScript(t)
	var sent [][]any
	keep := func(w http.ResponseWriter, r *http.Request) {
		sent = append(sent, bodyOf(t, r)["members"].([]any))
		w.WriteHeader(204)
	}
	s.handle("POST organizations/{org}/members", keep)
	s.handle("DELETE organizations/{org}/members", keep)
	c := s.client()
	ids := make([]string, 23)
	for i := range ids {
		ids[i] = fmt.Sprint("auth0|", i)
	}
	if err := c.AddMembers(t.Context(), "org_1", ids...); err != nil {
		t.Fatal(err)
	}
	if err := c.RemoveMembers(t.Context(), "org_1", ids[:11]...); err != nil {
		t.Fatal(err)
	}
	if err := c.AddMembers(t.Context(), "org_1"); err != nil {
		t.Fatal(err)
	}
	var sizes []int
	for _, members := range sent {
		sizes = append(sizes, len(members))
	}
	if !slices.Equal(sizes, []int{10, 10, 3, 10, 1}) || sent[2][2] != "auth0|22" {
		t.Errorf("sizes %v", sizes)
	}
	if err := c.AddMembers(t.Context(), "org_1", "auth0|1", ""); !errors.Is(err, ErrInvalid) || len(sent) != 5 {
		t.Errorf("err = %v", err)
	}
}

func TestMemberRoles(t *testing.T) {
	t.Parallel()
	s := newScript(t)
	s.handle("GET organizations/{org}/members/{user}/effective-roles", func(w http.ResponseWriter, r *http.Request) {
		if r.PathValue("org") == "org_2" {
			fail(w, 404, "No organization found by that id or name", "")
			return
		}
		reply(w, 200, map[string]any{"roles": []any{
			map[string]any{"id": "rol_1", "name": "Admin", "description": "", "sources": []any{"direct", "groups"}},
			map[string]any{"id": "rol_2", "name": "Reader", "description": "", "sources": []any{"groups"}},
		}})
	})
	s.handle("GET organizations/{org}/members/{user}/roles", func(w http.ResponseWriter, r *http.Request) {
		fail(w, 404, "No organization found by that id or name", "")
	})
	c := s.client()
	roles, err := c.MemberRoles(t.Context(), "org_1", "auth0|1")
	if err != nil || !slices.Equal(roles, []resource.Role{{ID: "rol_1", Name: "Admin"}, {ID: "rol_2", Name: "Reader", Inherited: true}}) {
		t.Errorf("roles = %v, %v", roles, err)
	}
	if _, err := c.MemberRoles(t.Context(), "org_2", "auth0|1"); !errors.Is(err, ErrNotFound) {
		t.Errorf("err = %v", err)
	}
	if _, err := c.MemberRoles(t.Context(), "org_1", "auth0|1"); err != nil { // Not taken for missing.
		t.Error(err)
	}
}

// A token without the scope for effective roles sees the direct ones, and asks
// once only.
func TestMemberRolesWithoutScope(t *testing.T) {
	t.Parallel()
	for _, status := range []int{403, 404, 501} {
		s := newScript(t)
		s.handle("GET organizations/{org}/members/{user}/effective-roles", func(w http.ResponseWriter, r *http.Request) {
			fail(w, status, "Insufficient scope", "insufficient_scope")
		})
		s.handle("GET organizations/{org}/members/{user}/roles", numbered(2, "roles", func(i int) any {
			return map[string]any{"id": fmt.Sprint("rol_", i), "name": "Admin"}
		}))
		c := s.client()
		for range 2 {
			roles, err := c.MemberRoles(t.Context(), "org_1", "auth0|1")
			if err != nil || len(roles) != 2 || roles[0].Inherited {
				t.Errorf("roles = %v, %v", roles, err)
			}
		}
		if got := s.asked(); len(got) != 3 {
			t.Errorf("%d: asked %q", status, got)
		}
	}
}

func TestInvitations(t *testing.T) {
	t.Parallel()
	s := newScript(t)
	var got map[string]any
	invited := map[string]any{
		"id": "uinv_1", "invitee": map[string]any{"email": "ada@example.com"}, "roles": []any{"rol_1"},
		"invitation_url": "https://app.example/login?invitation=T", "expires_at": "2026-01-02T03:04:05.678Z",
	}
	s.handle("POST organizations/{org}/invitations", func(w http.ResponseWriter, r *http.Request) {
		got = bodyOf(t, r)
		reply(w, 201, invited)
	})
	s.handle("GET organizations/{org}/invitations", func(w http.ResponseWriter, r *http.Request) {
		reply(w, 200, map[string]any{"start": 0, "limit": 100, "invitations": []any{invited}}) // No total.
	})
	s.handle("DELETE organizations/{org}/invitations/{id}", func(w http.ResponseWriter, r *http.Request) { w.WriteHeader(204) })
	c := s.client()
	in := resource.NewInvitation{ClientID: "app", Inviter: "Grace", Email: "ada@example.com", RoleIDs: []string{"rol_1"}, TTL: time.Hour, NoMail: true}
	made, err := c.CreateInvitation(t.Context(), "org_1", in)
	if err != nil || made.ID != "uinv_1" || made.ExpiresAt != time.Date(2026, 1, 2, 3, 4, 5, 678e6, time.UTC) || made.URL == "" {
		t.Errorf("%+v, %v", made, err)
	}
	if got["ttl_sec"] != 3600. || got["send_invitation_email"] != false {
		t.Errorf("sent %v", got)
	}
	all, err := collect(c.Invitations(t.Context(), "org_1"))
	if err != nil || len(all) != 1 || all[0].Email != "ada@example.com" || all[0].RoleIDs[0] != "rol_1" {
		t.Errorf("%+v, %v", all, err)
	}
	if err := c.DeleteInvitation(t.Context(), "org_1", "uinv_1"); err != nil {
		t.Error(err)
	}
	in.TTL = 31 * 24 * time.Hour
	if _, err := c.CreateInvitation(t.Context(), "org_1", in); !errors.Is(err, ErrInvalid) {
		t.Errorf("err = %v", err)
	}
}
