package archtest

// SecretWords are the words of a field's or a type's name that say that its text
// is a secret. A struct with such a field hides it from fmt and log/slog by package
// internal/secret, or NotSecret says why it need not.
var SecretWords = []string{
	"password", "hash", "seed", "secret", "code", "token", "ticket", "credential", "jwt", "otp", "totp", "cookie",
	"url", "download", // Whoever has the link has what is behind it.
}

// LoginWords are the words of a type's name that make an email in it the name of
// an account.
var LoginWords = []string{"login", "credential", "password"}

// NotSecret gives the reason why what SecretWords finds may be printed, for a field
// (package.Type.Field), a type or a package.
var NotSecret = map[string]string{
	"guardian.Names.Ticket": "a word of the API",

	"audit/auditlog/driver.Row": "the hash of a sealed event: auditors read it",
	"audit/auth0logs.Code":      "a code of Auth0's log, which is public",

	"management/auth0test": "a tenant of tests: what it issues opens nothing",

	"management/resource.Error.Code":    "names the error",
	"management/resource.JobError.Code": "names the error",
	"migration.FailedLogin.Code":        "Auth0's code of the log entry",
	"migration.Fields.CallingCode":      "of telephone numbers",
	"migration.Problem.Code":            "names the error",
	"migration/driver.Outcome.Code":     "names the error",
	"migration.Columns":                 "names of columns",

	"session/driver.Key.Hash":   "finds a session in its store and opens none",
	"tenancy.Token":             "what a token says, without the token",
	"tenancy.TokenError.Reason": "one of a fixed list",
}
