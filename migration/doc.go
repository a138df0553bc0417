// Package migration moves users with their passwords from a legacy system to a
// database connection of Auth0: in bulk before the switch, and one by one at
// their first login after it.
//
// # The legacy side
//
// A [Source] reads the legacy users; package sqlsource has one for SQL tables.
// Each [Record] has a permanent Key, which becomes the Auth0 user id, and its
// password as it is stored. Package passhash knows which stored passwords Auth0
// can import and verifies those that it cannot.
//
// # In bulk
//
// A [Runner] works through import jobs, the only way in which password hashes
// reach Auth0. First ask what would happen; nothing is written:
//
//	runner, err := migration.NewRunner(src, client, ledger, "my-database", migration.Config{})
//	…
//	plan, err := runner.Plan(ctx)
//
// A plan counts who keeps the password ([Direct], [Converted]), whom only a login
// can migrate ([LazyOnly]), who has no password ([ResetOnly]), and lists who is
// [Invalid] or a [Duplicate], with the rule. Then
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
// Memory is constant but for some 20 bytes for each email, username and phone
// number, by which duplicates are found.
//
// # At the first login
//
// A [Lazy] belongs into the service with the login form:
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
// It verifies first and creates then, bounds guesses for each account and each
// address, and bounds the computing. Users with second factors, and those whose
// password breaks the connection's policy, it creates by an import job, if
// LazyConfig.Importer is set. Memberships of the users that it has created are
// given by the next Sync.
//
// Bulk and lazy can run beside each other on one connection, as long as they have
// the same Run.
package migration
