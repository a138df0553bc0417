package tenancy_test

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/auth0kit/auth0kit/internal/authn"
	"github.com/auth0kit/auth0kit/internal/jose/josetest"
	"github.com/auth0kit/auth0kit/tenancy"
)

// changed is a good token with several claims changed.
func changed(i *josetest.Issuer, changes map[string]any) string {
	c := claims(i)
	for name, value := range changes {
		c = josetest.With(c, name, value)
	}
	return i.Token(josetest.Header("rs"), c)
}

// Auth0 writes all of the user's permissions into the token, whatever the
// application asked for (docs: enable role-based access control for APIs). An
// application that was granted reading must not delete (RFC 6749 section 3.3), and
// neither must an agent (RFC 8693 section 4.1).
func TestConsentIsEnforced(t *testing.T) {
	t.Parallel()
	i := josetest.NewIssuer()
	all := []string{"read:invoices", "delete:invoices"}
	act := map[string]any{"sub": "agt_bot"}
	for name, c := range map[string]struct {
		claims       map[string]any
		read, delete int
	}{
		"first party":               {map[string]any{}, 200, 200},
		"third party":               {map[string]any{"azp": "other", "scope": "openid read:invoices"}, 200, 403},
		"third party without scope": {map[string]any{"azp": "other", "scope": "openid"}, 403, 403},
		"third party, all granted":  {map[string]any{"azp": "other", "scope": "read:invoices delete:invoices"}, 200, 200},
		"scope without permission":  {map[string]any{"azp": "other", "scope": "purge:invoices read:invoices", "permissions": []string{}}, 403, 403},
		"no client":                 {map[string]any{"azp": nil, "scope": "read:invoices"}, 200, 403},
		"RFC 9068 profile":          {map[string]any{"azp": nil, "client_id": "client"}, 200, 200},
		"agent through ours":        {map[string]any{"act": act, "scope": "read:invoices"}, 200, 403},
		"agent for itself":          {map[string]any{"sub": "agt_bot", "scope": "read:invoices"}, 200, 403},
		"machine":                   {map[string]any{"sub": "m@clients", "azp": "m", "gty": "client-credentials", "scope": "read:invoices", "permissions": nil}, 200, 403},
		"machine of ours":           {map[string]any{"sub": "client@clients", "gty": "client-credentials", "scope": "read:invoices"}, 200, 200},
	} {
		d := newDirectory()
		d.permissions["rol_clerk"] = append(d.permissions["rol_clerk"], d.permissions["rol_clerk"][0])
		d.permissions["rol_clerk"][0].Name = "delete:invoices"
		for mode, cfg := range map[string]tenancy.GuardConfig{"claims": {}, "live": {Directory: d}} {
			if mode == "live" && name == "scope without permission" {
				continue // the roles have it
			}
			x := extractor(t, i, tenancy.FromToken, cfg)
			c.claims["permissions"] = firstNonNil(c.claims["permissions"], all)
			token := changed(i, c.claims)
			assert.Equal(t, c.read, ask(x.require(tenancy.AllOf("read:invoices"))(reached), token).StatusCode, "%s, %s: read", name, mode)
			assert.Equal(t, c.delete, ask(x.require(tenancy.AllOf("delete:invoices"))(reached), token).StatusCode, "%s, %s: delete", name, mode)
		}
	}
}

func firstNonNil(a any, b []string) any {
	if a != nil {
		return a
	}
	return b
}

func TestGrantedAndByClient(t *testing.T) {
	t.Parallel()
	i := josetest.NewIssuer()
	x := extractor(t, i, tenancy.FromToken, tenancy.GuardConfig{})
	for name, c := range map[string]struct {
		r      tenancy.Requirement
		status int
		part   string
	}{
		"granted":          {tenancy.Granted("openid", "profile"), 200, ""},
		"not granted":      {tenancy.Granted("openid", "read:invoices"), 403, `scope="read:invoices"`},
		"granted nothing":  {tenancy.Granted(""), 403, `error="insufficient_scope"`},
		"our client":       {tenancy.ByClient("other", "client"), 200, ""},
		"another client":   {tenancy.ByClient("other"), 403, "application"},
		"no client":        {tenancy.ByClient(""), 403, "application"},
		"any, not granted": {tenancy.AnyOf("none", "delete:invoices"), 403, "one of these"},
	} {
		resp := ask(x.require(c.r)(reached), token(i, "", nil))
		assert.Equal(t, c.status, resp.StatusCode, name)
		assert.Contains(t, resp.Header.Get("WWW-Authenticate"), c.part, name)
	}
	third := changed(i, map[string]any{"azp": "other", "scope": "openid"})
	wantStatus(t, ask(x.require(tenancy.AnyOf("read:invoices", "write:invoices"))(reached), third), 403, "granted none of", `scope="read:invoices write:invoices"`)
}

