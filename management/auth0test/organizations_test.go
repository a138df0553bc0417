package auth0test_test

import (
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/auth0kit/auth0kit/management/auth0test"
	"github.com/auth0kit/auth0kit/management/resource"
)

func TestOrganizationLife(t *testing.T) {
	t.Parallel()
	tenant := auth0test.NewTenant(auth0test.Options{})
	a := newAdmin(t, tenant)
	o := a.want(201, "POST", "/organizations", `{"name":"acme","display_name":"ACME"}`)
	id := o["id"].(string)
	a.fails(409, "An organization with this name already exists.", "POST", "/organizations", `{"name":"acme"}`)
	a.fails(400, "Payload validation error: 'Object didn't pass validation for format organization-name: A B' on property name.", "POST", "/organizations", `{"name":"A B"}`)
	if got := a.want(200, "GET", "/organizations/name/acme", ""); got["id"] != id || got["display_name"] != "ACME" {
		t.Errorf("by name: %v", got)
	}
	if got := a.want(200, "PATCH", "/organizations/"+id, `{"metadata":{"a":"b"}}`); got["display_name"] != "ACME" || fmt.Sprint(got["metadata"]) != "map[a:b]" {
		t.Errorf("patched: %v", got)
	}
	a.fails(404, "No connection found by that id", "POST", "/organizations/"+id+"/enabled_connections", `{"connection_id":"con_0000000000000000"}`)
	a.want(204, "DELETE", "/organizations/"+id, "")
	a.fails(404, "No organization found by that id or name", "GET", "/organizations/"+id, "")
}

// TestMembersByCheckpoint: a page of members names a next one as long as it has
// rows, and within a page the newest come first, as recorded.
func TestMembersByCheckpoint(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		tenant := auth0test.NewTenant(auth0test.Options{})
		org := tenant.AddOrganization("acme")
		for i := range 5 {
			tenant.AddMember(org, tenant.AddUser(resource.User{Email: fmt.Sprintf("u%d@example.com", i)}, ""))
			time.Sleep(time.Second)
		}
		a := newAdmin(t, tenant)
		var pages []string
		for path := "/organizations/" + org + "/members?take=2&fields=email"; path != ""; {
			page := a.want(200, "GET", path, "")
			pages = append(pages, fmt.Sprint(page["members"]))
			next, _ := page["next"].(string)
			if path = ""; next != "" {
				path = "/organizations/" + org + "/members?take=2&fields=email&from=" + next
			}
		}
		want := "[map[email:u1@example.com] map[email:u0@example.com]] [map[email:u3@example.com] map[email:u2@example.com]] [map[email:u4@example.com]] []"
		if got := strings.Join(pages, " "); got != want {
			t.Errorf("got %s\nwant %s", got, want)
		}
		a.fails(400, "The checkpoint ID provided in the 'from' parameter has expired or is invalid, please remove the checkpoint ID and try again",
			"GET", "/organizations/"+org+"/members?take=2&from=nonsense", "")
	})
}

func TestMemberRoles(t *testing.T) {
	t.Parallel()
	tenant := auth0test.NewTenant(auth0test.Options{})
	tenant.AddAPI("https://api", "read", "write")
	reader, writer := tenant.AddRole("reader", "https://api", "read"), tenant.AddRole("writer", "https://api", "write")
	org, ada := tenant.AddOrganization("acme"), tenant.AddUser(resource.User{Email: "ada@example.com"}, "")
	tenant.AddMember(org, ada, reader)
	a := newAdmin(t, tenant)
	group := tenant.AddGroup("staff", ada)
	a.want(204, "POST", "/organizations/"+org+"/groups/"+group+"/roles", `{"roles":["`+writer+`"]}`)

	_, roles := a.do("GET", "/organizations/"+org+"/members/"+esc(ada)+"/effective-roles", "")
	if !strings.Contains(roles, `"name":"reader","sources":["direct"]`) || !strings.Contains(roles, `"name":"writer","sources":["groups"]`) {
		t.Errorf("direct and inherited roles: %s", roles)
	}
	members := a.want(200, "GET", "/organizations/"+org+"/members?include_totals=true", "")
	if strings.Contains(fmt.Sprint(members), "roles") {
		t.Error("roles are shown to who did not ask for them")
	}
	weak := tenant.AddClient(auth0test.Application{Scopes: []string{"read:organization_members"}})
	status, body, _ := ask(t, tenant, "Bearer "+token(t, tenant, weak), "GET", "/api/v2/organizations/"+org+"/members?fields=roles", "")
	if status != 403 || !strings.Contains(body, "read:organization_member_roles") {
		t.Errorf("roles without the scope: %d %s", status, body)
	}
	var ids []string
	for i := range 50 {
		ids = append(ids, `"`+tenant.AddRole(fmt.Sprint("role", i), "")+`"`)
	}
	a.fails(409, "No more roles can be assigned to this organization member.", "POST", "/organizations/"+org+"/members/"+esc(ada)+"/roles", `{"roles":[`+strings.Join(ids, ",")+`]}`)
	a.want(204, "DELETE", "/organizations/"+org+"/members", `{"members":["`+ada+`"]}`)
	if orgs := a.want(200, "GET", "/users/"+esc(ada)+"/organizations?include_totals=true", ""); orgs["total"] != 0.0 {
		t.Errorf("after leaving: %v", orgs)
	}
}

