package auth0test_test

import (
	"encoding/json"
	"fmt"
	"net/url"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/auth0kit/auth0kit/management/auth0test"
	"github.com/auth0kit/auth0kit/management/resource"
)

// admin asks the Management API with every scope.
type admin struct {
	t      *testing.T
	tenant *auth0test.Tenant
	bearer string
}

func newAdmin(t *testing.T, tenant *auth0test.Tenant) *admin {
	t.Helper()
	return &admin{t, tenant, "Bearer " + token(t, tenant, tenant.Machine())}
}

// do sends a request and returns status and body.
func (a *admin) do(method, path, body string) (int, string) {
	a.t.Helper()
	status, answer, _ := ask(a.t, a.tenant, a.bearer, method, "/api/v2"+path, body)
	return status, answer
}

// want sends a request and fails the test for any other status.
func (a *admin) want(status int, method, path, body string) map[string]any {
	a.t.Helper()
	got, answer := a.do(method, path, body)
	if got != status {
		a.t.Fatalf("%s %s: got %d %s, want %d", method, path, got, answer, status)
	}
	var m map[string]any
	if strings.HasPrefix(answer, "{") {
		if err := json.Unmarshal([]byte(answer), &m); err != nil {
			a.t.Fatal(err)
		}
	}
	return m
}

// fails sends a request that must be refused in these words.
func (a *admin) fails(status int, message, method, path, body string) {
	a.t.Helper()
	if m := a.want(status, method, path, body); m["message"] != message {
		a.t.Errorf("%s %s: got %q, want %q", method, path, m["message"], message)
	}
}

func esc(id string) string { return url.PathEscape(id) }

const database = `"connection":"Username-Password-Authentication"`

func TestUserLife(t *testing.T) {
	t.Parallel()
	a := newAdmin(t, auth0test.NewTenant(auth0test.Options{}))
	u := a.want(201, "POST", "/users", `{`+database+`,"email":"Ada@Example.com","password":"Correct horse 1","user_metadata":{"a":1,"deep":{"x":1,"y":2}}}`)
	id := u["user_id"].(string)
	if u["email"] != "ada@example.com" || u["nickname"] != "ada" || u["name"] != "ada@example.com" || u["email_verified"] != false {
		t.Errorf("defaults: %v", u)
	}
	if _, has := u["blocked"]; has {
		t.Error("blocked is shown although nobody set it")
	}
	a.fails(409, "The user already exists.", "POST", "/users", `{`+database+`,"email":"ADA@example.com","password":"Correct horse 1"}`)

	patched := a.want(200, "PATCH", "/users/"+esc(id), `{"user_metadata":{"b":2,"deep":{"z":3},"a":null},"blocked":true}`)
	if got := fmt.Sprint(patched["user_metadata"]); got != "map[b:2 deep:map[z:3]]" {
		t.Errorf("metadata merges at the first level only: got %s", got)
	}
	patched = a.want(200, "PATCH", "/users/"+esc(id), `{"user_metadata":{}}`)
	if got := fmt.Sprint(patched["user_metadata"]); got != "map[]" {
		t.Errorf("{} removes all metadata: got %s", got)
	}
	one := a.want(200, "GET", "/users/"+esc(id)+"?fields=email,blocked&include_fields=true", "")
	if fmt.Sprint(one) != "map[blocked:true email:ada@example.com]" {
		t.Errorf("fields: got %v", one)
	}
	if _, body := a.do("GET", "/users-by-email?email=Ada%40example.com", ""); body != "[]" {
		t.Errorf("users-by-email minds the case: got %s", body)
	}
	a.want(204, "DELETE", "/users/"+esc(id), "")
	a.want(204, "DELETE", "/users/"+esc(id), "")
	a.fails(404, "The user does not exist.", "GET", "/users/"+esc(id), "")
}

