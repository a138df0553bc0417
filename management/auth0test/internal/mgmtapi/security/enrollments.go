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

func status(e *state.Enrollment) string {
	if e.Confirmed {
		return "confirmed"
	}
	return "pending"
}

// guardianView is the enrollment as Guardian shows it.
func guardianView(e *state.Enrollment) map[string]any {
	m := map[string]any{"id": device(e), "status": status(e)}
	store.Put(m, "name", e.Name)
	store.Put(m, "phone_number", e.Masked())
	if !e.ConfirmedAt.IsZero() {
		m["enrolled_at"] = store.Stamp(e.ConfirmedAt)
	}
	if !e.LastAuth.IsZero() {
		m["last_auth"] = store.Stamp(e.LastAuth)
	}
	return m
}

func readEnrollment(c *mgmtapi.Call, e *state.Enrollment) *mgmtapi.Reply {
	return mgmtapi.OK(guardianView(e))
}

func deleteEnrollment(c *mgmtapi.Call, e *state.Enrollment) *mgmtapi.Reply {
	unenroll(c, e.UserID, func(o *state.Enrollment) bool { return o == e })
	return mgmtapi.NoContent()
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
func listEnrollments(c *mgmtapi.Call, u *state.User) *mgmtapi.Reply {
	for _, e := range c.T.Auth.Factors.ByUser[u.ID] {
		kind, shown := enrollmentKinds[e.Kind]
		if !shown || !e.Confirmed {
			continue
		}
		m := guardianView(e)
		m["type"], m["auth_method"] = kind, kind
		return mgmtapi.OK([]any{m})
	}
	return mgmtapi.OK([]any{})
}

// deleteProvider removes the apps of a provider: google-authenticator stands for
// all authenticator apps. The tenant has no Duo.
func deleteProvider(c *mgmtapi.Call, u *state.User) *mgmtapi.Reply {
	unenroll(c, u.ID, func(e *state.Enrollment) bool {
		return c.Path("provider") == "google-authenticator" && e.Kind == "totp"
	})
	return mgmtapi.NoContent()
}

func forgetBrowsers(c *mgmtapi.Call, u *state.User) *mgmtapi.Reply {
	c.T.Auth.Factors.ForgetBrowsers(u.ID)
	return mgmtapi.NoContent()
}

// regenerateRecoveryCode works for users without any enrollment too, as it does
// in recorded traffic.
func regenerateRecoveryCode(c *mgmtapi.Call, u *state.User) *mgmtapi.Reply {
	return mgmtapi.OK(map[string]any{"recovery_code": c.T.Auth.Factors.NewRecovery(u.ID, c.Now).Secret})
}
