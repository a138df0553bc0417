package auth0test

import (
	"cmp"
	"slices"
	"time"
)

// Auth0's defaults of an application's refresh tokens.
const (
	refreshLifetime     = 720 * time.Hour
	refreshIdleLifetime = 360 * time.Hour
)

// refreshToken is a refresh token with everything that was granted with it. With
// rotation its value changes at every exchange and its id stays: the id names
// what Auth0 calls the family.
type refreshToken struct {
	id, value string

	userID, clientID, sessionID, orgID string
	audience, scope                    string

	rotating             bool
	leeway               time.Duration // The value before still works so long.
	idleLifetime         time.Duration // Zero: none.
	createdAt, lastUsed  time.Time
	rotatedAt            time.Time
	idleExpires, expires time.Time // Zero: never.
	authTime             time.Time
	device               device
	metadata             map[string]any
	spent                []string // Values before the current one.
}

func (r *refreshToken) alive(now time.Time) bool {
	return (r.expires.IsZero() || now.Before(r.expires)) && (r.idleExpires.IsZero() || now.Before(r.idleExpires))
}

// refreshStore holds the refresh tokens. The tenant's mutex guards it.
type refreshStore struct {
	table[refreshToken]
	byValue map[string]string   // The current value of each.
	spent   map[string]string   // Values that rotation replaced.
	byUser  map[string][]string // Ids, oldest first.
}

func (s *refreshStore) start() {
	s.byValue, s.spent, s.byUser = map[string]string{}, map[string]string{}, map[string][]string{}
}

func newRefreshValue() string { return "v1." + randomID(61) }

// add stores a new token and gives it its value, and an id unless it has one.
func (s *refreshStore) add(r *refreshToken) {
	r.id, r.value = cmp.Or(r.id, newID("rt")), newRefreshValue()
	s.put(r.id, r)
	s.byValue[r.value] = r.id
	s.byUser[r.userID] = append(s.byUser[r.userID], r.id)
}

// of returns the tokens of a user, oldest first, expired ones too.
func (s *refreshStore) of(userID string) []*refreshToken {
	out := make([]*refreshToken, 0, len(s.byUser[userID]))
	for _, id := range s.byUser[userID] {
		out = append(out, s.get(id))
	}
	return out
}

// revoke ends a token and with it its whole family.
func (s *refreshStore) revoke(r *refreshToken) {
	if !s.delete(r.id) {
		return
	}
	delete(s.byValue, r.value)
	for _, value := range r.spent {
		delete(s.spent, value)
	}
	s.byUser[r.userID] = slices.DeleteFunc(s.byUser[r.userID], func(id string) bool { return id == r.id })
	if len(s.byUser[r.userID]) == 0 {
		delete(s.byUser, r.userID)
	}
}

// byPresented returns the token that a value belongs to, and whether rotation
// had replaced that value before.
func (s *refreshStore) byPresented(value string) (r *refreshToken, reused bool) {
	if id, ok := s.byValue[value]; ok {
		return s.get(id), false
	}
	if id, ok := s.spent[value]; ok {
		return s.get(id), true
	}
	return nil, false
}

// rotate gives the token a new value and remembers the old one as spent.
func (s *refreshStore) rotate(r *refreshToken, now time.Time) {
	delete(s.byValue, r.value)
	s.spent[r.value] = r.id
	r.spent, r.rotatedAt = append(r.spent, r.value), now
	r.value = newRefreshValue()
	s.byValue[r.value] = r.id
}
