package auth0test

import (
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
	byEmail    map[string][]*user // Lower case.
	byUsername map[string][]*user
	byPhone    map[string][]*user
}

func (s *userStore) start() {
	s.byEmail, s.byUsername, s.byPhone = map[string][]*user{}, map[string][]*user{}, map[string][]*user{}
}

// add stores a user and indexes it.
func (s *userStore) add(u *user) {
	s.put(u.id, u)
	s.indexAll(u)
}

// withEmail finds the user of a connection by email, nil if there is none.
func (s *userStore) withEmail(connection, email string) *user {
	return ofConnection(s.byEmail[strings.ToLower(email)], connection)
}

// withUsername finds the user of a connection by username.
func (s *userStore) withUsername(connection, username string) *user {
	return ofConnection(s.byUsername[strings.ToLower(username)], connection)
}

func (s *userStore) withPhone(connection, phone string) *user {
	return ofConnection(s.byPhone[phone], connection)
}

func ofConnection(users []*user, connection string) *user {
	for _, u := range users {
		if u.connection() == connection {
			return u
		}
	}
	return nil
}

func (s *userStore) indexAll(u *user) {
	link(s.byEmail, strings.ToLower(u.email), u)
	link(s.byUsername, strings.ToLower(u.username), u)
	link(s.byPhone, u.phone, u)
}

func (s *userStore) unindexAll(u *user) {
	unlink(s.byEmail, strings.ToLower(u.email), u)
	unlink(s.byUsername, strings.ToLower(u.username), u)
	unlink(s.byPhone, u.phone, u)
}

func link(index map[string][]*user, key string, u *user) {
	if key != "" {
		index[key] = append(index[key], u)
	}
}

func unlink(index map[string][]*user, key string, u *user) {
	users := index[key]
	for i, x := range users {
		if x == u {
			users = append(users[:i:i], users[i+1:]...)
			break
		}
	}
	if len(users) == 0 {
		delete(index, key)
		return
	}
	index[key] = users
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
