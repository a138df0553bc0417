package schema

import (
	"encoding/json"
	"testing"
)

func TestShapeTexts(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct{ route, body, want string }{
		"unknown":  {"POST /users", `{"connection":"c","a":1,"b":2}`, "Payload validation error: 'Additional properties not allowed: a,b'."},
		"missing":  {"POST /users", `{}`, "Payload validation error: 'Missing required property: connection'."},
		"type":     {"POST /users", `{"connection":7}`, "Payload validation error: 'Expected type string but found type integer' on property connection."},
		"null":     {"POST /users", `{"connection":null}`, "Payload validation error: 'Expected type string but found type null' on property connection."},
		"long":     {"POST /users", `{"connection":"c","given_name":"` + string(make150()) + `"}`, "Payload validation error: 'String is too long (151 chars), maximum 150' on property given_name."},
		"short":    {"POST /users", `{"connection":""}`, "Payload validation error: 'String is too short (0 chars), minimum 1' on property connection."},
		"pattern":  {"POST /users", `{"connection":"c","phone_number":"123"}`, `Payload validation error: 'String does not match pattern ^\+[0-9]{1,15}$' on property phone_number.`},
		"format":   {"POST /users", `{"connection":"c","email":"nobody"}`, "Payload validation error: 'Object didn't pass validation for format email: nobody' on property email."},
		"array":    {"POST /organizations/{id}/members", `{"members":[]}`, "Payload validation error: 'Array is too short (0), minimum 1' on property members."},
		"item":     {"POST /users/{id}/roles", `{"roles":[5]}`, "Payload validation error: 'Expected type string but found type integer' on property roles[0]."},
		"enum":     {"POST /jobs/users-exports", `{"format":"xml"}`, "Payload validation error: 'No enum match for: xml' on property format."},
		"maximum":  {"POST /organizations/{id}/invitations", `{"inviter":{"name":"a"},"invitee":{"email":"a@b.co"},"client_id":"x","ttl_sec":2592001}`, "Payload validation error: 'Value 2592001 is greater than maximum 2592000' on property ttl_sec."},
		"nothing":  {"POST /users", `null`, "Payload validation error: 'Expected type object but found type null'."},
		"accepted": {"POST /users", `{"connection":"c","app_metadata":{"any":{"thing":1}}}`, ""},
	} {
		var v any
		if err := json.Unmarshal([]byte(c.body), &v); err != nil {
			t.Fatal(name, err)
		}
		got := ""
		if bad := spec().byRoute[c.route].Body.Check(v); bad != nil {
			got = bad.Message("Payload")
		}
		if got != c.want {
			t.Errorf("%s: got %s\nwant %s", name, got, c.want)
		}
	}
}

func make150() []byte {
	b := make([]byte, 151)
	for i := range b {
		b[i] = 'x'
	}
	return b
}
