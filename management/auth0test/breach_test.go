package auth0test_test

import (
	"net/url"
	"strings"
	"testing"

	"github.com/auth0kit/auth0kit/management/auth0test"
	"github.com/auth0kit/auth0kit/management/resource"
)

func TestBreachedPasswords(t *testing.T) {
	t.Parallel()
	tenant := auth0test.NewTenant(auth0test.Options{})
	app := tenant.AddClient(auth0test.Application{})
	tenant.AddUser(resource.User{Email: "ada@example.com"}, "correct horse")
	tenant.AddUser(resource.User{Email: "bob@example.com"}, "something else")
	tenant.AddBreachedPasswords("correct horse", "Correct-H0rse")
	g, login := newAPI(t, tenant), passwordLogin(t, tenant)
	if status, body := login("ada@example.com", "correct horse"); status != 200 {
		t.Fatalf("when detection is off: %d %v", status, body)
	}
	const path = "/attack-protection/breached-password-detection"
	g.want("PATCH", path, `{"enabled":true,"shields":["user_notification"]}`, 200, "")
	if status, body := login("ada@example.com", "correct horse"); status != 200 {
		t.Errorf("without the shield: %d %v", status, body)
	}
	if mails := tenant.Outbox(); len(mails) != 1 || mails[0].Kind != "stolen_credentials" || mails[0].To != "ada@example.com" {
		t.Errorf("mails %v", mails)
	}
	g.want("PATCH", path, `{"shields":["block"],"stage":{"pre-user-registration":{"shields":["block"]}}}`, 200, "")
	for range 2 {
		status, body := login("ada@example.com", "correct horse")
		if status != 403 || body["error"] != "password_leaked" {
			t.Errorf("a breached password: %d %v", status, body)
		}
	}
	if status, _ := login("ada@example.com", "wrong"); status != 403 {
		t.Errorf("a wrong password: %d", status)
	}
	if status, body := login("bob@example.com", "something else"); status != 200 {
		t.Errorf("another password: %d %v", status, body)
	}
	signup := func(password string) int {
		t.Helper()
		res, err := tenant.HTTPClient().PostForm(tenant.Issuer()+"dbconnections/signup", url.Values{
			"client_id": {app.ID}, "connection": {auth0test.DefaultConnection}, "email": {"eve@example.com"}, "password": {password},
		})
		if err != nil {
			t.Fatal(err)
		}
		res.Body.Close()
		return res.StatusCode
	}
	if signup("Correct-H0rse") != 400 || signup("Something-N3w") != 200 {
		t.Error("sign-up does not look at the password")
	}
	logged := g.want("GET", "/logs?q="+url.QueryEscape("type:pwd_leak"), "", 200, "pwd_leak")
	if n := strings.Count(logged, `"type":"pwd_leak"`); n != 1 {
		t.Errorf("the log has %d entries in an hour, want 1", n)
	}
	g.want("GET", "/stats/daily", "", 200, `"leaked_passwords":2`)
}
