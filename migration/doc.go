// Package migration moves users and their passwords from a legacy system to a
// database connection of Auth0: in bulk before the switch, and one by one at their
// first login after it.
//
//	package main
//
//	import (
//		"context"
//		"database/sql"
//		"fmt"
//		"log"
//		"os"
//
//		"github.com/auth0kit/auth0kit/management"
//		"github.com/auth0kit/auth0kit/migration"
//		"github.com/auth0kit/auth0kit/migration/sqlmigration"
//		"github.com/auth0kit/auth0kit/migration/sqlsource"
//	)
//
//	func main() {
//		ctx := context.Background()
//		legacy, err := sql.Open("pgx", os.Getenv("LEGACY_DATABASE")) // import a driver for its name
//		check(err)
//		users, err := sqlsource.New(legacy, sqlsource.Postgres, "members", sqlsource.Columns{
//			Key: "id", Email: "mail", Password: "password_hash",
//		}, sqlsource.Config{})
//		check(err)
//		cfg, err := management.ConfigFromEnv()
//		check(err)
//		cfg.MaxWait = -1 // a bulk run waits for the tenant's rate limit as long as it takes
//		client, err := management.New(cfg)
//		check(err)
//		db, err := sql.Open("pgx", os.Getenv("LEDGER_DATABASE"))
//		check(err)
//		ledger, err := sqlmigration.New(db, sqlmigration.Postgres, sqlmigration.Config{})
//		check(err)
//		check(ledger.CreateSchema(ctx))
//
//		runner, err := migration.NewRunner(users, client, ledger, migration.Run{
//			Source: "members-production", Connection: "customers", KeyPrefix: "members|",
//		}, migration.Config{})
//		check(err)
//		plan, err := runner.Plan(ctx) // writes nothing
//		check(err)
//		fmt.Println(plan.Direct+plan.Converted, "keep their password,", plan.LazyOnly, "at their next login")
//		result, err := runner.Run(ctx) // resumes where it was stopped
//		check(err)
//		fmt.Println(result.Migrated, "migrated,", result.Failed, "failed")
//	}
//
//	func check(err error) {
//		if err != nil {
//			log.Fatal(err)
//		}
//	}
//
// # The legacy side
//
// A [Source] reads the legacy users: package sqlsource out of SQL tables, package
// filesource out of files. Each [Record] has a permanent Key, which becomes the
// Auth0 user id, and the password as it is stored. Package passhash knows which
// stored passwords Auth0 can import, and verifies the others.
//
// # In bulk
//
// A [Runner] uses import jobs, the only way to give password hashes to Auth0. Plan
// counts users who keep the password ([Direct], [Converted]), users whom only a
// login can migrate ([LazyOnly]) and users without a password ([ResetOnly]), and
// lists [Invalid] and [Duplicate] users with the rule. Run imports everybody whom
// Config.Reset does not leave out. Run it again after a crash, on the same or
// another machine: a [driver.Ledger] remembers what was sent, a lease keeps two
// runners apart, and users are created once, because their ids are the keys, jobs
// never overwrite, and each user carries the mark of its run in
// app_metadata.auth0kit. Users whom Auth0 refused stay in the ledger with its code,
// and without any personal data; RetryFailed reads them from the source again.
//
// [Runner.Prove] verifies known test accounts against the source before anything is
// written. [Runner.Verify] compares all users with what was sent, [Runner.Sync]
// brings later changes of the source, and [Runner.PlanRollback] with
// [Runner.Apply] deletes what a run has created and nobody has used.
//
// The tenant sets the pace: two jobs at a time, some 30 to 110 users a second.
// Memory is constant except for some 20 bytes for each email, username and phone
// number, which are needed to find duplicates.
//
// # At the first login
//
// Package lazy belongs in the service that shows the login form, and package
// customdb behind Auth0's own login page. Both verify the legacy password before
// they create the user. A Runner and a Lazy can work on one connection at the same
// time if both have the same [Run].
package migration
