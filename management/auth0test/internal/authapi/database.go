package authapi

import (
	"io"
	"net/http"
	"strings"
	"time"

	"github.com/auth0kit/auth0kit/management/auth0test/internal/effects"
	"github.com/auth0kit/auth0kit/management/auth0test/internal/schema"
	"github.com/auth0kit/auth0kit/management/auth0test/internal/state"
	"github.com/auth0kit/auth0kit/management/auth0test/internal/web"
)

// databaseError is an error of /dbconnections: neither OAuth's nor the
// Management API's.
func databaseError(w http.ResponseWriter, name, code, description string) {
	web.SendJSON(w, http.StatusBadRequest, map[string]any{
		"name": name, "code": code, "description": description, "statusCode": http.StatusBadRequest,
	})
}

// SignupError says why a user was not made.
type SignupError struct {
	Name, Code, Description string
	Friendly                string // What an Action has to say to the user.
	extension               bool   // An Action refused.
}

func (e *SignupError) send(w http.ResponseWriter) {
	if !e.extension {
		databaseError(w, e.Name, e.Code, e.Description)
		return
	}
	web.SendJSON(w, http.StatusBadRequest, map[string]any{
		"name": e.Name, "code": e.Code, "description": e.Description, "message": e.Description, "friendly_message": e.Friendly,
		"statusCode": http.StatusBadRequest, "fromSandbox": true,
	})
}

// serveSignup creates a user of a database connection.
func serveSignup(t *state.Tenant, w http.ResponseWriter, r *http.Request) {
	q := Read(w, r, "client_id", "connection", "password")
	if q == nil {
		return
	}
	secret := state.NewCredential(q.Get("password"))
	now := t.Lock()
	defer t.Unlock()
	u, refused := Signup(t, q, now)
	f := q.logFields()
	f.ClientID, f.Connection, f.UserName = q.Get("client_id"), q.Get("connection"), q.Get("email")
	if refused != nil {
		f.Description = refused.Description
		t.Log("fs", f)
		refused.send(w)
		return
	}
	t.SetFirstPassword(u, secret)
	f.UserID = u.ID
	t.Log("ss", f)
	t.SendVerification(u, q.Issuer, now)
	web.SendJSON(w, http.StatusOK, signedUp(u))
}

// Signup adds the user, or says why not. The caller holds the mutex, which is given
// up while Actions run.
func Signup(t *state.Tenant, q *Request, now time.Time) (*state.User, *SignupError) {
	no := func(code, description string) (*state.User, *SignupError) {
		return nil, &SignupError{Name: "BadRequestError", Code: code, Description: description}
	}
	con := t.ConnectionNamed(q.Get("connection"))
	if t.Clients.Get(q.Get("client_id")) == nil {
		return no("invalid_client", "Client not found")
	}
	if con == nil || !con.Database() {
		return no("connection_not_found", "The connection was not found")
	}
	if !t.MayUse(q.Get("client_id"), con) {
		return no("connection_disabled", ConnectionDisabled)
	}
	if !t.Auth.Protect.SignsUp(q.IP, now) {
		return no("too_many_attempts", state.TextSuspicious)
	}
	if off, _ := con.Options()["disable_signup"].(bool); off {
		return no("public_signup_disabled", "Public signup is disabled")
	}
	if t.Leaked(q.Get("password"), "signup_pwd_leak", "pre-user-registration", q.logFields(), now) {
		return no(state.CodeLeaked, state.TextLeakedChoice)
	}
	email := strings.ToLower(q.Get("email"))
	if email != "" && !schema.IsEmail(email) || con.CheckUsername(q.Get("username")) != "" ||
		email == "" && q.Get("username") == "" && q.Get("phone_number") == "" || !con.CompleteSignup(q.Get) || !signupMetadata(q.Values["user_metadata"]) {
		return no("invalid_signup", "Invalid sign up")
	}
	said := map[string]any{"user_metadata": q.Values["user_metadata"]}
	for name := range new(state.User).Texts() {
		said[name] = q.Get(name)
	}
	u := state.NewUser(con, said, "", now)
	if name, description, bad := strings.Cut(con.CheckNewPassword(u, q.Get("password")), ": "); bad {
		return nil, &SignupError{Name: name, Code: "invalid_password", Description: description}
	}
	if refused := taken(t, u, con); refused != nil {
		return nil, refused
	}
	db := t.CustomDB(con, q.IP)
	if refused := knownThere(t, u, db); refused != nil {
		return nil, refused
	}
	if refused := runPreRegistration(t, q, u, con); refused != nil {
		return nil, refused
	}
	if db != nil && !db.Import {
		return createdThere(t, q, u, db)
	}
	if refused := taken(t, u, con); refused != nil { // While the Actions ran.
		return nil, refused
	}
	t.Users.Add(u)
	t.Searchable(u)
	return u, nil
}

// signupMetadata reports metadata of at most 10 names of 100 characters with text of
// 500, which is what Auth0 takes from who signs up.
func signupMetadata(v any) bool {
	m, is := v.(map[string]any)
	for name, value := range m {
		s, isText := value.(string)
		is = is && isText && len(name) <= 100 && len(s) <= 500
	}
	return v == nil || is && len(m) <= 10
}

