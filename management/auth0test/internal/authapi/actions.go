package authapi

import (
	"context"
	"errors"
	"maps"
	"time"

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
	return store.Render(t.RolesByID(t.RolesOf(u.ID, org)), func(r *state.Role) any { return r.Name })
}

// actionTimeout is how long all Actions of a login may take together.
const actionTimeout = 20 * time.Second

// runBound runs the Actions that are bound to a trigger until one refuses. They see
// doc, which is called with the mutex, and have actionTimeout together. With an error
// comes the Action that failed. Call it without the mutex.
func runBound(t *state.Tenant, trigger string, v *effects.Verdict, doc func() map[string]any, api map[string]any) (failed state.Action, err error) {
	t.Lock()
	st := t.Auth.Actions
	var bound []state.Action
	if st.Scripts != nil && st.Bound != nil {
		bound = st.Bound(trigger)
	}
	var event map[string]any
	if len(bound) > 0 {
		event = doc()
	}
	t.Unlock()
	ctx, cancel := context.WithTimeout(context.Background(), actionTimeout)
	defer cancel()
	for _, a := range bound {
		event["secrets"] = a.Secrets
		if err := st.Scripts.Run(ctx, a.Code, event, api); err != nil {
			return a, err
		}
		if v.Refused {
			break
		}
	}
	return state.Action{}, nil
}

// actionFailed logs an Action that failed; Auth0 then refuses the login without
// telling why.
func actionFailed(t *state.Tenant, f state.LogFields, a state.Action, err error) *OAuthError {
	t.Lock()
	defer t.Unlock()
	f.Description = "Action " + a.Name + " failed"
	f.Details = map[string]any{"action": map[string]any{"id": a.ID, "name": a.Name}, "error": map[string]any{"message": err.Error()}}
	t.Log("actions_execution_failed", f)
	if errors.Is(err, context.DeadlineExceeded) {
		return AccessDenied("Execution of the action timed out")
	}
	return AccessDenied("Unauthorized")
}

// baseEvent is what every event has.
func baseEvent(t *state.Tenant, app *state.App, from web.Origin) map[string]any {
	metadata := map[string]any{}
	if c := t.Clients.Get(app.ID); c != nil {
		metadata = copied(store.Document(c.Doc).Sub("client_metadata"))
	}
	return map[string]any{
		"tenant":  map[string]any{"id": "tenant"},
		"client":  map[string]any{"client_id": app.ID, "name": app.Name, "metadata": metadata},
		"request": map[string]any{"ip": from.IP, "user_agent": from.UserAgent, "hostname": from.Host, "query": map[string]any{}},
	}
}

func userDoc(u *state.User) map[string]any {
	doc := map[string]any{"app_metadata": copied(u.AppMetadata), "user_metadata": copied(u.UserMetadata)}
	for name, text := range u.Texts() {
		doc[name] = *text
	}
	return doc
}

func orgDoc(t *state.Tenant, org *state.OrgView) map[string]any {
	var metadata map[string]any
	if o := t.Orgs.Get(org.ID); o != nil {
		metadata = store.Document(o.Doc).Sub("metadata")
	}
	return map[string]any{"id": org.ID, "name": org.Name, "display_name": org.DisplayName, "metadata": copied(metadata)}
}

// copied is a copy that is not nil.
func copied(m map[string]any) map[string]any {
	out, _ := store.DeepCopy(store.OrEmpty(m)).(map[string]any)
	return out
}
