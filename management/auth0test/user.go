package auth0test

import (
	"slices"
	"strings"
	"time"
)

// user is a user in little memory: what Auth0 computes when nobody said it, as
// the picture, is computed when it is shown.
type user struct {
	id       string // "auth0|…": of the first identity.
	email    string
	username string
	phone    string

	name, nickname, given, family, picture string // Empty: the default or none.

	emailVerified, phoneVerified bool
	blocked, blockedSaid         bool // blockedSaid: shown, because somebody set it once.

	createdAt, updatedAt time.Time
	lastLogin            time.Time
	lastPasswordReset    time.Time
	lastIP               string
	loginsCount          int

	appMetadata, userMetadata map[string]any // Nil: not there.

	identities  []identity // The first is the user's own, others are linked.
	password    credential
	roles       []string // Ids of tenant roles.
	mfaFactors  []any    // As imported; factors are enrolled from them.
	orgs        []string // Ids of organizations, in the order of joining.
	permissions []permission
}

// identity is an account of a user at a connection.
type identity struct {
	connection, provider, userID string // userID without the provider.
	social                       bool
	profile                      map[string]any // Of a linked one.
}

// connection is the name of the connection that the user came from.
func (u *user) connection() string { return u.identities[0].connection }

// userStore holds users with the indexes by which they are found.
type userStore struct {
	table[user]
	byEmail    userIndex // Lower case.
	byUsername userIndex // Lower case.
	byPhone    userIndex
}

// userIndex finds users by a key. Most keys have one user; only those that have
// more, in several connections, cost a slice.
type userIndex struct {
	first map[string]*user
	more  map[string][]*user
}

func newUserIndex() userIndex {
	return userIndex{make(map[string]*user), make(map[string][]*user)}
}

// all returns the users of a key.
func (x *userIndex) all(key string) []*user {
	u := x.first[key]
	if u == nil {
		return nil
	}
	return append([]*user{u}, x.more[key]...)
}

// of returns the user of a key in a connection, nil if there is none.
func (x *userIndex) of(connection, key string) *user {
	u := x.first[key]
	if u == nil || u.connection() == connection {
		return u
	}
	for _, u := range x.more[key] {
		if u.connection() == connection {
			return u
		}
	}
	return nil
}

func (x *userIndex) add(key string, u *user) {
	switch {
	case key == "":
	case x.first[key] == nil:
		x.first[key] = u
	default:
		x.more[key] = append(x.more[key], u)
	}
}

func (x *userIndex) remove(key string, u *user) {
	rest := slices.DeleteFunc(x.all(key), func(o *user) bool { return o == u })
	delete(x.first, key)
	delete(x.more, key)
	for _, o := range rest {
		x.add(key, o)
	}
}

func (s *userStore) start() {
	s.byEmail, s.byUsername, s.byPhone = newUserIndex(), newUserIndex(), newUserIndex()
}

// add stores a user and indexes it.
func (s *userStore) add(u *user) {
	s.put(u.id, u)
	s.indexAll(u)
}

// withEmail finds the user of a connection by email, nil if there is none.
func (s *userStore) withEmail(connection, email string) *user {
	return s.byEmail.of(connection, strings.ToLower(email))
}

// withUsername finds the user of a connection by username.
func (s *userStore) withUsername(connection, username string) *user {
	return s.byUsername.of(connection, strings.ToLower(username))
}

// withPhone finds the user of a connection by phone number.
func (s *userStore) withPhone(connection, phone string) *user {
	return s.byPhone.of(connection, phone)
}

func (s *userStore) indexAll(u *user) {
	s.byEmail.add(strings.ToLower(u.email), u)
	s.byUsername.add(strings.ToLower(u.username), u)
	s.byPhone.add(u.phone, u)
}

func (s *userStore) unindexAll(u *user) {
	s.byEmail.remove(strings.ToLower(u.email), u)
	s.byUsername.remove(strings.ToLower(u.username), u)
	s.byPhone.remove(u.phone, u)
}

// remove deletes a user.
func (s *userStore) remove(u *user) {
	s.unindexAll(u)
	s.delete(u.id)
}

// change alters a user's keys: the indexes follow.
func (s *userStore) change(u *user, alter func()) {
	s.unindexAll(u)
	alter()
	s.indexAll(u)
}
