// Package effects is what a tenant does beside answering: what Actions may see
// and change.
package effects

import (
	"github.com/auth0kit/auth0kit/management/auth0test/internal/state"
	"github.com/auth0kit/auth0kit/management/auth0test/internal/store"
)

// ActionClaims is what Actions change in tokens.
type ActionClaims struct {
	ID, Access          map[string]any
	AddScope, DropScope []string
}

// Verdict is what post-login Actions said.
type Verdict struct {
	Claims  ActionClaims
	MFA     bool   // Ask for a second factor.
	Refused bool   // The login is refused.
	Reason  string // Why.
}

// NewVerdict returns the verdict before any Action ran.
func NewVerdict() *Verdict {
	return &Verdict{Claims: ActionClaims{ID: map[string]any{}, Access: map[string]any{}}}
}

// ActionAPI is the api object of a post-login Action.
func ActionAPI(t *state.Tenant, userID string, v *Verdict) map[string]any {
	metadata := func(app bool) func(string, any) {
		return func(name string, value any) { setMetadata(t, userID, app, name, value) }
	}
	mfa := func() { v.MFA = true }
	return map[string]any{
		"access": map[string]any{"deny": func(reason string) { v.Refused, v.Reason = true, reason }},
		"accessToken": map[string]any{
			"setCustomClaim": func(name string, value any) { v.Claims.Access[name] = value },
			"addScope":       func(s string) { v.Claims.AddScope = append(v.Claims.AddScope, s) },
			"removeScope":    func(s string) { v.Claims.DropScope = append(v.Claims.DropScope, s) },
		},
		"idToken":     map[string]any{"setCustomClaim": func(name string, value any) { v.Claims.ID[name] = value }},
		"multifactor": map[string]any{"enable": func(provider string, options any) { mfa() }},
		"authentication": map[string]any{
			"challengeWith":    func(factor any, options any) { mfa() },
			"challengeWithAny": func(factors any) { mfa() },
		},
		"user": map[string]any{"setAppMetadata": metadata(true), "setUserMetadata": metadata(false)},
	}
}

// setMetadata changes one key of a user's metadata, as an Action may.
func setMetadata(t *state.Tenant, userID string, app bool, name string, value any) {
	now := t.Lock()
	defer t.Unlock()
	u := t.Users.Get(userID)
	if u == nil {
		return
	}
	m := &u.UserMetadata
	if app {
		m = &u.AppMetadata
	}
	next := store.Clone(*m) // Readers may hold the old map.
	if next == nil {
		next = map[string]any{}
	}
	if next[name] = value; value == nil {
		delete(next, name)
	}
	*m, u.UpdatedAt = next, now
}
