package auth0test

import (
	"context"
	"errors"
	"time"
)

// Scripts runs the JavaScript of Actions. Package auth0test/scripts has one.
//
// Run runs the code of an Action: it calls the function that the code exports
// for the trigger (onExecutePostLogin) with event, which is what Auth0 documents
// in maps, slices, strings, numbers and booleans, and api, whose objects are
// maps and whose methods are functions of Go. An error, or a promise that is
// rejected, fails the login. Run is called without locks and may use the tenant.
type Scripts interface {
	Run(ctx context.Context, code string, event, api any) error
}

// action is a deployed Action at its place in a trigger's flow.
type action struct {
	id, name, code string
	secrets        map[string]string
}

// actionState is who runs Actions, and which. The tenant's mutex guards it.
type actionState struct {
	scripts Scripts
	bound   func(trigger string) []action // Nil: no Action is bound.
}

// RunScripts makes the tenant run the Actions that are bound to its login flow.
// Without it a login skips them.
func (t *Tenant) RunScripts(s Scripts) {
	t.lock()
	defer t.mu.Unlock()
	t.authState.actions.scripts = s
}

// actionTimeout is how long all Actions of a login may take together.
const actionTimeout = 20 * time.Second

// loginEvent is what post-login Actions see.
type loginEvent struct {
	issuance
	from       origin
	connection string
	protocol   string
	prompt     []string
	acrValues  []string
	state      string
	redirect   string
	audience   string // Before the API is resolved.
	methods    []authMethod
}

// verdict is what post-login Actions said.
type verdict struct {
	claims actionClaims
	mfa    bool   // Ask for a second factor.
	no     bool   // The login is refused.
	denied string // Why.
}

func (l *directLogin) event() *loginEvent {
	e := &loginEvent{issuance: l.issuance, from: l.from, connection: l.connection, protocol: l.protocol}
	if l.refresh != nil {
		e.protocol = "oauth2-refresh-token"
	}
	return e
}

// runPostLogin runs the post-login Actions of a login. Call it without the mutex.
func (t *Tenant) runPostLogin(e *loginEvent) (*verdict, *oauthError) {
	t.lock()
	st := t.authState.actions
	var bound []action
	if st.scripts != nil && st.bound != nil {
		bound = st.bound("post-login")
	}
	var doc map[string]any
	if len(bound) > 0 {
		doc = t.eventDoc(e)
	}
	t.mu.Unlock()
	v := &verdict{claims: actionClaims{id: map[string]any{}, access: map[string]any{}}}
	ctx, cancel := context.WithTimeout(context.Background(), actionTimeout)
	defer cancel()
	for _, a := range bound {
		doc["secrets"] = a.secrets
		if err := st.scripts.Run(ctx, a.code, doc, t.actionAPI(e, v)); err != nil {
			return nil, t.actionFailed(e, a, err)
		}
		if v.no {
			return nil, accessDenied(v.denied)
		}
	}
	return v, nil
}

// actionFailed logs an Action that failed; Auth0 then refuses the login without
// telling why.
func (t *Tenant) actionFailed(e *loginEvent, a action, err error) *oauthError {
	t.lock()
	defer t.mu.Unlock()
	f := e.issuance.logFields(e.from)
	f.Description = "Action " + a.name + " failed"
	f.Details = map[string]any{"action": map[string]any{"id": a.id, "name": a.name}, "error": map[string]any{"message": err.Error()}}
	t.log("actions_execution_failed", f)
	if errors.Is(err, context.DeadlineExceeded) {
		return accessDenied("Execution of the action timed out")
	}
	return accessDenied("Unauthorized")
}

