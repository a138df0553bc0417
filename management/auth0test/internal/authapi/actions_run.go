package authapi

import (
	"context"
	"errors"
	"time"

	"github.com/auth0kit/auth0kit/management/auth0test/internal/effects"
	"github.com/auth0kit/auth0kit/management/auth0test/internal/state"
	"github.com/auth0kit/auth0kit/management/auth0test/internal/store"
	"github.com/auth0kit/auth0kit/management/auth0test/internal/web"
)

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
