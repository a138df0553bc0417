package auth0test_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/auth0/go-auth0"
	sdk "github.com/auth0/go-auth0/management"

	"github.com/auth0kit/auth0kit/management/auth0test"
)

func statusOf(err error) int {
	if failed, is := err.(sdk.Error); is {
		return failed.Status()
	}
	return 0
}

func TestPageTemplate(t *testing.T) {
	t.Parallel()
	tenant := auth0test.NewTenant(auth0test.Options{})
	api, g := sdkClient(t, tenant, auth0test.DefaultDomain, tenant.HTTPClient()), newAPI(t, tenant)
	const path = "/branding/templates/universal-login"
	if _, err := api.Branding.UniversalLogin(t.Context()); statusOf(err) != http.StatusNotFound {
		t.Errorf("no template yet: %v", err)
	}
	g.want("PUT", path, `"<html></html>"`, 400, "auth0:head")
	page := "<!DOCTYPE html><head>{%- auth0:head -%}</head><body>{%- auth0:widget -%}</body>"
	g.want("PUT", path, `{"template":"`+page+`"}`, 201, `{}`)
	g.want("PUT", path, page, 204, "")
	if err := api.Branding.SetUniversalLogin(t.Context(), &sdk.BrandingUniversalLogin{Body: &page}); err != nil {
		t.Error(err)
	}
	if got, err := api.Branding.UniversalLogin(t.Context()); err != nil || got.GetBody() != page {
		t.Errorf("the template is %v, %v", got, err)
	}
	g.want("PUT", path, strings.Repeat("x", 102401), 400, "Payload content length greater than maximum allowed: 102400")
	if err := api.Branding.DeleteUniversalLogin(t.Context()); err != nil {
		t.Error(err)
	}
	g.want("GET", path, "", 404, "Template does not exist.")
}

func TestThemes(t *testing.T) {
	t.Parallel()
	g := newAPI(t, auth0test.NewTenant(auth0test.Options{}))
	g.want("GET", "/branding/themes/default", "", 404, "theme_not_found")
	theme := g.object("POST", "/branding/themes", `{"displayName":"mine","borders":{"widget_corner_radius":2}}`, 200)
	g.want("POST", "/branding/themes", `{}`, 409, "The theme already exists")
	path := "/branding/themes/" + theme["themeId"].(string)
	g.want("PATCH", path, `{"displayName":"ours","themeId":"other"}`, 200, `"displayName":"ours","themeId":"`+theme["themeId"].(string))
	g.want("GET", "/branding/themes/default", "", 200, `"widget_corner_radius":2`)
	g.want("PATCH", "/tenants/settings", `{"friendly_name":"x"}`, 200, `"is_custom_theme_set":true`)
	g.want("PATCH", "/branding/themes/other", `{}`, 404, "There was an error updating branding settings: invalid theme ID")
	g.want("DELETE", path, "", 204, "")
	g.want("DELETE", path, "", 404, "There was an error deleting branding settings: invalid theme ID")
}

func TestPhoneProvidersAndTemplates(t *testing.T) {
	t.Parallel()
	tenant := auth0test.NewTenant(auth0test.Options{})
	api, g := sdkClient(t, tenant, auth0test.DefaultDomain, tenant.HTTPClient()), newAPI(t, tenant)
	made := g.object("POST", "/branding/phone/providers", `{"name":"twilio","configuration":{"sid":"s"},"credentials":{"auth_token":"secret"}}`, 201)
	if made["tenant"] != "tenant" || made["channel"] != "phone" || made["disabled"] != false || made["credentials"] != nil {
		t.Errorf("provider %v", made)
	}
	g.want("POST", "/branding/phone/providers", `{"name":"custom"}`, 409, "conflict")
	path := "/branding/phone/providers/" + made["id"].(string)
	g.want("PATCH", path, `{"disabled":true}`, 200, `"disabled":true`)
	g.want("GET", "/branding/phone/providers?disabled=false", "", 200, `{"providers":[]}`)
	if got := g.want("GET", "/branding/phone/providers", "", 200, `"credentials":null`); strings.Contains(got, "secret") {
		t.Errorf("a token is shown: %s", got)
	}
	template := &sdk.BrandingPhoneNotificationTemplate{Type: auth0.String("otp_verify"), Content: &sdk.BrandingPhoneNotificationTemplateContent{
		From: auth0.String("+1"), Body: &sdk.BrandingPhoneNotificationTemplateContentBody{Text: auth0.String("mine")}}}
	if err := api.Branding.CreatePhoneNotificationTemplate(t.Context(), template); err != nil {
		t.Fatal(err)
	}
	path = "/branding/phone/templates/" + template.GetID()
	g.want("POST", "/branding/phone/templates", `{"type":"otp_verify"}`, 409, "already configured")
	g.want("PATCH", path, `{"content":{"from":"+2"}}`, 200, `"content":{"body":{"text":"mine"},"from":"+2"}`)
	g.want("PATCH", path+"/reset", "", 200, `is your verification code for`)
	if got := g.want("GET", "/branding/phone/templates", "", 200, `"type":"otp_enroll"`); strings.Count(got, `"type"`) != 4 {
		t.Errorf("templates %s", got)
	}
	g.want("POST", path+"/try", `{}`, 400, "Missing required property: to")
	g.want("POST", path+"/try", `{"to":"+4930123456"}`, 202, "successfully sent")
	if sent := tenant.Outbox(); len(sent) != 1 || sent[0].To != "+4930123456" || sent[0].Kind != "otp_verify" || sent[0].Channel != "sms" {
		t.Errorf("sent %v", sent)
	}
	g.want("DELETE", path, "", 204, "")
	g.want("DELETE", path, "", 404, "Notification Resource not found")
}

