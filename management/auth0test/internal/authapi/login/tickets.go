package login

import (
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/auth0kit/auth0kit/management/auth0test/internal/authapi"
	"github.com/auth0kit/auth0kit/management/auth0test/internal/pages"
	"github.com/auth0kit/auth0kit/management/auth0test/internal/state"
	"github.com/auth0kit/auth0kit/management/auth0test/internal/web"
)

// ticketOf returns a ticket that still works with its user, or nil. The caller holds the
// mutex.
func ticketOf(t *state.Tenant, r *http.Request, kind string, now time.Time) (*state.Ticket, *state.User) {
	k := t.Tickets[r.FormValue("ticket")]
	if k == nil || k.Kind != kind || !now.Before(k.ExpiresAt) || t.Users.Get(k.UserID) == nil {
		return nil, nil
	}
	return k, t.Users.Get(k.UserID)
}

// deadTicket is the page of a link that does not work (any more).
func deadTicket(w http.ResponseWriter) {
	authapi.RenderError(w, &authapi.PageError{Status: http.StatusBadRequest, Code: "access_expired", Description: "This URL can be used only once, or its time is over."})
}

// serveResetPassword is behind the link of a password change: it shows a form,
// and takes it once.
func serveResetPassword(t *state.Tenant, w http.ResponseWriter, r *http.Request) {
	now := t.Lock()
	k, _ := ticketOf(t, r, "password_change", now)
	t.Unlock()
	if k == nil {
		deadTicket(w)
		return
	}
	password, _ := k.Set["new_password"].(string)
	switch {
	case password != "":
	case r.Method != http.MethodPost:
		showReset(w, k, "")
		return
	default:
		if password = r.PostFormValue("newPassword"); r.PostFormValue("confirmNewPassword") != password {
			showReset(w, k, "The passwords did not match")
			return
		}
	}
	if problem := resetPassword(t, r, k, password); problem != "" {
		showReset(w, k, problem)
		return
	}
	ticketDone(t, w, r, k, "You can now login to the application with the new password.")
}

func showReset(w http.ResponseWriter, k *state.Ticket, problem string) {
	p := pages.Page{Title: "Change your password", Problem: problem, Action: "/u/reset-password?ticket=" + k.ID, Fields: []pages.Field{
		{Name: "newPassword", Label: "New password", Type: "password", Autocomplete: "new-password"},
		{Name: "confirmNewPassword", Label: "Re-enter new password", Type: "password", Autocomplete: "new-password"},
	}, Buttons: []pages.Button{{Name: "action", Value: "default", Label: "Reset password"}}}
	status := http.StatusOK
	if problem != "" {
		status = http.StatusBadRequest
	}
	pages.RenderStatus(w, status, pages.Template, p)
}

// resetPassword sets the password of a ticket's user and spends the ticket; it
// returns what is wrong with the password.
func resetPassword(t *state.Tenant, r *http.Request, k *state.Ticket, password string) (problem string) {
	secret := state.NewCredential(password)
	now := t.Lock()
	defer t.Unlock()
	_, u := ticketOf(t, r, k.Kind, now)
	if u == nil || t.ConnectionNamed(u.Connection()) == nil {
		return "The user or the link is gone"
	}
	f, con := ticketFields(t, r, u), t.ConnectionNamed(u.Connection())
	if _, text, bad := strings.Cut(con.CheckNewPassword(u, password), ": "); bad {
		f.Description = text
		t.Log("fcp", f)
		return text
	}
	if t.Leaked(password, "reset_pwd_leak", "pre-change-password", f, now) {
		return state.TextLeakedChoice
	}
	delete(t.Tickets, k.ID)
	if failed := t.ChangePassword(u, con, password, secret, f.IP, now); failed != nil {
		f.Description = failed.Message
		t.Log("fcp", f)
		return failed.Message
	}
	t.Auth.Protect.Unblock(u.Identifiers())
	if verified, _ := k.Set["mark_email_as_verified"].(bool); verified {
		u.EmailVerified = true
	}
	t.Touch(u, now)
	t.PasswordChanged(u.ID)
	t.Log("scp", f)
	return ""
}

func ticketFields(t *state.Tenant, r *http.Request, u *state.User) state.LogFields {
	from := web.OriginOf(r)
	return state.LogFields{UserID: u.ID, UserName: u.Email, Connection: u.Connection(), IP: from.IP, UserAgent: from.UserAgent, Hostname: from.Host}
}

// link is behind a link of a mail. It spends the ticket; do may say what went wrong.
func link(kind, done string, do func(t *state.Tenant, u *state.User, f state.LogFields, now time.Time) (problem string)) func(*state.Tenant, http.ResponseWriter, *http.Request) {
	return func(t *state.Tenant, w http.ResponseWriter, r *http.Request) {
		now := t.Lock()
		k, u := ticketOf(t, r, kind, now)
		if k == nil {
			t.Unlock()
			deadTicket(w)
			return
		}
		delete(t.Tickets, k.ID)
		problem := do(t, u, ticketFields(t, r, u), now)
		t.Unlock()
		if problem != "" {
			authapi.RenderError(w, &authapi.PageError{Status: http.StatusBadRequest, Code: "unknown_error", Description: problem})
			return
		}
		ticketDone(t, w, r, k, done)
	}
}

// verify verifies an address.
func verify(t *state.Tenant, u *state.User, f state.LogFields, now time.Time) string {
	if failed := t.ChangeThere(t.ConnectionNamed(u.Connection()), f.IP, "verify", u.Email); failed != nil {
		f.Description = failed.Message
		t.Log("fv", f)
		return failed.Message
	}
	u.EmailVerified = true
	t.Touch(u, now)
	t.Log("sv", f)
	return ""
}

// unblock lifts the blocks of an account.
func unblock(t *state.Tenant, u *state.User, f state.LogFields, _ time.Time) string {
	t.Auth.Protect.Unblock(u.Identifiers())
	t.Log("ublkdu", f)
	return ""
}

// ticketDone goes on where the ticket says, or tells that it worked.
func ticketDone(t *state.Tenant, w http.ResponseWriter, r *http.Request, k *state.Ticket, message string) {
	if k.ResultURL == "" {
		pages.Render(w, pages.Done, message)
		return
	}
	sep := "?"
	if strings.Contains(k.ResultURL, "?") {
		sep = "&"
	}
	v := url.Values{"success": {"true"}, "code": {"success"}, "message": {message}}
	http.Redirect(w, r, k.ResultURL+sep+v.Encode(), http.StatusFound)
}
