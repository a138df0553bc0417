package state

import (
	"slices"
	"time"
)

// Texts of breached-password detection
// (https://auth0.com/docs/secure/attack-protection/breached-password-detection).
const (
	CodeLeaked = "password_leaked"
	TextLeaked = "This login attempt has been blocked because the password you're using was previously disclosed through a data breach (not in this application)."

	TextLeakedChoice = "Password was previously disclosed through a data breach" // When it is chosen.
)

// leakLogged is how often the log tells of one address.
const leakLogged = time.Hour

// breachDetection knows breached passwords. The tenant's mutex guards it.
type breachDetection struct {
	Known  map[string]bool
	Logged map[string]time.Time // By event and address.

	Enabled                 bool
	Login, SignUp, Changing []string // The shields of each.
}

// Leaked reports whether a breached password is refused for it, and writes the
// log. The caller holds the mutex.
func (t *Tenant) Leaked(password, code string, shields []string, f LogFields, now time.Time) bool {
	b := &t.Auth.Protect.Breached
	if !b.Enabled || !b.Known[password] || len(shields) == 0 {
		return false
	}
	if key := code + " " + f.IP; now.Sub(b.Logged[key]) >= leakLogged {
		b.Logged[key] = now
		f.Description = TextLeaked
		t.Log(code, f)
	}
	return slices.Contains(shields, "block")
}
