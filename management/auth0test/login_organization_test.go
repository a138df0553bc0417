package auth0test_test

import (
	"encoding/json"
	"errors"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/auth0kit/auth0kit/management/auth0test"
	"github.com/auth0kit/auth0kit/management/resource"
)

// manage calls the Management API and reads the answer.
func (s scene) manage(t *testing.T, method, path, payload string) object {
	t.Helper()
	status, raw, _ := ask(t, s.Tenant, "Bearer "+token(t, s.Tenant, s.Machine()), method, "/api/v2/"+path, payload)
	if status/100 != 2 {
		t.Fatalf("%s %s: %d %s", method, path, status, raw)
	}
	var o object
	if raw != "" {
		if err := json.Unmarshal([]byte(raw), &o); err != nil {
			t.Fatal(err)
		}
	}
	return o
}

func (s scene) invite(t *testing.T, org, email, role string) string {
	t.Helper()
	o := s.manage(t, "POST", "organizations/"+org+"/invitations", `{"client_id":"`+s.app.ID+`","inviter":{"name":"Ada"},
		"invitee":{"email":"`+email+`"},"roles":["`+role+`"],"app_metadata":{"plan":"gold"}}`)
	return text(t, o, "ticket_id")
}

func TestInvitationsAreAccepted(t *testing.T) {
	t.Parallel()
	s := newScene(auth0test.Options{})
	org := s.AddOrganization("acme")
	role := s.AddRole("reader", ordersAPI, "read:orders")
	for _, c := range []auth0test.Login{
		{Identifier: "ada@example.com", Password: "correct horse"},
		{Identifier: "new@example.com", Password: "Correct-H0rse"}, // No user yet: signs up.
	} {
		c.OrgID, c.Audience = org, ordersAPI
		c.Invitation = s.invite(t, org, c.Identifier, role)
		tokens := s.mustLogin(t, c)
		access, id := claims(t, s.Tenant, tokens.Access), claims(t, s.Tenant, tokens.ID)
		if access["org_id"] != org || !slices.Equal(access["permissions"].([]any), []any{"read:orders"}) || id["email_verified"] != true {
			t.Errorf("%s: access %v, ID %v", c.Identifier, access, id)
		}
		user := s.manage(t, "GET", "users/"+url.PathEscape(id["sub"].(string)), "")
		if user["app_metadata"].(object)["plan"] != "gold" {
			t.Errorf("user %v", user)
		}
		_, err := s.login(t, c)
		if e, is := errors.AsType[*auth0test.LoginError](err); !is || e.Description != "invitation not found or already used" {
			t.Errorf("a second use: %v", err)
		}
		c.Invitation = ""
		s.mustLogin(t, c)
	}
}

