package state

import (
	"strconv"
	"unicode"
	"unicode/utf8"
)

const weakPassword = "PasswordStrengthError: Password is too weak"

// CheckPolicy checks a password against the connection's password policy
// (https://auth0.com/docs/authenticate/database-connections/password-strength).
func (c *Connection) CheckPolicy(password string) (bad string) {
	name, _ := c.Options()["passwordPolicy"].(string)
	p, length := strength[name], c.minLength(name)
	if flexible, has := c.Options()["password_options"].(map[string]any); has {
		p, length = flexiblePolicy(flexible)
	}
	if p.accepts(password, length) {
		return ""
	}
	return weakPassword
}

// flexiblePolicy reads password_options.
func flexiblePolicy(options map[string]any) (policy, int) {
	complexity, _ := options["complexity"].(map[string]any)
	types, _ := complexity["character_types"].([]any)
	p := policy{kinds: len(types), noTriad: complexity["identical_characters"] == "block"}
	if complexity["character_type_rule"] == "three_of_four" {
		p.kinds = min(3, len(types))
	}
	switch n := complexity["min_length"].(type) {
	case float64:
		return p, int(n)
	case int:
		return p, n
	}
	return p, 1
}

// policy says which kinds of characters a password needs.
type policy struct {
	length  int
	kinds   int  // Of lower case, upper case, digits and others.
	plain   bool // Lower, upper and digits are all needed, others do not count.
	noTriad bool // No character three times in a row.
}

var strength = map[string]policy{
	"":          {length: 1},
	"none":      {length: 1},
	"low":       {length: 6},
	"fair":      {length: 8, kinds: 3, plain: true},
	"good":      {length: 8, kinds: 3},
	"excellent": {length: 10, kinds: 3, noTriad: true},
}

// minLength is the policy's length, unless the connection sets one.
func (c *Connection) minLength(name string) int {
	complexity, _ := c.Options()["password_complexity_options"].(map[string]any)
	switch n := complexity["min_length"].(type) {
	case float64:
		return int(n)
	case int:
		return n
	}
	return strength[name].length
}

func (p policy) accepts(password string, length int) bool {
	if utf8.RuneCountInString(password) < length {
		return false
	}
	var lower, upper, digit, other, run int
	var last rune
	for _, r := range password {
		switch {
		case unicode.IsLower(r):
			lower = 1
		case unicode.IsUpper(r):
			upper = 1
		case unicode.IsDigit(r):
			digit = 1
		default:
			other = 1
		}
		if run++; r != last {
			run, last = 1, r
		}
		if p.noTriad && run > 2 {
			return false
		}
	}
	if p.plain {
		other = 0
	}
	return lower+upper+digit+other >= p.kinds
}

// CheckUsername checks a username, empty for none, against the connection.
func (c *Connection) CheckUsername(name string) (bad string) {
	if name == "" {
		return ""
	}
	if requires, _ := c.Options()["requires_username"].(bool); !requires && !c.attribute("username") {
		return "Cannot set username for connection without requires_username."
	}
	lo, hi := c.usernameLength()
	if n := utf8.RuneCountInString(name); n < lo || n > hi {
		return "Username should have between " + strconv.Itoa(lo) + " and " + strconv.Itoa(hi) + " characters."
	}
	return ""
}

// attribute reports whether flexible identifiers have an attribute as identifier.
func (c *Connection) attribute(name string) bool {
	attributes, _ := c.Options()["attributes"].(map[string]any)
	a, _ := attributes[name].(map[string]any)
	identifier, _ := a["identifier"].(map[string]any)
	active, _ := identifier["active"].(bool)
	return active
}

func (c *Connection) usernameLength() (lo, hi int) {
	lo, hi = 1, 15
	validation, _ := c.Options()["validation"].(map[string]any)
	username, _ := validation["username"].(map[string]any)
	for key, to := range map[string]*int{"min": &lo, "max": &hi} {
		switch n := username[key].(type) {
		case float64:
			*to = int(n)
		case int:
			*to = n
		}
	}
	return lo, hi
}
