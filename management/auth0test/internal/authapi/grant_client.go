package authapi

import (
	"cmp"
	"net/http"
	"slices"
	"strings"

	"github.com/auth0kit/auth0kit/management/auth0test/internal/effects"
	"github.com/auth0kit/auth0kit/management/auth0test/internal/state"
	"github.com/auth0kit/auth0kit/management/auth0test/internal/store"
)

// machineGrant returns what an application may have of an API, and the
// organization that it asked for.
func machineGrant(t *state.Tenant, q *tokenRequest, api *state.APIView) (scopes []string, org *state.OrgView, bad *OAuthError) {
	g := t.Grants.Find(func(g *state.ClientGrant) bool {
		return g.ClientID == q.app.ID && g.Audience == api.Key && !g.ForUsers()
	})
	if g == nil || api.Machines == "deny_all" {
		return nil, nil, AccessDenied(`Client is not authorized to access "` + api.Audience + `". You need to create a "client-grant" associated to this API. See: https://auth0.com/docs/api/v2#!/Client_Grants/post_client_grants`)
	}
	usage, asked := store.Document(g.Doc).Text("organization_usage"), cmp.Or(q.Get("organization"), q.app.DefaultOrg)
	switch {
	case asked == "" && usage == "require":
		return nil, nil, InvalidRequest("An organization is required")
	case asked == "":
		return g.Scopes, nil, nil
	case usage == "" || usage == "deny":
		return nil, nil, InvalidRequest("organization is not allowed for this client-grant")
	}
	org = t.OrgNamed(asked)
	if org == nil || !store.Document(g.Doc).Flag("allow_any_organization") && !slices.Contains(t.Orgs.Get(org.ID).Grants, g.ID) {
		return nil, nil, AccessDenied("Client is not authorized to access the organization " + asked)
	}
	return g.Scopes, org, nil
}

// clientCredentials gives an application a token of its own, also for an
// organization that it was granted.
func clientCredentials(t *state.Tenant, q *tokenRequest) (*TokenSet, *OAuthError) {
	now := t.Lock()
	defer t.Unlock()
	if q.app.Public() {
		return nil, unauthorizedClient() // Nobody proved to be the application.
	}
	audience := cmp.Or(q.Get("audience"), t.Auth.DefaultAudience)
	if audience == "" {
		return nil, AccessDenied("Non-global clients are not allowed access to APIv1")
	}
	api := t.APIView(audience, q.Issuer)
	if api == nil {
		return nil, AccessDenied("Service not found: " + audience)
	}
	granted, org, bad := machineGrant(t, q, api)
	if bad != nil {
		return nil, bad
	}
	scopes := granted
	if asked := strings.Fields(q.Get("scope")); len(asked) > 0 {
		if extra := store.Minus(asked, granted); len(extra) > 0 {
			return nil, AccessDenied("Client has not been granted scopes: " + strings.Join(extra, ", "))
		}
		scopes = asked
	}
	i := &Issuance{App: q.app, API: api, Org: org, Issuer: q.Issuer, gty: "client-credentials", Jkt: q.jkt}
	if bad := i.NeedsProof(); bad != nil {
		return nil, bad
	}
	t.Unlock()
	v, bad := runCredentialsExchange(t, q, i, scopes)
	t.Lock()
	if bad != nil {
		return nil, bad
	}
	i.Add = v.Claims
	set := &TokenSet{Scope: strings.Join(scopes, " "), Expires: Seconds(api.Lifetime), Type: "Bearer", secret: api.Secret}
	set.header, set.accessClaims = accessHeader(api), i.accessClaims(i.App.ID+"@clients", grant{scopes, scopes}, now)
	i.bind(set)
	f := i.LogFields(q.Origin)
	f.Scope = set.Scope
	t.Log("seccft", f)
	return set, nil
}

// runCredentialsExchange runs the Actions for an application's own token. Call it
// without the mutex.
func runCredentialsExchange(t *state.Tenant, q *tokenRequest, i *Issuance, scopes []string) (*effects.Verdict, *OAuthError) {
	v := effects.NewVerdict()
	a, err := runBound(t, "credentials-exchange", v, func() map[string]any {
		doc := baseEvent(t, i.App, q.Origin)
		doc["resource_server"], doc["accessToken"] = map[string]any{"identifier": i.API.Audience}, map[string]any{"customClaims": map[string]any{}}
		doc["transaction"] = map[string]any{"requested_scopes": store.AnyList(scopes)}
		if i.Org != nil {
			doc["organization"] = orgDoc(t, i.Org)
		}
		return doc
	}, effects.MachineAPI(v))
	if err != nil {
		return nil, actionFailed(t, i.LogFields(q.Origin), a, err)
	}
	if v.Refused {
		return nil, OAuthFail(map[bool]int{true: http.StatusInternalServerError, false: http.StatusBadRequest}[v.Code == "server_error"], v.Code, v.Reason)
	}
	return v, nil
}
