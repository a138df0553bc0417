package platform

import (
	"maps"
	"net/http"
	"slices"

	"github.com/auth0kit/auth0kit/management/auth0test/internal/mgmtapi"
	"github.com/auth0kit/auth0kit/management/auth0test/internal/state"
	"github.com/auth0kit/auth0kit/management/auth0test/internal/store"
)

var (
	eventStreams = &mgmtapi.Family{
		Path: "/event-streams", Part: "id", Prefix: "est", Key: "eventStreams", Status: http.StatusCreated, Stamped: true,
		Missing: "The requested stream does not exist.", Initial: map[string]any{"status": "enabled"}, Complete: completeEventStream,
	}
	flowFamily = &mgmtapi.Family{
		Path: "/flows", Part: "id", Prefix: "af", Key: "flows", Status: http.StatusCreated, Stamped: true, Strict: true,
		Missing: "Flow not found", Listed: []string{"id", "name", "created_at", "updated_at", "executed_at"},
	}
	flowConnections = &mgmtapi.Family{
		Path: "/flows/vault/connections", Part: "id", Prefix: "ac", Key: "connections", Status: http.StatusCreated, Stamped: true, Strict: true,
		Missing: "Connection not found", Initial: map[string]any{"ready": false}, Complete: completeFlowConnection,
		Listed: []string{"id", "name", "app_id", "ready", "created_at", "updated_at", "fingerprint"},
	}
	forms = &mgmtapi.Family{
		Path: "/forms", Part: "id", Prefix: "ap", Key: "forms", Status: http.StatusCreated, Stamped: true, Strict: true,
		Missing: "Form not found", Listed: []string{"id", "name", "created_at", "updated_at", "embedded_at", "submitted_at"},
		Initial: map[string]any{"ending": map[string]any{"resume_flow": true}},
	}
	networkACLs = &mgmtapi.Family{
		Path: "/network-acls", Part: "id", Prefix: "acl", Status: http.StatusCreated, Stamped: true, Strict: true,
		Missing: "NetworkACL with this ID was not found", View: viewNetworkACL,
		Deleted: func(*mgmtapi.Call, map[string]any) *mgmtapi.Reply {
			return mgmtapi.OK(map[string]any{"code": 204, "object": ""})
		},
	}
	selfServiceProfiles = &mgmtapi.Family{
		Path: "/self-service-profiles", Part: "id", Prefix: "ssp", Key: "self_service_profiles", Status: http.StatusCreated, Stamped: true,
		Missing: "Profile with ID: {id} not found", Initial: map[string]any{"user_attributes": []any{}},
	}
	tokenExchangeProfiles = &mgmtapi.Family{
		Path: "/token-exchange-profiles", Part: "id", Prefix: "tep", Key: "token_exchange_profiles", Status: http.StatusCreated, Stamped: true,
		Missing: "Token exchange profile not found.",
	}
	userAttributeProfiles = &mgmtapi.Family{
		Path: "/user-attribute-profiles", Part: "id", Prefix: "uap", Key: "user_attribute_profiles", Status: http.StatusCreated,
		Missing: mgmtapi.NoAttributeProfile, Complete: completeAttributeProfile,
	}
)

func FamilyRoutes() []mgmtapi.Route {
	var routes []mgmtapi.Route
	for _, f := range []*mgmtapi.Family{eventStreams, flowFamily, flowConnections, forms, networkACLs, selfServiceProfiles, tokenExchangeProfiles, userAttributeProfiles} {
		routes = append(routes, f.Routes()...)
	}
	const profile, text = "/self-service-profiles/{id}/sso-ticket", "/self-service-profiles/{id}/custom-text/{language}/{page}"
	return append(routes,
		mgmtapi.Route{Method: "POST", Pattern: profile, Handle: createSSOTicket},
		mgmtapi.Route{Method: "POST", Pattern: "/self-service-profiles/{profileId}/sso-ticket/{id}/revoke", Handle: func(*mgmtapi.Call) *mgmtapi.Reply { return mgmtapi.Accepted(nil) }},
		mgmtapi.Route{Method: "GET", Pattern: text, Handle: readProfileText},
		mgmtapi.Route{Method: "PUT", Pattern: text, Handle: setProfileText},
		mgmtapi.Route{Method: "GET", Pattern: "/user-attribute-profiles/templates", Handle: listAttributeTemplates},
		mgmtapi.Route{Method: "GET", Pattern: "/user-attribute-profiles/templates/{id}", Handle: readAttributeTemplate},
	)
}

