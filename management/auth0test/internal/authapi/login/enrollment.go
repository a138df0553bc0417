package login

import (
	"net/http"
	"time"

	"github.com/auth0kit/auth0kit/management/auth0test/internal/authapi"
	"github.com/auth0kit/auth0kit/management/auth0test/internal/effects"
	"github.com/auth0kit/auth0kit/management/auth0test/internal/pages"
	"github.com/auth0kit/auth0kit/management/auth0test/internal/state"
	"github.com/auth0kit/auth0kit/management/auth0test/internal/store"
	"github.com/auth0kit/auth0kit/management/auth0test/internal/web"
)

// ticketFactors maps the factors of enrollment tickets to those of the tenant.
var ticketFactors = map[string]string{"otp": "otp", "phone": "sms", "email": "email", "push-notification": "push-notification"}

// serveEnrollment is behind the link of an enrollment ticket: it goes over the same
// pages as the enrollment at a login, and spends the ticket at the end.
func serveEnrollment(t *state.Tenant, w http.ResponseWriter, r *http.Request) {
	now := t.Lock()
	l := beginEnrollment(t, r, now)
	t.Unlock()
	if l == nil {
		deadTicket(w)
		return
	}
	proceed(t, w, r, l)
}

func beginEnrollment(t *state.Tenant, r *http.Request, now time.Time) *login {
	k, _ := ticketOf(t, r, state.TicketEnrollment, now)
	if k == nil {
		return nil
	}
	u := t.UserView(k.UserID)
	l := &login{
		state: store.RandomID(32), ticket: k, user: u, connection: u.Connection(), verdict: &effects.Verdict{},
		req: &authorizeRequest{app: &state.App{Name: "auth0test"}, issuer: web.IssuerOf(r)},
	}
	if f := ticketFactors[store.Document(k.Set).Text("factor")]; f != "" && t.Auth.Factors.Enabled[f] {
		l.factor = newFactor(t, u, f)
	}
	loginsOf(t).logins[l.state] = l
	t.Timeline.At(now.Add(authapi.LoginLifetime), func(time.Time) { delete(loginsOf(t).logins, l.state) })
	return l
}

// nextEnrollmentPage says what an enrollment still needs. The caller holds the
// mutex.
func nextEnrollmentPage(t *state.Tenant, l *login, now time.Time) (string, *authapi.OAuthError) {
	switch {
	case t.Tickets[l.ticket.ID] == nil:
		return "", authapi.OAuthFail(0, "access_expired", "This URL can be used only once, or its time is over.")
	case l.notice != "":
		return pages.Notice, nil
	case l.mfa:
		return "", nil
	case l.factor == nil:
		l.factor = unenrolled(t, l.user)
	}
	if l.factor == nil {
		return "", authapi.OAuthFail(0, "access_denied", "The tenant has no second factor that this page can enroll")
	}
	return factorPage(l.factor), nil
}

// unenrolled is a first factor of the tenant to enroll.
func unenrolled(t *state.Tenant, u *state.User) *state.Enrollment {
	for _, f := range []string{"otp", "sms", "email", "push-notification"} {
		if t.Auth.Factors.Enabled[f] {
			return newFactor(t, u, f)
		}
	}
	return nil
}

// finishEnrollment spends the ticket.
func finishEnrollment(t *state.Tenant, l *login) {
	delete(t.Tickets, l.ticket.ID)
	delete(loginsOf(t).logins, l.state)
}
