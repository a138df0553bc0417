package migration

// Columns holds the name of the column, or of the field of a file, for each property;
// an empty name means that there is none. Key is required, and Email, Username or
// Login. Packages sqlsource and filesource share it.
type Columns struct {
	Key      string
	Email    string
	Username string
	Login    string // A name that users type at login and that is not sent to Auth0; Username is both.
	Phone    string

	Name       string // Defaults to GivenName and FamilyName.
	GivenName  string
	FamilyName string
	Nickname   string
	Picture    string

	EmailVerified string // A truth value, a number, or a time that is there or not.
	PhoneVerified string // The same.
	Blocked       string // The same.
	Active        string // The opposite of Blocked, such as Django's is_active.

	Password   string // NULL and '' mean that the user has none. White space and NUL around it are taken away.
	Scheme     string // passhash.Stored.Scheme by row; the Config's Scheme is for all rows.
	Salt       string // passhash.Stored.Salt by row; the Config's Salt is for all rows.
	Iterations string // passhash.Stored.Iterations by row; the Config's Iterations is for all rows.

	Memberships string // Organizations with roles: "acme:admin,editor;globex", by name or id. A join can build it; see sqlsource.Config.From.
	Roles       string // Roles of the tenant: "admin,editor", by name or id.

	TOTPSecret string // Base32; spaces and padding are removed.
	MFAPhone   string // E.164, a factor.
	MFAEmail   string // A factor.

	UpdatedAt  string // A time, or seconds or milliseconds since 1970.
	MigratedAt string // A time that may be NULL: MarkMigrated sets it.

	AppMetadata  map[string]string // Metadata key to column. JSON columns and arrays become what they hold; NULL is left out.
	UserMetadata map[string]string
}
