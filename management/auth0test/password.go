package auth0test

import "golang.org/x/crypto/bcrypt"

// setPassword hashes a password; it is slow, so call it without the mutex.
func newCredential(password string) credential {
	if password == "" {
		return credential{}
	}
	hash, err := bcrypt.GenerateFromPassword(clip(password), bcrypt.MinCost)
	if err != nil {
		panic(err) // Only a password of more than 72 bytes, and clip cut it.
	}
	return credential{hash: hash}
}

// clip cuts a password at the 72 bytes that bcrypt uses.
func clip(password string) []byte { return []byte(password)[:min(72, len(password))] }

func (c credential) matches(password string) bool {
	switch {
	case c.imported != nil:
		return c.imported.Verify(password) == nil
	case c.hash != nil:
		return bcrypt.CompareHashAndPassword(c.hash, clip(password)) == nil
	}
	return false
}

// checkPassword reports whether a password is the user's. Call it without the
// mutex: hashes are slow. After the first good login an imported hash is
// replaced by the tenant's own, as Auth0 does.
func (t *Tenant) checkPassword(u *user, password string) bool {
	t.mu.Lock()
	had := u.password
	t.mu.Unlock()
	if !had.matches(password) {
		return false
	}
	if had.imported == nil {
		return true
	}
	fresh := newCredential(password)
	t.mu.Lock()
	defer t.mu.Unlock()
	if u.password.imported == had.imported {
		u.password = fresh
	}
	return true
}
