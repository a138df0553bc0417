package auth0test

import (
	"cmp"
	"net/http"
	"strings"
	"time"
)

// getFactor shows the page that proves or enrols the current factor.
func (t *Tenant) getFactor(l *login, now time.Time) page {
	e := l.factor
	p := page{Title: "Verify your identity"}
	if !e.confirmed {
		p.Title = "Secure your account"
	}
	code := field{Name: "code", Label: "Enter the 6-digit code", Type: "text", Autocomplete: "one-time-code"}
	remember := field{Name: "rememberBrowser", Label: "Remember this device for 30 days", Check: true}
	switch {
	case (e.kind == "sms" || e.kind == "voice") && e.phone == "":
		p.Text = "Enter your phone number: we will send a code there."
		p.Fields = []field{{Name: "phone", Label: "Phone number", Type: "tel", Autocomplete: "tel"}}
		return p
	case e.kind == "totp":
		p.Text = "Check your authenticator app for a one-time password."
		if !e.confirmed {
			p.Text = "Scan the code, or type the secret, in your authenticator app."
			p.Code, p.Link = e.secret, totpURI(l.req.app.name, l.user.name, e.secret)
		}
		p.Fields = []field{code, remember}
	case e.kind == "recovery-code":
		p.Text = "Enter the recovery code that you got when you enrolled."
		code.Label = "Recovery code"
		p.Fields = []field{code}
	case e.kind == "push":
		p.Text = "We sent a notification to your device. Accept it there, then continue."
		p.Fields = []field{remember}
	default:
		p.Text = "We sent a code to " + e.masked() + "."
		p.Fields = []field{code, remember}
	}
	if bad := t.sendChallenge(l, now); bad != nil {
		p.Problem = bad.description
	}
	p.Others = []anchor{{l.url(pageOptions), "Try another method"}}
	return p
}

// postFactor takes the code, the answer to a push, or first the number to send a
// code to.
func (t *Tenant) postFactor(l *login, r *http.Request) (string, *oauthError) {
	now := t.lock()
	defer t.mu.Unlock()
	e := l.factor
	if (e.kind == "sms" || e.kind == "voice") && e.phone == "" {
		phone := strings.ReplaceAll(r.PostFormValue("phone"), " ", "")
		if !strings.HasPrefix(phone, "+") || len(phone) < 5 || len(phone) > 16 || strings.Trim(phone[1:], "0123456789") != "" {
			return "That is not a phone number: write it as +4930123456", nil
		}
		e.phone = phone
		return "", nil
	}
	return t.proveFactor(l, r, now), nil
}

// getOptions lists the factors among which the user may choose.
func (t *Tenant) getOptions(l *login, now time.Time) page {
	p := page{Title: "Select a method to verify your identity"}
	for _, e := range t.choices(l) {
		label := map[string]string{"totp": "One-time password", "sms": "Text message", "voice": "Phone call", "email": "Email", "push": "Notification", "recovery-code": "Recovery code"}[e.kind]
		if to := cmp.Or(e.masked(), e.name); to != "" {
			label += " (" + to + ")"
		}
		p.Buttons = append(p.Buttons, button{"action", e.id, label})
	}
	if len(p.Buttons) == 0 {
		for _, f := range []string{"otp", "sms", "email", "push-notification"} {
			if t.authState.factors.enabled[f] {
				p.Buttons = append(p.Buttons, button{"action", f, "Enrol " + f})
			}
		}
	}
	return p
}

// postOptions takes the choice: an enrolment of the user, or a factor to enrol.
func (t *Tenant) postOptions(l *login, r *http.Request) (string, *oauthError) {
	t.lock()
	defer t.mu.Unlock()
	choice := r.PostFormValue("action")
	for _, e := range t.choices(l) {
		if e.id == choice {
			l.factor = e
			return "", nil
		}
	}
	enabled := t.authState.factors.enabled[choice] && !t.authState.factors.enrolled(l.user.id)
	if !enabled || choice == "recovery-code" || enrolmentKind[choice] == "" {
		return "Select one of these methods", nil
	}
	l.factor = t.newFactor(l.user, choice)
	return "", nil
}
