package state

import (
	"slices"
	"strings"
	"time"

	"github.com/auth0kit/auth0kit/management/auth0test/internal/store"
)

// FactorNames are the factors of a tenant in the order in which Auth0 lists them.
var FactorNames = []string{"sms", "push-notification", "otp", "email", "duo", "webauthn-roaming", "webauthn-platform", "recovery-code"}

// EnrollmentKind maps a factor of the tenant to the kind of its enrollments, which is
// also the prefix of their ids.
var EnrollmentKind = map[string]string{
	"sms": "sms", "push-notification": "push", "otp": "totp", "email": "email",
	"webauthn-roaming": "webauthn-roaming", "webauthn-platform": "webauthn-platform", "recovery-code": "recovery-code",
}

// Enrollment is an authenticator of a user: what the MFA API calls an
// authenticator, Guardian an enrollment and the Management API an
// authentication method.
type Enrollment struct {
	ID, UserID string // "totp|dev_…"
	Kind       string // totp, sms, voice, push, email, recovery-code, webauthn-…
	Name       string
	Secret     string // TOTP seed, or the recovery code.
	Phone      string
	Email      string
	Confirmed  bool

	CreatedAt, ConfirmedAt, LastAuth time.Time
	LastStep                         int64 // Of the last TOTP code that was used.
}

// Factor is the factor of the tenant that must be enabled for the enrollment to
// count.
func (e *Enrollment) Factor() string {
	for factor, kind := range EnrollmentKind {
		if kind == e.Kind || kind == "sms" && e.Kind == "voice" {
			return factor
		}
	}
	return e.Kind
}

// Channel is the MFA API's oob_channel, empty when the kind has none.
func (e *Enrollment) Channel() string {
	switch e.Kind {
	case "sms", "voice", "email":
		return e.Kind
	case "push":
		return "auth0"
	}
	return ""
}

// Address is where a code goes.
func (e *Enrollment) Address() string {
	if e.Kind == "email" {
		return e.Email
	}
	return e.Phone
}

// Masked is the address as lists show it.
func (e *Enrollment) Masked() string {
	switch {
	case e.Phone != "":
		return MaskPhone(e.Phone)
	case e.Email != "":
		return MaskEmail(e.Email)
	}
	return ""
}

func MaskPhone(s string) string {
	if len(s) <= 4 {
		return s
	}
	return strings.Repeat("X", len(s)-4) + s[len(s)-4:]
}

// MaskEmail hides all but four characters of each side, as "chuc****@exam*******".
func MaskEmail(s string) string {
	local, domain, _ := strings.Cut(s, "@")
	return maskTail(local) + "@" + maskTail(domain)
}

// maskTail leaves four characters, and none of a shorter text.
func maskTail(s string) string {
	if len(s) <= 4 {
		return "****"
	}
	return s[:4] + strings.Repeat("*", len(s)-4)
}

// factorStore holds the second factors. The tenant's mutex guards it.
type factorStore struct {
	Enabled  map[string]bool
	Policies []string // all-applications, confidence-score, or none.
	ByUser   map[string][]*Enrollment
	Browsers map[string]RememberedBrowser // By the value of their cookie.
}

// RememberedBrowser passes the second factor for a while.
type RememberedBrowser struct {
	UserID  string
	Expires time.Time
}

func (s *factorStore) start() {
	s.Enabled, s.ByUser = map[string]bool{}, map[string][]*Enrollment{}
	s.Browsers = map[string]RememberedBrowser{}
}

// Add stores an enrollment and gives it its id.
func (s *factorStore) Add(e *Enrollment, now time.Time) *Enrollment {
	e.ID, e.CreatedAt = e.Kind+"|"+store.NewID("dev"), now
	if e.Confirmed {
		e.ConfirmedAt = now
	}
	s.ByUser[e.UserID] = append(s.ByUser[e.UserID], e)
	return e
}

// Confirm ends a pending enrollment: it has been proved.
func (e *Enrollment) Confirm(now time.Time) {
	if !e.Confirmed {
		e.Confirmed, e.ConfirmedAt = true, now
	}
	e.LastAuth = now
}

// get returns the enrollment of a user by its id, or nil.
func (s *factorStore) get(userID, id string) *Enrollment {
	for _, e := range s.ByUser[userID] {
		if e.ID == id {
			return e
		}
	}
	return nil
}

// byID returns an enrollment of any user, or nil.
func (s *factorStore) byID(id string) *Enrollment {
	for userID := range s.ByUser {
		if e := s.get(userID, id); e != nil {
			return e
		}
	}
	return nil
}

// Remove forgets enrollments of a user. The recovery code goes with the last
// other one: alone it is no second factor.
func (s *factorStore) Remove(userID string, which func(*Enrollment) bool) (removed int) {
	left := slices.DeleteFunc(s.ByUser[userID], func(e *Enrollment) bool {
		if which(e) {
			removed++
			return true
		}
		return false
	})
	if !slices.ContainsFunc(left, func(e *Enrollment) bool { return e.Kind != "recovery-code" }) {
		left = nil
	}
	s.ByUser[userID] = left
	if len(left) == 0 {
		delete(s.ByUser, userID)
	}
	return removed
}

// Usable returns the confirmed enrollments of a user whose factor is enabled.
func (s *factorStore) Usable(userID string) []*Enrollment {
	var out []*Enrollment
	for _, e := range s.ByUser[userID] {
		if e.Confirmed && s.Enabled[e.Factor()] {
			out = append(out, e)
		}
	}
	return out
}

// Enrolled reports whether the user has a second factor to be challenged for; a
// recovery code alone is none.
func (s *factorStore) Enrolled(userID string) bool {
	return slices.ContainsFunc(s.Usable(userID), func(e *Enrollment) bool { return e.Kind != "recovery-code" })
}

// Recovery returns the user's recovery code, or nil.
func (s *factorStore) Recovery(userID string) *Enrollment {
	for _, e := range s.ByUser[userID] {
		if e.Kind == "recovery-code" {
			return e
		}
	}
	return nil
}

// AnyEnabled reports whether the tenant has a factor to enroll.
func (s *factorStore) AnyEnabled() bool {
	for name, on := range s.Enabled {
		if on && name != "recovery-code" {
			return true
		}
	}
	return false
}

// NewRecovery gives the user a new recovery code in place of the old one.
func (s *factorStore) NewRecovery(userID string, now time.Time) *Enrollment {
	e := s.Recovery(userID)
	if e == nil {
		e = s.Add(&Enrollment{UserID: userID, Kind: "recovery-code", Confirmed: true}, now)
	}
	e.Secret = NewRecoveryCode()
	return e
}

// NewRecoveryCode is 24 characters, as Auth0's.
func NewRecoveryCode() string {
	const letters = "ABCDEFGHJKLMNPQRSTUVWXYZ123456789"
	b := []byte(store.RandomID(24))
	for i := range b {
		b[i] = letters[int(b[i])%len(letters)]
	}
	return string(b)
}

// ForgetBrowsers makes a user pass the second factor in every browser again.
func (s *factorStore) ForgetBrowsers(userID string) {
	for cookie, b := range s.Browsers {
		if b.UserID == userID {
			delete(s.Browsers, cookie)
		}
	}
}
