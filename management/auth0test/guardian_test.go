package auth0test_test

import (
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/auth0kit/auth0kit/management"
	"github.com/auth0kit/auth0kit/management/auth0test"
	"github.com/auth0kit/auth0kit/management/resource"
)

// guardianAPI asks the Management API and reads objects.
type guardianAPI struct {
	t      *testing.T
	tenant *auth0test.Tenant
	bearer string
}

func newGuardianAPI(t *testing.T, opts auth0test.Options) (*guardianAPI, string) {
	t.Helper()
	tenant := auth0test.NewTenant(opts)
	id := tenant.AddUser(resource.User{Email: "ada@example.com"}, "correct horse")
	return &guardianAPI{t, tenant, "Bearer " + token(t, tenant, tenant.Machine())}, id
}

// want asks and compares the status and a part of the body.
func (g *guardianAPI) want(method, path, body string, status int, part string) string {
	g.t.Helper()
	got, answer, _ := ask(g.t, g.tenant, g.bearer, method, "/api/v2"+path, body)
	if got != status || !strings.Contains(answer, part) {
		g.t.Errorf("%s %s: %d %s; want %d and %s", method, path, got, answer, status, part)
	}
	return answer
}

func TestGuardianFactors(t *testing.T) {
	t.Parallel()
	g, _ := newGuardianAPI(t, auth0test.Options{})
	g.want("GET", "/guardian/factors", "", 200, `{"enabled":false,"name":"otp","trial_expired":false}`)
	g.want("PUT", "/guardian/factors/otp", `{"enabled":true}`, 200, `{"enabled":true}`)
	g.want("GET", "/guardian/factors", "", 200, `{"enabled":true,"name":"otp","trial_expired":false}`)
	g.want("PUT", "/guardian/factors/totp", `{"enabled":true}`, 400, "invalid_uri")
	g.want("GET", "/guardian/policies", "", 200, `[]`)
	g.want("PUT", "/guardian/policies", `["all-applications"]`, 200, `["all-applications"]`)
	g.want("PUT", "/guardian/policies", `["some"]`, 400, "invalid_body")
	g.want("GET", "/guardian/policies", "", 200, `["all-applications"]`)
}

func TestGuardianMethods(t *testing.T) {
	t.Parallel()
	g, id := newGuardianAPI(t, auth0test.Options{})
	g.tenant.SetFactor("otp", true)
	path := "/users/" + esc(id) + "/authentication-methods"
	const seed = "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP"
	g.want("GET", path+"?include_totals=true", "", 200, `{"authenticators":[],"limit":50,"start":0}`)
	g.want("POST", path, `{"type":"totp","name":"app"}`, 400, "totp_secret")
	g.want("POST", path, `{"type":"totp","totp_secret":"!"}`, 400, "invalid_body")
	made := g.want("POST", path, `{"type":"totp","name":"app","totp_secret":"`+seed+`"}`, 201, seed)
	g.want("POST", path, `{"type":"totp","totp_secret":"`+seed+`"}`, 409, "already exists")
	g.want("POST", path, `{"type":"phone","phone_number":"+4930123456"}`, 201, `"phone_number":"XXXXXXX3456"`)
	list := g.want("GET", path, "", 200, `"confirmed":true`)
	if strings.Contains(list, seed) || strings.Contains(list, "4930123456") {
		t.Errorf("the list shows a secret or a number: %s", list)
	}
	var method struct{ ID string }
	if err := json.Unmarshal([]byte(made), &method); err != nil {
		t.Fatal(err)
	}
	g.want("PATCH", path+"/"+esc(method.ID), `{"name":"new"}`, 200, `"name":"new"`)
	g.want("GET", path+"/"+esc(method.ID), "", 200, `"name":"new"`)
	g.want("GET", "/users/"+esc(id)+"/enrollments", "", 200, `"auth_method":"authenticator"`)
	device := strings.TrimPrefix(method.ID, "totp|")
	g.want("GET", "/guardian/enrollments/"+device, "", 200, `"status":"confirmed"`)
	g.want("DELETE", "/guardian/enrollments/"+device, "", 204, "")
	g.want("GET", "/guardian/enrollments/"+device, "", 404, "enrollment_not_found")
	g.want("GET", path+"/"+esc(method.ID), "", 404, "does not exist")
	g.want("PUT", path, `[{"type":"email","email":"ada@example.com"},{"type":"totp","totp_secret":"`+seed+`"}]`, 200, `"email":"ada@example.com"`)
	g.want("GET", path+"?include_totals=true", "", 200, `"total":2`)
	g.want("DELETE", "/users/"+esc(id)+"/multifactor/google-authenticator", "", 204, "")
	g.want("GET", path+"?include_totals=true", "", 200, `"total":1`)
	g.want("DELETE", "/users/"+esc(id)+"/authenticators", "", 204, "")
	g.want("DELETE", path, "", 204, "")
	g.want("GET", "/users/"+esc(id)+"/enrollments", "", 200, `[]`)
	g.want("POST", "/users/"+esc(id)+"/recovery-code-regeneration", "", 200, `"recovery_code":"`)
	g.want("POST", "/users/"+esc(id)+"/multifactor/actions/invalidate-remember-browser", "", 204, "")
	g.want("POST", "/users/auth0%7Cnobody/recovery-code-regeneration", "", 404, "does not exist")
	g.want("POST", "/guardian/enrollments/ticket", `{"user_id":"auth0|nobody"}`, 404, "does not exist")
}

