package state

import (
	"cmp"
	"crypto/md5"
	"encoding/hex"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/auth0kit/auth0kit/management/auth0test/internal/store"
)

func (u *User) Identifiers() []string {
	return slices.DeleteFunc([]string{u.Email, u.Username, u.Phone}, func(s string) bool { return s == "" })
}

// User is a user in little memory: what Auth0 computes when nobody said it, as
// the picture, is computed when it is shown.
type User struct {
	ID       string // "auth0|…": of the first identity.
	Email    string
	Username string
	Phone    string

	Name, Nickname, Given, Family, Picture string // Empty: the default or none.

	EmailVerified, PhoneVerified bool
	Blocked, BlockedSaid         bool // BlockedSaid: shown, because somebody set it once.

	CreatedAt, UpdatedAt time.Time
	LastLogin            time.Time
	LastPasswordReset    time.Time
	LastIP               string
	LoginsCount          int

	AppMetadata, UserMetadata map[string]any // Nil: not there.

	Identities      []Identity // The first is the user's own, others are linked.
	Password        Credential
	passwordsBefore []Credential // The latest first.
	Roles           []string     // Ids of tenant roles.
	MFAFactors      []any        // As imported; factors are enrolled from them.
	Orgs            []string     // Ids of organizations, in the order of joining.
	Permissions     []Permission
}

// Identity is an account of a user at a connection.
type Identity struct {
	Connection, Provider, UserID string // UserID without the provider.
	Social                       bool
	Profile                      map[string]any // Of a linked one.
}

// Texts are the properties that are text, as the APIs name them.
func (u *User) Texts() map[string]*string {
	return map[string]*string{
		"email": &u.Email, "username": &u.Username, "phone_number": &u.Phone, "name": &u.Name,
		"nickname": &u.Nickname, "given_name": &u.Given, "family_name": &u.Family, "picture": &u.Picture,
	}
}

// Read takes the properties that an object names, email and username in lower case;
// null takes one away.
func (u *User) Read(m map[string]any) {
	for name, to := range u.Texts() {
		if v, has := m[name]; has {
			*to, _ = v.(string)
			if to == &u.Email || to == &u.Username {
				*to = strings.ToLower(*to)
			}
		}
	}
	for name, to := range map[string]*bool{"email_verified": &u.EmailVerified, "phone_verified": &u.PhoneVerified, "blocked": &u.Blocked} {
		if v, has := m[name]; has {
			*to, _ = v.(bool)
		}
	}
}

// Said is what was said of the user, without what Auth0 computes.
func (u *User) Said() map[string]any {
	m := map[string]any{}
	for name, text := range u.Texts() {
		store.Put(m, name, *text)
	}
	if u.Email != "" {
		m["email_verified"] = u.EmailVerified
	}
	if u.Phone != "" {
		m["phone_verified"] = u.PhoneVerified
	}
	return m
}

// NewUser returns the user of a connection that an object describes; raw is the id at
// the connection, a new one by default.
func NewUser(con *Connection, m map[string]any, raw string, now time.Time) *User {
	u := &User{CreatedAt: now, UpdatedAt: now}
	u.ID, u.Identities = NewIdentity(con, cmp.Or(raw, store.NewUserID(now)))
	u.Read(m)
	u.BlockedSaid = u.Blocked
	u.AppMetadata, _ = m["app_metadata"].(map[string]any)
	u.UserMetadata, _ = m["user_metadata"].(map[string]any)
	u.MFAFactors, _ = m["mfa_factors"].([]any)
	return u
}

// Connection is the name of the connection that the user came from.
func (u *User) Connection() string { return u.Identities[0].Connection }

// UserStore holds users with the indexes by which they are found.
type UserStore struct {
	store.Table[*User]
	ByEmail    userIndex // Lower case.
	ByUsername userIndex // Lower case.
	ByPhone    userIndex
}

// userIndex finds users by a key. Most keys have one user; only those that have
// more, in several connections, cost a slice.
type userIndex struct {
	first map[string]*User
	more  map[string][]*User
}

func newUserIndex() userIndex {
	return userIndex{make(map[string]*User), make(map[string][]*User)}
}

// All returns the users of a key.
func (x *userIndex) All(key string) []*User {
	u := x.first[key]
	if u == nil {
		return nil
	}
	return append([]*User{u}, x.more[key]...)
}

// of returns the user of a key in a connection, nil if there is none.
func (x *userIndex) of(connection, key string) *User {
	u := x.first[key]
	if u == nil || u.Connection() == connection {
		return u
	}
	for _, u := range x.more[key] {
		if u.Connection() == connection {
			return u
		}
	}
	return nil
}

func (x *userIndex) add(key string, u *User) {
	switch {
	case key == "":
	case x.first[key] == nil:
		x.first[key] = u
	default:
		x.more[key] = append(x.more[key], u)
	}
}

func (x *userIndex) remove(key string, u *User) {
	rest := slices.DeleteFunc(x.All(key), func(o *User) bool { return o == u })
	delete(x.first, key)
	delete(x.more, key)
	for _, o := range rest {
		x.add(key, o)
	}
}

func (s *UserStore) start() {
	s.ByEmail, s.ByUsername, s.ByPhone = newUserIndex(), newUserIndex(), newUserIndex()
}

// Add stores a user and indexes it.
func (s *UserStore) Add(u *User) {
	s.Put(u.ID, u)
	s.indexAll(u)
}

