package auth0test

import (
	"maps"
	"net/http"
	"slices"
)

var (
	eventStreams = &family{
		path: "/event-streams", part: "id", prefix: "est", key: "eventStreams", status: http.StatusCreated, stamped: true,
		missing: "The requested stream does not exist.", initial: map[string]any{"status": "enabled"}, complete: completeEventStream,
	}
	flows = &family{
		path: "/flows", part: "id", prefix: "af", key: "flows", status: http.StatusCreated, stamped: true, strict: true,
		missing: "Flow not found", listed: []string{"id", "name", "created_at", "updated_at", "executed_at"},
	}
	flowConnections = &family{
		path: "/flows/vault/connections", part: "id", prefix: "ac", key: "connections", status: http.StatusCreated, stamped: true, strict: true,
		missing: "Connection not found", initial: map[string]any{"ready": false}, complete: completeFlowConnection,
		listed: []string{"id", "name", "app_id", "ready", "created_at", "updated_at", "fingerprint"},
	}
	forms = &family{
		path: "/forms", part: "id", prefix: "ap", key: "forms", status: http.StatusCreated, stamped: true, strict: true,
		missing: "Form not found", listed: []string{"id", "name", "created_at", "updated_at", "embedded_at", "submitted_at"},
		initial: map[string]any{"ending": map[string]any{"resume_flow": true}},
	}
	networkACLs = &family{
		path: "/network-acls", part: "id", prefix: "acl", status: http.StatusCreated, stamped: true, strict: true,
		missing: "NetworkACL with this ID was not found", view: viewNetworkACL,
		deleted: func(*call, map[string]any) *reply { return ok(map[string]any{"code": 204, "object": ""}) },
	}
	selfServiceProfiles = &family{
		path: "/self-service-profiles", part: "id", prefix: "ssp", key: "self_service_profiles", status: http.StatusCreated, stamped: true,
		missing: "Profile with ID: {id} not found", initial: map[string]any{"user_attributes": []any{}},
	}
	tokenExchangeProfiles = &family{
		path: "/token-exchange-profiles", part: "id", prefix: "tep", key: "token_exchange_profiles", status: http.StatusCreated, stamped: true,
		missing: "Token exchange profile not found.",
	}
	userAttributeProfiles = &family{
		path: "/user-attribute-profiles", part: "id", prefix: "uap", key: "user_attribute_profiles", status: http.StatusCreated,
		missing: "User attribute profile not found.", complete: completeAttributeProfile,
	}
)

func familyRoutes() []route {
	var routes []route
	for _, f := range []*family{eventStreams, flows, flowConnections, forms, networkACLs, selfServiceProfiles, tokenExchangeProfiles, userAttributeProfiles} {
		routes = append(routes, f.routes()...)
	}
	const profile, text = "/self-service-profiles/{id}/sso-ticket", "/self-service-profiles/{id}/custom-text/{language}/{page}"
	return append(routes,
		route{method: "POST", pattern: profile, handle: createSSOTicket},
		route{method: "POST", pattern: "/self-service-profiles/{profileId}/sso-ticket/{id}/revoke", handle: func(*call) *reply { return accepted(nil) }},
		route{method: "GET", pattern: text, handle: readProfileText},
		route{method: "PUT", pattern: text, handle: setProfileText},
		route{method: "GET", pattern: "/user-attribute-profiles/templates", handle: listAttributeTemplates},
		route{method: "GET", pattern: "/user-attribute-profiles/templates/{id}", handle: readAttributeTemplate},
	)
}

// completeEventStream names the partner's end, and hides the secret of a webhook.
func completeEventStream(c *call, doc map[string]any) {
	destination, _ := doc["destination"].(map[string]any)
	configuration, _ := destination["configuration"].(map[string]any)
	if destination["type"] == "eventbridge" && configuration["aws_partner_event_source"] == nil {
		configuration["aws_partner_event_source"] = "aws.partner/auth0.com/" + c.t.opts.Domain + "-" + newUUID() + "/auth0.events"
	}
	if authorization, is := configuration["webhook_authorization"].(map[string]any); is {
		delete(authorization, "token")
		delete(authorization, "password")
	}
}

// completeFlowConnection keeps the setup to itself, and says that it changed.
func completeFlowConnection(_ *call, doc map[string]any) {
	delete(doc, "setup")
	doc["fingerprint"] = randomHex(32)
}

func viewNetworkACL(c *call, m map[string]any) *reply {
	m["tenant_id"], m["deleted_at"] = c.t.opts.Domain, nil
	return ok(m)
}

// samlUserID is where SAML has a user's id.
var samlUserID = []any{
	"http://schemas.xmlsoap.org/ws/2005/05/identity/claims/nameidentifier",
	"http://schemas.xmlsoap.org/ws/2005/05/identity/claims/upn",
	"http://schemas.xmlsoap.org/ws/2005/05/identity/claims/name",
}

func completeAttributeProfile(_ *call, doc map[string]any) {
	id, _ := doc["user_id"].(map[string]any)
	id = clone(orEmpty(id))
	defaults(id, map[string]any{"oidc_mapping": "sub", "saml_mapping": samlUserID, "scim_mapping": "externalId"})
	doc["user_id"] = id
}

// attributeTemplate is the one that Auth0 has, with the attribute that every
// user has.
func attributeTemplate() map[string]any {
	profile := map[string]any{"name": "Auth0 Generic User Attribute Profile", "user_attributes": map[string]any{
		"email": map[string]any{
			"label": "Email", "description": "Email of the User", "profile_required": true, "auth0_mapping": "email",
			"oidc_mapping": map[string]any{"mapping": "${context.tokenset.email}"}, "scim_mapping": "emails[primary eq true].value",
			"saml_mapping": []any{"http://schemas.xmlsoap.org/ws/2005/05/identity/claims/emailaddress"},
		},
	}}
	completeAttributeProfile(nil, profile)
	return map[string]any{"id": "auth0-generic", "display_name": "Auth0 Generic User Attribute Profile Template", "template": profile}
}

func listAttributeTemplates(*call) *reply {
	return ok(map[string]any{"user_attribute_profile_templates": []any{attributeTemplate()}})
}

func readAttributeTemplate(c *call) *reply {
	if t := attributeTemplate(); t["id"] == c.path("id") {
		return ok(t)
	}
	return notFound("User attribute profile template not found.", "")
}

func createSSOTicket(c *call) *reply {
	if _, bad := selfServiceProfiles.find(c); bad != nil {
		return bad
	}
	return created(map[string]any{"ticket": c.issuer() + "self-service/connections-flow?ticket=" + randomID(32)})
}

// textKey is where the texts of a profile are kept: with its document.
func (c *call) textKey() string {
	return c.path("id") + "\n" + c.path("language") + "\n" + c.path("page")
}

func readProfileText(c *call) *reply {
	if _, bad := selfServiceProfiles.find(c); bad != nil {
		return bad
	}
	return ok(orEmpty(c.t.profileTexts[c.textKey()]))
}

func setProfileText(c *call) *reply {
	if _, bad := selfServiceProfiles.find(c); bad != nil {
		return bad
	}
	if c.t.profileTexts == nil {
		c.t.profileTexts = make(map[string]map[string]any)
	}
	c.t.profileTexts[c.textKey()] = maps.Clone(c.body)
	for _, k := range slices.Collect(maps.Keys(c.body)) {
		if c.body[k] == "" {
			delete(c.t.profileTexts[c.textKey()], k)
		}
	}
	return ok(c.body)
}
