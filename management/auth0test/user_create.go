package auth0test

import (
	"strings"
	"time"
)

const userExists = "The user already exists."

// createUser creates a user in a database or passwordless connection.
func createUser(c *call) *reply {
	secret := newCredential(c.str("password"))
	c.now = c.t.lock()
	defer c.t.mu.Unlock()
	con := c.t.connectionNamed(c.str("connection"))
	if bad := c.creatable(con); bad != nil {
		return bad
	}
	u := c.newUser(con)
	if c.t.taken(u, con.name) {
		return conflict(userExists, "auth0_idp_error")
	}
	u.password = secret
	c.t.users.add(u)
	c.t.searchable(u)
	c.verificationMail(u)
	c.logSignup(u, con)
	return created(u.view())
}

// creatable checks what does not depend on other users.
func (c *call) creatable(con *connection) *reply {
	switch {
	case con == nil:
		return badRequest("Connection does not exist.", "")
	case !con.takesUsers():
		return badRequest("Connection does not support user creation through the API. It must either be a database or passwordless connection.", "")
	case len(con.clients) == 0:
		return badRequest("Connection is disabled.", "")
	}
	if missing := c.missingForCreation(con); missing != "" {
		v := violation{text: "Missing required property: " + missing}
		return badRequest(v.message("Payload"), "invalid_body")
	}
	if !con.database() {
		return nil
	}
	if bad := con.checkUsername(c.str("username")); bad != nil {
		return bad
	}
	return con.checkPolicy(c.str("password"))
}

func (c *call) missingForCreation(con *connection) string {
	switch con.strategy {
	case "sms":
		if c.str("phone_number") == "" {
			return "phone_number"
		}
	case "email":
		if c.str("email") == "" {
			return "email"
		}
	default:
		if c.str("email") == "" && c.str("username") == "" && c.str("phone_number") == "" {
			return "email"
		}
		if c.str("password") == "" {
			return "password"
		}
	}
	return ""
}

func (c *call) newUser(con *connection) *user {
	raw := strings.TrimPrefix(c.str("user_id"), con.strategy+"|")
	if raw == "" {
		raw = newUserID(c.now)
	}
	id, identities := newIdentity(con, raw)
	return &user{
		id: id, email: strings.ToLower(c.str("email")), username: strings.ToLower(c.str("username")), phone: c.str("phone_number"),
		name: c.str("name"), nickname: c.str("nickname"), given: c.str("given_name"), family: c.str("family_name"), picture: c.str("picture"),
		emailVerified: c.yes("email_verified"), phoneVerified: c.yes("phone_verified"),
		blocked: c.yes("blocked"), blockedSaid: c.has("blocked"),
		appMetadata: c.obj("app_metadata"), userMetadata: c.obj("user_metadata"),
		createdAt: c.now, updatedAt: c.now,
		identities: identities,
	}
}

// taken reports whether another user of the connection has an identifier of u.
func (t *Tenant) taken(u *user, connection string) bool {
	other := func(o *user) bool { return o != nil && o != u }
	return other(t.users.get(u.id)) ||
		u.email != "" && other(t.users.withEmail(connection, u.email)) ||
		u.username != "" && other(t.users.withUsername(connection, u.username)) ||
		u.phone != "" && other(t.users.withPhone(connection, u.phone))
}

// verificationMail sends what Auth0 sends after a creation or a new address,
// unless the caller says otherwise.
func (c *call) verificationMail(u *user) {
	wanted := !u.emailVerified
	if c.has("verify_email") {
		wanted = c.yes("verify_email")
	}
	if wanted && u.email != "" {
		c.t.sendVerification(u, c.issuer(), c.now)
	}
}

// sendVerification mails a link that verifies the user's address, and tells
// whether the mail left.
func (t *Tenant) sendVerification(u *user, issuer string, now time.Time) bool {
	tk := t.newTicket("email_verification", u.id, now.Add(5*24*time.Hour))
	return t.post(Message{Time: now, Channel: "email", To: u.email, Kind: "verify_email", UserID: u.id, URL: tk.url(issuer)})
}

// newTicket keeps a ticket.
func (t *Tenant) newTicket(kind, userID string, until time.Time) *ticket {
	tk := &ticket{id: randomID(32), kind: kind, userID: userID, expiresAt: until}
	t.tickets[tk.id] = tk
	return tk
}

func (k *ticket) url(issuer string) string {
	page := "reset-password"
	if k.kind == "email_verification" {
		page = "email-verification"
	}
	return issuer + "u/" + page + "?ticket=" + k.id + "#"
}
