package security

import (
	"net/http"
	"slices"

	"github.com/auth0kit/auth0kit/management/auth0test/internal/mgmtapi"
	"github.com/auth0kit/auth0kit/management/auth0test/internal/state"
	"github.com/auth0kit/auth0kit/management/auth0test/internal/store"
)

func AttackProtectionRoutes() []mgmtapi.Route {
	return append(mgmtapi.Routes(
		mgmtapi.Setting{Path: state.CaptchaPath, View: withoutCaptchaSecrets},
		mgmtapi.Setting{Path: state.BruteForcePath, Apply: applyBruteForce},
		mgmtapi.Setting{Path: state.SuspiciousPath, Merged: []string{"stage"}},
		mgmtapi.Setting{Path: state.BreachedPath, Apply: applyBreached, Merged: []string{"stage"}},
		mgmtapi.Setting{Path: "/attack-protection/bot-detection"},
		mgmtapi.Setting{Path: "/attack-protection/phone-provider-protection"},
		mgmtapi.Setting{Path: "/risk-assessments/settings"},
		mgmtapi.Setting{Path: "/risk-assessments/settings/new-device"},
		mgmtapi.Setting{Path: "/supplemental-signals"},
	), []mgmtapi.Route{
		{Method: "GET", Pattern: "/anomaly/blocks/ips/{id}", Handle: readIPBlock},
		{Method: "DELETE", Pattern: "/anomaly/blocks/ips/{id}", Handle: mgmtapi.Doing(mgmtapi.Any, func(c *mgmtapi.Call, t *state.Tenant) { delete(t.Auth.Protect.Throttle, c.Path("id")) })},
		{Method: "GET", Pattern: "/user-blocks", Handle: mgmtapi.On(identifier, blockedFor)},
		{Method: "DELETE", Pattern: "/user-blocks", Handle: mgmtapi.Doing(identifier, unblock)},
		{Method: "GET", Pattern: "/user-blocks/{id}", Handle: mgmtapi.On(identifiers, blockedFor)},
		{Method: "DELETE", Pattern: "/user-blocks/{id}", Handle: mgmtapi.Doing(identifiers, unblock)},
		{Method: "POST", Pattern: "/users/{id}/risk-assessments/clear", Handle: mgmtapi.Doing(mgmtapi.Any, func(*mgmtapi.Call, *state.Tenant) {})},
	}...)
}

// applyBruteForce lifts the blocks with a higher threshold.
func applyBruteForce(c *mgmtapi.Call, doc map[string]any) {
	if c.Num("max_attempts") > store.Document(c.T.Settings[state.BruteForcePath]).Number("max_attempts") {
		clear(c.T.Auth.Protect.Blocked)
	}
}

// applyBreached forgets how often administrators are told when they are not.
func applyBreached(_ *mgmtapi.Call, doc map[string]any) {
	d := store.Document(doc)
	shields := d.Texts("shields")
	for _, stage := range []string{"pre-user-registration", "pre-change-password"} {
		shields = append(shields, d.Sub("stage").Sub(stage).Texts("shields")...)
	}
	if !slices.Contains(shields, "admin_notification") {
		doc["admin_notification_frequency"] = []any{}
	}
}

func withoutCaptchaSecrets(_ *mgmtapi.Call, doc map[string]any) {
	for provider, v := range doc {
		if m, is := v.(map[string]any); is {
			m = store.Clone(m)
			delete(m, "secret")
			delete(m, "api_key")
			doc[provider] = m
		}
	}
}

func readIPBlock(c *mgmtapi.Call) *mgmtapi.Reply {
	if !c.T.Auth.Protect.IsSuspicious(c.Path("id"), c.Now) {
		return mgmtapi.NotFound("Not Found", "")
	}
	return &mgmtapi.Reply{Status: http.StatusOK}
}

// identifier is that of the query.
func identifier(c *mgmtapi.Call) ([]string, *mgmtapi.Reply) {
	return []string{c.Query.Get("identifier")}, nil
}

// identifiers are those of the user in the path.
func identifiers(c *mgmtapi.Call) ([]string, *mgmtapi.Reply) {
	u, bad := userOf("id")(c)
	if bad != nil {
		return nil, bad
	}
	return u.Identifiers(), nil
}

// blockedFor shows the blocks of identifiers that still hold.
func blockedFor(c *mgmtapi.Call, identifiers []string) *mgmtapi.Reply {
	p := &c.T.Auth.Protect
	list := []any{}
	for _, k := range p.BlocksOf(identifiers) {
		if !c.Flag("consider_brute_force_enablement") || p.Blocks() {
			if c.Now.Sub(p.Blocked[k]) < state.BruteForceBlock {
				m := map[string]any{"identifier": k.Identifier}
				store.Put(m, "ip", k.IP)
				list = append(list, m)
			}
		}
	}
	return mgmtapi.OK(map[string]any{"blocked_for": list})
}

func unblock(c *mgmtapi.Call, identifiers []string) { c.T.Auth.Protect.Unblock(identifiers) }
