package management

import (
	"errors"
	"net/http"
	"testing"
)

func TestUserReads(t *testing.T) {
	t.Parallel()
	s := newScript(t)
	s.handle("GET users/{id}", func(w http.ResponseWriter, r *http.Request) {
		if r.PathValue("id") != "auth0|a/b" {
			fail(w, 404, "The user does not exist.", "inexistent_user")
			return
		}
		if got := r.Header.Get("Authorization"); got != "Bearer token-1" {
			t.Errorf("Authorization = %q", got)
		}
		reply(w, 200, map[string]any{
			"user_id": "auth0|a/b", "email": "ada@example.com", "email_verified": true,
			"identities":   []any{map[string]any{"connection": "Users", "user_id": "a/b", "provider": "auth0"}},
			"app_metadata": map[string]any{"plan": "pro"}, "created_at": "2023-01-25T19:00:26.187Z",
		})
	})
	c := s.client()
	u, err := c.User(t.Context(), "auth0|a/b")
	if err != nil {
		t.Fatal(err)
	}
	if u.ID != "auth0|a/b" || u.Connection != "Users" || !u.EmailVerified || u.AppMetadata["plan"] != "pro" || u.CreatedAt.IsZero() {
		t.Errorf("user = %+v", u)
	}
	_, err = c.User(t.Context(), "auth0|gone")
	e, ok := errors.AsType[*Error](err)
	if !ok || !errors.Is(err, ErrNotFound) || e.Code != "inexistent_user" || e.Op != "read user" || e.Message == "" {
		t.Errorf("err = %#v", err)
	}
	if got := s.asked(); len(got) != 2 || got[0] != "GET users/auth0%7Ca%2Fb" {
		t.Errorf("asked %q", got)
	}
}
