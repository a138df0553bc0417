package auth0test

import (
	"maps"
	"slices"
)

// factorSettings are what a factor is set up with, by the path, which is below
// /guardian/factors unless it begins with a slash: what is returned at first, and
// what is kept secret.
var factorSettings = map[string]struct {
	initial map[string]any
	secret  []string
	patch   bool // There is a PATCH beside the PUT.
	silent  bool // There is no GET, and nothing is returned.
}{
	"duo/settings":                        {initial: map[string]any{}, patch: true},
	"phone/message-types":                 {initial: map[string]any{"message_types": []any{}}},
	"phone/selected-provider":             {initial: map[string]any{"provider": "auth0"}},
	"phone/providers/twilio":              {initial: twilioSettings},
	"phone/templates":                     {initial: messageTemplates},
	"push-notification/providers/apns":    {initial: map[string]any{"sandbox": false, "enabled": false, "bundle_id": ""}, secret: []string{"p12"}, patch: true},
	"push-notification/providers/fcm":     {patch: true, silent: true},
	"push-notification/providers/fcmv1":   {patch: true, silent: true},
	"push-notification/providers/sns":     {initial: map[string]any{}, secret: []string{"aws_secret_access_key"}, patch: true},
	"push-notification/selected-provider": {initial: map[string]any{"provider": "guardian"}},
	"sms/providers/twilio":                {initial: twilioSettings},
	"sms/selected-provider":               {initial: map[string]any{"provider": "auth0"}},
	"sms/templates":                       {initial: messageTemplates},
	"/prompts/mfa-push":                   {initial: map[string]any{}, patch: true},
	"webauthn-platform/settings":          {initial: map[string]any{"overrideRelyingParty": false}},
	"webauthn-roaming/settings":           {initial: map[string]any{"overrideRelyingParty": false, "userVerification": "preferred"}},
}

var (
	twilioSettings   = map[string]any{"auth_token": nil, "sid": nil, "from": nil, "messaging_service_sid": nil}
	messageTemplates = map[string]any{
		"enrollment_message":   "{{code}} is your verification code for {{tenant.friendly_name}}. Please enter this code to verify your enrollment.",
		"verification_message": "{{code}} is your verification code for {{tenant.friendly_name}}",
	}
)

func factorSettingsRoutes() []route {
	var routes []route
	for _, name := range slices.Sorted(maps.Keys(factorSettings)) {
		s, path, scope := factorSettings[name], "/guardian/factors/"+name, "guardian_factors"
		if name[0] == '/' {
			path, scope = name, "prompts"
		}
		routes = append(routes, route{method: "PUT", pattern: path, scopes: []string{"update:" + scope}, handle: setFactorSettings(name)})
		if s.patch {
			routes = append(routes, route{method: "PATCH", pattern: path, scopes: []string{"update:" + scope}, handle: setFactorSettings(name)})
		}
		if !s.silent {
			routes = append(routes, route{method: "GET", pattern: path, scopes: []string{"read:" + scope}, handle: readFactorSettings(name)})
		}
	}
	return routes
}

// readFactorSettings shows what was set over what there is at first.
func readFactorSettings(name string) func(*call) *reply {
	s := factorSettings[name]
	return func(c *call) *reply {
		doc := clone(s.initial)
		maps.Copy(doc, c.t.guardian.settings[name])
		for _, k := range s.secret {
			delete(doc, k)
		}
		return ok(doc)
	}
}

// setFactorSettings answers what the request said, without files of keys.
func setFactorSettings(name string) func(*call) *reply {
	return func(c *call) *reply {
		next := clone(c.body)
		if c.r.Method == "PATCH" {
			next = clone(orEmpty(c.t.guardian.settings[name]))
			maps.Copy(next, c.body)
		}
		if _, has := next["p12"]; has {
			next["enabled"] = true
		}
		if c.t.guardian.settings == nil {
			c.t.guardian.settings = make(map[string]map[string]any)
		}
		c.t.guardian.settings[name] = next
		answer := clone(c.body)
		for _, k := range []string{"p12", "server_key", "server_credentials"} {
			delete(answer, k)
		}
		return ok(answer)
	}
}
