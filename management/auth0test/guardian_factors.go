package auth0test

import (
	"net/http"
	"time"
)

// guardianState is what the MFA routes of the Management API keep beside the
// enrolments, which are in factorStore.
type guardianState struct {
	settings    map[string]map[string]any // Of factors, see factorSettings.
	credentials map[string]map[string]any // What was said of a WebAuthn credential, by the id of its enrolment.
	methods     map[string]*bucket        // Of reads and writes of authentication methods, by user.
}

func guardianRoutes() []route {
	return []route{
		{method: "GET", pattern: "/guardian/factors", handle: listFactors},
		{method: "PUT", pattern: "/guardian/factors/{name}", handle: setFactor},
		{method: "GET", pattern: "/guardian/policies", handle: listPolicies},
		{method: "PUT", pattern: "/guardian/policies", handle: setPolicies},
		{method: "POST", pattern: "/guardian/enrollments/ticket", handle: enrollmentTicket},
		{method: "GET", pattern: "/guardian/enrollments/{id}", handle: readEnrollment},
		{method: "DELETE", pattern: "/guardian/enrollments/{id}", handle: deleteEnrollment},
		{method: "GET", pattern: "/users/{id}/enrollments", handle: listEnrollments},
		{method: "GET", pattern: "/users/{id}/authentication-methods", handle: limited("read", listMethods)},
		{method: "POST", pattern: "/users/{id}/authentication-methods", handle: limited("write", createMethod)},
		{method: "PUT", pattern: "/users/{id}/authentication-methods", handle: limited("write", replaceMethods)},
		{method: "DELETE", pattern: "/users/{id}/authentication-methods", handle: limited("write", deleteMethods)},
		{method: "GET", pattern: "/users/{id}/authentication-methods/{authentication_method_id}", handle: limited("read", readMethod)},
		{method: "PATCH", pattern: "/users/{id}/authentication-methods/{authentication_method_id}", handle: limited("write", updateMethod)},
		{method: "DELETE", pattern: "/users/{id}/authentication-methods/{authentication_method_id}", handle: limited("write", deleteMethod)},
		{method: "DELETE", pattern: "/users/{id}/authenticators", handle: deleteMethods},
		{method: "DELETE", pattern: "/users/{id}/multifactor/{provider}", handle: deleteProvider},
		{method: "POST", pattern: "/users/{id}/multifactor/actions/invalidate-remember-browser", handle: forgetBrowsers},
		{method: "POST", pattern: "/users/{id}/recovery-code-regeneration", handle: regenerateRecoveryCode},
	}
}

// limited lets the methods of one user be read, or written, five times a minute,
// and twice on the free plan
// (https://auth0.com/docs/troubleshoot/customer-support/operational-policies/rate-limit-policy).
func limited(what string, handle func(*call) *reply) func(*call) *reply {
	return func(c *call) *reply {
		if c.t.opts.Plan == Unlimited {
			return handle(c)
		}
		perMinute := rate{5, 5, time.Minute}
		if c.t.opts.Plan == Free {
			perMinute = rate{2, 2, time.Minute}
		}
		s, key := &c.t.guardian, what+" "+c.path("id")
		if s.methods == nil {
			s.methods = make(map[string]*bucket)
		}
		if s.methods[key] == nil {
			s.methods[key] = newBucket(perMinute)
		}
		if text := spend(s.methods[key], c.w.Header(), c.now, endpointLimit); text != "" {
			return fail(http.StatusTooManyRequests, text, "too_many_requests")
		}
		return handle(c)
	}
}

func listFactors(c *call) *reply {
	out := make([]any, len(factorNames))
	for i, name := range factorNames {
		out[i] = map[string]any{"name": name, "enabled": c.t.authState.factors.enabled[name], "trial_expired": false}
	}
	return ok(out)
}

func setFactor(c *call) *reply {
	on := c.yes("enabled")
	c.t.authState.factors.enabled[c.path("name")] = on
	return ok(map[string]any{"enabled": on})
}

func listPolicies(c *call) *reply {
	policies := c.t.authState.factors.policies
	return ok(append([]string{}, policies...))
}

func setPolicies(c *call) *reply {
	c.t.authState.factors.policies = stringsOf(c.list)
	return listPolicies(c)
}
