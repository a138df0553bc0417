package login

import (
	"net/http"
	"slices"
	"time"

	"github.com/auth0kit/auth0kit/management/auth0test/internal/authapi"
	"github.com/auth0kit/auth0kit/management/auth0test/internal/keys"
	"github.com/auth0kit/auth0kit/management/auth0test/internal/pages"
	"github.com/auth0kit/auth0kit/management/auth0test/internal/state"
	"github.com/auth0kit/auth0kit/management/auth0test/internal/web"
)

// mfaPage returns the page of the second factor: a challenge for a user who is
// enrolled, else an enrollment. The caller holds the mutex.
func mfaPage(t *state.Tenant, l *login, now time.Time) (string, *authapi.OAuthError) {
	if l.factor == nil {
		l.factor = firstFactor(t, l.user, now)
		if l.factor == nil {
			return "", authapi.OAuthFail(0, "access_denied", "The tenant has no second factor that this page can enroll")
		}
		f := l.logFields(t)
		if l.factor.Confirmed {
			t.Log("gd_start_auth", f)
		} else {
			t.Log("gd_start_enroll", f)
		}
	}
	return factorPage(l.factor), nil
}

// factorPage is the page that proves a factor.
func factorPage(e *state.Enrollment) string {
	suffix := "-challenge"
	if !e.Confirmed {
		suffix = "-enrollment"
	}
	switch e.Kind {
	case "totp":
		return "mfa-otp" + suffix
	case "recovery-code":
		return pages.Recovery
	case "push":
		return "mfa-push" + suffix
	case "voice":
		return "mfa-voice" + suffix
	}
	return "mfa-" + e.Kind + suffix
}

// firstFactor chooses the factor that is proposed: what the user is enrolled in,
// or a new one of what the tenant has.
func firstFactor(t *state.Tenant, u *state.User, now time.Time) *state.Enrollment {
	for _, e := range t.Auth.Factors.Usable(u.ID) {
		switch e.Kind {
		case "totp", "sms", "voice", "email", "push":
			return e
		}
	}
	return unenrolled(t, u)
}

// newFactor is a factor that is not stored before it has been proved.
func newFactor(t *state.Tenant, u *state.User, factor string) *state.Enrollment {
	e := &state.Enrollment{UserID: u.ID, Kind: state.EnrollmentKind[factor]}
	switch factor {
	case "otp":
		e.Secret = keys.NewTOTPSecret()
	case "email":
		e.Email = u.Email
	}
	return e
}

// choices are the factors among which the user may choose on the page.
func choices(t *state.Tenant, l *login) []*state.Enrollment {
	return slices.DeleteFunc(t.Auth.Factors.Usable(l.user.ID), func(e *state.Enrollment) bool {
		return e.Kind == "webauthn-roaming" || e.Kind == "webauthn-platform"
	})
}

func (l *login) logFields(t *state.Tenant) state.LogFields {
	i := authapi.Issuance{App: l.req.app, User: l.user, Org: l.org}
	f := i.LogFields(web.Origin{})
	f.Connection = l.connection
	return f
}

// send challenges the current factor, once for each visit of its page.
func sendChallenge(t *state.Tenant, l *login, now time.Time) *authapi.OAuthError {
	e := l.factor
	if e.Kind == "totp" || e.Kind == "recovery-code" || e.Kind == "sms" && e.Phone == "" {
		return nil
	}
	if l.sent != nil && l.sent.Factor == e && now.Before(l.sent.Expires) && l.sent.Answer != state.Denied {
		return nil
	}
	c, bad := authapi.ChallengeOOB(t, e, l.logFields(t), now)
	l.sent = c
	return bad
}

// proveFactor checks what the page of the second factor sent; an error is what
// the page then says.
func proveFactor(t *state.Tenant, l *login, r *http.Request, now time.Time) (problem string) {
	e, f, code := l.factor, l.logFields(t), r.PostFormValue("code")
	var bad *authapi.OAuthError
	switch {
	case e.Kind == "recovery-code":
		var fresh string
		if fresh, bad = authapi.ProvesRecovery(t, l.user.ID, code, f, now); bad == nil {
			l.notice = fresh
		}
	case e.Kind == "totp" && !e.Confirmed:
		step, ok := keys.CheckTOTP(e.Secret, code, 0, now)
		if e.LastStep = step; !ok {
			return "The code you entered is invalid"
		}
		authapi.Proved(t, e, f, now)
	case e.Kind == "totp":
		bad = authapi.ProvesOTP(t, l.user.ID, code, f, now)
	case l.sent == nil:
		return "Ask for a new code first"
	default:
		bad = authapi.ProvesOOB(t, l.sent, code, f, now)
	}
	if bad != nil {
		return pageText(bad)
	}
	if e.ID == "" {
		t.Auth.Factors.Add(e, now)
		offerRecovery(t, l, now)
	}
	l.mfa, l.remember = true, r.PostFormValue("rememberBrowser") != ""
	l.methods = append(l.methods, state.AuthMethod{Name: "mfa", Type: e.Kind, At: now})
	return ""
}

// offerRecovery shows a first recovery code after a first enrollment.
func offerRecovery(t *state.Tenant, l *login, now time.Time) {
	s := &t.Auth.Factors
	if s.Enabled["recovery-code"] && s.Recovery(l.user.ID) == nil {
		l.notice = s.NewRecovery(l.user.ID, now).Secret
	}
}

// pageText is how a page words an error.
func pageText(bad *authapi.OAuthError) string {
	switch bad.Code {
	case "authorization_pending":
		return "We have not received a response to the notification yet"
	case "access_denied":
		return "The notification was rejected"
	case "invalid_grant":
		return "The code you entered is invalid"
	}
	return bad.Description
}
