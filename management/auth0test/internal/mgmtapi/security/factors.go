package security

import (
	"cmp"
	"net/http"
	"strings"

	"github.com/auth0kit/auth0kit/management/auth0test/internal/limit"
	"github.com/auth0kit/auth0kit/management/auth0test/internal/mgmtapi"
	"github.com/auth0kit/auth0kit/management/auth0test/internal/state"
	"github.com/auth0kit/auth0kit/management/auth0test/internal/store"
	"github.com/auth0kit/auth0kit/management/auth0test/internal/web"
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

// enrollmentTicket answers a link to the enrollment pages, which serveEnrollment
// shows, and mails it when it should.
func enrollmentTicket(c *mgmtapi.Call) *mgmtapi.Reply {
	u, bad := c.UserNamed(c.Str("user_id"))
	if bad != nil {
		return bad
	}
	k := c.T.NewTicket(state.TicketEnrollment, u.ID, c.Now.Add(state.TicketLife))
	k.Set = c.Body
	link := c.Issuer() + "mfa/enrollment?ticket=" + k.ID
	if to := cmp.Or(c.Str("email"), u.Email); c.Yes("send_mail") && to != "" {
		c.T.Post(state.Message{Time: c.Now, Channel: "email", To: to, Kind: "enrollment_email", UserID: u.ID, URL: link})
	}
	return mgmtapi.OK(map[string]any{"ticket_id": k.ID, "ticket_url": link})
}

// enrollment finds an enrollment by Guardian's id, which has no kind before it.
func enrollment(c *mgmtapi.Call) (*state.Enrollment, *mgmtapi.Reply) {
	for _, list := range c.T.Auth.Factors.ByUser {
		for _, e := range list {
			if device(e) == c.Path("id") {
				return e, nil
			}
		}
	}
	return nil, mgmtapi.NotFound("Enrollment not found", "enrollment_not_found")
}

// device is the id without its kind: "dev_…".
func device(e *state.Enrollment) string {
	_, device, _ := strings.Cut(e.ID, "|")
	return device
}

// guardianView is the enrollment as Guardian shows it.
func guardianView(_ *mgmtapi.Call, e *state.Enrollment) map[string]any {
	m := map[string]any{"id": device(e), "status": map[bool]string{true: "confirmed", false: "pending"}[e.Confirmed]}
	store.Put(m, "name", e.Name)
	store.Put(m, "phone_number", e.Masked())
	store.PutTime(m, "enrolled_at", e.ConfirmedAt)
	store.PutTime(m, "last_auth", e.LastAuth)
	return m
}

// forget removes one enrollment,
func forget(c *mgmtapi.Call, e *state.Enrollment) {
	unenroll(c, e.UserID, func(o *state.Enrollment) bool { return o == e })
}

// forgetAll all of a user, and the second factors with them.
func forgetAll(c *mgmtapi.Call, u *state.User) {
	unenroll(c, u.ID, func(*state.Enrollment) bool { return true })
}

// unenroll removes enrollments and notes it.
func unenroll(c *mgmtapi.Call, userID string, which func(*state.Enrollment) bool) {
	if c.T.Auth.Factors.Remove(userID, which) > 0 {
		c.T.Log("gd_unenroll", state.LogFields{UserID: userID, IP: web.OriginOf(c.R).IP, UserAgent: c.R.UserAgent(), Hostname: c.R.Host})
	}
}

// enrollmentKinds name the kinds as GET /users/{id}/enrollments does, which
// shows no others.
var enrollmentKinds = map[string]string{
	"totp": "authenticator", "push": "guardian", "sms": "sms", "voice": "sms",
	"webauthn-roaming": "webauthn-roaming", "webauthn-platform": "webauthn-platform",
}

// listEnrollments answers the first confirmed enrollment: that is what Auth0 does
// under this name.
func listEnrollments(c *mgmtapi.Call, u *state.User) []any {
	for _, e := range c.T.Auth.Factors.ByUser[u.ID] {
		kind, shown := enrollmentKinds[e.Kind]
		if !shown || !e.Confirmed {
			continue
		}
		m := guardianView(c, e)
		m["type"], m["auth_method"] = kind, kind
		return []any{m}
	}
	return []any{}
}

// deleteProvider removes the apps of a provider: google-authenticator stands for
// all authenticator apps. The tenant has no Duo.
func deleteProvider(c *mgmtapi.Call, u *state.User) {
	unenroll(c, u.ID, func(e *state.Enrollment) bool {
		return c.Path("provider") == "google-authenticator" && e.Kind == "totp"
	})
}

// FactorSettingsRoutes are what factors are set up with. A change answers what the
// request said, without files of keys.
func FactorSettingsRoutes() []mgmtapi.Route {
	const below = "/guardian/factors/"
	all := []mgmtapi.Setting{
		{Path: "/prompts/mfa-push", Echo: true},
		{Path: below + "push-notification/providers/apns", Echo: true, Secret: []string{"p12"}, Apply: func(_ *mgmtapi.Call, doc map[string]any) {
			if _, has := doc["p12"]; has {
				doc["enabled"] = true
			}
		}},
		{Path: below + "push-notification/providers/fcm", Echo: true, Secret: []string{"server_key"}},
		{Path: below + "push-notification/providers/fcmv1", Echo: true, Secret: []string{"server_credentials"}},
		{Path: below + "push-notification/providers/sns", Echo: true, View: func(_ *mgmtapi.Call, doc map[string]any) { delete(doc, "aws_secret_access_key") }},
	}
	for _, name := range []string{
		"duo/settings", "phone/message-types", "phone/selected-provider", "phone/providers/twilio", "phone/templates",
		"push-notification/selected-provider", "sms/providers/twilio", "sms/selected-provider", "sms/templates",
		"webauthn-platform/settings", "webauthn-roaming/settings",
	} {
		all = append(all, mgmtapi.Setting{Path: below + name, Echo: true})
	}
	return mgmtapi.Routes(all...)
}
