package state

import (
	"cmp"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/auth0kit/auth0kit/internal/usershape"
	"github.com/auth0kit/auth0kit/management/auth0test/internal/schema"
	"github.com/auth0kit/auth0kit/management/auth0test/internal/store"
)

const weakPassword = "PasswordStrengthError: Password is too weak"

// CheckNewPassword checks a password that a user shall have against the
// connection's password policy
// (https://auth0.com/docs/authenticate/database-connections/password-strength),
// what is known of the user, and the user's passwords before.
func (c *Connection) CheckNewPassword(u *User, password string) (bad string) {
	switch {
	case c.checkStrength(password) != "":
		return weakPassword
	case c.personal(u, password):
		return "PasswordNoUserInfoError: Password contains user information"
	case c.usedBefore(u, password):
		return "PasswordHistoryError: Password has previously been used"
	}
	return ""
}

// history is how many passwords of a user are remembered, the current one too.
func (c *Connection) history() int {
	o := store.Document(c.Options())
	if h := o.Sub("password_options").Sub("history"); h.Flag("active") {
		return max(1, int(h.Number("size")))
	}
	if h := o.Sub("password_history"); h.Flag("enable") {
		return max(1, int(h.Number("size")))
	}
	return 0
}

func (c *Connection) usedBefore(u *User, password string) bool {
	n := c.history()
	if n == 0 {
		return false
	}
	last := append([]Credential{u.Password}, u.passwordsBefore...)
	return slices.ContainsFunc(last[:min(n, len(last))], func(old Credential) bool { return old.matches(password) })
}

// maxHistory is the longest history that a connection may ask for.
const maxHistory = 24

// SetPassword gives a user a new password, and remembers the one before.
func (u *User) SetPassword(secret Credential, now time.Time) {
	u.passwordsBefore = append([]Credential{u.Password}, u.passwordsBefore...)
	u.passwordsBefore = u.passwordsBefore[:min(maxHistory, len(u.passwordsBefore))]
	u.Password, u.LastPasswordReset = secret, now
}

// personal reports whether a password has something of the user's in it: what
// password_no_personal_info and profile_data name.
func (c *Connection) personal(u *User, password string) bool {
	o := store.Document(c.Options())
	fields := []string{"name", "username", "nickname", "email", "user_metadata.name", "user_metadata.first", "user_metadata.last"}
	if p := o.Sub("password_options").Sub("profile_data"); p.Flag("active") {
		fields = p.Texts("blocked_fields")
	} else if !o.Sub("password_no_personal_info").Flag("enable") {
		return false
	}
	known := map[string]string{"name": u.Name, "username": u.Username, "nickname": u.Nickname, "phone_number": u.Phone}
	known["email"], _, _ = strings.Cut(u.Email, "@")
	for k, v := range u.UserMetadata {
		known["user_metadata."+k], _ = v.(string)
	}
	password = strings.ToLower(password)
	return slices.ContainsFunc(fields, func(f string) bool {
		return known[f] != "" && strings.Contains(password, strings.ToLower(known[f]))
	})
}

func (c *Connection) checkStrength(password string) (bad string) {
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
	p := policy{kinds: len(types), noTriad: complexity["identical_characters"] == "block", counted: complexity["max_length_exceeded"] == "error"}
	if complexity["character_type_rule"] == "three_of_four" {
		p.kinds = min(3, len(types))
	}
	return p, cmp.Or(int(store.Document(complexity).Number("min_length")), 1)
}

// policy says which kinds of characters a password needs.
type policy struct {
	length  int
	kinds   int  // Of lower case, upper case, digits and others.
	plain   bool // Lower, upper and digits are all needed, others do not count.
	noTriad bool // No character three times in a row.
	counted bool // No more than the 72 bytes that count.
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
	set := store.Document(c.Options()).Sub("password_complexity_options").Number("min_length")
	return cmp.Or(int(set), strength[name].length)
}

func (p policy) accepts(password string, length int) bool {
	if utf8.RuneCountInString(password) < length || p.counted && len(password) > 72 {
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
	rules := usershape.Read(c.Options())
	if !rules.Usernames {
		return "Cannot set username for connection without requires_username."
	}
	if n := utf8.RuneCountInString(name); n < rules.MinUsername || n > rules.MaxUsername {
		return "Username should have between " + strconv.Itoa(rules.MinUsername) + " and " + strconv.Itoa(rules.MaxUsername) + " characters."
	}
	types := store.Document(c.Options()).Sub("attributes").Sub("username").Sub("validation").Sub("allowed_types")
	switch {
	case !usershape.Spelled(name):
		return "Username should only contain alphanumeric characters or any of the following symbols: _ + - . ! # $ ' ^ ` ~ @."
	case schema.IsEmail(name) && !types.Flag("email"):
		return "Username cannot be an email address."
	case usershape.Phone(name) == "" && types != nil && !types.Flag("phone_number"):
		return "Username cannot be a phone number."
	}
	return ""
}

// CompleteSignup reports whether a sign-up has every attribute that the
// connection requires.
func (c *Connection) CompleteSignup(get func(string) string) bool {
	attributes := store.Document(c.Options()).Sub("attributes")
	for name := range attributes {
		if attributes.Sub(name).Sub("signup").Text("status") == "required" && get(name) == "" {
			return false
		}
	}
	return true
}

// Credential is what a password is checked by; the zero value lets nobody in.
//
// A tenant keeps its own passwords as HMAC-SHA256 under a salt, not as bcrypt:
// they never leave this process, and 2,000 users a second could not be created
// otherwise. As with Auth0's bcrypt, only the first 72 bytes count.
type Credential struct {
	own      *ownHash
	Imported interface{ Verify(string) error } // Until the first login with it.
}

type ownHash struct {
	salt [16]byte
	sum  [sha256.Size]byte
}

func NewCredential(password string) Credential {
	if password == "" {
		return Credential{}
	}
	var h ownHash
	rand.Read(h.salt[:])
	h.sum = h.of(password)
	return Credential{own: &h}
}

func (h *ownHash) of(password string) (sum [sha256.Size]byte) {
	mac := hmac.New(sha256.New, h.salt[:])
	mac.Write([]byte(password)[:min(72, len(password))])
	mac.Sum(sum[:0])
	return sum
}

func (c Credential) matches(password string) bool {
	switch {
	case c.Imported != nil:
		return c.Imported.Verify(password) == nil
	case c.own != nil:
		sum := c.own.of(password)
		return hmac.Equal(sum[:], c.own.sum[:])
	}
	return false
}

// CheckPassword reports whether a password is the user's. Call it without the
// mutex: imported hashes are slow. After the first good login an imported hash
// is replaced by the tenant's own, as Auth0 does.
func (t *Tenant) CheckPassword(u *User, password string) bool {
	t.mu.Lock()
	had := u.Password
	t.Unlock()
	if !had.matches(password) {
		return false
	}
	if had.Imported == nil {
		return true
	}
	fresh := NewCredential(password)
	t.mu.Lock()
	defer t.Unlock()
	if u.Password.Imported == had.Imported {
		u.Password = fresh
	}
	return true
}
