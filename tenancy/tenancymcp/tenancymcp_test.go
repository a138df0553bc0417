package tenancymcp_test

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/modelcontextprotocol/go-sdk/mcp"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/auth0kit/auth0kit/internal/jose/josetest"
	"github.com/auth0kit/auth0kit/tenancy"
	"github.com/auth0kit/auth0kit/tenancy/tenancymcp"
)

const audience = "https://api.example.com/mcp"

type none struct{}

type said struct{ Text string }

// who answers with its caller and what it sees of the token.
func who(_ context.Context, r *mcp.CallToolRequest, _ none) (*mcp.CallToolResult, said, error) {
	caller, err := tenancymcp.Caller(r)
	if err != nil {
		return nil, said{}, err
	}
	return nil, said{caller.UserID + " of " + caller.TenantID + " with " + r.Extra.Header.Get("Authorization")}, nil
}

func newGuard(t testing.TB, i *josetest.Issuer, refused func(context.Context, tenancy.Refusal)) *tenancy.Guard {
	t.Helper()
	v, err := tenancy.NewVerifier(i.ID, audience, tenancy.VerifierConfig{HTTPClient: &http.Client{Transport: i}})
	require.NoError(t, err)
	g, err := tenancy.NewGuard(v, tenancy.GuardConfig{Scopes: []string{"read:invoices"}, Logger: slog.New(slog.DiscardHandler), OnRefuse: refused})
	require.NoError(t, err)
	return g
}

// serve runs a server with five tools, of which one is not in the map.
func serve(t testing.TB, i *josetest.Issuer) string { return serveTelling(t, i, nil) }

// serveTelling is serve with an OnRefuse.
func serveTelling(t testing.TB, i *josetest.Issuer, refused func(context.Context, tenancy.Refusal)) string {
	t.Helper()
	server := mcp.NewServer(&mcp.Implementation{Name: "invoices", Version: "1"}, nil)
	for _, name := range []string{"list_invoices", "delete_invoice", "pay", "slow", "unnamed"} {
		mcp.AddTool(server, &mcp.Tool{Name: name}, who)
	}
	server.AddReceivingMiddleware(tenancymcp.Tools(map[string]tenancy.Requirement{
		"list_invoices":  tenancy.AllOf("read:invoices"),
		"delete_invoice": tenancy.AllOf("delete:invoices"),
		"pay":            tenancy.StepUp(5 * time.Minute),
		"slow": tenancy.Custom(func(_ context.Context, _ *tenancy.TenantContext, r tenancy.Request) error {
			if r.Method != "slow" {
				return tenancy.ErrUnavailable
			}
			return tenancy.ErrForbidden
		}),
		"gone": tenancy.Authenticated(),
	}))
	g := newGuard(t, i, refused)
	mux := http.NewServeMux()
	mux.Handle("/mcp", tenancymcp.Protect(g, tenancy.FromToken)(mcp.NewStreamableHTTPHandler(func(*http.Request) *mcp.Server { return server }, nil)))
	mux.Handle(g.Metadata())
	s := httptest.NewServer(mux)
	t.Cleanup(s.Close)
	return s.URL
}

func token(i *josetest.Issuer, sub string, scopes string, permissions ...string) string {
	c := i.Claims(audience)
	c["sub"], c["org_id"], c["azp"], c["scope"], c["permissions"] = sub, "org_acme", "agent-app", scopes, append([]string{}, permissions...)
	return i.Token(josetest.Header("rs"), c)
}

// bearer adds a token to every request.
type bearer string

func (b bearer) RoundTrip(r *http.Request) (*http.Response, error) {
	r = r.Clone(r.Context())
	r.Header.Set("Authorization", "Bearer "+string(b))
	return http.DefaultTransport.RoundTrip(r)
}

func connect(t testing.TB, url, token string) *mcp.ClientSession {
	t.Helper()
	client := mcp.NewClient(&mcp.Implementation{Name: "test", Version: "1"}, nil)
	s, err := client.Connect(context.Background(), &mcp.StreamableClientTransport{Endpoint: url + "/mcp", HTTPClient: &http.Client{Transport: bearer(token)}}, nil)
	require.NoError(t, err)
	t.Cleanup(func() { _ = s.Close() })
	return s
}

func names(t testing.TB, s *mcp.ClientSession) (names []string) {
	t.Helper()
	for tool, err := range s.Tools(t.Context(), nil) {
		require.NoError(t, err)
		names = append(names, tool.Name)
	}
	return names
}

func call(t testing.TB, s *mcp.ClientSession, name string) (string, error) {
	t.Helper()
	result, err := s.CallTool(t.Context(), &mcp.CallToolParams{Name: name, Arguments: map[string]any{}})
	if err != nil {
		return "", err
	}
	raw, err := json.Marshal(result.StructuredContent)
	return string(raw), err
}

// Tools that are not named, not permitted or not granted are neither listed nor
// called, and look as those that do not exist.
func TestTools(t *testing.T) {
	t.Parallel()
	i := josetest.NewIssuer()
	url := serve(t, i)
	all := []string{"read:invoices", "delete:invoices"}
	for name, c := range map[string]struct {
		scopes      string
		permissions []string
		want        []string
	}{
		"reader":            {"read:invoices", all, []string{"list_invoices", "pay"}},
		"both":              {"read:invoices delete:invoices", all, []string{"delete_invoice", "list_invoices", "pay"}},
		"granted nothing":   {"openid", all, []string{"pay"}},
		"permitted nothing": {"read:invoices delete:invoices", nil, []string{"pay"}},
	} {
		s := connect(t, url, token(i, "auth0|1", c.scopes, c.permissions...))
		assert.Equal(t, c.want, names(t, s), name)
		list, err := s.ListTools(t.Context(), nil)
		require.NoError(t, err)
		assert.Equal(t, "private", list.CacheScope, "nobody else may be served with it")
		for _, tool := range []string{"list_invoices", "delete_invoice", "unnamed", "gone", "slow"} {
			got, err := call(t, s, tool)
			if slices.Contains(c.want, tool) {
				require.NoError(t, err, "%s: %s", name, tool)
				assert.Equal(t, `{"Text":"auth0|1 of org_acme with Bearer hidden"}`, got)
				continue
			}
			assert.ErrorContains(t, err, fmt.Sprintf("unknown tool %q", tool), name)
		}
		_, err = call(t, s, "pay")
		assert.ErrorContains(t, err, "insufficient_user_authentication", name)
	}
}