// eventDoc is the event of a post-login Action.
func (t *Tenant) eventDoc(e *loginEvent) map[string]any {
	u := e.user
	methods := []any{}
	for _, m := range e.methods {
		d := map[string]any{"name": m.Name, "timestamp": stamp(m.At)}
		if m.Type != "" {
			d["type"] = m.Type
		}
		methods = append(methods, d)
	}
	doc := map[string]any{
		"user": map[string]any{
			"user_id": u.id, "email": u.email, "email_verified": u.emailVerified, "username": u.username,
			"name": u.name, "nickname": u.nickname, "picture": u.picture, "phone_number": u.phone,
			"created_at": stamp(u.createdAt), "updated_at": stamp(u.updatedAt),
			"app_metadata": deepCopy(orEmpty(u.appMetadata)), "user_metadata": deepCopy(orEmpty(u.userMetadata)),
		},
		"client":         map[string]any{"client_id": e.app.id, "name": e.app.name, "metadata": map[string]any{}},
		"connection":     map[string]any{"name": e.connection, "strategy": "auth0", "metadata": map[string]any{}},
		"request":        map[string]any{"ip": e.from.ip, "user_agent": e.from.userAgent, "hostname": e.from.host, "query": map[string]any{}},
		"authentication": map[string]any{"methods": methods},
		"authorization":  map[string]any{"roles": t.roleNames(u, e.org)},
		"stats":          map[string]any{"logins_count": u.loginsCount},
		"tenant":         map[string]any{"id": "tenant"},
		"transaction": map[string]any{
			"protocol": e.protocol, "requested_scopes": anyList(e.scopes), "acr_values": anyList(e.acrValues),
			"prompt": anyList(e.prompt), "state": e.state, "redirect_uri": e.redirect,
		},
	}
	if e.org != nil {
		doc["organization"] = map[string]any{"id": e.org.id, "name": e.org.name, "display_name": e.org.displayName, "metadata": map[string]any{}}
	}
	if e.api != nil {
		doc["resource_server"] = map[string]any{"identifier": e.api.audience}
	}
	if e.sid != "" {
		doc["session"] = map[string]any{"id": e.sid}
	}
	return doc
}

// actionAPI is the api object of a post-login Action.
func (t *Tenant) actionAPI(e *loginEvent, v *verdict) map[string]any {
	metadata := func(app bool) func(string, any) {
		return func(name string, value any) { t.setMetadata(e.user.id, app, name, value) }
	}
	mfa := func() { v.mfa = true }
	return map[string]any{
		"access": map[string]any{"deny": func(reason string) { v.no, v.denied = true, reason }},
		"accessToken": map[string]any{
			"setCustomClaim": func(name string, value any) { v.claims.access[name] = value },
			"addScope":       func(s string) { v.claims.addScope = append(v.claims.addScope, s) },
			"removeScope":    func(s string) { v.claims.dropScope = append(v.claims.dropScope, s) },
		},
		"idToken":     map[string]any{"setCustomClaim": func(name string, value any) { v.claims.id[name] = value }},
		"multifactor": map[string]any{"enable": func(provider string, options any) { mfa() }},
		"authentication": map[string]any{
			"challengeWith":    func(factor any, options any) { mfa() },
			"challengeWithAny": func(factors any) { mfa() },
		},
		"user": map[string]any{"setAppMetadata": metadata(true), "setUserMetadata": metadata(false)},
	}
}

// setMetadata changes one key of a user's metadata, as an Action may.
func (t *Tenant) setMetadata(userID string, app bool, name string, value any) {
	now := t.lock()
	defer t.mu.Unlock()
	u := t.users.get(userID)
	if u == nil {
		return
	}
	m := &u.userMetadata
	if app {
		m = &u.appMetadata
	}
	next := clone(*m) // Readers may hold the old map.
	if next == nil {
		next = map[string]any{}
	}
	if next[name] = value; value == nil {
		delete(next, name)
	}
	*m, u.updatedAt = next, now
}

// roleNames are the names of the roles that count for a login.
func (t *Tenant) roleNames(u *userView, org *orgView) []any {
	out := []any{}
	for _, id := range t.rolesOf(u.id, org) {
		if r := t.roles.get(id); r != nil {
			out = append(out, r.name)
		}
	}
	return out
}

func anyList(list []string) []any {
	out := make([]any, len(list))
	for i, s := range list {
		out[i] = s
	}
	return out
}

func orEmpty(m map[string]any) map[string]any {
	if m == nil {
		return map[string]any{}
	}
	return m
}
