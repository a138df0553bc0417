package auth0test

import (
	"net/http"
	"slices"
	"time"
)

const (
	bruteForcePath = "/attack-protection/brute-force-protection"
	suspiciousPath = "/attack-protection/suspicious-ip-throttling"
	breachedPath   = "/attack-protection/breached-password-detection"
	captchaPath    = "/attack-protection/captcha"
)

func attackProtectionRoutes() []route {
	const bot, phone = "/attack-protection/bot-detection", "/attack-protection/phone-provider-protection"
	const risk = "/risk-assessments/settings"
	routes := []route{
		{method: "GET", pattern: "/anomaly/blocks/ips/{id}", handle: readIPBlock},
		{method: "DELETE", pattern: "/anomaly/blocks/ips/{id}", handle: deleteIPBlock},
		{method: "GET", pattern: "/user-blocks", handle: blocksByIdentifier},
		{method: "DELETE", pattern: "/user-blocks", handle: unblockIdentifier},
		{method: "GET", pattern: "/user-blocks/{id}", handle: blocksOfUser},
		{method: "DELETE", pattern: "/user-blocks/{id}", handle: unblockUser},
		{method: "POST", pattern: "/users/{id}/risk-assessments/clear", handle: func(*call) *reply { return noContent() }},
		{method: "GET", pattern: captchaPath, handle: readSettings(captchaPath, withoutCaptchaSecrets)},
		{method: "PATCH", pattern: captchaPath, handle: updateSettings(captchaPath, nil, withoutCaptchaSecrets)},
	}
	for path, apply := range map[string]func(*call, map[string]any){
		bruteForcePath: applyBruteForce, suspiciousPath: applySuspicious, breachedPath: applyBreached,
		bot: nil, phone: nil, risk: nil, risk + "/new-device": nil,
	} {
		routes = append(routes,
			route{method: "GET", pattern: path, handle: readSettings(path, nil)},
			route{method: "PATCH", pattern: path, handle: updateSettings(path, apply, nil, "stage")})
	}
	return routes
}

func protectionSettings() settings {
	return settings{
		bruteForcePath: {
			"enabled": true, "shields": []any{"block", "user_notification"}, "mode": "count_per_identifier_and_ip",
			"allowlist": []any{}, "max_attempts": bruteForceAttempts,
		},
		suspiciousPath: {
			"enabled": true, "shields": []any{"block", "admin_notification"}, "allowlist": []any{},
			"stage": map[string]any{
				"pre-login":                 map[string]any{"max_attempts": suspiciousAttempts, "rate": suspiciousRefill.Milliseconds()},
				"pre-user-registration":     map[string]any{"max_attempts": 50, "rate": 1200},
				"pre-custom-token-exchange": map[string]any{"max_attempts": 10, "rate": 600_000},
			},
		},
		breachedPath: {
			"enabled": false, "shields": []any{}, "admin_notification_frequency": []any{}, "method": "standard",
			"stage": map[string]any{
				"pre-user-registration": map[string]any{"shields": []any{}}, "pre-change-password": map[string]any{"shields": []any{}},
			},
		},
		"/attack-protection/bot-detection": {
			"bot_detection_level": "medium", "challenge_password_policy": "never", "challenge_passwordless_policy": "never",
			"challenge_password_reset_policy": "never", "allowlist": []any{}, "monitoring_mode_enabled": false,
		},
		captchaPath: {"active_provider_id": "auth_challenge", "auth_challenge": map[string]any{"fail_open": false}, "simple_captcha": map[string]any{}},
		"/attack-protection/phone-provider-protection": {"type": "none"},
		"/risk-assessments/settings":                   {"enabled": false},
		"/risk-assessments/settings/new-device":        {"remember_for": 30},
	}
}

// shielded reports whether a protection is on and blocks.
func shielded(doc map[string]any) bool {
	list, _ := doc["shields"].([]any)
	return doc["enabled"] == true && slices.Contains(list, "block")
}

