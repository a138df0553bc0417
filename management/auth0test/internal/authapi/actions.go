package authapi

import (
	"maps"

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
	methods := store.Render(e.Methods, func(m state.AuthMethod) any {
		d := map[string]any{"name": m.Name, "timestamp": store.Stamp(m.At)}
		store.Put(d, "type", m.Type)
		return d
	})
	user := userDoc(e.User)
	maps.Copy(user, map[string]any{
		"user_id": e.User.ID, "email_verified": e.User.EmailVerified, "created_at": store.Stamp(e.User.CreatedAt), "updated_at": store.Stamp(e.User.UpdatedAt),
	})
	doc := baseEvent(t, e.App, e.From)
	maps.Copy(doc, map[string]any{
		"user":           user,
		"connection":     map[string]any{"name": e.Connection, "strategy": "auth0", "metadata": map[string]any{}},
		"authentication": map[string]any{"methods": methods},
		"authorization":  map[string]any{"roles": roleNames(t, e.User, e.Org)},
		"stats":          map[string]any{"logins_count": e.User.LoginsCount},
		"transaction": map[string]any{
			"protocol": e.Protocol, "requested_scopes": store.AnyList(e.Scopes), "acr_values": store.AnyList(e.AcrValues),
			"prompt": store.AnyList(e.Prompt), "state": e.State, "redirect_uri": e.Redirect,
		},
	})
	if e.Org != nil {
		doc["organization"] = orgDoc(t, e.Org)
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
func roleNames(t *state.Tenant, u *state.User, org *state.OrgView) []any {
	out := []any{}
	for _, id := range t.RolesOf(u.ID, org) {
		if r := t.Roles.Get(id); r != nil {
			out = append(out, r.Name)
		}
	}
	return out
}
