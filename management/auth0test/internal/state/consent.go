package state

import (
	"crypto/sha1"
	"encoding/hex"
	"slices"
	"strings"

	"github.com/auth0kit/auth0kit/management/auth0test/internal/store"
)

// Consent is what a user let an application do at an API; without an audience at
// /userinfo.
type Consent struct {
	ID, UserID, ClientID, Audience string
	Scopes                         []string
}

type consentStore struct{ store.Table[*Consent] }

func consentsOf(t *Tenant) *consentStore { return Part(t, Zero[consentStore]) }

// ConsentID is the id of what a user lets an application do at an API.
func ConsentID(userID, clientID, audience string) string {
	sum := sha1.Sum([]byte(userID + "\n" + clientID + "\n" + audience))
	return hex.EncodeToString(sum[:12])
}

// Consented returns what a user consented to, nil without a consent. The caller
// holds the mutex.
func (t *Tenant) Consented(userID, clientID, audience string) *Consent {
	return consentsOf(t).Get(ConsentID(userID, clientID, audience))
}

// Consent adds scopes to what a user consented to. The caller holds the mutex.
func (t *Tenant) Consent(userID, clientID, audience string, scopes []string) {
	id := ConsentID(userID, clientID, audience)
	c := consentsOf(t).Get(id)
	if c == nil {
		c = &Consent{ID: id, UserID: userID, ClientID: clientID, Audience: audience, Scopes: []string{}}
		consentsOf(t).Put(id, c)
	}
	c.Scopes = store.Union(c.Scopes, scopes)
}

// AllConsents are the consents of all users, with what the refresh tokens of
// applications that need none stand for. The caller holds the mutex.
func (t *Tenant) AllConsents() []*Consent {
	var all store.Table[*Consent]
	add := func(c Consent) {
		if known := all.Get(c.ID); known != nil {
			c.Scopes = store.Union(known.Scopes, c.Scopes)
		}
		all.Put(c.ID, &c)
	}
	for _, c := range consentsOf(t).All() {
		add(*c)
	}
	for _, r := range t.Auth.Refresh.All() {
		add(Consent{r.ConsentID(), r.UserID, r.ClientID, r.Audience, strings.Fields(r.Scope)})
	}
	return all.All()
}

// ConsentID is the id of the consent that the token stands on.
func (r *RefreshToken) ConsentID() string { return ConsentID(r.UserID, r.ClientID, r.Audience) }

// Withdraw ends consents, and the refresh tokens that stand on them. The caller
// holds the mutex.
func (t *Tenant) Withdraw(is func(*Consent) bool) {
	gone := slices.DeleteFunc(t.AllConsents(), func(c *Consent) bool { return !is(c) })
	for _, c := range gone {
		consentsOf(t).Delete(c.ID)
		for _, r := range t.Auth.Refresh.Of(c.UserID) {
			if r.ConsentID() == c.ID {
				t.Auth.Refresh.Revoke(r)
			}
		}
	}
}
