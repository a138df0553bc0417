package authapi

import (
	"github.com/auth0kit/auth0kit/management/auth0test/internal/effects"
	"github.com/auth0kit/auth0kit/management/auth0test/internal/state"
	"github.com/auth0kit/auth0kit/management/auth0test/internal/store"
	"github.com/auth0kit/auth0kit/management/auth0test/internal/web"
)

// LoginEvent is what post-login Actions see.
type LoginEvent struct {
	Issuance
	From       web.Origin
	Connection string
	Protocol   string
	Prompt     []string
	AcrValues  []string
	State      string
	Redirect   string
	Audience   string // Before the API is resolved.
	Methods    []state.AuthMethod
}

func (l *directLogin) event() *LoginEvent {
	e := &LoginEvent{Issuance: l.Issuance, From: l.from, Connection: l.connection, Protocol: l.protocol}
	if l.refresh != nil {
		e.Protocol = "oauth2-refresh-token"
	}
	return e
}

// RunPostLogin runs the post-login Actions of a login. Call it without the mutex.
func RunPostLogin(t *state.Tenant, e *LoginEvent) (*effects.Verdict, *OAuthError) {
	v := effects.NewVerdict()
	a, err := runBound(t, "post-login", v, func() map[string]any { return eventDoc(t, e) }, effects.ActionAPI(t, e.User.ID, v))
	if err != nil {
		return nil, actionFailed(t, e.Issuance.LogFields(e.From), a, err)
	}
	if v.Refused {
		return nil, AccessDenied(v.Reason)
	}
	return v, nil
}

// eventDoc is the event of a post-login Action.
func eventDoc(t *state.Tenant, e *LoginEvent) map[string]any {
	u := e.User
	methods := []any{}
	for _, m := range e.Methods {
		d := map[string]any{"name": m.Name, "timestamp": store.Stamp(m.At)}
		if m.Type != "" {
			d["type"] = m.Type
		}
		methods = append(methods, d)
	}
	doc := map[string]any{
		"user": map[string]any{
			"user_id": u.ID, "email": u.Email, "email_verified": u.EmailVerified, "username": u.Username,
			"name": u.Name, "nickname": u.Nickname, "picture": u.Picture, "phone_number": u.Phone,
			"created_at": store.Stamp(u.CreatedAt), "updated_at": store.Stamp(u.UpdatedAt),
			"app_metadata": store.DeepCopy(store.OrEmpty(u.AppMetadata)), "user_metadata": store.DeepCopy(store.OrEmpty(u.UserMetadata)),
		},
		"client":         clientDoc(t, e.App),
		"connection":     map[string]any{"name": e.Connection, "strategy": "auth0", "metadata": map[string]any{}},
		"request":        requestDoc(e.From),
		"authentication": map[string]any{"methods": methods},
		"authorization":  map[string]any{"roles": roleNames(t, u, e.Org)},
		"stats":          map[string]any{"logins_count": u.LoginsCount},
		"tenant":         map[string]any{"id": "tenant"},
		"transaction": map[string]any{
			"protocol": e.Protocol, "requested_scopes": store.AnyList(e.Scopes), "acr_values": store.AnyList(e.AcrValues),
			"prompt": store.AnyList(e.Prompt), "state": e.State, "redirect_uri": e.Redirect,
		},
	}
	if e.Org != nil {
		doc["organization"] = map[string]any{"id": e.Org.ID, "name": e.Org.Name, "display_name": e.Org.DisplayName, "metadata": orgMetadata(t, e.Org)}
	}
	if e.API != nil {
		doc["resource_server"] = map[string]any{"identifier": e.API.Audience}
	}
	if e.Sid != "" {
		doc["session"] = map[string]any{"id": e.Sid}
	}
	return doc
}

// roleNames are the names of the roles that count for a login.
func roleNames(t *state.Tenant, u *state.UserView, org *state.OrgView) []any {
	out := []any{}
	for _, id := range t.RolesOf(u.ID, org) {
		if r := t.Roles.Get(id); r != nil {
			out = append(out, r.Name)
		}
	}
	return out
}
