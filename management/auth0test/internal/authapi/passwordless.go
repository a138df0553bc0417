package authapi

import (
	"net/http"
	"strings"
	"time"

	"github.com/auth0kit/auth0kit/management/auth0test/internal/schema"
	"github.com/auth0kit/auth0kit/management/auth0test/internal/state"
)

const passwordlessLifetime = 3 * time.Minute

// sentCode is a one-time code of passwordless login. Three wrong ones spend it.
type sentCode struct {
	code    string
	tries   int
	expires time.Time
}

// passwordlessStart sends a code to an address or a number, at a connection of the
// strategy email or sms. Who is not known yet becomes a user.
func passwordlessStart(t *state.Tenant, q *Request) (any, *OAuthError) {
	now := t.Lock()
	defer t.Unlock()
	con := t.Connections.Find(func(c *state.Connection) bool { return c.Strategy == q.Get("connection") })
	if con == nil || con.Strategy != "email" && con.Strategy != "sms" || !t.MayUse(q.Get("client_id"), con) {
		return nil, OAuthFail(http.StatusBadRequest, "bad.connection", "Connection does not exist")
	}
	if q.Get("send") == "link" {
		return nil, OAuthFail(http.StatusBadRequest, "bad.send", "auth0test sends codes, no links")
	}
	to, message := strings.ToLower(q.Get("email")), state.Message{Time: now, Channel: "email", Kind: "passwordless_email"}
	if con.Strategy == "sms" {
		to, message.Channel, message.Kind = q.Get("phone_number"), "sms", "passwordless_sms"
	}
	if to == "" || con.Strategy == "email" && !schema.IsEmail(to) {
		return nil, OAuthFail(http.StatusBadRequest, "bad."+con.Strategy, "The address to send a code to is missing or wrong")
	}
	u := passwordlessUser(t, con, to, now)
	c := &sentCode{code: newCode(), expires: now.Add(passwordlessLifetime)}
	state.Kept[*sentCode](t)[con.Name+" "+to] = c
	message.To, message.UserID, message.Code = to, u.ID, c.code
	t.Post(message)
	f := q.logFields()
	f.ClientID, f.Connection, f.UserID, f.UserName = q.Get("client_id"), con.Name, u.ID, to
	t.Log("cls", f)
	d := map[string]any{"_id": u.Identities[0].UserID}
	if con.Strategy == "sms" {
		d["phone_number"], d["phone_verified"] = to, u.PhoneVerified
	} else {
		d["email"], d["email_verified"] = to, u.EmailVerified
	}
	return d, nil
}

// passwordlessUser finds or makes the user of an address.
func passwordlessUser(t *state.Tenant, con *state.Connection, to string, now time.Time) *state.User {
	if u := UserOf(t, con.Name, to); u != nil {
		return u
	}
	name := map[string]string{"sms": "phone_number", "email": "email"}[con.Strategy]
	u := state.NewUser(con, map[string]any{name: to}, "", now)
	t.Users.Add(u)
	t.Searchable(u)
	return u
}

// passwordlessLogin takes the code that was sent.
func passwordlessLogin(t *state.Tenant, q *tokenRequest) (*directLogin, *OAuthError) {
	now := t.Lock()
	defer t.Unlock()
	con := t.Connections.Find(func(c *state.Connection) bool { return c.Strategy == q.Get("realm") })
	wrong := invalidGrant("Wrong email or verification code.")
	if con == nil {
		return nil, InvalidRequest("Connection does not exist")
	}
	if !t.MayUse(q.app.ID, con) {
		return nil, InvalidRequest(ConnectionDisabled)
	}
	if con.Strategy == "sms" {
		wrong = invalidGrant("Wrong phone number or verification code.")
	}
	to := strings.ToLower(q.Get("username"))
	key := con.Name + " " + to
	c, u := state.Kept[*sentCode](t)[key], UserOf(t, con.Name, to)
	if c == nil || u == nil || !now.Before(c.expires) {
		return nil, wrong
	}
	if c.code != q.Get("otp") {
		if c.tries++; c.tries >= 3 {
			delete(state.Kept[*sentCode](t), key)
		}
		return nil, wrong
	}
	delete(state.Kept[*sentCode](t), key)
	if u.Blocked {
		return nil, blocked()
	}
	if u.Phone == to {
		u.PhoneVerified = true
	} else {
		u.EmailVerified = true
	}
	l := &directLogin{from: q.Origin, connection: con.Name, grant: q.grant, protocol: "oauth2-passwordless"}
	l.App, l.User, l.Issuer, l.Scopes = q.app, t.UserView(u.ID), q.Issuer, strings.Fields(q.Get("scope"))
	l.Jkt = q.jkt
	return l, resolve(t, &l.Issuance, q.Get("audience"), q.Get("organization"))
}
