package authapi

import (
	"cmp"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/auth0kit/auth0kit/management/auth0test/internal/state"
	"github.com/auth0kit/auth0kit/management/auth0test/internal/store"
	"github.com/auth0kit/auth0kit/management/auth0test/internal/web"
)

// ConnectionDisabled is what an application hears of a connection that is not
// enabled for it (Auth0's documentation, Authentication API errors).
const ConnectionDisabled = "the connection was disabled"

// Attempt is a try to log in with a password.
type Attempt struct {
	Connection string
	Identifier string
	Password   string
	App        *state.App
	From       web.Origin
}

// passwordLogin is the resource owner password grant, at the default connection or,
// with a realm, at that of the realm.
func passwordLogin(t *state.Tenant, q *tokenRequest) (*directLogin, *OAuthError) {
	l := &directLogin{from: q.Origin, connection: directory(t, q.Get("realm")), grant: q.grant, protocol: "oauth2-password"}
	a := Attempt{Connection: l.connection, Identifier: q.Get("username"), Password: q.Get("password"), App: q.app, From: q.Origin}
	u, bad := CheckCredentials(t, a)
	if bad != nil {
		return nil, bad
	}
	l.Issuance = Issuance{App: q.app, User: u, Issuer: q.Issuer, Scopes: strings.Fields(q.Get("scope")), allScope: true, gty: "password", Jkt: q.jkt}
	t.Lock()
	defer t.Unlock()
	return l, resolve(t, &l.Issuance, q.Get("audience"), q.Get("organization"))
}

// directory is the connection of a realm, and that of the password grant without
// one.
func directory(t *state.Tenant, realm string) string {
	t.Lock()
	defer t.Unlock()
	if realm != "" {
		con := t.Connections.Find(func(c *state.Connection) bool {
			return c.Name == realm || slices.Contains(store.StringsOf(c.Doc["realms"]), realm)
		})
		if con == nil {
			return realm
		}
		return con.Name
	}
	name, _ := t.TenantSetting("default_directory").(string)
	return cmp.Or(name, state.DefaultConnection)
}

// resolve finds the API and the organization of a login, of which the user must
// be a member. The caller holds the mutex.
func resolve(t *state.Tenant, i *Issuance, audience, organization string) *OAuthError {
	if audience == "" {
		audience = t.Auth.DefaultAudience
	}
	if audience != "" && audience != i.Issuer+"userinfo" {
		if i.API = t.APIView(audience, i.Issuer); i.API == nil {
			return InvalidRequest("Service not found: " + audience)
		}
		if bad := MayUse(t, i.App, i.API); bad != nil {
			return bad
		}
	}
	if organization == "" {
		if i.App.OrgUsage == "require" {
			return InvalidRequest("parameter organization is required for this client")
		}
		return nil
	}
	if i.Org = t.OrgNamed(organization); i.Org == nil {
		return InvalidRequest("parameter organization is invalid")
	}
	if !t.IsMember(i.Org.ID, i.User.ID) {
		return AccessDenied(NotMember(i.User.ID, i.Org.ID))
	}
	return nil
}

// MayUse refuses an application that may not have tokens of users for an API, by
// the API's subject_type_authorization. The caller holds the mutex.
func MayUse(t *state.Tenant, app *state.App, api *state.APIView) *OAuthError {
	granted := func(g *state.ClientGrant) bool {
		return g.ClientID == app.ID && g.Audience == api.Key && g.ForUsers()
	}
	if api.Users == "deny_all" || api.Users == "require_client_grant" && t.Grants.Find(granted) == nil {
		return OAuthFail(http.StatusForbidden, "access_denied", "Client is not authorized to access resource server \""+api.Audience+"\".")
	}
	return nil
}

func NotMember(userID, orgID string) string {
	return "user " + userID + " is not part of the " + orgID + " organization"
}

// CheckCredentials returns the user whose password it is. A wrong password and
// an unknown user get the same answer, and every failure is in the tenant log
// already. Call it without the mutex: hashes are slow.
func CheckCredentials(t *state.Tenant, a Attempt) (*state.User, *OAuthError) {
	u, db, bad := findUser(t, a)
	switch {
	case bad != nil:
	case db != nil && (u == nil || !db.Import):
		u, bad = askDatabase(t, a, db)
	case u == nil:
		bad = failedLogin(t, a, nil, "fu", wrongPassword)
	case !t.CheckPassword(u, a.Password):
		bad = failedLogin(t, a, u, "fp", wrongPassword)
	}
	if bad != nil {
		return nil, bad
	}
	t.Lock()
	defer t.Unlock()
	if t.Users.Get(u.ID) != u {
		return nil, Logged(invalidGrant(wrongPassword)) // Deleted since.
	}
	t.Auth.Protect.Succeeded(a.Identifier, a.From.IP)
	if u.Blocked {
		t.Log("f", a.logFields(u, "user is blocked"))
		return nil, Logged(blocked())
	}
	if bad := leakedLogin(t, a, u, t.Now()); bad != nil {
		return nil, bad
	}
	return t.UserView(u.ID), nil
}

