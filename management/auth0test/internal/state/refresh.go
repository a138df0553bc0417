package state

import (
	"cmp"
	"slices"
	"time"

	"github.com/auth0kit/auth0kit/management/auth0test/internal/store"
	"github.com/auth0kit/auth0kit/management/auth0test/internal/web"
)

// Auth0's defaults of an application's refresh tokens.
const (
	refreshLifetime     = 720 * time.Hour
	refreshIdleLifetime = 360 * time.Hour
)

// RefreshToken is a refresh token with everything that was granted with it. With
// rotation its value changes at every exchange and its id stays: the id names
// what Auth0 calls the family.
type RefreshToken struct {
	ID, Value string

	UserID, ClientID, SessionID, OrgID string
	Audience, Scope                    string
	Jkt                                string // The key that it is bound to, as those of public applications are.

	Rotating             bool
	Leeway               time.Duration // The value before still works so long.
	IdleLifetime         time.Duration // Zero: none.
	CreatedAt, LastUsed  time.Time
	RotatedAt            time.Time
	IdleExpires, Expires time.Time // Zero: never.
	AuthTime             time.Time
	Device               Device
	Metadata             map[string]any
	Spent                []string // Values before the current one.
}

func (r *RefreshToken) Alive(now time.Time) bool {
	return (r.Expires.IsZero() || now.Before(r.Expires)) && (r.IdleExpires.IsZero() || now.Before(r.IdleExpires))
}

// refreshStore holds the refresh tokens. The tenant's mutex guards it.
type refreshStore struct {
	store.Table[RefreshToken]
	byValue map[string]string   // The current value of each.
	spent   map[string]string   // Values that rotation replaced.
	byUser  map[string][]string // Ids, oldest first.
}

func (s *refreshStore) start() {
	s.byValue, s.spent, s.byUser = map[string]string{}, map[string]string{}, map[string][]string{}
}

func newRefreshValue() string { return "v1." + store.RandomID(61) }

// Add stores a new token and gives it its value, and an id unless it has one.
func (s *refreshStore) Add(r *RefreshToken) {
	r.ID, r.Value = cmp.Or(r.ID, store.NewID("rt")), newRefreshValue()
	s.Put(r.ID, r)
	s.byValue[r.Value] = r.ID
	s.byUser[r.UserID] = append(s.byUser[r.UserID], r.ID)
}

// Of returns the tokens of a user, oldest first, expired ones too.
func (s *refreshStore) Of(userID string) []*RefreshToken {
	out := make([]*RefreshToken, 0, len(s.byUser[userID]))
	for _, id := range s.byUser[userID] {
		out = append(out, s.Get(id))
	}
	return out
}

// Revoke ends a token and with it its whole family.
func (s *refreshStore) Revoke(r *RefreshToken) {
	if !s.Delete(r.ID) {
		return
	}
	delete(s.byValue, r.Value)
	for _, value := range r.Spent {
		delete(s.spent, value)
	}
	s.byUser[r.UserID] = slices.DeleteFunc(s.byUser[r.UserID], func(id string) bool { return id == r.ID })
	if len(s.byUser[r.UserID]) == 0 {
		delete(s.byUser, r.UserID)
	}
}

// ByPresented returns the token that a value belongs to, and whether rotation
// had replaced that value before.
func (s *refreshStore) ByPresented(value string) (r *RefreshToken, reused bool) {
	if id, ok := s.byValue[value]; ok {
		return s.Get(id), false
	}
	if id, ok := s.spent[value]; ok {
		return s.Get(id), true
	}
	return nil, false
}

// Rotate gives the token a new value and remembers the old one as spent.
func (s *refreshStore) Rotate(r *RefreshToken, now time.Time) {
	delete(s.byValue, r.Value)
	s.spent[r.Value] = r.ID
	r.Spent, r.RotatedAt = append(r.Spent, r.Value), now
	r.Value = newRefreshValue()
	s.byValue[r.Value] = r.ID
}

// Used notes an exchange.
func (r *RefreshToken) Used(from web.Origin, now time.Time) {
	r.LastUsed = now
	r.Device.LastIP, r.Device.LastUserAgent = from.IP, from.UserAgent
	if r.IdleLifetime > 0 {
		r.IdleExpires = now.Add(r.IdleLifetime)
	}
}
