package auth0test

import (
	"net/http"
	"strings"
	"time"
)

const passwordlessLifetime = 3 * time.Minute

// sentCode is a one-time code of passwordless login. Three wrong ones spend it.
type sentCode struct {
	code    string
	tries   int
	expires time.Time
}

// servePasswordlessStart sends a code to an address or a number, at a connection
// of the strategy email or sms. Who is not known yet becomes a user.
func (t *Tenant) servePasswordlessStart(w http.ResponseWriter, r *http.Request) {
	q, bad := readAuth(w, r)
	if bad == nil {
		bad = q.need("client_id", "connection")
	}
	if bad == nil {
		var body map[string]any
		if body, bad = t.passwordlessStart(q); bad == nil {
			sendJSON(w, http.StatusOK, body)
			return
		}
	}
	bad.send(w)
}

func (t *Tenant) passwordlessStart(q *authRequest) (map[string]any, *oauthError) {
	now := t.lock()
	defer t.mu.Unlock()
	con := t.connections.find(func(c *connection) bool { return c.strategy == q.get("connection") })
	if con == nil || con.strategy != "email" && con.strategy != "sms" {
		return nil, oauthFail(http.StatusBadRequest, "bad.connection", "Connection does not exist")
	}
	if q.get("send") == "link" {
		return nil, oauthFail(http.StatusBadRequest, "bad.send", "auth0test sends codes, no links")
	}
	to, message := strings.ToLower(q.get("email")), Message{Time: now, Channel: "email", Kind: "passwordless_email"}
	if con.strategy == "sms" {
		to, message.Channel, message.Kind = q.get("phone_number"), "sms", "passwordless_sms"
	}
	if to == "" || con.strategy == "email" && !isEmail(to) {
		return nil, oauthFail(http.StatusBadRequest, "bad."+con.strategy, "The address to send a code to is missing or wrong")
	}
	u := t.passwordlessUser(con, to, now)
	c := &sentCode{code: newCode(), expires: now.Add(passwordlessLifetime)}
	t.authState.sent[con.name+" "+to] = c
	message.To, message.UserID, message.Code = to, u.id, c.code
	t.post(message)
	f := q.logFields()
	f.ClientID, f.Connection, f.UserID, f.UserName = q.get("client_id"), con.name, u.id, to
	t.log("cls", f)
	d := map[string]any{"_id": u.identities[0].userID}
	if con.strategy == "sms" {
		d["phone_number"], d["phone_verified"] = to, u.phoneVerified
	} else {
		d["email"], d["email_verified"] = to, u.emailVerified
	}
	return d, nil
}

// passwordlessUser finds or makes the user of an address.
func (t *Tenant) passwordlessUser(con *connection, to string, now time.Time) *user {
	if u := t.userOf(con.name, to); u != nil {
		return u
	}
	raw := newUserID(now)
	u := &user{id: con.strategy + "|" + raw, createdAt: now, updatedAt: now,
		identities: []identity{{connection: con.name, provider: con.strategy, userID: raw}}}
	if con.strategy == "sms" {
		u.phone = to
	} else {
		u.email = to
	}
	t.users.add(u)
	t.searchable(u)
	return u
}

// exchangePasswordless takes the code that was sent.
func (t *Tenant) exchangePasswordless(q *tokenRequest) (*tokenSet, *oauthError) {
	if bad := q.need("realm", "username", "otp"); bad != nil {
		return nil, bad
	}
	l, bad := t.passwordlessLogin(q)
	if bad != nil {
		return nil, bad
	}
	return t.finishDirect(l)
}

func (t *Tenant) passwordlessLogin(q *tokenRequest) (*directLogin, *oauthError) {
	now := t.lock()
	defer t.mu.Unlock()
	con := t.connections.find(func(c *connection) bool { return c.strategy == q.get("realm") })
	wrong := invalidGrant("Wrong email or verification code.")
	if con == nil {
		return nil, invalidRequest("Connection does not exist")
	}
	if con.strategy == "sms" {
		wrong = invalidGrant("Wrong phone number or verification code.")
	}
	to := strings.ToLower(q.get("username"))
	key := con.name + " " + to
	c, u := t.authState.sent[key], t.userOf(con.name, to)
	if c == nil || u == nil || !now.Before(c.expires) {
		return nil, wrong
	}
	if c.code != q.get("otp") {
		if c.tries++; c.tries >= 3 {
			delete(t.authState.sent, key)
		}
		return nil, wrong
	}
	delete(t.authState.sent, key)
	if u.blocked {
		return nil, oauthFail(http.StatusForbidden, "unauthorized", "user is blocked")
	}
	if u.phone == to {
		u.phoneVerified = true
	} else {
		u.emailVerified = true
	}
	l := &directLogin{from: q.origin, connection: con.name, grant: q.grant, protocol: "oauth2-passwordless"}
	l.app, l.user, l.issuer, l.scopes = q.app, t.userView(u.id), q.issuer, strings.Fields(q.get("scope"))
	return l, t.resolve(&l.issuance, q.get("audience"), q.get("organization"))
}
