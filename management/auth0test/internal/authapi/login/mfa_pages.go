package login

import (
	"cmp"
	"net/http"
	"strings"
	"time"

	"github.com/auth0kit/auth0kit/management/auth0test/internal/authapi"
	"github.com/auth0kit/auth0kit/management/auth0test/internal/keys"
	"github.com/auth0kit/auth0kit/management/auth0test/internal/pages"
	"github.com/auth0kit/auth0kit/management/auth0test/internal/state"
)

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
