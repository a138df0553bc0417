package security

import (
	"cmp"
	"net/http"
	"slices"
	"time"

	"github.com/auth0kit/auth0kit/management/auth0test/internal/mgmtapi"
	"github.com/auth0kit/auth0kit/management/auth0test/internal/state"
	"github.com/auth0kit/auth0kit/management/auth0test/internal/store"
)

func AttackProtectionRoutes() []mgmtapi.Route {
	return append(mgmtapi.Routes(
		mgmtapi.Setting{Path: state.CaptchaPath, View: withoutCaptchaSecrets},
		mgmtapi.Setting{Path: state.BruteForcePath, Apply: applyBruteForce},
		mgmtapi.Setting{Path: state.SuspiciousPath, Apply: applySuspicious, Merged: []string{"stage"}},
		mgmtapi.Setting{Path: state.BreachedPath, Apply: applyBreached, Merged: []string{"stage"}},
		mgmtapi.Setting{Path: "/attack-protection/bot-detection"},
		mgmtapi.Setting{Path: "/attack-protection/phone-provider-protection"},
		mgmtapi.Setting{Path: "/risk-assessments/settings"},
		mgmtapi.Setting{Path: "/risk-assessments/settings/new-device"},
		mgmtapi.Setting{Path: "/supplemental-signals"},
	), []mgmtapi.Route{
		{Method: "GET", Pattern: "/anomaly/blocks/ips/{id}", Handle: readIPBlock},
		{Method: "DELETE", Pattern: "/anomaly/blocks/ips/{id}", Handle: deleteIPBlock},
		{Method: "GET", Pattern: "/user-blocks", Handle: mgmtapi.On(identifier, blockedFor)},
		{Method: "DELETE", Pattern: "/user-blocks", Handle: mgmtapi.On(identifier, unblock)},
		{Method: "GET", Pattern: "/user-blocks/{id}", Handle: mgmtapi.On(identifiers, blockedFor)},
		{Method: "DELETE", Pattern: "/user-blocks/{id}", Handle: mgmtapi.On(identifiers, unblock)},
		{Method: "POST", Pattern: "/users/{id}/risk-assessments/clear", Handle: func(*mgmtapi.Call) *mgmtapi.Reply { return mgmtapi.NoContent() }},
	}...)
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
	stage := store.Document(doc).Sub("stage")
	read := func(name string, attempts *int, refill *time.Duration) {
		of := stage.Sub(name)
		*attempts = cmp.Or(int(of.Number("max_attempts")), *attempts)
		*refill = cmp.Or(time.Duration(of.Number("rate"))*time.Millisecond, *refill)
	}
	read("pre-login", &s.Attempts, &s.Refill)
	read("pre-user-registration", &s.SignUps, &s.SignUpRefill)
}

// applyBreached lets breached passwords be refused so, and forgets how often
// administrators are told when they are not.
func applyBreached(c *mgmtapi.Call, doc map[string]any) {
	b := &c.T.Auth.Protect.Breached
	of := func(name string) []string { return store.Document(doc).Sub("stage").Sub(name).Texts("shields") }
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

func unblock(c *mgmtapi.Call, identifiers []string) *mgmtapi.Reply {
	c.T.Auth.Protect.Unblock(identifiers)
	return mgmtapi.NoContent()
}