func TestInvitationsAreRefused(t *testing.T) {
	t.Parallel()
	s := newScene(auth0test.Options{})
	org := s.AddOrganization("acme")
	role := s.AddRole("reader", ordersAPI, "read:orders")
	s.AddUser(resource.User{Email: "bob@example.com"}, "x")
	for name, c := range map[string]struct {
		email string
		after time.Duration
		code  string
	}{
		"somebody else's": {"bob@example.com", 0, "access_denied"},
		"expired":         {"ada@example.com", 8 * 24 * time.Hour, "invalid_request"},
	} {
		ticket := s.invite(t, org, c.email, role)
		s.Advance(c.after)
		_, err := s.login(t, auth0test.Login{OrgID: org, Invitation: ticket})
		if e, is := errors.AsType[*auth0test.LoginError](err); !is || e.Code != c.code {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// TestOrganizationsAreDeniedByDefault: an application that says nothing takes none.
func TestOrganizationsAreDeniedByDefault(t *testing.T) {
	t.Parallel()
	s := newScene(auth0test.Options{})
	org := s.AddOrganization("acme")
	s.manage(t, "PATCH", "clients/"+s.app.ID, `{"organization_usage":null}`)
	if to, _ := s.authorize(t, s.browser(), "organization", org); to.Query().Get("error_description") != "parameter organization is not allowed for this client" {
		t.Errorf("got %v", to)
	}
}

func TestApplicationsThatRequireAnOrganization(t *testing.T) {
	t.Parallel()
	s := newScene(auth0test.Options{})
	org, other := s.AddOrganization("acme"), s.AddOrganization("blue")
	s.AddMember(org, s.ada)
	require := func(usage, behavior string) {
		s.manage(t, "PATCH", "clients/"+s.app.ID, `{"organization_usage":"`+usage+`","organization_require_behavior":"`+behavior+`"}`)
	}
	orgOf := func(to *url.URL) any {
		t.Helper()
		status, b := s.redeem(t, to.Query().Get("code"))
		if status != 200 {
			t.Fatalf("got %d %v at %v", status, b, to)
		}
		return claims(t, s.Tenant, text(t, b, "id_token"))["org_id"]
	}
	require("require", "no_prompt")
	if to, _ := s.authorize(t, s.browser()); to.Query().Get("error_description") != "parameter organization is required for this client" {
		t.Errorf("no_prompt: %v", to)
	}
	require("require", "pre_login_prompt")
	browser := s.browser()
	page, _ := s.authorize(t, browser)
	if page.Path != "/u/organization" {
		t.Fatalf("pre_login_prompt leads to %v", page)
	}
	if to := enter(t, browser, page, "organizationName", "nobody"); to != nil {
		t.Errorf("an unknown organization leads to %v", to)
	}
	page = enter(t, browser, page, "organizationName", "acme")
	if got := orgOf(enter(t, browser, page, "username", "ada@example.com", "password", "correct horse")); got != org {
		t.Errorf("org_id %v", got)
	}
	require("require", "post_login_prompt")
	browser = s.browser()
	page, _ = s.authorize(t, browser)
	page = enter(t, browser, page, "username", "ada@example.com", "password", "correct horse")
	if page.Path != "/u/organization-picker" {
		t.Fatalf("post_login_prompt leads to %v", page)
	}
	res, err := browser.Get(page.String())
	if err != nil {
		t.Fatal(err)
	}
	if _, html := body(t, res); !strings.Contains(html, `value="acme"`) || strings.Contains(html, `value="blue"`) {
		t.Errorf("the picker shows %s", html)
	}
	if got := orgOf(enter(t, browser, page, "organizationName", "acme")); got != org {
		t.Errorf("org_id %v", got)
	}
	require("deny", "no_prompt")
	if to, _ := s.authorize(t, s.browser(), "organization", other); to.Query().Get("error") != "invalid_request" {
		t.Errorf("deny: %v", to)
	}
}

func TestMembershipByConnection(t *testing.T) {
	t.Parallel()
	s := newScene(auth0test.Options{})
	org := s.AddOrganization("acme")
	con := s.AddConnection("staff", "samlp")
	s.manage(t, "POST", "organizations/"+org+"/enabled_connections", `{"connection_id":"`+con+`","assign_membership_on_login":true}`)
	id := claims(t, s.Tenant, s.mustLogin(t, auth0test.Login{Connection: "staff", OrgID: org, Identifier: "bob@example.com"}).ID)
	if id["org_id"] != org {
		t.Errorf("ID token %v", id)
	}
	if _, err := s.login(t, auth0test.Login{OrgID: org}); err == nil {
		t.Error("a user of another connection became a member")
	}
}

func TestOrganizationNames(t *testing.T) {
	t.Parallel()
	s := newScene(auth0test.Options{})
	org := s.AddOrganization("acme")
	s.AddMember(org, s.ada)
	s.AllowOrganizationNames()
	tokens := s.mustLogin(t, auth0test.Login{OrgID: "acme", Audience: ordersAPI})
	for _, token := range []string{tokens.Access, tokens.ID} {
		if c := claims(t, s.Tenant, token); c["org_id"] != org || c["org_name"] != "acme" {
			t.Errorf("token %v", c)
		}
	}
}
