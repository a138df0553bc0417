package auth0test_test

import (
	"encoding/json"
	"fmt"
	"net/url"
	"strings"
	"testing"
	"time"

	sdk "github.com/auth0/go-auth0/management"

	"github.com/auth0kit/auth0kit/management/auth0test"
	"github.com/auth0kit/auth0kit/management/resource"
)

// entries reads a list of the log.
func (g *guardianAPI) entries(path string) []map[string]any {
	g.t.Helper()
	var list []map[string]any
	if err := json.Unmarshal([]byte(g.want("GET", path, "", 200, "")), &list); err != nil {
		g.t.Fatal(err)
	}
	return list
}

func TestWritesAreLogged(t *testing.T) {
	t.Parallel()
	tenant := auth0test.NewTenant(auth0test.Options{})
	g := &guardianAPI{t, tenant, "Bearer " + token(t, tenant, tenant.Machine())}
	g.want("POST", "/users", `{"connection":"Username-Password-Authentication","email":"ada@example.com","username":"ada","password":"Correct horse 1"}`, 201, "")
	g.want("POST", "/organizations", `{"name":"acme"}`, 201, "")
	g.want("POST", "/organizations", `{"name":"acme"}`, 409, "")
	list := g.entries("/logs?q=type:sapi")
	if len(list) != 2 || list[0]["description"] != "Create an Organization" || list[1]["description"] != "Create a User" {
		t.Fatalf("logged: %v", list)
	}
	made := list[1]
	if made["client_id"] != tenant.Machine().ID || made["user_id"] != nil || made["connection_id"] != nil || made["type"] != "sapi" {
		t.Errorf("entry %v", made)
	}
	details, _ := json.Marshal(made["details"])
	for _, want := range []string{`"method":"post"`, `"path":"/api/v2/users"`, `"password":"*****"`, `"statusCode":201`, `"email":"ada@example.com"`, `"channel":"api"`} {
		if !strings.Contains(string(details), want) {
			t.Errorf("details without %s: %s", want, details)
		}
	}
	if strings.Contains(string(details), "Correct horse") {
		t.Error("the log shows a password")
	}
	g.want("GET", "/clients", "", 200, "")
	if reads := g.entries("/logs?q=type:mgmt_api_read"); len(reads) != 1 {
		t.Errorf("%d reads of secrets are logged, want 1", len(reads))
	}
}

func TestLogSearch(t *testing.T) {
	t.Parallel()
	g, id, _ := twoLogins(t)
	g.tenant.Login(t.Context(), auth0test.Login{Identifier: "ada@example.com", Password: "wrong", IP: "192.0.2.7"})
	day := time.Now().UTC().Format("2006-01-02")
	for q, want := range map[string]int{
		"":                                      6,
		"type:s":                                2,
		"type:S":                                0,
		"type:se*":                              3,
		`type:"s" OR type:"fp"`:                 3,
		"NOT type:s":                            4,
		`user_id:"` + id + `"`:                  5,
		`ip:"192.0.2.7"`:                        1,
		"192.0.2.7":                             1,
		"connection:*ssword-Auth*":              5,
		"date:[" + day + " TO *]":               6,
		"date:[* TO 2018-12-19}":                0,
		"date:" + day:                           6,
		"_exists_:user_name AND type:fp":        1,
		"nothing:x":                             0,
		`strategy_type:database AND ip:192.0.*`: 1,
	} {
		if got := g.entries("/logs?q=" + url.QueryEscape(q)); len(got) != want {
			t.Errorf("%q finds %d entries, want %d: %v", q, len(got), want, types(got))
		}
	}
	for _, q := range []string{"type:(", "user_name:*x", "user_name:a*b"} {
		g.want("GET", "/logs?q="+url.QueryEscape(q), "", 400, "invalid_query_string")
	}
	g.want("GET", "/logs?per_page=101", "", 400, "invalid_query_string")
	g.want("GET", "/logs?page=20&per_page=50", "", 400, "invalid_paging")
	g.want("GET", "/logs?q="+strings.Repeat("a", 9000), "", 414, "")
	if got := g.entries("/logs?search=username-"); len(got) != 5 {
		t.Errorf("search without a field finds %d", len(got))
	}
	newest, oldest := g.entries("/logs?per_page=1")[0], g.entries("/logs?per_page=1&sort=date:1")[0]
	if newest["log_id"].(string) <= oldest["log_id"].(string) || newest["type"] != "fp" {
		t.Errorf("newest %v, oldest %v", newest, oldest)
	}
	if byType := types(g.entries("/logs?sort=type:1")); byType[0] != "fp" {
		t.Errorf("sorted by type: %v", byType)
	}
	g.want("GET", "/logs?per_page=2&include_totals=true&fields=type", "", 200, `"length":2,"limit":2,"logs":[{"type":"fp"},`)
	g.want("GET", "/logs/"+newest["log_id"].(string), "", 200, `"type":"fp"`)
	g.want("GET", "/logs/900", "", 404, `"Log not found."`)
	if got := g.entries("/users/" + esc(id) + "/logs"); len(got) != 5 {
		t.Errorf("of the user: %v", types(got))
	}
	g.want("GET", "/users/auth0%7Cnobody/logs", "", 200, `[]`)
}

