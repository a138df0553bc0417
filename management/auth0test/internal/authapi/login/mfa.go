package login

import (
	"cmp"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/auth0kit/auth0kit/management/auth0test/internal/authapi"
	"github.com/auth0kit/auth0kit/management/auth0test/internal/effects"
	"github.com/auth0kit/auth0kit/management/auth0test/internal/keys"
	"github.com/auth0kit/auth0kit/management/auth0test/internal/pages"
	"github.com/auth0kit/auth0kit/management/auth0test/internal/state"
	"github.com/auth0kit/auth0kit/management/auth0test/internal/store"
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

// getFactor shows the page that proves or enrolls the current factor.
func getFactor(t *state.Tenant, l *login, now time.Time) pages.Page {
	e := l.factor
	p := pages.Page{Title: "Verify your identity"}
	if !e.Confirmed {
		p.Title = "Secure your account"
	}
	code := pages.Field{Name: "code", Label: "Enter the 6-digit code", Type: "text", Autocomplete: "one-time-code"}
	remember := pages.Field{Name: "rememberBrowser", Label: "Remember this device for 30 days", Check: true}
	switch {
	case (e.Kind == "sms" || e.Kind == "voice") && e.Phone == "":
		p.Text = "Enter your phone number: we will send a code there."
		p.Fields = []pages.Field{{Name: "phone", Label: "Phone number", Type: "tel", Autocomplete: "tel"}}
		return p
	case e.Kind == "totp":
		p.Text = "Check your authenticator app for a one-time password."
		if !e.Confirmed {
			p.Text = "Scan the code, or type the secret, in your authenticator app."
			p.Code, p.Link = e.Secret, keys.TOTPURI(l.req.app.Name, l.user.Name, e.Secret)
		}
		p.Fields = []pages.Field{code, remember}
	case e.Kind == "recovery-code":
		p.Text = "Enter the recovery code that you got when you enrolled."
		code.Label = "Recovery code"
		p.Fields = []pages.Field{code}
	case e.Kind == "push":
		p.Text = "We sent a notification to your device. Accept it there, then continue."
		p.Fields = []pages.Field{remember}
	default:
		p.Text = "We sent a code to " + e.Masked() + "."
		p.Fields = []pages.Field{code, remember}
	}
	if bad := sendChallenge(t, l, now); bad != nil {
		p.Problem = bad.Description
	}
	p.Others = []pages.Anchor{{URL: l.url(pages.Options), Label: "Try another method"}}
	return p
}

// postFactor takes the code, the answer to a push, or first the number to send a
// code to.
func postFactor(t *state.Tenant, l *login, r *http.Request) (string, *authapi.OAuthError) {
	now := t.Lock()
	defer t.Unlock()
	e := l.factor
	if (e.Kind == "sms" || e.Kind == "voice") && e.Phone == "" {
		phone := strings.ReplaceAll(r.PostFormValue("phone"), " ", "")
		if !strings.HasPrefix(phone, "+") || len(phone) < 5 || len(phone) > 16 || strings.Trim(phone[1:], "0123456789") != "" {
			return "That is not a phone number: write it as +4930123456", nil
		}
		e.Phone = phone
		return "", nil
	}
	return proveFactor(t, l, r, now), nil
}

// getOptions lists the factors among which the user may choose.
func getOptions(t *state.Tenant, l *login, now time.Time) pages.Page {
	p := pages.Page{Title: "Select a method to verify your identity"}
	for _, e := range choices(t, l) {
		label := map[string]string{"totp": "One-time password", "sms": "Text message", "voice": "Phone call", "email": "Email", "push": "Notification", "recovery-code": "Recovery code"}[e.Kind]
		if to := cmp.Or(e.Masked(), e.Name); to != "" {
			label += " (" + to + ")"
		}
		p.Buttons = append(p.Buttons, pages.Button{Name: "action", Value: e.ID, Label: label})
	}
	if len(p.Buttons) == 0 {
		for _, f := range []string{"otp", "sms", "email", "push-notification"} {
			if t.Auth.Factors.Enabled[f] {
				p.Buttons = append(p.Buttons, pages.Button{Name: "action", Value: f, Label: "Enroll " + f})
			}
		}
	}
	return p
}

// postOptions takes the choice: an enrollment of the user, or a factor to enroll.
func postOptions(t *state.Tenant, l *login, r *http.Request) (string, *authapi.OAuthError) {
	t.Lock()
	defer t.Unlock()
	choice := r.PostFormValue("action")
	for _, e := range choices(t, l) {
		if e.ID == choice {
			l.factor = e
			return "", nil
		}
	}
	enabled := t.Auth.Factors.Enabled[choice] && !t.Auth.Factors.Enrolled(l.user.ID)
	if !enabled || choice == "recovery-code" || state.EnrollmentKind[choice] == "" {
		return "Select one of these methods", nil
	}
	l.factor = newFactor(t, l.user, choice)
	return "", nil
}

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
	state.Keep(t, l.state, l, now.Add(authapi.LoginLifetime))
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
	delete(state.Kept[*login](t), l.state)
}
