package migration_test

import (
	"context"
	"errors"
	"fmt"
	"log"
	"net/netip"
	"slices"
	"strings"

	"github.com/auth0kit/auth0kit/management"
	"github.com/auth0kit/auth0kit/management/auth0test"
	"github.com/auth0kit/auth0kit/migration"
	"github.com/auth0kit/auth0kit/migration/passhash"
)

// legacy is a legacy system with four users. Programs read theirs with package
// sqlsource.
type legacy []migration.Record

func (l legacy) Page(_ context.Context, after string, limit int) ([]migration.Record, error) {
	i := slices.IndexFunc(l, func(r migration.Record) bool { return r.Key > after })
	if i < 0 {
		return nil, nil
	}
	return l[i:min(i+limit, len(l))], nil
}

func (l legacy) Find(_ context.Context, identifier string) (migration.Record, error) {
	i := slices.IndexFunc(l, func(r migration.Record) bool { return strings.EqualFold(r.Email, identifier) })
	if i < 0 {
		return migration.Record{}, migration.ErrNoUser
	}
	return l[i], nil
}

// The passwords are "correct-Horse7".
var legacyUsers = legacy{
	{Key: "1001", Email: "ada@example.com", Password: passhash.Stored{Value: "$2a$10$65Vh/EP6EVid5PI3iAI2QeoB.c6XqKwgUkAsA2vnJhb03Bu5VfekS"}},
	{Key: "1002", Email: "bob@example.com", Password: passhash.Stored{Value: "$P$6saltsaltXxetZHW9tLfjjizgmarF50"}}, // WordPress
	{Key: "1003", Email: "not an address", Password: passhash.Stored{Value: "$2a$10$65Vh/EP6EVid5PI3iAI2QeoB.c6XqKwgUkAsA2vnJhb03Bu5VfekS"}},
	{Key: "1004", Email: "ADA@example.com", Password: passhash.Stored{Value: "$2a$10$65Vh/EP6EVid5PI3iAI2QeoB.c6XqKwgUkAsA2vnJhb03Bu5VfekS"}},
}

// exampleClient returns a client of a tenant in this process. With a tenant of
// your own it is management.New with its domain and credentials.
func exampleClient() *management.Client {
	tenant := auth0test.NewTenant(auth0test.Options{JobTime: -1})
	tenant.AddConnection("my-database", "auth0")
	machine := tenant.Machine()
	client, err := management.New(management.Config{
		Domain: auth0test.DefaultDomain, ClientID: machine.ID, ClientSecret: machine.Secret,
		HTTPClient: tenant.HTTPClient(), MaxWait: -1,
	})
	if err != nil {
		log.Fatal(err)
	}
	return client
}

func ExampleRunner_Plan() {
	runner, err := migration.NewRunner(legacyUsers, exampleClient(), migration.NewMemoryLedger(), "my-database", migration.Config{})
	if err != nil {
		log.Fatal(err)
	}
	plan, err := runner.Plan(context.Background())
	if err != nil {
		log.Fatal(err)
	}
	fmt.Printf("%d users: %d keep their password, %d migrate at their next login\n",
		plan.Total, plan.Direct+plan.Converted, plan.LazyOnly)
	for _, p := range plan.Problems {
		fmt.Println(p.Key, p.Class, p.Rule, p.Path)
	}
	// Output:
	// 4 users: 1 keep their password, 1 migrate at their next login
	// 1003 invalid format email
	// 1004 duplicate duplicate email
}

func ExampleRunner_Run() {
	ctx := context.Background()
	ledger := migration.NewMemoryLedger() // package sqlmigration has one that survives the process
	runner, err := migration.NewRunner(legacyUsers, exampleClient(), ledger, "my-database", migration.Config{})
	if err != nil {
		log.Fatal(err)
	}
	result, err := runner.Run(ctx)
	if err != nil {
		log.Fatal(err) // not finished: run again to go on
	}
	fmt.Printf("%d of %d migrated, %d failed, %d left to Lazy, %d to correct\n",
		result.Migrated, result.Total, result.Failed, result.Lazy, result.Invalid+result.Duplicate)
	for o, err := range ledger.Outcomes(ctx, "my-database", "1004") {
		fmt.Println(o.Key, o.State, o.Code, o.Path, err)
	}
	// Output:
	// 1 of 4 migrated, 0 failed, 1 left to Lazy, 2 to correct
	// 1004 duplicate duplicate email <nil>
}

func ExampleRunner_Verify() {
	ctx := context.Background()
	client := exampleClient()
	runner, err := migration.NewRunner(legacyUsers, client, migration.NewMemoryLedger(), "my-database", migration.Config{})
	if err != nil {
		log.Fatal(err)
	}
	if _, err := runner.Run(ctx); err != nil {
		log.Fatal(err)
	}
	_, err = runner.Verify(ctx)
	fmt.Println("after the run:", err)
	if err := client.DeleteUser(ctx, "auth0|1001"); err != nil {
		log.Fatal(err)
	}
	v, err := runner.Verify(ctx)
	fmt.Println("after a deletion:", err)
	for _, d := range v.Differences {
		fmt.Println(d.UserID, d.Kind)
	}
	// Output:
	// after the run: <nil>
	// after a deletion: migration: Auth0 and the ledger differ: 0 changed, 1 missing of 1
	// auth0|1001 missing
}

func ExampleRunner_ApplyRollback() {
	ctx := context.Background()
	runner, err := migration.NewRunner(legacyUsers, exampleClient(), migration.NewMemoryLedger(), "my-database", migration.Config{})
	if err != nil {
		log.Fatal(err)
	}
	if _, err := runner.Run(ctx); err != nil {
		log.Fatal(err)
	}
	plan, err := runner.PlanRollback(ctx) // deletes nothing
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println("to delete:", plan.Users)
	result, err := runner.ApplyRollback(ctx, plan)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println("deleted:", result.RolledBack)
	// Output:
	// to delete: [1001]
	// deleted: 1
}

func ExampleLazy_Login() {
	lazy, err := migration.NewLazy(legacyUsers, exampleClient(), "my-database", migration.LazyConfig{})
	if err != nil {
		log.Fatal(err)
	}
	for _, password := range []string{"guess", "correct-Horse7", "correct-Horse7"} {
		user, err := lazy.Login(context.Background(), migration.Credentials{
			Identifier: "bob@example.com", Password: password, IP: netip.MustParseAddr("192.0.2.7"),
		})
		switch {
		case err == nil:
			fmt.Println("log in at Auth0 as", user.ID)
		case errors.Is(err, migration.ErrMigrated):
			fmt.Println("let Auth0 decide")
		default:
			fmt.Println(err)
		}
	}
	// Output:
	// migration: wrong identifier or password
	// log in at Auth0 as auth0|1002
	// let Auth0 decide
}
