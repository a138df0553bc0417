package security

import (
	"net/http"
	"slices"
	"time"

	"github.com/auth0kit/auth0kit/management/auth0test/internal/mgmtapi"
	"github.com/auth0kit/auth0kit/management/auth0test/internal/state"
	"github.com/auth0kit/auth0kit/management/auth0test/internal/store"
)

func AttackProtectionRoutes() []mgmtapi.Route {
	const bot, phone = "/attack-protection/bot-detection", "/attack-protection/phone-provider-protection"
	const risk = "/risk-assessments/settings"
	routes := []mgmtapi.Route{
		{Method: "GET", Pattern: "/anomaly/blocks/ips/{id}", Handle: readIPBlock},
		{Method: "DELETE", Pattern: "/anomaly/blocks/ips/{id}", Handle: deleteIPBlock},
		{Method: "GET", Pattern: "/user-blocks", Handle: blocksByIdentifier},
		{Method: "DELETE", Pattern: "/user-blocks", Handle: unblockIdentifier},
		{Method: "GET", Pattern: "/user-blocks/{id}", Handle: mgmtapi.On(userOf("id"), blocksOfUser)},
		{Method: "DELETE", Pattern: "/user-blocks/{id}", Handle: mgmtapi.On(userOf("id"), unblockUser)},
		{Method: "POST", Pattern: "/users/{id}/risk-assessments/clear", Handle: func(*mgmtapi.Call) *mgmtapi.Reply { return mgmtapi.NoContent() }},
		{Method: "GET", Pattern: state.CaptchaPath, Handle: mgmtapi.ReadSettings(state.CaptchaPath, withoutCaptchaSecrets)},
		{Method: "PATCH", Pattern: state.CaptchaPath, Handle: mgmtapi.UpdateSettings(state.CaptchaPath, nil, withoutCaptchaSecrets)},
	}
	for path, apply := range map[string]func(*mgmtapi.Call, map[string]any){
		state.BruteForcePath: applyBruteForce, state.SuspiciousPath: applySuspicious, state.BreachedPath: applyBreached,
		bot: nil, phone: nil, risk: nil, risk + "/new-device": nil, "/supplemental-signals": nil,
	} {
		routes = append(routes,
			mgmtapi.Route{Method: "GET", Pattern: path, Handle: mgmtapi.ReadSettings(path, nil)},
			mgmtapi.Route{Method: "PATCH", Pattern: path, Handle: mgmtapi.UpdateSettings(path, apply, nil, "stage")})
	}
	return routes
}

// shielded reports whether a protection is on and blocks.
func shielded(doc map[string]any) bool {
	list, _ := doc["shields"].([]any)
	return doc["enabled"] == true && slices.Contains(list, "block")
}

// applyBruteForce lets logins be blocked so. A higher threshold lifts the blocks.
func applyBruteForce(c *mgmtapi.Call, doc map[string]any) {
	p := &c.T.Auth.Protect
	b := &p.BruteForce
	shields := store.StringsOf(doc["shields"])
	b.Enabled, b.Block, b.Notify = doc["enabled"] == true, slices.Contains(shields, "block"), slices.Contains(shields, "user_notification")
	b.ByIdentifier, b.Allow = doc["mode"] == "count_per_identifier", store.StringsOf(doc["allowlist"])
	if n, is := doc["max_attempts"].(float64); is {
		if int(n) > b.Attempts {
			clear(p.Blocked)
		}
		b.Attempts = int(n)
	}
}

func applySuspicious(c *mgmtapi.Call, doc map[string]any) {
	s := &c.T.Auth.Protect.Suspicious
	s.Enabled, s.Allow = shielded(doc), store.StringsOf(doc["allowlist"])
	stage, _ := doc["stage"].(map[string]any)
	read := func(name string, attempts *int, refill *time.Duration) {
		of, _ := stage[name].(map[string]any)
		if n, is := of["max_attempts"].(float64); is {
			*attempts = int(n)
		}
		if ms, is := of["rate"].(float64); is {
			*refill = time.Duration(ms) * time.Millisecond
		}
	}
	read("pre-login", &s.Attempts, &s.Refill)
	read("pre-user-registration", &s.SignUps, &s.SignUpRefill)
}

// applyBreached lets breached passwords be refused so, and forgets how often
// administrators are told when they are not.
func applyBreached(c *mgmtapi.Call, doc map[string]any) {
	b := &c.T.Auth.Protect.Breached
	stage, _ := doc["stage"].(map[string]any)
	of := func(name string) []string {
		m, _ := stage[name].(map[string]any)
		return store.StringsOf(m["shields"])
	}
	b.Enabled, b.Login = doc["enabled"] == true, store.StringsOf(doc["shields"])
	b.SignUp, b.Changing = of("pre-user-registration"), of("pre-change-password")
	if !slices.Contains(slices.Concat(b.Login, b.SignUp, b.Changing), "admin_notification") {
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

func deleteIPBlock(c *mgmtapi.Call) *mgmtapi.Reply {
	delete(c.T.Auth.Protect.Throttle, c.Path("id"))
	return mgmtapi.NoContent()
}

// blockedFor shows the blocks of identifiers that still hold.
func blockedFor(c *mgmtapi.Call, identifiers ...string) *mgmtapi.Reply {
	p := &c.T.Auth.Protect
	list := []any{}
	for _, k := range p.BlocksOf(identifiers) {
		if !c.Flag("consider_brute_force_enablement") || p.BruteForce.Enabled && p.BruteForce.Block {
			if c.Now.Sub(p.Blocked[k]) < state.BruteForceBlock {
				m := map[string]any{"identifier": k.Identifier}
				store.Put(m, "ip", k.IP)
				list = append(list, m)
			}
		}
	}
	return mgmtapi.OK(map[string]any{"blocked_for": list})
}

func blocksByIdentifier(c *mgmtapi.Call) *mgmtapi.Reply {
	return blockedFor(c, c.Query.Get("identifier"))
}

func unblockIdentifier(c *mgmtapi.Call) *mgmtapi.Reply {
	c.T.Auth.Protect.Unblock([]string{c.Query.Get("identifier")})
	return mgmtapi.NoContent()
}

func blocksOfUser(c *mgmtapi.Call, u *state.User) *mgmtapi.Reply {
	return blockedFor(c, u.Identifiers()...)
}

func unblockUser(c *mgmtapi.Call, u *state.User) *mgmtapi.Reply {
	c.T.Auth.Protect.Unblock(u.Identifiers())
	return mgmtapi.NoContent()
}
