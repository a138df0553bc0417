package migration

import (
	"cmp"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/auth0kit/auth0kit/management/resource"
)

// profile is what a source and Auth0 both know of a user, in one spelling, so
// that the two can be compared.
type profile struct {
	email, username, phone                         string
	name, givenName, familyName, nickname, picture string
	emailVerified, phoneVerified, blocked          bool
	appMetadata, userMetadata                      map[string]any
}

func profileOf(r *Record) profile {
	return profile{
		r.Email, r.Username, r.Phone, r.Name, r.GivenName, r.FamilyName, r.Nickname, r.Picture,
		r.EmailVerified, r.PhoneVerified && r.Phone != "", r.Blocked, r.AppMetadata, r.UserMetadata,
	}
}

func profileOfUser(u *resource.User) profile {
	app := maps.Clone(u.AppMetadata)
	delete(app, markerKey)
	return profile{
		u.Email, u.Username, u.Phone, u.Name, u.GivenName, u.FamilyName, u.Nickname, u.Picture,
		u.EmailVerified, u.PhoneVerified, u.Blocked, app, u.UserMetadata,
	}
}

// fields are the parts of a digest, in their order.
var fields = []string{
	"email", "email_verified", "username", "phone_number", "phone_verified", "name", "given_name", "family_name", "nickname",
	"picture", "blocked", "app_metadata", "user_metadata",
}

// values are the profile's, in the order of fields. Auth0 fills in a name, a
// nickname and a picture where the file has none: those count as none.
func (p profile) values() []string {
	local, _, _ := strings.Cut(p.email, "@")
	for _, filled := range []struct {
		field *string
		by    bool
	}{
		{&p.name, strings.EqualFold(p.name, p.email)}, {&p.nickname, strings.EqualFold(p.nickname, local)},
		{&p.picture, strings.HasPrefix(p.picture, "https://s.gravatar.com/avatar/") || strings.HasPrefix(p.picture, "https://cdn.auth0.com/avatars/")},
	} {
		if filled.by {
			*filled.field = ""
		}
	}
	return []string{
		strings.ToLower(p.email), strconv.FormatBool(p.emailVerified), strings.ToLower(p.username), p.phone,
		strconv.FormatBool(p.phoneVerified), p.name, p.givenName, p.familyName, p.nickname, p.picture,
		strconv.FormatBool(p.blocked), canonical(p.appMetadata), canonical(p.userMetadata),
	}
}

// changes names the fields in which two profiles differ.
func (p profile) changes(q profile) []string {
	var names []string
	other := q.values()
	for i, value := range p.values() {
		if value != other[i] {
			names = append(names, fields[i])
		}
	}
	return names
}

// part is the length of one field's part of a digest: 32 bits miss one change in
// four billion.
const part = 8

// digester makes digests under a secret that is not in the ledger: whoever has the
// ledger alone can confirm no guess. Without a secret a digest is "".
type digester struct{ key *[32]byte }

func newDigester(key []byte) digester {
	if len(key) == 0 {
		return digester{}
	}
	return digester{(*[32]byte)(key)}
}

// throwaway is for digests that end with the process.
func throwaway() digester {
	var key [32]byte
	_, _ = rand.Read(key[:]) // never fails (crypto/rand)
	return digester{&key}
}

func (d digester) sum(field, value string) string {
	return hex.EncodeToString(d.mac(field, value)[:part/2])
}

func (d digester) mac(field, value string) []byte {
	h := hmac.New(sha256.New, d.key[:])
	h.Write([]byte(field + "\x00" + value))
	return h.Sum(nil)
}

// digest returns one part for each field, so that a difference names its field.
func (d digester) digest(p profile) string {
	if d.key == nil {
		return ""
	}
	var b strings.Builder
	for i, value := range p.values() {
		b.WriteString(d.sum(fields[i], value))
	}
	return b.String()
}

// whole is one number for a profile.
func (d digester) whole(p profile) uint64 {
	return binary.BigEndian.Uint64(d.mac("", strings.Join(p.values(), "\x00")))
}

// differing returns the fields in which two digests differ; digests that cannot
// be compared differ in all.
func differing(a, b string) []string {
	if len(a) != len(b) || len(a) != part*len(fields) {
		return fields
	}
	var names []string
	for i, field := range fields {
		if a[i*part:(i+1)*part] != b[i*part:(i+1)*part] {
			names = append(names, field)
		}
	}
	return names
}

// snapshot is what the users of a connection were in an export: 16 bytes each.
type snapshot struct {
	digests digester
	users   []struct{ key, whole uint64 }
	sorted  bool
}

func newSnapshot() *snapshot { return &snapshot{digests: throwaway()} }

func (s *snapshot) keyOf(key string) uint64 {
	return binary.BigEndian.Uint64(s.digests.mac("key", key))
}

func (s *snapshot) add(key string, p profile) {
	s.users = append(s.users, struct{ key, whole uint64 }{s.keyOf(key), s.digests.whole(p)})
	s.sorted = false
}

// same reports whether the export had the user with this very profile.
func (s *snapshot) same(key string, p profile) bool {
	if !s.sorted {
		slices.SortFunc(s.users, func(a, b struct{ key, whole uint64 }) int { return cmp.Compare(a.key, b.key) })
		s.sorted = true
	}
	i, found := slices.BinarySearchFunc(s.users, s.keyOf(key), func(u struct{ key, whole uint64 }, key uint64) int { return cmp.Compare(u.key, key) })
	return found && s.users[i].whole == s.digests.whole(p)
}

// canonical writes metadata as it looks after a journey through JSON: keys
// sorted, every number a float, null values gone.
func canonical(metadata map[string]any) string {
	if !simple(metadata) {
		raw, err := json.Marshal(metadata)
		if err != nil {
			return "invalid"
		}
		metadata = nil
		if err := json.Unmarshal(raw, &metadata); err != nil {
			return "invalid"
		}
	}
	metadata = maps.Clone(metadata)
	maps.DeleteFunc(metadata, func(_ string, v any) bool { return v == nil })
	if len(metadata) == 0 {
		return ""
	}
	raw, err := json.Marshal(metadata)
	if err != nil {
		return "invalid"
	}
	return string(raw)
}

// simple reports whether v is written as what JSON would make of it anyway.
func simple(v any) bool {
	switch v := v.(type) {
	case nil, string, bool, float64:
		return true
	case int:
		return -1<<53 < v && v < 1<<53
	case []any:
		return !slices.ContainsFunc(v, func(v any) bool { return !simple(v) })
	case map[string]any:
		for _, v := range v {
			if !simple(v) {
				return false
			}
		}
		return true
	}
	return false
}
