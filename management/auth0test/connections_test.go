package auth0test_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/auth0kit/auth0kit/management/auth0test"
	"github.com/auth0kit/auth0kit/management/resource"
)

func TestConnectionLife(t *testing.T) {
	t.Parallel()
	tenant := auth0test.NewTenant(auth0test.Options{})
	a := newAdmin(t, tenant)
	con := a.want(201, "POST", "/connections", `{"name":"legacy","strategy":"auth0"}`)
	id := con["id"].(string)
	options := con["options"].(map[string]any)
	if options["passwordPolicy"] != "good" || options["brute_force_protection"] != true || fmt.Sprint(con["realms"]) != "[legacy]" {
		t.Errorf("defaults: %v", con)
	}
	a.fails(409, "A connection with the same name already exists", "POST", "/connections", `{"name":"legacy","strategy":"auth0"}`)
	a.fails(400, "Connection is disabled.", "POST", "/users", `{"connection":"legacy","email":"a@b.co","password":"Correct horse 1"}`)

	a.want(204, "PATCH", "/connections/"+id+"/clients", `[{"client_id":"`+tenant.Machine().ID+`","status":true}]`)
	if clients := a.want(200, "GET", "/connections/"+id+"/clients", ""); !strings.Contains(fmt.Sprint(clients), tenant.Machine().ID) {
		t.Errorf("enabled clients: %v", clients)
	}
	u := a.want(201, "POST", "/users", `{"connection":"legacy","email":"a@b.co","password":"Correct horse 1"}`)
	b := a.want(201, "POST", "/users", `{"connection":"legacy","email":"b@b.co","password":"Correct horse 1"}`)
	a.want(204, "DELETE", "/connections/"+id+"/users?email=b@b.co", "")
	a.fails(404, "The user does not exist.", "GET", "/users/"+esc(b["user_id"].(string)), "")

	if deleted := a.want(202, "DELETE", "/connections/"+id, ""); deleted["deleted_at"] == nil {
		t.Errorf("deleted: %v", deleted)
	}
	a.want(204, "DELETE", "/connections/"+id, "")
	a.fails(404, "The connection does not exist", "GET", "/connections/"+id, "")
	a.fails(404, "The user does not exist.", "GET", "/users/"+esc(u["user_id"].(string)), "")
}

// TestPasswordPolicies holds the policies to Auth0's page on password strength.
func TestPasswordPolicies(t *testing.T) {
	t.Parallel()
	tenant := auth0test.NewTenant(auth0test.Options{})
	a := newAdmin(t, tenant)
	n := 0
	for policy, passwords := range map[string]struct{ weak, good []string }{
		"none":      {nil, []string{"a"}},
		"low":       {[]string{"abcde"}, []string{"abcdef"}},
		"fair":      {[]string{"Abcdef1", "abcdefg1", "Abcdef-!"}, []string{"Abcdefg1"}},
		"good":      {[]string{"Abcde1!", "abcdefg1"}, []string{"abcdef1!", "Abcdefg1"}},
		"excellent": {[]string{"Abcdefg1!", "Abcdefg111"}, []string{"Abcdefg11!"}},
	} {
		con := a.want(201, "POST", "/connections", `{"name":"`+policy+`","strategy":"auth0","enabled_clients":["`+tenant.Machine().ID+`"],"options":{"passwordPolicy":"`+policy+`"}}`)
		if got := con["options"].(map[string]any)["passwordPolicy"]; got != policy {
			t.Errorf("got policy %v", got)
		}
		create := func(password string) int {
			n++
			status, _ := a.do("POST", "/users", fmt.Sprintf(`{"connection":%q,"email":"u%d@example.com","password":%q}`, policy, n, password))
			return status
		}
		for _, p := range passwords.weak {
			if status := create(p); status != 400 {
				t.Errorf("%s: %q is taken (%d)", policy, p, status)
			}
		}
		for _, p := range passwords.good {
			if status := create(p); status != 201 {
				t.Errorf("%s: %q is refused (%d)", policy, p, status)
			}
		}
	}
}