// completeEventStream names the partner's end, and hides the secret of a webhook.
func completeEventStream(c *mgmtapi.Call, doc map[string]any) {
	destination, _ := doc["destination"].(map[string]any)
	configuration, _ := destination["configuration"].(map[string]any)
	if destination["type"] == "eventbridge" && configuration["aws_partner_event_source"] == nil {
		configuration["aws_partner_event_source"] = "aws.partner/auth0.com/" + c.T.Options.Domain + "-" + store.NewUUID() + "/auth0.events"
	}
	if authorization, is := configuration["webhook_authorization"].(map[string]any); is {
		delete(authorization, "token")
		delete(authorization, "password")
	}
}

// completeFlowConnection keeps the setup to itself, and says that it changed.
func completeFlowConnection(_ *mgmtapi.Call, doc map[string]any) {
	delete(doc, "setup")
	doc["fingerprint"] = store.RandomHex(32)
}

func viewNetworkACL(c *mgmtapi.Call, m map[string]any) *mgmtapi.Reply {
	m["tenant_id"], m["deleted_at"] = c.T.Options.Domain, nil
	return mgmtapi.OK(m)
}

// samlUserID is where SAML has a user's id.
var samlUserID = []any{
	"http://schemas.xmlsoap.org/ws/2005/05/identity/claims/nameidentifier",
	"http://schemas.xmlsoap.org/ws/2005/05/identity/claims/upn",
	"http://schemas.xmlsoap.org/ws/2005/05/identity/claims/name",
}

func completeAttributeProfile(_ *mgmtapi.Call, doc map[string]any) {
	id, _ := doc["user_id"].(map[string]any)
	id = store.Clone(store.OrEmpty(id))
	store.Defaults(id, map[string]any{"oidc_mapping": "sub", "saml_mapping": samlUserID, "scim_mapping": "externalId"})
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

func listAttributeTemplates(*mgmtapi.Call) *mgmtapi.Reply {
	return mgmtapi.OK(map[string]any{"user_attribute_profile_templates": []any{attributeTemplate()}})
}

func readAttributeTemplate(c *mgmtapi.Call) *mgmtapi.Reply {
	if t := attributeTemplate(); t["id"] == c.Path("id") {
		return mgmtapi.OK(t)
	}
	return mgmtapi.NotFound("User attribute profile template not found.", "")
}

func createSSOTicket(c *mgmtapi.Call) *mgmtapi.Reply {
	if _, bad := selfServiceProfiles.Find(c); bad != nil {
		return bad
	}
	return mgmtapi.Created(map[string]any{"ticket": c.Issuer() + "self-service/connections-flow?ticket=" + store.RandomID(32)})
}

// textKey is where the texts of a profile are kept: with its document.
func textKey(c *mgmtapi.Call) string {
	return c.Path("id") + "\n" + c.Path("language") + "\n" + c.Path("page")
}

func readProfileText(c *mgmtapi.Call) *mgmtapi.Reply {
	if _, bad := selfServiceProfiles.Find(c); bad != nil {
		return bad
	}
	return mgmtapi.OK(store.OrEmpty(textsOf(c.T).profileTexts[textKey(c)]))
}

func setProfileText(c *mgmtapi.Call) *mgmtapi.Reply {
	if _, bad := selfServiceProfiles.Find(c); bad != nil {
		return bad
	}
	if textsOf(c.T).profileTexts == nil {
		textsOf(c.T).profileTexts = make(map[string]map[string]any)
	}
	textsOf(c.T).profileTexts[textKey(c)] = maps.Clone(c.Body)
	for _, k := range slices.Collect(maps.Keys(c.Body)) {
		if c.Body[k] == "" {
			delete(textsOf(c.T).profileTexts[textKey(c)], k)
		}
	}
	return mgmtapi.OK(c.Body)
}

// textState holds the texts of user attribute profiles' self-service pages.
type textState struct {
	profileTexts map[string]map[string]any
}

func textsOf(t *state.Tenant) *textState { return state.Part(t, state.Zero[textState]) }