func TestInvitations(t *testing.T) {
	t.Parallel()
	tenant := auth0test.NewTenant(auth0test.Options{})
	app := tenant.AddClient(auth0test.Application{})
	org := tenant.AddOrganization("acme")
	a := newAdmin(t, tenant)
	required := "A default login route is required to generate the invitation url. For more information, see https://auth0.com/docs/universal-login/configure-default-login-routes"
	body := func(more string) string {
		return `{"inviter":{"name":"Bob"},"invitee":{"email":"ada@example.com"},"client_id":"` + app.ID + `"` + more + `}`
	}
	path := "/organizations/" + org + "/invitations"
	a.fails(400, required, "POST", path, body(""))
	a.want(200, "PATCH", "/tenants/settings", `{"default_redirection_uri":"https://example.com/start"}`)
	if url := a.want(201, "POST", path, body(`,"send_invitation_email":false`))["invitation_url"].(string); !strings.HasPrefix(url, "https://example.com/start?invitation=") {
		t.Errorf("the tenant's default login route: %v", url)
	}
	a.want(200, "PATCH", "/clients/"+app.ID, `{"initiate_login_uri":"https://app.example.com/login"}`)
	i := a.want(201, "POST", path, body(""))
	if !strings.Contains(i["invitation_url"].(string), "https://app.example.com/login?invitation="+i["ticket_id"].(string)+"&organization="+org+"&organization_name=acme") {
		t.Errorf("got %v", i["invitation_url"])
	}
	a.fails(400, "One or more of the specified roles do not exist: rol_0000000000000001", "POST", path, body(`,"roles":["rol_0000000000000001"]`))
	a.fails(400, "The specified client_id does not exist.", "POST", path, strings.Replace(body(""), app.ID, strings.Repeat("x", 32), 1))
	a.want(201, "POST", path, body(`,"send_invitation_email":false`))
	if box := tenant.Outbox(); len(box) != 1 || box[0].To != "ada@example.com" || box[0].Kind != "user_invitation" || box[0].URL != i["invitation_url"] {
		t.Errorf("outbox: %+v", box)
	}
	a.want(204, "DELETE", path+"/"+i["id"].(string), "")
	a.fails(404, "The invitation does not exist.", "GET", path+"/"+i["id"].(string), "")
}

func TestRolePermissions(t *testing.T) {
	t.Parallel()
	tenant := auth0test.NewTenant(auth0test.Options{})
	tenant.AddAPI("https://api", "read", "write")
	role := tenant.AddRole("reader", "https://api", "read")
	a := newAdmin(t, tenant)
	one := func(name string) string {
		return `{"permissions":[{"resource_server_identifier":"https://api","permission_name":"` + name + `"}]}`
	}
	a.fails(404, "This permission does not exist: 'fly - https://api'", "POST", "/roles/"+role+"/permissions", one("fly"))
	a.want(201, "POST", "/roles/"+role+"/permissions", one("write"))
	a.want(204, "DELETE", "/roles/"+role+"/permissions", one("read"))
	held, err := tenant.Management().RolePermissions(t.Context(), role)
	if err != nil || fmt.Sprint(held) != "[{write https://api}]" {
		t.Errorf("got %v, %v", held, err)
	}
	a.fails(409, "The role already exists.", "POST", "/roles", `{"name":"reader"}`)
	a.fails(404, "The role does not exist.", "GET", "/roles/rol_0000000000000000", "")
	poor := tenant.AddClient(auth0test.Application{Scopes: []string{"read:users"}})
	status, _, _ := ask(t, tenant, "Bearer "+token(t, tenant, poor), "GET", "/api/v2/roles/"+role+"/users", "")
	if status != 403 {
		t.Errorf("the users of a role need both scopes: got %d", status)
	}
}

func TestTickets(t *testing.T) {
	t.Parallel()
	tenant := auth0test.NewTenant(auth0test.Options{})
	id := tenant.AddUser(resource.User{Email: "ada@example.com"}, "")
	url, err := tenant.Management().PasswordTicket(t.Context(), id, time.Hour)
	if err != nil || !strings.HasPrefix(url, tenant.Issuer()+"u/reset-password?ticket=") || !strings.HasSuffix(url, "#") {
		t.Errorf("got %q, %v", url, err)
	}
	a := newAdmin(t, tenant)
	a.fails(404, "The user does not exist.", "POST", "/tickets/email-verification", `{"user_id":"auth0|nobody"}`)
}
