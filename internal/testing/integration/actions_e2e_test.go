package integration

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/auth0kit/auth0kit/actions"
	"github.com/auth0kit/auth0kit/audit"
	"github.com/auth0kit/auth0kit/management/auth0test"
	"github.com/auth0kit/auth0kit/management/auth0test/scripts"
	"github.com/auth0kit/auth0kit/management/resource"
)

// hooked is a tenant whose logins, machines and sign-ups go through pipelines.
type hooked struct {
	*testing.T
	tenant *auth0test.Tenant
	app    auth0test.Application
	log    *audit.Memory
	server *httptest.Server
}

func newHooked(t *testing.T) *hooked {
	log := audit.NewMemory()
	machine, err := actions.New(actions.CredentialsExchange, actions.MetadataClaims(claims, "tier"))
	require.NoError(t, err)
	signUp, err := actions.New(actions.PreUserRegistration, actions.EmailDomains("example.com"))
	require.NoError(t, err)
	pipelines := []*actions.Pipeline{
		loginPipeline(t, actions.Suspended("Your account is suspended."), actions.MetadataClaims(claims, "plan"), actions.RoleClaim(claims+"roles"),
			actions.DeviceClaims(claims), actions.Segment(claims+"segment", actions.NewMemoryCounter()), actions.Track(log)),
		machine, signUp,
	}
	h := hookedBy(t, serveActions(t, actionKeys, actions.HandlerConfig{}, pipelines...))
	h.log = log
	for _, p := range pipelines {
		h.deploy(p, actionKeys...)
	}
	return h
}

// hookedBy is a tenant whose Actions reach handler.
func hookedBy(t *testing.T, handler http.Handler) *hooked {
	h := &hooked{T: t, tenant: auth0test.NewTenant(auth0test.Options{JobTime: -1}), server: httptest.NewServer(handler)}
	t.Cleanup(h.server.Close)
	h.app = h.tenant.AddClient(auth0test.Application{CallbackURL: "https://app.example.com/callback"})
	h.tenant.AddAPI("https://api.example.com", "read:all")
	engine, err := scripts.New(scripts.Config{Hosts: []string{strings.TrimPrefix(h.server.URL, "http://")}, Console: func(line string) { t.Log(line) }})
	require.NoError(t, err)
	h.tenant.RunScripts(engine)
	return h
}

// deploy deploys a pipeline through the SDK.
func (h *hooked) deploy(p *actions.Pipeline, keys ...[]byte) {
	h.Helper()
	d, err := actions.NewDeployment(h.tenant.Management(), p, h.server.URL, keys, actions.DeploymentConfig{Timeout: 2 * time.Second})
	require.NoError(h, err)
	applied(h, d, d.Plan)
}

// login logs in by code and PKCE.
func (h *hooked) login(email string) (auth0test.Tokens, error) {
	return h.tenant.Login(h.Context(), auth0test.Login{
		ClientID: h.app.ID, Audience: "https://api.example.com", Identifier: email, Password: "correct horse", UserAgent: "Firefox/140", IP: "203.0.113.7",
		Parameters: map[string]string{"scope": "openid offline_access"},
	})
}

func (h *hooked) claims(token string) jwt.MapClaims {
	h.Helper()
	var c jwt.MapClaims
	_, _, err := jwt.NewParser().ParseUnverified(token, &c)
	require.NoError(h, err)
	return c
}

// post sends a form, or JSON, to the tenant.
func (h *hooked) post(path string, form url.Values, doc map[string]any) (int, map[string]any) {
	h.Helper()
	contentType, body := "application/x-www-form-urlencoded", []byte(form.Encode())
	if doc != nil {
		var err error
		body, err = json.Marshal(doc)
		require.NoError(h, err)
		contentType = "application/json"
	}
	r, err := http.NewRequestWithContext(h.Context(), "POST", h.tenant.Issuer()+path, bytes.NewReader(body))
	require.NoError(h, err)
	r.Header.Set("Content-Type", contentType)
	answer, err := h.tenant.HTTPClient().Do(r)
	require.NoError(h, err)
	defer answer.Body.Close()
	var out map[string]any
	require.NoError(h, json.NewDecoder(answer.Body).Decode(&out))
	return answer.StatusCode, out
}