// applyBruteForce lets logins be blocked so. A higher threshold lifts the blocks.
func applyBruteForce(c *call, doc map[string]any) {
	p := &c.t.authState.protect
	b := &p.bruteForce
	shields := stringsOf(doc["shields"])
	b.enabled, b.block, b.notify = doc["enabled"] == true, slices.Contains(shields, "block"), slices.Contains(shields, "user_notification")
	b.byIdentifier, b.allow = doc["mode"] == "count_per_identifier", stringsOf(doc["allowlist"])
	if n, is := doc["max_attempts"].(float64); is {
		if int(n) > b.attempts {
			clear(p.blocked)
		}
		b.attempts = int(n)
	}
}

func applySuspicious(c *call, doc map[string]any) {
	s := &c.t.authState.protect.suspicious
	s.enabled, s.allow = shielded(doc), stringsOf(doc["allowlist"])
	stage, _ := doc["stage"].(map[string]any)
	login, _ := stage["pre-login"].(map[string]any)
	if n, is := login["max_attempts"].(float64); is {
		s.attempts = int(n)
	}
	if ms, is := login["rate"].(float64); is {
		s.refill = time.Duration(ms) * time.Millisecond
	}
}

// applyBreached lets breached passwords be refused so, and forgets how often
// administrators are told when they are not.
func applyBreached(c *call, doc map[string]any) {
	b := &c.t.authState.protect.breached
	stage, _ := doc["stage"].(map[string]any)
	of := func(name string) []string {
		m, _ := stage[name].(map[string]any)
		return stringsOf(m["shields"])
	}
	b.enabled, b.login = doc["enabled"] == true, stringsOf(doc["shields"])
	b.signUp, b.changing = of("pre-user-registration"), of("pre-change-password")
	if !slices.Contains(slices.Concat(b.login, b.signUp, b.changing), "admin_notification") {
		doc["admin_notification_frequency"] = []any{}
	}
}

func withoutCaptchaSecrets(_ *call, doc map[string]any) {
	for provider, v := range doc {
		if m, is := v.(map[string]any); is {
			m = clone(m)
			delete(m, "secret")
			delete(m, "api_key")
			doc[provider] = m
		}
	}
}

func readIPBlock(c *call) *reply {
	if !c.t.authState.protect.isSuspicious(c.path("id"), c.now) {
		return notFound("Not Found", "")
	}
	return &reply{status: http.StatusOK}
}

func deleteIPBlock(c *call) *reply {
	delete(c.t.authState.protect.throttle, c.path("id"))
	return noContent()
}

// blockedFor shows the blocks of identifiers that still hold.
func (c *call) blockedFor(identifiers ...string) *reply {
	p := &c.t.authState.protect
	list := []any{}
	for _, k := range p.blocksOf(identifiers) {
		if !c.flag("consider_brute_force_enablement") || p.bruteForce.enabled && p.bruteForce.block {
			if c.now.Sub(p.blocked[k]) < bruteForceBlock {
				m := map[string]any{"identifier": k.identifier}
				put(m, "ip", k.ip)
				list = append(list, m)
			}
		}
	}
	return ok(map[string]any{"blocked_for": list})
}

func (u *user) identifiers() []string {
	return slices.DeleteFunc([]string{u.email, u.username, u.phone}, func(s string) bool { return s == "" })
}

func blocksByIdentifier(c *call) *reply { return c.blockedFor(c.query.Get("identifier")) }

func unblockIdentifier(c *call) *reply {
	c.t.authState.protect.unblock([]string{c.query.Get("identifier")})
	return noContent()
}

func blocksOfUser(c *call) *reply {
	u, bad := c.userOf("id")
	if bad != nil {
		return bad
	}
	return c.blockedFor(u.identifiers()...)
}

func unblockUser(c *call) *reply {
	u, bad := c.userOf("id")
	if bad != nil {
		return bad
	}
	c.t.authState.protect.unblock(u.identifiers())
	return noContent()
}
