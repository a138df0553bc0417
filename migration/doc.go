// Package migration moves users and their passwords from a legacy system to a
// database connection of Auth0: in bulk before the switch, and one by one at their
// first login after it.
//
// # The legacy side
//
// A [Source] reads the legacy users; package sqlsource has one for SQL tables.
// Each [Record] has a permanent Key, which becomes the Auth0 user id, and the
// password as it is stored. Package passhash knows which stored passwords Auth0
// can import, and verifies the others.
//
// # In bulk
//
// A [Runner] uses import jobs, the only way to give password hashes to Auth0. Plan
// first; it writes nothing:
//
//	runner, err := migration.NewRunner(src, client, ledger, "my-database", migration.Config{})
//	…
//	plan, err := runner.Plan(ctx)
//
// A plan counts users who keep the password ([Direct], [Converted]), users whom
// only a login can migrate ([LazyOnly]) and users without a password
// ([ResetOnly]), and lists [Invalid] and [Duplicate] users with the rule. Then
//
//	result, err := runner.Run(ctx)
//
// imports everybody else. Run it again after a crash, on the same or another
// machine: a [driver.Ledger] remembers what was sent, a lease keeps two runners apart,
// and users are created once, because their ids are the keys, jobs never
// overwrite, and each user carries the mark of its run in app_metadata.auth0kit.
// Users whom Auth0 refused stay in the ledger with its code, and without any
// personal data; RetryFailed reads them from the source again.
//
// [Runner.Verify] compares all users with what was sent, [Runner.Sync] brings
// later changes of the source, and [Runner.PlanRollback] with ApplyRollback
// deletes what a run has created and nobody has used.
//
// The tenant sets the pace: two jobs at a time, some 30 to 110 users a second.
// Memory is constant except for some 20 bytes for each email, username and phone
// number, which are needed to find duplicates.
//
// # At the first login
//
// A [Lazy] belongs in the service that shows the login form:
//
//	lazy, err := migration.NewLazy(src, client, "my-database", migration.LazyConfig{})
//	…
//	user, err := lazy.Login(ctx, migration.Credentials{Identifier: email, Password: password, IP: ip})
//	switch {
//	case err == nil: // proved, and at Auth0 now with this password
//	case errors.Is(err, migration.ErrMigrated): // let Auth0 authenticate: nothing was proved here
//	case errors.Is(err, migration.ErrCredentials): // wrong, unknown, unusable: one answer after one duration
//	}
//
// It verifies the password before it creates the user, limits guesses for each
// account and each address, and limits concurrent hashing. If LazyConfig.Importer
// is set, it creates users with second factors and users whose password breaks the
// connection's policy by an import job. The next Sync gives the users that it
// created their memberships.
//
// A Runner and a Lazy can work on one connection at the same time if both have the
// same Run.
package migration