func TestClientsAndGrants(t *testing.T) {
	t.Parallel()
	tenant := auth0test.NewTenant(auth0test.Options{})
	tenant.AddAPI("https://api", "read", "write")
	a := newAdmin(t, tenant)
	cl := a.want(201, "POST", "/clients", `{"name":"shop","app_type":"non_interactive"}`)
	id := cl["client_id"].(string)
	if len(id) != 32 || len(cl["client_secret"].(string)) != 64 {
		t.Errorf("credentials: %v", cl)
	}
	reader := tenant.AddClient(auth0test.Application{Scopes: []string{"read:clients"}})
	_, body, _ := ask(t, tenant, "Bearer "+token(t, tenant, reader), "GET", "/api/v2/clients/"+id, "")
	if strings.Contains(body, "client_secret") {
		t.Errorf("the secret is shown without read:client_keys: %s", body)
	}
	a.fails(404, "The client does not exist", "GET", "/clients/nobody", "")

	g := a.want(201, "POST", "/client-grants", `{"client_id":"`+id+`","audience":"https://api","scope":["read"]}`)
	if g["subject_type"] != "client" {
		t.Errorf("grant: %v", g)
	}
	if status, _ := a.do("POST", "/client-grants", `{"client_id":"`+id+`","audience":"https://api","scope":["read"]}`); status != 409 {
		t.Errorf("a second grant: %d", status)
	}
	org := tenant.AddOrganization("acme")
	a.want(201, "POST", "/organizations/"+org+"/client-grants", `{"grant_id":"`+g["id"].(string)+`"}`)
	list := a.want(200, "GET", "/organizations/"+org+"/client-grants?include_totals=true", "")
	if list["total"] != 1.0 {
		t.Errorf("grants of the organization: %v", list)
	}
	a.want(204, "DELETE", "/client-grants/"+g["id"].(string), "")
	a.fails(404, "The grant does not exist.", "GET", "/client-grants/"+g["id"].(string), "")
	a.want(204, "DELETE", "/clients/"+id, "")
	a.want(204, "DELETE", "/clients/"+id, "")
}

func TestResourceServers(t *testing.T) {
	t.Parallel()
	tenant := auth0test.NewTenant(auth0test.Options{})
	a := newAdmin(t, tenant)
	api := a.want(201, "POST", "/resource-servers", `{"identifier":"https://api/","name":"API","scopes":[{"value":"read","description":"Read"}]}`)
	if api["token_lifetime"] != 86400.0 || api["signing_alg"] != "RS256" {
		t.Errorf("defaults: %v", api)
	}
	a.fails(409, "A resource server with the same identifier already exists.", "POST", "/resource-servers", `{"identifier":"https://api/"}`)
	role := tenant.AddRole("reader", "https://api/", "read")
	id := api["id"].(string)
	a.want(200, "PATCH", "/resource-servers/"+id, `{"scopes":[{"value":"write"}]}`)
	if held, err := tenant.Management().RolePermissions(t.Context(), role); err != nil || len(held) != 0 {
		t.Errorf("a scope that is gone is still a permission: %v, %v", held, err)
	}
	a.want(204, "DELETE", "/resource-servers/"+esc("https://api/"), "")
	a.fails(404, "The resource server does not exist", "GET", "/resource-servers/"+id, "")
	list := a.want(200, "GET", "/resource-servers?include_totals=true", "")
	management := list["resource_servers"].([]any)[0].(map[string]any)
	if management["identifier"] != tenant.Issuer()+"api/v2/" || management["is_system"] != true {
		t.Errorf("the Management API: %v", management["identifier"])
	}
	a.fails(400, "System resource servers cannot be deleted.", "DELETE", "/resource-servers/"+management["id"].(string), "")
}

func TestBodies(t *testing.T) {
	t.Parallel()
	tenant := auth0test.NewTenant(auth0test.Options{})
	id := tenant.AddUser(resource.User{Email: "ada@example.com"}, "")
	a := newAdmin(t, tenant)
	a.fails(413, "Payload content length greater than maximum allowed: 1048576", "PATCH", "/users/"+esc(id), `{"user_metadata":{"a":"`+strings.Repeat("x", 1<<20)+`"}}`)
	a.fails(400, "Invalid request payload JSON format", "PATCH", "/users/"+esc(id), `{"a":`)
	a.fails(400, "Payload validation error: 'Expected type object but found type array'.", "PATCH", "/users/"+esc(id), `[]`)
	for _, body := range []string{"null", "{}", ""} { // What old SDKs send.
		a.want(200, "GET", "/users/"+esc(id), body)
	}
	for _, body := range []string{"null", "{}", ""} {
		a.want(204, "DELETE", "/users/"+esc(id), body)
	}
}