func TestStepUp(t *testing.T) {
	t.Parallel()
	i := josetest.NewIssuer()
	x := extractor(t, i, tenancy.FromToken, tenancy.GuardConfig{})
	at := func(ago time.Duration) int64 { return time.Now().Add(-ago).Unix() }
	for name, c := range map[string]struct {
		r      tenancy.Requirement
		claims map[string]any
		met    bool
	}{
		"fresh":          {tenancy.StepUp(5 * time.Minute), map[string]any{"auth_time": at(time.Minute)}, true},
		"old":            {tenancy.StepUp(5 * time.Minute), map[string]any{"auth_time": at(6 * time.Minute)}, false},
		"no time":        {tenancy.StepUp(5 * time.Minute), nil, false},
		"future":         {tenancy.StepUp(5 * time.Minute), map[string]any{"auth_time": at(-time.Hour)}, false},
		"acr":            {tenancy.StepUp(0, "urn:a", "urn:b"), map[string]any{"acr": "urn:b"}, true},
		"another acr":    {tenancy.StepUp(0, "urn:a"), map[string]any{"acr": "urn:b"}, false},
		"no acr":         {tenancy.StepUp(0, ""), nil, false},
		"acr, but old":   {tenancy.StepUp(time.Minute, "urn:a"), map[string]any{"acr": "urn:a", "auth_time": at(time.Hour)}, false},
		"asks nothing":   {tenancy.StepUp(0), map[string]any{"auth_time": at(0)}, false},
		"a negative age": {tenancy.StepUp(-time.Minute), map[string]any{"auth_time": at(0)}, false},
	} {
		resp := ask(x.require(c.r)(reached), changed(i, c.claims))
		if c.met {
			assert.Equal(t, 200, resp.StatusCode, name)
			continue
		}
		assert.Equal(t, 401, resp.StatusCode, name)
		assert.Contains(t, resp.Header.Get("WWW-Authenticate"), `error="insufficient_user_authentication"`, name)
	}
	resp := ask(x.require(tenancy.StepUp(90*time.Second, "urn:a", "urn:b"))(reached), token(i, "", nil))
	wantStatus(t, resp, 401, `acr_values="urn:a urn:b"`, `max_age="90"`)
}

func TestCustomRequirements(t *testing.T) {
	t.Parallel()
	i := josetest.NewIssuer()
	for status, err := range map[int]error{200: nil, 403: tenancy.ErrForbidden, 404: tenancy.ErrNotFound, 401: &tenancy.StepUpError{}, 503: context.DeadlineExceeded} {
		custom := tenancy.Custom(func(_ context.Context, c *tenancy.TenantContext, r tenancy.Request) error {
			if c.UserID != "auth0|1" || r.HTTP == nil || r.Method != "GET /{$}" {
				return context.Canceled
			}
			return err
		})
		for _, cfg := range []tenancy.GuardConfig{{}, {Always: []tenancy.Requirement{custom}}} {
			mux := http.NewServeMux()
			r := custom
			if cfg.Always != nil {
				r = tenancy.Authenticated()
			}
			mux.Handle("GET /{$}", extractor(t, i, tenancy.FromToken, cfg).require(r)(reached))
			assert.Equal(t, status, ask(mux, token(i, "", nil)).StatusCode, "%v", err)
		}
	}
	x := extractor(t, i, tenancy.FromToken, tenancy.GuardConfig{})
	assert.Equal(t, 403, ask(x.require(tenancy.Custom(nil))(reached), token(i, "", nil)).StatusCode)
	_, err := x.Admit(t.Context(), token(i, "", nil), tenancy.Org{ID: orgID})
	require.ErrorIs(t, err, tenancy.ErrForbidden, "no requirements open nothing")
	_, err = x.Admit(t.Context(), token(i, "", nil), tenancy.Org{}, tenancy.Authenticated())
	require.Error(t, err)
}

