package auth0test

import (
	"net/http"
	"time"
)

// ticketEnrolment is the kind of tickets that enrol a factor. Their set may name
// one, as the Management API does, in factor.
const ticketEnrolment = "mfa_enrollment"

// ticketFactors maps the factors of enrolment tickets to those of the tenant.
var ticketFactors = map[string]string{"otp": "otp", "phone": "sms", "email": "email", "push-notification": "push-notification"}

// serveEnrolment is behind the link of an enrolment ticket: it goes over the same
// pages as the enrolment at a login, and spends the ticket at the end.
func (t *Tenant) serveEnrolment(w http.ResponseWriter, r *http.Request) {
	now := t.lock()
	l := t.beginEnrolment(r, now)
	t.mu.Unlock()
	if l == nil {
		deadTicket(w)
		return
	}
	t.proceed(w, r, l)
}

func (t *Tenant) beginEnrolment(r *http.Request, now time.Time) *login {
	k := t.ticketOf(r, ticketEnrolment, now)
	if k == nil {
		return nil
	}
	u := t.userView(k.userID)
	if u == nil {
		return nil
	}
	l := &login{
		state: randomID(32), ticket: k, user: u, connection: u.connection, verdict: &verdict{},
		req: &authorizeRequest{app: &app{name: "auth0test"}, issuer: issuerOf(r)},
	}
	if f := ticketFactors[document(k.set).text("factor")]; f != "" && t.authState.factors.enabled[f] {
		l.factor = t.newFactor(u, f)
	}
	t.authState.logins[l.state] = l
	t.timeline.at(now.Add(loginLifetime), func(time.Time) { delete(t.authState.logins, l.state) })
	return l
}

// nextEnrolmentPage says what an enrolment still needs. The caller holds the
// mutex.
func (t *Tenant) nextEnrolmentPage(l *login, now time.Time) (string, *oauthError) {
	switch {
	case t.tickets[l.ticket.id] == nil:
		return "", oauthFail(0, "access_expired", "This URL can be used only once, or its time is over.")
	case l.notice != "":
		return pageNotice, nil
	case l.mfa:
		return "", nil
	case l.factor == nil:
		l.factor = t.unenrolled(l.user)
	}
	if l.factor == nil {
		return "", oauthFail(0, "access_denied", "The tenant has no second factor that this page can enrol")
	}
	return factorPage(l.factor), nil
}

// unenrolled is a first factor of the tenant to enrol.
func (t *Tenant) unenrolled(u *userView) *enrolment {
	for _, f := range []string{"otp", "sms", "email", "push-notification"} {
		if t.authState.factors.enabled[f] {
			return t.newFactor(u, f)
		}
	}
	return nil
}

// finishEnrolment spends the ticket.
func (t *Tenant) finishEnrolment(l *login) {
	delete(t.tickets, l.ticket.id)
	delete(t.authState.logins, l.state)
}
