// Package mapping makes records of the columns of a table or the fields of a file.
package mapping

import (
	"errors"
	"maps"
	"slices"
	"strings"

	"github.com/auth0kit/auth0kit/migration"
	"github.com/auth0kit/auth0kit/migration/passhash"
)

// Field is one column that is read, and what becomes of its value.
type Field struct {
	Name   string // As in an error: "Columns.Email".
	Path   string // Auth0's name, as in a Problem.
	Column string
	Text   bool // Postgres is asked for text: its driver fails on infinite times.
	Set    func(r *migration.Record, c Cell) error
}

// FieldsOf lists the named columns, Key first.
func FieldsOf(cols migration.Columns) []Field {
	text := func(target func(*migration.Record) *string) func(*migration.Record, Cell) error {
		return func(r *migration.Record, c Cell) (err error) {
			*target(r), err = c.Text()
			return err
		}
	}
	truth := func(set func(*migration.Record, bool)) func(*migration.Record, Cell) error {
		return func(r *migration.Record, c Cell) error {
			v, err := c.truth()
			set(r, v)
			return err
		}
	}
	all := []Field{
		{"Key", "user_id", cols.Key, false, text(func(r *migration.Record) *string { return &r.Key })},
		{"Email", "email", cols.Email, false, text(func(r *migration.Record) *string { return &r.Email })},
		{"Username", "username", cols.Username, false, text(func(r *migration.Record) *string { return &r.Username })},
		{"Login", "username", cols.Login, false, func(*migration.Record, Cell) error { return nil }}, // for Find alone
		{"Phone", "phone_number", cols.Phone, false, text(func(r *migration.Record) *string { return &r.Phone })},
		{"Name", "name", cols.Name, false, text(func(r *migration.Record) *string { return &r.Name })},
		{"GivenName", "given_name", cols.GivenName, false, text(func(r *migration.Record) *string { return &r.GivenName })},
		{"FamilyName", "family_name", cols.FamilyName, false, text(func(r *migration.Record) *string { return &r.FamilyName })},
		{"Nickname", "nickname", cols.Nickname, false, text(func(r *migration.Record) *string { return &r.Nickname })},
		{"Picture", "picture", cols.Picture, false, text(func(r *migration.Record) *string { return &r.Picture })},
		{"EmailVerified", "email_verified", cols.EmailVerified, true, truth(func(r *migration.Record, v bool) { r.EmailVerified = v })},
		{"PhoneVerified", "phone_verified", cols.PhoneVerified, true, truth(func(r *migration.Record, v bool) { r.PhoneVerified = v })},
		{"Blocked", "blocked", cols.Blocked, true, truth(func(r *migration.Record, v bool) { r.Blocked = v })},
		{"Active", "blocked", cols.Active, true, truth(func(r *migration.Record, v bool) { r.Blocked = !v })},
		{"Password", "password", cols.Password, false, setPassword},
		{"Scheme", "password", cols.Scheme, false, text(func(r *migration.Record) *string { return &r.Password.Scheme })},
		{"Salt", "password", cols.Salt, false, text(func(r *migration.Record) *string { return &r.Password.Salt })},
		{"Iterations", "password", cols.Iterations, false, text(func(r *migration.Record) *string { return &r.Password.Iterations })},
		{"Memberships", "organizations", cols.Memberships, false, setMemberships},
		{"Roles", "roles", cols.Roles, false, setRoles},
		{"TOTPSecret", "mfa_factors", cols.TOTPSecret, false, setTOTP},
		{"MFAPhone", "mfa_factors", cols.MFAPhone, false, appendText(func(r *migration.Record) *[]string { return &r.MFAPhones })},
		{"MFAEmail", "mfa_factors", cols.MFAEmail, false, appendText(func(r *migration.Record) *[]string { return &r.MFAEmails })},
		{"UpdatedAt", "updated_at", cols.UpdatedAt, true, setUpdatedAt},
		{"MigratedAt", "migrated_at", cols.MigratedAt, true, truth(func(r *migration.Record, v bool) { r.Migrated = v })},
	}
	named := slices.DeleteFunc(all, func(f Field) bool { return f.Column == "" && f.Name != "Key" })
	for i := range named {
		named[i].Name = "Columns." + named[i].Name
	}
	named = appendMetadata(named, "AppMetadata", "app_metadata", cols.AppMetadata, func(r *migration.Record) *map[string]any { return &r.AppMetadata })
	return appendMetadata(named, "UserMetadata", "user_metadata", cols.UserMetadata, func(r *migration.Record) *map[string]any { return &r.UserMetadata })
}

