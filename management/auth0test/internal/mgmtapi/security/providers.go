package security

import (
	"github.com/auth0kit/auth0kit/management/auth0test/internal/mgmtapi"
)

// FactorSettingsRoutes are what factors are set up with. A change answers what the
// request said, without files of keys.
func FactorSettingsRoutes() []mgmtapi.Route {
	const below = "/guardian/factors/"
	all := []mgmtapi.Setting{
		{Path: "/prompts/mfa-push", Echo: true},
		{Path: below + "push-notification/providers/apns", Echo: true, Secret: []string{"p12"}, Apply: func(_ *mgmtapi.Call, doc map[string]any) {
			if _, has := doc["p12"]; has {
				doc["enabled"] = true
			}
		}},
		{Path: below + "push-notification/providers/fcm", Echo: true, Secret: []string{"server_key"}},
		{Path: below + "push-notification/providers/fcmv1", Echo: true, Secret: []string{"server_credentials"}},
		{Path: below + "push-notification/providers/sns", Echo: true, View: func(_ *mgmtapi.Call, doc map[string]any) { delete(doc, "aws_secret_access_key") }},
	}
	for _, name := range []string{
		"duo/settings", "phone/message-types", "phone/selected-provider", "phone/providers/twilio", "phone/templates",
		"push-notification/selected-provider", "sms/providers/twilio", "sms/selected-provider", "sms/templates",
		"webauthn-platform/settings", "webauthn-roaming/settings",
	} {
		all = append(all, mgmtapi.Setting{Path: below + name, Echo: true})
	}
	return mgmtapi.Routes(all...)
}