func types(entries []map[string]any) (out []any) {
	for _, e := range entries {
		out = append(out, e["type"])
	}
	return out
}

func TestLogCheckpoints(t *testing.T) {
	t.Parallel()
	tenant := auth0test.NewTenant(auth0test.Options{})
	client := tenant.Management()
	for i := range 25 {
		u := resource.NewUser{Password: "Correct horse 1"}
		u.Connection, u.Email, u.Username = auth0test.DefaultConnection, fmt.Sprintf("u%d@example.com", i), fmt.Sprintf("user%d", i)
		if _, err := client.CreateUser(t.Context(), u); err != nil {
			t.Fatal(err)
		}
	}
	bearer := "Bearer " + token(t, tenant, tenant.Machine())
	next, seen, last := "/api/v2/logs?from=900&take=10", 0, ""
	for range 10 {
		status, body, header := ask(t, tenant, bearer, "GET", next, "")
		var list []map[string]any
		if err := json.Unmarshal([]byte(body), &list); status != 200 || err != nil {
			t.Fatalf("%d %s", status, body)
		}
		for _, e := range list {
			if e["log_id"].(string) <= last {
				t.Errorf("%v after %s", e["log_id"], last)
			}
			last = e["log_id"].(string)
		}
		seen += len(list)
		link := header.Get("Link")
		address, rel, _ := strings.Cut(strings.TrimPrefix(link, "<https://"+auth0test.DefaultDomain), ">")
		if rel != `; rel="next"` {
			t.Fatalf("Link: %s", link)
		}
		if len(list) == 0 {
			if address != next {
				t.Errorf("behind an empty page follows %s, want %s again", address, next)
			}
			break
		}
		next = address
	}
	var ours int
	for _, err := range client.Logs(t.Context(), "") {
		if err != nil {
			t.Fatal(err)
		}
		ours++
	}
	if seen < 25 || ours != seen {
		t.Errorf("%d entries by Link, %d by the client", seen, ours)
	}
	status, body, _ := ask(t, tenant, bearer, "GET", "/api/v2/logs?from=900&take=101", "")
	if status != 400 {
		t.Errorf("take=101: %d %s", status, body)
	}
	api := sdkClient(t, tenant, auth0test.DefaultDomain, tenant.HTTPClient())
	logs, err := api.Log.List(t.Context(), sdk.Take(2), sdk.From(last))
	if err != nil || len(logs) > 1 {
		t.Errorf("after the last: %v, %v", logs, err)
	}
}