// knownThere refuses a user whom the customer's own database has. It gives up the
// mutex for the time.
func knownThere(t *state.Tenant, u *state.User, db *state.CustomDB) *SignupError {
	if db == nil {
		return nil
	}
	t.Unlock()
	known, failed := db.Find(u.Identifiers()[0])
	t.Lock()
	switch {
	case failed != nil:
		return &SignupError{Name: "Error", Code: "internal_error", Description: failed.Message}
	case known != nil:
		return alreadyThere(t)
	}
	return nil
}

// createdThere makes the user in the customer's own database.
func createdThere(t *state.Tenant, q *Request, u *state.User, db *state.CustomDB) (*state.User, *SignupError) {
	t.Unlock()
	made, failed := db.Create(u, q.Get("password"), q.Get("client_id"))
	t.Lock()
	if failed == nil {
		made, failed = db.Adopt(made, state.Credential{})
	}
	switch {
	case failed == nil:
		return made, nil
	case failed.Name == "ValidationError":
		return nil, &SignupError{Name: "ValidationError", Code: failed.About, Description: failed.Message}
	}
	return nil, &SignupError{Name: "Error", Code: "internal_error", Description: failed.Message}
}

// runPreRegistration runs the Actions for a user who is about to be made, and puts
// the metadata that they set into u. It gives up the mutex for the time.
func runPreRegistration(t *state.Tenant, q *Request, u *state.User, con *state.Connection) *SignupError {
	v := effects.NewVerdict()
	t.Unlock()
	a, err := runBound(t, "pre-user-registration", v, func() map[string]any {
		doc := baseEvent(t, t.App(q.Get("client_id")), q.Origin)
		doc["connection"] = map[string]any{"id": con.ID, "name": con.Name, "strategy": con.Strategy, "metadata": map[string]any{}}
		doc["user"] = userDoc(u)
		return doc
	}, effects.RegistrationAPI(v, u))
	if err != nil {
		f := q.logFields()
		f.ClientID, f.Connection = q.Get("client_id"), con.Name
		_ = actionFailed(t, f, a, err)
		v.Refused, v.Reason = true, "Sandbox error"
	}
	t.Lock()
	if v.Refused {
		return &SignupError{Name: "InternalExtensibilityError", Code: "extensibility_error", Description: v.Reason, Friendly: v.Friendly, extension: true}
	}
	return nil
}

// taken refuses a user that is there already.
func taken(t *state.Tenant, u *state.User, con *state.Connection) *SignupError {
	if !t.Taken(u, nil, con.Name) {
		return nil
	}
	return alreadyThere(t)
}

func alreadyThere(t *state.Tenant) *SignupError {
	if t.TenantFlag("enable_public_signup_user_exists_error") {
		return &SignupError{Name: "BadRequestError", Code: "user_exists", Description: "The user already exists."}
	}
	return &SignupError{Name: "BadRequestError", Code: "invalid_signup", Description: "Invalid sign up"}
}

// signedUp is the answer to a sign-up.
func signedUp(u *state.User) map[string]any {
	d := u.Said()
	d["_id"] = u.Identities[0].UserID
	if u.UserMetadata != nil {
		d["user_metadata"] = u.UserMetadata
	}
	return d
}

// serveChangePassword mails a link that sets a new password. The answer does not
// tell whether there is such a user.
func serveChangePassword(t *state.Tenant, w http.ResponseWriter, r *http.Request) {
	q := Read(w, r, "connection", "email")
	if q == nil {
		return
	}
	now := t.Lock()
	defer t.Unlock()
	f := q.logFields()
	f.ClientID, f.Connection, f.UserName = q.Get("client_id"), q.Get("connection"), q.Get("email")
	code := "fcpr"
	con := t.ConnectionNamed(q.Get("connection"))
	if con != nil && con.Options()["disable_self_service_change_password"] == true {
		databaseError(w, "BadRequestError", "change_password_disabled", "Self-service change password is disabled")
		return
	}
	u, failed := forReset(t, con, q)
	if failed != nil {
		f.Description = failed.Message
	}
	if u != nil {
		tk := t.NewTicket("password_change", u.ID, now.Add(5*24*time.Hour))
		t.Post(state.Message{Time: now, Channel: "email", To: u.Email, Kind: "reset_email", UserID: u.ID, URL: tk.URL(q.Issuer)})
		code, f.UserID = "scpr", u.ID
	}
	t.Log(code, f)
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	io.WriteString(w, "We've just sent you an email to reset your password.")
}

// forReset finds who wants another password, also in the customer's own database,
// whose user is adopted. It gives up the mutex for the time of a script.
func forReset(t *state.Tenant, con *state.Connection, q *Request) (*state.User, *state.ScriptError) {
	u, db := t.Users.WithEmail(q.Get("connection"), q.Get("email")), t.CustomDB(con, q.IP)
	if db == nil || u != nil && db.Import {
		return u, nil
	}
	t.Unlock()
	found, failed := db.Find(q.Get("email"))
	t.Lock()
	if found == nil || failed != nil {
		return nil, failed
	}
	return db.Adopt(found, state.Credential{})
}
