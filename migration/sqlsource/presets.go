package sqlsource

import (
	"database/sql"
	"fmt"
	"strings"
)

// Schema holds a table and its mapping, to start from.
type Schema struct {
	Table   string
	Columns Columns
	Config  Config
}

// Open calls New with the fields of the schema.
func (s Schema) Open(db *sql.DB, dialect Dialect) (*Source, error) {
	return New(db, dialect, s.Table, s.Columns, s.Config)
}

// Preset returns a schema by name, for programs that take it from a flag:
// "django", "drupal7", "wordpress" or "wordpress:prefix_", "laravel", "devise" or
// "devise:pepper", "aspnet", "supabase" and "keycloak:realm" or
// "keycloak:realm:attribute,attribute".
func Preset(name string) (Schema, error) {
	name, argument, given := strings.Cut(name, ":")
	plain := map[string]func() Schema{"django": Django, "drupal7": Drupal7, "laravel": Laravel, "aspnet": ASPNetIdentity, "supabase": Supabase}
	switch {
	case name == "wordpress" && !given:
		return WordPress("wp_"), nil
	case name == "wordpress":
		return WordPress(argument), nil
	case name == "devise":
		return Devise(argument), nil
	case name == "keycloak" && argument != "":
		realm, attributes, _ := strings.Cut(argument, ":")
		return Keycloak(realm, strings.FieldsFunc(attributes, func(r rune) bool { return r == ',' })...), nil
	case plain[name] != nil && !given:
		return plain[name](), nil
	}
	return Schema{}, &FieldError{Field: "preset", Problem: `must be "django", "drupal7", "wordpress", "laravel", "devise", "aspnet", "supabase" or "keycloak:realm"`}
}

// The presets suit a database connection as Auth0 makes it, which takes no
// usernames: they find users by the name that they type, too, and do not send it.
// Where the connection takes usernames, set Columns.Username to Columns.Login.

// Django returns the schema of auth_user of django.contrib.auth. Its emails may be
// empty and need not be unique; users with is_active false become blocked.
func Django() Schema {
	return Schema{Table: "auth_user", Columns: Columns{
		Key: "id", Email: "email", Login: "username", GivenName: "first_name", FamilyName: "last_name",
		Active: "is_active", Password: "password",
	}}
}

// Drupal7 returns the schema of users of Drupal 7, without the anonymous user. Its
// hashes are lazy only; see package passhash.
func Drupal7() Schema {
	return Schema{Table: "users", Columns: Columns{
		Key: "uid", Email: "mail", Login: "name", Name: "name", Active: "status", Password: "pass",
	}, Config: Config{Where: "uid > 0"}}
}

// WordPress returns the schema of wp_users; prefix is that of the installation,
// usually "wp_". Its hashes are lazy only; see package passhash.
func WordPress(prefix string) Schema {
	return Schema{Table: prefix + "users", Columns: Columns{
		Key: "ID", Email: "user_email", Login: "user_login", Name: "display_name", Password: "user_pass",
	}}
}

// Laravel returns the schema of users of Laravel's starter kits.
func Laravel() Schema {
	return Schema{Table: "users", Columns: Columns{
		Key: "id", Email: "email", Name: "name", EmailVerified: "email_verified_at", Password: "password", UpdatedAt: "updated_at",
	}}
}

// Devise returns the schema of users of a Rails application with Devise and its
// module confirmable; without that module, clear Columns.EmailVerified. The pepper
// is config.pepper, "" for none.
func Devise(pepper string) Schema {
	return Schema{
		Table: "users",
		Columns: Columns{
			Key: "id", Email: "email", EmailVerified: "confirmed_at", Password: "encrypted_password", UpdatedAt: "updated_at",
		},
		Config: Config{Scheme: "devise", Salt: pepper},
	}
}

