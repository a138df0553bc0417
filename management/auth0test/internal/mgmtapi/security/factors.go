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
		{Method: "GET", Pattern: "/guardian/factors", Handle: mgmtapi.Telling(mgmtapi.Any, listFactors)},
		{Method: "PUT", Pattern: "/guardian/factors/{name}", Handle: setFactor},
		{Method: "GET", Pattern: "/guardian/policies", Handle: mgmtapi.Telling(mgmtapi.Any, listPolicies)},
		{Method: "PUT", Pattern: "/guardian/policies", Handle: setPolicies},
		{Method: "POST", Pattern: "/guardian/enrollments/ticket", Handle: enrollmentTicket},
		{Method: "GET", Pattern: "/guardian/enrollments/{id}", Handle: mgmtapi.Telling(enrollment, guardianView)},
		{Method: "DELETE", Pattern: "/guardian/enrollments/{id}", Handle: mgmtapi.Doing(enrollment, forget)},
		{Method: "GET", Pattern: "/users/{id}/enrollments", Handle: mgmtapi.Telling((*mgmtapi.Call).User, listEnrollments)},
		{Method: "GET", Pattern: "/users/{id}/authentication-methods", Handle: limited("read", mgmtapi.On((*mgmtapi.Call).User, listMethods))},
		{Method: "POST", Pattern: "/users/{id}/authentication-methods", Handle: limited("write", mgmtapi.On((*mgmtapi.Call).User, createMethod))},
		{Method: "PUT", Pattern: "/users/{id}/authentication-methods", Handle: limited("write", mgmtapi.On((*mgmtapi.Call).User, replaceMethods))},
		{Method: "DELETE", Pattern: "/users/{id}/authentication-methods", Handle: limited("write", mgmtapi.Doing((*mgmtapi.Call).User, forgetAll))},
		{Method: "GET", Pattern: "/users/{id}/authentication-methods/{authentication_method_id}", Handle: limited("read", mgmtapi.Telling(method, listed))},
		{Method: "PATCH", Pattern: "/users/{id}/authentication-methods/{authentication_method_id}", Handle: limited("write", mgmtapi.On(method, updateMethod))},
		{Method: "DELETE", Pattern: "/users/{id}/authentication-methods/{authentication_method_id}", Handle: limited("write", mgmtapi.Doing(method, forget))},
		{Method: "DELETE", Pattern: "/users/{id}/authenticators", Handle: mgmtapi.Doing((*mgmtapi.Call).User, forgetAll)},
		{Method: "DELETE", Pattern: "/users/{id}/multifactor/{provider}", Handle: mgmtapi.Doing((*mgmtapi.Call).User, deleteProvider)},
		{Method: "POST", Pattern: "/users/{id}/multifactor/actions/invalidate-remember-browser", Handle: mgmtapi.Doing((*mgmtapi.Call).User, func(c *mgmtapi.Call, u *state.User) { c.T.Auth.Factors.ForgetBrowsers(u.ID) })},
		{Method: "POST", Pattern: "/users/{id}/recovery-code-regeneration", Handle: mgmtapi.Telling((*mgmtapi.Call).User, newRecoveryCode)},
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

func listFactors(_ *mgmtapi.Call, t *state.Tenant) []any {
	return store.Render(state.FactorNames, func(name string) any {
		return map[string]any{"name": name, "enabled": t.Auth.Factors.Enabled[name], "trial_expired": false}
	})
}

// newRecoveryCode works for users without any enrollment too, as it does in recorded
// traffic.
func newRecoveryCode(c *mgmtapi.Call, u *state.User) any {
	return map[string]any{"recovery_code": c.T.Auth.Factors.NewRecovery(u.ID, c.Now).Secret}
}

func setFactor(c *mgmtapi.Call) *mgmtapi.Reply {
	on := c.Yes("enabled")
	c.T.Auth.Factors.Enabled[c.Path("name")] = on
	return mgmtapi.OK(map[string]any{"enabled": on})
}

func listPolicies(_ *mgmtapi.Call, t *state.Tenant) []string {
	return append([]string{}, t.Auth.Factors.Policies...)
}

func setPolicies(c *mgmtapi.Call) *mgmtapi.Reply {
	c.T.Auth.Factors.Policies = store.StringsOf(c.List)
	return mgmtapi.OK(listPolicies(c, c.T))
}
