package platform

import (
	"maps"

	"github.com/auth0kit/auth0kit/management/auth0test/internal/mgmtapi"
	"github.com/auth0kit/auth0kit/management/auth0test/internal/schema"
	"github.com/auth0kit/auth0kit/management/auth0test/internal/state"
	"github.com/auth0kit/auth0kit/management/auth0test/internal/store"
)

var (
	eventStreams = mgmtapi.Document{
		Prefix: "est", Initial: map[string]any{"status": "enabled"}, Complete: completeEventStream,
	}.Resource(documents("/event-streams", "eventStreams", "The requested stream does not exist.", false))
	flows = mgmtapi.Document{
		Prefix: "af", Listed: []string{"id", "name", "created_at", "updated_at", "executed_at"},
	}.Resource(documents("/flows", "flows", "Flow not found", true))
	flowConnections = mgmtapi.Document{
		Prefix: "ac", Initial: map[string]any{"ready": false}, Complete: completeFlowConnection,
		Listed: []string{"id", "name", "app_id", "ready", "created_at", "updated_at", "fingerprint"},
	}.Resource(documents("/flows/vault/connections", "connections", "Connection not found", true))
	forms = mgmtapi.Document{
		Prefix: "ap", Initial: map[string]any{"ending": map[string]any{"resume_flow": true}},
		Listed: []string{"id", "name", "created_at", "updated_at", "embedded_at", "submitted_at"},
	}.Resource(documents("/forms", "forms", "Form not found", true))
	connectionProfiles = mgmtapi.Document{
		Prefix: "cop", Plain: true,
	}.Resource(documents("/connection-profiles", "connection_profiles", "Connection profile not found.", false))
	networkACLs         = acl.Resource(aclResource())
	selfServiceProfiles = mgmtapi.Document{
		Prefix: "ssp", Initial: map[string]any{"user_attributes": []any{}},
	}.Resource(documents("/self-service-profiles", "self_service_profiles", "Profile with ID: {id} not found", false))
	tokenExchangeProfiles = mgmtapi.Document{
		Prefix: "tep",
	}.Resource(documents("/token-exchange-profiles", "token_exchange_profiles", "Token exchange profile not found.", false))
	userAttributeProfiles = mgmtapi.Document{
		Prefix: "uap", Plain: true, Complete: completeAttributeProfile,
	}.Resource(documents("/user-attribute-profiles", "user_attribute_profiles", mgmtapi.NoAttributeProfile, false))
)

// documents is a family of documents of which the tenant makes no use.
func documents(path, key, missing string, strict bool) mgmtapi.Resource[*mgmtapi.Doc] {
	return mgmtapi.Resource[*mgmtapi.Doc]{
		Path: path, Missing: mgmtapi.Text{Message: missing}, Strict: strict,
		Page: mgmtapi.Envelope[*mgmtapi.Doc]{Key: key, Form: mgmtapi.Object, ID: func(d *mgmtapi.Doc) string { return d.ID }},
	}
}

var acl = mgmtapi.Document{Prefix: "acl"}

func aclResource() mgmtapi.Resource[*mgmtapi.Doc] {
	r := documents("/network-acls", "network_acls", "NetworkACL with this ID was not found", true)
	r.Page = mgmtapi.Envelope[*mgmtapi.Doc]{Key: "network_acls"}
	r.Remove = func(*mgmtapi.Call, *mgmtapi.Doc) *mgmtapi.Reply {
		return mgmtapi.OK(map[string]any{"code": 204, "object": ""})
	}
	r.Read = func(c *mgmtapi.Call, d *mgmtapi.Doc) map[string]any {
		m := acl.View(c, d)
		m["tenant_id"], m["deleted_at"] = c.T.Options.Domain, nil
		return m
	}
	return r
}

func FamilyRoutes() []mgmtapi.Route {
	const profile, text = "/self-service-profiles/{id}/sso-ticket", "/self-service-profiles/{id}/custom-text/{language}/{page}"
	routes := []mgmtapi.Route{
		{Method: "POST", Pattern: profile, Handle: mgmtapi.On(selfServiceProfiles.Find, createSSOTicket)},
		{Method: "POST", Pattern: "/self-service-profiles/{profileId}/sso-ticket/{id}/revoke", Handle: func(*mgmtapi.Call) *mgmtapi.Reply { return mgmtapi.Accepted(nil) }},
		{Method: "GET", Pattern: "/user-attribute-profiles/templates", Handle: mgmtapi.Telling(mgmtapi.Any, func(*mgmtapi.Call, *state.Tenant) any {
			return map[string]any{"user_attribute_profile_templates": []any{schema.Doc("attribute template")}}
		})},
		{Method: "GET", Pattern: "/user-attribute-profiles/templates/{id}", Handle: readAttributeTemplate},
	}
	routes = append(routes, mgmtapi.Routes(mgmtapi.Setting{
		Path: text, Echo: true,
		Refuse: func(c *mgmtapi.Call) *mgmtapi.Reply { _, bad := selfServiceProfiles.Find(c); return bad },
		Apply: func(_ *mgmtapi.Call, doc map[string]any) {
			maps.DeleteFunc(doc, func(_ string, v any) bool { return v == "" })
		},
	})...)
	for _, r := range []*mgmtapi.Resource[*mgmtapi.Doc]{connectionProfiles, eventStreams, flows, flowConnections, forms, networkACLs, selfServiceProfiles, tokenExchangeProfiles, userAttributeProfiles} {
		routes = append(routes, r.Routes()...)
	}
	return routes
}

// completeEventStream names the partner's end, and hides the secret of a webhook.
func completeEventStream(c *mgmtapi.Call, doc map[string]any) {
	destination := store.Document(doc).Sub("destination")
	configuration := destination.Sub("configuration")
	if destination["type"] == "eventbridge" && configuration["aws_partner_event_source"] == nil {
		configuration["aws_partner_event_source"] = "aws.partner/auth0.com/" + c.T.Options.Domain + "-" + store.NewUUID() + "/auth0.events"
	}
	for _, secret := range []string{"token", "password"} {
		delete(configuration.Sub("webhook_authorization"), secret)
	}
}

// completeFlowConnection keeps the setup to itself, and says that it changed.
func completeFlowConnection(_ *mgmtapi.Call, doc map[string]any) {
	delete(doc, "setup")
	doc["fingerprint"] = store.RandomHex(32)
}

func completeAttributeProfile(_ *mgmtapi.Call, doc map[string]any) {
	doc["user_id"] = store.MergedCopy(schema.Doc("attribute user_id"), store.Document(doc).Sub("user_id"))
}

func readAttributeTemplate(c *mgmtapi.Call) *mgmtapi.Reply {
	if t := schema.Doc("attribute template"); t["id"] == c.Path("id") {
		return mgmtapi.OK(t)
	}
	return mgmtapi.NotFound("User attribute profile template not found.", "")
}

func createSSOTicket(c *mgmtapi.Call, _ *mgmtapi.Doc) *mgmtapi.Reply {
	return mgmtapi.Created(map[string]any{"ticket": c.Issuer() + "self-service/connections-flow?ticket=" + store.RandomID(32)})
}
