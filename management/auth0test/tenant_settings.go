package auth0test

import (
	"strings"
	"time"
)

const (
	tenantPath   = "/tenants/settings"
	brandingPath = "/branding"
	promptsPath  = "/prompts"
)

func settingsRoutes() []route {
	return []route{
		{method: "GET", pattern: tenantPath, handle: readTenantSettings},
		{method: "PATCH", pattern: tenantPath, handle: updateSettings(tenantPath, applyTenant, updatedTenantView, "flags")},
		{method: "GET", pattern: brandingPath, handle: readSettings(brandingPath, nil)},
		{method: "PATCH", pattern: brandingPath, handle: updateSettings(brandingPath, dropNulls, nil, "colors")},
		{method: "GET", pattern: promptsPath, handle: readSettings(promptsPath, nil)},
		{method: "PATCH", pattern: promptsPath, handle: updateSettings(promptsPath, dropNulls, nil)},
	}
}

// tenantSettings are those of a new tenant. Like Auth0's they name few things:
// what was never set is not shown, and is as Auth0's documentation says.
func tenantSettings() settings {
	return settings{
		tenantPath: {
			"enabled_locales": []any{"en"}, "sandbox_version": "22", "universal_login": map[string]any{},
			"flags": map[string]any{
				"allow_changing_enable_sso": false, "disable_impersonation": true, "enable_sso": true, "universal_login": true,
				"revoke_refresh_token_grant": false, "disable_clickjack_protection_headers": false,
			},
		},
		brandingPath: {},
		promptsPath:  {"universal_login_experience": "new", "identifier_first": false, "webauthn_platform_first_factor": false},
	}
}

func readTenantSettings(c *call) *reply {
	doc := c.settingsView(tenantPath, tenantView)
	doc["sandbox_versions_available"] = []any{"22", "18"}
	defaults(doc, map[string]any{"resource_parameter_profile": "audience", "client_id_metadata_document_supported": false})
	return ok(c.fields(doc))
}

// tenantView shows what the tenant does now: it may have been told otherwise.
func tenantView(c *call, doc map[string]any) {
	put(doc, "default_audience", c.t.authState.defaultAudience)
	if c.t.authState.orgNames {
		doc["allow_organization_name_in_authentication_api"] = true
	}
}

// updatedTenantView is the answer to a change, which shows two flags more and
// what the login page is like.
func updatedTenantView(c *call, doc map[string]any) {
	tenantView(c, doc)
	login, _ := doc["universal_login"].(map[string]any)
	doc["universal_login"] = mergedCopy(login, map[string]any{"is_custom_theme_set": c.t.look.theme != nil})
	flags, _ := doc["flags"].(map[string]any)
	doc["flags"] = mergedCopy(map[string]any{
		"cannot_change_enforce_client_authentication_on_passwordless_start": true,
		"enforce_client_authentication_on_passwordless_start":               true,
	}, flags)
}

// tenantSetting is a setting of the tenant. The caller holds the mutex.
func (t *Tenant) tenantSetting(name string) any { return t.settings[tenantPath][name] }

// dropNulls removes what a request set to null.
func dropNulls(_ *call, doc map[string]any) {
	for k, v := range doc {
		if v == nil {
			delete(doc, k)
		}
	}
}

// applyTenant takes times in minutes for hours, and lets logins go so.
func applyTenant(c *call, doc map[string]any) {
	for k, v := range doc {
		if name, found := strings.CutSuffix(k, "_in_minutes"); found {
			minutes, _ := v.(float64)
			doc[name] = minutes / 60
			delete(doc, k)
		}
	}
	dropNulls(c, doc)
	st := &c.t.authState
	if c.has("default_audience") {
		st.defaultAudience = c.str("default_audience")
		delete(doc, "default_audience")
	}
	if c.has("allow_organization_name_in_authentication_api") {
		st.orgNames = c.yes("allow_organization_name_in_authentication_api")
	}
	for name, lifetime := range map[string]*time.Duration{"session_lifetime": &st.sessions.lifetime, "idle_session_lifetime": &st.sessions.idle} {
		if hours, is := doc[name].(float64); is && hours > 0 {
			*lifetime = time.Duration(hours * float64(time.Hour))
		}
	}
}
