package security

import (
	"net/http"

	"github.com/auth0kit/auth0kit/management/auth0test/internal/limit"
	"github.com/auth0kit/auth0kit/management/auth0test/internal/mgmtapi"
	"github.com/auth0kit/auth0kit/management/auth0test/internal/state"
	"github.com/auth0kit/auth0kit/management/auth0test/internal/store"
)

// guardianState is what the MFA routes of the Management API keep beside the
// enrollments, which are in factorStore.
type guardianState struct {
	credentials map[string]map[string]any // What was said of a WebAuthn credential, by the id of its enrollment.
	methods     map[string]*limit.Bucket  // Of reads and writes of authentication methods, by user.
}

func guardianOf(t *state.Tenant) *guardianState { return state.Part(t, state.Zero[guardianState]) }

func GuardianRoutes() []mgmtapi.Route {
	return []mgmtapi.Route{
		{Method: "GET", Pattern: "/guardian/factors", Handle: listFactors},
		{Method: "PUT", Pattern: "/guardian/factors/{name}", Handle: setFactor},
		{Method: "GET", Pattern: "/guardian/policies", Handle: listPolicies},
		{Method: "PUT", Pattern: "/guardian/policies", Handle: setPolicies},
		{Method: "POST", Pattern: "/guardian/enrollments/ticket", Handle: enrollmentTicket},
		{Method: "GET", Pattern: "/guardian/enrollments/{id}", Handle: mgmtapi.On(enrollment, readEnrollment)},
		{Method: "DELETE", Pattern: "/guardian/enrollments/{id}", Handle: mgmtapi.On(enrollment, deleteEnrollment)},
		{Method: "GET", Pattern: "/users/{id}/enrollments", Handle: mgmtapi.On((*mgmtapi.Call).User, listEnrollments)},
		{Method: "GET", Pattern: "/users/{id}/authentication-methods", Handle: limited("read", mgmtapi.On((*mgmtapi.Call).User, listMethods))},
		{Method: "POST", Pattern: "/users/{id}/authentication-methods", Handle: limited("write", mgmtapi.On((*mgmtapi.Call).User, createMethod))},
		{Method: "PUT", Pattern: "/users/{id}/authentication-methods", Handle: limited("write", mgmtapi.On((*mgmtapi.Call).User, replaceMethods))},
		{Method: "DELETE", Pattern: "/users/{id}/authentication-methods", Handle: limited("write", mgmtapi.On((*mgmtapi.Call).User, deleteMethods))},
		{Method: "GET", Pattern: "/users/{id}/authentication-methods/{authentication_method_id}", Handle: limited("read", mgmtapi.On(method, readMethod))},
		{Method: "PATCH", Pattern: "/users/{id}/authentication-methods/{authentication_method_id}", Handle: limited("write", mgmtapi.On(method, updateMethod))},
		{Method: "DELETE", Pattern: "/users/{id}/authentication-methods/{authentication_method_id}", Handle: limited("write", mgmtapi.On(method, deleteEnrollment))},
		{Method: "DELETE", Pattern: "/users/{id}/authenticators", Handle: mgmtapi.On((*mgmtapi.Call).User, deleteMethods)},
		{Method: "DELETE", Pattern: "/users/{id}/multifactor/{provider}", Handle: mgmtapi.On((*mgmtapi.Call).User, deleteProvider)},
		{Method: "POST", Pattern: "/users/{id}/multifactor/actions/invalidate-remember-browser", Handle: mgmtapi.On((*mgmtapi.Call).User, forgetBrowsers)},
		{Method: "POST", Pattern: "/users/{id}/recovery-code-regeneration", Handle: mgmtapi.On((*mgmtapi.Call).User, regenerateRecoveryCode)},
	}
}

// limited lets the methods of one user be read, or written, five times a minute,
// and twice on the free plan
// (https://auth0.com/docs/troubleshoot/customer-support/operational-policies/rate-limit-policy).
func limited(what string, handle func(*mgmtapi.Call) *mgmtapi.Reply) func(*mgmtapi.Call) *mgmtapi.Reply {
	return func(c *mgmtapi.Call) *mgmtapi.Reply {
		s, key := guardianOf(c.T), what+" "+c.Path("id")
		if s.methods == nil {
			s.methods = make(map[string]*limit.Bucket)
		}
		if s.methods[key] == nil {
			s.methods[key] = c.T.Options.Plan.Methods()
		}
		if text := limit.Spend(s.methods[key], c.W.Header(), c.Now, limit.EndpointLimit); text != "" {
			return mgmtapi.Fail(http.StatusTooManyRequests, text, "too_many_requests")
		}
		return handle(c)
	}
}

func listFactors(c *mgmtapi.Call) *mgmtapi.Reply {
	out := make([]any, len(state.FactorNames))
	for i, name := range state.FactorNames {
		out[i] = map[string]any{"name": name, "enabled": c.T.Auth.Factors.Enabled[name], "trial_expired": false}
	}
	return mgmtapi.OK(out)
}

func setFactor(c *mgmtapi.Call) *mgmtapi.Reply {
	on := c.Yes("enabled")
	c.T.Auth.Factors.Enabled[c.Path("name")] = on
	return mgmtapi.OK(map[string]any{"enabled": on})
}

func listPolicies(c *mgmtapi.Call) *mgmtapi.Reply {
	policies := c.T.Auth.Factors.Policies
	return mgmtapi.OK(append([]string{}, policies...))
}

func setPolicies(c *mgmtapi.Call) *mgmtapi.Reply {
	c.T.Auth.Factors.Policies = store.StringsOf(c.List)
	return listPolicies(c)
}
