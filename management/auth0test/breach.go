package auth0test

import (
	"time"
)

// AddBreachedPasswords adds to the passwords that breached-password detection
// knows; a new tenant knows none. Detection is off until the Management API turns
// it on, at attack-protection/breached-password-detection.
func (t *Tenant) AddBreachedPasswords(passwords ...string) {
	t.s.Lock()
	defer t.s.Unlock()
	b := &t.s.Auth.Protect.Breached
	if b.Known == nil {
		b.Known, b.Logged = make(map[string]bool), make(map[string]time.Time)
	}
	for _, p := range passwords {
		b.Known[p] = true
	}
}
