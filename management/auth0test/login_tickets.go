package auth0test

import (
	"net/http"
	"net/url"
	"strings"
	"time"
)

// ticketOf returns a ticket that still works, or nil. The caller holds the mutex.
func (t *Tenant) ticketOf(r *http.Request, kind string, now time.Time) *ticket {
	k := t.tickets[r.FormValue("ticket")]
	if k == nil || k.kind != kind || !now.Before(k.expiresAt) {
		return nil
	}
	return k
}

// deadTicket is the page of a link that does not work (any more).
func deadTicket(w http.ResponseWriter) {
	renderError(w, &pageError{http.StatusBadRequest, "access_expired", "This URL can be used only once, or its time is over."})
}

// serveResetPassword is behind the link of a password change: it shows a form,
// and takes it once.
func (t *Tenant) serveResetPassword(w http.ResponseWriter, r *http.Request) {
	now := t.lock()
	k := t.ticketOf(r, "password_change", now)
	t.mu.Unlock()
	if k == nil {
		deadTicket(w)
		return
	}
	preset, _ := k.set["new_password"].(string)
	if r.Method != http.MethodPost && preset == "" {
		showReset(w, k, "")
		return
	}
	password := preset
	if password == "" {
		password = r.PostFormValue("newPassword")
		if again := r.PostFormValue("confirmNewPassword"); again != password {
			showReset(w, k, "The passwords did not match")
			return
		}
	}
	if problem := t.resetPassword(r, k, password); problem != "" {
		showReset(w, k, problem)
		return
	}
	t.ticketDone(w, r, k, "You can now login to the application with the new password.")
}

func showReset(w http.ResponseWriter, k *ticket, problem string) {
	p := page{Title: "Change your password", Problem: problem, Action: "/u/reset-password?ticket=" + k.id, Fields: []field{
		{Name: "newPassword", Label: "New password", Type: "password", Autocomplete: "new-password"},
		{Name: "confirmNewPassword", Label: "Re-enter new password", Type: "password", Autocomplete: "new-password"},
	}, Buttons: []button{{"action", "default", "Reset password"}}}
	status := http.StatusOK
	if problem != "" {
		status = http.StatusBadRequest
	}
	renderHTML(w, status, pageTemplate, p)
}

// resetPassword sets the password of a ticket's user and spends the ticket; it
// returns what is wrong with the password.
func (t *Tenant) resetPassword(r *http.Request, k *ticket, password string) (problem string) {
	secret := newCredential(password)
	now := t.lock()
	defer t.mu.Unlock()
	u := t.users.get(k.userID)
	if u == nil || t.tickets[k.id] == nil {
		return "The user or the link is gone"
	}
	f := t.ticketFields(r, u)
	if con := t.connectionNamed(u.connection()); con == nil || con.checkPolicy(password) != nil {
		f.Description = "Password is too weak"
		t.log("fcp", f)
		return f.Description
	}
	if t.leaked(password, "reset_pwd_leak", t.authState.protect.breached.changing, f, now) {
		return textLeakedChoice
	}
	delete(t.tickets, k.id)
	u.password, u.lastPasswordReset = secret, now
	t.authState.protect.unblock(u.identifiers())
	if verified, _ := k.set["mark_email_as_verified"].(bool); verified {
		u.emailVerified = true
	}
	t.touch(u, now)
	t.passwordChanged(u.id)
	t.log("scp", f)
	return ""
}

func (t *Tenant) ticketFields(r *http.Request, u *user) logFields {
	from := originOf(r)
	return logFields{UserID: u.id, UserName: u.email, Connection: u.connection(), IP: from.ip, UserAgent: from.userAgent, Hostname: from.host}
}

// serveEmailVerification is behind the link that verifies an address.
func (t *Tenant) serveEmailVerification(w http.ResponseWriter, r *http.Request) {
	now := t.lock()
	k := t.ticketOf(r, "email_verification", now)
	if k == nil || t.users.get(k.userID) == nil {
		t.mu.Unlock()
		deadTicket(w)
		return
	}
	u := t.users.get(k.userID)
	delete(t.tickets, k.id)
	u.emailVerified = true
	t.touch(u, now)
	t.log("sv", t.ticketFields(r, u))
	t.mu.Unlock()
	t.ticketDone(w, r, k, "Your email was verified. You can continue using the application.")
}

// serveUnblock is behind the link of the mail about a blocked account.
func (t *Tenant) serveUnblock(w http.ResponseWriter, r *http.Request) {
	now := t.lock()
	k := t.ticketOf(r, "unblock", now)
	if k == nil || t.users.get(k.userID) == nil {
		t.mu.Unlock()
		deadTicket(w)
		return
	}
	u := t.users.get(k.userID)
	delete(t.tickets, k.id)
	t.authState.protect.unblock(u.identifiers())
	t.log("ublkdu", t.ticketFields(r, u))
	t.mu.Unlock()
	t.ticketDone(w, r, k, "Your account was unblocked.")
}

// ticketDone goes on where the ticket says, or tells that it worked.
func (t *Tenant) ticketDone(w http.ResponseWriter, r *http.Request, k *ticket, message string) {
	if k.resultURL == "" {
		render200(w, doneTemplate, message)
		return
	}
	sep := "?"
	if strings.Contains(k.resultURL, "?") {
		sep = "&"
	}
	v := url.Values{"success": {"true"}, "code": {"success"}, "message": {message}}
	http.Redirect(w, r, k.resultURL+sep+v.Encode(), http.StatusFound)
}