// What handlers ask: who, through what, and the token's own claims.
func TestTheCallerIsAllThere(t *testing.T) {
	t.Parallel()
	i := josetest.NewIssuer()
	x := extractor(t, i, tenancy.FromToken, tenancy.GuardConfig{})
	tenant := mustExtract(t, x, changed(i, map[string]any{
		"jti": "j1", "acr": "urn:a", "auth_time": 1700000000, "amr": []string{"pwd", "otp"}, "https://example.com/plan": "pro",
		"act": map[string]any{"sub": "agt_1", "act": map[string]any{"sub": "spa"}},
	}))
	assert.Equal(t, i.ID, tenant.Issuer)
	assert.Equal(t, "client", tenant.ClientID)
	assert.True(t, tenant.FirstParty)
	assert.Equal(t, "j1", tenant.JTI)
	assert.Equal(t, "urn:a", tenant.ACR)
	assert.Equal(t, []string{"agt_1", "spa"}, tenant.Actors)
	assert.WithinDuration(t, time.Now(), tenant.IssuedAt, time.Minute)
	var plan string
	require.NoError(t, tenant.Claim("https://example.com/plan", &plan))
	assert.Equal(t, "pro", plan)
	require.ErrorIs(t, tenant.Claim("none", &plan), tenancy.ErrNoClaim)
	require.ErrorIs(t, (&tenancy.TenantContext{}).Claim("none", &plan), tenancy.ErrNoClaim)
	var nobody *tenancy.TenantContext
	require.ErrorIs(t, nobody.Claim("none", &plan), tenancy.ErrNoClaim)
	assert.Equal(t, "auth0|1", tenant.Subject())
	assert.Equal(t, int64(1700000000), tenant.AuthenticatedBy("otp").Unix())
	assert.True(t, tenant.AuthenticatedBy("mfa").IsZero())
	assert.True(t, nobody.AuthenticatedBy("otp").IsZero())
	assert.Empty(t, nobody.Subject())
	seen := ""
	h := x.authenticated()(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		who, _ := authn.FromContext(r.Context())
		seen = who.Subject()
	}))
	ask(h, token(i, "", nil))
	assert.Equal(t, "auth0|1", seen, "guardian finds the caller")
}

// ID tokens that look like access tokens: those whose API is a client.
func TestIDTokensWithClaimsOfAccessTokens(t *testing.T) {
	t.Parallel()
	i := josetest.NewIssuer()
	v := verifier(t, i, tenancy.VerifierConfig{})
	_, err := v.Verify(t.Context(), token(i, "azp", audience))
	wantToken(t, err, "id_token")
	_, err = v.Verify(t.Context(), changed(i, map[string]any{"azp": nil, "scope": nil}))
	wantToken(t, err, "id_token") // permissions alone may be an Action's
}

func TestRefusalsAreTold(t *testing.T) {
	t.Parallel()
	i := josetest.NewIssuer()
	var seen []tenancy.Refusal
	x := extractor(t, i, tenancy.FromToken, tenancy.GuardConfig{
		OnRefuse: func(_ context.Context, r tenancy.Refusal) { seen = append(seen, r) },
		Render: func(_ *http.Request, r tenancy.Refusal) (string, []byte) {
			return "text/plain", []byte("no: " + r.Reason)
		},
	})
	mux := http.NewServeMux()
	mux.Handle("GET /{$}", x.require(tenancy.AllOf("delete:invoices"))(reached))
	for token, reason := range map[string]string{"junk": "malformed", token(i, "exp", 1000): "expired", token(i, "", nil): "permission", token(i, "org_id", nil): "no_organization"} {
		seen = nil
		resp := ask(mux, token)
		require.Len(t, seen, 1)
		assert.Equal(t, reason, seen[0].Reason)
		assert.Equal(t, "GET /{$}", seen[0].Route)
		assert.Equal(t, resp.StatusCode, seen[0].Status)
		assert.Equal(t, "text/plain", resp.Header.Get("Content-Type"))
		assert.NotEmpty(t, resp.Header.Get("WWW-Authenticate"))
		assert.Equal(t, reason != "permission", len(seen[0].Diagnosis) > 0)
		if reason == "permission" {
			assert.Equal(t, []string{"delete:invoices"}, seen[0].Missing)
			assert.Equal(t, "client auth0|1 org_acme", seen[0].ClientID+" "+seen[0].UserID+" "+seen[0].OrgID)
		}
	}
}

func TestProblem(t *testing.T) {
	t.Parallel()
	i := josetest.NewIssuer()
	x := extractor(t, i, tenancy.FromToken, tenancy.GuardConfig{Render: tenancy.Problem})
	w, r := httptest.NewRecorder(), httptest.NewRequest(http.MethodGet, "/", nil)
	r.Header.Set("Authorization", "Bearer "+token(i, "", nil))
	x.require(tenancy.AllOf("delete:invoices"))(reached).ServeHTTP(w, r)
	assert.Equal(t, "application/problem+json", w.Header().Get("Content-Type"))
	assert.JSONEq(t, `{"type":"about:blank","title":"Forbidden","status":403,"detail":"missing permission: delete:invoices","error":"insufficient_scope"}`, w.Body.String())
}