// WithEmail finds the user of a connection by email, nil if there is none.
func (s *UserStore) WithEmail(connection, email string) *User {
	return s.ByEmail.of(connection, strings.ToLower(email))
}

// WithUsername finds the user of a connection by username.
func (s *UserStore) WithUsername(connection, username string) *User {
	return s.ByUsername.of(connection, strings.ToLower(username))
}

// WithPhone finds the user of a connection by phone number.
func (s *UserStore) WithPhone(connection, phone string) *User {
	return s.ByPhone.of(connection, phone)
}

func (s *UserStore) indexAll(u *User) {
	s.ByEmail.add(strings.ToLower(u.Email), u)
	s.ByUsername.add(strings.ToLower(u.Username), u)
	s.ByPhone.add(u.Phone, u)
}

func (s *UserStore) unindexAll(u *User) {
	s.ByEmail.remove(strings.ToLower(u.Email), u)
	s.ByUsername.remove(strings.ToLower(u.Username), u)
	s.ByPhone.remove(u.Phone, u)
}

// remove deletes a user.
func (s *UserStore) remove(u *User) {
	s.unindexAll(u)
	s.Delete(u.ID)
}

// Change alters a user's keys: the indexes follow.
func (s *UserStore) Change(u *User, alter func()) {
	s.unindexAll(u)
	alter()
	s.indexAll(u)
}

// Taken reports whether another user of the connection than self has an identifier of
// u.
func (t *Tenant) Taken(u, self *User, connection string) bool {
	other := func(o *User) bool { return o != nil && o != self }
	return other(t.Users.Get(u.ID)) ||
		u.Email != "" && other(t.Users.WithEmail(connection, u.Email)) ||
		u.Username != "" && other(t.Users.WithUsername(connection, u.Username)) ||
		u.Phone != "" && other(t.Users.WithPhone(connection, u.Phone))
}

// ShownName defaults to the first of the identifiers.
func (u *User) ShownName() string { return cmp.Or(u.Name, u.Email, u.Phone, u.Username) }

func (u *User) ShownNickname() string {
	local, _, _ := strings.Cut(u.Email, "@")
	return cmp.Or(u.Nickname, local, u.Username, u.Phone)
}

// ShownPicture defaults to a Gravatar that falls back to the first two letters.
func (u *User) ShownPicture() string {
	if u.Picture != "" {
		return u.Picture
	}
	of := strings.ToLower(cmp.Or(u.Email, u.Username, u.Phone, u.ID))
	sum := md5.Sum([]byte(of))
	initials := strings.TrimLeft(of, "+")
	fallback := url.QueryEscape("https://cdn.auth0.com/avatars/" + initials[:min(2, len(initials))] + ".png")
	return "https://s.gravatar.com/avatar/" + hex.EncodeToString(sum[:]) + "?s=480&r=pg&d=" + fallback
}

// UserChanged is told of a change by PATCH, under the mutex; body is what the
// request said.
func (t *Tenant) UserChanged(u *User, body map[string]any) {
	if _, has := body["password"]; has {
		t.PasswordChanged(u.ID)
	}
	if _, has := body["email"]; has {
		t.DeleteUserSessions(u.ID, "", "email-identifier-changed")
	}
}

// Touch marks a change by the tenant itself, as a login.
func (t *Tenant) Touch(u *User, now time.Time) {
	u.UpdatedAt = now
	t.Searchable(u)
}

// RemoveUser deletes a user with what belongs to it.
func (t *Tenant) RemoveUser(u *User) {
	t.Users.remove(u)
	t.Searchable(u)
	for _, id := range slices.Clone(u.Orgs) {
		t.Leave(t.Orgs.Get(id), u.ID)
	}
	for _, id := range u.Roles {
		t.Roles.Get(id).Users.Delete(u.ID)
	}
	t.userDeleted(u.ID)
}

// Index is what search and lists see: the users, or with a SearchDelay their
// state of that time ago.
func (t *Tenant) Index() *UserStore {
	if t.Options.SearchDelay <= 0 {
		return &t.Users
	}
	return &t.indexed
}

// Searchable lets search see a change of a user, after the delay.
func (t *Tenant) Searchable(u *User) {
	if t.Options.SearchDelay <= 0 {
		return
	}
	id, state := u.ID, (*User)(nil)
	if t.Users.Get(id) == u {
		snapshot := *u
		state = &snapshot
	}
	t.Timeline.At(t.Now().Add(t.Options.SearchDelay), func(time.Time) {
		if old := t.indexed.Get(id); old != nil {
			t.indexed.unindexAll(old)
		}
		if state == nil {
			t.indexed.Delete(id)
			return
		}
		t.indexed.Put(id, state)
		t.indexed.indexAll(state)
	})
}

// GiveRole assigns a role of the tenant.
func (t *Tenant) GiveRole(u *User, r *Role, now time.Time) {
	t.SetRoles(u, store.Union(u.Roles, []string{r.ID}), now)
}

// SetRoles gives a user these roles of the tenant, and no others.
func (t *Tenant) SetRoles(u *User, ids []string, now time.Time) {
	for _, id := range store.Minus(u.Roles, ids) {
		t.Roles.Get(id).Users.Delete(u.ID)
	}
	for _, id := range store.Minus(ids, u.Roles) {
		t.Roles.Get(id).Users.Put(u.ID, &RoleUser{u.ID, now})
	}
	u.Roles = ids
}