func TestUserRefusals(t *testing.T) {
	t.Parallel()
	tenant := auth0test.NewTenant(auth0test.Options{})
	tenant.AddConnection("google-oauth2", "google-oauth2")
	tenant.AddConnection("plain", "auth0")
	a := newAdmin(t, tenant)
	for _, c := range []struct{ body, message string }{
		{`{"connection":"nope","email":"a@b.co","password":"x"}`, "Connection does not exist."},
		{`{"connection":"google-oauth2","email":"a@b.co"}`, "Connection does not support user creation through the API. It must either be a database or passwordless connection."},
		{`{"connection":"plain","email":"a@b.co","username":"ada","password":"Correct horse 1"}`, "Cannot set username for connection without requires_username."},
		{`{` + database + `,"email":"a@b.co"}`, "Payload validation error: 'Missing required property: password'."},
		{`{` + database + `,"password":"Correct horse 1"}`, "Payload validation error: 'Missing required property: email'."},
		{`{` + database + `,"email":"a@b.co","password":"weak"}`, "PasswordStrengthError: Password is too weak"},
		{`{` + database, "Invalid request payload JSON format"},
	} {
		a.fails(400, c.message, "POST", "/users", c.body)
	}
	id := tenant.AddUser(resource.User{Email: "ada@example.com"}, "")
	for body, message := range map[string]string{
		`{"password":"Correct horse 1","email":"b@b.co"}`:       "Cannot update password and email simultaneously.",
		`{"username":"x","email_verified":true}`:                "Cannot update username and email_verified simultaneously.",
		`{"connection":"nope","email":"b@b.co"}`:                "Connection does not exist.",
		`{"connection":"google-oauth2","email":"b@b.co"}`:       "Cannot update email for non-database user.",
		`{"connection":"google-oauth2","password":"Good 1234"}`: "Connection is not supported for this operation.",
	} {
		a.fails(400, message, "PATCH", "/users/"+esc(id), body)
	}
	if requests := tenant.Outbox(); len(requests) != 0 {
		t.Errorf("refused requests sent mail: %v", requests)
	}
}

// TestUserIDs: an id may hold what a path must escape.
func TestUserIDs(t *testing.T) {
	t.Parallel()
	a := newAdmin(t, auth0test.NewTenant(auth0test.Options{}))
	for _, raw := range []string{"a/b", "100%", "x+y", "ü"} {
		body, _ := json.Marshal(map[string]string{"connection": auth0test.DefaultConnection, "email": "u" + fmt.Sprintf("%x", raw) + "@example.com",
			"password": "Correct horse 1", "user_id": raw})
		a.want(201, "POST", "/users", string(body))
		if u := a.want(200, "GET", "/users/"+esc("auth0|"+raw), ""); u["user_id"] != "auth0|"+raw {
			t.Errorf("%q: got %v", raw, u["user_id"])
		}
	}
}

func TestUserPaging(t *testing.T) {
	t.Parallel()
	tenant := auth0test.NewTenant(auth0test.Options{})
	for i := range 120 {
		tenant.AddUser(resource.User{Email: fmt.Sprintf("u%03d@example.com", i)}, "")
	}
	a := newAdmin(t, tenant)
	page := a.want(200, "GET", "/users?per_page=50&page=2&include_totals=true&fields=email", "")
	if page["total"] != 120.0 || page["length"] != 20.0 || page["start"] != 100.0 || page["limit"] != 50.0 {
		t.Errorf("got %v %v %v %v", page["total"], page["length"], page["start"], page["limit"])
	}
	const beyond = "You can only page through the first 1000 records. See https://auth0.com/docs/users/search/v3/view-search-results-by-page#limitation"
	a.fails(400, beyond, "GET", "/users?per_page=100&page=10", "")
	a.want(200, "GET", "/users?per_page=100&page=9&include_totals=true", "")
	a.fails(400, "Query validation error: 'Value 101 is greater than maximum 100' on property per_page.", "GET", "/users?per_page=101", "")
	a.fails(400, "Query validation error: 'Expected type integer but found type string' on property page.", "GET", "/users?page=x", "")
	a.fails(400, "The 'q' parameter is available only if you specify 'search_engine=v2|v3'.", "GET", "/users?q=name:a", "")
	_, body := a.do("GET", "/users?sort=email:-1&per_page=1&fields=email", "")
	if body != `[{"email":"u119@example.com"}]` {
		t.Errorf("sorted: got %s", body)
	}
}