func TestPrompts(t *testing.T) {
	t.Parallel()
	g := newAPI(t, auth0test.NewTenant(auth0test.Options{}))
	g.want("GET", "/prompts/login/custom-text/en", "", 200, `{}`)
	g.want("PUT", "/prompts/login/custom-text/en", `{"login":{"title":"Hello"}}`, 200, `{"login":{"title":"Hello"}}`)
	g.want("GET", "/prompts/login/custom-text/en", "", 200, `{"login":{"title":"Hello"}}`)
	g.want("GET", "/prompts/login/custom-text/de", "", 200, `{}`)
	g.want("GET", "/prompts/nothing/custom-text/de", "", 400, "invalid_uri")
	g.want("PUT", "/prompts/signup/partials", `{"signup":{"form-content-start":"<div>"}}`, 200, `{"signup":{"form-content-start":"\u003cdiv\u003e"}}`)
	g.want("GET", "/prompts/signup/partials", "", 200, `form-content-start`)
	g.want("PUT", "/prompts/signup/partials", `{"signup":{}}`, 200, `{}`)
	g.want("GET", "/prompts/signup/partials", "", 200, `{}`)
	screen := "/prompts/login/screen/login/rendering"
	g.want("GET", screen, "", 200, `"rendering_mode":"standard"`)
	g.want("GET", "/prompts/rendering?include_totals=true", "", 200, `"configs":[]`)
	g.want("PATCH", screen, `{"rendering_mode":"advanced"}`, 200, `{"rendering_mode":"advanced"}`)
	g.want("PATCH", "/prompts/rendering", `{"configs":[{"prompt":"logout","screen":"logout","use_page_template":true},{"prompt":"login"}]}`, 400, "screen")
	g.want("GET", "/prompts/rendering?include_totals=true", "", 200, `"total":1`)
	g.want("PATCH", "/prompts/rendering", `{"configs":[{"prompt":"login","screen":"login","use_page_template":true}]}`, 200, `"use_page_template":true`)
	g.want("GET", screen, "", 200, `"rendering_mode":"advanced","screen":"login","tenant":"tenant","use_page_template":true`)
	g.want("GET", "/prompts/rendering?rendering_mode=advanced&include_totals=true", "", 200, `"total":1`)
	g.want("GET", "/prompts/rendering?screen=logout&include_totals=true", "", 200, `"total":0`)
}

func TestCustomDomains(t *testing.T) {
	t.Parallel()
	g := newAPI(t, auth0test.NewTenant(auth0test.Options{}))
	body := `{"domain":"Login.example.com","type":"auth0_managed_certs","domain_metadata":{"a":"1","b":"2"}}`
	made := g.object("POST", "/custom-domains", body, 201)
	if made["domain"] != "login.example.com" || made["primary"] != true || made["tls_policy"] != "recommended" {
		t.Errorf("domain %v", made)
	}
	g.want("POST", "/custom-domains", body, 409, "already exists")
	g.want("POST", "/custom-domains", `{"domain":"x.example.com","type":"other"}`, 400, "invalid_body")
	g.want("POST", "/custom-domains", `{"domain":"x.example.com","type":"self_managed_certs"}`, 201, `"name":"TXT"`)
	path := "/custom-domains/" + made["custom_domain_id"].(string)
	g.want("PATCH", path, `{"domain_metadata":{"a":null,"c":"3"}}`, 200, `"domain_metadata":{"b":"2","c":"3"}`)
	g.want("POST", path+"/verify", "", 200, `"status":"pending_verification"`)
	g.want("POST", path+"/test", "", 409, "not ready")
	first := g.object("GET", "/custom-domains?take=1", "", 200)
	if first["next"] == nil {
		t.Errorf("page %v", first)
	}
	g.want("GET", "/custom-domains?take=1&from="+esc(first["next"].(string)), "", 200, "x.example.com")
	g.want("GET", "/custom-domains/default", "", 200, `{"domain":"tenant.auth0.test"}`)
	g.want("PATCH", "/custom-domains/default", `{"domain":"evil.example.com"}`, 400, "not a domain")
	g.want("PATCH", "/custom-domains/default", `{"domain":"login.example.com"}`, 200, `"is_default":true`)
	g.want("DELETE", path, "", 409, "Cannot delete the default custom domain.")
	g.want("PATCH", "/custom-domains/default", `{"domain":"tenant.auth0.test"}`, 200, `{"domain":"tenant.auth0.test"}`)
	g.want("DELETE", path, "", 204, "")
	g.want("DELETE", path, "", 204, "")
	g.want("GET", path, "", 404, "inexistent_custom_domain")
}
