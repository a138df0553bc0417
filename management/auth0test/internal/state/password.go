package state

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
)

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
