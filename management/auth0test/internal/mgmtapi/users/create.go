package users

import (
	"strings"

	"github.com/auth0kit/auth0kit/management/auth0test/internal/mgmtapi"
	"github.com/auth0kit/auth0kit/management/auth0test/internal/state"
	"github.com/auth0kit/auth0kit/management/auth0test/internal/store"
)

const userExists = "The user already exists."

// createUser creates a user in a database or passwordless connection.
func createUser(c *mgmtapi.Call) *mgmtapi.Reply {
	secret := state.NewCredential(c.Str("password"))
	c.Now = c.T.Lock()
	defer c.T.Unlock()
	con := c.T.ConnectionNamed(c.Str("connection"))
	if bad := creatable(c, con); bad != nil {
		return bad
	}
	u := newUser(c, con)
	if con.Database() && c.Str("password") != "" {
		if bad := mgmtapi.Refusal(con.CheckNewPassword(u, c.Str("password"))); bad != nil {
			return bad
		}
	}
	if c.T.Taken(u, nil, con.Name) {
		return mgmtapi.Conflict(userExists, "auth0_idp_error")
	}
	if db := c.T.CustomDB(con, ""); db != nil && !db.Import {
		var bad *mgmtapi.Reply
		if u, bad = createdThere(c, u, db); bad != nil {
			return bad
		}
	} else {
		u.Password = secret
		c.T.Users.Add(u)
		c.T.Searchable(u)
	}
	verificationMail(c, u)
	c.LogSignup(u, con)
	return mgmtapi.Created(viewUser(u))
}

// createdThere makes the user in the customer's own database. It gives up the mutex
// for the time.
func createdThere(c *mgmtapi.Call, u *state.User, db *state.CustomDB) (*state.User, *mgmtapi.Reply) {
	c.T.Unlock()
	made, failed := db.Find(u.Identifiers()[0])
	known := made != nil
	if failed == nil && !known {
		made, failed = db.Create(u, c.Str("password"), c.Token.Client)
	}
	c.T.Lock()
	if failed == nil && !known {
		made, failed = db.Adopt(made, state.Credential{})
	}
	switch {
	case known, failed != nil && failed.About == "user_exists":
		return nil, mgmtapi.Conflict(userExists, "auth0_idp_error")
	case failed != nil:
		return nil, mgmtapi.SandboxError(failed)
	}
	return made, nil
}

// creatable checks what does not depend on other users.
func creatable(c *mgmtapi.Call, con *state.Connection) *mgmtapi.Reply {
	switch {
	case con == nil:
		return mgmtapi.BadRequest("Connection does not exist.", "")
	case !con.TakesUsers():
		return mgmtapi.BadRequest("Connection does not support user creation through the API. It must either be a database or passwordless connection.", "")
	case len(con.Clients) == 0:
		return mgmtapi.BadRequest("Connection is disabled.", "")
	case c.Token.Client != "" && !con.EnabledFor(c.Token.Client):
		return mgmtapi.BadRequest("Connection must be enabled for this client to perform single user creation and signup operations (client_id: "+
			c.Token.Client+" - connection: "+con.Name+")", "")
	}
	for _, name := range needed(c, con) {
		if c.Str(name) == "" {
			return mgmtapi.Lacks(name)
		}
	}
	if !con.Database() {
		return nil
	}
	return mgmtapi.Refusal(con.CheckUsername(c.Str("username")))
}

// needed are the properties that a new user of a connection cannot do without.
func needed(c *mgmtapi.Call, con *state.Connection) (names []string) {
	switch {
	case con.Strategy == "sms":
		return []string{"phone_number"}
	case con.Strategy == "email" || c.Str("username") == "" && c.Str("phone_number") == "":
		names = []string{"email"}
	}
	password := store.Document(con.Options()).Sub("authentication_methods").Sub("password")
	if con.Database() && password.Text("api_behavior") != "optional" {
		names = append(names, "password")
	}
	return names
}

func newUser(c *mgmtapi.Call, con *state.Connection) *state.User {
	u := state.NewUser(con, c.Body, strings.TrimPrefix(c.Str("user_id"), con.Strategy+"|"), c.Now)
	u.BlockedSaid = c.Has("blocked")
	return u
}

// verificationMail sends what Auth0 sends after a creation or a new address,
// unless the caller says otherwise.
func verificationMail(c *mgmtapi.Call, u *state.User) {
	wanted := !u.EmailVerified
	if c.Has("verify_email") {
		wanted = c.Yes("verify_email")
	}
	if wanted && u.Email != "" {
		c.T.SendVerification(u, c.Issuer(), c.Now)
	}
}
