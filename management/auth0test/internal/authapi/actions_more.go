package authapi

import (
	"net/http"

	"github.com/auth0kit/auth0kit/management/auth0test/internal/effects"
	"github.com/auth0kit/auth0kit/management/auth0test/internal/state"
	"github.com/auth0kit/auth0kit/management/auth0test/internal/store"
	"github.com/auth0kit/auth0kit/management/auth0test/internal/web"
)

// runCredentialsExchange runs the Actions for an application's own token. Call it
// without the mutex.
func runCredentialsExchange(t *state.Tenant, q *tokenRequest, i *Issuance, scopes []string) (*effects.Verdict, *OAuthError) {
	v := effects.NewVerdict()
	a, err := runBound(t, "credentials-exchange", v, func() map[string]any {
		doc := map[string]any{
			"tenant": map[string]any{"id": "tenant"}, "client": clientDoc(t, i.App), "request": requestDoc(q.Origin),
			"resource_server": map[string]any{"identifier": i.API.Audience}, "accessToken": map[string]any{"customClaims": map[string]any{}},
			"transaction": map[string]any{"requested_scopes": store.AnyList(scopes)},
		}
		if i.Org != nil {
			doc["organization"] = map[string]any{"id": i.Org.ID, "name": i.Org.Name, "display_name": i.Org.DisplayName, "metadata": orgMetadata(t, i.Org)}
		}
		return doc
	}, effects.MachineAPI(v))
	f := q.logFields()
	f.ClientID, f.ClientName = i.App.ID, i.App.Name
	if err != nil {
		return nil, actionFailed(t, f, a, err)
	}
	if v.Refused {
		return nil, OAuthFail(map[bool]int{true: http.StatusInternalServerError, false: http.StatusBadRequest}[v.Code == "server_error"], v.Code, v.Reason)
	}
	return v, nil
}

// runPreRegistration runs the Actions for a user who is about to be made, and puts
// the metadata that they set into u. It gives up the mutex for the time.
func runPreRegistration(t *state.Tenant, q *Request, u *state.User, con *state.Connection) *SignupError {
	v := effects.NewVerdict()
	t.Unlock()
	a, err := runBound(t, "pre-user-registration", v, func() map[string]any {
		return map[string]any{
			"tenant": map[string]any{"id": "tenant"}, "client": clientDoc(t, t.App(q.Get("client_id"))), "request": requestDoc(q.Origin),
			"connection": map[string]any{"id": con.ID, "name": con.Name, "strategy": con.Strategy, "metadata": map[string]any{}},
			"user": map[string]any{
				"email": u.Email, "username": u.Username, "phone_number": u.Phone, "name": u.Name, "nickname": u.Nickname, "given_name": u.Given,
				"family_name": u.Family, "picture": u.Picture, "user_metadata": store.DeepCopy(store.OrEmpty(u.UserMetadata)),
				"app_metadata": map[string]any{},
			},
		}
	}, effects.RegistrationAPI(v, u))
	if err != nil {
		f := q.logFields()
		f.ClientID, f.Connection = q.Get("client_id"), con.Name
		_ = actionFailed(t, f, a, err)
		v.Refused, v.Reason = true, "Sandbox error"
	}
	t.Lock()
	if v.Refused {
		return &SignupError{Name: "InternalExtensibilityError", Code: "extensibility_error", Description: v.Reason, Friendly: v.Friendly, extension: true}
	}
	return nil
}

func clientDoc(t *state.Tenant, app *state.App) map[string]any {
	metadata := map[string]any{}
	if c := t.Clients.Get(app.ID); c != nil {
		metadata = copied(store.Document(c.Doc).Sub("client_metadata"))
	}
	return map[string]any{"client_id": app.ID, "name": app.Name, "metadata": metadata}
}

func orgMetadata(t *state.Tenant, org *state.OrgView) map[string]any {
	if o := t.Orgs.Get(org.ID); o != nil {
		return copied(store.Document(o.Doc).Sub("metadata"))
	}
	return map[string]any{}
}

// copied is a copy that is not nil.
func copied(m map[string]any) map[string]any {
	out, _ := store.DeepCopy(store.OrEmpty(m)).(map[string]any)
	return out
}

func requestDoc(from web.Origin) map[string]any {
	return map[string]any{"ip": from.IP, "user_agent": from.UserAgent, "hostname": from.Host, "query": map[string]any{}}
}