// Refuse is for handlers and own transports.
func TestRefuse(t *testing.T) {
	t.Parallel()
	x := extractor(t, josetest.NewIssuer(), tenancy.FromToken, tenancy.GuardConfig{})
	for err, status := range map[error]int{
		tenancy.ErrInvalidToken: 401, tenancy.ErrUnavailable: 503, tenancy.ErrNoTenant: 403, tenancy.ErrForbidden: 403, tenancy.ErrNotFound: 404,
		tenancy.ErrNoClaim: 403, context.Canceled: 403,
	} {
		w := httptest.NewRecorder()
		x.Refuse(w, httptest.NewRequest(http.MethodGet, "/", nil), err)
		assert.Equal(t, status, w.Code, "%v", err)
		assert.Equal(t, "no-store", w.Header().Get("Cache-Control"))
	}
}

func TestPreflight(t *testing.T) {
	t.Parallel()
	for want, cfg := range map[int]tenancy.GuardConfig{401: {}, 200: {Preflight: true}} {
		h := extractor(t, josetest.NewIssuer(), tenancy.FromToken, cfg).authenticated()(reached)
		for _, header := range []string{"Origin", "Access-Control-Request-Method"} {
			r := httptest.NewRequest(http.MethodOptions, "/", nil)
			r.Header.Set(header, "x") // one is not enough
			w := httptest.NewRecorder()
			h.ServeHTTP(w, r)
			assert.Equal(t, 401, w.Code)
			r.Header.Set("Origin", "https://app.example.com")
			r.Header.Set("Access-Control-Request-Method", "GET")
			w = httptest.NewRecorder()
			h.ServeHTTP(w, r)
			assert.Equal(t, want, w.Code)
		}
	}
}

func TestTokenFromElsewhere(t *testing.T) {
	t.Parallel()
	i := josetest.NewIssuer()
	answer, failure := token(i, "", nil), error(nil)
	x := extractor(t, i, tenancy.FromToken, tenancy.GuardConfig{Token: func(*http.Request) (string, error) { return answer, failure }})
	wantStatus(t, ask(x.authenticated()(reached)), 200)
	answer = ""
	wantStatus(t, ask(x.authenticated()(reached)), 401)
	failure = tenancy.ErrUnavailable
	wantStatus(t, ask(x.authenticated()(reached)), 503)
	failure = errors.New("away") // signs nobody out, and makes nobody anonymous
	wantStatus(t, ask(x.authenticated()(reached)), 503)
	wantStatus(t, ask(x.optional()(reached)), 503)
	failure = tenancy.ErrInvalidToken
	wantStatus(t, ask(x.authenticated()(reached)), 401)
	wantStatus(t, ask(x.optional()(reached)), 200)
}

// One Guard has one cache, whatever finds the organization of a route.
func TestRoutesShareTheirCache(t *testing.T) {
	t.Parallel()
	i, d := josetest.NewIssuer(), newDirectory()
	x := extractor(t, i, tenancy.FromToken, tenancy.GuardConfig{Directory: d})
	mux := http.NewServeMux()
	mux.Handle("GET /orgs/{org}", x.Require(tenancy.FromPath("org"), tenancy.AllOf("write:invoices"))(reached))
	mux.Handle("GET /me", x.Require(tenancy.FromToken, tenancy.AllOf("write:invoices"))(reached))
	get := func(path string) int {
		r := httptest.NewRequest(http.MethodGet, path, nil)
		r.Header.Set("Authorization", "Bearer "+token(i, "", nil))
		w := httptest.NewRecorder()
		mux.ServeHTTP(w, r)
		return w.Code
	}
	assert.Equal(t, 200, get("/orgs/"+orgID))
	assert.Equal(t, 200, get("/me"))
	wantReads(t, d, 1, 2)
	d.set(func() { d.roles[orgID+" auth0|1"] = nil })
	x.Invalidate(orgID, "auth0|1")
	assert.Equal(t, 403, get("/orgs/"+orgID))
	assert.Equal(t, 403, get("/me"))
}

func TestNames(t *testing.T) {
	t.Parallel()
	i, d := josetest.NewIssuer(), newDirectory()
	d.name = "acme"
	for mode, cfg := range map[string]tenancy.GuardConfig{"claims": {}, "live": {Directory: d}} {
		h := extractor(t, i, tenancy.FromHeader("X-Org").ByName(), cfg).authenticated()(reached)
		for name, want := range map[string]int{"acme": 200, "ACME": 200, "globex": 404, orgID: 404, "": 400} {
			r := httptest.NewRequest(http.MethodGet, "/", nil)
			r.Header.Set("Authorization", "Bearer "+token(i, "", nil))
			r.Header.Set("X-Org", name)
			w := httptest.NewRecorder()
			h.ServeHTTP(w, r)
			assert.Equal(t, want, w.Code, "%s: %q", mode, name)
		}
	}
}
