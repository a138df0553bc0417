package auth0test

import (
	"io"
	"net/http"
	"strings"
	"time"
)

// databaseError is an error of /dbconnections: neither OAuth's nor the
// Management API's.
func databaseError(w http.ResponseWriter, name, code, description string) {
	sendJSON(w, http.StatusBadRequest, map[string]any{
		"name": name, "code": code, "description": description, "statusCode": http.StatusBadRequest,
	})
}

// serveSignup creates a user of a database connection.
func (t *Tenant) serveSignup(w http.ResponseWriter, r *http.Request) {
	q, bad := readAuth(w, r)
	if bad == nil {
		bad = q.need("client_id", "connection", "password")
	}
	if bad != nil {
		bad.send(w)
		return
	}
	secret := newCredential(q.get("password"))
	now := t.lock()
	defer t.mu.Unlock()
	u, name, code, description := t.signup(q, now)
	f := q.logFields()
	f.ClientID, f.Connection, f.UserName = q.get("client_id"), q.get("connection"), q.get("email")
	if code != "" {
		f.Description = description
		t.log("fs", f)
		databaseError(w, name, code, description)
		return
	}
	u.password = secret
	f.UserID = u.id
	t.log("ss", f)
	t.sendVerification(u, q.issuer, now)
	sendJSON(w, http.StatusOK, u.signedUp())
}

// signup adds the user, or says why not: the name, code and text of the error.
func (t *Tenant) signup(q *authRequest, now time.Time) (u *user, name, code, description string) {
	con := t.connectionNamed(q.get("connection"))
	if t.clients.get(q.get("client_id")) == nil {
		return nil, "BadRequestError", "invalid_client", "Client not found"
	}
	if con == nil || !con.database() {
		return nil, "BadRequestError", "connection_not_found", "The connection was not found"
	}
	if off, _ := con.options()["disable_signup"].(bool); off {
		return nil, "BadRequestError", "public_signup_disabled", "Public signup is disabled"
	}
	if con.checkPolicy(q.get("password")) != nil {
		return nil, "PasswordStrengthError", "invalid_password", "Password is too weak"
	}
	if t.leaked(q.get("password"), "signup_pwd_leak", t.authState.protect.breached.signUp, q.logFields(), now) {
		return nil, "BadRequestError", codeLeaked, textLeakedChoice
	}
	email := strings.ToLower(q.get("email"))
	if email != "" && !isEmail(email) || con.checkUsername(q.get("username")) != nil ||
		email == "" && q.get("username") == "" && q.get("phone_number") == "" {
		return nil, "BadRequestError", "invalid_signup", "Invalid sign up"
	}
	raw := newUserID(now)
	metadata, _ := q.values["user_metadata"].(map[string]any)
	u = &user{
		id: con.strategy + "|" + raw, email: email, username: strings.ToLower(q.get("username")), phone: q.get("phone_number"),
		name: q.get("name"), nickname: q.get("nickname"), given: q.get("given_name"), family: q.get("family_name"), picture: q.get("picture"),
		userMetadata: metadata, createdAt: now, updatedAt: now,
		identities: []identity{{connection: con.name, provider: con.strategy, userID: raw}},
	}
	if t.taken(u, con.name) {
		return nil, "BadRequestError", "invalid_signup", "Invalid sign up"
	}
	t.users.add(u)
	t.searchable(u)
	return u, "", "", ""
}

// signedUp is the answer to a sign-up.
func (u *user) signedUp() map[string]any {
	d := map[string]any{"_id": u.identities[0].userID}
	if u.email != "" {
		d["email"], d["email_verified"] = u.email, u.emailVerified
	}
	if u.username != "" {
		d["username"] = u.username
	}
	if u.phone != "" {
		d["phone_number"], d["phone_verified"] = u.phone, u.phoneVerified
	}
	for key, v := range map[string]string{"name": u.name, "nickname": u.nickname, "given_name": u.given, "family_name": u.family, "picture": u.picture} {
		if v != "" {
			d[key] = v
		}
	}
	if u.userMetadata != nil {
		d["user_metadata"] = u.userMetadata
	}
	return d
}

// serveChangePassword mails a link that sets a new password. The answer does not
// tell whether there is such a user.
func (t *Tenant) serveChangePassword(w http.ResponseWriter, r *http.Request) {
	q, bad := readAuth(w, r)
	if bad == nil {
		bad = q.need("connection", "email")
	}
	if bad != nil {
		bad.send(w)
		return
	}
	now := t.lock()
	defer t.mu.Unlock()
	f := q.logFields()
	f.ClientID, f.Connection, f.UserName = q.get("client_id"), q.get("connection"), q.get("email")
	code := "fcpr"
	if u := t.users.withEmail(q.get("connection"), q.get("email")); u != nil {
		tk := t.newTicket("password_change", u.id, now.Add(5*24*time.Hour))
		t.post(Message{Time: now, Channel: "email", To: u.email, Kind: "reset_email", UserID: u.id, URL: tk.url(q.issuer)})
		code, f.UserID = "scpr", u.id
	}
	t.log(code, f)
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	io.WriteString(w, "We've just sent you an email to reset your password.")
}