func TestProtect(t *testing.T) {
	t.Parallel()
	i := josetest.NewIssuer()
	url := serve(t, i)
	resp, err := http.Post(url+"/mcp", "application/json", strings.NewReader("{}"))
	require.NoError(t, err)
	require.NoError(t, resp.Body.Close())
	assert.Equal(t, 401, resp.StatusCode)
	assert.Equal(t, `Bearer realm="https://api.example.com/mcp", resource_metadata="https://api.example.com/.well-known/oauth-protected-resource/mcp"`, resp.Header.Get("WWW-Authenticate"))
	resp, err = http.Get(url + "/.well-known/oauth-protected-resource/mcp")
	require.NoError(t, err)
	body, err := io.ReadAll(resp.Body)
	require.NoError(t, err)
	require.NoError(t, resp.Body.Close())
	assert.JSONEq(t, `{"resource":"https://api.example.com/mcp","authorization_servers":["https://tenant.example.com/"],"scopes_supported":["read:invoices"],"bearer_methods_supported":["header"]}`, string(body))
}

// A session belongs to who began it: another user of the same server cannot go on
// with it, although their token is as good.
func TestSessionsBelongToTheirCaller(t *testing.T) {
	t.Parallel()
	i := josetest.NewIssuer()
	url := serve(t, i)
	s := connect(t, url, token(i, "auth0|1", "read:invoices", "read:invoices"))
	ask := func(sub string) int {
		r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, url+"/mcp", strings.NewReader(`{"jsonrpc":"2.0","id":7,"method":"tools/list"}`))
		require.NoError(t, err)
		r.Header.Set("Authorization", "Bearer "+token(i, sub, "read:invoices", "read:invoices"))
		r.Header.Set("Content-Type", "application/json")
		r.Header.Set("Accept", "application/json, text/event-stream")
		r.Header.Set("Mcp-Session-Id", s.ID())
		resp, err := http.DefaultClient.Do(r)
		require.NoError(t, err)
		require.NoError(t, resp.Body.Close())
		return resp.StatusCode
	}
	if s.ID() == "" {
		t.Skip("this version of the protocol has no sessions")
	}
	assert.Equal(t, 200, ask("auth0|1"))
	assert.Equal(t, 403, ask("auth0|2"))
}

// Without Protect there is no caller, and no tool.
func TestToolsWithoutProtect(t *testing.T) {
	t.Parallel()
	server := mcp.NewServer(&mcp.Implementation{Name: "invoices", Version: "1"}, nil)
	mcp.AddTool(server, &mcp.Tool{Name: "list_invoices"}, who)
	server.AddReceivingMiddleware(tenancymcp.Tools(map[string]tenancy.Requirement{"list_invoices": tenancy.Authenticated()}))
	inner, outer := mcp.NewInMemoryTransports()
	_, err := server.Connect(t.Context(), inner, nil)
	require.NoError(t, err)
	s, err := mcp.NewClient(&mcp.Implementation{Name: "test", Version: "1"}, nil).Connect(t.Context(), outer, nil)
	require.NoError(t, err)
	_, err = s.ListTools(t.Context(), nil)
	require.Error(t, err)
	_, err = call(t, s, "list_invoices")
	require.ErrorContains(t, err, "no caller")
}

func ExampleTools() {
	tools := tenancymcp.Tools(map[string]tenancy.Requirement{
		"list_invoices":  tenancy.AllOf("read:invoices"),
		"delete_invoice": tenancy.AllOf("delete:invoices"),
	})
	server := mcp.NewServer(&mcp.Implementation{Name: "invoices", Version: "1"}, nil)
	server.AddReceivingMiddleware(tools)
	_, err := tenancymcp.Caller(&mcp.CallToolRequest{})
	fmt.Println(err)
	// Output: tenancymcp: the request has no caller: put Protect around the handler
}

// Calls that are refused reach the guard's hook, under the name of a tool of ours.
func TestRefusedCallsAreTold(t *testing.T) {
	t.Parallel()
	i, told := josetest.NewIssuer(), make(chan tenancy.Refusal, 10)
	url := serveTelling(t, i, func(_ context.Context, x tenancy.Refusal) { told <- x })
	s := connect(t, url, token(i, "auth0|1", "read:invoices", "read:invoices", "delete:invoices"))
	names(t, s) // listing is no attempt
	for _, c := range []struct{ tool, reason, route string }{
		{"delete_invoice", "scope", "delete_invoice"}, {"pay", "step_up", "pay"}, {"slow", "forbidden", "slow"},
		{"unnamed", "nothing", ""}, {"invented by the client", "nothing", ""},
	} {
		_, err := call(t, s, c.tool)
		require.NotNil(t, err, c.tool)
		x := <-told
		assert.Equal(t, []string{c.reason, c.route, "auth0|1", "org_acme"}, []string{x.Reason, x.Route, x.UserID, x.OrgID}, c.tool)
	}
	assert.Empty(t, told)
}
