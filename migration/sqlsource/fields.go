package sqlsource

import (
	"errors"
	"maps"
	"slices"
	"strings"

	"github.com/auth0kit/auth0kit/migration"
)

// field is one column that is read, and what becomes of its value.
type field struct {
	name   string // As in an error: "Columns.Email".
	column string
	set    func(r *migration.Record, c cell) error
}

// fieldsOf lists the named columns, Key first.
func fieldsOf(cols Columns) []field {
	all := []field{
		{"Columns.Key", cols.Key, setKey},
		{"Columns.Email", cols.Email, setText(func(r *migration.Record) *string { return &r.Email })},
		{"Columns.Username", cols.Username, setText(func(r *migration.Record) *string { return &r.Username })},
		{"Columns.Phone", cols.Phone, setText(func(r *migration.Record) *string { return &r.Phone })},
		{"Columns.Name", cols.Name, setText(func(r *migration.Record) *string { return &r.Name })},
		{"Columns.FamilyName", cols.FamilyName, setFamilyName},
		{"Columns.EmailVerified", cols.EmailVerified, setTruth(func(r *migration.Record, v bool) { r.EmailVerified = v })},
		{"Columns.Blocked", cols.Blocked, setTruth(func(r *migration.Record, v bool) { r.Blocked = v })},
		{"Columns.Active", cols.Active, setTruth(func(r *migration.Record, v bool) { r.Blocked = !v })},
		{"Columns.Password", cols.Password, setText(func(r *migration.Record) *string { return &r.Password.Value })},
		{"Columns.Scheme", cols.Scheme, setText(func(r *migration.Record) *string { return &r.Password.Scheme })},
		{"Columns.Salt", cols.Salt, setText(func(r *migration.Record) *string { return &r.Password.Salt })},
		{"Columns.TOTPSecret", cols.TOTPSecret, setTOTP},
		{"Columns.MFAPhone", cols.MFAPhone, setMFAPhone},
		{"Columns.UpdatedAt", cols.UpdatedAt, setUpdatedAt},
		{"Columns.MigratedAt", cols.MigratedAt, setTruth(func(r *migration.Record, v bool) { r.Migrated = v })},
	}
	named := slices.DeleteFunc(all, func(f field) bool { return f.column == "" && f.name != "Columns.Key" })
	named = appendMetadata(named, "AppMetadata", cols.AppMetadata, func(r *migration.Record) *map[string]any { return &r.AppMetadata })
	return appendMetadata(named, "UserMetadata", cols.UserMetadata, func(r *migration.Record) *map[string]any { return &r.UserMetadata })
}

func appendMetadata(fields []field, name string, columns map[string]string, target func(*migration.Record) *map[string]any) []field {
	for _, key := range slices.Sorted(maps.Keys(columns)) {
		fields = append(fields, field{"Columns." + name + "[" + key + "]", columns[key], func(r *migration.Record, c cell) error {
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

func setKey(r *migration.Record, c cell) (err error) {
	if r.Key, err = c.text(); err == nil && r.Key == "" {
		return errors.New("is NULL or empty")
	}
	return err
}

func setText(target func(*migration.Record) *string) func(*migration.Record, cell) error {
	return func(r *migration.Record, c cell) (err error) {
		*target(r), err = c.text()
		return err
	}
}

func setFamilyName(r *migration.Record, c cell) error {
	family, err := c.text()
	r.Name = strings.TrimSpace(r.Name + " " + family)
	return err
}

func setTruth(set func(*migration.Record, bool)) func(*migration.Record, cell) error {
	return func(r *migration.Record, c cell) error {
		v, err := c.truth()
		set(r, v)
		return err
	}
}

// setTOTP takes the spelling of authenticator apps (groups, padding, any case) to
// Auth0's [A-Z2-7]+.
func setTOTP(r *migration.Record, c cell) error {
	secret, err := c.text()
	secret = strings.ToUpper(strings.NewReplacer(" ", "", "-", "", "=", "").Replace(secret))
	if secret != "" {
		r.TOTPSecrets = []string{secret}
	}
	return err
}

func setMFAPhone(r *migration.Record, c cell) error {
	phone, err := c.text()
	if phone != "" {
		r.MFAPhones = []string{phone}
	}
	return err
}

func setUpdatedAt(r *migration.Record, c cell) (err error) {
	r.UpdatedAt, err = c.time()
	return err
}
