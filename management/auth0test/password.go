package auth0test

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
)

// credential is what a password is checked by; the zero value lets nobody in.
//
// A tenant keeps its own passwords as HMAC-SHA256 under a salt, not as bcrypt:
// they never leave this process, and 2,000 users a second could not be created
// otherwise. As with Auth0's bcrypt, only the first 72 bytes count.
type credential struct {
	own      *ownHash
	imported interface{ Verify(string) error } // Until the first login with it.
}

type ownHash struct {
	salt [16]byte
	sum  [sha256.Size]byte
}

func newCredential(password string) credential {
	if password == "" {
		return credential{}
	}
	var h ownHash
	rand.Read(h.salt[:])
	h.sum = h.of(password)
	return credential{own: &h}
}

func (h *ownHash) of(password string) (sum [sha256.Size]byte) {
	mac := hmac.New(sha256.New, h.salt[:])
	mac.Write([]byte(password)[:min(72, len(password))])
	mac.Sum(sum[:0])
	return sum
}

func (c credential) matches(password string) bool {
	switch {
	case c.imported != nil:
		return c.imported.Verify(password) == nil
	case c.own != nil:
		sum := c.own.of(password)
		return hmac.Equal(sum[:], c.own.sum[:])
	}
	return false
}

// checkPassword reports whether a password is the user's. Call it without the
// mutex: imported hashes are slow. After the first good login an imported hash
// is replaced by the tenant's own, as Auth0 does.
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
