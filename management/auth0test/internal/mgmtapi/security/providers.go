package security

import (
	"maps"
	"slices"

	"github.com/auth0kit/auth0kit/management/auth0test/internal/mgmtapi"
	"github.com/auth0kit/auth0kit/management/auth0test/internal/store"
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

func FactorSettingsRoutes() []mgmtapi.Route {
	var routes []mgmtapi.Route
	for _, name := range slices.Sorted(maps.Keys(factorSettings)) {
		s, path, scope := factorSettings[name], "/guardian/factors/"+name, "guardian_factors"
		if name[0] == '/' {
			path, scope = name, "prompts"
		}
		routes = append(routes, mgmtapi.Route{Method: "PUT", Pattern: path, Scopes: []string{"update:" + scope}, Handle: setFactorSettings(name)})
		if s.patch {
			routes = append(routes, mgmtapi.Route{Method: "PATCH", Pattern: path, Scopes: []string{"update:" + scope}, Handle: setFactorSettings(name)})
		}
		if !s.silent {
			routes = append(routes, mgmtapi.Route{Method: "GET", Pattern: path, Scopes: []string{"read:" + scope}, Handle: readFactorSettings(name)})
		}
	}
	return routes
}

// readFactorSettings shows what was set over what there is at first.
func readFactorSettings(name string) func(*mgmtapi.Call) *mgmtapi.Reply {
	s := factorSettings[name]
	return func(c *mgmtapi.Call) *mgmtapi.Reply {
		doc := store.Clone(s.initial)
		maps.Copy(doc, guardianOf(c.T).settings[name])
		for _, k := range s.secret {
			delete(doc, k)
		}
		return mgmtapi.OK(doc)
	}
}

// setFactorSettings answers what the request said, without files of keys.
func setFactorSettings(name string) func(*mgmtapi.Call) *mgmtapi.Reply {
	return func(c *mgmtapi.Call) *mgmtapi.Reply {
		next := store.Clone(c.Body)
		if c.R.Method == "PATCH" {
			next = store.Clone(store.OrEmpty(guardianOf(c.T).settings[name]))
			maps.Copy(next, c.Body)
		}
		if _, has := next["p12"]; has {
			next["enabled"] = true
		}
		if guardianOf(c.T).settings == nil {
			guardianOf(c.T).settings = make(map[string]map[string]any)
		}
		guardianOf(c.T).settings[name] = next
		answer := store.Clone(c.Body)
		for _, k := range []string{"p12", "server_key", "server_credentials"} {
			delete(answer, k)
		}
		return mgmtapi.OK(answer)
	}
}
