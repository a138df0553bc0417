package state

import (
	"maps"
)

const (
	BruteForcePath = "/attack-protection/brute-force-protection"
	SuspiciousPath = "/attack-protection/suspicious-ip-throttling"
	BreachedPath   = "/attack-protection/breached-password-detection"
	CaptchaPath    = "/attack-protection/captcha"
)

func protectionSettings() settings {
	return settings{
		BruteForcePath: {
			"enabled": true, "shields": []any{"block", "user_notification"}, "mode": "count_per_identifier_and_ip",
			"allowlist": []any{}, "max_attempts": bruteForceAttempts,
		},
		SuspiciousPath: {
			"enabled": true, "shields": []any{"block", "admin_notification"}, "allowlist": []any{},
			"stage": map[string]any{
				"pre-login":                 map[string]any{"max_attempts": suspiciousAttempts, "rate": suspiciousRefill.Milliseconds()},
				"pre-user-registration":     map[string]any{"max_attempts": 50, "rate": 1200},
				"pre-custom-token-exchange": map[string]any{"max_attempts": 10, "rate": 600_000},
			},
		},
		BreachedPath: {
			"enabled": false, "shields": []any{}, "admin_notification_frequency": []any{}, "method": "standard",
			"stage": map[string]any{
				"pre-user-registration": map[string]any{"shields": []any{}}, "pre-change-password": map[string]any{"shields": []any{}},
			},
		},
		"/attack-protection/bot-detection": {
			"bot_detection_level": "medium", "challenge_password_policy": "never", "challenge_passwordless_policy": "never",
			"challenge_password_reset_policy": "never", "allowlist": []any{}, "monitoring_mode_enabled": false,
		},
		CaptchaPath: {"active_provider_id": "auth_challenge", "auth_challenge": map[string]any{"fail_open": false}, "simple_captcha": map[string]any{},
			"recaptcha_v2": map[string]any{"site_key": ""}, "recaptcha_enterprise": map[string]any{"site_key": "", "project_id": ""},
			"hcaptcha": map[string]any{"site_key": ""}, "friendly_captcha": map[string]any{"site_key": ""},
			"arkose": map[string]any{
				"site_key": "", "client_subdomain": "client-api", "verify_subdomain": "verify-api", "fail_open": false,
			}},
		"/attack-protection/phone-provider-protection": {"type": "none"},
		"/risk-assessments/settings":                   {"enabled": false},
		"/risk-assessments/settings/new-device":        {"remember_for": 30},
		"/supplemental-signals":                        {"akamai_enabled": false},
	}
}

// settings are documents of which a tenant has one each, by their path.
type settings map[string]map[string]any

// initialSettings are those of a new tenant.
func initialSettings() settings {
	all := protectionSettings()
	maps.Copy(all, tenantSettings())
	return all
}

const (
	TenantPath   = "/tenants/settings"
	BrandingPath = "/branding"
	PromptsPath  = "/prompts"
)

// tenantSettings are those of a new tenant. Like Auth0's they name few things:
// what was never set is not shown, and is as Auth0's documentation says.
func tenantSettings() settings {
	return settings{
		TenantPath: {
			"enabled_locales": []any{"en"}, "sandbox_version": "22", "universal_login": map[string]any{},
			"flags": map[string]any{
				"allow_changing_enable_sso": false, "disable_impersonation": true, "enable_sso": true, "universal_login": true,
				"revoke_refresh_token_grant": false, "disable_clickjack_protection_headers": false,
			},
		},
		BrandingPath: {},
		PromptsPath:  {"universal_login_experience": "new", "identifier_first": false, "webauthn_platform_first_factor": false},
	}
}

// IssParameter is the setting, and the metadata, of a tenant whose authorization
// responses name the issuer (RFC 9207).
const IssParameter = "authorization_response_iss_parameter_supported"

// TenantSetting is a setting of the tenant. The caller holds the mutex.
func (t *Tenant) TenantSetting(name string) any { return t.Settings[TenantPath][name] }

// TenantFlag is one of the flags of the tenant's settings.
func (t *Tenant) TenantFlag(name string) bool {
	flags, _ := t.TenantSetting("flags").(map[string]any)
	return flags[name] == true
}
