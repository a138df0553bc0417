package security

import (
	"cmp"
	"strings"

	"github.com/auth0kit/auth0kit/management/auth0test/internal/mgmtapi"
	"github.com/auth0kit/auth0kit/management/auth0test/internal/state"
	"github.com/auth0kit/auth0kit/management/auth0test/internal/store"
	"github.com/auth0kit/auth0kit/management/auth0test/internal/web"
)

// enrollmentTicket answers a link to the enrollment pages, which serveEnrollment
// shows, and mails it when it should.
func enrollmentTicket(c *mgmtapi.Call) *mgmtapi.Reply {
	u := c.T.Users.Get(c.Str("user_id"))
	if u == nil {
		return mgmtapi.NoSuchUser()
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
