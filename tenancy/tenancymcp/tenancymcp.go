// Package tenancymcp guards Model Context Protocol servers that use the official
// Go SDK, as package tenancy guards HTTP routes:
//
//	server.AddReceivingMiddleware(tenancymcp.Tools(map[string]tenancy.Requirement{
//		"list_invoices":  tenancy.AllOf("read:invoices"),
//		"delete_invoice": tenancy.AllOf("delete:invoices"),
//	}))
//	handler := mcp.NewStreamableHTTPHandler(func(*http.Request) *mcp.Server { return server }, nil)
//	http.Handle("/mcp", tenancymcp.Protect(guard, tenancy.FromToken)(handler))
//	http.Handle(guard.Metadata()) // where clients find out whom to ask for tokens
//
// Clients of MCP servers are other people's applications and agents. They are not
// in GuardConfig.FirstParty, so a permission counts only where its scope was granted.
//
// Tools that the map does not name, or whose requirement the caller does not meet,
// are neither listed nor called. Resources and prompts are open to every caller of
// the organization; guard them in their handlers, with Caller.
package tenancymcp

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strconv"

	"github.com/modelcontextprotocol/go-sdk/auth"
	"github.com/modelcontextprotocol/go-sdk/jsonrpc"
	"github.com/modelcontextprotocol/go-sdk/mcp"

	"github.com/auth0kit/auth0kit/tenancy"
)

const callerKey = "auth0kit/tenancy"

// ErrNoCaller is returned for a request that did not come through Protect.
var ErrNoCaller = errors.New("tenancymcp: the request has no caller: put Protect around the handler")

// Protect returns middleware for the SDK's HTTP handler. It decides each HTTP request
// as guard.Require with Authenticated does, and answers as that, with the
// resource_metadata of RFC 9728; a response that is under way, such as the stream of a
// GET, is not decided again. A session of the SDK belongs to the user, the
// organization and the application that began it. Handlers do not see the token,
// which is for this server alone.
func Protect(g *tenancy.Guard, where tenancy.Locator) func(http.Handler) http.Handler {
	verified := func(ctx context.Context, _ string, _ *http.Request) (*auth.TokenInfo, error) {
		t, ok := tenancy.FromContext(ctx)
		if !ok {
			return nil, ErrNoCaller
		}
		return &auth.TokenInfo{
			Scopes: slices.Clone(t.Scopes), UserID: owner(t), Extra: map[string]any{callerKey: admitted{t, g}},
		}, nil
	}
	// The guard has verified the token, exp and all; the SDK takes over who it is of.
	info := auth.RequireBearerToken(verified, &auth.RequireBearerTokenOptions{AllowMissingExpiration: true})
	return func(next http.Handler) http.Handler {
		told := info(next)
		hidden := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			r = r.Clone(r.Context())
			r.Header.Set("Authorization", "Bearer hidden")
			r.Header.Del("DPoP")
			told.ServeHTTP(w, r)
		})
		return g.Require(where, tenancy.Authenticated())(hidden)
	}
}

// admitted is who sent a request, and the guard that tells of refusals.
type admitted struct {
	tenant *tenancy.TenantContext
	guard  *tenancy.Guard
}

// owner names whom a session belongs to. Quoted, no two owners have the same name.
func owner(t *tenancy.TenantContext) string {
	return strconv.Quote(t.Issuer) + strconv.Quote(t.TenantID) + strconv.Quote(t.UserID) + strconv.Quote(t.ClientID)
}

// Caller returns who sent the request, or ErrNoCaller.
func Caller(r mcp.Request) (*tenancy.TenantContext, error) {
	a, err := admittedOf(r)
	return a.tenant, err
}

func admittedOf(r mcp.Request) (admitted, error) {
	if extra := r.GetExtra(); extra != nil && extra.TokenInfo != nil {
		if a, ok := extra.TokenInfo.Extra[callerKey].(admitted); ok {
			return a, nil
		}
	}
	return admitted{}, ErrNoCaller
}

// Tools returns middleware for Server.AddReceivingMiddleware that lists and calls
// the tools whose requirement the caller meets. Custom requirements see the tool's
// name as Request.Method and the call's parameters as Message, which is nil while
// tools are listed. A tool that needs a step-up is listed, and refused with
// insufficient_user_authentication when it is called; any other is unknown. The log,
// the Recorder and OnRefuse of the guard are told of calls that are refused, with the
// tool as Route, or "" when the map has no such tool.
func Tools(tools map[string]tenancy.Requirement) mcp.Middleware {
	tools = maps.Clone(tools)
	return func(next mcp.MethodHandler) mcp.MethodHandler {
		return func(ctx context.Context, method string, r mcp.Request) (mcp.Result, error) {
			switch method {
			case "tools/call":
				if err := mayCall(ctx, tools, r); err != nil {
					return nil, err
				}
			case "tools/list":
				result, err := next(ctx, method, r)
				if err != nil {
					return nil, err
				}
				return listed(ctx, tools, r, result)
			}
			return next(ctx, method, r)
		}
	}
}

func mayCall(ctx context.Context, tools map[string]tenancy.Requirement, r mcp.Request) error {
	a, err := admittedOf(r)
	if err != nil {
		return err
	}
	params, ok := r.GetParams().(*mcp.CallToolParamsRaw)
	if !ok || params == nil {
		return unknown("")
	}
	requirement, named := tools[params.Name]
	q := tenancy.Request{Message: params}
	if named { // others are whatever a client writes
		q.Method = params.Name
	}
	err = a.guard.Check(tenancy.NewContext(ctx, a.tenant), q, requirement)
	if _, stepUp := errors.AsType[*tenancy.StepUpError](err); stepUp {
		return &jsonrpc.Error{Code: jsonrpc.CodeInvalidRequest, Message: "insufficient_user_authentication: sign in again, more recently or by a stronger method"}
	}
	switch {
	case errors.Is(err, tenancy.ErrUnavailable):
		return unavailable()
	case err != nil:
		return unknown(params.Name)
	}
	return nil
}

// unknown is what the SDK answers for a tool that does not exist.
func unknown(name string) error {
	return &jsonrpc.Error{Code: jsonrpc.CodeInvalidParams, Message: fmt.Sprintf("unknown tool %q", name)}
}

func unavailable() error {
	return &jsonrpc.Error{Code: jsonrpc.CodeInternalError, Message: "try again later"}
}

func listed(ctx context.Context, tools map[string]tenancy.Requirement, r mcp.Request, result mcp.Result) (mcp.Result, error) {
	t, err := Caller(r)
	if err != nil {
		return nil, err
	}
	all, ok := result.(*mcp.ListToolsResult)
	if !ok {
		return nil, unavailable()
	}
	own := *all                // others may hold the same result
	own.CacheScope = "private" // the SDK writes "public": proxies might serve it to other callers
	own.Tools = make([]*mcp.Tool, 0, len(all.Tools))
	for _, tool := range all.Tools {
		err := tools[tool.Name].Check(ctx, t, tenancy.Request{Method: tool.Name})
		_, stepUp := errors.AsType[*tenancy.StepUpError](err)
		switch {
		case err == nil, stepUp:
			own.Tools = append(own.Tools, tool)
		case errors.Is(err, tenancy.ErrUnavailable):
			return nil, unavailable()
		}
	}
	return &own, nil
}