const wrongPassword = "Wrong email or password."

// askDatabase has the script of the customer's own database check the password, and
// adopts its user. Errors that the script did not make of Auth0's classes are for
// the log alone.
func askDatabase(t *state.Tenant, a Attempt, db *state.CustomDB) (*state.User, *OAuthError) {
	u, failed := db.Login(a.Identifier, a.Password)
	if failed == nil {
		secret := state.NewCredential(a.Password)
		t.Lock()
		u, failed = db.Adopt(u, secret)
		t.Unlock()
	}
	switch {
	case failed == nil:
		return u, nil
	case failed.Name == "WrongUsernameOrPasswordError" && failed.About == "":
		return nil, failedLogin(t, a, nil, "fu", failed.Message)
	case failed.Name == "WrongUsernameOrPasswordError":
		return nil, failedLogin(t, a, &state.User{ID: "auth0|" + failed.About}, "fp", failed.Message)
	}
	t.Lock()
	defer t.Unlock()
	t.Log("f", a.logFields(nil, failed.Message))
	if failed.Name == "UnauthorizedError" {
		return nil, Logged(AccessDenied(failed.Message))
	}
	return nil, Logged(AccessDenied("Something went wrong, please try again later."))
}

// findUser finds the user of an attempt, nil if there is none, unless attack
// protection refuses the attempt, and the customer's own database if there is one.
func findUser(t *state.Tenant, a Attempt) (*state.User, *state.CustomDB, *OAuthError) {
	now := t.Lock()
	defer t.Unlock()
	con := t.ConnectionNamed(a.Connection)
	if con == nil || !con.Database() {
		return nil, nil, OAuthFail(http.StatusForbidden, "access_denied", "specified strategy does not support requested operation")
	}
	if a.App != nil && !t.MayUse(a.App.ID, con) {
		return nil, nil, InvalidRequest(ConnectionDisabled)
	}
	p := &t.Auth.Protect
	if p.IsSuspicious(a.From.IP, now) {
		t.Log("limit_mu", a.logFields(nil, state.TextSuspicious))
		return nil, nil, Logged(OAuthFail(http.StatusTooManyRequests, "too_many_attempts", state.TextSuspicious))
	}
	u := UserOf(t, a.Connection, a.Identifier)
	if p.IsBlocked(a.Identifier, a.From.IP, now) {
		t.Log("limit_wc", a.logFields(u, state.TextBruteForce))
		return nil, nil, Logged(OAuthFail(http.StatusTooManyRequests, "too_many_attempts", state.TextBruteForce))
	}
	return u, t.CustomDB(con, a.From.IP), nil
}

// UserOf finds a user of a connection by email, username or phone number.
func UserOf(t *state.Tenant, connection, identifier string) *state.User {
	for _, find := range []func(connection, key string) *state.User{t.Users.WithEmail, t.Users.WithUsername, t.Users.WithPhone} {
		if u := find(connection, identifier); u != nil {
			return u
		}
	}
	return nil
}

// failedLogin logs a failure and counts it; the one that blocks sends a mail.
func failedLogin(t *state.Tenant, a Attempt, u *state.User, code, text string) *OAuthError {
	now := t.Lock()
	defer t.Unlock()
	t.Log(code, a.logFields(u, text))
	if t.Auth.Protect.Failed(a.Identifier, a.From.IP, now) && u != nil && u.Email != "" {
		t.Post(state.Message{Channel: "email", To: u.Email, Kind: "blocked_account", UserID: u.ID,
			URL: t.Issuer() + "unblock?ticket=" + t.NewTicket("unblock", u.ID, now.Add(state.BruteForceBlock)).ID})
	}
	return Logged(invalidGrant(wrongPassword))
}

func (a Attempt) logFields(u *state.User, text string) state.LogFields {
	f := (&Issuance{App: a.App}).LogFields(a.From)
	f.Description, f.Connection, f.Strategy, f.UserName = text, a.Connection, "auth0", a.Identifier
	f.Details = map[string]any{"error": map[string]any{"message": text}}
	if u != nil {
		f.UserID = u.ID
	}
	return f
}

// leakedLogin refuses a login whose password is right, and breached; the user is
// told by mail.
func leakedLogin(t *state.Tenant, a Attempt, u *state.User, now time.Time) *OAuthError {
	refused := t.Leaked(a.Password, "pwd_leak", "", a.logFields(u, state.TextLeaked), now)
	if u.Email != "" && slices.Contains(t.Breach(a.Password, ""), "user_notification") {
		t.Post(state.Message{Channel: "email", To: u.Email, Kind: "stolen_credentials", UserID: u.ID})
	}
	if !refused {
		return nil
	}
	return Logged(OAuthFail(http.StatusForbidden, state.CodeLeaked, state.TextLeaked))
}
