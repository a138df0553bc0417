// Package usershape has Auth0's rules for the properties of a database user: what
// an import file may say, and what a connection's options add to that. Whoever
// plans an import and whoever plays the tenant check by the same code. Sources:
// https://auth0.com/docs/manage-users/user-migration/bulk-user-import-schema and
// https://auth0.com/docs/authenticate/database-connections/require-username
package usershape

import (
	"encoding/json"
	"regexp"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Codes of violations. All but the last three are Auth0's.
const (
	Required  = "OBJECT_REQUIRED"
	Format    = "FORMAT"
	Pattern   = "PATTERN"
	TooLong   = "MAX_LENGTH"
	TooMany   = "ARRAY_LENGTH_LONG"
	NotPassed = "NOT_PASSED" // A key of metadata that Auth0 keeps for itself.

	Text       = "TEXT"        // Not UTF-8, or with control characters.
	NoUsername = "NO_USERNAME" // The connection takes no usernames.
	Precision  = "PRECISION"   // An integer beyond 2^53, which Auth0 rounds.
)

// The bounds of Auth0's schema.
const (
	MaxID      = 255 // Of the whole id, with the provider.
	maxName    = 300
	maxGiven   = 150
	maxFactors = 10
)

// User holds the properties that are checked.
type User struct {
	ID                                             string // As in an import file: without "auth0|".
	Email, Username, Phone                         string
	Name, GivenName, FamilyName, Nickname, Picture string

	AppMetadata, UserMetadata         map[string]any
	TOTPSecrets, MFAPhones, MFAEmails []string
}

// Violation is a rule that a user breaks, and the property.
type Violation struct{ Path, Code string }

// Connection holds what the options of a database connection say about users.
type Connection struct {
	Usernames    bool // Usernames can be set.
	MinUsername  int
	MaxUsername  int
	MustHaveName bool // Sign-up asks for a username; imports and POST /users do not.
}

// Read takes the rules out of a connection's options. No options are those of a
// connection as Auth0 makes it.
func Read(options map[string]any) Connection {
	c := Connection{MinUsername: 1, MaxUsername: 15}
	requires, _ := options["requires_username"].(bool)
	attribute := object(object(options, "attributes"), "username")
	active, _ := object(attribute, "identifier")["active"].(bool)
	c.Usernames, c.MustHaveName = requires || active, requires
	lengths := object(object(options, "validation"), "username")
	if active {
		lengths = object(attribute, "validation")
	}
	for key, to := range map[string]*int{"min": &c.MinUsername, "max": &c.MaxUsername, "min_length": &c.MinUsername, "max_length": &c.MaxUsername} {
		switch n := lengths[key].(type) {
		case float64:
			*to = int(n)
		case int:
			*to = n
		}
	}
	return c
}

func object(m map[string]any, key string) map[string]any {
	o, _ := m[key].(map[string]any)
	return o
}

// Check returns the first rule that u breaks in an import file.
func (c Connection) Check(u *User) (Violation, bool) {
	for _, check := range []func() (string, string){
		func() (string, string) { return "user_id", ID(u.ID) },
		func() (string, string) { return "email", requiredEmail(u.Email) },
		func() (string, string) { return "username", c.Username(u.Username) },
		func() (string, string) { return "phone_number", Phone(u.Phone) },
		func() (string, string) { return "name", Name(u.Name, maxName) },
		func() (string, string) { return "given_name", Name(u.GivenName, maxGiven) },
		func() (string, string) { return "family_name", Name(u.FamilyName, maxGiven) },
		func() (string, string) { return "nickname", Name(u.Nickname, maxName) },
		func() (string, string) { return "picture", Picture(u.Picture) },
		func() (string, string) { return factors(u) },
		func() (string, string) { return "app_metadata", AppMetadata(u.AppMetadata) },
		func() (string, string) { return "user_metadata", Metadata(u.UserMetadata) },
	} {
		if path, code := check(); code != "" {
			return Violation{path, code}, false
		}
	}
	return Violation{}, true
}

// Each of the following returns the code of the rule that a value breaks, or "".

// ID checks an id without the provider.
func ID(id string) string {
	switch {
	case id == "":
		return Required
	case !Printable(id):
		return Text
	case len("auth0|")+len(id) > MaxID:
		return TooLong
	case strings.ContainsFunc(id, unicode.IsSpace) || strings.HasPrefix(id, "auth0|"):
		return Pattern
	}
	return ""
}

func requiredEmail(s string) string {
	if s == "" {
		return Required
	}
	return Email(s)
}

// Email checks an address: something of visible characters, and a domain with a
// dot. Dots in a row before the @ pass; real carriers have given such addresses
// out, and Auth0's answer to them is not documented.
func Email(s string) string {
	if !Printable(s) {
		return Text
	}
	at := strings.LastIndexByte(s, '@')
	if at < 1 || at > 64 || len(s) > 254 || strings.ContainsFunc(s, invisible) || strings.ContainsAny(s[:at], `@"(),:;<>[\]`) {
		return Format
	}
	labels := strings.Split(s[at+1:], ".")
	if len(labels) < 2 || slices.ContainsFunc(labels, func(l string) bool { return !isLabel(l) }) {
		return Format
	}
	if top := labels[len(labels)-1]; strings.Trim(top, "0123456789") == "" {
		return Format
	}
	return ""
}

// invisible reports spaces of all kinds and characters without a shape.
func invisible(r rune) bool { return unicode.IsSpace(r) || !unicode.IsPrint(r) }

func isLabel(l string) bool {
	return l != "" && len(l) <= 63 && l[0] != '-' && l[len(l)-1] != '-' &&
		!strings.ContainsFunc(l, func(r rune) bool {
			return r != '-' && !unicode.IsLetter(r) && !unicode.IsDigit(r) && !unicode.IsMark(r)
		})
}

var username = regexp.MustCompile("^[A-Za-z0-9_+.!#$'^`~@-]*$")

// Spelled reports whether a username has no other characters than Auth0 takes.
func Spelled(s string) bool { return username.MatchString(s) }

// Username checks a username, "" for none, against the connection.
func (c Connection) Username(s string) string {
	switch {
	case s == "":
		return ""
	case !c.Usernames:
		return NoUsername
	case utf8.RuneCountInString(s) > c.MaxUsername:
		return TooLong
	case utf8.RuneCountInString(s) < c.MinUsername || !Spelled(s) || Email(s) == "":
		return Pattern
	}
	return ""
}

var e164 = regexp.MustCompile(`^\+[0-9]{1,15}$`)

// Phone checks a number in E.164, "" for none.
func Phone(s string) string {
	if s != "" && !e164.MatchString(s) {
		return Pattern
	}
	return ""
}

// Name checks a text of at most so many characters, "" for none.
func Name(s string, most int) string {
	switch {
	case !Printable(s):
		return Text
	case utf8.RuneCountInString(s) > most:
		return TooLong
	}
	return ""
}

// Picture checks the address of a picture, "" for none.
func Picture(s string) string {
	if s != "" && (!Printable(s) || !strings.HasPrefix(s, "https://") && !strings.HasPrefix(s, "http://")) {
		return Format
	}
	return ""
}

var totpSecret = regexp.MustCompile(`^[A-Z2-7]+$`)

func factors(u *User) (path, code string) {
	if len(u.TOTPSecrets)+len(u.MFAPhones)+len(u.MFAEmails) > maxFactors {
		return "mfa_factors", TooMany
	}
	for _, s := range u.TOTPSecrets {
		if !totpSecret.MatchString(s) {
			return "mfa_factors.totp.secret", Pattern
		}
	}
	for _, s := range u.MFAPhones {
		if !e164.MatchString(s) {
			return "mfa_factors.phone.value", Pattern
		}
	}
	for _, s := range u.MFAEmails {
		if code := requiredEmail(s); code != "" {
			return "mfa_factors.email.value", code
		}
	}
	return "", ""
}

// Printable reports whether s is UTF-8 without control characters.
func Printable(s string) bool {
	return utf8.ValidString(s) && !strings.ContainsFunc(s, func(r rune) bool { return r < ' ' || r == 0x7f })
}

// Forbidden are the keys that Auth0 refuses in app_metadata.
var Forbidden = []string{
	"__tenant", "_id", "blocked", "clientID", "created_at", "email", "email_verified", "globalClientID",
	"global_client_id", "identities", "lastIP", "lastLogin", "loginsCount", "metadata", "multifactor",
	"multifactor_last_modified", "updated_at", "user_id",
}

// AppMetadata checks app_metadata.
func AppMetadata(m map[string]any) string {
	for key := range m {
		if slices.Contains(Forbidden, key) {
			return NotPassed
		}
	}
	return Metadata(m)
}

// Metadata checks the keys and texts of metadata. Names follow
// https://auth0.com/docs/manage-users/user-accounts/metadata/metadata-fields-data
func Metadata(m map[string]any) string {
	for key, value := range m {
		if key == "" || strings.HasPrefix(key, "$") || strings.Contains(key, ".") || !Printable(key) {
			return Pattern
		}
		if !readable(value) {
			return Text
		}
	}
	return ""
}

func readable(v any) bool {
	switch v := v.(type) {
	case string:
		return utf8.ValidString(v)
	case []any:
		return !slices.ContainsFunc(v, func(v any) bool { return !readable(v) })
	case map[string]any:
		for key, v := range v {
			if !utf8.ValidString(key) || !readable(v) {
				return false
			}
		}
	}
	return true
}

// Rounded reports whether metadata holds an integer that Auth0, which keeps numbers
// as JavaScript does, would change silently.
func Rounded(v any) bool {
	switch v := v.(type) {
	case int64:
		return v > 1<<53 || v < -1<<53
	case uint64:
		return v > 1<<53
	case int:
		return v > 1<<53 || v < -1<<53
	case json.Number:
		if n, err := v.Int64(); err == nil {
			return Rounded(n)
		}
		return !strings.ContainsAny(string(v), ".eE") // an integer beyond 64 bits
	case []any:
		return slices.ContainsFunc(v, Rounded)
	case map[string]any:
		for _, v := range v {
			if Rounded(v) {
				return true
			}
		}
	}
	return false
}
