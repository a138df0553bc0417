package sqlsource

import (
	"database/sql"
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

// Django returns the schema of auth_user of django.contrib.auth. Its emails may be
// empty and need not be unique; users with is_active false become blocked.
func Django() Schema {
	return Schema{Table: "auth_user", Columns: Columns{
		Key: "id", Email: "email", Username: "username", Name: "first_name", FamilyName: "last_name",
		Active: "is_active", Password: "password",
	}}
}

// WordPress returns the schema of wp_users; prefix is that of the installation,
// usually "wp_". Its portable hashes are lazy only; see package passhash.
func WordPress(prefix string) Schema {
	return Schema{Table: prefix + "users", Columns: Columns{
		Key: "ID", Email: "user_email", Username: "user_login", Name: "display_name", Password: "user_pass",
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
// keys are GUIDs stored as text.
func ASPNetIdentity() Schema {
	return Schema{
		Table: "AspNetUsers",
		Columns: Columns{
			Key: "Id", Email: "Email", Username: "UserName", Phone: "PhoneNumber", EmailVerified: "EmailConfirmed", Password: "PasswordHash",
		},
		Config: Config{TextKey: true},
	}
}

// Keycloak returns the schema of the users of one realm with their passwords, from
// USER_ENTITY, CREDENTIAL and REALM. Users of federations and service accounts of
// clients are left out. MarkMigrated cannot be used: Keycloak's table has no
// column for it.
func Keycloak(realm string) Schema {
	// A literal, because Config.From takes no parameters. Keycloak allows no
	// quotes and backslashes in the name of a realm: one with them is nobody's.
	name := realm
	if strings.ContainsAny(name, `'\`) {
		name = ""
	}
	return Schema{
		Table: "user_entity",
		Columns: Columns{
			Key: "id", Email: "email", Username: "username", Name: "first_name", FamilyName: "last_name",
			EmailVerified: "email_verified", Active: "enabled", Password: "secret_data", Salt: "credential_data",
		},
		Config: Config{TextKey: true, Scheme: "keycloak", From: `(SELECT u.ID AS id, u.EMAIL AS email, u.USERNAME AS username,
	u.FIRST_NAME AS first_name, u.LAST_NAME AS last_name, u.EMAIL_VERIFIED AS email_verified, u.ENABLED AS enabled,
	c.SECRET_DATA AS secret_data, c.CREDENTIAL_DATA AS credential_data
	FROM USER_ENTITY u
	JOIN REALM r ON r.ID = u.REALM_ID AND r.NAME = '` + name + `'
	LEFT JOIN CREDENTIAL c ON c.USER_ID = u.ID AND c.TYPE = 'password'
	WHERE u.SERVICE_ACCOUNT_CLIENT_LINK IS NULL AND u.FEDERATION_LINK IS NULL) AS users`},
	}
}
