package auth0test

import (
	"net/http"
	"slices"
	"time"
)

// mfaPage returns the page of the second factor: a challenge for a user who is
// enrolled, else an enrolment. The caller holds the mutex.
func (t *Tenant) mfaPage(l *login, now time.Time) (string, *oauthError) {
	if l.factor == nil {
		l.factor = t.firstFactor(l.user, now)
		if l.factor == nil {
			return "", oauthFail(0, "access_denied", "The tenant has no second factor that this page can enrol")
		}
		f := l.logFields(t)
		if l.factor.confirmed {
			t.log("gd_start_auth", f)
		} else {
			t.log("gd_start_enroll", f)
		}
	}
	return factorPage(l.factor), nil
}

// factorPage is the page that proves a factor.
func factorPage(e *enrolment) string {
	suffix := "-challenge"
	if !e.confirmed {
		suffix = "-enrollment"
	}
	switch e.kind {
	case "totp":
		return "mfa-otp" + suffix
	case "recovery-code":
		return pageRecovery
	case "push":
		return "mfa-push" + suffix
	case "voice":
		return "mfa-voice" + suffix
	}
	return "mfa-" + e.kind + suffix
}

// firstFactor chooses the factor that is proposed: what the user is enrolled in,
// or a new one of what the tenant has.
func (t *Tenant) firstFactor(u *userView, now time.Time) *enrolment {
	for _, e := range t.authState.factors.usable(u.id) {
		switch e.kind {
		case "totp", "sms", "voice", "email", "push":
			return e
		}
	}
	return t.unenrolled(u)
}

// newFactor is a factor that is not stored before it has been proved.
func (t *Tenant) newFactor(u *userView, factor string) *enrolment {
	e := &enrolment{userID: u.id, kind: enrolmentKind[factor]}
	switch factor {
	case "otp":
		e.secret = newTOTPSecret()
	case "email":
		e.email = u.email
	}
	return e
}

// choices are the factors among which the user may choose on the page.
func (t *Tenant) choices(l *login) []*enrolment {
	return slices.DeleteFunc(t.authState.factors.usable(l.user.id), func(e *enrolment) bool {
		return e.kind == "webauthn-roaming" || e.kind == "webauthn-platform"
	})
}

func (l *login) logFields(t *Tenant) logFields {
	i := issuance{app: l.req.app, user: l.user, org: l.org}
	f := i.logFields(origin{})
	f.Connection = l.connection
	return f
}

// send challenges the current factor, once for each visit of its page.
func (t *Tenant) sendChallenge(l *login, now time.Time) *oauthError {
	e := l.factor
	if e.kind == "totp" || e.kind == "recovery-code" || e.kind == "sms" && e.phone == "" {
		return nil
	}
	if l.sent != nil && l.sent.factor == e && now.Before(l.sent.expires) && l.sent.answer != denied {
		return nil
	}
	c, bad := t.challengeOOB(e, l.logFields(t), now)
	l.sent = c
	return bad
}

// proveFactor checks what the page of the second factor sent; an error is what
// the page then says.
func (t *Tenant) proveFactor(l *login, r *http.Request, now time.Time) (problem string) {
	e, f, code := l.factor, l.logFields(t), r.PostFormValue("code")
	var bad *oauthError
	switch {
	case e.kind == "recovery-code":
		var fresh string
		if fresh, bad = t.provesRecovery(l.user.id, code, f, now); bad == nil {
			l.notice = fresh
		}
	case e.kind == "totp" && !e.confirmed:
		step, ok := checkTOTP(e.secret, code, 0, now)
		if e.lastStep = step; !ok {
			return "The code you entered is invalid"
		}
		t.proved(e, f, now)
	case e.kind == "totp":
		bad = t.provesOTP(l.user.id, code, f, now)
	case l.sent == nil:
		return "Ask for a new code first"
	default:
		bad = t.provesOOB(l.sent, code, f, now)
	}
	if bad != nil {
		return pageText(bad)
	}
	if e.id == "" {
		t.authState.factors.add(e, now)
		t.offerRecovery(l, now)
	}
	l.mfa, l.remember = true, r.PostFormValue("rememberBrowser") != ""
	l.methods = append(l.methods, authMethod{Name: "mfa", Type: e.kind, At: now})
	return ""
}

// offerRecovery shows a first recovery code after a first enrolment.
func (t *Tenant) offerRecovery(l *login, now time.Time) {
	s := &t.authState.factors
	if s.enabled["recovery-code"] && s.recovery(l.user.id) == nil {
		l.notice = s.newRecovery(l.user.id, now).secret
	}
}

// pageText is how a page words an error.
func pageText(bad *oauthError) string {
	switch bad.code {
	case "authorization_pending":
		return "We have not received a response to the notification yet"
	case "access_denied":
		return "The notification was rejected"
	case "invalid_grant":
		return "The code you entered is invalid"
	}
	return bad.description
}