// A seed that the Management API was given works at a login, and the mailed
// ticket leads to the pages of the enrollment.
func TestGuardianMethodLogsIn(t *testing.T) {
	t.Parallel()
	tenant := auth0test.NewTenant(auth0test.Options{})
	app := tenant.AddClient(auth0test.Application{CallbackURL: "https://app.example.com/callback"})
	id := tenant.AddUser(resource.User{Email: "ada@example.com"}, "correct horse")
	const seed = "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP"
	client, ctx := tenant.Management(), t.Context()
	if err := client.SetFactor(ctx, "otp", true); err != nil {
		t.Fatal(err)
	}
	if _, err := client.CreateAuthenticationMethod(ctx, id, resource.NewAuthenticationMethod{Type: "totp", TOTPSecret: seed}); err != nil {
		t.Fatal(err)
	}
	login := auth0test.Login{ClientID: app.ID, Identifier: "ada@example.com", Password: "correct horse", OTP: "000000"}
	if _, err := tenant.Login(ctx, login); err == nil {
		t.Error("a login without a code of the seed passed")
	}
	login.OTP = tenant.OTP(seed)
	if _, err := tenant.Login(ctx, login); err != nil {
		t.Error(err)
	}
	g := &guardianAPI{t, tenant, "Bearer " + token(t, tenant, tenant.Machine())}
	g.want("POST", "/guardian/enrollments/ticket", `{"user_id":"`+id+`","send_mail":true}`, 200, "ticket_url")
	mails := tenant.Outbox()
	if m := mails[len(mails)-1]; m.To != "ada@example.com" || !strings.Contains(m.URL, "/mfa/enrollment?ticket=") {
		t.Errorf("the last message is %+v", m)
	}
}

func TestGuardianMethodLimits(t *testing.T) {
	t.Parallel()
	for plan, allowed := range map[auth0test.Plan]int{auth0test.Free: 2, auth0test.Enterprise: 5, auth0test.Unlimited: 20} {
		g, id := newGuardianAPI(t, auth0test.Options{Plan: plan})
		var statuses []int
		for range 8 {
			g.tenant.Advance(time.Second) // The buckets of the plan refill, that of the user hardly.
			status, _, _ := ask(t, g.tenant, g.bearer, "GET", "/api/v2/users/"+esc(id)+"/authentication-methods", "")
			statuses = append(statuses, status)
		}
		if got := slices.Index(statuses, 429); got != allowed && (allowed < 8 || got != -1) {
			t.Errorf("plan %d: %v", plan, statuses)
		}
	}
	tenant := auth0test.NewTenant(auth0test.Options{Plan: auth0test.Enterprise})
	id := tenant.AddUser(resource.User{Email: "ada@example.com"}, "")
	client := tenant.Management()
	var err error
	for range 6 {
		_, err = client.AuthenticationMethods(t.Context(), id)
	}
	if !errors.Is(err, management.ErrRateLimited) {
		t.Errorf("the sixth read: %v", err)
	}
}
