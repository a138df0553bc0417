package security

import (
	"cmp"
	"maps"
	"slices"
	"time"

	"github.com/auth0kit/auth0kit/management/auth0test/internal/keys"
	"github.com/auth0kit/auth0kit/management/auth0test/internal/mgmtapi"
	"github.com/auth0kit/auth0kit/management/auth0test/internal/state"
	"github.com/auth0kit/auth0kit/management/auth0test/internal/store"
)

// The authentication methods of a user are the enrollments under other names: a
// phone is one method, phone|dev_…, with its ways of sending inside.

const methodExists = "Authentication method already exists."

// needed are the properties that a type cannot do without.
var needed = map[string][]string{
	"phone": {"phone_number"}, "email": {"email"}, "totp": {"totp_secret"},
	"webauthn-roaming": {"key_id", "public_key", "relying_party_identifier"}, "passkey": {"key_id", "public_key"},
}

func isPhone(e *state.Enrollment) bool { return e.Kind == "sms" || e.Kind == "voice" }

// kindOf is the type among the authentication methods.
func kindOf(e *state.Enrollment) string {
	if isPhone(e) {
		return "phone"
	}
	return e.Kind
}

// methodID is the id among the authentication methods.
func methodID(e *state.Enrollment) string { return kindOf(e) + "|" + device(e) }

// methodView is the enrollment as an authentication method, without confirmed.
func methodView(c *mgmtapi.Call, e *state.Enrollment, phone, email string) map[string]any {
	m := map[string]any{"id": methodID(e), "type": kindOf(e), "created_at": store.Stamp(e.CreatedAt)}
	store.Put(m, "name", e.Name)
	store.Put(m, "phone_number", phone)
	store.Put(m, "email", email)
	if isPhone(e) {
		m["preferred_authentication_method"] = e.Kind
		m["authentication_methods"] = []any{map[string]any{"id": e.ID, "type": e.Kind}}
	}
	maps.Copy(m, guardianOf(c.T).credentials[e.ID])
	return m
}

// masked is the view of a method that Auth0 has answered since its creation.
func masked(c *mgmtapi.Call, e *state.Enrollment) map[string]any {
	phone, email := state.MaskPhone(e.Phone), ""
	if e.Email != "" {
		email = state.MaskEmail(e.Email)
	}
	return methodView(c, e, phone, email)
}

// listed is the masked view as it is read.
func listed(c *mgmtapi.Call, e *state.Enrollment) map[string]any {
	m := masked(c, e)
	m["confirmed"] = e.Confirmed
	store.PutTime(m, "last_auth_at", e.LastAuth)
	return m
}

// listMethods puts phones last, as recorded traffic has it, and leaves the total
// out when it is zero.
func listMethods(c *mgmtapi.Call, u *state.User) *mgmtapi.Reply {
	all := c.T.Auth.Factors.ByUser[u.ID]
	rows := append(slices.DeleteFunc(slices.Clone(all), isPhone), slices.DeleteFunc(slices.Clone(all), func(e *state.Enrollment) bool { return !isPhone(e) })...)
	page := mgmtapi.Envelope[*state.Enrollment]{Key: "authenticators", NoZero: true}
	return mgmtapi.List(c, page, rows, func(e *state.Enrollment) any { return listed(c, e) })
}

// method finds the method of the path.
func method(c *mgmtapi.Call) (*state.Enrollment, *mgmtapi.Reply) {
	u, bad := c.User()
	if bad != nil {
		return nil, bad
	}
	for _, e := range c.T.Auth.Factors.ByUser[u.ID] {
		if id := c.Path("authentication_method_id"); methodID(e) == id || e.ID == id {
			return e, nil
		}
	}
	return nil, mgmtapi.NotFound("The authentication method does not exist.", "")
}

func createMethod(c *mgmtapi.Call, u *state.User) *mgmtapi.Reply {
	e, bad := newMethod(c, u.ID, c.Body)
	if bad != nil {
		return bad
	}
	if slices.ContainsFunc(c.T.Auth.Factors.ByUser[u.ID], func(a0 *state.Enrollment) bool { return same(e, a0) }) {
		return mgmtapi.Conflict(methodExists, "")
	}
	keepMethod(c, e, c.Body)
	m := masked(c, e)
	store.Put(m, "totp_secret", e.Secret)
	return mgmtapi.Created(m)
}

// same reports whether o reaches the same person in the same way.
func same(e *state.Enrollment, o *state.Enrollment) bool {
	return kindOf(e) == kindOf(o) && e.Phone == o.Phone && e.Email == o.Email && e.Secret == o.Secret && e.Kind != "webauthn-roaming"
}

// newMethod reads a method, which counts as confirmed.
func newMethod(c *mgmtapi.Call, userID string, body map[string]any) (*state.Enrollment, *mgmtapi.Reply) {
	d := store.Document(body)
	kind := d.Text("type")
	for _, name := range needed[kind] {
		if d.Text(name) == "" {
			return nil, mgmtapi.Lacks(name)
		}
	}
	e := &state.Enrollment{UserID: userID, Kind: kind, Name: d.Text("name"), Phone: d.Text("phone_number"), Email: d.Text("email"), Confirmed: true}
	switch kind {
	case "phone":
		e.Kind = cmp.Or(d.Text("preferred_authentication_method"), "sms")
	case "totp":
		e.Secret = d.Text("totp_secret")
		if keys.TOTPAt(e.Secret, time.Unix(0, 0)) == "" {
			return nil, mgmtapi.Invalid("Invalid totp_secret")
		}
	}
	return e, nil
}

// keepMethod stores a method with what is said of a credential.
func keepMethod(c *mgmtapi.Call, e *state.Enrollment, body map[string]any) {
	c.T.Auth.Factors.Add(e, c.Now)
	if e.Kind != "webauthn-roaming" && e.Kind != "passkey" {
		return
	}
	if guardianOf(c.T).credentials == nil {
		guardianOf(c.T).credentials = make(map[string]map[string]any)
	}
	said := store.Clone(body)
	delete(said, "type")
	delete(said, "name")
	guardianOf(c.T).credentials[e.ID] = said
}

// replaceMethods answers what it was given, unmasked.
func replaceMethods(c *mgmtapi.Call, u *state.User) *mgmtapi.Reply {
	var methods []*state.Enrollment
	for _, body := range store.Objects(c.List) {
		e, bad := newMethod(c, u.ID, body)
		if bad != nil {
			return bad
		}
		if slices.ContainsFunc(methods, func(a0 *state.Enrollment) bool { return same(e, a0) }) {
			return mgmtapi.Conflict(methodExists, "")
		}
		methods = append(methods, e)
	}
	unenroll(c, u.ID, func(*state.Enrollment) bool { return true })
	out := []any{}
	for _, e := range methods {
		c.T.Auth.Factors.Add(e, c.Now)
		out = append(out, methodView(c, e, e.Phone, e.Email))
	}
	return mgmtapi.OK(out)
}

func updateMethod(c *mgmtapi.Call, e *state.Enrollment) *mgmtapi.Reply {
	if c.Has("name") {
		e.Name = c.Str("name")
	}
	if way := c.Str("preferred_authentication_method"); way != "" && isPhone(e) {
		e.Kind, e.ID = way, way+"|"+device(e)
	}
	return mgmtapi.OK(masked(c, e))
}
