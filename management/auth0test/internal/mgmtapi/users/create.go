package users

import (
	"strings"

	"github.com/auth0kit/auth0kit/management/auth0test/internal/mgmtapi"
	"github.com/auth0kit/auth0kit/management/auth0test/internal/schema"
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
	if c.T.Taken(u, con.Name) {
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
	if missing := missingForCreation(c, con); missing != "" {
		v := schema.Violation{Text: "Missing required property: " + missing}
		return mgmtapi.BadRequest(v.Message("Payload"), "invalid_body")
	}
	if !con.Database() {
		return nil
	}
	return mgmtapi.Refusal(con.CheckUsername(c.Str("username")))
}

func missingForCreation(c *mgmtapi.Call, con *state.Connection) string {
	switch con.Strategy {
	case "sms":
		if c.Str("phone_number") == "" {
			return "phone_number"
		}
	case "email":
		if c.Str("email") == "" {
			return "email"
		}
	default:
		if c.Str("email") == "" && c.Str("username") == "" && c.Str("phone_number") == "" {
			return "email"
		}
		methods := store.Document(con.Options()).Sub("authentication_methods")
		if c.Str("password") == "" && methods.Sub("password").Text("api_behavior") != "optional" {
			return "password"
		}
	}
	return ""
}

func newUser(c *mgmtapi.Call, con *state.Connection) *state.User {
	raw := strings.TrimPrefix(c.Str("user_id"), con.Strategy+"|")
	if raw == "" {
		raw = store.NewUserID(c.Now)
	}
	id, identities := state.NewIdentity(con, raw)
	return &state.User{
		ID: id, Email: strings.ToLower(c.Str("email")), Username: strings.ToLower(c.Str("username")), Phone: c.Str("phone_number"),
		Name: c.Str("name"), Nickname: c.Str("nickname"), Given: c.Str("given_name"), Family: c.Str("family_name"), Picture: c.Str("picture"),
		EmailVerified: c.Yes("email_verified"), PhoneVerified: c.Yes("phone_verified"),
		Blocked: c.Yes("blocked"), BlockedSaid: c.Has("blocked"),
		AppMetadata: c.Obj("app_metadata"), UserMetadata: c.Obj("user_metadata"),
		CreatedAt: c.Now, UpdatedAt: c.Now,
		Identities: identities,
	}
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
