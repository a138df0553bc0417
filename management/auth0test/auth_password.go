package auth0test

import (
	"cmp"
	"net/http"
	"strings"
)

// attempt is a try to log in with a password.
type attempt struct {
	connection string
	identifier string
	password   string
	app        *app
	from       origin
}

// exchangePassword is the resource owner password grant, at the default
// connection or, with a realm, at that of the realm.
func (t *Tenant) exchangePassword(q *tokenRequest) (*tokenSet, *oauthError) {
	needed := []string{"username", "password"}
	if q.grant == grantPasswordRealm {
		needed = append(needed, "realm")
	}
	if bad := q.need(needed...); bad != nil {
		return nil, bad
	}
	con := cmp.Or(q.get("realm"), t.defaultDirectory())
	a := attempt{connection: con, identifier: q.get("username"), password: q.get("password"), app: q.app, from: q.origin}
	u, bad := t.checkCredentials(a)
	if bad != nil {
		return nil, bad
	}
	i, bad := t.passwordIssuance(q, u)
	if bad != nil {
		return nil, bad
	}
	return t.finishDirect(&directLogin{issuance: *i, from: q.origin, connection: con, grant: q.grant, protocol: "oauth2-password"})
}

// defaultDirectory is the connection of the password grant without a realm.
func (t *Tenant) defaultDirectory() string {
	t.lock()
	defer t.mu.Unlock()
	name, _ := t.tenantSetting("default_directory").(string)
	return cmp.Or(name, DefaultConnection)
}

func (t *Tenant) passwordIssuance(q *tokenRequest, u *userView) (*issuance, *oauthError) {
	t.lock()
	defer t.mu.Unlock()
	i := &issuance{app: q.app, user: u, issuer: q.issuer, scopes: strings.Fields(q.get("scope")), allScope: true, gty: "password"}
	if bad := t.resolve(i, q.get("audience"), q.get("organization")); bad != nil {
		return nil, bad
	}
	return i, nil
}

// resolve finds the API and the organization of a login, of which the user must
// be a member. The caller holds the mutex.
func (t *Tenant) resolve(i *issuance, audience, organization string) *oauthError {
	if audience == "" {
		audience = t.authState.defaultAudience
	}
	if audience != "" && audience != i.issuer+"userinfo" {
		if i.api = t.apiView(audience, i.issuer); i.api == nil {
			return invalidRequest("Service not found: " + audience)
		}
	}
	if organization == "" {
		if i.app.orgUsage == "require" {
			return invalidRequest("parameter organization is required for this client")
		}
		return nil
	}
	if i.org = t.orgNamed(organization); i.org == nil {
		return invalidRequest("parameter organization is invalid")
	}
	if !t.isMember(i.org.id, i.user.id) {
		return accessDenied(notMember(i.user.id, i.org.id))
	}
	return nil
}

func notMember(userID, orgID string) string {
	return "user " + userID + " is not part of the " + orgID + " organization"
}

// checkCredentials returns the user whose password it is. A wrong password and
// an unknown user get the same answer, and every failure is in the tenant log
// already. Call it without the mutex: hashes are slow.
func (t *Tenant) checkCredentials(a attempt) (*userView, *oauthError) {
	u, bad := t.findUser(a)
	if bad != nil {
		return nil, bad
	}
	if u == nil {
		return nil, t.failedLogin(a, nil, "fu", "Wrong email or password.")
	}
	if !t.checkPassword(u, a.password) {
		return nil, t.failedLogin(a, u, "fp", "Wrong email or password.")
	}
	t.lock()
	defer t.mu.Unlock()
	if t.users.get(u.id) != u {
		return nil, logged(invalidGrant("Wrong email or password.")) // Deleted since.
	}
	t.authState.protect.succeeded(a.identifier, a.from.ip)
	if u.blocked {
		t.log("f", a.logFields(u, "user is blocked"))
		return nil, logged(oauthFail(http.StatusForbidden, "unauthorized", "user is blocked"))
	}
	if bad := t.leakedLogin(a, u, t.now()); bad != nil {
		return nil, bad
	}
	return t.userView(u.id), nil
}

// findUser finds the user of an attempt, nil if there is none, unless attack
// protection refuses the attempt.
func (t *Tenant) findUser(a attempt) (*user, *oauthError) {
	now := t.lock()
	defer t.mu.Unlock()
	con := t.connectionNamed(a.connection)
	if con == nil || !con.database() {
		return nil, oauthFail(http.StatusForbidden, "access_denied", "specified strategy does not support requested operation")
	}
	p := &t.authState.protect
	if p.isSuspicious(a.from.ip, now) {
		t.log("limit_mu", a.logFields(nil, textSuspicious))
		return nil, logged(oauthFail(http.StatusTooManyRequests, "too_many_attempts", textSuspicious))
	}
	u := t.userOf(a.connection, a.identifier)
	if p.isBlocked(a.identifier, a.from.ip, now) {
		t.log("limit_wc", a.logFields(u, textBruteForce))
		return nil, logged(oauthFail(http.StatusTooManyRequests, "too_many_attempts", textBruteForce))
	}
	return u, nil
}

// userOf finds a user of a connection by email, username or phone number.
func (t *Tenant) userOf(connection, identifier string) *user {
	for _, find := range []func(connection, key string) *user{t.users.withEmail, t.users.withUsername, t.users.withPhone} {
		if u := find(connection, identifier); u != nil {
			return u
		}
	}
	return nil
}

// failedLogin logs a failure and counts it; the one that blocks sends a mail.
func (t *Tenant) failedLogin(a attempt, u *user, code, text string) *oauthError {
	now := t.lock()
	defer t.mu.Unlock()
	t.log(code, a.logFields(u, text))
	if t.authState.protect.failed(a.identifier, a.from.ip, now) && u != nil && u.email != "" {
		t.post(Message{Channel: "email", To: u.email, Kind: "blocked_account", UserID: u.id,
			URL: t.Issuer() + "unblock?ticket=" + t.newTicket("unblock", u.id, now.Add(bruteForceBlock)).id})
	}
	return logged(invalidGrant(text))
}

func (a attempt) logFields(u *user, text string) logFields {
	f := logFields{Description: text, Connection: a.connection, Strategy: "auth0", UserName: a.identifier,
		IP: a.from.ip, UserAgent: a.from.userAgent, Hostname: a.from.host,
		Details: map[string]any{"error": map[string]any{"message": text}}}
	if a.app != nil {
		f.ClientID, f.ClientName = a.app.id, a.app.name
	}
	if u != nil {
		f.UserID = u.id
	}
	return f
}
