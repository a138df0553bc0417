package state

// Paths of settings.
const (
	BruteForcePath = "/attack-protection/brute-force-protection"
	SuspiciousPath = "/attack-protection/suspicious-ip-throttling"
	BreachedPath   = "/attack-protection/breached-password-detection"
	CaptchaPath    = "/attack-protection/captcha"
	TenantPath     = "/tenants/settings"
	BrandingPath   = "/branding"
	PromptsPath    = "/prompts"
)

// settings are documents of which a tenant has one each, by their path. Like Auth0's
// they name few things: what was never set is not shown, and is as Auth0's
// documentation says.
type settings map[string]map[string]any

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