// ASPNetIdentity returns the schema of AspNetUsers of ASP.NET Core Identity, whose
// keys are GUIDs stored as text. Its phone numbers are free text: set Columns.Phone
// to "PhoneNumber" together with migration.Fields.Phone.
func ASPNetIdentity() Schema {
	return Schema{
		Table: "AspNetUsers",
		Columns: Columns{
			Key: "Id", Email: "Email", Login: "UserName", EmailVerified: "EmailConfirmed", Password: "PasswordHash",
		},
		Config: Config{TextKey: true},
	}
}

// Supabase returns the schema of auth.users of Supabase, without users of SSO,
// anonymous users and those that are deleted. What stands in raw_user_meta_data
// becomes user_metadata.supabase. MarkMigrated cannot be used.
func Supabase() Schema {
	return Schema{
		Table: "auth.users",
		Columns: Columns{
			Key: "id", Email: "email", Phone: "phone", Name: "name", Picture: "picture", EmailVerified: "email_confirmed_at",
			PhoneVerified: "phone_confirmed_at", Blocked: "banned", Password: "encrypted_password", UpdatedAt: "updated_at",
			UserMetadata: map[string]string{"supabase": "raw_user_meta_data"},
		},
		Config: Config{TextKey: true, From: `(SELECT u.id, u.email, '+' || NULLIF(LTRIM(u.phone, '+'), '') AS phone,
	COALESCE(u.raw_user_meta_data->>'full_name', u.raw_user_meta_data->>'name') AS name,
	u.raw_user_meta_data->>'avatar_url' AS picture, u.email_confirmed_at, u.phone_confirmed_at,
	COALESCE(u.banned_until > now(), false) AS banned, u.encrypted_password, u.updated_at, u.raw_user_meta_data
	FROM auth.users u
	WHERE u.deleted_at IS NULL AND NOT COALESCE(u.is_sso_user, false) AND NOT COALESCE(u.is_anonymous, false)) AS users`},
	}
}

// Keycloak returns the schema of the users of one realm with their passwords, from
// USER_ENTITY, CREDENTIAL and REALM. Users of federations and service accounts of
// clients are left out. The named attributes become app_metadata, each with one of
// its values, and a dot in a name becomes "_". MarkMigrated cannot be used: Keycloak's
// table has no column for it.
func Keycloak(realm string, attributes ...string) Schema {
	var selects string
	metadata := make(map[string]string)
	for i, name := range attributes {
		column := fmt.Sprint("attribute_", i)
		metadata[strings.ReplaceAll(name, ".", "_")] = column
		selects += ",\n\t(SELECT MAX(a.VALUE) FROM USER_ATTRIBUTE a WHERE a.USER_ID = u.ID AND a.NAME = '" + literal(name) + "') AS " + column
	}
	return Schema{
		Table: "user_entity",
		Columns: Columns{
			Key: "id", Email: "email", Login: "username", GivenName: "first_name", FamilyName: "last_name",
			EmailVerified: "email_verified", Active: "enabled", Password: "secret_data", Salt: "credential_data",
			AppMetadata: metadata,
		},
		Config: Config{TextKey: true, Scheme: "keycloak", From: `(SELECT u.ID AS id, u.EMAIL AS email, u.USERNAME AS username,
	u.FIRST_NAME AS first_name, u.LAST_NAME AS last_name, u.EMAIL_VERIFIED AS email_verified, u.ENABLED AS enabled,
	c.SECRET_DATA AS secret_data, c.CREDENTIAL_DATA AS credential_data` + selects + `
	FROM USER_ENTITY u
	JOIN REALM r ON r.ID = u.REALM_ID AND r.NAME = '` + literal(realm) + `'
	LEFT JOIN CREDENTIAL c ON c.USER_ID = u.ID AND c.TYPE = 'password'
	WHERE u.SERVICE_ACCOUNT_CLIENT_LINK IS NULL AND u.FEDERATION_LINK IS NULL) AS users`},
	}
}

// literal is a name inside of quotes, because Config.From takes no parameters. One
// with quotes or backslashes, which databases read differently, is nobody's.
func literal(name string) string {
	if strings.ContainsAny(name, `'\`) {
		return ""
	}
	return name
}
