package management

import (
	"bytes"
	"errors"
	"net/http"
	"strings"
	"testing"

	"github.com/auth0kit/auth0kit/management/resource"
)

// The SDK panics at types that it does not know.
func TestUnexpectedTypes(t *testing.T) {
	t.Parallel()
	for _, body := range []map[string]any{
		{"email_verified": 1}, {"identities": []any{map[string]any{"user_id": true}}}, {"created_at": 7}, {"app_metadata": "x"},
	} {
		s := newScript(t)
		s.handle("GET users/{id}", func(w http.ResponseWriter, r *http.Request) { reply(w, 200, body) })
		s.handle("POST users", func(w http.ResponseWriter, r *http.Request) { reply(w, 201, body) })
		_, err := s.client().User(t.Context(), "auth0|1")
		if e, ok := errors.AsType[*Error](err); !ok || e.StatusCode != 200 || errors.Is(err, ErrOutcomeUnknown) {
			t.Errorf("%v: err = %v", body, err)
		}
		checkSilent(t, err)
		if _, err = s.client().CreateUser(t.Context(), resource.NewUser{User: resource.User{Connection: "Users"}}); !errors.Is(err, ErrOutcomeUnknown) {
			t.Errorf("%v: err = %v", body, err)
		}
	}
}

// Whatever lies where an export should: users, or an error, and no panic.
func FuzzReadUsers(f *testing.F) {
	for _, seed := range []string{
		string(ndjson(2)), `{"email_verified":1}`, `{"identities":[{"user_id":{}}]}`, "\x1f\x8b", "\x1f\x8b\x08\x00", "null\n[]", `{"user_id":"1"}`,
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, file []byte) {
		users := 0
		err := readUsers(bytes.NewReader(file), false, maxAnswer, func(u resource.User, err error) bool {
			if u.ID != "" && !strings.Contains(u.ID, "|") {
				t.Errorf("id %q", u.ID)
			}
			users++
			return users < 1000
		})
		if err == nil && users == 0 && len(bytes.TrimSpace(file)) > 0 && file[0] != 0x1f {
			t.Errorf("%q is silently nothing", file)
		}
	})
}

func FuzzTokenAndLink(f *testing.F) {
	f.Add(jwt(`{"exp":1,"scope":"a b"}`), `<https://x/?from=1>; rel="next"`)
	f.Add("a.b.c", `<`)
	f.Fuzz(func(t *testing.T, token, link string) {
		if g := parse(token); g.token != token {
			t.Errorf("parse(%q) lost the token", token)
		}
		nextFrom(http.Header{"Link": {link}})
	})
}
