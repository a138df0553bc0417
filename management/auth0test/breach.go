package auth0test

// AddBreachedPasswords adds to the passwords that breached-password detection
// knows; a new tenant knows none. Detection is off until the Management API turns
// it on, at attack-protection/breached-password-detection.
func (t *Tenant) AddBreachedPasswords(passwords ...string) {
	t.s.Lock()
	defer t.s.Unlock()
	for _, p := range passwords {
		t.s.Auth.Protect.Breached[p] = true
	}
}