func TestActionsEndToEnd(t *testing.T) {
	t.Parallel()
	h := newHooked(t)
	ada := h.tenant.AddUser(resource.User{Email: "ada@example.com", AppMetadata: map[string]any{"plan": "gold"}}, "correct horse")
	bob := h.tenant.AddUser(resource.User{Email: "bob@example.com"}, "correct horse")

	tokens, err := h.login("ada@example.com")
	require.NoError(t, err)
	for name, token := range map[string]string{"ID": tokens.ID, "access": tokens.Access} {
		c := h.claims(token)
		assert.Equal(t, "gold", c[claims+"plan"], name)
		assert.Equal(t, "casual", c[claims+"segment"], name)
		assert.Equal(t, []any{}, c[claims+"roles"], name)
	}
	assert.Equal(t, map[string]any{"user_agent": "Firefox/140", "ip_address": "203.0.113.7"}, h.claims(tokens.ID)[claims+"device"])

	t.Run("refresh", func(t *testing.T) {
		status, out := h.post("oauth/token", url.Values{"grant_type": {"refresh_token"}, "client_id": {h.app.ID}, "client_secret": {h.app.Secret}, "refresh_token": {tokens.Refresh}}, nil)
		require.Equal(t, 200, status, out)
		assert.Equal(t, "casual", h.claims(out["access_token"].(string))[claims+"segment"])
		assert.Equal(t, []string{"login.accept"}, h.log.Actions(), "the login is tracked once and the refresh is not")
	})
	t.Run("suspended", func(t *testing.T) {
		bobs, err := h.login("bob@example.com")
		require.NoError(t, err)
		_, err = h.tenant.Management().UpdateUser(t.Context(), bob, resource.UserPatch{AppMetadata: map[string]any{"suspended": true}})
		require.NoError(t, err)
		_, err = h.login("bob@example.com")
		require.ErrorContains(t, err, "Your account is suspended.")
		status, out := h.post("oauth/token", url.Values{"grant_type": {"refresh_token"}, "client_id": {h.app.ID}, "client_secret": {h.app.Secret}, "refresh_token": {bobs.Refresh}}, nil)
		assert.GreaterOrEqual(t, status, 400, "on refresh too")
		assert.Equal(t, "Your account is suspended.", out["error_description"])
	})
	t.Run("segments", func(t *testing.T) {
		for n := 2; n <= 102; n++ {
			tokens, err := h.login("ada@example.com")
			require.NoError(t, err)
			want := map[bool]string{true: "casual", false: "active"}[n <= 10]
			if n > 100 {
				want = "power"
			}
			require.Equal(t, want, h.claims(tokens.Access)[claims+"segment"], "login %d", n)
		}
		count := 0
		for _, e := range h.log.Events() {
			if e.Target.ID == ada {
				count++
			}
		}
		assert.Equal(t, 102, count)
	})
	t.Run("machine", func(t *testing.T) {
		machine := h.tenant.AddClient(auth0test.Application{Grants: []string{"client_credentials"}})
		h.tenant.AddGrant(machine.ID, "https://api.example.com", "read:all")
		patch, err := http.NewRequestWithContext(t.Context(), "PATCH", h.tenant.Issuer()+"api/v2/clients/"+machine.ID, strings.NewReader(`{"client_metadata":{"tier":"one"}}`))
		require.NoError(t, err)
		patch.Header.Set("Content-Type", "application/json")
		answer, err := h.tenant.Management().HTTPClient().Do(patch)
		require.NoError(t, err)
		answer.Body.Close()
		require.Equal(t, 200, answer.StatusCode)
		status, out := h.post("oauth/token", url.Values{"grant_type": {"client_credentials"}, "client_id": {machine.ID}, "client_secret": {machine.Secret}, "audience": {"https://api.example.com"}}, nil)
		require.Equal(t, 200, status, out)
		assert.Equal(t, "one", h.claims(out["access_token"].(string))[claims+"tier"])
	})
	t.Run("sign-up", func(t *testing.T) {
		signUp := func(email string) (int, map[string]any) {
			return h.post("dbconnections/signup", nil, map[string]any{"client_id": h.app.ID, "connection": auth0test.DefaultConnection, "email": email, "password": "Correct-horse-1!"})
		}
		status, out := signUp("eve@elsewhere.example")
		assert.Equal(t, 400, status)
		assert.Equal(t, "extensibility_error", out["code"], fmt.Sprint(out))
		assert.Equal(t, "This email address cannot be used here.", out["friendly_message"])
		users, err := h.tenant.Management().UsersByEmail(t.Context(), "eve@elsewhere.example")
		require.NoError(t, err)
		assert.Empty(t, users)
		status, out = signUp("eve@example.com")
		assert.Equal(t, 200, status, out)
	})
}
