package auth0test

import (
	"cmp"
	"strings"
)

// enrollmentTicket answers a link to the enrolment pages, which serveEnrolment
// shows, and mails it when it should.
func enrollmentTicket(c *call) *reply {
	u := c.t.users.get(c.str("user_id"))
	if u == nil {
		return noSuchUser()
	}
	k := c.t.newTicket(ticketEnrolment, u.id, c.now.Add(ticketLife))
	k.set = c.body
	link := c.issuer() + "mfa/enrollment?ticket=" + k.id
	if to := cmp.Or(c.str("email"), u.email); c.yes("send_mail") && to != "" {
		c.t.post(Message{Time: c.now, Channel: "email", To: to, Kind: "enrollment_email", UserID: u.id, URL: link})
	}
	return ok(map[string]any{"ticket_id": k.id, "ticket_url": link})
}

// enrollment finds an enrolment by Guardian's id, which has no kind before it.
func (c *call) enrollment() (*enrolment, *reply) {
	for _, list := range c.t.authState.factors.byUser {
		for _, e := range list {
			if e.device() == c.path("id") {
				return e, nil
			}
		}
	}
	return nil, notFound("Enrollment not found", "enrollment_not_found")
}

// device is the id without its kind: "dev_…".
func (e *enrolment) device() string {
	_, device, _ := strings.Cut(e.id, "|")
	return device
}

func (e *enrolment) status() string {
	if e.confirmed {
		return "confirmed"
	}
	return "pending"
}

// guardianView is the enrolment as Guardian shows it.
func (e *enrolment) guardianView() map[string]any {
	m := map[string]any{"id": e.device(), "status": e.status()}
	put(m, "name", e.name)
	put(m, "phone_number", e.masked())
	if !e.confirmedAt.IsZero() {
		m["enrolled_at"] = stamp(e.confirmedAt)
	}
	if !e.lastAuth.IsZero() {
		m["last_auth"] = stamp(e.lastAuth)
	}
	return m
}

// put sets a key unless the value is empty.
func put(m map[string]any, key, value string) {
	if value != "" {
		m[key] = value
	}
}

func readEnrollment(c *call) *reply {
	e, bad := c.enrollment()
	if bad != nil {
		return bad
	}
	return ok(e.guardianView())
}

func deleteEnrollment(c *call) *reply {
	e, bad := c.enrollment()
	if bad != nil {
		return bad
	}
	c.unenrol(e.userID, func(o *enrolment) bool { return o == e })
	return noContent()
}

// unenrol removes enrolments and notes it.
func (c *call) unenrol(userID string, which func(*enrolment) bool) {
	if c.t.authState.factors.remove(userID, which) > 0 {
		c.t.log("gd_unenroll", logFields{UserID: userID, IP: originOf(c.r).ip, UserAgent: c.r.UserAgent(), Hostname: c.r.Host})
	}
}

// enrollmentKinds name the kinds as GET /users/{id}/enrollments does, which
// shows no others.
var enrollmentKinds = map[string]string{
	"totp": "authenticator", "push": "guardian", "sms": "sms", "voice": "sms",
	"webauthn-roaming": "webauthn-roaming", "webauthn-platform": "webauthn-platform",
}

// listEnrollments answers the first confirmed enrolment: that is what Auth0 does
// under this name.
func listEnrollments(c *call) *reply {
	u, bad := c.user()
	if bad != nil {
		return bad
	}
	for _, e := range c.t.authState.factors.byUser[u.id] {
		kind, shown := enrollmentKinds[e.kind]
		if !shown || !e.confirmed {
			continue
		}
		m := e.guardianView()
		m["type"], m["auth_method"] = kind, kind
		return ok([]any{m})
	}
	return ok([]any{})
}

// deleteProvider removes the apps of a provider: google-authenticator stands for
// all authenticator apps. The tenant has no Duo.
func deleteProvider(c *call) *reply {
	u, bad := c.user()
	if bad != nil {
		return bad
	}
	c.unenrol(u.id, func(e *enrolment) bool { return c.path("provider") == "google-authenticator" && e.kind == "totp" })
	return noContent()
}

func forgetBrowsers(c *call) *reply {
	u, bad := c.user()
	if bad != nil {
		return bad
	}
	c.t.authState.factors.forgetBrowsers(u.id)
	return noContent()
}

// regenerateRecoveryCode works for users without any enrolment too, as it does
// in recorded traffic.
func regenerateRecoveryCode(c *call) *reply {
	u, bad := c.user()
	if bad != nil {
		return bad
	}
	return ok(map[string]any{"recovery_code": c.t.authState.factors.newRecovery(u.id, c.now).secret})
}
