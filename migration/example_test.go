package migration_test

import (
	"context"
	"fmt"
	"log"
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

func (l legacy) Get(_ context.Context, key string) (migration.Record, error) {
	i := slices.IndexFunc(l, func(r migration.Record) bool { return r.Key == key })
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

// exampleRun is the migration. The prefix keeps its keys apart from those of the
// tenant's other database connection. The secret comes from where secrets are kept.
var exampleRun = migration.Run{
	Source: "crm-production", Connection: "my-database", KeyPrefix: "crm|", Secret: []byte("0123456789abcdef0123456789abcdef"),
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
	runner, err := migration.NewRunner(legacyUsers, exampleClient(), migration.NewMemoryLedger(), exampleRun, migration.Config{})
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
	runner, err := migration.NewRunner(legacyUsers, exampleClient(), ledger, exampleRun, migration.Config{})
	if err != nil {
		log.Fatal(err)
	}
	result, err := runner.Run(ctx)
	if err != nil {
		log.Fatal(err) // not finished: run again to go on
	}
	fmt.Printf("%d of %d migrated, %d failed, %d left to a login, %d to correct\n",
		result.Migrated, result.Total, result.Failed, result.Lazy, result.Invalid+result.Duplicate)
	for p, err := range runner.Problems(ctx) {
		if p.Class == migration.Duplicate {
			fmt.Println(p.Key, p.Rule, p.Path, err)
		}
	}
	// Output:
	// 1 of 4 migrated, 0 failed, 1 left to a login, 2 to correct
	// 1004 duplicate email <nil>
}

func ExampleRunner_Verify() {
	ctx := context.Background()
	client := exampleClient()
	runner, err := migration.NewRunner(legacyUsers, client, migration.NewMemoryLedger(), exampleRun, migration.Config{})
	if err != nil {
		log.Fatal(err)
	}
	if _, err := runner.Run(ctx); err != nil {
		log.Fatal(err)
	}
	_, err = runner.Verify(ctx)
	fmt.Println("after the run:", err)
	if err := client.DeleteUser(ctx, "auth0|crm|1001"); err != nil {
		log.Fatal(err)
	}
	v, err := runner.Verify(ctx)
	fmt.Println("after a deletion:", err)
	for _, d := range v.Differences {
		fmt.Println(d.UserID, d.Kind)
	}
	// Output:
	// after the run: <nil>
	// after a deletion: migration: Auth0 and the ledger differ: 0 changed, 1 missing of 1; 0 memberships missing of 0
	// auth0|crm|1001 missing
}

func ExampleRunner_Apply() {
	ctx := context.Background()
	runner, err := migration.NewRunner(legacyUsers, exampleClient(), migration.NewMemoryLedger(), exampleRun, migration.Config{})
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
	fmt.Println("to delete:", plan.Keys)
	result, err := runner.Apply(ctx, plan)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println("deleted:", result.RolledBack)
	// Output:
	// to delete: [1001]
	// deleted: 1
}
