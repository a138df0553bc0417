package platform

import (
	"strings"
	"time"

	"github.com/auth0kit/auth0kit/management/auth0test/internal/mgmtapi"
	"github.com/auth0kit/auth0kit/management/auth0test/internal/state"
	"github.com/auth0kit/auth0kit/management/auth0test/internal/store"
)

func SettingsRoutes() []mgmtapi.Route {
	return []mgmtapi.Route{
		{Method: "GET", Pattern: state.TenantPath, Handle: readTenantSettings},
		{Method: "PATCH", Pattern: state.TenantPath, Handle: mgmtapi.UpdateSettings(state.TenantPath, applyTenant, updatedTenantView, "flags")},
		{Method: "GET", Pattern: state.BrandingPath, Handle: mgmtapi.ReadSettings(state.BrandingPath, nil)},
		{Method: "PATCH", Pattern: state.BrandingPath, Handle: mgmtapi.UpdateSettings(state.BrandingPath, dropNulls, nil, "colors")},
		{Method: "GET", Pattern: state.PromptsPath, Handle: mgmtapi.ReadSettings(state.PromptsPath, nil)},
		{Method: "PATCH", Pattern: state.PromptsPath, Handle: mgmtapi.UpdateSettings(state.PromptsPath, dropNulls, nil)},
	}
}

func readTenantSettings(c *mgmtapi.Call) *mgmtapi.Reply {
	doc := c.SettingsView(state.TenantPath, tenantView)
	doc["sandbox_versions_available"] = []any{"22", "18"}
	store.Defaults(doc, map[string]any{
		"allowed_logout_urls": []any{}, "default_audience": "", "default_directory": "",
		"change_password": map[string]any{"enabled": false}, "guardian_mfa_page": map[string]any{"enabled": false},
		"session_lifetime": c.T.Auth.Sessions.Lifetime.Hours(), "idle_session_lifetime": c.T.Auth.Sessions.Idle.Hours(),
		"ephemeral_session_lifetime": 72, "idle_ephemeral_session_lifetime": 24, "session_cookie": map[string]any{"mode": "persistent"},
		"sessions":                          map[string]any{"oidc_logout_prompt_enabled": true},
		"oidc_logout":                       map[string]any{"rp_logout_end_session_endpoint_discovery": true},
		"customize_mfa_in_postlogin_action": false, "allow_organization_name_in_authentication_api": false,
		"pushed_authorization_requests_supported": false, "phone_consolidated_experience": false,
		"dynamic_client_registration_security_mode": "permissive",
		"resource_parameter_profile":                "audience", "client_id_metadata_document_supported": false,
	})
	return mgmtapi.OK(c.Fields(doc))
}

// tenantView shows what the tenant does now: it may have been told otherwise.
func tenantView(c *mgmtapi.Call, doc map[string]any) {
	store.Put(doc, "default_audience", c.T.Auth.DefaultAudience)
	if c.T.Auth.OrgNames {
		doc["allow_organization_name_in_authentication_api"] = true
	}
}

// updatedTenantView is the answer to a change, which shows two flags more and
// what the login page is like.
func updatedTenantView(c *mgmtapi.Call, doc map[string]any) {
	tenantView(c, doc)
	login, _ := doc["universal_login"].(map[string]any)
	doc["universal_login"] = store.MergedCopy(login, map[string]any{"is_custom_theme_set": themesOf(c.T).Len() > 0})
	flags, _ := doc["flags"].(map[string]any)
	doc["flags"] = store.MergedCopy(map[string]any{
		"cannot_change_enforce_client_authentication_on_passwordless_start": true,
		"enforce_client_authentication_on_passwordless_start":               true,
	}, flags)
}

// dropNulls removes what a request set to null.
func dropNulls(_ *mgmtapi.Call, doc map[string]any) {
	for k, v := range doc {
		if v == nil {
			delete(doc, k)
		}
	}
}

// applyTenant takes times in minutes for hours, and lets logins go so.
func applyTenant(c *mgmtapi.Call, doc map[string]any) {
	for k, v := range doc {
		if name, found := strings.CutSuffix(k, "_in_minutes"); found {
			minutes, _ := v.(float64)
			doc[name] = minutes / 60
			delete(doc, k)
		}
	}
	dropNulls(c, doc)
	st := &c.T.Auth
	if c.Has("default_audience") {
		st.DefaultAudience = c.Str("default_audience")
		delete(doc, "default_audience")
	}
	if c.Has("allow_organization_name_in_authentication_api") {
		st.OrgNames = c.Yes("allow_organization_name_in_authentication_api")
	}
	for name, lifetime := range map[string]*time.Duration{"session_lifetime": &st.Sessions.Lifetime, "idle_session_lifetime": &st.Sessions.Idle} {
		if hours, is := doc[name].(float64); is && hours > 0 {
			*lifetime = time.Duration(hours * float64(time.Hour))
		}
	}
}
