package auth0test

import (
	"net/http"
	"slices"
	"time"
)

// Texts of breached-password detection
// (https://auth0.com/docs/secure/attack-protection/breached-password-detection).
const (
	codeLeaked = "password_leaked"
	textLeaked = "This login attempt has been blocked because the password you're using was previously disclosed through a data breach (not in this application)."

	textLeakedChoice = "Password was previously disclosed through a data breach" // When it is chosen.
)

// leakLogged is how often the log tells of one address.
const leakLogged = time.Hour

// breachDetection knows breached passwords. The tenant's mutex guards it.
type breachDetection struct {
	known  map[string]bool
	logged map[string]time.Time // By event and address.

	enabled                 bool
	login, signUp, changing []string // The shields of each.
}

// AddBreachedPasswords adds to the passwords that breached-password detection
// knows; a new tenant knows none. Detection is off until the Management API turns
// it on, at attack-protection/breached-password-detection.
func (t *Tenant) AddBreachedPasswords(passwords ...string) {
	t.lock()
	defer t.mu.Unlock()
	b := &t.authState.protect.breached
	if b.known == nil {
		b.known, b.logged = make(map[string]bool), make(map[string]time.Time)
	}
	for _, p := range passwords {
		b.known[p] = true
	}
}

// leaked reports whether a breached password is refused for it, and writes the
// log. The caller holds the mutex.
func (t *Tenant) leaked(password, code string, shields []string, f logFields, now time.Time) bool {
	b := &t.authState.protect.breached
	if !b.enabled || !b.known[password] || len(shields) == 0 {
		return false
	}
	if key := code + " " + f.IP; now.Sub(b.logged[key]) >= leakLogged {
		b.logged[key] = now
		f.Description = textLeaked
		t.log(code, f)
	}
	return slices.Contains(shields, "block")
}

// leakedLogin refuses a login whose password is right, and breached; the user is
// told by mail.
func (t *Tenant) leakedLogin(a attempt, u *user, now time.Time) *oauthError {
	shields := t.authState.protect.breached.login
	refused := t.leaked(a.password, "pwd_leak", shields, a.logFields(u, textLeaked), now)
	if t.authState.protect.breached.enabled && t.authState.protect.breached.known[a.password] &&
		slices.Contains(shields, "user_notification") && u.email != "" {
		t.post(Message{Channel: "email", To: u.email, Kind: "stolen_credentials", UserID: u.id})
	}
	if !refused {
		return nil
	}
	return logged(oauthFail(http.StatusForbidden, codeLeaked, textLeaked))
}
