package migration

import (
	"crypto/sha256"
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
	email, username, phone, name string
	emailVerified, blocked       bool
	appMetadata, userMetadata    map[string]any
}

func profileOf(r *Record) profile {
	return profile{
		r.Email, r.Username, r.Phone, r.Name, r.EmailVerified, r.Blocked, r.AppMetadata, r.UserMetadata,
	}
}

func profileOfUser(u *resource.User) profile {
	app := maps.Clone(u.AppMetadata)
	delete(app, markerKey)
	return profile{u.Email, u.Username, u.Phone, u.Name, u.EmailVerified, u.Blocked, app, u.UserMetadata}
}

// fields are the parts of a digest, in their order.
var fields = []string{
	"email", "email_verified", "username", "phone_number", "name", "blocked", "app_metadata", "user_metadata",
}

// part is the length of one field's part of a digest: 32 bits miss one change in
// four billion. A digest hides its value, but who has it can confirm a guess.
const part = 8

// digest returns one part for each field, so that a difference names its field.
func (p profile) digest() string {
	name := p.name
	if strings.EqualFold(name, p.email) { // Auth0's default when the file has no name
		name = ""
	}
	values := []string{
		strings.ToLower(p.email), strconv.FormatBool(p.emailVerified), strings.ToLower(p.username), p.phone, name,
		strconv.FormatBool(p.blocked), canonical(p.appMetadata), canonical(p.userMetadata),
	}
	digest := make([]byte, 0, part*len(fields))
	for _, value := range values {
		sum := sha256.Sum256([]byte(value))
		digest = hex.AppendEncode(digest, sum[:part/2])
	}
	return string(digest)
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
