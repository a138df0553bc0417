package auth0test_test

import (
	"strings"
	"testing"
	"time"

	"github.com/auth0kit/auth0kit/management/auth0test"
	"github.com/auth0kit/auth0kit/management/resource"
)

func TestSeededLog(t *testing.T) {
	t.Parallel()
	tenant := auth0test.NewTenant(auth0test.Options{})
	g := newAPI(t, tenant)
	late := tenant.AddLog(map[string]any{"type": "f", "date": "2024-05-02T00:00:00Z", "user_id": "auth0|1", "description": "late"})
	early := tenant.AddLog(map[string]any{"type": "s", "date": "2024-05-01T12:00:00.5Z", "user_name": "ada", "connection": nil})
	if !strings.HasPrefix(early, "90020240501120000500") || early >= late {
		t.Fatalf("ids %s, %s", early, late)
	}
	list := g.entries("/logs?from=" + early + "&take=1")
	if len(list) != 1 || list[0]["log_id"] != late || list[0]["_id"] != late || list[0]["description"] != "late" {
		t.Errorf("after the first: %v", list)
	}
	g.want("GET", "/logs/"+early, "", 200, `"date":"2024-05-01T12:00:00.500Z"`)
	for q, want := range map[string]string{"user_name:ada": early, "type:f": late, "date:[2024-05-02 TO 2024-05-03]": late} {
		if list := g.entries("/logs?q=" + strings.ReplaceAll(q, " ", "%20")); len(list) != 1 || list[0]["_id"] != want {
			t.Errorf("%s: %v", q, list)
		}
	}
	if list := g.entries("/users/auth0%7C1/logs"); len(list) != 1 || list[0]["_id"] != late {
		t.Errorf("of the user: %v", list)
	}
	newest := g.entries("/logs?per_page=1")[0]
	if newest["type"] != "seccft" {
		t.Errorf("what the tenant logs itself comes after the past: %v", newest)
	}
	mustPanic(t, "no type", func() { tenant.AddLog(map[string]any{}) })
	mustPanic(t, "a bad date", func() { tenant.AddLog(map[string]any{"type": "s", "date": "yesterday"}) })
	mustPanic(t, "an id twice", func() { tenant.AddLog(map[string]any{"type": "s", "log_id": late}) })
}

func TestSeededSessionAndRefreshToken(t *testing.T) {
	t.Parallel()
	tenant := auth0test.NewTenant(auth0test.Options{})
	g := newAPI(t, tenant)
	user := tenant.AddUser(resource.User{Email: "ada@example.com"}, "")
	app := tenant.AddClient(auth0test.Application{Name: "app", Grants: []string{"refresh_token"}})
	sid := tenant.AddSession(auth0test.Session{
		UserID: user, Clients: []string{app.ID}, Proofs: []auth0test.Proof{{Name: "mfa", Type: "otp"}},
		First: auth0test.Device{IP: "192.0.2.1", UserAgent: "one", ASN: "64496"}, Last: auth0test.Device{IP: "192.0.2.2", UserAgent: "two", ASN: "64497"},
	})
	seen := g.want("GET", "/sessions/"+sid, "", 200, `"clients":[{"client_id":"`+app.ID+`"}]`)
	for _, part := range []string{`"initial_ip":"192.0.2.1"`, `"last_asn":"64497"`, `"initial_asn":"64496"`, `"last_user_agent":"two"`, `"type":"otp"`} {
		if !strings.Contains(seen, part) {
			t.Errorf("the session lacks %s: %s", part, seen)
		}
	}
	value := tenant.AddRefreshToken(auth0test.RefreshToken{ID: "rt_1", UserID: user, ClientID: app.ID, SessionID: sid, Scope: "openid offline_access"})
	if shown := g.object("GET", "/refresh-tokens/rt_1", "", 200); shown["session_id"] != sid || shown["expires_at"] != nil || shown["device"] != nil {
		t.Errorf("the token: %v", shown)
	}
	status, set := exchange(t, tenant, "grant_type", "refresh_token", "client_id", app.ID, "client_secret", app.Secret, "refresh_token", value)
	if status != 200 || claims(t, tenant, text(t, set, "id_token"))["sub"] != user {
		t.Errorf("the exchange: %d %v", status, set)
	}
	if shown := g.object("GET", "/refresh-tokens/rt_1", "", 200); shown["last_exchanged_at"] == nil || shown["device"] == nil {
		t.Errorf("the exchanged token: %v", shown)
	}
	g.want("POST", "/sessions/"+sid+"/revoke", "", 202, "")
	g.want("GET", "/refresh-tokens/rt_1", "", 404, "")
	mustPanic(t, "no user", func() { tenant.AddSession(auth0test.Session{UserID: "auth0|none"}) })
	mustPanic(t, "no client", func() { tenant.AddRefreshToken(auth0test.RefreshToken{UserID: user}) })
}

func TestRefusedMail(t *testing.T) {
	t.Parallel()
	tenant := auth0test.NewTenant(auth0test.Options{RefusedMail: []string{"example.com"}})
	g := newAPI(t, tenant)
	for address, want := range map[string]string{"ada@EXAMPLE.com": "failed", "bob@example.org": "completed"} {
		id := tenant.AddUser(resource.User{Email: address}, "")
		job := g.object("POST", "/jobs/verification-email", `{"user_id":"`+id+`"}`, 201)
		tenant.Advance(2 * time.Second)
		g.want("GET", "/jobs/"+job["id"].(string), "", 200, `"status":"`+want+`"`)
	}
	if sent := tenant.Outbox(); len(sent) != 1 || sent[0].To != "bob@example.org" {
		t.Errorf("sent: %v", sent)
	}
	list := g.entries("/logs?q=type:fn")
	if len(list) != 1 || list[0]["description"] != "To: ada@example.com" {
		t.Errorf("logged: %v", list)
	}
}

func TestExpressClientsHaveASystemGrant(t *testing.T) {
	t.Parallel()
	g := newAPI(t, auth0test.NewTenant(auth0test.Options{}))
	made := g.object("POST", "/clients", `{"name":"oin","app_type":"express_configuration"}`, 201)
	of := "/client-grants?client_id=" + made["client_id"].(string)
	list := g.entries(of)
	if len(list) != 1 || list[0]["is_system"] != true || !strings.HasSuffix(list[0]["audience"].(string), "/api/v2/") {
		t.Fatalf("grants: %v", list)
	}
	g.want("DELETE", "/clients/"+made["client_id"].(string), "", 204, "")
	if list := g.entries(of); len(list) != 0 {
		t.Errorf("a grant outlives its client: %v", list)
	}
}