// TestSearchDelay: search is eventually consistent, reading is not.
func TestSearchDelay(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		tenant := auth0test.NewTenant(auth0test.Options{SearchDelay: 3 * time.Second})
		client := tenant.Management()
		u, err := client.CreateUser(t.Context(), resource.NewUser{
			User: resource.User{Connection: auth0test.DefaultConnection, Email: "ada@example.com", Name: "Ada"}, Password: "Correct horse 1"})
		if err != nil {
			t.Fatal(err)
		}
		org := tenant.AddOrganization("acme")
		tenant.AddMember(org, u.ID)
		count := func() (found, members int) {
			for _, err := range client.SearchUsers(t.Context(), `name:"Ada"`) {
				if err != nil {
					t.Fatal(err)
				}
				found++
			}
			for _, err := range client.Members(t.Context(), org) {
				if err != nil {
					t.Fatal(err)
				}
				members++
			}
			return found, members
		}
		if _, err := client.User(t.Context(), u.ID); err != nil {
			t.Errorf("reading by id waits: %v", err)
		}
		if found, members := count(); found != 0 || members != 0 {
			t.Errorf("at once: found %d, %d members", found, members)
		}
		time.Sleep(3 * time.Second)
		if found, members := count(); found != 1 || members != 1 {
			t.Errorf("after the delay: found %d, %d members", found, members)
		}
		if err := client.DeleteUser(t.Context(), u.ID); err != nil {
			t.Fatal(err)
		}
		if found, members := count(); found != 1 || members != 1 {
			t.Errorf("after the deletion: found %d, %d members", found, members)
		}
		tenant.Advance(3 * time.Second)
		if found, members := count(); found != 0 || members != 0 {
			t.Errorf("a delay after the deletion: found %d, %d members", found, members)
		}
	})
}

func TestLinkAndUnlink(t *testing.T) {
	t.Parallel()
	tenant := auth0test.NewTenant(auth0test.Options{})
	tenant.AddConnection("google-oauth2", "google-oauth2")
	a := newAdmin(t, tenant)
	ada := tenant.AddUser(resource.User{Email: "ada@example.com"}, "")
	other := tenant.AddUser(resource.User{Email: "ada@gmail.com", Connection: "google-oauth2", ID: "123"}, "")
	a.fails(400, "Main identity and the new one are the same.", "POST", "/users/"+esc(ada)+"/identities", `{"provider":"auth0","user_id":"`+ada+`"}`)
	if status, body := a.do("POST", "/users/"+esc(ada)+"/identities", `{"provider":"google-oauth2","user_id":"123"}`); status != 201 || !strings.Contains(body, `"profileData":{"email":"ada@gmail.com"`) {
		t.Fatalf("link: %d %s", status, body)
	}
	a.fails(404, "The user does not exist.", "GET", "/users/"+esc(other), "")
	a.fails(409, "Specified identity already exists.", "POST", "/users/"+esc(ada)+"/identities", `{"provider":"google-oauth2","user_id":"123"}`)
	a.fails(400, "Main identity cannot be removed.", "DELETE", "/users/"+esc(ada)+"/identities/auth0/"+strings.TrimPrefix(ada, "auth0|"), "")
	if status, _ := a.do("DELETE", "/users/"+esc(ada)+"/identities/google-oauth2/123", ""); status != 200 {
		t.Fatalf("unlink: %d", status)
	}
	if u := a.want(200, "GET", "/users/"+esc(other), ""); u["email"] != "ada@gmail.com" {
		t.Errorf("the unlinked identity is %v", u)
	}
}
