package auth0test

import (
	"cmp"
	"slices"
	"strings"
	"time"
)

// The authentication methods of a user are the enrolments under other names: a
// phone is one method, phone|dev_…, with its ways of sending inside.

const (
	noMethod     = "The authentication method does not exist."
	methodExists = "Authentication method already exists."
)

// needed are the properties that a type cannot do without.
var needed = map[string][]string{
	"phone": {"phone_number"}, "email": {"email"}, "totp": {"totp_secret"},
	"webauthn-roaming": {"key_id", "public_key", "relying_party_identifier"}, "passkey": {"key_id", "public_key"},
}

func (e *enrolment) isPhone() bool { return e.kind == "sms" || e.kind == "voice" }

// methodID is the id among the authentication methods.
func (e *enrolment) methodID() string {
	if e.isPhone() {
		return "phone|" + e.device()
	}
	return e.id
}

// methodView is the enrolment as an authentication method, without confirmed.
func (c *call) methodView(e *enrolment, phone, email string) map[string]any {
	kind, _, _ := strings.Cut(e.methodID(), "|")
	m := map[string]any{"id": e.methodID(), "type": kind, "created_at": stamp(e.createdAt)}
	put(m, "name", e.name)
	put(m, "phone_number", phone)
	put(m, "email", email)
	if e.isPhone() {
		m["preferred_authentication_method"] = e.kind
		m["authentication_methods"] = []any{map[string]any{"id": e.id, "type": e.kind}}
	}
	for k, v := range c.t.guardian.credentials[e.id] {
		m[k] = v
	}
	return m
}

// masked is the view of a method that Auth0 has answered since its creation.
func (c *call) masked(e *enrolment) map[string]any {
	phone, email := "", ""
	if e.phone != "" {
		phone = maskPhone(e.phone)
	}
	if e.email != "" {
		email = maskEmail(e.email)
	}
	return c.methodView(e, phone, email)
}

// listed is the masked view as it is read.
func (c *call) listed(e *enrolment) map[string]any {
	m := c.masked(e)
	m["confirmed"] = e.confirmed
	if !e.lastAuth.IsZero() {
		m["last_auth_at"] = stamp(e.lastAuth)
	}
	return m
}

// listMethods puts phones last, as recorded traffic has it, and leaves the total
// out when it is zero.
func listMethods(c *call) *reply {
	u, bad := c.user()
	if bad != nil {
		return bad
	}
	o, bad := c.offset(50, "")
	if bad != nil {
		return bad
	}
	rows := slices.Clone(c.t.authState.factors.byUser[u.id])
	slices.SortStableFunc(rows, func(a, b *enrolment) int { return order(a) - order(b) })
	a := o.answer("authenticators", render(cut(o, rows), func(e *enrolment) any { return c.listed(e) }), len(rows))
	if m, paged := a.body.(map[string]any); paged && len(rows) == 0 {
		delete(m, "total")
	}
	return a
}

func order(e *enrolment) int {
	if e.isPhone() {
		return 1
	}
	return 0
}

// method finds the method of the path.
func (c *call) method() (*enrolment, *reply) {
	u, bad := c.user()
	if bad != nil {
		return nil, bad
	}
	for _, e := range c.t.authState.factors.byUser[u.id] {
		if id := c.path("authentication_method_id"); e.methodID() == id || e.id == id {
			return e, nil
		}
	}
	return nil, notFound(noMethod, "")
}

func readMethod(c *call) *reply {
	e, bad := c.method()
	if bad != nil {
		return bad
	}
	return ok(c.listed(e))
}

func createMethod(c *call) *reply {
	u, bad := c.user()
	if bad != nil {
		return bad
	}
	e, bad := c.newMethod(u.id, c.body)
	if bad != nil {
		return bad
	}
	if slices.ContainsFunc(c.t.authState.factors.byUser[u.id], e.same) {
		return conflict(methodExists, "")
	}
	c.keepMethod(e, c.body)
	m := c.masked(e)
	put(m, "totp_secret", e.secret)
	return created(m)
}

// same reports whether o reaches the same person in the same way.
func (e *enrolment) same(o *enrolment) bool {
	return e.methodKind() == o.methodKind() && e.phone == o.phone && e.email == o.email && e.secret == o.secret && e.kind != "webauthn-roaming"
}

func (e *enrolment) methodKind() string {
	if e.isPhone() {
		return "phone"
	}
	return e.kind
}

// newMethod reads a method, which counts as confirmed.
func (c *call) newMethod(userID string, body map[string]any) (*enrolment, *reply) {
	d := document(body)
	kind := d.text("type")
	for _, name := range needed[kind] {
		if d.text(name) == "" {
			v := violation{text: "Missing required property: " + name}
			return nil, badRequest(v.message("Payload"), "invalid_body")
		}
	}
	e := &enrolment{userID: userID, kind: kind, name: d.text("name"), phone: d.text("phone_number"), email: d.text("email"), confirmed: true}
	switch kind {
	case "phone":
		e.kind = cmp.Or(d.text("preferred_authentication_method"), "sms")
	case "totp":
		e.secret = d.text("totp_secret")
		if totpAt(e.secret, time.Unix(0, 0)) == "" {
			return nil, badRequest("Payload validation error: 'Invalid totp_secret'.", "invalid_body")
		}
	}
	return e, nil
}

// keepMethod stores a method with what is said of a credential.
func (c *call) keepMethod(e *enrolment, body map[string]any) {
	c.t.authState.factors.add(e, c.now)
	if e.kind != "webauthn-roaming" && e.kind != "passkey" {
		return
	}
	if c.t.guardian.credentials == nil {
		c.t.guardian.credentials = make(map[string]map[string]any)
	}
	said := clone(body)
	delete(said, "type")
	delete(said, "name")
	c.t.guardian.credentials[e.id] = said
}

// replaceMethods answers what it was given, unmasked.
func replaceMethods(c *call) *reply {
	u, bad := c.user()
	if bad != nil {
		return bad
	}
	var methods []*enrolment
	for _, item := range c.list {
		body, _ := item.(map[string]any)
		e, bad := c.newMethod(u.id, body)
		if bad != nil {
			return bad
		}
		if slices.ContainsFunc(methods, e.same) {
			return conflict(methodExists, "")
		}
		methods = append(methods, e)
	}
	c.unenrol(u.id, func(*enrolment) bool { return true })
	out := []any{}
	for _, e := range methods {
		c.t.authState.factors.add(e, c.now)
		out = append(out, c.methodView(e, e.phone, e.email))
	}
	return ok(out)
}

func updateMethod(c *call) *reply {
	e, bad := c.method()
	if bad != nil {
		return bad
	}
	if c.has("name") {
		e.name = c.str("name")
	}
	if way := c.str("preferred_authentication_method"); way != "" && e.isPhone() {
		e.kind, e.id = way, way+"|"+e.device()
	}
	return ok(c.masked(e))
}

func deleteMethod(c *call) *reply {
	e, bad := c.method()
	if bad != nil {
		return bad
	}
	c.unenrol(e.userID, func(o *enrolment) bool { return o == e })
	return noContent()
}

// deleteMethods removes all of them, and the second factors with them.
func deleteMethods(c *call) *reply {
	u, bad := c.user()
	if bad != nil {
		return bad
	}
	c.unenrol(u.id, func(*enrolment) bool { return true })
	return noContent()
}