func appendMetadata(fields []Field, name, path string, columns map[string]string, target func(*migration.Record) *map[string]any) []Field {
	for _, key := range slices.Sorted(maps.Keys(columns)) {
		fields = append(fields, Field{"Columns." + name + "[" + key + "]", path, columns[key], false, func(r *migration.Record, c Cell) error {
			value, err := c.json()
			if err != nil || value == nil {
				return err
			}
			metadata := target(r)
			if *metadata == nil {
				*metadata = make(map[string]any)
			}
			(*metadata)[key] = value
			return nil
		}})
	}
	return fields
}

// setPassword takes padding away: spaces of CHAR(n), line breaks of an import, NUL
// bytes of BINARY(n).
func setPassword(r *migration.Record, c Cell) (err error) {
	r.Password.Value, err = c.Text()
	if r.Password.Scheme != "plain" {
		r.Password.Value = strings.Trim(r.Password.Value, " \t\r\n\x00")
	}
	return err
}

// setMemberships reads "acme:admin,editor;globex": names, or ids that start with
// "org_" and "rol_".
func setMemberships(r *migration.Record, c Cell) error {
	s, err := c.Text()
	for _, part := range split(s, ";") {
		org, roles, _ := strings.Cut(part, ":")
		var m migration.Membership
		if org = strings.TrimSpace(org); strings.HasPrefix(org, "org_") {
			m.OrgID = org
		} else {
			m.OrgName = org
		}
		m.RoleIDs, m.RoleNames = rolesOf(roles)
		r.Memberships = append(r.Memberships, m)
	}
	return err
}

func setRoles(r *migration.Record, c Cell) error {
	s, err := c.Text()
	r.RoleIDs, r.RoleNames = rolesOf(s)
	return err
}

func rolesOf(s string) (ids, names []string) {
	for _, role := range split(s, ",") {
		if strings.HasPrefix(role, "rol_") {
			ids = append(ids, role)
		} else {
			names = append(names, role)
		}
	}
	return ids, names
}

// split leaves out what is empty.
func split(s, separator string) (parts []string) {
	for part := range strings.SplitSeq(s, separator) {
		if part = strings.TrimSpace(part); part != "" {
			parts = append(parts, part)
		}
	}
	return parts
}

// setTOTP takes the spelling of authenticator apps (groups, padding, any case) to
// Auth0's [A-Z2-7]+.
func setTOTP(r *migration.Record, c Cell) error {
	secret, err := c.Text()
	secret = strings.ToUpper(strings.NewReplacer(" ", "", "-", "", "=", "").Replace(secret))
	if secret != "" {
		r.TOTPSecrets = []string{secret}
	}
	return err
}

func appendText(target func(*migration.Record) *[]string) func(*migration.Record, Cell) error {
	return func(r *migration.Record, c Cell) error {
		s, err := c.Text()
		if s != "" {
			*target(r) = []string{s}
		}
		return err
	}
}

func setUpdatedAt(r *migration.Record, c Cell) (err error) {
	r.UpdatedAt, err = c.time()
	return err
}

// RuleOf is the rule that a value breaks which could not be read.
func RuleOf(err error, f Field) migration.Rule {
	switch {
	case f.Path == "user_id":
		return migration.RuleKey
	case errors.Is(err, errUTF8):
		return migration.RuleText
	case strings.HasSuffix(f.Path, "_metadata"):
		return migration.RuleMetadata
	}
	return migration.RuleFormat
}

// Defaults are what holds for every row.
type Defaults struct {
	EmailVerified            bool
	Scheme, Salt, Iterations string
}

// Complete applies them.
func (d Defaults) Complete(r *migration.Record) {
	if r.Name == "" {
		r.Name = strings.TrimSpace(r.GivenName + " " + r.FamilyName)
	}
	r.EmailVerified = r.EmailVerified || d.EmailVerified
	p := &r.Password
	if p.Value == "" {
		*p = passhash.Stored{}
		return
	}
	if d.Iterations != "" {
		p.Iterations = d.Iterations
	}
	if d.Scheme != "" {
		p.Scheme = d.Scheme
	}
	if d.Salt != "" && p.Salt != "" { // firebase: the user's salt, then the project's parameters
		p.Salt += ":" + d.Salt
	} else if d.Salt != "" {
		p.Salt = d.Salt
	}
}
